//! Seals a record: plaintext in memory becomes the members of a line.
//!
//! Promise: content is hashed and dropped unless the host asked for it in plaintext; error texts come redacted and
//! other texts of facts are redacted here; nothing reaches the journal but through a [`SealedRecord`].
//! Not here: hashing the line (`entry`), how the operation ended (`judge`).

mod content;
mod facts;
#[cfg(test)]
mod tests;

use std::io::Write as _;

use self::content::Contents;
use crate::{
    digest::{Digester, Hashing},
    outcome::Outcome,
    record::{AuditRecord, CallData, Capture, Stage},
    submit::Hashes,
};
use llm_audit_journal::{
    entry::{Members, schema::key},
    journal::HashKey,
    json,
};

/// Bytes of a provider's usage object that are kept where that is asked for.
const RAW_USAGE_BYTES_MAX: usize = 16 << 10;

/// What becomes of content in plaintext.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// It is hashed and dropped.
    #[default]
    Drop,
    /// It is hashed, and kept in the journal as it is: whoever reads the journal reads every prompt and answer.
    Plain,
}

impl Content {
    /// Returns the word in a `config` entry.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Plain => "plain",
        }
    }
}

/// A record without plaintext: the members of its line. Only a [`Sealer`] makes one.
///
/// Reusable: sealing the next record into it keeps the memory.
#[derive(Default)]
pub(crate) struct SealedRecord {
    members: Members,
    scratch: Vec<u8>,
}

impl SealedRecord {
    /// Returns the members of the line.
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }
}

/// Seals records in one way.
pub(crate) struct Sealer {
    digester: Digester,
    content: Content,
    with_raw_usage: bool,
    service_name: Option<String>,
}

impl Sealer {
    /// Makes a sealer; `key` is the hash key beside the journal.
    pub(crate) fn new(hashing: &Hashing, key: Option<&HashKey>, content: Content) -> Self {
        Self {
            digester: Digester::new(hashing, key),
            content,
            with_raw_usage: false,
            service_name: None,
        }
    }

    /// Keeps the provider's own usage object in every record.
    pub(crate) fn raw_usage(mut self, on: bool) -> Self {
        self.with_raw_usage = on;
        self
    }

    /// Names the service in every record.
    pub(crate) fn service_name(mut self, name: Option<String>) -> Self {
        self.service_name = name;
        self
    }

    /// Hashes a record's content.
    pub(crate) fn hashes(&self, record: &AuditRecord) -> Hashes {
        self.hash(&Contents::of(record), &mut Vec::new())
    }

    /// Seals a record, of a beginning or of a whole, into `sealed`.
    pub(crate) fn seal(&self, record: &AuditRecord, outcome: &Outcome, sealed: &mut SealedRecord) {
        let contents = Contents::of(record);
        let hashes = self.hash(&contents, &mut sealed.scratch);
        let members = &mut sealed.members;
        members.clear();
        push_seed_keys(members, record, outcome, &hashes);
        facts::push(members, record);
        push_outcome(members, outcome);
        if self.with_raw_usage {
            push_raw_usage(members, outcome);
        }
        push_trace(members, record);
        self.push_provenance(members, record, &contents);
        if self.content == Content::Plain {
            contents.push_plain(members);
        }
    }

    fn hash(&self, contents: &Contents<'_>, scratch: &mut Vec<u8>) -> Hashes {
        let mut hash = |material: &Option<_>| {
            let material = material.as_ref();
            material.map_or_else(String::new, |material| {
                self.digester.hash(material, scratch)
            })
        };
        Hashes {
            system_prompt: hash(&contents.system),
            input: hash(&contents.input),
            output: hash(&contents.output),
        }
    }

    fn push_provenance(
        &self,
        members: &mut Members,
        record: &AuditRecord,
        contents: &Contents<'_>,
    ) {
        members.push_str(key::CAPTURE, &captured(record, contents));
        if let Some(name) = &self.service_name {
            members.push_str(key::SERVICE_NAME, name);
        }
    }
}

/// How the record came to be: a word for each thing that was so.
fn captured(record: &AuditRecord, contents: &Contents<'_>) -> String {
    let call = record.call.as_deref();
    let seen = call.map(|call| call.captured).unwrap_or_default();
    let begins = match record.capture {
        Capture::Span if contents.is_of_attributes => "attributes",
        Capture::Span => "span",
        Capture::Detached => "detached",
        Capture::Http => "http",
    };
    let is_span = record.capture == Capture::Span;
    let further = [
        ("+http", seen.is_http && record.capture != Capture::Http),
        ("+attributes", contents.is_of_attributes && !is_span),
        ("+request_unread", seen.request_unread),
        ("+response_partial", seen.response_partial),
    ];
    let further = further.into_iter().filter(|(_, is_so)| *is_so);
    std::iter::once(begins)
        .chain(further.map(|(word, _)| word))
        .collect()
}

/// The seventeen keys that every record has.
fn push_seed_keys(members: &mut Members, record: &AuditRecord, outcome: &Outcome, hashes: &Hashes) {
    let call = record.call.as_deref();
    let usage = &outcome.usage;
    let model = outcome
        .response_model
        .as_ref()
        .or(outcome.request_model.as_ref());
    members.push_with(key::REQUEST_ID, |out| {
        quoted(out, format_args!("{}", record.request_id));
    });
    members.push_with(key::TIMESTAMP, |out| {
        quoted(out, format_args!("{}", record.started_at));
    });
    facts::push_user(members, record, outcome.detail.user.as_deref());
    match model {
        Some(model) => members.push_str(key::MODEL, &facts::clean(model)),
        None => members.push_null(key::MODEL),
    }
    members.push_str(key::ACTION, &facts::clean(&outcome.action));
    members.push_str(key::SYSTEM_PROMPT_HASH, &hashes.system_prompt);
    push_count_or_null(members, key::INPUT_TOKENS, usage.input_tokens);
    push_count_or_null(members, key::OUTPUT_TOKENS, usage.output_tokens);
    push_count_or_null(members, key::THINKING_TOKENS, usage.thinking_tokens);
    let latency_ms = (record.stage == Stage::Ended).then_some(record.latency_ns / 1_000_000);
    push_count_or_null(members, key::LATENCY_MS, latency_ms);
    match outcome.cost.usd {
        Some(usd) => members.push_raw(key::COST_USD, usd.to_string().as_bytes()),
        None => members.push_null(key::COST_USD),
    }
    members.push_str(key::STATUS, outcome.status.as_str());
    members.push_str(key::ERROR_MESSAGE, &outcome.error_message);
    let events = call
        .map(|call| call.sanitization.as_slice())
        .unwrap_or_default();
    let found = events
        .iter()
        .fold(0_u64, |sum, event| sum.saturating_add(event.count));
    members.push_u64(key::SANITIZATION_COUNT, found);
    members.push_str(key::INPUT_HASH, &hashes.input);
    members.push_str(key::OUTPUT_HASH, &hashes.output);
    push_metadata(members, call);
}

fn push_metadata(members: &mut Members, call: Option<&CallData>) {
    let metadata = call
        .map(|call| call.metadata.as_slice())
        .unwrap_or_default();
    if metadata.is_empty() {
        return members.push_null(key::METADATA);
    }
    members.push_with(key::METADATA, |out| {
        out.push(b'{');
        let latest = |at: usize| {
            metadata[at + 1..]
                .iter()
                .all(|(key, _)| *key != metadata[at].0)
        };
        let mut is_first = true;
        for (_, (key, value)) in metadata.iter().enumerate().filter(|(at, _)| latest(*at)) {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            json::write_str(out, key);
            out.push(b':');
            let end = out.len();
            if json::normalize(out, value.as_bytes(), 3).is_err() {
                // What is no JSON was meant as a text.
                out.truncate(end);
                json::write_str(out, value);
            }
        }
        out.push(b'}');
    });
}

/// What was judged, beside the seventeen keys.
fn push_outcome(members: &mut Members, outcome: &Outcome) {
    let (usage, detail) = (&outcome.usage, &outcome.detail);
    members.push_str(key::OPERATION, &facts::clean(&outcome.operation));
    let texts = [
        (key::PROVIDER, &outcome.provider),
        (key::REQUEST_MODEL, &outcome.request_model),
        (key::RESPONSE_ID, &outcome.response_id),
        (key::PROVIDER_REQUEST_ID, &detail.provider_request_id),
        (key::SERVICE_TIER, &outcome.service_tier),
        (key::ERROR_TYPE, &outcome.error_type),
        (key::BLOCKED_REASON, &detail.blocked_reason),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            members.push_str(key, &facts::clean(text));
        }
    }
    let counts = [
        (key::CACHE_READ_TOKENS, usage.cache_read_tokens),
        (key::CACHE_WRITE_TOKENS, usage.cache_write_tokens),
        (key::CACHE_WRITE_1H_TOKENS, usage.cache_write_1h_tokens),
        (key::WEB_SEARCHES, usage.web_searches),
        (key::AUDIO_INPUT_TOKENS, detail.audio_input_tokens),
        (key::AUDIO_OUTPUT_TOKENS, detail.audio_output_tokens),
        (key::RESPONSES_SUMMED, outcome.responses_summed),
        (key::HTTP_STATUS, detail.http_status.map(u64::from)),
    ];
    for (key, count) in counts {
        if let Some(count) = count {
            members.push_u64(key, count);
        }
    }
    if !outcome.finish_reasons.is_empty() {
        members.push_with(key::FINISH_REASONS, |out| {
            facts::write_texts(out, &outcome.finish_reasons);
        });
    }
    if let Some(stream) = outcome.stream {
        members.push_bool(key::STREAM, stream);
    }
    if let Some(cost) = &detail.reported_cost_usd {
        // A number's text out of a body: normalised, or left out.
        let _ = members.push_json(key::REPORTED_COST_USD, cost.as_bytes());
    }
    if let Some(pricing) = &outcome.cost.pricing {
        members.push_raw(key::PRICING, pricing.as_bytes());
    }
}

/// A host may put anything into such an object: one that is no small JSON is left out.
fn push_raw_usage(members: &mut Members, outcome: &Outcome) {
    let usage = outcome.detail.raw_usage.as_deref();
    if let Some(usage) = usage.filter(|usage| usage.len() <= RAW_USAGE_BYTES_MAX) {
        let _ = members.push_json(key::RAW_USAGE, usage);
    }
}

fn push_trace(members: &mut Members, record: &AuditRecord) {
    let trace = &record.trace;
    if trace.trace_id != [0; 16] {
        members.push_with(key::TRACE_ID, |out| hex(out, &trace.trace_id));
        members.push_with(key::SPAN_ID, |out| hex(out, &trace.span_id));
        members.push_u64(key::TRACE_FLAGS, u64::from(trace.flags));
    }
    if let Some(parent) = record.parent_request_id {
        members.push_with(key::PARENT_REQUEST_ID, |out| {
            quoted(out, format_args!("{parent}"));
        });
    }
}

fn push_count_or_null(members: &mut Members, key: &str, count: Option<u64>) {
    match count {
        Some(count) => members.push_u64(key, count),
        None => members.push_null(key),
    }
}

/// Writes what needs no escaping.
fn quoted(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.push(b'"');
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
    out.push(b'"');
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        out.extend([
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
    out.push(b'"');
}
