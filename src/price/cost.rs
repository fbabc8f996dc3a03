//! The cost of one call: which prices hold, what they come to, and what the record says about it.
//!
//! Promise: the sum is exact; where it cannot be known it is `None` with a reason, never zero.
//! Not here: multipliers of service tiers, negotiated discounts.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    number::{self, QUANTITY_MAX},
    table::{Chosen, Model, Price, Provider, Table},
    unit::{Unit, quantities},
};
use crate::{
    clock::Timestamp, json, money::Usd, operation::Usage, outcome::Cost, provider::MediaTokens,
};

/// What a call used, and what about it bears on its price.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charge<'a> {
    pub(crate) usage: Usage,
    pub(crate) media: MediaTokens,
    /// Responses, for prices per request.
    pub(crate) responses: u64,
    pub(crate) at: Timestamp,
    /// False for operations that give no output tokens, such as embeddings.
    pub(crate) has_output: bool,
    pub(crate) service_tier: Option<&'a str>,
    /// Something else that makes the sum inexact, in words for the record.
    pub(crate) caveat: Option<&'static str>,
}

/// A model's entry in a table.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) table: &'a Table,
    pub(crate) provider: &'a Provider,
    pub(crate) model: &'a Model,
}

/// A sum, or why there is none; and the unit prices that went into it.
struct Sum {
    used: Vec<(Unit, Decimal)>,
    outcome: Result<Decimal, String>,
    notes: Vec<String>,
}

/// Computes a call's cost from the model's entry.
pub(crate) fn cost(found: Found<'_>, charge: &Charge<'_>) -> Cost {
    let sum = Sum::of(found, charge);
    Cost {
        usd: sum.usd(found.model),
        pricing: Some(pricing_json(Some(found), &sum, found.table)),
    }
}

/// Computes the amount alone.
pub(crate) fn amount(found: Found<'_>, charge: &Charge<'_>) -> Option<Usd> {
    Sum::of(found, charge).usd(found.model)
}

/// Says in a record's `pricing` why there is no cost, where no model's entry was asked.
pub(crate) fn unpriced(table: &Table, reason: &str) -> Cost {
    let sum = Sum {
        used: Vec::new(),
        outcome: Err(reason.to_owned()),
        notes: Vec::new(),
    };
    Cost {
        usd: None,
        pricing: Some(pricing_json(None, &sum, table)),
    }
}

fn rounded(amount: Decimal, model: &Model) -> Decimal {
    match model.round_digits {
        Some(digits) => {
            amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven)
        }
        None => amount,
    }
}

impl Sum {
    fn of(found: Found<'_>, charge: &Charge<'_>) -> Self {
        let mut sum = Self {
            used: Vec::new(),
            outcome: Ok(Decimal::ZERO),
            notes: Vec::new(),
        };
        match found.model.prices_at(charge.at, found.table.date) {
            Some(chosen) => sum.add_up(&chosen, found, charge),
            None => sum.outcome = Err("the table has no price for this model".to_owned()),
        }
        sum
    }

    fn usd(&self, model: &Model) -> Option<Usd> {
        let amount = self.outcome.as_ref().ok()?;
        Some(Usd::new(rounded(*amount, model)))
    }

    fn add_up(&mut self, chosen: &Chosen<'_>, found: Found<'_>, charge: &Charge<'_>) {
        if let Some(start) = chosen.forecast {
            let table_date = found.table.date;
            self.notes.push(format!(
                "a price that starts {start} is later than the table of {table_date} and was not applied"
            ));
        }
        self.notes.extend(charge.caveat.map(str::to_owned));
        if let Some(tier) = charge.service_tier.filter(|tier| !is_standard(tier)) {
            self.notes.push(format!(
                "standard prices; service tier {} has its own",
                clean(tier)
            ));
        }
        self.outcome = self.total(chosen, found, charge);
    }

    fn total(
        &mut self,
        chosen: &Chosen<'_>,
        found: Found<'_>,
        charge: &Charge<'_>,
    ) -> Result<Decimal, String> {
        let input_tokens = charge.usage.input_tokens.ok_or("input tokens unknown")?;
        if charge.has_output && charge.usage.output_tokens.is_none() {
            return Err("output tokens unknown".to_owned());
        }
        let prices = &chosen.period.prices;
        if prices.is_empty() && !found.model.id.ends_with(":free") {
            return Err("the table has no price for this model".to_owned());
        }
        let used = quantities(&charge.usage, charge.media, charge.responses)
            .ok_or("cached tokens exceed the tokens that include them")?;
        let mut total = number::Sum::default();
        for (unit, quantity) in used.into_iter().filter(|(_, quantity)| *quantity > 0) {
            if quantity > QUANTITY_MAX {
                return Err("counts beyond belief".to_owned());
            }
            let Some((charged_as, price)) = self.price_for(unit, prices)? else {
                continue;
            };
            let price = price.at(input_tokens);
            if !self.used.contains(&(charged_as, price)) {
                self.used.push((charged_as, price));
            }
            let sum = total.add(price, quantity, charged_as.per_price());
            total = sum.ok_or("the sum has too many digits")?;
        }
        total
            .amount()
            .ok_or_else(|| "the sum has too many digits".to_owned())
    }

    /// Finds the price of a unit, or of the one that contains it; `Ok(None)` where it is not charged.
    fn price_for<'p>(
        &mut self,
        unit: Unit,
        prices: &'p [(Unit, Price)],
    ) -> Result<Option<(Unit, &'p Price)>, String> {
        let mut charged_as = unit;
        loop {
            if let Some((_, price)) = prices.iter().find(|(known, _)| *known == charged_as) {
                if unit == Unit::CacheWrite1h && charged_as != unit {
                    self.notes.push(format!(
                        "one-hour cache writes charged as {}",
                        charged_as.name()
                    ));
                }
                return Ok(Some((charged_as, price)));
            }
            match charged_as.container() {
                Some(container) => charged_as = container,
                None => return self.unpriced_unit(charged_as, prices.is_empty()),
            }
        }
    }

    fn unpriced_unit<'p>(
        &mut self,
        unit: Unit,
        is_free: bool,
    ) -> Result<Option<(Unit, &'p Price)>, String> {
        match unit {
            Unit::Input | Unit::Output if !is_free => {
                Err(format!("the table has no {} for this model", unit.name()))
            }
            Unit::WebSearches => {
                self.notes
                    .push("web searches have no price in the table".to_owned());
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

fn is_standard(tier: &str) -> bool {
    ["standard", "default", "auto", "on_demand"].contains(&tier)
}

/// A provider's own word, short and harmless enough for a sentence.
fn clean(word: &str) -> String {
    let letters = word
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(*letter));
    letters.take(32).collect()
}

/// Spells the record's `pricing` member.
fn pricing_json(found: Option<Found<'_>>, sum: &Sum, table: &Table) -> String {
    let mut out = Vec::with_capacity(256);
    text_member(&mut out, b"{\"table\":", &table.name);
    text_member(&mut out, b",\"version\":", &table.version);
    if let Some(found) = found {
        text_member(&mut out, b",\"provider\":", &found.provider.id);
        text_member(&mut out, b",\"model\":", &found.model.id);
    }
    out.extend_from_slice(b",\"prices\":{");
    for (at, (unit, price)) in sum.used.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let name = unit.name();
        out.extend_from_slice(format!("{comma}\"{name}\":{}", Usd::new(*price)).as_bytes());
    }
    out.extend_from_slice(b"},\"source\":\"table\"");
    let failed = sum.outcome.as_ref().err();
    let reasons: Vec<&str> = failed
        .into_iter()
        .chain(&sum.notes)
        .map(String::as_str)
        .collect();
    if !reasons.is_empty() {
        text_member(&mut out, b",\"reason\":", &reasons.join("; "));
    }
    out.push(b'}');
    String::from_utf8(out).unwrap_or_default()
}

fn text_member(out: &mut Vec<u8>, key: &[u8], text: &str) {
    out.extend_from_slice(key);
    json::write_str(out, text);
}
