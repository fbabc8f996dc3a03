//! What people call flavours and providers, and the nearest name to one that is spelled wrong.
//!
//! Promise: whatever the recordings' index or a path calls an API is understood, in any case and with any separator.
//! Not here: which provider speaks what (the library's routes).

use tracing_llm_audit::Flavour;

/// Further names of flavours: siblings of the listed ones, as people and libraries write them.
const ALIASES: [(&str, Flavour); 38] = [
    ("anthropic", Flavour::AnthropicMessages),
    ("messages", Flavour::AnthropicMessages),
    ("claude", Flavour::AnthropicMessages),
    ("vertex.rawPredict", Flavour::AnthropicMessages),
    ("vertex.streamRawPredict", Flavour::AnthropicMessages),
    ("openai", Flavour::OpenAiChat),
    ("chat", Flavour::OpenAiChat),
    ("chat_completions", Flavour::OpenAiChat),
    ("chat.completions.create", Flavour::OpenAiChat),
    ("responses", Flavour::OpenAiResponses),
    ("responses.create", Flavour::OpenAiResponses),
    ("completions", Flavour::OpenAiCompletions),
    ("openai.text_completions", Flavour::OpenAiCompletions),
    ("embeddings", Flavour::OpenAiEmbeddings),
    ("embeddings.create", Flavour::OpenAiEmbeddings),
    ("gemini", Flavour::GeminiGenerateContent),
    ("google", Flavour::GeminiGenerateContent),
    ("generateContent", Flavour::GeminiGenerateContent),
    ("streamGenerateContent", Flavour::GeminiGenerateContent),
    ("gemini.batchEmbedContents", Flavour::GeminiEmbeddings),
    ("gemini.embeddings", Flavour::GeminiEmbeddings),
    ("converse", Flavour::BedrockConverse),
    ("converse-stream", Flavour::BedrockConverse),
    ("invoke", Flavour::BedrockInvoke),
    ("invoke_model", Flavour::BedrockInvoke),
    ("invoke-with-response-stream", Flavour::BedrockInvoke),
    ("bedrock.invoke-stream", Flavour::BedrockInvoke),
    ("cohere", Flavour::CohereChatV2),
    ("cohere.generate", Flavour::CohereGenerate),
    ("cohere.v2.embed", Flavour::CohereEmbed),
    ("cohere.v1.embed", Flavour::CohereEmbed),
    ("cohere.v2.rerank", Flavour::Rerank),
    ("ollama", Flavour::OllamaChat),
    ("ollama.chat", Flavour::OllamaChat),
    ("ollama.embeddings", Flavour::OllamaEmbed),
    ("cohere.chat", Flavour::CohereChatV2),
    ("ollama.generate", Flavour::OllamaGenerate),
    ("ollama.api.embeddings", Flavour::OllamaEmbed),
];

/// APIs beside the flavours: their bodies are read for what they have in common with the others.
const SIBLINGS: [&str; 23] = [
    "anthropic.complete",
    "anthropic.completions",
    "anthropic.count_tokens",
    "anthropic.files",
    "anthropic.messages.batches",
    "anthropic.messages.count_tokens",
    "bedrock.count-tokens",
    "bedrock.list-foundation-models",
    "cohere.tokenize",
    "gemini.cachedContents",
    "gemini.countTokens",
    "gemini.files",
    "ollama.api.show",
    "ollama.api.tags",
    "openai.assistants",
    "openai.audio.speech",
    "openai.audio.transcriptions",
    "openai.conversations",
    "openai.files",
    "openai.images",
    "openai.images.generations",
    "openai.moderations",
    "openai.threads",
];

/// Providers whose names the prices and the records know; any other is taken as it is.
const PROVIDERS: [&str; 38] = [
    "ai21",
    "anthropic",
    "azure",
    "bedrock",
    "cerebras",
    "cloudflare",
    "cohere",
    "databricks",
    "deepinfra",
    "deepseek",
    "fireworks",
    "gemini",
    "github",
    "groq",
    "huggingface",
    "hyperbolic",
    "llamacpp",
    "lmstudio",
    "mistral",
    "moonshot",
    "nebius",
    "novita",
    "nvidia",
    "ollama",
    "openai",
    "openrouter",
    "perplexity",
    "replicate",
    "sambanova",
    "together",
    "vercel",
    "vertex",
    "vllm",
    "voyage",
    "watsonx",
    "xai",
    "zai",
    "zhipu",
];

/// Finds the flavour of a name, none where the API has no flavour of its own; `Err` has the nearest name, where one is
/// near.
pub(super) fn flavour(said: &str) -> Result<Option<Flavour>, Option<&'static str>> {
    let plain = plain(said);
    let listed = Flavour::ALL
        .iter()
        .map(|flavour| (flavour.name(), *flavour));
    let mut known = listed.chain(ALIASES);
    if let Some((_, flavour)) = known.find(|(name, _)| self::plain(name) == plain) {
        return Ok(Some(flavour));
    }
    if SIBLINGS.iter().any(|name| self::plain(name) == plain) {
        return Ok(None);
    }
    Flavour::named(said.trim())
        .or_else(|| behind_a_provider(said))
        .map(Some)
        .ok_or_else(|| nearest(said, Flavour::ALL.iter().map(|flavour| flavour.name())))
}

/// `groq.chat_completions`, `azure.responses`: somebody else's host, the same API.
fn behind_a_provider(said: &str) -> Option<Flavour> {
    let (provider, api) = said.split_once('.')?;
    let api = plain(api);
    if !is_provider(provider) {
        return None;
    }
    if api == "models" {
        return Some(Flavour::Models);
    }
    let mut shared = ALIASES.into_iter().filter(|(name, _)| !name.contains('.'));
    shared
        .find(|(name, _)| plain(name) == api)
        .map(|(_, flavour)| flavour)
}

/// Returns the provider that was probably meant, where the name is none and one letter away from one.
///
/// Nobody lists every provider, so that any other name is taken as it is: `mistralrs` is not `mistral`.
pub(super) fn meant_provider(said: &str) -> Option<&'static str> {
    let plain = plain(said);
    let is_longer = |known: &&str| {
        let known = self::plain(known);
        plain.starts_with(&known) || plain.ends_with(&known)
    };
    if PROVIDERS.iter().any(is_longer) {
        return None;
    }
    let near = |known: &&str| distance(&plain, &self::plain(known)) <= 1;
    PROVIDERS.into_iter().find(near)
}

fn is_provider(said: &str) -> bool {
    let plain = plain(said);
    PROVIDERS.iter().any(|known| self::plain(known) == plain)
}

/// What `--help` says beneath the options.
pub(super) fn help() -> String {
    let flavours: Vec<_> = Flavour::ALL.iter().map(|flavour| flavour.name()).collect();
    format!(
        "Flavours:\n{}\nProviders (any other name is taken as it is):\n{}\n\
         Examples:\n  \
         llm-audit usage --provider anthropic --api anthropic.messages --status 200 response.json\n  \
         llm-audit usage --provider openai --api openai.responses --at 2026-08-01 stream.sse --format table\n  \
         llm-audit usage --provider bedrock --path /model/amazon.nova-lite-v1%3A0/converse response.json\n  \
         curl ... | llm-audit usage --provider groq --api openai.chat_completions - | jq .record.cost_usd\n\n\
         Exit status: 0 explained, 1 the response says nothing that is known, 3 could not run, 64 wrong usage.",
        listed(&flavours),
        listed(&PROVIDERS),
    )
}

/// Names in lines that any terminal can hold.
fn listed(names: &[&str]) -> String {
    const WIDTH: usize = 90;
    let (mut out, mut line) = (String::new(), String::from(" "));
    for name in names {
        if line.len() + name.len() + 2 > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from(" ");
        }
        line.push(' ');
        line.push_str(name);
    }
    out + &line + "\n"
}

/// A name without what people spell differently.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Returns the nearest of the names, where one is near enough to have been meant.
fn nearest<'n>(said: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let said = plain(said);
    let near = names.map(|name| (distance(&said, &plain(name)), name));
    let (distance, name) = near.min()?;
    (distance <= 1 + said.len() / 4).then_some(name)
}

/// Letters to insert, take away, change or swap with the next to make one name of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for at in 1..=one.len() {
        let mut row = vec![at];
        for column in 1..=other.len() {
            let above = &rows[at - 1];
            let changed = above[column - 1] + usize::from(one[at - 1] != other[column - 1]);
            let mut best = changed.min(above[column] + 1).min(row[column - 1] + 1);
            let is_swap = at > 1
                && column > 1
                && one[at - 1] == other[column - 2]
                && one[at - 2] == other[column - 1];
            if is_swap {
                best = best.min(rows[at - 2][column - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavours_are_found_however_they_are_spelled() {
        for (said, expected) in [
            ("anthropic.messages", Flavour::AnthropicMessages),
            ("Anthropic", Flavour::AnthropicMessages),
            ("openai.chat", Flavour::OpenAiChat),
            ("openai_chat_completions", Flavour::OpenAiChat),
            ("groq.chat_completions", Flavour::OpenAiChat),
            ("azure.responses", Flavour::OpenAiResponses),
            (
                "gemini.stream_generate_content",
                Flavour::GeminiGenerateContent,
            ),
            ("vertex.generateContent", Flavour::GeminiGenerateContent),
            ("bedrock.converse-stream", Flavour::BedrockConverse),
            ("bedrock.converse_stream", Flavour::BedrockConverse),
            (
                "bedrock.invoke-with-response-stream",
                Flavour::BedrockInvoke,
            ),
            ("cohere.v1.chat", Flavour::CohereChatV1),
            ("deepseek.models", Flavour::Models),
            ("mistral.models", Flavour::Models),
            ("ollama.chat", Flavour::OllamaChat),
        ] {
            assert_eq!(flavour(said), Ok(Some(expected)), "{said}");
        }
    }

    #[test]
    fn every_streamed_and_listed_name_is_known() {
        for flavour in Flavour::ALL {
            assert_eq!(super::flavour(flavour.name()), Ok(Some(flavour)));
        }
    }

    #[test]
    fn what_is_spelled_wrong_has_a_nearest_name() {
        assert_eq!(
            flavour("anthropic.mesages"),
            Err(Some("anthropic.messages"))
        );
        assert_eq!(flavour("smoke signals"), Err(None));
        assert_eq!(flavour("openai.moderations"), Ok(None));
        assert_eq!(meant_provider("antropic"), Some("anthropic"));
        assert_eq!(meant_provider("anthropic"), None);
        assert_eq!(meant_provider("X-AI"), None);
        assert_eq!(meant_provider("opneai"), Some("openai"));
        for other in [
            "our-own-gateway",
            "mistralrs",
            "vertex_ai",
            "azure_openai",
            "venice",
            "google",
            "chatgpt",
        ] {
            assert_eq!(meant_provider(other), None, "{other}");
        }
    }

    #[test]
    fn distances_are_counted_in_letters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("abc", "acb", 1),
            ("abcd", "badc", 2),
            ("ab", "abc", 1),
        ] {
            assert_eq!(distance(one, other), expected);
            assert_eq!(distance(other, one), expected);
        }
    }
}
