//! The words for one LLM operation: its id, its status, its tokens, what was sanitized.
//!
//! Promise: these types hold no content; they can be printed.
//! Not here: how any of it is read from a provider (`provider`) or priced (`price`).

use std::fmt;

use uuid::Uuid;

use llm_audit_journal::clock::Timestamp;

/// Our id of one audited operation, a `UUIDv7`; the caller can correlate with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Makes the id of an operation that started at `time`, with ten random bytes.
    pub(crate) fn new(time: Timestamp, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(time.as_micros() / 1000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }

    /// Returns the UUID.
    pub fn as_uuid(self) -> Uuid {
        self.0
    }

    /// Returns what it prints, without the detour over a formatter.
    pub(crate) fn to_text(self) -> String {
        let mut buffer = Uuid::encode_buffer();
        self.0.as_hyphenated().encode_lower(&mut buffer).to_owned()
    }
}

impl From<Uuid> for RequestId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(out)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// How an operation ended, as the journal says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It was begun; how it ended is in the `call` entry with the same request id.
    Started,
    /// The provider answered.
    Success,
    /// The provider, the network or the caller's code failed.
    Error,
    /// A guard refused it before it was sent, or the provider refused to answer.
    Blocked,
    /// It was begun and the process ended before it did.
    Interrupted,
    /// It was cancelled, or nothing was recorded about how it ended.
    Incomplete,
}

impl Status {
    /// Returns the word in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Success => "success",
            Self::Error => "error",
            Self::Blocked => "blocked",
            Self::Interrupted => "interrupted",
            Self::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Says whether an operation, by its canonical name, is an inference: what the conventions' inference span and event are for.
///
/// Embeddings, retrieval and the others have spans of their own there. Whether two names can be of one operation, and
/// which event its log record is, both hang on this.
///
/// # Source
/// OpenTelemetry `GenAI` conventions, span `gen_ai.client.inference`.
pub(crate) fn is_inference(operation: &str) -> bool {
    matches!(operation, "chat" | "generate_content" | "text_completion")
}

/// Says whether a model answers an operation, by its canonical name, and counts tokens for it: inference, and embeddings.
///
/// Such an operation is not known to have ended well without a trace of an answer, nor to have cost nothing.
pub(crate) fn is_model_call(operation: &str) -> bool {
    is_inference(operation) || operation == "embeddings"
}

/// Token counts under the conventions' meaning; `None` where nobody said.
///
/// `input_tokens` includes `cache_read_tokens` and `cache_write_tokens`; `cache_write_tokens` includes
/// `cache_write_1h_tokens`; `output_tokens` includes `thinking_tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input_tokens: Option<u64>,
    /// All output tokens, thinking included.
    pub output_tokens: Option<u64>,
    /// Output tokens that were reasoning.
    pub thinking_tokens: Option<u64>,
    /// Input tokens read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Input tokens written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Those written to the one-hour cache.
    pub cache_write_1h_tokens: Option<u64>,
    /// Web searches that the provider ran.
    pub web_searches: Option<u64>,
}

impl Usage {
    /// Says whether nothing at all was reported.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another response's counts to these; an unknown count leaves the known one.
    pub fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.thinking_tokens, other.thinking_tokens),
            (&mut self.cache_read_tokens, other.cache_read_tokens),
            (&mut self.cache_write_tokens, other.cache_write_tokens),
            (&mut self.cache_write_1h_tokens, other.cache_write_1h_tokens),
            (&mut self.web_searches, other.web_searches),
        ];
        for (mine, theirs) in pairs {
            if let Some(theirs) = theirs {
                *mine = Some(mine.unwrap_or(0).saturating_add(theirs));
            }
        }
    }
}

/// What a sanitizer did before the call was sent; never the value that it found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SanitizationEvent {
    /// The type of what was found, such as `email`.
    pub kind: String,
    /// How many were found.
    pub count: u64,
    /// JSON Pointer to where, in the request; the host's own member names are written as `*`.
    pub pointer: String,
    /// What was done: `redacted`, `masked`, `blocked`, ...
    pub action: String,
    /// Who found it.
    pub detector: String,
}

impl SanitizationEvent {
    /// Makes an event of its type and count, with action `redacted`.
    pub fn new(kind: impl Into<String>, count: u64) -> Self {
        Self {
            kind: kind.into(),
            count,
            pointer: String::new(),
            action: "redacted".to_owned(),
            detector: String::new(),
        }
    }

    /// Says where it was, as a JSON Pointer.
    #[must_use]
    pub fn pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = pointer.into();
        self
    }

    /// Says what was done.
    #[must_use]
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = action.into();
        self
    }

    /// Says who found it.
    #[must_use]
    pub fn detector(mut self, detector: impl Into<String>) -> Self {
        self.detector = detector.into();
        self
    }
}

/// W3C ids that tie the record to its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct TraceIds {
    pub(crate) trace_id: [u8; 16],
    pub(crate) span_id: [u8; 8],
    pub(crate) flags: u8,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three lists said which operations are inference: log records and nested spans left embeddings out, the judge had
    /// them in, and each called its list by the same word.
    #[test]
    fn embeddings_are_a_model_call_and_no_inference() {
        for (operation, inference, model_call) in [
            ("chat", true, true),
            ("generate_content", true, true),
            ("text_completion", true, true),
            ("embeddings", false, true),
            ("rerank", false, false),
            ("retrieval", false, false),
            ("fetch_response", false, false),
            ("invoke_agent", false, false),
            ("execute_tool", false, false),
            ("models", false, false),
            ("", false, false),
        ] {
            let told = (is_inference(operation), is_model_call(operation));
            assert_eq!(told, (inference, model_call), "{operation}");
        }
    }

    #[test]
    fn usage_adds_field_by_field() {
        let mut usage = Usage {
            input_tokens: Some(1),
            ..Usage::default()
        };
        usage.add(&Usage {
            input_tokens: Some(2),
            output_tokens: Some(3),
            ..Usage::default()
        });
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (Some(3), Some(3))
        );
        assert_eq!(usage.thinking_tokens, None);
    }
}
