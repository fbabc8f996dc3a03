//! Reading what providers say: whole bodies and streams, of any provider, into one [`Reading`].
//!
//! Promise: never panics on any bytes; a number that the provider did not say is `None`; a stream gives the same
//! reading in whatever chunks it came, and the same output as the whole body of the same content.
//! Not here: prices (`price`), status (`judge`), attributes of spans (`semconv`).
//!
//! A flavour is an API's way of speaking, whoever speaks it: a module with a reader for whole bodies, one for events,
//! and a line in [`READERS`]. Counts are canonical: input includes what was cached, output what was thought. Where
//! Anthropic reports `usage.iterations`, the counts are the top-level numbers, which leave out compaction and
//! advisors; the iterations are read beside them, each with its own model.

mod anthropic;
mod array;
#[cfg(test)]
mod attack;
mod bedrock_converse;
mod bedrock_guardrail;
mod bedrock_invoke;
mod bedrock_output;
mod bedrock_plain;
mod cohere;
mod decode;
mod event_stream;
mod events;
mod framing;
mod gemini;
mod gemini_embeddings;
mod gemini_output;
mod headers;
mod hosts;
mod merge;
mod names;
mod ndjson;
mod no_events;
mod object;
mod ollama;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_responses;
mod openai_usage;
mod reading;
mod refusal;
mod request;
mod route;
mod sse;
mod stream;
#[cfg(test)]
mod tests;
mod whole;

pub(crate) use headers::KEPT_HEADERS;
pub(crate) use hosts::provider_at;
pub(crate) use names::{ascii_lowercase, provider_name};
pub(crate) use reading::{InvocationMetrics, Iteration, MediaTokens, Reading, Want};
pub(crate) use refusal::{ProviderError, refusal_code};
pub(crate) use request::{Request, read_request};
pub(crate) use route::{PathRoute, route, route_path};
pub(crate) use stream::BodyReader;

use self::{headers::Headers, object::Object};
use crate::{flavour::Flavour, record::ResponseBody};

/// How one flavour is told and read.
struct Reader {
    flavour: Flavour,
    /// Says whether a whole body is of this flavour.
    is_body: fn(&Object<'_>) -> bool,
    /// Says whether an event, by its name and data, is of this flavour.
    is_event: fn(&[u8], &Object<'_>) -> bool,
    read_body: for<'a> fn(&Object<'a>) -> Reading<'a>,
    /// Makes the reader of a stream; `true` where the output is wanted.
    stream: fn(bool) -> Box<dyn EventReader>,
}

macro_rules! reader {
    ($flavour:ident, $module:ident) => {
        reader!($flavour, $module::{is_body, is_event}, $module::{read_body, stream})
    };
    ($flavour:ident, $told:ident::{$is_body:ident, $is_event:ident}, $module:ident::{$read_body:ident, $stream:ident}) => {
        Reader {
            flavour: Flavour::$flavour,
            is_body: $told::$is_body,
            is_event: $told::$is_event,
            read_body: $module::$read_body,
            stream: $module::$stream,
        }
    };
    // Without a stream.
    ($flavour:ident, $module:ident::{$is_body:ident, $read_body:ident}) => {
        Reader {
            flavour: Flavour::$flavour,
            is_body: $module::$is_body,
            is_event: no_events::is_event,
            read_body: $module::$read_body,
            stream: no_events::stream,
        }
    };
}

/// The flavours that have readers; of those that a body looks like, the first counts.
const READERS: [Reader; 17] = [
    reader!(AnthropicMessages, anthropic),
    reader!(BedrockConverse, bedrock_converse),
    reader!(BedrockInvoke, bedrock_invoke),
    reader!(GeminiGenerateContent, gemini),
    reader!(GeminiEmbeddings, gemini_embeddings::{is_body, read_body}),
    reader!(OpenAiChat, openai_chat),
    reader!(OpenAiResponses, openai_responses),
    reader!(OpenAiCompletions, openai_completions::{is_body, is_event}, openai_chat::{read_body, stream}),
    reader!(OpenAiEmbeddings, openai_embeddings::{is_body, read_body}),
    reader!(CohereChatV2, cohere::{is_v2_body, is_v2_event}, cohere::{read_v2_body, v2_stream}),
    reader!(CohereChatV1, cohere::{is_v1_body, is_v1_event}, cohere::{read_v1_body, v1_stream}),
    reader!(CohereGenerate, cohere::{is_generate_body, is_no_event}, cohere::{read_generate_body, v1_stream}),
    reader!(CohereEmbed, cohere::{is_embed_body, read_embed_body}),
    reader!(Rerank, cohere::{is_rerank_body, read_rerank_body}),
    reader!(OllamaChat, ollama::{is_chat_body, is_chat_event}, ollama::{read_chat_body, chat_stream}),
    reader!(OllamaGenerate, ollama::{is_generate_body, is_generate_event}, ollama::{read_generate_body, generate_stream}),
    reader!(OllamaEmbed, ollama::{is_embed_body, read_embed_body}),
];

impl Reader {
    fn of(flavour: Flavour) -> Option<&'static Self> {
        READERS.iter().find(|reader| reader.flavour == flavour)
    }
}

/// Puts the events of one flavour's stream together.
pub(crate) trait EventReader: Send {
    /// Takes one event's name and data.
    fn event(&mut self, name: &[u8], data: &[u8]);

    /// Ends the stream; `is_whole` where the connection ended in the ordinary way.
    fn finish(self: Box<Self>, is_whole: bool) -> Reading<'static>;
}

/// One response body with all that is known about it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) http_status: Option<u16>,
    /// The connection ended in the ordinary way.
    pub(crate) is_whole: bool,
    /// Known from host and path, or from the caller; `None` where the content must tell.
    pub(crate) flavour: Option<Flavour>,
    /// Those of [`KEPT_HEADERS`] that the response had.
    pub(crate) headers: &'a [(String, String)],
}

impl<'a> From<&'a ResponseBody> for Body<'a> {
    fn from(body: &'a ResponseBody) -> Self {
        Self {
            bytes: &body.bytes,
            http_status: body.http_status,
            is_whole: body.complete,
            flavour: body.flavour,
            headers: &body.headers,
        }
    }
}

/// Reads one response.
pub(crate) fn read<'a>(body: &Body<'a>, want: Want) -> Reading<'a> {
    let (status, is_whole) = (body.http_status, body.is_whole);
    if !stream::is_one_value(body) {
        let mut reader = BodyReader::new(body.flavour, body.headers, want);
        reader.push(body.bytes);
        return reader.finish(status, is_whole);
    }
    let mut reading = whole::read_whole(body.bytes, body.flavour, status, is_whole);
    Headers(body.headers).tell(&mut reading);
    reading
}
