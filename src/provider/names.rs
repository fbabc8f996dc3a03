//! What providers are called: the conventions' names for what emitters and hosts say.
//!
//! Promise: a name that nobody listed stays as it was said.
//! Not here: attribute names (`semconv`), a price table's own ids (`price`).

use std::borrow::Cow;

/// Names that emitters use, in lower case, sorted, and what the conventions call them.
const ALIASES: [(&str, &str); 37] = [
    ("amazon", "aws.bedrock"),
    ("amazon_bedrock", "aws.bedrock"),
    ("aws", "aws.bedrock"),
    ("aws_bedrock", "aws.bedrock"),
    ("az.ai.inference", "azure.ai.inference"),
    ("az.ai.openai", "azure.ai.openai"),
    ("azure", "azure.ai.openai"),
    ("azure-openai", "azure.ai.openai"),
    ("azure_openai", "azure.ai.openai"),
    ("azureopenai", "azure.ai.openai"),
    ("bedrock", "aws.bedrock"),
    ("claude", "anthropic"),
    ("gcp", "gcp.gen_ai"),
    ("gemini", "gcp.gemini"),
    ("google", "gcp.gemini"),
    ("google-gla", "gcp.gemini"),
    ("google-vertex", "gcp.vertex_ai"),
    ("google_genai", "gcp.gen_ai"),
    ("google_vertex_ai", "gcp.vertex_ai"),
    ("google_vertexai", "gcp.vertex_ai"),
    ("ibm", "ibm.watsonx.ai"),
    ("kimi", "moonshot_ai"),
    ("mistral", "mistral_ai"),
    ("mistralai", "mistral_ai"),
    ("moonshot", "moonshot_ai"),
    ("moonshotai", "moonshot_ai"),
    ("open_ai", "openai"),
    ("perplexity_ai", "perplexity"),
    ("perplexityai", "perplexity"),
    ("vertex", "gcp.vertex_ai"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("vertexai", "gcp.vertex_ai"),
    ("watsonx", "ibm.watsonx.ai"),
    ("watsonx.ai", "ibm.watsonx.ai"),
    ("x-ai", "x_ai"),
    ("x.ai", "x_ai"),
    ("xai", "x_ai"),
];

/// Hosts by how their names end, and who is there.
const HOSTS: [(&str, &str); 20] = [
    ("api.anthropic.com", "anthropic"),
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure.ai.openai"),
    (".cognitiveservices.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".inference.ai.azure.com", "azure.ai.inference"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.cohere.com", "cohere"),
    ("api.cohere.ai", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.x.ai", "x_ai"),
    ("openrouter.ai", "openrouter"),
    ("api.perplexity.ai", "perplexity"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    ("api.together.xyz", "together"),
    ("api.fireworks.ai", "fireworks"),
];

/// Returns the conventions' name for what an emitter calls a provider.
pub(crate) fn provider_name(said: &str) -> Cow<'_, str> {
    let said = said.trim();
    let lower = ascii_lowercase(said);
    // Lengths tell most names apart, sooner than a search that compares bytes.
    let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
    alias.map_or(lower, |(_, name)| Cow::Borrowed(*name))
}

/// Returns a text in lower case; most are already, and are not copied.
pub(crate) fn ascii_lowercase(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns the provider who is at a host.
pub(crate) fn provider_at(host: &str) -> Option<&'static str> {
    let host = ascii_lowercase(host);
    if host.starts_with("bedrock-runtime.") && host.ends_with(".amazonaws.com") {
        return Some("aws.bedrock");
    }
    let is_there = |end: &str| {
        host.strip_suffix(end).is_some_and(|start| {
            start.is_empty() || start.ends_with(['.', '-']) || end.starts_with('.')
        })
    };
    HOSTS
        .iter()
        .find(|(end, _)| is_there(end))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emitters_names_become_the_conventions() {
        assert!(ALIASES.is_sorted());
        for (said, expected) in [
            ("Anthropic", "anthropic"),
            ("AWS", "aws.bedrock"),
            ("gcp.vertex_ai", "gcp.vertex_ai"),
            ("vertex_ai", "gcp.vertex_ai"),
            ("xai", "x_ai"),
            ("my-gateway", "my-gateway"),
        ] {
            assert_eq!(provider_name(said), expected);
        }
    }

    #[test]
    fn hosts_are_known_by_their_whole_name() {
        for (host, expected) in [
            ("api.openai.com", Some("openai")),
            ("acme.openai.azure.com", Some("azure.ai.openai")),
            (
                "europe-west4-aiplatform.googleapis.com",
                Some("gcp.vertex_ai"),
            ),
            (
                "bedrock-runtime.eu-central-1.amazonaws.com",
                Some("aws.bedrock"),
            ),
            ("notopenrouter.ai", None),
            ("localhost", None),
        ] {
            assert_eq!(provider_at(host), expected, "{host}");
        }
    }
}
