//! Prices as JSON: an object for a model's entry, a list for several; members are only ever added.
//!
//! Promise: a number is printed in its own digits.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;
use tracing_llm_audit::{
    PriceEntry, PriceModifier, PriceOverride, PricePeriod, PriceQuote, PriceWhen, UnitPrice,
};

use super::Found;

/// A number as it is.
type Number = Option<Box<RawValue>>;

#[derive(Serialize)]
struct EntryShown<'a> {
    table: &'a str,
    version: &'a str,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    served_by: Option<&'a str>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_found_by: Option<&'a str>,
    model_rule: &'a str,
    periods: Vec<PeriodShown<'a>>,
    modifiers: Vec<ModifierShown<'a>>,
    overrides: Vec<OverrideShown<'a>>,
    round_digits: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<QuoteShown<'a>>,
}

#[derive(Serialize)]
struct PeriodShown<'a> {
    start_date: Option<&'a str>,
    start_time: Option<&'a str>,
    end_time: Option<&'a str>,
    applies: bool,
    is_forecast: bool,
    prices: Vec<PriceShown<'a>>,
    unknown_prices: &'a [String],
}

#[derive(Serialize)]
struct PriceShown<'a> {
    unit: &'a str,
    per: u64,
    usd: Number,
    tiers: Vec<TierShown>,
}

#[derive(Serialize)]
struct TierShown {
    above_input_tokens: u64,
    usd: Number,
}

#[derive(Serialize)]
struct ModifierShown<'a> {
    word: &'a str,
    factor: Number,
    prices: Vec<PriceShown<'a>>,
    source: &'a str,
    fits: bool,
}

#[derive(Serialize)]
struct OverrideShown<'a> {
    name: &'a str,
    source: &'a str,
    conditions: &'a [String],
    prices: Vec<PriceShown<'a>>,
    discount_percent: Number,
}

#[derive(Serialize)]
struct QuoteShown<'a> {
    cost_usd: Number,
    is_exact: bool,
    lines: Vec<LineShown<'a>>,
    reasons: &'a [String],
    pricing: Number,
}

#[derive(Serialize)]
struct LineShown<'a> {
    unit: &'a str,
    quantity: u64,
    unit_price_usd: Number,
    per: u64,
    cost_usd: Number,
}

/// Writes what was found.
pub(super) fn write(out: &mut dyn Write, found: &Found) -> io::Result<()> {
    match found {
        Found::Entry(entry, quote) => {
            let mut shown = EntryShown::of(entry);
            shown.quote = quote.as_ref().map(QuoteShown::of);
            serde_json::to_writer_pretty(&mut *out, &shown)?;
        }
        Found::List(entries) => {
            let entries: Vec<_> = entries.iter().map(EntryShown::of).collect();
            serde_json::to_writer_pretty(&mut *out, &entries)?;
        }
    }
    writeln!(out)
}

fn number(number: &impl ToString) -> Number {
    RawValue::from_string(number.to_string()).ok()
}

fn prices(prices: &[UnitPrice]) -> Vec<PriceShown<'_>> {
    let tiers = |price: &UnitPrice| {
        let tiers = price.tiers.iter().map(|tier| TierShown {
            above_input_tokens: tier.above_input_tokens,
            usd: number(&tier.usd),
        });
        tiers.collect()
    };
    let prices = prices.iter().map(|price| PriceShown {
        unit: price.unit,
        per: price.per,
        usd: number(&price.usd),
        tiers: tiers(price),
    });
    prices.collect()
}

impl<'a> EntryShown<'a> {
    fn of(entry: &'a PriceEntry) -> Self {
        Self {
            table: &entry.table,
            version: &entry.version,
            provider: &entry.provider,
            served_by: entry.served_by.as_deref(),
            model: &entry.model,
            provider_found_by: entry.provider_found_by,
            model_rule: &entry.model_rule,
            periods: entry.periods.iter().map(PeriodShown::of).collect(),
            modifiers: entry.modifiers.iter().map(ModifierShown::of).collect(),
            overrides: entry.overrides.iter().map(OverrideShown::of).collect(),
            round_digits: entry.round_digits,
            quote: None,
        }
    }
}

impl<'a> PeriodShown<'a> {
    fn of(period: &'a PricePeriod) -> Self {
        let (start_date, daily) = match &period.when {
            PriceWhen::From(day) => (Some(day.as_str()), None),
            PriceWhen::Daily(start, end) => (None, Some((start.as_str(), end.as_str()))),
            _ => (None, None),
        };
        let (start_time, end_time) = daily.unzip();
        Self {
            start_date,
            start_time,
            end_time,
            applies: period.applies,
            is_forecast: period.is_forecast,
            prices: prices(&period.prices),
            unknown_prices: &period.unknown,
        }
    }
}

impl<'a> ModifierShown<'a> {
    fn of(modifier: &'a PriceModifier) -> Self {
        Self {
            word: &modifier.word,
            factor: modifier.factor.as_ref().and_then(number),
            prices: prices(&modifier.prices),
            source: &modifier.source,
            fits: modifier.fits,
        }
    }
}

impl<'a> OverrideShown<'a> {
    fn of(negotiated: &'a PriceOverride) -> Self {
        Self {
            name: &negotiated.name,
            source: &negotiated.source,
            conditions: &negotiated.conditions,
            prices: prices(&negotiated.prices),
            discount_percent: negotiated.discount_percent.as_ref().and_then(number),
        }
    }
}

impl<'a> QuoteShown<'a> {
    fn of(quote: &'a PriceQuote) -> Self {
        let lines = quote.lines.iter().map(|line| LineShown {
            unit: line.unit,
            quantity: line.quantity,
            unit_price_usd: number(&line.unit_price),
            per: line.per,
            cost_usd: number(&line.cost),
        });
        Self {
            cost_usd: quote.usd.as_ref().and_then(number),
            is_exact: quote.is_exact,
            lines: lines.collect(),
            reasons: &quote.reasons,
            pricing: number(&quote.pricing),
        }
    }
}
