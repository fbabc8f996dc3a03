//! Reading what providers say: whole bodies and streams, of any provider, into one [`Reading`].
//!
//! Promise: never panics on any bytes; a number that the provider did not say is `None`; a stream gives the same
//! reading in whatever chunks it came, and the same output as the whole body of the same content.
//! Not here: prices (`price`), status (`judge`), attributes of spans (`semconv`).
//!
//! A flavour is an API's way of speaking, whoever speaks it: a module with a reader for whole bodies, one for events,
//! and a line in each of the tables below. Counts are canonical: input includes what was cached, output what was
//! thought. Where Anthropic reports `usage.iterations`, the counts are the top-level numbers, which leave out
//! compaction and advisors; the iterations are read beside them, each with its own model.

mod anthropic;
mod merge;
mod names;
mod object;
mod openai_chat;
mod refusal;
mod request;
mod sse;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub(crate) use names::{ascii_lowercase, provider_at, provider_name};
pub(crate) use refusal::{ProviderError, refusal_code};
pub(crate) use request::{Request, read_request};
pub(crate) use stream::BodyReader;

use self::object::Object;
use crate::operation::Usage;

/// The bytes of an error text that are read out of a body that is no JSON.
const ERROR_TEXT_BYTES_MAX: usize = 4096;

/// An API's way of speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Flavour {
    AnthropicMessages,
    OpenAiChat,
}

/// Flavours by how their whole bodies look.
type BodyTest = (Flavour, fn(&Object<'_>) -> bool);
const BODIES: [BodyTest; 2] = [
    (Flavour::AnthropicMessages, anthropic::is_body),
    (Flavour::OpenAiChat, openai_chat::is_body),
];
/// Flavours by how an event looks.
const EVENTS: [BodyTest; 2] = [
    (Flavour::AnthropicMessages, anthropic::is_event),
    (Flavour::OpenAiChat, openai_chat::is_body),
];

impl Flavour {
    /// Returns the provider's method, which is the record's action.
    pub(crate) const fn action(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "messages.create",
            Self::OpenAiChat => "chat.completions.create",
        }
    }

    /// Returns what the conventions call the operation.
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::AnthropicMessages | Self::OpenAiChat => "chat",
        }
    }

    fn read_body<'a>(self, body: &Object<'a>) -> Reading<'a> {
        match self {
            Self::AnthropicMessages => anthropic::read_body(body),
            Self::OpenAiChat => openai_chat::read_body(body),
        }
    }

    fn event_reader(self, with_output: bool) -> Box<dyn EventReader> {
        match self {
            Self::AnthropicMessages => Box::new(anthropic::Stream::new(with_output)),
            Self::OpenAiChat => Box::new(openai_chat::Stream::new(with_output)),
        }
    }
}

/// Puts the events of one flavour's stream together.
pub(crate) trait EventReader: Send {
    /// Takes one event's name and data.
    fn event(&mut self, name: &[u8], data: &[u8]);

    /// Ends the stream; `is_whole` where the connection ended in the ordinary way.
    fn finish(self: Box<Self>, is_whole: bool) -> Reading<'static>;
}

/// Audio tokens of a call, subsets of its input and output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AudioTokens {
    pub(crate) input: u64,
    pub(crate) cache_read: u64,
    pub(crate) output: u64,
}

/// One of several model runs inside one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Iteration {
    /// `message`, `compaction`, `advisor_message`, ...
    pub(crate) kind: String,
    /// The model, where it is not the response's.
    pub(crate) model: Option<String>,
    pub(crate) usage: Usage,
}

/// What a response says. No `Debug`: it holds content.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Reading<'a> {
    pub(crate) flavour: Option<Flavour>,
    pub(crate) is_stream: bool,
    /// False where the body or the stream was cut.
    pub(crate) is_complete: bool,
    pub(crate) response_model: Option<String>,
    pub(crate) response_id: Option<String>,
    /// The provider's id of the request, where the body has it.
    pub(crate) provider_request_id: Option<String>,
    pub(crate) usage: Usage,
    /// The provider's own input count, whatever it includes.
    pub(crate) input_tokens_reported: Option<u64>,
    pub(crate) cache_write_5m_tokens: Option<u64>,
    pub(crate) audio: AudioTokens,
    pub(crate) iterations: Vec<Iteration>,
    /// One for each choice; of a stream, each once.
    pub(crate) finish_reasons: Vec<String>,
    pub(crate) service_tier: Option<String>,
    /// Other words that bear on the price, such as a speed or a region.
    pub(crate) price_words: Vec<String>,
    /// The provider's own price in dollars, as it spelled the number.
    pub(crate) reported_cost_usd: Option<String>,
    pub(crate) error: Option<ProviderError>,
    /// The reason's code, where the provider refused in another way than by a finish reason.
    pub(crate) refusal: Option<&'static str>,
    /// The JSON that is hashed: `content`, `choices`, ...; a stream's in the form that a whole body has.
    pub(crate) output: Option<Cow<'a, [u8]>>,
}

impl Reading<'_> {
    /// Returns the reason's code, where the provider refused in any way.
    pub(crate) fn refusal(&self) -> Option<&'static str> {
        let by_reason = || {
            self.finish_reasons
                .iter()
                .find_map(|reason| refusal_code(reason))
        };
        let by_error = || self.error.as_ref()?.refusal();
        self.refusal.or_else(by_reason).or_else(by_error)
    }

    /// Says whether the top-level counts leave out iterations.
    pub(crate) fn leaves_out_iterations(&self) -> bool {
        let mut sum = Usage::default();
        for iteration in &self.iterations {
            sum.add(&iteration.usage);
        }
        !self.iterations.is_empty()
            && (sum.input_tokens, sum.output_tokens)
                != (self.usage.input_tokens, self.usage.output_tokens)
    }
}

/// How much of a response is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Everything but the output.
    Facts,
    /// The output too, put together where it was streamed.
    Output,
}

/// Reads one response; `is_whole` where the connection ended in the ordinary way.
pub(crate) fn read(
    body: &[u8],
    http_status: Option<u16>,
    is_whole: bool,
    want: Want,
) -> Reading<'_> {
    if is_event_stream(body) == Some(true) {
        let mut reader = BodyReader::new(want);
        reader.push(body);
        return reader.finish(http_status, is_whole);
    }
    read_whole(body, http_status, is_whole)
}

fn read_whole(body: &[u8], http_status: Option<u16>, is_whole: bool) -> Reading<'_> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let failed = http_status.is_some_and(|status| status >= 400);
    let Some(object) = Object::parse(body) else {
        let error = failed.then(|| error_text(body));
        return Reading {
            is_complete: is_whole,
            error,
            ..Reading::default()
        };
    };
    let flavour = flavour_of(&BODIES, &object);
    let mut reading = match flavour {
        Some(flavour) => flavour.read_body(&object),
        None => read_unknown(&object),
    };
    if failed && reading.error.is_none() {
        reading.error = Some(ProviderError::of(&object));
    }
    if reading.error.is_some() && flavour.is_none() {
        reading.output = None;
    }
    reading.is_complete &= is_whole;
    reading
}

/// Reads what a body of an unknown flavour has in common with the others.
fn read_unknown<'a>(body: &Object<'a>) -> Reading<'a> {
    let keys = [
        "output",
        "candidates",
        "choices",
        "content",
        "message",
        "data",
    ];
    Reading {
        is_complete: body.is_whole,
        response_model: body.owned_text("model"),
        response_id: body.owned_text("id"),
        error: ProviderError::read(body),
        output: keys
            .into_iter()
            .find_map(|key| body.get(key))
            .map(Cow::Borrowed),
        ..Reading::default()
    }
}

/// The beginning of an error page, for which the redactor is still to come.
fn error_text(body: &[u8]) -> ProviderError {
    let body = &body[..body.len().min(ERROR_TEXT_BYTES_MAX)];
    let text = String::from_utf8_lossy(body).trim().to_owned();
    ProviderError {
        message: Some(text).filter(|text| !text.is_empty()),
        ..ProviderError::default()
    }
}

fn flavour_of(table: &[BodyTest], object: &Object<'_>) -> Option<Flavour> {
    table
        .iter()
        .find(|(_, fits)| fits(object))
        .map(|(flavour, _)| *flavour)
}

/// Says whether a body is an event stream, as soon as its first bytes tell.
fn is_event_stream(body: &[u8]) -> Option<bool> {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    let starts: [&[u8]; 5] = [b"data:", b"event:", b":", b"id:", b"retry:"];
    if starts.iter().any(|start| body.starts_with(start)) {
        return Some(true);
    }
    let may_become =
        b"\xef\xbb\xbf".starts_with(body) || starts.iter().any(|start| start.starts_with(body));
    (!may_become).then_some(false)
}
