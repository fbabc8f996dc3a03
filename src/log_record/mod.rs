//! An entry as an OpenTelemetry log record, whichever library's types it is made of.
//!
//! Promise: whatever a line says is in the record or was not asked for; the whole envelope is there, so that the far
//! side can count, order and check without us. Content goes only where configured.
//! Not here: batching, transport (`otlp`).
//!
//! Convention attributes keep their names, all else stands under `llm_audit.`. The severity is INFO, and WARN for what
//! was blocked or failed and for gaps; the conventions say DEBUG, which default filters drop.
//!
//! # Source
//! OpenTelemetry `GenAI` conventions, event `gen_ai.client.inference.operation.details`; logs data model 1.

mod value;

use std::borrow::Cow;

pub(crate) use self::value::LogValue;
use self::value::{any, exact_double, typed};
use crate::{
    operation::is_inference,
    semconv::{
        self, COST_USD, COST_USD_EXACT, EVENT_INFERENCE, LOG_RECORD_UID, OWN_PREFIX,
        attribute_of_key,
    },
};
use llm_audit_journal::{
    clock::Timestamp,
    entry::{Class, Entry, Kind, Leaf, schema::key},
    json,
};

/// Room for the attributes of an ordinary call.
const ATTRIBUTES_EXPECTED: usize = 48;

/// What of an entry is sent beside its facts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Encoding {
    /// Content, where the journal has any.
    pub(crate) content: bool,
    /// The line, as the body.
    pub(crate) line_body: bool,
}

/// Names and values; the conventions' names cost nothing.
pub(crate) type Attributes<V> = Vec<(Cow<'static, str>, V)>;

/// A log record of values of one library.
pub(crate) struct LogRecord<V> {
    pub(crate) time_unix_ns: u64,
    pub(crate) observed_time_unix_ns: u64,
    pub(crate) is_warning: bool,
    pub(crate) event_name: String,
    pub(crate) trace_flags: u8,
    pub(crate) trace_id: Option<[u8; 16]>,
    pub(crate) span_id: Option<[u8; 8]>,
    /// The line, where it was asked for.
    pub(crate) body: Option<String>,
    pub(crate) attributes: Attributes<V>,
}

impl Encoding {
    /// Makes the log record of an entry.
    pub(crate) fn log_record<V: LogValue>(self, entry: &Entry<'_>) -> LogRecord<V> {
        let kind = entry.position().kind;
        let mut facts = Facts::default();
        let mut attributes = Vec::with_capacity(ATTRIBUTES_EXPECTED);
        envelope(entry, &mut attributes);
        for (key, raw) in entry.members() {
            if !facts.take(&key, raw) {
                self.push_member(&key, raw, &mut attributes);
            }
        }
        push_response_model(entry, &mut attributes);
        let body = || String::from_utf8_lossy(entry.line()).into_owned();
        LogRecord {
            time_unix_ns: facts.started_ns,
            observed_time_unix_ns: facts.started_ns.saturating_add(facts.latency_ns),
            // A gap is a loss that somebody should see.
            is_warning: facts.is_warning || kind == Kind::Gap,
            event_name: facts.event_name(kind),
            trace_flags: facts.trace_flags,
            trace_id: facts.trace_id,
            span_id: facts.span_id,
            body: self.line_body.then(body),
            attributes,
        }
    }

    fn push_member<V: LogValue>(self, key: &str, raw: &[u8], attributes: &mut Attributes<V>) {
        match key {
            key::COST_USD => push_cost(raw, attributes),
            key::TIME_TO_FIRST_CHUNK_MS => push_seconds(key, raw, attributes),
            // An empty text says that there is none.
            _ if raw == b"null" || raw == b"\"\"" => {}
            _ if Class::of_key(key) == Class::Content => {
                if self.content {
                    push_content(key, raw, attributes);
                }
            }
            _ => attributes.extend(fact(key, raw)),
        }
    }
}

/// What stands in the log record's own fields.
#[derive(Default)]
struct Facts {
    started_ns: u64,
    latency_ns: u64,
    trace_flags: u8,
    trace_id: Option<[u8; 16]>,
    span_id: Option<[u8; 8]>,
    is_warning: bool,
    operation: String,
}

impl Facts {
    /// Notes what the record's own fields need; says whether the member is no attribute beside.
    fn take(&mut self, key: &str, raw: &[u8]) -> bool {
        match key {
            key::TIMESTAMP => {
                let time = json::text(raw).and_then(|text| Timestamp::parse(&text));
                self.started_ns = time.map_or(0, Timestamp::as_nanos_unsigned);
                return true;
            }
            key::TRACE_ID => return take_id(raw, &mut self.trace_id),
            key::SPAN_ID => return take_id(raw, &mut self.span_id),
            key::TRACE_FLAGS => {
                self.trace_flags = json::unsigned(raw).unwrap_or(0) as u8;
                return true;
            }
            key::LATENCY_MS => self.latency_ns = nanoseconds(raw).unwrap_or(0),
            key::STATUS => self.is_warning = raw == b"\"error\"" || raw == b"\"blocked\"",
            key::OPERATION => self.operation = json::text(raw).unwrap_or_default().into_owned(),
            _ => {}
        }
        false
    }

    /// The conventions' event for a finished inference; our own for the rest.
    fn event_name(&self, kind: Kind) -> String {
        let operation = self.operation.as_str();
        let is_name = |text: &str| {
            let mut bytes = text.bytes();
            !text.is_empty()
                && bytes
                    .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if kind != Kind::Call {
            format!("{OWN_PREFIX}{kind}")
        } else if is_inference(operation) {
            EVENT_INFERENCE.to_owned()
        } else if is_name(operation) {
            format!("{OWN_PREFIX}{operation}")
        } else {
            format!("{OWN_PREFIX}call")
        }
    }
}

/// `model` is the response's, or else the request's: only the former is named so.
fn push_response_model<V: LogValue>(entry: &Entry<'_>, attributes: &mut Attributes<V>) {
    if entry.position().kind != Kind::Call {
        return;
    }
    let model = entry.get(key::MODEL);
    let is_response_s =
        entry.get(key::REQUEST_MODEL) != model || entry.get(key::RESPONSE_ID).is_some();
    if let Some(value) = model.filter(|_| is_response_s).and_then(any) {
        attributes.push((semconv::RESPONSE_MODEL.into(), value));
    }
}

fn envelope<V: LogValue>(entry: &Entry<'_>, attributes: &mut Attributes<V>) {
    let at = entry.position();
    let stream = at.stream.to_string();
    let commitments = entry
        .commitments()
        .map(|hash| V::text(&Leaf::from_bytes(hash).to_string()));
    let uid = format!("{stream}-{}", at.seq);
    let values = [
        ("stream", V::text(&stream)),
        ("seq", count(at.seq)),
        ("acc", count(at.acc)),
        ("kind", V::text(&at.kind.to_string())),
        ("day", V::int(i64::from(at.day))),
        ("prev", V::text(&at.prev.to_string())),
        ("commit", V::list(commitments.into())),
        ("leaf", V::text(&entry.leaf().to_string())),
    ];
    attributes.push((LOG_RECORD_UID.into(), V::text(&uid)));
    attributes.extend(values.map(|(name, value)| (own(name), value)));
}

fn fact<V: LogValue>(key: &str, raw: &[u8]) -> Option<(Cow<'static, str>, V)> {
    Some(match attribute_of_key(key) {
        Some(known) => (known.name.into(), typed(raw, known.value)?),
        None => (own(key), any(raw)?),
    })
}

/// The cost as a double that prints as it is, else as text under a name of its own.
fn push_cost<V: LogValue>(raw: &[u8], attributes: &mut Attributes<V>) {
    let Ok(spelled) = std::str::from_utf8(raw) else {
        return;
    };
    match (raw == b"null", exact_double(spelled)) {
        (true, _) => {}
        (false, Some(cost)) => attributes.push((COST_USD.into(), V::double(cost))),
        (false, None) => attributes.push((COST_USD_EXACT.into(), V::text(spelled))),
    }
}

/// The conventions measure in seconds what the record has in milliseconds.
fn push_seconds<V: LogValue>(key: &str, raw: &[u8], attributes: &mut Attributes<V>) {
    if let (Some(known), Some(nanoseconds)) = (attribute_of_key(key), nanoseconds(raw)) {
        attributes.push((known.name.into(), V::double(nanoseconds as f64 / 1e9)));
    }
}

/// Content stands under the conventions' name only in the conventions' form, messages with parts.
fn push_content<V: LogValue>(key: &str, raw: &[u8], attributes: &mut Attributes<V>) {
    let mut elements = json::elements(raw);
    let is_messages = elements
        .next()
        .is_some_and(|first| first.is_ok_and(|first| json::member(first, "parts").is_some()));
    let name = match key {
        key::INPUT if is_messages => semconv::INPUT_MESSAGES.into(),
        key::OUTPUT if is_messages => semconv::OUTPUT_MESSAGES.into(),
        _ => own(key),
    };
    attributes.extend(any(raw).map(|value| (name, value)));
}

fn own(name: &str) -> Cow<'static, str> {
    Cow::Owned([OWN_PREFIX, name].concat())
}

fn count<V: LogValue>(count: u64) -> V {
    V::int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Reads a hexadecimal id, not all zero; anything else stays an attribute.
fn take_id<const BYTES: usize>(raw: &[u8], id: &mut Option<[u8; BYTES]>) -> bool {
    let digits = raw
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let Some(digits) = digits.filter(|digits| digits.len() == 2 * BYTES) else {
        return false;
    };
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let mut bytes = [0; BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (Some(high), Some(low)) = (value(pair[0]), value(pair[1])) else {
            return false;
        };
        *byte = high << 4 | low;
    }
    *id = (bytes != [0; BYTES]).then_some(bytes);
    id.is_some()
}

/// Reads milliseconds, fractions included.
fn nanoseconds(raw: &[u8]) -> Option<u64> {
    let millis: f64 = std::str::from_utf8(raw).ok()?.parse().ok()?;
    Some((millis * 1e6).round() as u64)
}
