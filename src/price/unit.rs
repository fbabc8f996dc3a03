//! What is priced, and how much of it a call used.
//!
//! Promise: every token is in exactly one unit; one without a price of its own falls to the unit that contains it.
//! Not here: the prices (`table`), the sum (`cost`).

use crate::{operation::Usage, provider::MediaTokens};

/// A priced unit of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Input,
    CacheRead,
    CacheWrite,
    CacheWrite5m,
    CacheWrite1h,
    InputAudio,
    CacheAudioRead,
    Output,
    OutputReasoning,
    OutputAudio,
    WebSearches,
    Requests,
    /// Ours: thinking tokens charged on top of the output that they are part of.
    ThinkingExtra,
}

/// All units, in the order in which a record lists their prices.
pub(crate) const UNITS: [Unit; 13] = [
    Unit::Input,
    Unit::CacheRead,
    Unit::CacheWrite,
    Unit::CacheWrite5m,
    Unit::CacheWrite1h,
    Unit::InputAudio,
    Unit::CacheAudioRead,
    Unit::Output,
    Unit::OutputReasoning,
    Unit::OutputAudio,
    Unit::WebSearches,
    Unit::Requests,
    Unit::ThinkingExtra,
];

impl Unit {
    /// Returns the member's name in the table and in the record.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Input => "input_mtok",
            Self::CacheRead => "cache_read_mtok",
            Self::CacheWrite => "cache_write_mtok",
            Self::CacheWrite5m => "cache_write_5m_mtok",
            Self::CacheWrite1h => "cache_write_1h_mtok",
            Self::InputAudio => "input_audio_mtok",
            Self::CacheAudioRead => "cache_audio_read_mtok",
            Self::Output => "output_mtok",
            Self::OutputReasoning => "output_reasoning_mtok",
            Self::OutputAudio => "output_audio_mtok",
            Self::WebSearches => "web_searches_kcount",
            Self::Requests => "requests_kcount",
            Self::ThinkingExtra => "thinking_extra_mtok",
        }
    }

    /// Returns how many of it the price is for.
    pub(crate) const fn per_price(self) -> u32 {
        match self {
            Self::WebSearches | Self::Requests => 1_000,
            _ => 1_000_000,
        }
    }

    /// Returns the unit that is charged for this one where this one has no price.
    pub(crate) const fn container(self) -> Option<Self> {
        match self {
            Self::CacheRead | Self::CacheWrite | Self::InputAudio => Some(Self::Input),
            Self::CacheWrite5m | Self::CacheWrite1h => Some(Self::CacheWrite),
            Self::CacheAudioRead => Some(Self::CacheRead),
            Self::OutputReasoning | Self::OutputAudio => Some(Self::Output),
            _ => None,
        }
    }
}

/// How much of each unit a call used, each token once.
///
/// `None` where subsets exceed what they are said to be part of: then the report contradicts itself.
pub(crate) fn quantities(
    usage: &Usage,
    media: MediaTokens,
    responses: u64,
) -> Option<[(Unit, u64); 13]> {
    let count = |tokens: Option<u64>| tokens.unwrap_or(0);
    let (read, write) = (
        count(usage.cache_read_tokens),
        count(usage.cache_write_tokens),
    );
    let write_1h = count(usage.cache_write_1h_tokens);
    let thinking = count(usage.thinking_tokens);
    let audio_cached = count(media.cache_read_audio);
    let audio_fresh = count(media.input_audio).saturating_sub(audio_cached);
    let uncached = count(usage.input_tokens).checked_sub(read.checked_add(write)?)?;
    let output = count(usage.output_tokens);
    // Compatible hosts report more reasoning than output; what is charged is the output.
    let reasoning = thinking.min(output);
    let audio_out = count(media.output_audio).min(output - reasoning);
    let audio_in = audio_fresh.min(uncached);
    let audio_read = audio_cached.min(read);
    Some([
        (Unit::Input, uncached - audio_in),
        (Unit::CacheRead, read - audio_read),
        (Unit::CacheWrite, 0),
        (Unit::CacheWrite5m, write.checked_sub(write_1h)?),
        (Unit::CacheWrite1h, write_1h),
        (Unit::InputAudio, audio_in),
        (Unit::CacheAudioRead, audio_read),
        (Unit::Output, output - reasoning - audio_out),
        (Unit::OutputReasoning, reasoning),
        (Unit::OutputAudio, audio_out),
        (Unit::WebSearches, count(usage.web_searches)),
        (Unit::Requests, responses),
        (Unit::ThinkingExtra, thinking),
    ])
}
