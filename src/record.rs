//! The audit record as it lies in memory: plaintext, not serializable, on its way to be sealed.
//!
//! Promise: nothing here can be printed or written: `Debug` shows ids and sizes, never content.
//! Not here: judging the record (`outcome`), turning it into bytes (`seal`).

use std::fmt;

use crate::{
    ack::AckResolver,
    facts::Facts,
    flavour::Flavour,
    operation::{RequestId, SanitizationEvent, TraceIds, Usage},
    outcome::Judged,
    who::Who,
};
use llm_audit_journal::clock::Timestamp;

/// Content as it was handed over: hashed, and kept only where configured.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// One text: hashed as its bytes.
    Text(String),
    /// The bytes of one JSON value: hashed in their RFC 8785 form, or as they are when they are no JSON.
    Json(Vec<u8>),
}

impl Payload {
    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Json(bytes) => bytes.len(),
        }
    }

    /// Says whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Payload({} bytes)", self.len())
    }
}

/// One response body as received, with what HTTP said about it.
#[derive(Clone, Default)]
pub(crate) struct ResponseBody {
    pub(crate) bytes: Vec<u8>,
    pub(crate) http_status: Option<u16>,
    /// False where the body was cut: its connection broke, or its reader was dropped.
    pub(crate) complete: bool,
    /// Known from host and path, or from the caller; `None` where the content must tell.
    pub(crate) flavour: Option<Flavour>,
    /// The response's headers that readers use (`provider::KEPT_HEADERS`), names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The HTTP exchange in which it was captured; `None` where the host told it.
    pub(crate) exchange: Option<u64>,
    /// Bytes between its beginning and its end that were not kept.
    pub(crate) omitted_bytes: u64,
}

/// What an HTTP client saw of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captured {
    pub(crate) is_http: bool,
    /// The request is a stream, or too long to be kept.
    pub(crate) request_unread: bool,
    /// Of a response too long to be kept, the middle is missing.
    pub(crate) response_partial: bool,
}

/// An error as the caller or a span told it; its text is redacted before it goes anywhere.
#[derive(Clone, Default)]
pub(crate) struct CallError {
    pub(crate) error_type: Option<String>,
    pub(crate) message: String,
}

/// What the handle was given, beside the span's attributes.
#[derive(Clone, Default)]
pub(crate) struct CallData {
    pub(crate) system: Option<Payload>,
    pub(crate) input: Option<Payload>,
    pub(crate) output: Option<Payload>,
    /// The whole request body, as sent: its `messages`, `system` and model are read from it.
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) responses: Vec<ResponseBody>,
    pub(crate) captured: Captured,
    pub(crate) usage: Option<Usage>,
    /// The reason's code, where a guard refused.
    pub(crate) blocked: Option<String>,
    pub(crate) error: Option<CallError>,
    pub(crate) sanitization: Vec<SanitizationEvent>,
    /// Key and JSON text of each metadata member.
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) attempts: Option<u64>,
}

impl CallData {
    /// Begins with the metadata that a scope says; `None` where it says none.
    pub(crate) fn of(who: &Who) -> Option<Box<Self>> {
        let metadata = who.metadata_members();
        (!metadata.is_empty()).then(|| {
            Box::new(Self {
                metadata: metadata.to_vec(),
                ..Self::default()
            })
        })
    }

    /// Returns the bytes held, for the queue's bound.
    pub(crate) fn size(&self) -> usize {
        let payloads = [&self.system, &self.input, &self.output];
        let content: usize = payloads.into_iter().flatten().map(Payload::len).sum();
        let responses: usize = self
            .responses
            .iter()
            .map(|response| response.bytes.len())
            .sum();
        let metadata: usize = self
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        let error = self.error.as_ref().map_or(0, |error| error.message.len());
        content + responses + metadata + error + self.request.as_ref().map_or(0, Vec::len)
    }
}

/// How the span ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It closed in the ordinary way.
    Closed,
    /// Its thread was unwinding.
    Panicked,
    /// Its future was dropped before it was done, or its stream before its end.
    Cancelled,
}

/// Whether the record tells a beginning or the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The operation started: a `begin` entry, where those are on.
    Begun,
    /// It ended: a `call` entry.
    Ended,
}

/// How the record came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// A span that our layer saw.
    Span,
    /// Written by the handle, because the span was disabled.
    Detached,
    /// Seen by an HTTP client, with no span around that says the same.
    Http,
}

/// One operation, as captured: facts, content in plaintext, and how it ended.
///
/// Not serializable, and not printable beyond its id: what leaves the process is a sealed record.
#[must_use = "a record that is not submitted is a call without an audit"]
pub struct AuditRecord {
    pub(crate) stage: Stage,
    pub(crate) request_id: RequestId,
    pub(crate) started_at: Timestamp,
    pub(crate) latency_ns: u64,
    pub(crate) first_chunk_ns: Option<u64>,
    /// The span's name: the action, where nothing better is known.
    pub(crate) name: &'static str,
    pub(crate) facts: Facts,
    pub(crate) call: Option<Box<CallData>>,
    pub(crate) trace: TraceIds,
    pub(crate) parent_request_id: Option<RequestId>,
    pub(crate) end: End,
    pub(crate) capture: Capture,
    /// A span below reported usage, so this record's tokens and cost are null.
    pub(crate) usage_is_nested: bool,
    /// Judged on the caller, where an OpenTelemetry span shows it; else in seal.
    pub(crate) outcome: Option<Judged>,
    /// Somebody waits for this record to be durable.
    pub(crate) ack: Option<AckResolver>,
}

impl AuditRecord {
    /// Returns our id of the operation.
    pub fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// Returns the bytes held, for the queue's bound.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.facts.size() + self.call.as_ref().map_or(0, |call| call.size())
    }
}

impl fmt::Debug for AuditRecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "AuditRecord({}, {} bytes)",
            self.request_id,
            self.size()
        )
    }
}

#[cfg(test)]
impl AuditRecord {
    /// A finished record with nothing in it, for tests of what carries records.
    pub(crate) fn sample() -> Box<Self> {
        Box::new(Self {
            stage: Stage::Ended,
            request_id: RequestId::new(Timestamp::from_micros(1), &[7; 10]),
            started_at: Timestamp::from_micros(1),
            latency_ns: 1,
            first_chunk_ns: None,
            name: "sample",
            facts: Facts::default(),
            call: None,
            trace: TraceIds::default(),
            parent_request_id: None,
            end: End::Closed,
            capture: Capture::Span,
            usage_is_nested: false,
            outcome: None,
            ack: None,
        })
    }
}
