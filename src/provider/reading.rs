//! What a response says, whoever said it: one form for all flavours.
//!
//! Promise: counts are canonical (input includes what was cached, output what was thought); what was not said is `None`.
//! Not here: how any flavour says it.

use std::borrow::Cow;

use super::refusal::{ProviderError, refusal_code};
use crate::{flavour::Flavour, operation::Usage};

/// How much of a response is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Everything but the output.
    Facts,
    /// The output too, put together where it was streamed.
    Output,
}

/// Tokens of other kinds than text: subsets of the counts that include them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MediaTokens {
    /// Includes `cache_read_audio`.
    pub(crate) input_audio: Option<u64>,
    pub(crate) cache_read_audio: Option<u64>,
    pub(crate) output_audio: Option<u64>,
    /// Includes `cache_read_image`.
    pub(crate) input_image: Option<u64>,
    pub(crate) cache_read_image: Option<u64>,
    pub(crate) output_image: Option<u64>,
    pub(crate) input_video: Option<u64>,
    pub(crate) output_video: Option<u64>,
}

/// The code of a guardrail's intervention on Bedrock.
pub(super) const GUARDRAIL: &str = "guardrail_intervened";

/// Different finish reasons of one stream that are kept: more than any provider has choices.
const REASONS_MAX: usize = 256;

/// Notes a finish reason of a stream, each once.
pub(super) fn note_reason(reasons: &mut Vec<String>, reason: Option<String>) {
    if let Some(reason) = reason
        && reasons.len() < REASONS_MAX
        && !reasons.contains(&reason)
    {
        reasons.push(reason);
    }
}

/// One of several model runs inside one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Iteration {
    /// `message`, `compaction`, `advisor_message`, ...
    pub(crate) kind: String,
    /// The model, where it is not the response's.
    pub(crate) model: Option<String>,
    pub(crate) usage: Usage,
    /// False for a run whose answer was declined and replaced by another model's.
    pub(crate) billed: bool,
}

/// What a response says. No `Debug`: it holds content.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Reading<'a> {
    pub(crate) flavour: Option<Flavour>,
    pub(crate) is_stream: bool,
    /// False where the body or the stream was cut.
    pub(crate) is_complete: bool,
    pub(crate) response_model: Option<String>,
    pub(crate) response_id: Option<String>,
    /// The provider's id of the request, where the body or a header has it.
    pub(crate) provider_request_id: Option<String>,
    pub(crate) usage: Usage,
    /// The provider's own input count, whatever it includes.
    pub(crate) input_tokens_reported: Option<u64>,
    /// The provider's own output count, whatever it includes.
    pub(crate) output_tokens_reported: Option<u64>,
    pub(crate) cache_write_5m_tokens: Option<u64>,
    /// Input tokens of tools that the provider ran, where it counts them apart; part of the usage's input.
    pub(crate) tool_use_prompt_tokens: Option<u64>,
    pub(crate) web_fetches: Option<u64>,
    /// Tokens of cited sources, where they are counted outside the output.
    pub(crate) citation_tokens: Option<u64>,
    /// Searches of a reranking, which is what Cohere bills it by.
    pub(crate) rerank_searches: Option<u64>,
    /// The guardrail that intervened only masked parts of an answer that was delivered.
    pub(crate) is_masked: bool,
    /// Tools that the provider ran for a fee which no count here carries, each once.
    pub(crate) fee_tools: Vec<&'static str>,
    pub(crate) media: MediaTokens,
    /// The counts that are billed, where they are others than those used.
    pub(crate) billed: Option<Usage>,
    /// The platform's own counts beside the model's, where both are there.
    pub(crate) invocation_metrics: Option<InvocationMetrics>,
    pub(crate) iterations: Vec<Iteration>,
    /// One for each choice; of a stream, each once.
    pub(crate) finish_reasons: Vec<String>,
    /// Why an answer is incomplete, where that is said beside the finish reason.
    pub(crate) incomplete_reason: Option<String>,
    /// The names of the tools that the model called, in order.
    pub(crate) tool_calls: Vec<String>,
    pub(crate) service_tier: Option<String>,
    /// The speed that was served, as the provider spells it.
    pub(crate) speed: Option<String>,
    /// Where the inference ran, as the provider spells it.
    pub(crate) geo: Option<String>,
    /// Served out of a batch, by the tier or the caller's word.
    pub(crate) batch: bool,
    /// The provider's own price in dollars, as it spelled the number.
    pub(crate) reported_cost_usd: Option<String>,
    pub(crate) error: Option<ProviderError>,
    /// The reason's code, where the provider refused in another way than by a finish reason.
    pub(crate) refusal: Option<&'static str>,
    /// What a refusal was about, in the provider's word.
    pub(crate) refusal_category: Option<String>,
    /// The provider's usage object as it was spelled; of a stream, the last one that counts.
    pub(crate) raw_usage: Option<Cow<'a, [u8]>>,
    /// The JSON that is hashed: `content`, `choices`, ...; a stream's in the form that a whole body has.
    pub(crate) output: Option<Cow<'a, [u8]>>,
}

/// What Bedrock measured itself, at the end of a stream or in headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InvocationMetrics {
    /// Canonical counts.
    pub(crate) usage: Usage,
    /// Its own input count, which leaves out cached tokens.
    pub(crate) input_tokens_reported: Option<u64>,
    pub(crate) latency_ms: Option<u64>,
    pub(crate) first_byte_latency_ms: Option<u64>,
    /// The model itself said nothing: these counts are the reading's usage, and what is priced.
    pub(crate) is_usage: bool,
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
        let refusal = self.refusal.or_else(by_reason);
        let refusal = refusal.filter(|code| !self.is_masked || *code != GUARDRAIL);
        refusal.or_else(by_error)
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

    /// Says whether nothing was found that only the right flavour's reader finds.
    pub(super) fn is_blank(&self) -> bool {
        self.usage.is_empty()
            && self.finish_reasons.is_empty()
            && self.output.is_none()
            && self.error.is_none()
            && self.refusal.is_none()
    }

    /// Makes a reading that borrows nothing.
    pub(super) fn into_owned(self) -> Reading<'static> {
        let own = |bytes: Option<Cow<'_, [u8]>>| bytes.map(|bytes| Cow::Owned(bytes.into_owned()));
        Reading {
            raw_usage: own(self.raw_usage),
            output: own(self.output),
            flavour: self.flavour,
            is_stream: self.is_stream,
            is_complete: self.is_complete,
            response_model: self.response_model,
            response_id: self.response_id,
            provider_request_id: self.provider_request_id,
            usage: self.usage,
            input_tokens_reported: self.input_tokens_reported,
            output_tokens_reported: self.output_tokens_reported,
            cache_write_5m_tokens: self.cache_write_5m_tokens,
            tool_use_prompt_tokens: self.tool_use_prompt_tokens,
            web_fetches: self.web_fetches,
            citation_tokens: self.citation_tokens,
            rerank_searches: self.rerank_searches,
            is_masked: self.is_masked,
            fee_tools: self.fee_tools,
            media: self.media,
            billed: self.billed,
            invocation_metrics: self.invocation_metrics,
            iterations: self.iterations,
            finish_reasons: self.finish_reasons,
            incomplete_reason: self.incomplete_reason,
            tool_calls: self.tool_calls,
            service_tier: self.service_tier,
            speed: self.speed,
            geo: self.geo,
            batch: self.batch,
            reported_cost_usd: self.reported_cost_usd,
            error: self.error,
            refusal: self.refusal,
            refusal_category: self.refusal_category,
        }
    }
}
