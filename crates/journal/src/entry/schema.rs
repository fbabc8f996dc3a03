//! The keys of a record: one table of every key that this software writes, with its place, class and type.
//!
//! Promise: whoever needs a key's name, order, class or type reads it here: the codec, what seals records, the columns
//! and filters of the command, the log records, and whatever derives a schema for a table. The order is the format's.
//! Not here: the values (`seal` of the main crate), the members of `event` and `audit`, what becomes of a class.
//!
//! # Examples
//! ```
//! use llm_audit_journal::entry::{Class, schema::{Key, SEED_KEYS, Type, key}};
//!
//! let columns: Vec<&str> = SEED_KEYS.iter().map(|key| key.name).collect();
//! assert_eq!(columns[..3], [key::REQUEST_ID, key::TIMESTAMP, key::USER_ID]);
//!
//! let cost = Key::of_name("cost_usd").expect("a key of every record");
//! assert_eq!((cost.class, cost.value, cost.is_nullable), (Class::Meta, Type::Decimal, true));
//! ```

impl Class {
    /// Returns the class of a member by its key.
    pub fn of_key(key: &str) -> Self {
        place(key).class
    }
}

#[cfg(test)]
mod tests;

use super::kind::Class;

/// One key of a record, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Key {
    /// As the line spells it.
    pub name: &'static str,
    /// Where it stands in the line, from 0; the keys of one rank stand in any order.
    pub rank: u8,
    /// What it expires and is erased with. The envelope goes with no class and bears [`Class::Meta`].
    pub class: Class,
    /// What its value is.
    pub value: Type,
    /// Its value can be null in a record: because nobody knows it, or because its class is gone.
    ///
    /// A key that cannot be null and is none of [`SEED_KEYS`] is not there where nobody knows its value.
    pub is_nullable: bool,
}

/// What the value of a key is, where it is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Type {
    /// A string.
    Text,
    /// A string: a UUID in lower case, with hyphens.
    Uuid,
    /// A string: RFC 3339 in UTC, microseconds, `Z`.
    Timestamp,
    /// An integer that a `u64` holds.
    Unsigned,
    /// An integer that an `i64` or a `u64` holds: a span's own word, which may be negative.
    Integer,
    /// An amount of money: exact, and never to be read as a binary fraction. It has at most 29 digits, and at most 28
    /// of them behind the point.
    Decimal,
    /// Somebody else's number, with the digits in which it was said; a string of them where the format's numbers are
    /// too short for it.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of strings.
    TextList,
    /// A list of objects.
    ObjectList,
    /// An object.
    Object,
    /// Whatever JSON it was given as: a string, a list, an object.
    Json,
}

impl Key {
    /// Finds a key by its name; none where it is a host's or a later version's own.
    pub fn of_name(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// Says whether every record has it.
    pub const fn is_seed(&self) -> bool {
        self.rank < FACT_RANK
    }
}

/// What the names of further keys begin with that are not of class meta.
pub const CLASS_PREFIXES: [(&str, Class); 4] = [
    ("actor.", Class::Actor),
    ("hash.", Class::Hash),
    ("content.", Class::Content),
    ("error.", Class::Error),
];

/// Where a member stands in the line, and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) rank: u8,
    pub(super) class: Class,
}

/// The rank of further facts and of prefixed keys, among which the order is free.
pub(super) const FACT_RANK: u8 = Rank::FACT as u8;

/// The rank behind every member: the envelope's.
const ENVELOPE_RANK: u8 = Rank::AUDIT as u8;

/// The seed's keys, in their order: every record has them all.
pub const SEED_KEYS: &[Key] = KEYS.split_at(FACT_RANK as usize).0;

/// Says whether a place is the envelope's, which no member may take.
pub(super) fn is_envelope(place: Place) -> bool {
    place.rank == ENVELOPE_RANK
}

fn class_of_prefix(key: &str) -> Class {
    let found = CLASS_PREFIXES
        .iter()
        .find(|(prefix, _)| key.starts_with(prefix));
    found.map_or(Class::Meta, |(_, class)| *class)
}

/// Makes of one table the names, the keys as data, and the look-up of the codec, so that they cannot disagree.
macro_rules! schema {
    (
        seed { $($(#[$seed_doc:meta])* $SEED:ident = $seed:literal: $seed_class:ident $seed_type:ident $($seed_null:ident)?;)* }
        facts { $($(#[$fact_doc:meta])* $FACT:ident = $fact:literal: $fact_class:ident $fact_type:ident;)* }
        last { $($(#[$last_doc:meta])* $LAST:ident = $last:literal: $last_class:ident $last_type:ident;)* }
    ) => {
        /// The names of the keys.
        pub mod key {
            $($(#[$seed_doc])* pub const $SEED: &str = $seed;)*
            $($(#[$fact_doc])* pub const $FACT: &str = $fact;)*
            $($(#[$last_doc])* pub const $LAST: &str = $last;)*
        }

        /// Counts the ranks in the order of the table.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "called as the keys are")]
        enum Rank { $($SEED,)* FACT, $($LAST,)* }

        /// All keys: the seed's, further facts, those that stand behind them, and the envelope.
        pub const KEYS: &[Key] = &[
            $(Key {
                name: $seed,
                rank: Rank::$SEED as u8,
                class: Class::$seed_class,
                value: Type::$seed_type,
                is_nullable: schema!(@is_nullable $($seed_null)?),
            },)*
            $(Key {
                name: $fact,
                rank: FACT_RANK,
                class: Class::$fact_class,
                value: Type::$fact_type,
                is_nullable: false,
            },)*
            $(Key {
                name: $last,
                rank: Rank::$LAST as u8,
                class: Class::$last_class,
                value: Type::$last_type,
                is_nullable: false,
            },)*
        ];

        /// Returns where the member stands.
        // Every member that is written or read comes by here. Facts have no arm of their own: what is not found has
        // their place, with the class of its prefix.
        pub(super) fn place(key: &str) -> Place {
            let (rank, class) = match key {
                $(key::$SEED => (Rank::$SEED as u8, Class::$seed_class),)*
                $(key::$LAST => (Rank::$LAST as u8, Class::$last_class),)*
                _ => (FACT_RANK, class_of_prefix(key)),
            };
            Place { rank, class }
        }
    };
    (@is_nullable) => { false };
    (@is_nullable or_null) => { true };
}

schema! {
    seed {
        /// Our id of the operation, a `UUIDv7`; its `begin` and `call` share it.
        REQUEST_ID = "request_id": Meta Uuid;
        /// When the request started; of an own entry, when it was written.
        TIMESTAMP = "timestamp": Meta Timestamp;
        /// Who asked; of an own entry, who acted.
        USER_ID = "user_id": Actor Text or_null;
        /// The model that answered, else the one that was asked.
        MODEL = "model": Meta Text or_null;
        /// The provider's method where it is known, else the operation.
        ACTION = "action": Meta Text;
        /// The system prompt's digest; empty where there was nothing to hash.
        SYSTEM_PROMPT_HASH = "system_prompt_hash": Hash Text or_null;
        /// All input tokens, cached ones included.
        INPUT_TOKENS = "input_tokens": Meta Unsigned or_null;
        /// All output tokens, thinking included.
        OUTPUT_TOKENS = "output_tokens": Meta Unsigned or_null;
        /// Output tokens that were reasoning.
        THINKING_TOKENS = "thinking_tokens": Meta Unsigned or_null;
        /// From the start of the request to the end of the answer.
        LATENCY_MS = "latency_ms": Meta Unsigned or_null;
        /// What the operation cost.
        COST_USD = "cost_usd": Meta Decimal or_null;
        /// How the operation ended, in the words of `Status`.
        STATUS = "status": Meta Text;
        /// The error's redacted text; empty where there was none.
        ERROR_MESSAGE = "error_message": Error Text or_null;
        /// How much a sanitizer found before the request was sent.
        SANITIZATION_COUNT = "sanitization_count": Meta Unsigned;
        /// The input's digest; empty where there was nothing to hash.
        INPUT_HASH = "input_hash": Hash Text or_null;
        /// The output's digest; empty where there was nothing to hash.
        OUTPUT_HASH = "output_hash": Hash Text or_null;
        /// The host's own members.
        METADATA = "metadata": Actor Object or_null;
    }
    facts {
        /// What an own entry says; no record has it.
        EVENT = "event": Meta Object;
        /// The provider, by the conventions' name.
        PROVIDER = "provider": Meta Text;
        /// The operation, by the conventions' name.
        OPERATION = "operation": Meta Text;
        /// The model that was asked.
        REQUEST_MODEL = "request_model": Meta Text;
        /// The provider's id of the answer.
        RESPONSE_ID = "response_id": Meta Text;
        /// The provider's word on how far the answer came.
        RESPONSE_STATUS = "response_status": Meta Text;
        /// The provider's id of the request.
        PROVIDER_REQUEST_ID = "provider_request_id": Meta Text;
        /// The operation around this one.
        PARENT_REQUEST_ID = "parent_request_id": Meta Uuid;
        /// Whether the answer was asked for in pieces.
        STREAM = "stream": Meta Boolean;
        /// Why the provider stopped.
        FINISH_REASONS = "finish_reasons": Meta TextList;
        /// Who refused, and why.
        BLOCKED_REASON = "blocked_reason": Meta Text;
        /// A short code of what failed.
        ERROR_TYPE = "error_type": Meta Text;
        /// The status of the HTTP response.
        HTTP_STATUS = "http_status": Meta Unsigned;
        /// How many requests were sent until one was answered.
        ATTEMPTS = "attempts": Meta Unsigned;
        /// Of how many responses the counts are the sum.
        RESPONSES_SUMMED = "responses_summed": Meta Unsigned;
        /// From the start of the request to the first piece of the answer.
        TIME_TO_FIRST_CHUNK_MS = "time_to_first_chunk_ms": Meta Unsigned;
        /// Input tokens that were read from a cache.
        CACHE_READ_TOKENS = "cache_read_tokens": Meta Unsigned;
        /// Input tokens that were written to a cache.
        CACHE_WRITE_TOKENS = "cache_write_tokens": Meta Unsigned;
        /// Those that were written to the one-hour cache.
        CACHE_WRITE_1H_TOKENS = "cache_write_1h_tokens": Meta Unsigned;
        /// Web searches that the provider ran.
        WEB_SEARCHES = "web_searches": Meta Unsigned;
        /// Input tokens that were sound.
        AUDIO_INPUT_TOKENS = "audio_input_tokens": Meta Integer;
        /// Output tokens that were sound.
        AUDIO_OUTPUT_TOKENS = "audio_output_tokens": Meta Integer;
        /// Cached input tokens that were sound.
        AUDIO_CACHE_READ_TOKENS = "audio_cache_read_tokens": Meta Integer;
        /// Input tokens that were images.
        IMAGE_INPUT_TOKENS = "image_input_tokens": Meta Integer;
        /// Output tokens that were images.
        IMAGE_OUTPUT_TOKENS = "image_output_tokens": Meta Integer;
        /// Cached input tokens that were images.
        IMAGE_CACHE_READ_TOKENS = "image_cache_read_tokens": Meta Integer;
        /// Input tokens that were text.
        TEXT_INPUT_TOKENS = "text_input_tokens": Meta Integer;
        /// Output tokens that were text.
        TEXT_OUTPUT_TOKENS = "text_output_tokens": Meta Integer;
        /// Cached input tokens that were text.
        TEXT_CACHE_READ_TOKENS = "text_cache_read_tokens": Meta Integer;
        /// What the tokens of a count are: text, sound, images.
        TOKEN_MODALITY = "token_modality": Meta Text;
        /// Which side a count of tokens is of.
        TOKEN_TYPE = "token_type": Meta Text;
        /// The cost by the provider's own word.
        REPORTED_COST_USD = "reported_cost_usd": Meta Number;
        /// How the cost was found: table, prices, reasons.
        PRICING = "pricing": Meta Object;
        /// The provider's own usage object, where it is kept.
        RAW_USAGE = "raw_usage": Meta Json;
        /// The service tier by the answer's word.
        SERVICE_TIER = "service_tier": Meta Text;
        /// The service tier that was asked for.
        REQUEST_SERVICE_TIER = "request_service_tier": Meta Text;
        /// The W3C trace id, in hex.
        TRACE_ID = "trace_id": Meta Text;
        /// The W3C span id, in hex.
        SPAN_ID = "span_id": Meta Text;
        /// The W3C trace flags.
        TRACE_FLAGS = "trace_flags": Meta Unsigned;
        /// How the record came to be, in words joined by `+`.
        CAPTURE = "capture": Meta Text;
        /// What a sanitizer found, never the value.
        SANITIZATION = "sanitization": Meta ObjectList;
        /// The contents that were left out because the line would have been too long.
        CONTENT_TOO_LONG = "content_too_long": Meta TextList;
        /// The service that wrote the record.
        SERVICE_NAME = "service_name": Meta Text;
        /// The instance of it; a name of the format that nothing writes yet.
        SERVICE_INSTANCE_ID = "service_instance_id": Meta Text;
        /// The host that was asked.
        SERVER_ADDRESS = "server_address": Meta Text;
        /// The port that was asked.
        SERVER_PORT = "server_port": Meta Integer;
        /// The agent's id.
        AGENT_ID = "agent_id": Meta Text;
        /// The agent's name.
        AGENT_NAME = "agent_name": Meta Text;
        /// The agent's version.
        AGENT_VERSION = "agent_version": Meta Text;
        /// The id of the agent on top.
        MAIN_AGENT_ID = "main_agent_id": Meta Text;
        /// The name of the agent on top.
        MAIN_AGENT_NAME = "main_agent_name": Meta Text;
        /// The workflow.
        WORKFLOW_NAME = "workflow_name": Meta Text;
        /// The tool.
        TOOL_NAME = "tool_name": Meta Text;
        /// What sort of tool it is.
        TOOL_TYPE = "tool_type": Meta Text;
        /// The model's id of its call of the tool.
        TOOL_CALL_ID = "tool_call_id": Meta Text;
        /// The skill.
        SKILL_NAME = "skill_name": Meta Text;
        /// The skill's resource.
        SKILL_RESOURCE_NAME = "skill_resource_name": Meta Text;
        /// Where the skill came from.
        SKILL_SOURCE_URI = "skill_source_uri": Meta Text;
        /// The data source that was searched.
        DATA_SOURCE_ID = "data_source_id": Meta Text;
        /// Bedrock's knowledge base.
        KNOWLEDGE_BASE_ID = "knowledge_base_id": Meta Text;
        /// Bedrock's guardrail.
        GUARDRAIL_ID = "guardrail_id": Meta Text;
        /// The template of the prompt.
        PROMPT_NAME = "prompt_name": Meta Text;
        /// The template's version.
        PROMPT_VERSION = "prompt_version": Meta Text;
        /// Whether the conversation had been shortened.
        CONVERSATION_COMPACTED = "conversation_compacted": Meta Boolean;
        /// How many numbers an embedding has.
        EMBEDDINGS_DIMENSION_COUNT = "embeddings_dimension_count": Meta Integer;
        /// What was evaluated.
        EVALUATION_NAME = "evaluation_name": Meta Text;
        /// The evaluation's result as a word.
        EVALUATION_SCORE_LABEL = "evaluation_score_label": Meta Text;
        /// The evaluation's result as a number.
        EVALUATION_SCORE = "evaluation_score": Meta Number;
        /// How many memory records it was about.
        MEMORY_RECORD_COUNT = "memory_record_count": Meta Integer;
        /// The memory record.
        MEMORY_RECORD_ID = "memory_record_id": Meta Text;
        /// The memory store.
        MEMORY_STORE_ID = "memory_store_id": Meta Text;
        /// The form in which the answer was asked for.
        OUTPUT_TYPE = "output_type": Meta Text;
        /// How many answers were asked for.
        REQUEST_CHOICE_COUNT = "request_choice_count": Meta Integer;
        /// The encodings of embeddings that were asked for.
        REQUEST_ENCODING_FORMATS = "request_encoding_formats": Meta TextList;
        /// The penalty for frequent words that was asked for.
        REQUEST_FREQUENCY_PENALTY = "request_frequency_penalty": Meta Number;
        /// The most output tokens that were asked for.
        REQUEST_MAX_TOKENS = "request_max_tokens": Meta Integer;
        /// The penalty for repeated words that was asked for.
        REQUEST_PRESENCE_PENALTY = "request_presence_penalty": Meta Number;
        /// The answer that the request goes on from.
        REQUEST_PREVIOUS_RESPONSE_ID = "request_previous_response_id": Meta Text;
        /// How much thinking was asked for.
        REQUEST_REASONING_LEVEL = "request_reasoning_level": Meta Text;
        /// The seed that was asked for.
        REQUEST_SEED = "request_seed": Meta Integer;
        /// Where in an answer's stream the request begins.
        REQUEST_STREAM_CURSOR = "request_stream_cursor": Meta Text;
        /// The temperature that was asked for.
        REQUEST_TEMPERATURE = "request_temperature": Meta Number;
        /// From how many words the next was to be chosen.
        REQUEST_TOP_K = "request_top_k": Meta Integer;
        /// From which share of probability the next word was to be chosen.
        REQUEST_TOP_P = "request_top_p": Meta Number;
        /// How many documents were asked for.
        RETRIEVAL_TOP_K = "retrieval_top_k": Meta Integer;
        /// Azure's name of the service.
        AZURE_RESOURCE_PROVIDER_NAMESPACE = "azure_resource_provider_namespace": Meta Text;
        /// Which of `OpenAI`'s APIs it was.
        OPENAI_API_TYPE = "openai_api_type": Meta Text;
        /// `OpenAI`'s word on the configuration that answered.
        SYSTEM_FINGERPRINT = "system_fingerprint": Meta Text;
        /// The user's e-mail address.
        ACTOR_USER_EMAIL = "actor.user_email": Actor Text;
        /// The user's full name.
        ACTOR_USER_FULL_NAME = "actor.user_full_name": Actor Text;
        /// The user's pseudonym.
        ACTOR_USER_HASH = "actor.user_hash": Actor Text;
        /// The user's short name.
        ACTOR_USER_NAME = "actor.user_name": Actor Text;
        /// The user's roles.
        ACTOR_USER_ROLES = "actor.user_roles": Actor TextList;
    }
    last {
        /// The conversation.
        CONVERSATION_ID = "conversation_id": Actor Text;
        /// The tenant.
        TENANT_ID = "tenant_id": Actor Text;
        /// The address that the user came from.
        CLIENT_ADDRESS = "client_address": Actor Text;
        /// The system prompt, where content is kept.
        SYSTEM_PROMPT = "system_prompt": Content Json;
        /// The input, where content is kept.
        INPUT = "input": Content Json;
        /// The output, where content is kept.
        OUTPUT = "output": Content Json;
        /// The envelope: place, commitments and salts. It is no member.
        AUDIT = "audit": Meta Object;
    }
}
