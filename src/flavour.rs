//! Flavours: an API's way of speaking, whoever speaks it.
//!
//! Promise: names are stable; each has the record's action and the conventions' operation.
//! Not here: reading what a flavour says (`provider`), which host speaks it (`provider::route`).

use std::fmt;

/// An API's way of speaking: what a request's path promises about bodies and streams.
///
/// Many hosts speak the same one: [`OpenAiChat`](Self::OpenAiChat) is spoken by most of those that are not `OpenAI`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavour {
    /// Anthropic Messages, also on Vertex.
    AnthropicMessages,
    /// `OpenAI` Chat Completions and every host that is compatible with it.
    OpenAiChat,
    /// `OpenAI` Responses.
    OpenAiResponses,
    /// `OpenAI` Completions, the older text API, which local servers still speak.
    OpenAiCompletions,
    /// `OpenAI` Embeddings.
    OpenAiEmbeddings,
    /// Gemini and Vertex `generateContent`, whole and streamed.
    GeminiGenerateContent,
    /// Gemini and Vertex embeddings.
    GeminiEmbeddings,
    /// Amazon Bedrock Converse, whole and streamed.
    BedrockConverse,
    /// Amazon Bedrock `InvokeModel`, whole and streamed: the body is the model's own.
    BedrockInvoke,
    /// Cohere chat, first version.
    CohereChatV1,
    /// Cohere chat, second version.
    CohereChatV2,
    /// Cohere generate, the older text API.
    CohereGenerate,
    /// Cohere embeddings.
    CohereEmbed,
    /// Reranking, as Cohere began it and others copied it.
    Rerank,
    /// Ollama chat.
    OllamaChat,
    /// Ollama generate.
    OllamaGenerate,
    /// Ollama embeddings.
    OllamaEmbed,
    /// A list of models: no inference, but a call that can fail.
    Models,
}

/// What there is to say about each flavour: its name, the provider's method, the conventions' operation.
type Row = (Flavour, &'static str, &'static str, &'static str);
const ROWS: [Row; 18] = {
    use Flavour as F;
    [
        (
            F::AnthropicMessages,
            "anthropic.messages",
            "messages.create",
            "chat",
        ),
        (
            F::OpenAiChat,
            "openai.chat_completions",
            "chat.completions.create",
            "chat",
        ),
        (
            F::OpenAiResponses,
            "openai.responses",
            "responses.create",
            "chat",
        ),
        (
            F::OpenAiCompletions,
            "openai.completions",
            "completions.create",
            "text_completion",
        ),
        (
            F::OpenAiEmbeddings,
            "openai.embeddings",
            "embeddings.create",
            "embeddings",
        ),
        (
            F::GeminiGenerateContent,
            "gemini.generateContent",
            "models.generate_content",
            "generate_content",
        ),
        (
            F::GeminiEmbeddings,
            "gemini.embedContent",
            "models.embed_content",
            "embeddings",
        ),
        (F::BedrockConverse, "bedrock.converse", "converse", "chat"),
        (F::BedrockInvoke, "bedrock.invoke", "invoke_model", "chat"),
        (F::CohereChatV1, "cohere.v1.chat", "chat", "chat"),
        (F::CohereChatV2, "cohere.v2.chat", "v2.chat", "chat"),
        (
            F::CohereGenerate,
            "cohere.v1.generate",
            "generate",
            "text_completion",
        ),
        (F::CohereEmbed, "cohere.embed", "embed", "embeddings"),
        (F::Rerank, "cohere.rerank", "rerank", "rerank"),
        (F::OllamaChat, "ollama.api.chat", "chat", "chat"),
        (
            F::OllamaGenerate,
            "ollama.api.generate",
            "generate",
            "text_completion",
        ),
        (F::OllamaEmbed, "ollama.api.embed", "embed", "embeddings"),
        (F::Models, "models", "models.list", "list_models"),
    ]
};

/// Further names, of APIs that differ from a flavour only in how the body is framed.
const ALIASES: [(&str, Flavour); 5] = [
    (
        "gemini.streamGenerateContent",
        Flavour::GeminiGenerateContent,
    ),
    ("bedrock.converse-stream", Flavour::BedrockConverse),
    (
        "bedrock.invoke-with-response-stream",
        Flavour::BedrockInvoke,
    ),
    ("cohere.chat", Flavour::CohereChatV2),
    ("deepseek.models", Flavour::Models),
];

impl Flavour {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; ROWS.len()] = {
        let mut all = [Self::AnthropicMessages; ROWS.len()];
        let mut at = 0;
        while at < ROWS.len() {
            all[at] = ROWS[at].0;
            at += 1;
        }
        all
    };

    /// Returns the flavour's name, such as `anthropic.messages`.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// Finds the flavour of a name; the names of streamed APIs are known too.
    pub fn named(name: &str) -> Option<Self> {
        let by_row = || ROWS.iter().find(|row| row.1 == name).map(|row| row.0);
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        by_row().or_else(|| alias.map(|(_, flavour)| *flavour))
    }

    /// Returns the provider's method, which is the record's action.
    pub(crate) const fn action(self) -> &'static str {
        self.row().2
    }

    /// Returns the conventions' name of the provider whose API it is, where hardly another speaks it.
    pub(crate) const fn maker(self) -> Option<&'static str> {
        match self {
            Self::AnthropicMessages => Some("anthropic"),
            Self::GeminiGenerateContent | Self::GeminiEmbeddings => Some("gcp.gemini"),
            Self::BedrockConverse | Self::BedrockInvoke => Some("aws.bedrock"),
            Self::CohereChatV1 | Self::CohereChatV2 | Self::CohereGenerate | Self::CohereEmbed => {
                Some("cohere")
            }
            Self::OllamaChat | Self::OllamaGenerate | Self::OllamaEmbed => Some("ollama"),
            _ => None,
        }
    }

    /// Returns what the conventions call the operation.
    pub(crate) const fn operation(self) -> &'static str {
        self.row().3
    }

    const fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_declaration_and_are_found_by_name() {
        for (at, flavour) in Flavour::ALL.into_iter().enumerate() {
            assert_eq!(flavour as usize, at);
            assert_eq!(Flavour::named(flavour.name()), Some(flavour));
        }
        assert_eq!(
            Flavour::named("bedrock.converse-stream"),
            Some(Flavour::BedrockConverse)
        );
        assert_eq!(Flavour::named("morse"), None);
    }
}
