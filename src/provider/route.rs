//! What a request's host and path promise: provider, flavour, and where the URL has them, model and streaming.
//!
//! Promise: a path that no flavour has gives nothing; a model is percent-decoded once, as the provider does.
//! Not here: the request's body, which names the model of most APIs; who is at a host (`hosts`).

use super::hosts::provider_at;
use crate::flavour::Flavour;

/// What host and path of a request promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) provider: &'static str,
    pub(crate) flavour: Flavour,
    /// The model, where the URL names it; of Azure, the deployment.
    pub(crate) model: Option<String>,
    /// Whether the response is a stream, where the URL says it.
    pub(crate) stream: Option<bool>,
}

/// What the path alone promises, of a host that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathRoute {
    pub(crate) flavour: Flavour,
    pub(crate) model: Option<String>,
    pub(crate) stream: Option<bool>,
}

/// Paths by how they end, at a slash; the first that fits counts.
const ENDS: [(&str, Flavour); 21] = [
    ("v1/messages", Flavour::AnthropicMessages),
    ("anthropic/messages", Flavour::AnthropicMessages),
    ("chat/completions", Flavour::OpenAiChat),
    ("fim/completions", Flavour::OpenAiChat),
    ("agents/completions", Flavour::OpenAiChat),
    ("responses", Flavour::OpenAiResponses),
    ("completions", Flavour::OpenAiCompletions),
    ("api/chat", Flavour::OllamaChat),
    ("api/generate", Flavour::OllamaGenerate),
    ("api/embed", Flavour::OllamaEmbed),
    ("api/embeddings", Flavour::OllamaEmbed),
    ("v1/chat", Flavour::CohereChatV1),
    ("v2/chat", Flavour::CohereChatV2),
    ("v1/generate", Flavour::CohereGenerate),
    ("v1/embed", Flavour::CohereEmbed),
    ("v2/embed", Flavour::CohereEmbed),
    ("v1/rerank", Flavour::Rerank),
    ("v2/rerank", Flavour::Rerank),
    ("rerank", Flavour::Rerank),
    ("embeddings", Flavour::OpenAiEmbeddings),
    ("embeddings/multimodal", Flavour::OpenAiEmbeddings),
];

/// Google's verbs behind the model's name, what they speak, and whether they stream.
const VERBS: [(&str, Flavour, bool); 5] = [
    ("generateContent", Flavour::GeminiGenerateContent, false),
    (
        "streamGenerateContent",
        Flavour::GeminiGenerateContent,
        true,
    ),
    ("embedContent", Flavour::GeminiEmbeddings, false),
    ("batchEmbedContents", Flavour::GeminiEmbeddings, false),
    ("predict", Flavour::GeminiEmbeddings, false),
];

/// Bedrock's actions behind the model's id.
const ACTIONS: [(&str, Flavour, bool); 4] = [
    ("/converse", Flavour::BedrockConverse, false),
    ("/converse-stream", Flavour::BedrockConverse, true),
    ("/invoke", Flavour::BedrockInvoke, false),
    ("/invoke-with-response-stream", Flavour::BedrockInvoke, true),
];

/// Providers that gateways name in the path, and what they are called.
const BEHIND_GATEWAYS: [(&str, &str); 16] = [
    ("anthropic", "anthropic"),
    ("aws-bedrock", "aws.bedrock"),
    ("azure-openai", "azure.ai.openai"),
    ("cerebras", "cerebras"),
    ("cohere", "cohere"),
    ("deepseek", "deepseek"),
    ("google-ai-studio", "gcp.gemini"),
    ("google-vertex-ai", "gcp.vertex_ai"),
    ("grok", "x_ai"),
    ("groq", "groq"),
    ("mistral", "mistral_ai"),
    ("openai", "openai"),
    ("openrouter", "openrouter"),
    ("perplexity-ai", "perplexity"),
    ("fireworks-ai", "fireworks"),
    ("together", "together"),
];

/// Returns what host and path of a request promise; nothing where either is unknown.
///
/// A query behind the path does not matter. Listing and reading what was stored have the same paths under another
/// method: only a `POST` is an operation.
pub(crate) fn route(host: &str, path: &str) -> Option<Route> {
    let provider = provider_at(host)?;
    let PathRoute {
        flavour,
        model,
        stream,
    } = route_path(path)?;
    Some(Route {
        provider: behind_gateway(provider, path).unwrap_or(provider),
        flavour,
        model,
        stream,
    })
}

/// Returns what a path promises, whoever is at the host.
pub(crate) fn route_path(path: &str) -> Option<PathRoute> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    by_action(path)
        .or_else(|| by_verb(path))
        .or_else(|| by_end(path))
}

/// `/model/{id}/converse`.
fn by_action(path: &str) -> Option<PathRoute> {
    let (_, rest) = path.split_once("/model/")?;
    ACTIONS.iter().find_map(|(action, flavour, stream)| {
        let id = rest.strip_suffix(action).filter(|id| !id.is_empty())?;
        Some(PathRoute {
            flavour: *flavour,
            model: Some(decoded(id)),
            stream: Some(*stream),
        })
    })
}

/// `/models/{model}:generateContent`, and what other publishers offer on Vertex.
fn by_verb(path: &str) -> Option<PathRoute> {
    let (before, last) = path.rsplit_once('/')?;
    let (model, verb) = last.rsplit_once(':')?;
    let (flavour, stream) = match verb {
        // Images and the like are asked for by the same verb.
        "predict" if !model.contains("embedding") => return None,
        "rawPredict" | "streamRawPredict" => (published(before), verb.starts_with("stream")),
        _ => VERBS
            .iter()
            .find(|(known, _, _)| *known == verb)
            .map(|(_, flavour, stream)| (*flavour, *stream))?,
    };
    Some(PathRoute {
        flavour,
        model: Some(decoded(model)).filter(|model| !model.is_empty()),
        stream: Some(stream),
    })
}

/// What a publisher's models on Vertex speak.
fn published(path: &str) -> Flavour {
    if path.contains("/publishers/anthropic/") {
        Flavour::AnthropicMessages
    } else {
        Flavour::OpenAiChat
    }
}

fn by_end(path: &str) -> Option<PathRoute> {
    let ends = |end: &str| {
        let start = path.strip_suffix(end);
        start.is_some_and(|start| start.is_empty() || start.ends_with('/'))
    };
    let (_, flavour) = ENDS.iter().find(|(end, _)| ends(end))?;
    let deployment = path.split_once("/deployments/").map(|(_, rest)| rest);
    let deployment = deployment.and_then(|rest| rest.split('/').next());
    Some(PathRoute {
        flavour: *flavour,
        model: deployment.map(decoded).filter(|model| !model.is_empty()),
        stream: None,
    })
}

/// The provider that a gateway passes the request on to.
fn behind_gateway(gateway: &str, path: &str) -> Option<&'static str> {
    let mut segments = path.trim_start_matches('/').split('/');
    let named = match gateway {
        "cloudflare" if path.starts_with("/v1/") => segments.nth(3)?,
        "huggingface" => return behind_huggingface(segments.next()?),
        _ => return None,
    };
    let found = BEHIND_GATEWAYS.iter().find(|(name, _)| *name == named);
    found.map(|(_, provider)| *provider)
}

/// The price table has a list of its own for each provider behind this router.
fn behind_huggingface(segment: &str) -> Option<&'static str> {
    Some(match segment {
        "cerebras" => "huggingface_cerebras",
        "fireworks-ai" => "huggingface_fireworks-ai",
        "groq" => "huggingface_groq",
        "hyperbolic" => "huggingface_hyperbolic",
        "nebius" => "huggingface_nebius",
        "novita" => "huggingface_novita",
        "nscale" => "huggingface_nscale",
        "ovhcloud" => "huggingface_ovhcloud",
        "sambanova" => "huggingface_sambanova",
        "together" => "huggingface_together",
        _ => return None,
    })
}

/// Decodes percent signs once; one that is no escape stays.
fn decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%').then(|| hex_pair(after)).flatten();
        out.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_pair(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        host: &str,
        path: &str,
    ) -> Option<(&'static str, &'static str, Option<String>, Option<bool>)> {
        let route = route(host, path)?;
        Some((
            route.provider,
            route.flavour.name(),
            route.model,
            route.stream,
        ))
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of all hosts")]
    fn hosts_and_paths_promise_flavour_and_model() {
        let azure = "acme.openai.azure.com";
        let google = "generativelanguage.googleapis.com";
        let vertex = "europe-west4-aiplatform.googleapis.com";
        let bedrock = "bedrock-runtime.eu-central-1.amazonaws.com";
        let gateway = "gateway.ai.cloudflare.com";
        let on_vertex = "/v1/projects/p/locations/europe-west4/publishers";
        for (host, path, provider, flavour, model, stream) in [
            (
                "api.anthropic.com",
                "/v1/messages?beta=true",
                "anthropic",
                "anthropic.messages",
                None,
                None,
            ),
            (
                "api.openai.com",
                "/v1/chat/completions",
                "openai",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "api.openai.com",
                "/v1/responses/",
                "openai",
                "openai.responses",
                None,
                None,
            ),
            (
                "api.openai.com",
                "/v1/embeddings",
                "openai",
                "openai.embeddings",
                None,
                None,
            ),
            (
                azure,
                "/openai/deployments/my%20gpt/chat/completions?api-version=1",
                "azure.ai.openai",
                "openai.chat_completions",
                Some("my gpt"),
                None,
            ),
            (
                azure,
                "/openai/v1/responses",
                "azure.ai.openai",
                "openai.responses",
                None,
                None,
            ),
            (
                "acme.services.ai.azure.com",
                "/models/chat/completions",
                "azure.ai.inference",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "acme.services.ai.azure.com",
                "/anthropic/v1/messages",
                "azure.ai.inference",
                "anthropic.messages",
                None,
                None,
            ),
            (
                "models.github.ai",
                "/inference/chat/completions",
                "github",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                google,
                "/v1beta/models/gemini-2.5-flash:generateContent",
                "gcp.gemini",
                "gemini.generateContent",
                Some("gemini-2.5-flash"),
                Some(false),
            ),
            (
                google,
                "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
                "gcp.gemini",
                "gemini.generateContent",
                Some("gemini-2.5-flash"),
                Some(true),
            ),
            (
                google,
                "/v1beta/openai/chat/completions",
                "gcp.gemini",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                google,
                "/v1beta/models/gemini-embedding-001:embedContent",
                "gcp.gemini",
                "gemini.embedContent",
                Some("gemini-embedding-001"),
                Some(false),
            ),
            (
                vertex,
                &format!("{on_vertex}/google/models/gemini-2.0-flash:generateContent"),
                "gcp.vertex_ai",
                "gemini.generateContent",
                Some("gemini-2.0-flash"),
                Some(false),
            ),
            (
                vertex,
                &format!(
                    "{on_vertex}/anthropic/models/claude-sonnet-4%4020250514:streamRawPredict"
                ),
                "gcp.vertex_ai",
                "anthropic.messages",
                Some("claude-sonnet-4@20250514"),
                Some(true),
            ),
            (
                vertex,
                &format!("{on_vertex}/mistralai/models/mistral-large:rawPredict"),
                "gcp.vertex_ai",
                "openai.chat_completions",
                Some("mistral-large"),
                Some(false),
            ),
            (
                vertex,
                "/v1/projects/p/locations/us/endpoints/openapi/chat/completions",
                "gcp.vertex_ai",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                bedrock,
                "/model/amazon.nova-lite-v1%3A0/converse",
                "aws.bedrock",
                "bedrock.converse",
                Some("amazon.nova-lite-v1:0"),
                Some(false),
            ),
            (
                bedrock,
                "/model/us.anthropic.claude-v1:0/invoke-with-response-stream",
                "aws.bedrock",
                "bedrock.invoke",
                Some("us.anthropic.claude-v1:0"),
                Some(true),
            ),
            (
                bedrock,
                "/model/arn%3Aaws%3Abedrock%3A%3A1%3Ainference-profile%2Fx/converse-stream",
                "aws.bedrock",
                "bedrock.converse",
                Some("arn:aws:bedrock::1:inference-profile/x"),
                Some(true),
            ),
            (
                bedrock,
                "/openai/v1/chat/completions",
                "aws.bedrock",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "api.cohere.com",
                "/v1/chat",
                "cohere",
                "cohere.v1.chat",
                None,
                None,
            ),
            (
                "api.cohere.com",
                "/v2/chat",
                "cohere",
                "cohere.v2.chat",
                None,
                None,
            ),
            (
                "api.cohere.com",
                "/compatibility/v1/chat/completions",
                "cohere",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "localhost:11434",
                "/api/chat",
                "ollama",
                "ollama.api.chat",
                None,
                None,
            ),
            (
                "localhost:11434",
                "/v1/chat/completions",
                "ollama",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "api.deepseek.com",
                "/chat/completions",
                "deepseek",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "api.deepseek.com",
                "/anthropic/v1/messages",
                "deepseek",
                "anthropic.messages",
                None,
                None,
            ),
            (
                "api.fireworks.ai",
                "/inference/v1/chat/completions",
                "fireworks",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "api.cloudflare.com",
                "/client/v4/accounts/a/ai/v1/chat/completions",
                "cloudflare",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                gateway,
                "/v1/account/gateway/anthropic/v1/messages",
                "anthropic",
                "anthropic.messages",
                None,
                None,
            ),
            (
                gateway,
                "/v1/account/gateway/compat/chat/completions",
                "cloudflare",
                "openai.chat_completions",
                None,
                None,
            ),
            (
                "router.huggingface.co",
                "/groq/openai/v1/chat/completions",
                "huggingface_groq",
                "openai.chat_completions",
                None,
                None,
            ),
        ] {
            let expected = Some((provider, flavour, model.map(str::to_owned), stream));
            assert_eq!(of(host, path), expected, "{host}{path}");
        }
    }

    #[test]
    fn what_is_no_operation_has_no_route() {
        for (host, path) in [
            ("api.openai.com", "/v1/models"),
            ("api.openai.com", "/v1/threads/t/messages"),
            ("api.openai.com", "/v1/images/generations"),
            ("example.com", "/v1/chat/completions"),
            (
                "generativelanguage.googleapis.com",
                "/v1beta/models/gemini-2.5-flash:countTokens",
            ),
            (
                "aiplatform.googleapis.com",
                "/v1/publishers/google/models/imagen-4:predict",
            ),
            (
                "bedrock-runtime.eu-central-1.amazonaws.com",
                "/model//converse",
            ),
            ("api.anthropic.com", ""),
            ("", ""),
        ] {
            assert_eq!(of(host, path), None, "{host}{path}");
        }
    }

    #[test]
    fn percent_signs_are_decoded_once() {
        for (text, expected) in [
            ("a%3Ab", "a:b"),
            ("a%253Ab", "a%3Ab"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded(text), expected);
        }
    }
}
