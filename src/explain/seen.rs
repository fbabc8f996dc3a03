//! What a response says: the provider's own numbers beside the canonical totals.
//!
//! Promise: `None` where the response does not say; JSON that is kept is kept as it is spelled.
//! Not here: printing (`llm-audit usage`).

use std::fmt;

use super::spelled;
use crate::{
    flavour::Flavour,
    outcome::Outcome,
    provider::{Body, Iteration, ProviderError, Reading},
};
use llm_audit_journal::json;

/// What a response says. Members that hold JSON text hold it as the provider spelled it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seen {
    /// The API's way of speaking, where it was told or is plain from the body.
    pub flavour: Option<Flavour>,
    /// Whether the response is a stream.
    pub is_stream: bool,
    /// False where the body or the stream was cut.
    pub is_complete: bool,
    /// The model that was asked for.
    pub request_model: Option<String>,
    /// The model that answered.
    pub response_model: Option<String>,
    /// The provider's id of the response.
    pub response_id: Option<String>,
    /// The provider's own input count, whatever it includes.
    pub input_tokens_reported: Option<u64>,
    /// The provider's own output count, whatever it includes.
    pub output_tokens_reported: Option<u64>,
    /// All input tokens: cached ones, audio, and the prompts of the provider's own tools included.
    pub input_tokens_total: Option<u64>,
    /// All output tokens, thinking included.
    pub output_tokens_total: Option<u64>,
    /// Output tokens that were reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Input tokens read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Input tokens written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// Those written for five minutes.
    pub cache_write_5m_tokens: Option<u64>,
    /// Those written for an hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// Input tokens that are billed, where they are counted apart (Cohere).
    pub billed_input_tokens: Option<u64>,
    /// Output tokens that are billed, where they are counted apart (Cohere).
    pub billed_output_tokens: Option<u64>,
    /// Input tokens of the provider's own tools (Gemini), part of the total.
    pub tool_use_prompt_tokens: Option<u64>,
    /// Input tokens that were audio; `None` also where there were none.
    pub input_audio_tokens: Option<u64>,
    /// Output tokens that were audio; `None` also where there were none.
    pub output_audio_tokens: Option<u64>,
    /// The provider's words, one for each choice; of a stream, each once.
    pub finish_reasons: Vec<String>,
    /// Why a response is not complete (`OpenAI` Responses).
    pub incomplete_reason: Option<String>,
    /// The names of the tools that the model called, in order.
    pub tool_calls: Vec<String>,
    /// The tier that served the request.
    pub service_tier: Option<String>,
    /// The counts of the provider's own tools (Anthropic), as JSON text.
    pub server_tool_use: Option<String>,
    /// All model runs inside the response, summed (Anthropic).
    pub sum_over_iterations: Option<Iterations>,
    /// Model runs on another model, which the response's own totals leave out (Anthropic).
    pub other_model_iterations: Vec<OtherIteration>,
    /// Bedrock's own counts of a streamed invocation, as JSON text.
    pub bedrock_invocation_metrics: Option<String>,
    /// The provider's own price, as JSON text: a number, or an object.
    pub provider_reported_cost: Option<String>,
    /// The provider's own price in units of 10⁻¹⁰ dollars (`xAI`).
    pub provider_reported_cost_in_usd_ticks: Option<u64>,
    /// The error that is the whole response.
    pub error: Option<SeenError>,
    /// The error inside a stream, as JSON text.
    pub mid_stream_error: Option<String>,
    /// The usage objects, as JSON text: the last of each place where one stood.
    pub raw_usage: Option<String>,
}

/// Tokens of all model runs inside one response, in the provider's own counting: input without cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Iterations {
    /// Input tokens that were neither read from nor written to a cache.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// Input tokens read from a cache.
    pub cache_read_tokens: u64,
    /// Input tokens written to a cache.
    pub cache_write_tokens: u64,
}

/// A model run on another model than the response's, in the provider's own counting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherIteration {
    /// `advisor_message`, ...
    pub kind: String,
    /// The model that ran.
    pub model: String,
    /// Input tokens that were neither read from nor written to a cache.
    pub input_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
}

/// An error response, in the provider's words.
///
/// `Debug` leaves the message out: only the record's is free of credentials.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenError {
    /// The HTTP status, where it was told.
    pub http_status: Option<u16>,
    /// The error's type.
    pub kind: Option<String>,
    /// The error's code.
    pub code: Option<String>,
    /// Whether the code is a number there.
    pub code_is_number: bool,
    /// The service's status word (Google).
    pub status: Option<String>,
    /// Whether the status is a number there.
    pub status_is_number: bool,
    /// The error's text, as the provider sent it, where it calls it the message; the record's has any text there was.
    pub message: Option<String>,
}

impl fmt::Debug for SeenError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SeenError")
            .field("http_status", &self.http_status)
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Seen {
    pub(super) fn of(reading: &Reading<'_>, body: &Body<'_>, outcome: &Outcome) -> Self {
        let usage = &reading.usage;
        let some = |count: Option<u64>| count.filter(|count| *count > 0);
        let billed = reading.billed.unwrap_or_default();
        let error = reading.error.as_ref();
        Self {
            flavour: reading.flavour,
            is_stream: reading.is_stream,
            is_complete: reading.is_complete,
            request_model: outcome.request_model.clone(),
            response_model: reading.response_model.clone(),
            response_id: reading.response_id.clone(),
            input_tokens_reported: reading.input_tokens_reported,
            output_tokens_reported: reading.output_tokens_reported,
            input_tokens_total: usage.input_tokens,
            output_tokens_total: usage.output_tokens,
            reasoning_tokens: usage.thinking_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            cache_write_5m_tokens: reading.cache_write_5m_tokens,
            cache_write_1h_tokens: usage.cache_write_1h_tokens,
            billed_input_tokens: billed.input_tokens,
            billed_output_tokens: billed.output_tokens,
            tool_use_prompt_tokens: reading.tool_use_prompt_tokens,
            input_audio_tokens: some(reading.media.input_audio),
            output_audio_tokens: some(reading.media.output_audio),
            finish_reasons: reading.finish_reasons.clone(),
            incomplete_reason: reading.incomplete_reason.clone(),
            tool_calls: reading.tool_calls.clone(),
            service_tier: reading.service_tier.clone(),
            server_tool_use: spelled::of_usage(reading, "server_tool_use"),
            sum_over_iterations: Iterations::of(&reading.iterations),
            other_model_iterations: others(reading),
            bedrock_invocation_metrics: reading.invocation_metrics.as_ref().map(spelled::metrics),
            provider_reported_cost: spelled::of_usage(reading, "cost"),
            provider_reported_cost_in_usd_ticks: spelled::count_of_usage(
                reading,
                "cost_in_usd_ticks",
            ),
            error: error
                .filter(|_| !reading.is_stream)
                .map(|error| SeenError::of(error, body)),
            mid_stream_error: error.filter(|_| reading.is_stream).map(|error| {
                spelled::error_of_stream(body.bytes)
                    .unwrap_or_else(|| spelled::error_in_words(error))
            }),
            raw_usage: reading
                .raw_usage
                .as_ref()
                .map(|usage| String::from_utf8_lossy(usage).into_owned()),
        }
    }
}

impl Iterations {
    fn of(iterations: &[Iteration]) -> Option<Self> {
        let mut sum = Self::default();
        for iteration in iterations {
            let add = |mine: &mut u64, count: u64| *mine = mine.saturating_add(count);
            let usage = &iteration.usage;
            add(&mut sum.input_tokens, uncached(iteration).unwrap_or(0));
            add(&mut sum.output_tokens, usage.output_tokens.unwrap_or(0));
            add(
                &mut sum.cache_read_tokens,
                usage.cache_read_tokens.unwrap_or(0),
            );
            add(
                &mut sum.cache_write_tokens,
                usage.cache_write_tokens.unwrap_or(0),
            );
        }
        (!iterations.is_empty()).then_some(sum)
    }
}

/// The input count without what was cached, as the provider spells it.
fn uncached(iteration: &Iteration) -> Option<u64> {
    let usage = &iteration.usage;
    let cached = [usage.cache_read_tokens, usage.cache_write_tokens];
    let cached = cached.into_iter().flatten().fold(0, u64::saturating_add);
    Some(usage.input_tokens?.saturating_sub(cached))
}

fn others(reading: &Reading<'_>) -> Vec<OtherIteration> {
    let mut found = Vec::new();
    for iteration in &reading.iterations {
        let Some(model) = &iteration.model else {
            continue;
        };
        if reading.response_model.as_ref() != Some(model) {
            found.push(OtherIteration {
                kind: iteration.kind.clone(),
                model: model.clone(),
                input_tokens: uncached(iteration),
                output_tokens: iteration.usage.output_tokens,
            });
        }
    }
    found
}

impl SeenError {
    fn of(error: &ProviderError, body: &Body<'_>) -> Self {
        let spelled = spelled::error_of_body(body.bytes);
        let is_number = |key| {
            let value = spelled.and_then(|error| json::member(error, key));
            value.is_some_and(|value| value[0].is_ascii_digit())
        };
        Self {
            http_status: body.http_status,
            kind: error.kind.clone(),
            code: error.code.clone(),
            code_is_number: is_number("code"),
            status: error.status.clone(),
            status_is_number: is_number("status"),
            message: error
                .message
                .clone()
                .filter(|_| !spelled::is_detail(body.bytes)),
        }
    }
}
