//! An entry as an OTLP log record.
//!
//! Promise: whatever a line says is in the record or was not asked for; the whole envelope is there, so that the far
//! side can count, order and check without us. Content goes only where configured.
//! Not here: batching (`split`), transport.
//!
//! Convention attributes keep their names, all else stands under `llm_audit.`. The severity is INFO, and WARN for what
//! was blocked or failed and for gaps; the conventions say DEBUG, which default filters drop.
//!
//! # Source
//! OpenTelemetry GenAI conventions, event `gen_ai.client.inference.operation.details`; logs data model 1.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value},
    logs::v1::{LogRecord, SeverityNumber},
};

use super::value::{any, attribute, exact_double, typed};
use crate::{
    clock::Timestamp,
    entry::{Class, Entry, Kind},
    json,
    semconv::{
        self, COST_USD, COST_USD_EXACT, EVENT_INFERENCE, INFERENCE_OPERATIONS, LOG_RECORD_UID,
        OWN_PREFIX, attribute_of_key,
    },
};

/// What of an entry is sent beside its facts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Encoding {
    /// Content, where the journal has any.
    pub(crate) content: bool,
    /// The line, as the body.
    pub(crate) line_body: bool,
}

impl Encoding {
    /// Makes the log record of an entry.
    pub(crate) fn log_record(self, entry: &Entry<'_>) -> LogRecord {
        let mut facts = Facts::default();
        let mut attributes = Vec::with_capacity(48);
        envelope(entry, &mut attributes);
        for (key, raw) in entry.members() {
            if !facts.take(&key, raw) {
                self.push_member(&key, raw, &mut attributes);
            }
        }
        facts.push_response_model(entry, &mut attributes);
        let severity = facts.severity(entry.position().kind);
        LogRecord {
            time_unix_nano: facts.started_ns,
            observed_time_unix_nano: facts.started_ns.saturating_add(facts.latency_ns),
            severity_number: severity.into(),
            severity_text: if severity == SeverityNumber::Warn {
                "WARN"
            } else {
                "INFO"
            }
            .to_owned(),
            event_name: facts.event_name(entry.position().kind),
            flags: facts.trace_flags,
            trace_id: facts.trace_id,
            span_id: facts.span_id,
            body: self.line_body.then(|| body(entry.line())),
            attributes,
            dropped_attributes_count: 0,
        }
    }

    fn push_member(self, key: &str, raw: &[u8], attributes: &mut Vec<KeyValue>) {
        match key {
            "cost_usd" => push_cost(raw, attributes),
            "time_to_first_chunk_ms" => push_seconds(key, raw, attributes),
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
    trace_flags: u32,
    trace_id: Vec<u8>,
    span_id: Vec<u8>,
    is_warning: bool,
    operation: String,
}

impl Facts {
    /// Notes what the record's own fields need; says whether the member is no attribute beside.
    fn take(&mut self, key: &str, raw: &[u8]) -> bool {
        match key {
            "timestamp" => {
                let time = json::text(raw).and_then(|text| Timestamp::parse(&text));
                self.started_ns = time.map_or(0, Timestamp::as_nanos_unsigned);
                return true;
            }
            "trace_id" => return take_id::<16>(raw, &mut self.trace_id),
            "span_id" => return take_id::<8>(raw, &mut self.span_id),
            "trace_flags" => {
                let flags = json::unsigned(raw).and_then(|flags| u32::try_from(flags).ok());
                self.trace_flags = flags.unwrap_or(0) & 0xff;
                return true;
            }
            "latency_ms" => self.latency_ns = nanoseconds(raw).unwrap_or(0),
            "status" => self.is_warning = raw == b"\"error\"" || raw == b"\"blocked\"",
            "operation" => self.operation = json::text(raw).unwrap_or_default().into_owned(),
            _ => {}
        }
        false
    }

    fn severity(&self, kind: Kind) -> SeverityNumber {
        // A gap is a loss that somebody should see.
        if self.is_warning || kind == Kind::Gap {
            SeverityNumber::Warn
        } else {
            SeverityNumber::Info
        }
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
        } else if INFERENCE_OPERATIONS.contains(&operation) {
            EVENT_INFERENCE.to_owned()
        } else if is_name(operation) {
            format!("{OWN_PREFIX}{operation}")
        } else {
            format!("{OWN_PREFIX}call")
        }
    }

    /// `model` is the response's, or else the request's: only the former is named so.
    fn push_response_model(&self, entry: &Entry<'_>, attributes: &mut Vec<KeyValue>) {
        if entry.position().kind != Kind::Call {
            return;
        }
        let Some(model) = entry.get("model").filter(|raw| *raw != b"null") else {
            return;
        };
        let is_response_s =
            entry.get("request_model") != Some(model) || entry.get("response_id").is_some();
        if let Some(value) = any(model).filter(|_| is_response_s) {
            attributes.push(attribute(semconv::RESPONSE_MODEL, value));
        }
    }
}

fn envelope(entry: &Entry<'_>, attributes: &mut Vec<KeyValue>) {
    let at = entry.position();
    let stream = at.stream.to_string();
    let commitments = entry.commitments().map(|hash| AnyValue {
        value: Some(text(crate::entry::Leaf::from_bytes(hash).to_string())),
    });
    let values = [
        ("stream", text(stream.clone())),
        ("seq", count(at.seq)),
        ("acc", count(at.acc)),
        ("kind", text(at.kind.to_string())),
        ("day", count(u64::from(at.day))),
        ("prev", text(at.prev.to_string())),
        (
            "commit",
            Value::ArrayValue(ArrayValue {
                values: commitments.to_vec(),
            }),
        ),
        ("leaf", text(entry.leaf().to_string())),
    ];
    attributes.push(attribute(
        LOG_RECORD_UID,
        text(format!("{stream}-{}", at.seq)),
    ));
    attributes.extend(values.map(|(name, value)| attribute(own(name), value)));
}

fn fact(key: &str, raw: &[u8]) -> Option<KeyValue> {
    Some(match attribute_of_key(key) {
        Some(known) => attribute(known.name, typed(raw, known.value)?),
        None => attribute(own(key), any(raw)?),
    })
}

/// The cost as a double that prints as it is, else as text under a name of its own.
fn push_cost(raw: &[u8], attributes: &mut Vec<KeyValue>) {
    let Ok(spelled) = std::str::from_utf8(raw) else {
        return;
    };
    match (raw == b"null", exact_double(spelled)) {
        (true, _) => {}
        (false, Some(cost)) => attributes.push(attribute(COST_USD, Value::DoubleValue(cost))),
        (false, None) => attributes.push(attribute(COST_USD_EXACT, text(spelled.to_owned()))),
    }
}

/// The conventions measure in seconds what the record has in milliseconds.
fn push_seconds(key: &str, raw: &[u8], attributes: &mut Vec<KeyValue>) {
    if let (Some(known), Some(nanoseconds)) = (attribute_of_key(key), nanoseconds(raw)) {
        let seconds = Value::DoubleValue(nanoseconds as f64 / 1e9);
        attributes.push(attribute(known.name, seconds));
    }
}

/// Content stands under the conventions' name only in the conventions' form, messages with parts.
fn push_content(key: &str, raw: &[u8], attributes: &mut Vec<KeyValue>) {
    let mut elements = json::elements(raw);
    let is_messages = elements
        .next()
        .is_some_and(|first| first.is_ok_and(|first| json::member(first, "parts").is_some()));
    let name = match key {
        "input" if is_messages => semconv::INPUT_MESSAGES.to_owned(),
        "output" if is_messages => semconv::OUTPUT_MESSAGES.to_owned(),
        _ => own(key),
    };
    attributes.extend(any(raw).map(|value| attribute(name, value)));
}

fn own(name: &str) -> String {
    [OWN_PREFIX, name].concat()
}

fn text(text: String) -> Value {
    Value::StringValue(text)
}

fn count(count: u64) -> Value {
    Value::IntValue(i64::try_from(count).unwrap_or(i64::MAX))
}

fn body(line: &[u8]) -> AnyValue {
    let value = Some(text(String::from_utf8_lossy(line).into_owned()));
    AnyValue { value }
}

/// Reads a hexadecimal id of `BYTES` bytes, not all zero; anything else stays an attribute.
fn take_id<const BYTES: usize>(raw: &[u8], id: &mut Vec<u8>) -> bool {
    let digits = raw
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let Some(digits) = digits.filter(|digits| digits.len() == 2 * BYTES) else {
        return false;
    };
    let (pairs, _) = digits.as_chunks::<2>();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    let byte = |[high, low]: &[u8; 2]| Some(value(*high)? << 4 | value(*low)?);
    let Some(bytes) = pairs.iter().map(byte).collect::<Option<Vec<u8>>>() else {
        return false;
    };
    let is_id = bytes.iter().any(|byte| *byte != 0);
    if is_id {
        *id = bytes;
    }
    is_id
}

/// Reads milliseconds, fractions included.
fn nanoseconds(raw: &[u8]) -> Option<u64> {
    let millis: f64 = std::str::from_utf8(raw).ok()?.parse().ok()?;
    Some((millis * 1e6).round() as u64)
}

#[cfg(test)]
mod tests;
