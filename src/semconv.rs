//! The attribute names we read and write: the one module that spells them.
//!
//! Promise: every name of the OpenTelemetry `GenAI` conventions and of the emitters that came before or beside them
//! is in `ATTRIBUTES`, with the key that its value has in the record and what becomes of it there.
//! Not here: reading values (`layer`), judging them (`outcome`), writing them (`seal`, `otlp`).
//!
//! # Source
//! OpenTelemetry semantic conventions for `GenAI`, `main` of 2026-08-03 with later single files; `OpenInference` and
//! `OpenLLMetry` names as those projects emitted them in 2026; Langfuse's property mapping; rig's own field.

#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
use std::sync::LazyLock;

use llm_audit_journal::entry::schema::key;

/// What an attribute's value looks like where it is well formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    Text,
    TextList,
    Int,
    Double,
    Bool,
    /// A structured value: JSON text on a `tracing` span, `any` on an OpenTelemetry one.
    Json,
    /// All fields whose names number their items, as the members of one JSON object.
    Members,
}

/// What becomes of an attribute's value in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Operation,
    Provider,
    RequestModel,
    ResponseModel,
    User,
    Tenant,
    Conversation,
    ClientAddress,
    /// A further fact that names a person: a key that begins with `actor.`.
    Actor,
    InputTokens,
    OutputTokens,
    ThinkingTokens,
    CacheReadTokens,
    CacheWriteTokens,
    CacheWrite1hTokens,
    FinishReasons,
    FirstChunk,
    ServiceTier,
    ErrorType,
    ErrorMessage,
    /// Content of the request: hashed, never a fact.
    Input,
    /// Content of the response: hashed, never a fact.
    Output,
    /// The system prompt: hashed, never a fact.
    System,
    /// A further fact, copied as it is.
    Fact,
    /// Free text that may hold content and identifies nothing: not recorded.
    Dropped,
}

/// One attribute: its canonical name, its key in the record, its type and its role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    pub(crate) value: ValueType,
    pub(crate) role: Role,
}

/// Which attribute a span's field is: an index into [`ATTRIBUTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Slot {
    OperationName,
    ProviderName,
    RequestModel,
    ResponseModel,
    UserId,
    TenantId,
    ConversationId,
    ClientAddress,
    UserHash,
    UserEmail,
    UserFullName,
    UserName,
    UserRoles,
    InputTokens,
    OutputTokens,
    ThinkingTokens,
    CacheReadTokens,
    CacheWriteTokens,
    CacheWrite1hTokens,
    AudioInputTokens,
    AudioOutputTokens,
    AudioCacheReadTokens,
    ImageInputTokens,
    ImageOutputTokens,
    ImageCacheReadTokens,
    TextInputTokens,
    TextOutputTokens,
    TextCacheReadTokens,
    ReportedCost,
    FinishReasons,
    ResponseId,
    ResponseStatus,
    TimeToFirstChunk,
    ErrorType,
    ErrorMessage,
    InputMessages,
    OutputMessages,
    SystemInstructions,
    ToolCallArguments,
    ToolCallResult,
    RetrievalQuery,
    RetrievalDocuments,
    MemoryQuery,
    MemoryRecords,
    ToolDefinitions,
    ToolDescription,
    AgentDescription,
    MainAgentDescription,
    SkillDescription,
    EvaluationExplanation,
    ExceptionStacktrace,
    ToolName,
    ToolType,
    ToolCallId,
    AgentId,
    AgentName,
    AgentVersion,
    MainAgentId,
    MainAgentName,
    WorkflowName,
    SkillName,
    SkillResourceName,
    SkillSourceUri,
    DataSourceId,
    PromptName,
    PromptVersion,
    ConversationCompacted,
    EmbeddingsDimensionCount,
    EvaluationName,
    EvaluationScoreLabel,
    EvaluationScoreValue,
    MemoryRecordCount,
    MemoryRecordId,
    MemoryStoreId,
    OutputType,
    ChoiceCount,
    EncodingFormats,
    FrequencyPenalty,
    MaxTokens,
    PresencePenalty,
    PreviousResponseId,
    ReasoningLevel,
    Seed,
    StopSequences,
    Stream,
    StreamCursor,
    Temperature,
    TopK,
    TopP,
    RetrievalTopK,
    TokenModality,
    TokenType,
    GuardrailId,
    KnowledgeBaseId,
    AzureNamespace,
    OpenAiApiType,
    OpenAiRequestTier,
    OpenAiResponseTier,
    OpenAiFingerprint,
    ServerAddress,
    ServerPort,
    ProviderRequestId,
    NumberedInput,
    NumberedOutput,
    SpanStatus,
}

impl Slot {
    /// The attribute's description.
    pub(crate) fn attribute(self) -> &'static Attribute {
        &ATTRIBUTES[self as usize]
    }

    /// Finds the slot of a field by its name, canonical or alias.
    pub(crate) fn of(name: &str) -> Option<Self> {
        NAMES
            .binary_search_by(|(known, _)| (*known).cmp(name))
            .map_or_else(|_| Self::of_numbered(name), |at| Some(NAMES[at].1))
    }

    /// Finds the slot of a field whose name numbers an item of a list, such as `gen_ai.prompt.0.content`.
    fn of_numbered(name: &str) -> Option<Self> {
        let is_numbered = |prefix: &str| {
            name.strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        NUMBERED
            .iter()
            .find(|(prefix, _)| is_numbered(prefix))
            .map(|(_, slot)| *slot)
    }
}

const fn attribute(
    name: &'static str,
    key: &'static str,
    value: ValueType,
    role: Role,
) -> Attribute {
    Attribute {
        name,
        key,
        value,
        role,
    }
}

/// All attributes, in the order of [`Slot`].
#[rustfmt::skip]
pub(crate) static ATTRIBUTES: [Attribute; 105] = [
    attribute("gen_ai.operation.name", key::OPERATION, ValueType::Text, Role::Operation),
    attribute("gen_ai.provider.name", key::PROVIDER, ValueType::Text, Role::Provider),
    attribute("gen_ai.request.model", key::REQUEST_MODEL, ValueType::Text, Role::RequestModel),
    // No key of a record: the model that answered stands as `model`.
    attribute("gen_ai.response.model", "response_model", ValueType::Text, Role::ResponseModel),
    attribute("user.id", key::USER_ID, ValueType::Text, Role::User),
    attribute("tenant.id", key::TENANT_ID, ValueType::Text, Role::Tenant),
    attribute("gen_ai.conversation.id", key::CONVERSATION_ID, ValueType::Text, Role::Conversation),
    attribute("client.address", key::CLIENT_ADDRESS, ValueType::Text, Role::ClientAddress),
    attribute("user.hash", key::ACTOR_USER_HASH, ValueType::Text, Role::Actor),
    attribute("user.email", key::ACTOR_USER_EMAIL, ValueType::Text, Role::Actor),
    attribute("user.full_name", key::ACTOR_USER_FULL_NAME, ValueType::Text, Role::Actor),
    attribute("user.name", key::ACTOR_USER_NAME, ValueType::Text, Role::Actor),
    attribute("user.roles", key::ACTOR_USER_ROLES, ValueType::TextList, Role::Actor),
    attribute("gen_ai.usage.input_tokens", key::INPUT_TOKENS, ValueType::Int, Role::InputTokens),
    attribute("gen_ai.usage.output_tokens", key::OUTPUT_TOKENS, ValueType::Int, Role::OutputTokens),
    attribute("gen_ai.usage.reasoning.output_tokens", key::THINKING_TOKENS, ValueType::Int, Role::ThinkingTokens),
    attribute("gen_ai.usage.cache_read.input_tokens", key::CACHE_READ_TOKENS, ValueType::Int, Role::CacheReadTokens),
    attribute("gen_ai.usage.cache_write.input_tokens", key::CACHE_WRITE_TOKENS, ValueType::Int, Role::CacheWriteTokens),
    attribute("llm_audit.usage.cache_write_1h.input_tokens", key::CACHE_WRITE_1H_TOKENS, ValueType::Int, Role::CacheWrite1hTokens),
    attribute("gen_ai.usage.audio.input_tokens", key::AUDIO_INPUT_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.audio.output_tokens", key::AUDIO_OUTPUT_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.audio.cache_read.input_tokens", key::AUDIO_CACHE_READ_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.image.input_tokens", key::IMAGE_INPUT_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.image.output_tokens", key::IMAGE_OUTPUT_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.image.cache_read.input_tokens", key::IMAGE_CACHE_READ_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.text.input_tokens", key::TEXT_INPUT_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.text.output_tokens", key::TEXT_OUTPUT_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.text.cache_read.input_tokens", key::TEXT_CACHE_READ_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.usage.cost.amount", key::REPORTED_COST_USD, ValueType::Double, Role::Fact),
    attribute("gen_ai.response.finish_reasons", key::FINISH_REASONS, ValueType::TextList, Role::FinishReasons),
    attribute("gen_ai.response.id", key::RESPONSE_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.response.status", key::RESPONSE_STATUS, ValueType::Text, Role::Fact),
    attribute("gen_ai.response.time_to_first_chunk", key::TIME_TO_FIRST_CHUNK_MS, ValueType::Double, Role::FirstChunk),
    attribute("error.type", key::ERROR_TYPE, ValueType::Text, Role::ErrorType),
    attribute("error.message", key::ERROR_MESSAGE, ValueType::Text, Role::ErrorMessage),
    attribute("gen_ai.input.messages", key::INPUT, ValueType::Json, Role::Input),
    attribute("gen_ai.output.messages", key::OUTPUT, ValueType::Json, Role::Output),
    attribute("gen_ai.system_instructions", key::SYSTEM_PROMPT, ValueType::Json, Role::System),
    attribute("gen_ai.tool.call.arguments", key::INPUT, ValueType::Json, Role::Input),
    attribute("gen_ai.tool.call.result", key::OUTPUT, ValueType::Json, Role::Output),
    attribute("gen_ai.retrieval.query.text", key::INPUT, ValueType::Text, Role::Input),
    attribute("gen_ai.retrieval.documents", key::OUTPUT, ValueType::Json, Role::Output),
    attribute("gen_ai.memory.query.text", key::INPUT, ValueType::Text, Role::Input),
    attribute("gen_ai.memory.records", key::OUTPUT, ValueType::Json, Role::Output),
    attribute("gen_ai.tool.definitions", "", ValueType::Json, Role::Dropped),
    attribute("gen_ai.tool.description", "", ValueType::Text, Role::Dropped),
    attribute("gen_ai.agent.description", "", ValueType::Text, Role::Dropped),
    attribute("gen_ai.main_agent.description", "", ValueType::Text, Role::Dropped),
    attribute("gen_ai.skill.description", "", ValueType::Text, Role::Dropped),
    attribute("gen_ai.evaluation.explanation", "", ValueType::Text, Role::Dropped),
    attribute("exception.stacktrace", "", ValueType::Text, Role::Dropped),
    attribute("gen_ai.tool.name", key::TOOL_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.tool.type", key::TOOL_TYPE, ValueType::Text, Role::Fact),
    attribute("gen_ai.tool.call.id", key::TOOL_CALL_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.agent.id", key::AGENT_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.agent.name", key::AGENT_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.agent.version", key::AGENT_VERSION, ValueType::Text, Role::Fact),
    attribute("gen_ai.main_agent.id", key::MAIN_AGENT_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.main_agent.name", key::MAIN_AGENT_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.workflow.name", key::WORKFLOW_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.skill.name", key::SKILL_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.skill.resource.name", key::SKILL_RESOURCE_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.skill.source.uri", key::SKILL_SOURCE_URI, ValueType::Text, Role::Fact),
    attribute("gen_ai.data_source.id", key::DATA_SOURCE_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.prompt.name", key::PROMPT_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.prompt.version", key::PROMPT_VERSION, ValueType::Text, Role::Fact),
    attribute("gen_ai.conversation.compacted", key::CONVERSATION_COMPACTED, ValueType::Bool, Role::Fact),
    attribute("gen_ai.embeddings.dimension.count", key::EMBEDDINGS_DIMENSION_COUNT, ValueType::Int, Role::Fact),
    attribute("gen_ai.evaluation.name", key::EVALUATION_NAME, ValueType::Text, Role::Fact),
    attribute("gen_ai.evaluation.score.label", key::EVALUATION_SCORE_LABEL, ValueType::Text, Role::Fact),
    attribute("gen_ai.evaluation.score.value", key::EVALUATION_SCORE, ValueType::Double, Role::Fact),
    attribute("gen_ai.memory.record.count", key::MEMORY_RECORD_COUNT, ValueType::Int, Role::Fact),
    attribute("gen_ai.memory.record.id", key::MEMORY_RECORD_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.memory.store.id", key::MEMORY_STORE_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.output.type", key::OUTPUT_TYPE, ValueType::Text, Role::Fact),
    attribute("gen_ai.request.choice.count", key::REQUEST_CHOICE_COUNT, ValueType::Int, Role::Fact),
    attribute("gen_ai.request.encoding_formats", key::REQUEST_ENCODING_FORMATS, ValueType::TextList, Role::Fact),
    attribute("gen_ai.request.frequency_penalty", key::REQUEST_FREQUENCY_PENALTY, ValueType::Double, Role::Fact),
    attribute("gen_ai.request.max_tokens", key::REQUEST_MAX_TOKENS, ValueType::Int, Role::Fact),
    attribute("gen_ai.request.presence_penalty", key::REQUEST_PRESENCE_PENALTY, ValueType::Double, Role::Fact),
    attribute("gen_ai.request.previous_response.id", key::REQUEST_PREVIOUS_RESPONSE_ID, ValueType::Text, Role::Fact),
    attribute("gen_ai.request.reasoning.level", key::REQUEST_REASONING_LEVEL, ValueType::Text, Role::Fact),
    attribute("gen_ai.request.seed", key::REQUEST_SEED, ValueType::Int, Role::Fact),
    attribute("gen_ai.request.stop_sequences", "", ValueType::TextList, Role::Dropped),
    attribute("gen_ai.request.stream", key::STREAM, ValueType::Bool, Role::Fact),
    attribute("gen_ai.request.stream_cursor", key::REQUEST_STREAM_CURSOR, ValueType::Text, Role::Fact),
    attribute("gen_ai.request.temperature", key::REQUEST_TEMPERATURE, ValueType::Double, Role::Fact),
    attribute("gen_ai.request.top_k", key::REQUEST_TOP_K, ValueType::Int, Role::Fact),
    attribute("gen_ai.request.top_p", key::REQUEST_TOP_P, ValueType::Double, Role::Fact),
    attribute("gen_ai.retrieval.top_k", key::RETRIEVAL_TOP_K, ValueType::Int, Role::Fact),
    attribute("gen_ai.token.modality", key::TOKEN_MODALITY, ValueType::Text, Role::Fact),
    attribute("gen_ai.token.type", key::TOKEN_TYPE, ValueType::Text, Role::Fact),
    attribute("aws.bedrock.guardrail.id", key::GUARDRAIL_ID, ValueType::Text, Role::Fact),
    attribute("aws.bedrock.knowledge_base.id", key::KNOWLEDGE_BASE_ID, ValueType::Text, Role::Fact),
    attribute("azure.resource_provider.namespace", key::AZURE_RESOURCE_PROVIDER_NAMESPACE, ValueType::Text, Role::Fact),
    attribute("openai.api.type", key::OPENAI_API_TYPE, ValueType::Text, Role::Fact),
    attribute("openai.request.service_tier", key::REQUEST_SERVICE_TIER, ValueType::Text, Role::Fact),
    attribute("openai.response.service_tier", key::SERVICE_TIER, ValueType::Text, Role::ServiceTier),
    attribute("openai.response.system_fingerprint", key::SYSTEM_FINGERPRINT, ValueType::Text, Role::Fact),
    attribute("server.address", key::SERVER_ADDRESS, ValueType::Text, Role::Fact),
    attribute("server.port", key::SERVER_PORT, ValueType::Int, Role::Fact),
    attribute("llm_audit.provider_request_id", key::PROVIDER_REQUEST_ID, ValueType::Text, Role::Fact),
    attribute("llm.input_messages", key::INPUT, ValueType::Members, Role::Input),
    attribute("llm.output_messages", key::OUTPUT, ValueType::Members, Role::Output),
    // What `tracing-opentelemetry` makes the span's status of.
    attribute("otel.status_code", "", ValueType::Text, Role::Dropped),
];

/// Every name that is read, sorted, with its slot.
#[rustfmt::skip]
static NAMES: [(&str, Slot); 224] = [
    ("agent.name", Slot::AgentName),
    ("aws.bedrock.guardrail.id", Slot::GuardrailId),
    ("aws.bedrock.knowledge_base.id", Slot::KnowledgeBaseId),
    ("aws.request_id", Slot::ProviderRequestId),
    ("azure.resource_provider.namespace", Slot::AzureNamespace),
    ("cache_creation", Slot::CacheWriteTokens),
    ("cache_creation_input_tokens", Slot::CacheWriteTokens),
    ("cache_read_input_tokens", Slot::CacheReadTokens),
    ("client.address", Slot::ClientAddress),
    ("embedding.model_name", Slot::RequestModel),
    ("enduser.id", Slot::UserId),
    ("enduser.pseudo.id", Slot::UserHash),
    ("error", Slot::ErrorMessage),
    ("error.message", Slot::ErrorMessage),
    ("error.type", Slot::ErrorType),
    ("exception.message", Slot::ErrorMessage),
    ("exception.stacktrace", Slot::ExceptionStacktrace),
    ("exception.type", Slot::ErrorType),
    ("gen_ai.agent.description", Slot::AgentDescription),
    ("gen_ai.agent.id", Slot::AgentId),
    ("gen_ai.agent.name", Slot::AgentName),
    ("gen_ai.agent.version", Slot::AgentVersion),
    ("gen_ai.completion", Slot::OutputMessages),
    ("gen_ai.completion.0.finish_reason", Slot::FinishReasons),
    ("gen_ai.conversation.compacted", Slot::ConversationCompacted),
    ("gen_ai.conversation.id", Slot::ConversationId),
    ("gen_ai.data_source.id", Slot::DataSourceId),
    ("gen_ai.embeddings.dimension.count", Slot::EmbeddingsDimensionCount),
    ("gen_ai.evaluation.explanation", Slot::EvaluationExplanation),
    ("gen_ai.evaluation.name", Slot::EvaluationName),
    ("gen_ai.evaluation.score.label", Slot::EvaluationScoreLabel),
    ("gen_ai.evaluation.score.value", Slot::EvaluationScoreValue),
    ("gen_ai.input.messages", Slot::InputMessages),
    ("gen_ai.is_streaming", Slot::Stream),
    ("gen_ai.main_agent.description", Slot::MainAgentDescription),
    ("gen_ai.main_agent.id", Slot::MainAgentId),
    ("gen_ai.main_agent.name", Slot::MainAgentName),
    ("gen_ai.memory.query.text", Slot::MemoryQuery),
    ("gen_ai.memory.record.count", Slot::MemoryRecordCount),
    ("gen_ai.memory.record.id", Slot::MemoryRecordId),
    ("gen_ai.memory.records", Slot::MemoryRecords),
    ("gen_ai.memory.store.id", Slot::MemoryStoreId),
    ("gen_ai.openai.api_type", Slot::OpenAiApiType),
    ("gen_ai.openai.request.response_format", Slot::OutputType),
    ("gen_ai.openai.request.seed", Slot::Seed),
    ("gen_ai.openai.request.service_tier", Slot::OpenAiRequestTier),
    ("gen_ai.openai.response.service_tier", Slot::OpenAiResponseTier),
    ("gen_ai.openai.response.system_fingerprint", Slot::OpenAiFingerprint),
    ("gen_ai.openai.system_fingerprint", Slot::OpenAiFingerprint),
    ("gen_ai.operation.name", Slot::OperationName),
    ("gen_ai.output.messages", Slot::OutputMessages),
    ("gen_ai.output.type", Slot::OutputType),
    ("gen_ai.prompt", Slot::InputMessages),
    ("gen_ai.prompt.name", Slot::PromptName),
    ("gen_ai.prompt.version", Slot::PromptVersion),
    ("gen_ai.provider.name", Slot::ProviderName),
    ("gen_ai.request.choice.count", Slot::ChoiceCount),
    ("gen_ai.request.encoding_formats", Slot::EncodingFormats),
    ("gen_ai.request.frequency_penalty", Slot::FrequencyPenalty),
    ("gen_ai.request.max_completion_tokens", Slot::MaxTokens),
    ("gen_ai.request.max_tokens", Slot::MaxTokens),
    ("gen_ai.request.model", Slot::RequestModel),
    ("gen_ai.request.n", Slot::ChoiceCount),
    ("gen_ai.request.presence_penalty", Slot::PresencePenalty),
    ("gen_ai.request.previous_response.id", Slot::PreviousResponseId),
    ("gen_ai.request.reasoning.level", Slot::ReasoningLevel),
    ("gen_ai.request.reasoning_effort", Slot::ReasoningLevel),
    ("gen_ai.request.seed", Slot::Seed),
    ("gen_ai.request.stop_sequences", Slot::StopSequences),
    ("gen_ai.request.stream", Slot::Stream),
    ("gen_ai.request.stream_cursor", Slot::StreamCursor),
    ("gen_ai.request.temperature", Slot::Temperature),
    ("gen_ai.request.top_k", Slot::TopK),
    ("gen_ai.request.top_p", Slot::TopP),
    ("gen_ai.response.finish_reason", Slot::FinishReasons),
    ("gen_ai.response.finish_reasons", Slot::FinishReasons),
    ("gen_ai.response.id", Slot::ResponseId),
    ("gen_ai.response.model", Slot::ResponseModel),
    ("gen_ai.response.status", Slot::ResponseStatus),
    ("gen_ai.response.stop_reason", Slot::FinishReasons),
    ("gen_ai.response.time_to_first_chunk", Slot::TimeToFirstChunk),
    ("gen_ai.retrieval.documents", Slot::RetrievalDocuments),
    ("gen_ai.retrieval.query.text", Slot::RetrievalQuery),
    ("gen_ai.retrieval.top_k", Slot::RetrievalTopK),
    ("gen_ai.session.id", Slot::ConversationId),
    ("gen_ai.skill.description", Slot::SkillDescription),
    ("gen_ai.skill.name", Slot::SkillName),
    ("gen_ai.skill.resource.name", Slot::SkillResourceName),
    ("gen_ai.skill.source.uri", Slot::SkillSourceUri),
    ("gen_ai.system", Slot::ProviderName),
    ("gen_ai.system_instructions", Slot::SystemInstructions),
    ("gen_ai.token.modality", Slot::TokenModality),
    ("gen_ai.token.type", Slot::TokenType),
    ("gen_ai.tool.call.arguments", Slot::ToolCallArguments),
    ("gen_ai.tool.call.id", Slot::ToolCallId),
    ("gen_ai.tool.call.result", Slot::ToolCallResult),
    ("gen_ai.tool.definitions", Slot::ToolDefinitions),
    ("gen_ai.tool.description", Slot::ToolDescription),
    ("gen_ai.tool.error.type", Slot::ErrorType),
    ("gen_ai.tool.name", Slot::ToolName),
    ("gen_ai.tool.type", Slot::ToolType),
    ("gen_ai.usage.audio.cache_read.input_tokens", Slot::AudioCacheReadTokens),
    ("gen_ai.usage.audio.input_tokens", Slot::AudioInputTokens),
    ("gen_ai.usage.audio.output_tokens", Slot::AudioOutputTokens),
    ("gen_ai.usage.cache_creation.input_tokens", Slot::CacheWriteTokens),
    ("gen_ai.usage.cache_creation_input_tokens", Slot::CacheWriteTokens),
    ("gen_ai.usage.cache_read.input_tokens", Slot::CacheReadTokens),
    ("gen_ai.usage.cache_read_input_tokens", Slot::CacheReadTokens),
    ("gen_ai.usage.cache_write.input_tokens", Slot::CacheWriteTokens),
    ("gen_ai.usage.cached_tokens", Slot::CacheReadTokens),
    ("gen_ai.usage.completion_tokens", Slot::OutputTokens),
    ("gen_ai.usage.cost.amount", Slot::ReportedCost),
    ("gen_ai.usage.details.cache_read_tokens", Slot::CacheReadTokens),
    ("gen_ai.usage.details.cache_write_tokens", Slot::CacheWriteTokens),
    ("gen_ai.usage.details.reasoning_tokens", Slot::ThinkingTokens),
    ("gen_ai.usage.image.cache_read.input_tokens", Slot::ImageCacheReadTokens),
    ("gen_ai.usage.image.input_tokens", Slot::ImageInputTokens),
    ("gen_ai.usage.image.output_tokens", Slot::ImageOutputTokens),
    ("gen_ai.usage.input_cached_tokens", Slot::CacheReadTokens),
    ("gen_ai.usage.input_tokens", Slot::InputTokens),
    ("gen_ai.usage.input_tokens.cache_write", Slot::CacheWriteTokens),
    ("gen_ai.usage.output_tokens", Slot::OutputTokens),
    ("gen_ai.usage.output_tokens.reasoning", Slot::ThinkingTokens),
    ("gen_ai.usage.prompt_tokens", Slot::InputTokens),
    ("gen_ai.usage.reasoning.output_tokens", Slot::ThinkingTokens),
    ("gen_ai.usage.reasoning_tokens", Slot::ThinkingTokens),
    ("gen_ai.usage.text.cache_read.input_tokens", Slot::TextCacheReadTokens),
    ("gen_ai.usage.text.input_tokens", Slot::TextInputTokens),
    ("gen_ai.usage.text.output_tokens", Slot::TextOutputTokens),
    ("gen_ai.user", Slot::UserId),
    ("gen_ai.user.id", Slot::UserId),
    ("gen_ai.workflow.name", Slot::WorkflowName),
    ("input.value", Slot::InputMessages),
    ("langfuse.observation.input", Slot::InputMessages),
    ("langfuse.observation.model.name", Slot::RequestModel),
    ("langfuse.observation.output", Slot::OutputMessages),
    ("langfuse.observation.prompt.name", Slot::PromptName),
    ("langfuse.observation.prompt.version", Slot::PromptVersion),
    ("langfuse.session.id", Slot::ConversationId),
    ("langfuse.user.id", Slot::UserId),
    ("llm.chat.stop_sequences", Slot::StopSequences),
    ("llm.cost.total", Slot::ReportedCost),
    ("llm.finish_reason", Slot::FinishReasons),
    ("llm.frequency_penalty", Slot::FrequencyPenalty),
    ("llm.is_streaming", Slot::Stream),
    ("llm.model_name", Slot::RequestModel),
    ("llm.presence_penalty", Slot::PresencePenalty),
    ("llm.prompt_template.version", Slot::PromptVersion),
    ("llm.provider", Slot::ProviderName),
    ("llm.request.functions", Slot::ToolDefinitions),
    ("llm.request.max_tokens", Slot::MaxTokens),
    ("llm.request.model", Slot::RequestModel),
    ("llm.request.model_name", Slot::RequestModel),
    ("llm.request.reasoning_effort", Slot::ReasoningLevel),
    ("llm.request.type", Slot::OperationName),
    ("llm.response.finish_reason", Slot::FinishReasons),
    ("llm.response.model", Slot::ResponseModel),
    ("llm.response.model_name", Slot::ResponseModel),
    ("llm.response.stop_reason", Slot::FinishReasons),
    ("llm.system", Slot::ProviderName),
    ("llm.temperature", Slot::Temperature),
    ("llm.token_count.completion", Slot::OutputTokens),
    ("llm.token_count.completion_details.audio", Slot::AudioOutputTokens),
    ("llm.token_count.completion_details.reasoning", Slot::ThinkingTokens),
    ("llm.token_count.prompt", Slot::InputTokens),
    ("llm.token_count.prompt_details.audio", Slot::AudioInputTokens),
    ("llm.token_count.prompt_details.cache_read", Slot::CacheReadTokens),
    ("llm.token_count.prompt_details.cache_write", Slot::CacheWriteTokens),
    ("llm.tools", Slot::ToolDefinitions),
    ("llm.top_k", Slot::TopK),
    ("llm.top_p", Slot::TopP),
    ("llm.usage.completion_tokens", Slot::OutputTokens),
    ("llm.usage.prompt_tokens", Slot::InputTokens),
    ("llm.usage.reasoning_tokens", Slot::ThinkingTokens),
    ("llm.user", Slot::UserId),
    ("llm.vendor", Slot::ProviderName),
    ("llm_audit.provider_request_id", Slot::ProviderRequestId),
    ("llm_audit.usage.cache_write_1h.input_tokens", Slot::CacheWrite1hTokens),
    ("openai.api.type", Slot::OpenAiApiType),
    ("openai.request.service_tier", Slot::OpenAiRequestTier),
    ("openai.response.service_tier", Slot::OpenAiResponseTier),
    ("openai.response.system_fingerprint", Slot::OpenAiFingerprint),
    ("openinference.span.kind", Slot::OperationName),
    ("otel.status_code", Slot::SpanStatus),
    ("otel.status_description", Slot::ErrorMessage),
    ("otel.status_message", Slot::ErrorMessage),
    ("output.value", Slot::OutputMessages),
    ("prompt.id", Slot::PromptName),
    ("reranker.model_name", Slot::RequestModel),
    ("reranker.query", Slot::InputMessages),
    ("retrieval.documents", Slot::RetrievalDocuments),
    ("rig.provider_request_id", Slot::ProviderRequestId),
    ("server.address", Slot::ServerAddress),
    ("server.port", Slot::ServerPort),
    ("session.id", Slot::ConversationId),
    ("tenant.id", Slot::TenantId),
    ("tool.description", Slot::ToolDescription),
    ("tool.id", Slot::ToolCallId),
    ("tool.name", Slot::ToolName),
    ("tool.parameters", Slot::ToolCallArguments),
    ("tool_call.function.arguments", Slot::ToolCallArguments),
    ("tool_call.function.name", Slot::ToolName),
    ("tool_call.id", Slot::ToolCallId),
    ("traceloop.association.properties.conversation_id", Slot::ConversationId),
    ("traceloop.association.properties.session_id", Slot::ConversationId),
    ("traceloop.association.properties.tenant_id", Slot::TenantId),
    ("traceloop.association.properties.user_id", Slot::UserId),
    ("traceloop.entity.input", Slot::InputMessages),
    ("traceloop.entity.output", Slot::OutputMessages),
    ("traceloop.prompt.key", Slot::PromptName),
    ("traceloop.prompt.version", Slot::PromptVersion),
    ("traceloop.span.kind", Slot::OperationName),
    ("traceloop.workflow.name", Slot::WorkflowName),
    ("usage.cached_tokens", Slot::CacheReadTokens),
    ("usage.completion_tokens", Slot::OutputTokens),
    ("usage.input_tokens", Slot::InputTokens),
    ("usage.output_tokens", Slot::OutputTokens),
    ("usage.prompt_tokens", Slot::InputTokens),
    ("user.email", Slot::UserEmail),
    ("user.full_name", Slot::UserFullName),
    ("user.hash", Slot::UserHash),
    ("user.id", Slot::UserId),
    ("user.name", Slot::UserName),
    ("user.roles", Slot::UserRoles),
];

/// Prefixes of names that number their items: each a list that other emitters flatten, of content and nothing else.
///
/// Such a list is hashed as one JSON object of all its fields, by their names: the emitter's form, not the provider's.
static NUMBERED: [(&str, Slot); 10] = [
    ("embedding.embeddings.", Slot::NumberedInput),
    ("gen_ai.completion.", Slot::NumberedOutput),
    ("gen_ai.prompt.", Slot::NumberedInput),
    ("llm.choices.", Slot::NumberedOutput),
    ("llm.input_messages.", Slot::NumberedInput),
    ("llm.output_messages.", Slot::NumberedOutput),
    ("llm.prompts.", Slot::NumberedInput),
    ("reranker.input_documents.", Slot::NumberedInput),
    ("reranker.output_documents.", Slot::NumberedOutput),
    ("retrieval.documents.", Slot::NumberedOutput),
];

/// Finds the attribute whose value a record keeps under `key`; `None` for keys of our own, and for content.
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) fn attribute_of_key(key: &str) -> Option<&'static Attribute> {
    static BY_KEY: LazyLock<Vec<&'static Attribute>> = LazyLock::new(|| {
        let mut sorted: Vec<_> = ATTRIBUTES
            .iter()
            .filter(|attribute| attribute.is_kept())
            .collect();
        // Stable: where several attributes share a key, the first in the table is the canonical one.
        sorted.sort_by_key(|attribute| attribute.key);
        sorted.dedup_by_key(|attribute| attribute.key);
        sorted
    });
    let at = BY_KEY
        .binary_search_by(|attribute| attribute.key.cmp(key))
        .ok()?;
    Some(BY_KEY[at])
}

#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
impl Attribute {
    /// Says whether the value itself is in the record, and no content.
    fn is_kept(&self) -> bool {
        !matches!(
            self.role,
            Role::Input | Role::Output | Role::System | Role::Dropped
        )
    }
}

/// The prefix of our own attributes (`audit.` is claimed by OTEP 0267).
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) const OWN_PREFIX: &str = "llm_audit.";
/// The request id on the OpenTelemetry span and on the log record.
pub(crate) const REQUEST_ID: &str = "llm_audit.request_id";
/// The record's status on the OpenTelemetry span and on the log record.
pub(crate) const STATUS: &str = "llm_audit.status";
/// The exact cost as a double whose shortest decimal is the exact value.
pub(crate) const COST_USD: &str = "llm_audit.cost_usd";
/// The exact cost as text, where no double prints as it.
pub(crate) const COST_USD_EXACT: &str = "llm_audit.cost_usd_exact";
/// The event that an inference operation's log record is.
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) const EVENT_INFERENCE: &str = "gen_ai.client.inference.operation.details";
/// Event names of ours, for libraries whose event names must outlive the program: other operations are `llm_audit.call`.
#[cfg(feature = "opentelemetry_sdk")]
pub(crate) const OWN_EVENTS: [&str; 30] = [
    "llm_audit.access",
    "llm_audit.begin",
    "llm_audit.call",
    "llm_audit.checkpoint",
    "llm_audit.close",
    "llm_audit.config",
    "llm_audit.create_agent",
    "llm_audit.create_memory",
    "llm_audit.create_memory_store",
    "llm_audit.delete_memory",
    "llm_audit.delete_memory_store",
    "llm_audit.embeddings",
    "llm_audit.erasure",
    "llm_audit.execute_tool",
    "llm_audit.fetch_response",
    "llm_audit.gap",
    "llm_audit.heartbeat",
    "llm_audit.hold",
    "llm_audit.invoke_agent",
    "llm_audit.invoke_workflow",
    "llm_audit.key",
    "llm_audit.open",
    "llm_audit.plan",
    "llm_audit.recovery",
    "llm_audit.rerank",
    "llm_audit.retention",
    "llm_audit.retrieval",
    "llm_audit.search_memory",
    "llm_audit.update_memory",
    "llm_audit.upsert_memory",
];
/// What a backend deduplicates by.
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) const LOG_RECORD_UID: &str = "log.record.uid";
/// The model that answered.
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Content of the request, in the conventions' own form.
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) const INPUT_MESSAGES: &str = "gen_ai.input.messages";
/// Content of the response, in the conventions' own form.
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
pub(crate) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
/// The system prompt's digest, on the OpenTelemetry span where that was asked for.
pub(crate) const SYSTEM_PROMPT_HASH: &str = "llm_audit.system_prompt_hash";
/// The input's digest.
pub(crate) const INPUT_HASH: &str = "llm_audit.input_hash";
/// The output's digest.
pub(crate) const OUTPUT_HASH: &str = "llm_audit.output_hash";

#[cfg(test)]
mod tests {
    use super::*;
    use llm_audit_journal::entry::{
        Class,
        schema::{Key, Type},
    };

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    #[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
    fn keys_find_their_canonical_attribute_and_content_none() {
        let name = |key| attribute_of_key(key).map(|attribute| attribute.name);
        assert_eq!(
            name("cache_read_tokens"),
            Some("gen_ai.usage.cache_read.input_tokens")
        );
        assert_eq!(name("user_id"), Some("user.id"));
        for key in ["input", "output", "system_prompt", "", "latency_ms"] {
            assert_eq!(name(key), None);
        }
    }

    /// A span's word that is copied keeps its type: a table whose columns the schema gives must be able to take it.
    #[test]
    fn keys_are_the_schemas_and_of_a_type_that_takes_the_attributes_value() {
        let copied = |attribute: &&Attribute| matches!(attribute.role, Role::Fact | Role::Actor);
        for attribute in ATTRIBUTES.iter().filter(copied) {
            let key = Key::of_name(attribute.key);
            let key = key.unwrap_or_else(|| panic!("`{}` is no key", attribute.key));
            let expected = match attribute.value {
                ValueType::Text => Type::Text,
                ValueType::TextList => Type::TextList,
                ValueType::Int => Type::Integer,
                ValueType::Double => Type::Number,
                ValueType::Bool => Type::Boolean,
                ValueType::Json | ValueType::Members => panic!("`{}` has a structure", key.name),
            };
            assert_eq!(key.value, expected, "{}", key.name);
            assert_eq!(key.class == Class::Actor, attribute.role == Role::Actor);
        }
        let judged = ATTRIBUTES
            .iter()
            .filter(|attribute| !matches!(attribute.role, Role::Dropped | Role::ResponseModel));
        for attribute in judged {
            assert!(Key::of_name(attribute.key).is_some(), "{}", attribute.key);
        }
    }

    #[test]
    fn our_own_names_are_the_prefix_and_the_key() {
        for (name, key) in [
            (REQUEST_ID, key::REQUEST_ID),
            (STATUS, key::STATUS),
            (COST_USD, key::COST_USD),
            (SYSTEM_PROMPT_HASH, key::SYSTEM_PROMPT_HASH),
            (INPUT_HASH, key::INPUT_HASH),
            (OUTPUT_HASH, key::OUTPUT_HASH),
        ] {
            assert_eq!(name.strip_prefix("llm_audit."), Some(key));
        }
    }

    #[test]
    fn numbered_names_are_found_by_prefix() {
        for (name, slot) in [
            ("gen_ai.prompt.0.content", Some(Slot::NumberedInput)),
            (
                "llm.output_messages.12.message.role",
                Some(Slot::NumberedOutput),
            ),
            (
                "gen_ai.completion.0.finish_reason",
                Some(Slot::FinishReasons),
            ),
            ("gen_ai.prompt.name", Some(Slot::PromptName)),
            ("gen_ai.prompt.other", None),
            ("llm.input_messages.", None),
        ] {
            assert_eq!(Slot::of(name), slot, "{name}");
        }
    }

    #[test]
    fn canonical_names_find_themselves() {
        let named = |attribute: &&Attribute| attribute.value != ValueType::Members;
        for attribute in ATTRIBUTES.iter().filter(named) {
            let slot = Slot::of(attribute.name).expect("listed");
            assert_eq!(slot.attribute().name, attribute.name);
        }
    }
}
