//! What must hold of any bytes that come from outside: one function for each reader, and none may panic.
//!
//! Promise: each function is deterministic, so that a finding can be replayed. The fuzzer of `fuzz/` runs them for
//! long; the tests run them on mutated recordings for a moment.
//! Not here: what a reader must find in a good body (its own tests).

mod bodies;
mod frames;
#[cfg(test)]
mod mutate;
mod others;
#[cfg(test)]
mod tests;

use crate::flavour::Flavour;

/// A reader's name and what must hold of any bytes that it is given.
pub type Target = (&'static str, fn(&[u8]));

/// A target that reads bodies of one flavour.
macro_rules! flavour {
    ($name:literal, $flavour:ident) => {
        ($name, |data| bodies::check(Some(Flavour::$flavour), data))
    };
}

/// Everything that reads bytes from outside.
pub const TARGETS: [Target; 31] = [
    flavour!("anthropic_messages", AnthropicMessages),
    flavour!("openai_chat", OpenAiChat),
    flavour!("openai_responses", OpenAiResponses),
    flavour!("openai_completions", OpenAiCompletions),
    flavour!("openai_embeddings", OpenAiEmbeddings),
    flavour!("gemini_generate_content", GeminiGenerateContent),
    flavour!("gemini_embeddings", GeminiEmbeddings),
    flavour!("bedrock_converse", BedrockConverse),
    flavour!("bedrock_invoke", BedrockInvoke),
    flavour!("cohere_chat_v1", CohereChatV1),
    flavour!("cohere_chat_v2", CohereChatV2),
    flavour!("cohere_generate", CohereGenerate),
    flavour!("cohere_embed", CohereEmbed),
    flavour!("rerank", Rerank),
    flavour!("ollama_chat", OllamaChat),
    flavour!("ollama_generate", OllamaGenerate),
    flavour!("ollama_embed", OllamaEmbed),
    flavour!("models", Models),
    ("any_body", |data| bodies::check(None, data)),
    ("sse", frames::check_sse),
    ("ndjson", frames::check_ndjson),
    ("json_array", frames::check_json_array),
    ("event_stream", frames::check_event_stream),
    ("exchange", others::check_exchange),
    ("request", others::check_request),
    ("route", others::check_route),
    ("price_table", others::check_price_table),
    ("redact", others::check_redact),
    ("sanitize", others::check_sanitize),
    ("entry", others::check_entry),
    ("json", others::check_json),
];

/// Runs one target by its name; the name of none is a mistake of the caller.
///
/// # Panics
/// Where there is no such target, and where something that must hold does not.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, check) = target.expect("a target of the table");
    check(data);
}

/// A number of the bytes alone: where they are cut, and into which chunks.
fn number_of(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
