//! How many tokens, and what they cost.
//!
//! Promise: an unknown count is `None`; usage that a span below reported is not counted twice.

use std::borrow::Cow;

use super::{Names, Said, emitted};
use crate::{
    facts::FactValue,
    flavour::Flavour,
    money::Usd,
    operation::{Usage, is_model_call},
    outcome::Cost,
    price::{Charge, Conditions, Extras, Part, PriceTable, ServedBy},
    provider::{MediaTokens, Reading},
    semconv::Slot,
};

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
        .filter(|reading| !reading.usage.is_empty() || reading.rerank_searches.is_some())
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
    let served_by = served_by(said, names);
    if tokens.usage.is_empty() && reporting_readings(said).next().is_none() {
        return if is_model_call(&names.operation) {
            let reported = said.latest(|reading| reading.reported_cost_usd.as_deref(), None);
            prices.unpriced("usage unknown", served_by, reported)
        } else {
            Cost::default()
        };
    }
    if tokens.responses_summed.is_none() {
        let reading = reporting_readings(said)
            .next()
            .filter(|_| said.call.is_none_or(|call| call.usage.is_none()));
        let models = [names.response_model, names.request_model];
        let parts = parts(said, names, models, tokens.usage, reading);
        // Only a body's: what an emitter put on the span may be its own reckoning.
        let reported = reading.and_then(|reading| reading.reported_cost_usd.as_deref());
        return prices.price(served_by, &parts, reported);
    }
    let costs = reporting_readings(said).map(|reading| {
        let models = [reading.response_model.as_deref(), names.request_model];
        let parts = parts(said, names, models, reading.usage, Some(reading));
        prices.price(served_by, &parts, reading.reported_cost_usd.as_deref())
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
    let part = Part {
        kind: "message",
        models: [names.response_model, names.request_model],
        charge: charge(said, names, usage, None),
    };
    prices.amount(served_by(said, names), &part)
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
    let media = || {
        let count = |slot| said.facts.get(slot).and_then(whole_number);
        MediaTokens {
            input_audio: count(Slot::AudioInputTokens),
            cache_read_audio: count(Slot::AudioCacheReadTokens),
            output_audio: count(Slot::AudioOutputTokens),
            input_image: count(Slot::ImageInputTokens),
            cache_read_image: count(Slot::ImageCacheReadTokens),
            output_image: count(Slot::ImageOutputTokens),
            ..MediaTokens::default()
        }
    };
    Charge {
        usage,
        extras: Extras {
            media: reading.map_or_else(media, |reading| reading.media),
            citation_tokens: reading
                .and_then(|reading| reading.citation_tokens)
                .unwrap_or(0),
            rerank_searches: reading
                .and_then(|reading| reading.rerank_searches)
                .unwrap_or(0),
            responses: 1,
        },
        at: said.record.started_at,
        has_output: names.operation != "embeddings" && !reading.is_some_and(is_without_output),
        conditions: conditions(said, names, reading),
        provider: names.provider.as_deref(),
        host: said.facts.text(Slot::ServerAddress),
        tenant: said.facts.text(Slot::TenantId),
        doubts: Vec::new(),
        notes: Vec::new(),
    }
}

/// Embeddings and reranking have no output tokens, whatever the span calls them.
fn is_without_output(reading: &Reading<'_>) -> bool {
    let operation = reading.flavour.map(Flavour::operation);
    matches!(operation, Some("embeddings" | "rerank"))
}

fn conditions<'s>(
    said: &'s Said<'_>,
    names: &'s Names<'_>,
    reading: Option<&'s Reading<'_>>,
) -> Conditions<'s> {
    let tier = reading.and_then(|reading| reading.service_tier.as_deref());
    let speed = reading.and_then(|reading| reading.speed.as_deref());
    let geo = reading.and_then(|reading| reading.geo.as_deref());
    // Where the response is silent, what was asked for is what was served.
    let geo = geo.or(said.request.geo.as_deref());
    Conditions {
        tier: tier.or(names.service_tier),
        speed: speed.or(said.request.speed.as_deref()),
        geo: geo.or_else(|| Conditions::geo_of_host(said.facts.text(Slot::ServerAddress)?)),
        is_batch: reading.is_some_and(|reading| reading.batch),
    }
}

/// What a response is charged for: its own counts, those that the provider bills in their place, or each of its runs.
fn parts<'s>(
    said: &'s Said<'_>,
    names: &'s Names<'_>,
    models: [Option<&'s str>; 2],
    usage: Usage,
    reading: Option<&'s Reading<'_>>,
) -> Vec<Part<'s>> {
    let mut charge = charge(said, names, usage, reading);
    if let Some(reading) = reading {
        let runs = runs(&charge, models, reading);
        if !runs.is_empty() {
            return runs;
        }
        annotate(&mut charge, reading);
    } else if said.call.is_none_or(|call| call.usage.is_none()) {
        charge
            .doubts
            .extend(emitted::caveat(said).map(Cow::Borrowed));
    }
    let kind = "message";
    vec![Part {
        kind,
        models,
        charge,
    }]
}

/// The runs of a response that is charged for several, each on its own model; a run that was declined is not billed.
fn runs<'s>(
    whole: &Charge<'s>,
    models: [Option<&'s str>; 2],
    reading: &'s Reading<'_>,
) -> Vec<Part<'s>> {
    if !reading.leaves_out_iterations() || !covers(reading) {
        return Vec::new();
    }
    let billed = reading.iterations.iter().filter(|run| run.billed);
    let runs = billed.enumerate().map(|(at, run)| {
        let mut charge = whole.clone();
        charge.usage = run.usage;
        // What is counted once for the response is charged once.
        charge.usage.web_searches = reading.usage.web_searches.filter(|_| at == 0);
        charge.extras = Extras {
            responses: u64::from(at == 0),
            ..Extras::default()
        };
        Part {
            kind: &run.kind,
            models: run.model.as_deref().map_or(models, |own| [Some(own), None]),
            charge,
        }
    });
    runs.collect()
}

/// Says whether the billed runs account at least for what the response counts.
fn covers(reading: &Reading<'_>) -> bool {
    let mut sum = Usage::default();
    let billed = reading.iterations.iter().filter(|run| run.billed);
    billed.for_each(|run| sum.add(&run.usage));
    sum.input_tokens >= reading.usage.input_tokens
        && sum.output_tokens >= reading.usage.output_tokens
}

/// Says what the price of a response's counts does not show.
fn annotate(charge: &mut Charge<'_>, reading: &Reading<'_>) {
    if let Some(billed) = reading.billed.filter(|billed| !billed.is_empty()) {
        charge.usage = billed;
        let note = "priced on the provider's billed units, which differ from the tokens used";
        charge.notes.push(note.into());
    }
    if !reading.fee_tools.is_empty() {
        let tools = reading.fee_tools.join(", ");
        let doubt = format!("fees of the provider's own tools are not priced: {tools}");
        charge.doubts.push(doubt.into());
    }
    if reading.leaves_out_iterations() {
        let doubt = "the iterations do not add up to the response's own counts, which are priced";
        charge.doubts.push(doubt.into());
    }
    if let Some(hidden) = hidden(reading) {
        charge.doubts.push(
            format!("the response's total has {hidden} tokens that are neither input nor output; they are not priced")
                .into(),
        );
    }
    let measured = reading.invocation_metrics.map(|metrics| metrics.usage);
    if let Some(measured) = measured {
        let pair = |usage: &Usage| (usage.input_tokens, usage.output_tokens);
        if pair(&measured) != pair(&reading.usage) {
            let count = |tokens: Option<u64>| tokens.map_or("no".to_owned(), |it| it.to_string());
            let doubt = format!(
                "priced on the model's own counts; the platform measured {} input and {} output tokens",
                count(measured.input_tokens),
                count(measured.output_tokens),
            );
            charge.doubts.push(doubt.into());
        }
    }
}

/// Tokens that only a response's total shows: Gemini's thoughts, where it answers in `OpenAI`'s way.
fn hidden(reading: &Reading<'_>) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Total {
        total_tokens: u64,
    }
    let total: Total = serde_json::from_slice(reading.raw_usage.as_deref()?).ok()?;
    let told = reading
        .usage
        .input_tokens?
        .checked_add(reading.usage.output_tokens?)?;
    let hidden = total.total_tokens.checked_sub(told)?;
    (hidden > 0).then_some(hidden)
}

/// Adds costs up: one that is unknown leaves the sum unknown.
fn sum(costs: Vec<Cost>) -> Cost {
    let mut total = Some(Usd::default());
    let (mut pricings, mut lines): (Vec<String>, Vec<_>) = (Vec::new(), Vec::new());
    for cost in costs {
        lines.extend(cost.lines);
        total = total
            .zip(cost.usd)
            .and_then(|(total, usd)| total.exact_sum(usd));
        pricings.extend(cost.pricing.filter(|pricing| !pricings.contains(pricing)));
    }
    let pricing = match pricings.as_slice() {
        [one] => one.clone(),
        several => format!("{{\"responses\":[{}]}}", several.join(",")),
    };
    Cost {
        usd: total,
        pricing: Some(pricing),
        lines,
    }
}
