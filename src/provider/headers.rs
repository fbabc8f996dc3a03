//! A response's headers, as far as readers use them.
//!
//! Promise: what the body says counts before a header; a header that is not listed is never kept.
//! Not here: where the headers come from.

use super::{reading::Reading, refusal::ProviderError};

/// The headers that are kept of a response, names in lower case.
pub(crate) const KEPT_HEADERS: [&str; 12] = [
    "apim-request-id",
    "content-encoding",
    "content-type",
    "fireworks-cached-prompt-tokens",
    "request-id",
    "x-amzn-bedrock-cache-read-input-token-count",
    "x-amzn-bedrock-cache-write-input-token-count",
    "x-amzn-bedrock-input-token-count",
    "x-amzn-bedrock-output-token-count",
    "x-amzn-errortype",
    "x-amzn-requestid",
    "x-request-id",
];

/// Headers with the provider's id of the request, the most telling first.
const REQUEST_IDS: [&str; 4] = [
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-request-id",
];

/// The headers of one response.
#[derive(Clone, Copy, Default)]
pub(super) struct Headers<'a>(pub(super) &'a [(String, String)]);

impl<'a> Headers<'a> {
    pub(super) fn get(self, name: &str) -> Option<&'a str> {
        debug_assert!(KEPT_HEADERS.contains(&name), "{name} is not kept");
        let found = self
            .0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    fn count(self, what: &str) -> Option<u64> {
        let value = self.get(&format!("x-amzn-bedrock-{what}-token-count"))?;
        value.parse().ok()
    }

    /// Adds what only the headers say.
    pub(super) fn tell(self, reading: &mut Reading<'_>) {
        if self.0.is_empty() {
            return;
        }
        if reading.provider_request_id.is_none() {
            let found = REQUEST_IDS.into_iter().find_map(|name| self.get(name));
            reading.provider_request_id = found.map(str::to_owned);
        }
        if let Some(error) = &mut reading.error {
            self.tell_error(error);
        }
        if reading.usage.input_tokens.is_some() && reading.usage.cache_read_tokens.is_none() {
            // Fireworks says the cached part of its input beside the body.
            let cached = self.get("fireworks-cached-prompt-tokens");
            reading.usage.cache_read_tokens = cached.and_then(|count| count.parse().ok());
        }
        if reading.error.is_none() {
            self.tell_usage(reading);
        }
    }

    /// Bedrock says the type in a header, with a URL behind it.
    fn tell_error(self, error: &mut ProviderError) {
        let kind = self
            .get("x-amzn-errortype")
            .and_then(|kind| kind.split(':').next());
        if let Some(kind) = kind.filter(|_| error.kind.is_none()) {
            error.kind = Some(kind.to_owned());
        }
    }

    /// Adds each of Bedrock's counts that the body lacks: a guardrail leaves a part of the model's own.
    fn tell_usage(self, reading: &mut Reading<'_>) {
        let usage = &mut reading.usage;
        let input = self.count("input");
        if usage.output_tokens.is_none() {
            usage.output_tokens = self.count("output");
            reading.output_tokens_reported = usage.output_tokens;
        }
        let is_uncached = usage.input_tokens.is_none() || usage.input_tokens == input;
        if !is_uncached {
            return;
        }
        let mut cached = 0_u64;
        for (mine, what) in [
            (&mut usage.cache_read_tokens, "cache-read-input"),
            (&mut usage.cache_write_tokens, "cache-write-input"),
        ] {
            *mine = mine.or_else(|| self.count(what));
            cached = cached.saturating_add(mine.unwrap_or(0));
        }
        if let Some(input) = input {
            usage.input_tokens = Some(input.saturating_add(cached));
            reading.input_tokens_reported = reading.input_tokens_reported.or(Some(input));
        }
    }
}
