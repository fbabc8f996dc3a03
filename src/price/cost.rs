//! The cost of one call: what its quantities come to at the prices that hold.
//!
//! Promise: the sum is exact; where it cannot be known it is `None` with a reason, never zero. A cost that stands
//! although something about it is not known says so (`"exact":false` beside the reason).
//! Not here: which prices hold (`terms`), how the record spells it (`spell`).

use std::{borrow::Cow, sync::Arc};

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    modifier::Conditions,
    number::{self, QUANTITY_MAX},
    table::{Chosen, Model, Price, Provider, Table},
    terms::{self, Adjustment, Terms},
    unit::{Extras, Unit, quantities},
};
use crate::{money::Usd, operation::Usage, outcome::Charged};
use llm_audit_journal::clock::Timestamp;

/// What a call used, and what about it bears on its price.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charge<'a> {
    pub(crate) usage: Usage,
    pub(crate) extras: Extras,
    pub(crate) at: Timestamp,
    /// False for operations that give no output tokens, such as embeddings.
    pub(crate) has_output: bool,
    pub(crate) conditions: Conditions<'a>,
    /// The provider as the call names it.
    pub(crate) provider: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
    /// What else makes the sum inexact, in words for the record.
    pub(crate) doubts: Vec<Cow<'static, str>>,
    /// What else the record should say.
    pub(crate) notes: Vec<Cow<'static, str>>,
}

/// A model's entry, and the tables in which it was found.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) layers: &'a [Arc<Table>],
    pub(crate) table: &'a Table,
    /// The id of the provider that served the call.
    pub(crate) served: &'a str,
    pub(crate) provider: &'a Provider,
    pub(crate) model: &'a Model,
    /// The model's name as the call has it.
    pub(crate) asked: &'a str,
}

/// A unit, how much of it, and its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The unit that was charged, which may contain the one that was used.
    pub(crate) unit: Unit,
    pub(crate) quantity: u64,
    pub(crate) price: Decimal,
}

/// A sum, or why there is none; and what went into it.
pub(crate) struct Sum {
    pub(crate) lines: Vec<Line>,
    pub(crate) outcome: Result<Decimal, String>,
    pub(crate) adjustments: Vec<Adjustment>,
    /// Why the outcome may not be exact.
    pub(crate) doubts: Vec<Cow<'static, str>>,
    /// What else the record should say.
    pub(crate) notes: Vec<Cow<'static, str>>,
}

impl Sum {
    /// A sum that there is not, and why.
    pub(crate) fn unknown(reason: &str) -> Self {
        Self {
            lines: Vec::new(),
            outcome: Err(reason.to_owned()),
            adjustments: Vec::new(),
            doubts: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn of(found: &Found<'_>, charge: &Charge<'_>) -> Self {
        let mut sum = Self::unknown(NO_PRICE);
        if let Some(chosen) = found.model.prices_at(charge.at, found.table.date) {
            let outcome = sum.add_up(&chosen, found, charge);
            sum.outcome = outcome.map(|amount| rounded(amount, found.model));
        }
        sum
    }

    /// Returns what was charged, as outcomes keep it.
    pub(crate) fn charged(&self) -> Vec<Charged> {
        let lines = self.lines.iter().map(|line| Charged {
            unit: line.unit.name(),
            quantity: line.quantity,
            unit_price: Usd::new(line.price),
            per: line.unit.per_price().into(),
        });
        lines.collect()
    }

    fn add_up(
        &mut self,
        chosen: &Chosen<'_>,
        found: &Found<'_>,
        charge: &Charge<'_>,
    ) -> Result<Decimal, String> {
        if let Some(start) = chosen.forecast {
            let table_date = found.table.date;
            let note = format!(
                "a price that starts {start} is later than the table of {table_date} and was not applied"
            );
            self.notes.push(note.into());
        }
        self.notes.extend_from_slice(&charge.notes);
        self.doubts.extend_from_slice(&charge.doubts);
        for name in &chosen.period.unknown {
            let doubt = format!("the table's price {name} is not known here");
            self.doubts.push(doubt.into());
        }
        // A reranking is billed by its searches, and need not count tokens.
        let of_searches = Some(0).filter(|_| charge.extras.rerank_searches > 0);
        let input_tokens = charge.usage.input_tokens.or(of_searches);
        let input_tokens = input_tokens.ok_or("input tokens unknown")?;
        if charge.has_output && charge.usage.output_tokens.is_none() {
            return Err("output tokens unknown".to_owned());
        }
        let mut terms = terms::of(chosen, found, charge)?;
        self.doubts.append(&mut terms.doubts);
        self.adjustments = std::mem::take(&mut terms.adjustments);
        if terms.prices.is_empty() && !found.model.id.ends_with(":free") {
            return Err(NO_PRICE.to_owned());
        }
        let used = quantities(&charge.usage, charge.extras)
            .ok_or("cached tokens exceed the tokens that include them")?;
        let mut total = number::Sum::default();
        for (unit, quantity) in used.into_iter().filter(|(_, quantity)| *quantity > 0) {
            if quantity > QUANTITY_MAX {
                return Err("counts beyond belief".to_owned());
            }
            let Some((unit, price)) = self.price_for(unit, &terms)? else {
                continue;
            };
            let price = price.at(input_tokens);
            self.line(unit, quantity, price);
            let sum = total.add(price, quantity, unit.per_price());
            total = sum.ok_or(TOO_MANY_DIGITS)?;
        }
        total.amount().ok_or_else(|| TOO_MANY_DIGITS.to_owned())
    }

    fn line(&mut self, unit: Unit, quantity: u64, price: Decimal) {
        let mut lines = self.lines.iter_mut();
        match lines.find(|line| line.unit == unit) {
            Some(line) => line.quantity += quantity,
            None => self.lines.push(Line {
                unit,
                quantity,
                price,
            }),
        }
    }

    /// Finds the price of a unit, or of one that contains it; `Ok(None)` where it is not charged.
    fn price_for<'t>(
        &mut self,
        unit: Unit,
        terms: &'t Terms<'_>,
    ) -> Result<Option<(Unit, &'t Price)>, String> {
        let chain = std::iter::once(&unit).chain(unit.containers());
        let mut priced = chain.filter_map(|charged| {
            let mut prices = terms.prices.iter();
            let (_, price) = prices.find(|(known, _)| known == charged)?;
            Some((*charged, price))
        });
        let Some((charged, price)) = priced.next() else {
            return self.unpriced_unit(unit, terms.prices.is_empty());
        };
        if unit == Unit::CacheTextWrite1h
            && ![Unit::CacheWrite1h, Unit::CacheTextWrite1h].contains(&charged)
        {
            let doubt = format!("one-hour cache writes charged as {}", charged.name());
            self.doubts.push(doubt.into());
        }
        if let Some((word, units)) = &terms.own_prices
            && charged.is_tokens()
            && !units.contains(&charged)
        {
            let name = charged.name();
            let doubt = format!("{name} at its standard price; {word} may have its own");
            self.doubts.push(doubt.into());
        }
        Ok(Some((charged, price)))
    }

    fn unpriced_unit<'t>(
        &mut self,
        unit: Unit,
        is_free: bool,
    ) -> Result<Option<(Unit, &'t Price)>, String> {
        let outermost = unit.containers().last().copied().unwrap_or(unit);
        match outermost {
            Unit::Input | Unit::Output if !is_free => Err(format!(
                "the table has no {} for this model",
                outermost.name()
            )),
            Unit::WebSearches => {
                let doubt = "web searches have no price in the table";
                self.doubts.push(doubt.into());
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

const NO_PRICE: &str = "the table has no price for this model";
pub(crate) const TOO_MANY_DIGITS: &str = "the sum has too many digits";

fn rounded(amount: Decimal, model: &Model) -> Decimal {
    match model.round_digits {
        Some(digits) => {
            amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven)
        }
        None => amount,
    }
}
