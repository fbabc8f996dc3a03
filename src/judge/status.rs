//! How the operation ended.
//!
//! Promise: every record gets exactly one status, by the first rule that fits; error texts are redacted here.
//!
//! The rules, in order: a guard of the host refused: `blocked`; the thread was unwinding: `error` of type `panic`;
//! the provider refused: `blocked`, even where the host's code made an error of it; something failed: `error`; the
//! future or the stream was dropped, or the body was cut: `incomplete`; an inference call of which nothing was
//! recorded: `incomplete`; else `success`.

use super::{Said, named::text_list};
use crate::{
    facts::FactValue,
    operation::Status,
    provider::refusal_code,
    record::{End, Stage},
    redact::{redact, start_of},
    semconv::{Role, Slot},
};

/// Bytes of an error's type and of a guard's code that are kept.
const CODE_BYTES_MAX: usize = 128;
/// Operations that answer with tokens: without any answer they are not known to have ended well.
pub(super) const INFERENCE: [&str; 4] =
    ["chat", "embeddings", "generate_content", "text_completion"];

/// A status with what explains it.
pub(super) struct Verdict {
    pub(super) status: Status,
    pub(super) error_type: Option<String>,
    pub(super) error_message: String,
    pub(super) blocked_reason: Option<String>,
}

/// Judges how the operation ended.
pub(super) fn verdict(said: &Said<'_>, operation: &str) -> Verdict {
    let guard = said.call.and_then(|call| call.blocked.as_deref());
    let refusal = refusal(said);
    let failure = Failure::of(said);
    let status = if said.record.stage == Stage::Begun {
        Status::Started
    } else if guard.is_some() {
        Status::Blocked
    } else if said.record.end == End::Panicked {
        Status::Error
    } else if refusal.is_some() {
        Status::Blocked
    } else if failure.is_some() {
        Status::Error
    } else if is_cut(said) || is_silent(said, operation) {
        Status::Incomplete
    } else {
        Status::Success
    };
    let panicked = said.record.end == End::Panicked;
    let failure = failure.unwrap_or_default();
    let error_type = if panicked {
        Some("panic".to_owned())
    } else {
        failure.error_type
    };
    Verdict {
        status,
        error_type: error_type.as_deref().map(code),
        error_message: redact(&failure.message).into_owned(),
        blocked_reason: guard
            .or(refusal)
            .filter(|_| status == Status::Blocked)
            .map(code),
    }
}

/// A code is short; what is not is cut, and none holds a credential.
fn code(text: &str) -> String {
    let text = redact(text.trim());
    start_of(&text, CODE_BYTES_MAX).to_owned()
}

/// The reason's code, where the provider refused.
fn refusal(said: &Said<'_>) -> Option<&'static str> {
    let read = said.readings.last();
    let attributes = || {
        let reasons = text_list(said.facts.text(Slot::FinishReasons)?);
        reasons.iter().find_map(|reason| refusal_code(reason))
    };
    match read {
        Some(reading) => reading.refusal(),
        None => attributes(),
    }
}

#[derive(Default)]
struct Failure {
    error_type: Option<String>,
    message: String,
}

impl Failure {
    /// What failed, as the handle, the span and the last response say it; the first that says a thing counts.
    fn of(said: &Said<'_>) -> Option<Self> {
        let handle = said.call.and_then(|call| call.error.as_ref());
        let provider = said
            .readings
            .last()
            .and_then(|reading| reading.error.as_ref());
        let http = said.http_status().filter(|status| *status >= 400);
        let span_type = said
            .facts
            .text(Slot::ErrorType)
            .filter(|text| !text.is_empty());
        let span_text = said
            .facts
            .text(Slot::ErrorMessage)
            .filter(|text| !text.is_empty());
        let flagged = matches!(
            said.facts.get(Slot::ErrorMessage),
            Some(FactValue::Bool(true))
        );
        let state = said
            .facts
            .text(Slot::ResponseStatus)
            .filter(|state| *state == "failed");
        let failed = handle.is_some()
            || provider.is_some()
            || http.is_some()
            || span_type.is_some()
            || span_text.is_some()
            || flagged
            || state.is_some();
        failed.then(|| Self {
            error_type: handle
                .and_then(|error| error.error_type.clone())
                .or_else(|| span_type.map(str::to_owned))
                .or_else(|| {
                    provider
                        .and_then(|error| error.error_type())
                        .map(str::to_owned)
                })
                .or_else(|| http.map(|status| status.to_string())),
            message: handle
                .map(|error| error.message.as_str())
                .filter(|message| !message.is_empty())
                .or(span_text)
                .or_else(|| provider.and_then(|error| error.message.as_deref()))
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

fn is_cut(said: &Said<'_>) -> bool {
    let state = said.facts.text(Slot::ResponseStatus);
    said.record.end == End::Cancelled
        || said
            .readings
            .last()
            .is_some_and(|reading| !reading.is_complete)
        || matches!(state, Some("cancelled" | "incomplete"))
}

/// Says whether an inference call left no trace of an answer.
fn is_silent(said: &Said<'_>, operation: &str) -> bool {
    let answered = said.record.usage_is_nested
        || !said.readings.is_empty()
        || said
            .call
            .is_some_and(|call| call.usage.is_some() || call.output.is_some())
        || said.facts.iter().any(|(slot, _)| tells_answer(slot));
    INFERENCE.contains(&operation) && !answered
}

fn tells_answer(slot: Slot) -> bool {
    let by_role = matches!(
        slot.attribute().role,
        Role::ResponseModel
            | Role::InputTokens
            | Role::OutputTokens
            | Role::ThinkingTokens
            | Role::FinishReasons
            | Role::FirstChunk
            | Role::Output
    );
    by_role || matches!(slot, Slot::ResponseId | Slot::ResponseStatus)
}
