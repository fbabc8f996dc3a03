//! What the operation was: the conventions' name, and the provider's method.
//!
//! Promise: a name that nobody listed stays as it was said.

use super::Said;
use crate::{json, semconv::Slot};

/// Returns the conventions' name of the operation.
pub(super) fn operation(said: &Said<'_>) -> String {
    if let Some(name) = said
        .facts
        .text(Slot::OperationName)
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        return canonical(name);
    }
    if let Some(flavour) = said.flavour() {
        return flavour.operation().to_owned();
    }
    let names_model = [Slot::RequestModel, Slot::ResponseModel, Slot::ProviderName]
        .into_iter()
        .any(|slot| said.facts.get(slot).is_some());
    let is_inference = names_model || said.request.model.is_some();
    if is_inference {
        "chat"
    } else {
        said.record.name
    }
    .to_owned()
}

/// The conventions' word for what other emitters say.
fn canonical(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
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
    }
    .to_owned()
}

/// Returns the provider's method where it is known, else the operation.
pub(super) fn action(said: &Said<'_>, operation: &str) -> String {
    if operation != "chat" && operation != "embeddings" && operation != "text_completion" {
        return operation.to_owned();
    }
    let by_flavour = said
        .flavour()
        .filter(|flavour| flavour.operation() == operation);
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
            return texts
                .into_iter()
                .map(std::borrow::Cow::into_owned)
                .collect();
        }
    }
    let inner = text.trim_matches(['[', ']']).split(',');
    inner
        .map(|part| part.trim().trim_matches('"').to_owned())
        .filter(|part| !part.is_empty())
        .collect()
}
