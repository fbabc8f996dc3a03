//! What providers say when they refuse, and what they say when they fail.
//!
//! Promise: a refusal is told by the provider's own code; only where a provider has none, by the phrase that it always
//! uses.
//! Not here: refusals of the host's own guards (`LlmCall`).
//!
//! A finish reason that says that the model or the service failed is no refusal: Gemini's `MALFORMED_FUNCTION_CALL`,
//! `UNEXPECTED_TOOL_CALL`, `LANGUAGE`, `OTHER`, `IMAGE_OTHER` and `NO_IMAGE` among them.

use std::borrow::Cow;

use super::{names::ascii_lowercase, object::Object};
use llm_audit_journal::json;

/// Codes and finish reasons that mean that the provider refused, in lower case.
const REFUSALS: [&str; 27] = [
    "blocked",
    "blocklist",
    "content_blocked",
    "content_filter",
    "content_filtered",
    "content_policy_violation",
    "data_inspection_failed",
    "datainspectionfailed",
    "error_toxic",
    "guardrail",
    "guardrail_intervened",
    "image_content_policy_violation",
    "image_prohibited_content",
    "image_recitation",
    "image_safety",
    "jailbreak",
    "model_armor",
    "moderation_blocked",
    "prohibited_content",
    "recitation",
    "refusal",
    "responsibleaipolicyviolation",
    "safety",
    "sensitive",
    "spii",
    "unsafe",
    "user_safety",
];

/// Phrases of refusals whose code also stands for other errors, and the code that is given to them.
const PHRASES: [(&str, &str); 5] = [
    // Anthropic, as an `invalid_request_error` or an `api_error`.
    ("blocked by content filtering policy", "content_filter"),
    // Amazon's own models, as a `ValidationException`.
    ("blocked by our content filters", "content_filter"),
    // DeepSeek, as an `invalid_request_error`.
    ("Content Exists Risk", "content_exists_risk"),
    // OpenAI's reasoning models, as `invalid_prompt`.
    (
        "flagged as potentially violating our usage policy",
        "usage_policy",
    ),
    // xAI, as `permission-denied`, which it also says to an account without access.
    ("violates usage guidelines", "usage_guidelines"),
];

/// Finish reasons that mean that the provider failed, in lower case.
const FAILURES: [&str; 5] = [
    "error",
    "error_limit",
    "failed",
    "insufficient_system_resource",
    "timeout",
];

/// Returns the reason's code in lower case, where it means that the provider refused.
pub(crate) fn refusal_code(finish_reason: &str) -> Option<&'static str> {
    let lower = ascii_lowercase(finish_reason);
    REFUSALS.into_iter().find(|code| *code == lower)
}

/// An error as the provider said it; its text is not yet redacted.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ProviderError {
    pub(crate) kind: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) message: Option<String>,
    /// The code of a refusal that neither `kind` nor `code` tells.
    pub(crate) refused: Option<&'static str>,
}

impl ProviderError {
    /// Reads the error of a body or of an event, wherever the provider puts it; none where there is none.
    pub(crate) fn read(body: &Object<'_>) -> Option<Self> {
        if let Some(error) = body.object("error") {
            return Some(Self::of(&error));
        }
        if let Some(message) = body.owned_text("error") {
            // A text beside which the code stands: Ollama, xAI.
            let beside = Self::of(body);
            return Some(
                Self {
                    message: Some(message),
                    ..beside
                }
                .with_phrase(),
            );
        }
        let first = body.elements("errors").next();
        if let Some(error) = first {
            return Some(Self::of_element(error));
        }
        let is_error = body.is("object", "error")
            || body.is("type", "error") && body.text("message").is_some();
        is_error.then(|| Self::of_event(body))
    }

    /// Reads an object that is itself the error.
    pub(crate) fn of(error: &Object<'_>) -> Self {
        let inner = error.object("innererror");
        let inner = inner.and_then(|inner| refusal_code(&inner.text("code")?));
        Self {
            kind: word(error, "type").or_else(|| word(error, "__type")),
            code: word(error, "code"),
            status: word(error, "status"),
            message: message(error, MESSAGE_DEPTH_MAX),
            refused: inner.or_else(|| moderated(error)),
        }
        .with_phrase()
    }

    /// Reads an event or a body that is the error, and says so by a word that is no type of error.
    pub(crate) fn of_event(event: &Object<'_>) -> Self {
        let mut error = Self::of(event);
        error.kind = error.kind.filter(|kind| kind != "error");
        error
    }

    /// Makes an error of a finish reason that means one.
    pub(crate) fn of_finish_reason(reason: &str) -> Option<Self> {
        let lower = ascii_lowercase(reason);
        let code = FAILURES.into_iter().find(|code| *code == lower)?;
        Some(Self {
            code: Some(code.to_owned()),
            ..Self::default()
        })
    }

    fn of_element(error: &[u8]) -> Self {
        let text = || Self {
            message: json::text(error).map(Cow::into_owned),
            ..Self::default()
        };
        Object::parse(error).map_or_else(text, |error| Self::of(&error))
    }

    /// Tells a refusal by its phrase.
    fn with_phrase(mut self) -> Self {
        let message = self.message.as_deref().unwrap_or_default();
        let by_phrase = PHRASES.iter().find(|(phrase, _)| message.contains(phrase));
        self.refused = self.refused.or(by_phrase.map(|(_, code)| *code));
        self
    }

    /// Returns the most telling code: the error's own, its type, or the service's status.
    pub(crate) fn error_type(&self) -> Option<&str> {
        let codes = [&self.code, &self.kind, &self.status];
        codes.into_iter().find_map(|code| code.as_deref())
    }

    /// Returns the reason's code, where the error says that a filter refused.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        let mut codes = [&self.code, &self.kind].into_iter().flatten();
        codes.find_map(|code| refusal_code(code)).or(self.refused)
    }
}

/// Levels of objects around an error's message.
const MESSAGE_DEPTH_MAX: usize = 3;

/// A member that is a word or a number.
fn word(error: &Object<'_>, key: &str) -> Option<String> {
    let number = || error.get(key).filter(|raw| raw[0].is_ascii_digit());
    let number = || number().map(|raw| String::from_utf8_lossy(raw).into_owned());
    error.owned_text(key).or_else(number)
}

/// The message: a text, or inside an object or a list, as `FastAPI` and those that are built on it say it.
fn message(error: &Object<'_>, depth: usize) -> Option<String> {
    let keys = ["message", "Message", "detail", "msg", "error_description"];
    keys.into_iter()
        .find_map(|key| text_within(error.get(key)?, depth))
}

fn text_within(value: &[u8], depth: usize) -> Option<String> {
    match value.first()? {
        b'"' => json::text(value)
            .map(Cow::into_owned)
            .filter(|text| !text.is_empty()),
        b'{' if depth > 0 => message(&Object::parse(value)?, depth - 1),
        b'[' if depth > 0 => {
            let elements = json::elements(value).filter_map(Result::ok);
            let texts: Vec<_> = elements
                .filter_map(|element| text_within(element, depth - 1))
                .collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    }
}

/// `OpenRouter`'s moderation, which gives the reasons and the input that it flagged.
fn moderated(error: &Object<'_>) -> Option<&'static str> {
    let metadata = error.object("metadata")?;
    let has_reasons = metadata.elements("reasons").next().is_some();
    let is_flagged = has_reasons || metadata.get("flagged_input").is_some();
    is_flagged.then_some("moderation")
}

#[cfg(test)]
mod tests;
