//! How the operation ended.
//!
//! Promise: every record gets exactly one status, by the first rule that fits; error texts are redacted here.
//!
//! The rules, in order: a guard of the host refused: `blocked`; the thread was unwinding: `error` of type `panic`;
//! the provider refused: `blocked`, even where the host's code made an error of it; something failed: `error`; the
//! future or the stream was dropped, or the body was cut: `incomplete`; an inference call of which nothing was
//! recorded: `incomplete`; else `success`.
//!
//! Who got an answer was not refused: where a guardrail of Bedrock masked parts of an answer and blocked none, by its
//! own trace, the status is `success`, and the finish reason stands as it was said. Without a trace an intervention
//! counts as a refusal. A response that is queued or in progress brings no answer yet: `incomplete`, with the
//! provider's word as its finish reason.

use std::borrow::Cow;

use super::{Said, named::find_in_list};
use crate::{
    facts::FactValue,
    operation::{Status, is_model_call},
    provider::{ProviderError, refusal_code},
    record::{CallError, End, Stage},
    redact::{redact, start_of},
    semconv::{Role, Slot},
};

/// Bytes of an error's type and of a guard's code that are kept.
const CODE_BYTES_MAX: usize = 128;

/// A status with what explains it.
pub(super) struct Verdict {
    pub(super) status: Status,
    pub(super) error_type: Option<String>,
    pub(super) error_message: String,
    pub(super) blocked_reason: Option<String>,
}

/// Judges how the operation ended, without a word about why.
pub(super) fn status(said: &Said<'_>, operation: &str) -> Status {
    by_rule(said, operation, refusal(said), &Failure::of(said))
}

/// Judges how the operation ended.
pub(super) fn verdict(said: &Said<'_>, operation: &str) -> Verdict {
    let (refusal, failure) = (refusal(said), Failure::of(said));
    let status = by_rule(said, operation, refusal, &failure);
    let error_type = if said.record.end == End::Panicked {
        Some(Cow::Borrowed("panic"))
    } else {
        failure.error_type()
    };
    Verdict {
        status,
        error_type: error_type.as_deref().map(code),
        error_message: redact(failure.message()).into_owned(),
        blocked_reason: blocked_reason(said, refusal).filter(|_| status == Status::Blocked),
    }
}

/// The reason's code; behind a provider's, what the refusal was about: `refusal:cyber`.
fn blocked_reason(said: &Said<'_>, refusal: Option<&str>) -> Option<String> {
    let by_provider = || {
        let last = said.readings.last();
        let category = last.and_then(|reading| reading.refusal_category.as_deref());
        Some(match (refusal?, category) {
            (reason, Some(category)) => code(&format!("{reason}:{category}")),
            (reason, None) => code(reason),
        })
    };
    guard(said).map(code).or_else(by_provider)
}

/// The first rule that fits.
fn by_rule(
    said: &Said<'_>,
    operation: &str,
    refusal: Option<&str>,
    failure: &Failure<'_>,
) -> Status {
    if said.record.stage == Stage::Begun {
        Status::Started
    } else if guard(said).is_some() {
        Status::Blocked
    } else if said.record.end == End::Panicked {
        Status::Error
    } else if refusal.is_some() {
        Status::Blocked
    } else if failure.is_any() {
        Status::Error
    } else if is_cut(said) || is_silent(said, operation) {
        Status::Incomplete
    } else {
        Status::Success
    }
}

/// The code of the host's own guard, where it refused.
fn guard<'a>(said: &Said<'a>) -> Option<&'a str> {
    said.call.and_then(|call| call.blocked.as_deref())
}

/// A code is short; what is not is cut, and none holds a credential.
fn code(text: &str) -> String {
    let text = redact(text.trim());
    start_of(&text, CODE_BYTES_MAX).to_owned()
}

/// The reason's code, where the provider refused.
fn refusal(said: &Said<'_>) -> Option<&'static str> {
    let read = said.readings.last();
    let attributes = || find_in_list(said.facts.text(Slot::FinishReasons)?, refusal_code);
    match read {
        Some(reading) => reading.refusal(),
        None => attributes(),
    }
}

/// What failed, as the handle, the span and the last response say it; the first that says a thing counts.
struct Failure<'s> {
    handle: Option<&'s CallError>,
    provider: Option<&'s ProviderError>,
    http: Option<u16>,
    span_type: Option<&'s str>,
    span_text: Option<&'s str>,
    /// The span says only that something did.
    is_flagged: bool,
}

impl<'s> Failure<'s> {
    fn of(said: &'s Said<'_>) -> Self {
        let text = |slot| said.facts.text(slot).filter(|text| !text.is_empty());
        let last = said.readings.last();
        let flag = said.facts.get(Slot::ErrorMessage);
        Self {
            handle: said.call.and_then(|call| call.error.as_ref()),
            provider: last.and_then(|reading| reading.error.as_ref()),
            http: said.http_status.filter(|status| *status >= 400),
            span_type: text(Slot::ErrorType),
            span_text: text(Slot::ErrorMessage),
            is_flagged: flag == Some(FactValue::Bool(true))
                || said.facts.text(Slot::ResponseStatus) == Some("failed")
                || text(Slot::SpanStatus).is_some_and(|code| code.eq_ignore_ascii_case("error")),
        }
    }

    fn is_any(&self) -> bool {
        self.handle.is_some()
            || self.provider.is_some()
            || self.http.is_some()
            || self.span_type.is_some()
            || self.span_text.is_some()
            || self.is_flagged
    }

    fn error_type(&self) -> Option<Cow<'s, str>> {
        let by_provider = || self.provider.and_then(ProviderError::error_type);
        let named = self.handle.and_then(|error| error.error_type.as_deref());
        let named = named.or(self.span_type).or_else(by_provider);
        let by_http = || self.http.map(|status| Cow::Owned(status.to_string()));
        named.map(Cow::Borrowed).or_else(by_http)
    }

    fn message(&self) -> &'s str {
        let handle = self.handle.map(|error| error.message.as_str());
        handle
            .filter(|message| !message.is_empty())
            .or(self.span_text)
            .or_else(|| self.provider.and_then(|error| error.message.as_deref()))
            .unwrap_or_default()
    }
}

fn is_cut(said: &Said<'_>) -> bool {
    let state = said.facts.text(Slot::ResponseStatus);
    let last = said.readings.last();
    // A reader that goes away behind the provider's last word has missed nothing.
    let is_done = last.is_some_and(|reading| reading.is_stream && reading.is_complete);
    said.record.end == End::Cancelled && !is_done
        || last.is_some_and(|reading| !reading.is_complete)
        // A body says more than the word: an answer that reached its length is one.
        || last.is_none() && matches!(state, Some("cancelled" | "incomplete"))
}

/// Says whether a call of a model left no trace of an answer.
fn is_silent(said: &Said<'_>, operation: &str) -> bool {
    let answered = said.record.usage_is_nested
        || !said.readings.is_empty()
        || said
            .call
            .is_some_and(|call| call.usage.is_some() || call.output.is_some())
        // From the last: an answer comes after the question.
        || said.facts.iter().rev().any(|(slot, _)| tells_answer(slot));
    is_model_call(operation) && !answered
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
