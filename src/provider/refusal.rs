//! What providers say when they refuse, and what they say when they fail.
//!
//! Promise: a refusal is told by the provider's own code; no word of its prose is needed.
//! Not here: refusals of the host's own guards (`LlmCall`).

use super::{names::ascii_lowercase, object::Object};

/// Finish reasons that mean that the provider refused, in lower case.
const REFUSALS: [&str; 22] = [
    "blocked",
    "blocklist",
    "content_blocked",
    "content_filter",
    "content_filtered",
    "content_policy_violation",
    "error_toxic",
    "guardrail",
    "guardrail_intervened",
    "image_prohibited_content",
    "image_recitation",
    "image_safety",
    "jailbreak",
    "model_armor",
    "prohibited_content",
    "recitation",
    "refusal",
    "responsibleaipolicyviolation",
    "safety",
    "sensitive",
    "spii",
    "unsafe",
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
}

impl ProviderError {
    /// Reads the error of a body or of an event, wherever the provider puts it.
    pub(crate) fn read(body: &Object<'_>) -> Option<Self> {
        if let Some(object) = body.object("error") {
            return Some(Self::of(&object));
        }
        let message = body.owned_text("error")?;
        Some(Self {
            message: Some(message),
            ..Self::default()
        })
    }

    /// Reads an object that is itself the error.
    pub(crate) fn of(error: &Object<'_>) -> Self {
        let word = |key: &str| {
            let number = || error.get(key).filter(|raw| raw[0].is_ascii_digit());
            let number = || number().map(|raw| String::from_utf8_lossy(raw).into_owned());
            error.owned_text(key).or_else(number)
        };
        Self {
            kind: word("type").or_else(|| word("__type")),
            code: word("code"),
            status: word("status"),
            message: error
                .owned_text("message")
                .or_else(|| error.owned_text("detail")),
        }
    }

    /// Returns the most telling code: the error's own, its type, or the service's status.
    pub(crate) fn error_type(&self) -> Option<&str> {
        let codes = [&self.code, &self.kind, &self.status];
        codes.into_iter().find_map(|code| code.as_deref())
    }

    /// Returns the reason's code, where the error says that a filter refused.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        let codes = [&self.code, &self.kind].into_iter().flatten();
        codes.map(String::as_str).find_map(refusal_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_sorted() {
        assert!(REFUSALS.is_sorted());
        assert_eq!(refusal_code("SAFETY"), Some("safety"));
        assert_eq!(refusal_code("stop"), None);
    }
}
