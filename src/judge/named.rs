//! What the operation was: the conventions' name, and the provider's method.
//!
//! Promise: a name that nobody listed stays as it was said.

use std::borrow::Cow;

use super::Said;
use crate::{provider::ascii_lowercase, semconv::Slot};
use llm_audit_journal::json;

/// Returns the conventions' name of the operation.
pub(super) fn operation<'a>(said: &Said<'a>) -> Cow<'a, str> {
    if let Some(name) = said.facts.said(Slot::OperationName) {
        return canonical(name);
    }
    if let Some(flavour) = said.flavour() {
        return Cow::Borrowed(flavour.operation());
    }
    let names_model = [Slot::RequestModel, Slot::ResponseModel, Slot::ProviderName]
        .into_iter()
        .any(|slot| said.facts.get(slot).is_some());
    let is_inference = names_model || said.request.model.is_some();
    Cow::Borrowed(if is_inference {
        "chat"
    } else {
        said.record.name
    })
}

/// Returns the conventions' word for what other emitters say.
pub(crate) fn canonical(name: &str) -> Cow<'_, str> {
    let lower = ascii_lowercase(name);
    Cow::Borrowed(match lower.as_ref() {
        "llm" | "chat_completion" | "chat_completions" | "chat.completions" | "responses"
        | "messages" => "chat",
        "completion" | "completions" | "text" => "text_completion",
        "embed" | "embedding" => "embeddings",
        "tool" => "execute_tool",
        "agent" => "invoke_agent",
        "workflow" => "invoke_workflow",
        "retriever" => "retrieval",
        "reranker" => "rerank",
        _ => return lower,
    })
}

/// Returns the provider's method where it is known, else the operation.
pub(super) fn action(said: &Said<'_>, operation: &str) -> String {
    // One method of Google's is called by either word.
    let generating = ["chat", "generate_content"];
    let by_flavour = said.flavour().filter(|flavour| {
        flavour.operation() == operation
            || generating.contains(&operation) && generating.contains(&flavour.operation())
    });
    if let Some(flavour) = by_flavour {
        return flavour.action().to_owned();
    }
    let provider = said.provider();
    let method = match (provider.as_deref(), operation) {
        (Some("anthropic"), "chat") => "messages.create",
        (Some("openai" | "azure.ai.openai"), "embeddings") => "embeddings.create",
        (Some("openai" | "azure.ai.openai"), "text_completion") => "completions.create",
        (Some("openai" | "azure.ai.openai"), "chat") => {
            match said.facts.text(Slot::OpenAiApiType) {
                Some("chat_completions") => "chat.completions.create",
                Some("responses") => "responses.create",
                _ => operation,
            }
        }
        _ => operation,
    };
    method.to_owned()
}

/// Finds the first of a list of texts for which `find` returns something.
pub(super) fn find_in_list<T>(text: &str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
    match only_text(text) {
        Some(only) => find(only),
        None => text_list(text).iter().find_map(|text| find(text)),
    }
}

/// The text of a list with one plain text in it, or of no list at all: what most spans give, read without a copy.
fn only_text(text: &str) -> Option<&str> {
    let text = text.trim();
    let inner = match text.strip_prefix("[\"") {
        Some(rest) => rest.strip_suffix("\"]")?,
        None => text,
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!inner.is_empty() && inner.bytes().all(is_plain)).then_some(inner)
}

/// Reads a list of texts as spans give it: JSON, the `Debug` of a list, or one text.
pub(crate) fn text_list(text: &str) -> Vec<String> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if text.starts_with('[') {
        let elements: Result<Vec<_>, _> = json::elements(text.as_bytes()).collect();
        let texts = elements.ok().map(|elements| {
            elements
                .into_iter()
                .map(json::text)
                .collect::<Option<Vec<_>>>()
        });
        if let Some(Some(texts)) = texts {
            return texts.into_iter().map(Cow::into_owned).collect();
        }
    }
    let inner = text.trim_matches(['[', ']']).split(',');
    inner
        .map(|part| part.trim().trim_matches('"').to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}
