//! How many tokens, and what they cost.
//!
//! Promise: an unknown count is `None`; usage that a span below reported is not counted twice.

use super::{Names, Said, emitted, status::INFERENCE};
use crate::{
    facts::FactValue,
    money::Usd,
    operation::Usage,
    outcome::Cost,
    price::{Charge, PriceTable, ServedBy},
    provider::{MediaTokens, Reading},
    semconv::Slot,
};

/// Words about speed and region with which standard prices hold.
const STANDARD_WORDS: [&str; 4] = ["standard", "global", "not_available", "default"];

/// The counts of a record.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) usage: Usage,
    pub(super) responses_summed: Option<u64>,
    pub(super) audio_input: Option<u64>,
    pub(super) audio_output: Option<u64>,
}

/// Counts the tokens by whom is believed first.
pub(super) fn count(said: &Said<'_>) -> Tokens {
    if said.record.usage_is_nested {
        return Tokens::default();
    }
    if let Some(usage) = said.call.and_then(|call| call.usage) {
        return Tokens {
            usage,
            ..Tokens::default()
        };
    }
    let mut tokens = Tokens::default();
    let mut reporting = 0;
    let (mut audio_in, mut audio_out) = (0, 0);
    for reading in reporting_readings(said) {
        tokens.usage.add(&reading.usage);
        audio_in += reading.media.input_audio.unwrap_or(0);
        audio_out += reading.media.output_audio.unwrap_or(0);
        reporting += 1;
    }
    if reporting == 0 {
        tokens.usage = emitted::counts(said);
        return tokens;
    }
    tokens.audio_input = Some(audio_in).filter(|count| *count > 0);
    tokens.audio_output = Some(audio_out).filter(|count| *count > 0);
    tokens.responses_summed = (reporting > 1).then_some(reporting);
    tokens
}

fn reporting_readings<'s, 'a>(said: &'s Said<'a>) -> impl Iterator<Item = &'s Reading<'a>> {
    said.readings
        .iter()
        .filter(|reading| !reading.usage.is_empty())
}

/// A count however a span's field carries it; a negative or broken one is no count.
pub(crate) fn whole_number(value: FactValue<'_>) -> Option<u64> {
    match value {
        FactValue::Int(int) => u64::try_from(int).ok(),
        FactValue::UInt(int) => Some(int),
        FactValue::Double(double) => {
            let is_whole = (0.0..9e15).contains(&double) && double.fract() == 0.0;
            is_whole.then_some(double as u64)
        }
        FactValue::Text(text) => {
            let text = text.trim();
            text.strip_prefix("Some(")
                .and_then(|text| text.strip_suffix(')'))
                .unwrap_or(text)
                .parse()
                .ok()
        }
        FactValue::Bool(_) => None,
    }
}

/// Computes the cost; of several responses each on its own, because prices depend on the size of one request.
pub(super) fn cost(
    said: &Said<'_>,
    names: &Names<'_>,
    tokens: &Tokens,
    prices: &PriceTable,
) -> Cost {
    if said.record.usage_is_nested {
        return Cost::default();
    }
    if tokens.usage.is_empty() {
        let is_inference = INFERENCE.contains(&names.operation.as_ref());
        return if is_inference {
            prices.unpriced("usage unknown")
        } else {
            Cost::default()
        };
    }
    let served_by = served_by(said, names);
    if tokens.responses_summed.is_none() {
        let reading = reporting_readings(said)
            .next()
            .filter(|_| said.call.is_none_or(|call| call.usage.is_none()));
        let models = [names.response_model, names.request_model];
        let charge = charge(said, names, tokens.usage, reading);
        return prices.price(served_by, models, &charge);
    }
    let costs = reporting_readings(said).map(|reading| {
        let models = [reading.response_model.as_deref(), names.request_model];
        let charge = charge(said, names, reading.usage, Some(reading));
        prices.price(served_by, models, &charge)
    });
    sum(costs.collect())
}

/// Computes the amount alone, of a record without bodies.
pub(super) fn amount(
    said: &Said<'_>,
    names: &Names<'_>,
    usage: Usage,
    prices: &PriceTable,
) -> Option<Usd> {
    if said.record.usage_is_nested || usage.is_empty() {
        return None;
    }
    let models = [names.response_model, names.request_model];
    let charge = charge(said, names, usage, None);
    prices.amount(served_by(said, names), models, &charge)
}

fn served_by<'s>(said: &'s Said<'_>, names: &'s Names<'_>) -> ServedBy<'s> {
    ServedBy {
        provider: names.provider.as_deref(),
        host: said.facts.text(Slot::ServerAddress),
    }
}

fn charge<'s>(
    said: &'s Said<'_>,
    names: &'s Names<'_>,
    usage: Usage,
    reading: Option<&'s Reading<'_>>,
) -> Charge<'s> {
    let tier = reading.and_then(|reading| reading.service_tier.as_deref());
    let audio = |slot| said.facts.get(slot).and_then(whole_number);
    Charge {
        usage,
        media: reading.map_or_else(
            || MediaTokens {
                input_audio: audio(Slot::AudioInputTokens),
                cache_read_audio: audio(Slot::AudioCacheReadTokens),
                output_audio: audio(Slot::AudioOutputTokens),
                ..MediaTokens::default()
            },
            |reading| reading.media,
        ),
        responses: 1,
        at: said.record.started_at,
        has_output: names.operation != "embeddings",
        service_tier: tier.or(names.service_tier),
        caveat: match reading {
            Some(reading) => caveat(reading),
            None if said.call.is_none_or(|call| call.usage.is_none()) => emitted::caveat(said),
            None => None,
        },
    }
}

/// What makes standard prices on the top-level counts inexact.
fn caveat(reading: &Reading<'_>) -> Option<&'static str> {
    let is_special = |word: &String| !STANDARD_WORDS.contains(&word.as_str());
    let mut words = [&reading.speed, &reading.geo].into_iter().flatten();
    if reading.leaves_out_iterations() {
        Some("iterations outside the response's own totals are not priced")
    } else if words.any(is_special) {
        Some("standard prices; the provider named a speed or region that may have its own")
    } else {
        None
    }
}

/// Adds costs up: one that is unknown leaves the sum unknown.
fn sum(costs: Vec<Cost>) -> Cost {
    let mut total = Some(Usd::default());
    let mut pricings: Vec<String> = Vec::new();
    for cost in costs {
        total = total
            .zip(cost.usd)
            .and_then(|(total, usd)| total.amount().checked_add(usd.amount()).map(Usd::new));
        pricings.extend(cost.pricing.filter(|pricing| !pricings.contains(pricing)));
    }
    let pricing = match pricings.as_slice() {
        [one] => one.clone(),
        several => format!("{{\"responses\":[{}]}}", several.join(",")),
    };
    Cost {
        usd: total,
        pricing: Some(pricing),
    }
}
