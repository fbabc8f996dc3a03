//! What providers are called: the conventions' names for what emitters and hosts say.
//!
//! Promise: a name that nobody listed stays as it was said.
//! Not here: attribute names (`semconv`), hosts (`hosts`), a price table's own ids (`price`).

use std::borrow::Cow;

/// Names that emitters use, in lower case, sorted, and what the conventions call them.
const ALIASES: [(&str, &str); 38] = [
    ("amazon", "aws.bedrock"),
    ("amazon_bedrock", "aws.bedrock"),
    ("aws", "aws.bedrock"),
    ("aws_bedrock", "aws.bedrock"),
    ("az.ai.inference", "azure.ai.inference"),
    ("az.ai.openai", "azure.ai.openai"),
    ("azure", "azure.ai.openai"),
    ("azure-openai", "azure.ai.openai"),
    ("azure.openai", "azure.ai.openai"),
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
}
