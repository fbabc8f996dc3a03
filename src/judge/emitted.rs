//! The counts of a span's attributes, as the conventions mean them, whatever its emitter meant.
//!
//! Promise: a count is corrected only where the emitter is known to leave something out, or where the numbers cannot
//! be meant otherwise; the record's pricing says so.
//! Not here: who leaves out what (`emitter`), counts of bodies and handles, which mean what the conventions say.

use super::{Said, tokens::whole_number};
use crate::{emitter::Counts, operation::Usage, semconv::Slot};

/// Providers whose own input count stands beside the cached tokens: whoever copies it does so unawares.
const INPUT_BESIDE_CACHE: [&str; 2] = ["anthropic", "aws.bedrock"];

const CACHE_ADDED: &str = "the span's input count left out cached tokens; they were added";
const THINKING_ADDED: &str = "the span's output count left out thinking; it was added";
const CACHE_PERIOD: &str =
    "the span does not say for how long the cache was written; priced as five minutes";
const CACHE_ADDED_AND_PERIOD: &str = "the span's input count left out cached tokens; they were added; \
    it does not say for how long the cache was written; priced as five minutes";

/// Returns the counts of the span's attributes.
pub(super) fn counts(said: &Said<'_>) -> Usage {
    let mut usage = as_emitted(said);
    let sum = |counts: [Option<u64>; 3]| counts.into_iter().flatten().try_fold(0, u64::checked_add);
    match left_out(said, &usage) {
        Some(Counts::InputBesideCache) => {
            let parts = [
                usage.input_tokens,
                usage.cache_read_tokens,
                usage.cache_write_tokens,
            ];
            usage.input_tokens = sum(parts);
        }
        Some(Counts::OutputBesideThinking) => {
            usage.output_tokens = sum([usage.output_tokens, usage.thinking_tokens, None]);
        }
        None => {}
    }
    usage
}

/// Says what makes a price on these counts less certain than one on the provider's own.
pub(super) fn caveat(said: &Said<'_>) -> Option<&'static str> {
    let usage = as_emitted(said);
    let left_out = left_out(said, &usage);
    let is_written = usage.cache_write_tokens.is_some_and(|tokens| tokens > 0);
    let is_of_unknown_period = is_written
        && usage.cache_write_1h_tokens.is_none()
        && said
            .provider()
            .is_some_and(|name| INPUT_BESIDE_CACHE.contains(&name.as_ref()));
    match (left_out, is_of_unknown_period) {
        (Some(Counts::InputBesideCache), true) => Some(CACHE_ADDED_AND_PERIOD),
        (_, true) => Some(CACHE_PERIOD),
        (Some(Counts::InputBesideCache), false) => Some(CACHE_ADDED),
        (Some(Counts::OutputBesideThinking), false) => Some(THINKING_ADDED),
        (None, false) => None,
    }
}

fn as_emitted(said: &Said<'_>) -> Usage {
    let count = |slot| whole_number(said.facts.get(slot)?);
    Usage {
        input_tokens: count(Slot::InputTokens),
        output_tokens: count(Slot::OutputTokens),
        thinking_tokens: count(Slot::ThinkingTokens),
        cache_read_tokens: count(Slot::CacheReadTokens),
        cache_write_tokens: count(Slot::CacheWriteTokens),
        cache_write_1h_tokens: count(Slot::CacheWrite1hTokens),
        web_searches: None,
    }
}

/// What the counts leave out; nothing where the part that they would leave out is not there.
fn left_out(said: &Said<'_>, usage: &Usage) -> Option<Counts> {
    let is_there = |counts: &Counts| match counts {
        Counts::InputBesideCache => usage.input_tokens.is_some() && cached(usage) > 0,
        Counts::OutputBesideThinking => {
            usage.output_tokens.is_some() && usage.thinking_tokens.is_some_and(|tokens| tokens > 0)
        }
    };
    by_emitter(said)
        .or_else(|| by_numbers(said, usage))
        .filter(is_there)
}

fn by_emitter(said: &Said<'_>) -> Option<Counts> {
    let emitter = said.facts.emitter?;
    emitter.counts(said.provider()?.as_ref())
}

/// More cached than there was input: of a provider who counts so, the number can only have been copied.
fn by_numbers(said: &Said<'_>, usage: &Usage) -> Option<Counts> {
    let is_beside = cached(usage) > usage.input_tokens?
        && INPUT_BESIDE_CACHE.contains(&said.provider()?.as_ref());
    is_beside.then_some(Counts::InputBesideCache)
}

fn cached(usage: &Usage) -> u64 {
    let [read, write] =
        [usage.cache_read_tokens, usage.cache_write_tokens].map(Option::unwrap_or_default);
    read.saturating_add(write)
}
