//! Usage as `OpenAI` spells it, in all its APIs, with what compatible hosts add to it.
//!
//! Promise: totals are canonical by what the object's own total says, never by a host's name; nothing is added up
//! that the provider did not add up itself.
//! Not here: where the object stands (`openai_chat`, `openai_responses`).
//!
//! Some hosts leave a part out of the count that should include it, and tell so by their total: Mistral its audio
//! input, xAI the reasoning of its chat API. A part is added exactly where the total then comes out. Perplexity's deep
//! research leaves its reasoning out of the total too: it stands beside the counts and not among their details.
//!
//! llama.cpp's `timings` are a measurement and no usage: they are not read.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{
    object::Object,
    reading::{MediaTokens, Reading},
};
use crate::{money::Usd, operation::Usage};

/// Ticks of xAI's cost in one dollar.
const TICKS_IN_USD: u64 = 10_000_000_000;
/// Digits of a tick behind the decimal point.
const TICK_DIGITS: usize = 10;

/// The counts of one usage object.
#[derive(Default)]
pub(super) struct Counts {
    usage: Usage,
    media: MediaTokens,
    input_reported: Option<u64>,
    output_reported: Option<u64>,
    citation_tokens: Option<u64>,
    cost_usd: Option<String>,
    service_tier: Option<String>,
    raw: Vec<u8>,
}

impl Counts {
    /// Reads a usage object; something else says nothing.
    pub(super) fn read(raw: &[u8]) -> Self {
        let counts = Object::parse(raw).map(|usage| Self::of(&usage));
        Self {
            raw: raw.to_vec(),
            ..counts.unwrap_or_default()
        }
    }

    fn of(usage: &Object<'_>) -> Self {
        let input = usage.object("prompt_tokens_details");
        let input = input.or_else(|| usage.object("input_tokens_details"));
        let output = usage.object("completion_tokens_details");
        let output = output.or_else(|| usage.object("output_tokens_details"));
        let of_input = |key: &str| input.as_ref()?.count(key);
        let of_output = |key: &str| output.as_ref()?.count(key);
        let beside = research(usage);
        // Copilot has its reasoning beside the counts and inside its output.
        let thinking = of_output("reasoning_tokens").or_else(|| usage.count("reasoning_tokens"));
        let media = MediaTokens {
            input_audio: of_input("audio_tokens"),
            cache_read_audio: input
                .as_ref()
                .and_then(|input| input.count_in("cached_tokens_details", "audio_tokens")),
            output_audio: of_output("audio_tokens"),
            input_image: of_input("image_tokens"),
            output_image: of_output("image_tokens"),
            input_video: of_input("video_tokens"),
            output_video: of_output("video_tokens"),
            ..MediaTokens::default()
        };
        let totals = Totals::read(usage);
        Self {
            usage: Usage {
                input_tokens: totals.input_with(media.input_audio),
                output_tokens: match beside {
                    Some(beside) => totals.output.map(|output| output.saturating_add(beside)),
                    None => totals.output_with(thinking),
                },
                thinking_tokens: thinking,
                cache_read_tokens: of_input("cached_tokens").or_else(|| cached(usage)),
                cache_write_tokens: of_input("cache_write_tokens"),
                web_searches: searches(usage),
                ..Usage::default()
            },
            media,
            input_reported: totals.input,
            output_reported: totals.output,
            citation_tokens: usage.count("citation_tokens"),
            cost_usd: cost_usd(usage),
            service_tier: usage.owned_text("service_tier"),
            raw: Vec::new(),
        }
    }

    /// Counts the searches that stand beside the usage object, where it does not count them itself.
    pub(super) fn searched(&mut self, searches: Option<u64>) {
        self.usage.web_searches = self.usage.web_searches.or(searches);
    }

    /// Puts the counts into a reading.
    pub(super) fn tell(self, reading: &mut Reading<'_>) {
        let tier = reading.service_tier.take().or(self.service_tier);
        reading.batch = tier.as_deref() == Some("batch");
        reading.service_tier = tier;
        reading.usage = self.usage;
        reading.media = self.media;
        reading.input_tokens_reported = self.input_reported;
        reading.output_tokens_reported = self.output_reported;
        reading.citation_tokens = self.citation_tokens;
        reading.reported_cost_usd = self.cost_usd;
        reading.raw_usage = Some(self.raw).filter(|raw| !raw.is_empty()).map(Cow::Owned);
    }
}

/// The three counts that are checked against each other.
struct Totals {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
}

impl Totals {
    fn read(usage: &Object<'_>) -> Self {
        let first = |keys: [&str; 2]| keys.into_iter().find_map(|key| usage.count(key));
        Self {
            input: first(["prompt_tokens", "input_tokens"]),
            output: first(["completion_tokens", "output_tokens"]),
            total: usage.count("total_tokens"),
        }
    }

    /// Returns the input with audio that the total has and the input's own count leaves out.
    fn input_with(&self, audio: Option<u64>) -> Option<u64> {
        let outside = audio.filter(|audio| self.is_outside(*audio)).unwrap_or(0);
        Some(self.input?.saturating_add(outside))
    }

    /// Returns the output with reasoning that the total has and the output's own count leaves out.
    fn output_with(&self, thinking: Option<u64>) -> Option<u64> {
        let outside = thinking.filter(|count| self.is_outside(*count));
        Some(self.output?.saturating_add(outside.unwrap_or(0)))
    }

    fn is_outside(&self, part: u64) -> bool {
        let sum = || self.input?.checked_add(self.output?)?.checked_add(part);
        self.total.is_some() && sum() == self.total
    }
}

/// Cached input where it does not stand among the details: Mistral, `DeepSeek`, Moonshot.
fn cached(usage: &Object<'_>) -> Option<u64> {
    let keys = [
        "num_cached_tokens",
        "prompt_cache_hit_tokens",
        "cached_tokens",
    ];
    keys.into_iter().find_map(|key| usage.count(key))
}

/// The reasoning of a research that searched, which Perplexity counts beside the completion.
fn research(usage: &Object<'_>) -> Option<u64> {
    usage.get("citation_tokens")?;
    usage.count("reasoning_tokens")
}

/// Searches that the usage object counts: Perplexity, xAI, `OpenRouter`.
fn searches(usage: &Object<'_>) -> Option<u64> {
    let xai = || {
        let tools = usage.object("server_side_tool_usage_details")?;
        let calls = [
            tools.count("web_search_calls"),
            tools.count("x_search_calls"),
        ];
        calls.into_iter().flatten().reduce(u64::saturating_add)
    };
    usage
        .count("num_search_queries")
        .or_else(xai)
        .or_else(|| usage.count_in("server_tool_use", "web_search_requests"))
}

/// The provider's own price in dollars, as it spelled the number; ticks become dollars.
fn cost_usd(usage: &Object<'_>) -> Option<String> {
    if usage.get("is_byok") == Some(b"true") {
        return own_key_cost(usage);
    }
    let of_parts = usage
        .object("cost")
        .and_then(|parts| amount(&parts, "total_cost"));
    of_parts
        .or_else(|| amount(usage, "cost"))
        .or_else(|| usage.count("cost_in_usd_ticks").map(ticks_to_usd))
}

/// With a key of the caller's own, `OpenRouter` charges its fee, and the provider behind it the rest.
fn own_key_cost(usage: &Object<'_>) -> Option<String> {
    let behind = amount(&usage.object("cost_details")?, "upstream_inference_cost")?;
    let decimal = |text: String| {
        let exact = Decimal::from_str_exact(&text);
        exact.or_else(|_| Decimal::from_scientific(&text)).ok()
    };
    let fee = decimal(amount(usage, "cost")?)?;
    let sum = Usd::new(fee).exact_sum(Usd::new(decimal(behind)?))?;
    Some(sum.to_string())
}

/// A number as it is spelled.
fn amount(object: &Object<'_>, key: &str) -> Option<String> {
    let number = object.get(key).filter(|raw| raw[0].is_ascii_digit())?;
    Some(String::from_utf8_lossy(number).into_owned())
}

/// Spells ticks as dollars, exactly.
fn ticks_to_usd(ticks: u64) -> String {
    let (whole, part) = (ticks / TICKS_IN_USD, ticks % TICKS_IN_USD);
    let text = format!("{whole}.{part:0TICK_DIGITS$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(usage: &str) -> Reading<'static> {
        let mut reading = Reading::default();
        Counts::read(usage.as_bytes()).tell(&mut reading);
        reading
    }

    #[test]
    fn ticks_are_dollars_to_the_last_digit() {
        for (ticks, usd) in [
            (0, "0"),
            (1, "0.0000000001"),
            (2_771_500, "0.00027715"),
            (10_000_000_000, "1"),
            (u64::MAX, "1844674407.3709551615"),
        ] {
            assert_eq!(ticks_to_usd(ticks), usd);
        }
    }

    #[test]
    fn a_part_outside_its_total_is_added_where_the_sum_says_so() {
        // xAI chat counts reasoning beside the completion, its Responses API inside.
        let beside = r#"{"prompt_tokens":10120,"completion_tokens":1499,"total_tokens":14428,
            "prompt_tokens_details":{"cached_tokens":128},"completion_tokens_details":{"reasoning_tokens":2809}}"#;
        let reading = read(beside);
        assert_eq!(reading.usage.output_tokens, Some(4308));
        assert_eq!(reading.output_tokens_reported, Some(1499));
        let inside = r#"{"input_tokens":199,"output_tokens":92,"total_tokens":291,"output_tokens_details":{"reasoning_tokens":91}}"#;
        assert_eq!(read(inside).usage.output_tokens, Some(92));
        // A vLLM-type host reports more reasoning than output, and its total leaves it out.
        let more = r#"{"prompt_tokens":43,"completion_tokens":10,"total_tokens":53,"completion_tokens_details":{"reasoning_tokens":11}}"#;
        assert_eq!(read(more).usage.output_tokens, Some(10));
        let audio = r#"{"prompt_tokens":11,"completion_tokens":15,"total_tokens":401,"prompt_tokens_details":{"audio_tokens":375}}"#;
        assert_eq!(read(audio).usage.input_tokens, Some(386));
    }

    /// A research reported with its bill: its reasoning is in no total, and exceeds the completion by far.
    #[test]
    fn the_reasoning_of_a_research_is_beside_its_completion() {
        let reading = read(
            r#"{"prompt_tokens":108,"completion_tokens":3256,"total_tokens":3364,"citation_tokens":7299,
            "num_search_queries":74,"reasoning_tokens":73248}"#,
        );
        assert_eq!(reading.usage.output_tokens, Some(76_504));
        assert_eq!(reading.output_tokens_reported, Some(3256));
        assert_eq!(reading.usage.thinking_tokens, Some(73_248));
        assert_eq!(reading.citation_tokens, Some(7299));
        assert_eq!(reading.usage.web_searches, Some(74));
    }

    /// The compatible path of Gemini leaves thoughts out of every field but the total: no place to put them in.
    #[test]
    fn hidden_reasoning_is_not_invented() {
        let reading = read(r#"{"prompt_tokens":66,"completion_tokens":6,"total_tokens":100}"#);
        assert_eq!(reading.usage.output_tokens, Some(6));
        assert_eq!(reading.usage.thinking_tokens, None);
    }

    #[test]
    fn hosts_put_cached_input_and_searches_in_places_of_their_own() {
        for usage in [
            r#"{"prompt_tokens":9,"prompt_tokens_details":{"cached_tokens":4}}"#,
            r#"{"prompt_tokens":9,"num_cached_tokens":4}"#,
            r#"{"prompt_tokens":9,"prompt_cache_hit_tokens":4}"#,
            r#"{"prompt_tokens":9,"cached_tokens":4}"#,
        ] {
            assert_eq!(read(usage).usage.cache_read_tokens, Some(4), "{usage}");
        }
        for usage in [
            r#"{"num_search_queries":3}"#,
            r#"{"server_side_tool_usage_details":{"web_search_calls":1,"x_search_calls":2}}"#,
            r#"{"server_tool_use":{"web_search_requests":3}}"#,
        ] {
            assert_eq!(read(usage).usage.web_searches, Some(3), "{usage}");
        }
    }

    #[test]
    fn reported_costs_keep_their_spelling() {
        let usd = |usage: &str| read(usage).reported_cost_usd;
        assert_eq!(usd(r#"{"cost":3.9e-6}"#).as_deref(), Some("3.9e-6"));
        assert_eq!(
            usd(r#"{"cost":{"input_tokens_cost":1,"total_cost":0.00506}}"#).as_deref(),
            Some("0.00506")
        );
        assert_eq!(
            usd(r#"{"cost_in_usd_ticks":232856000}"#).as_deref(),
            Some("0.0232856")
        );
        assert_eq!(usd(r#"{"cost":null}"#), None);
        // With a key of the caller's own, both charge.
        let own =
            r#"{"cost":1.5e-6,"is_byok":true,"cost_details":{"upstream_inference_cost":0.00003}}"#;
        assert_eq!(usd(own).as_deref(), Some("0.0000315"));
        let unknown =
            r#"{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}"#;
        assert_eq!(usd(unknown), None);
    }
}
