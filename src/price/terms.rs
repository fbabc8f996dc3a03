//! Which unit prices hold for a call: standard ones, then what was negotiated, then what its terms change.
//!
//! Promise: an adjustment is exact and is said; where one is not known, the standard price stays and the record says
//! that the cost is not exact.
//! Not here: quantities (`unit`), the sum (`cost`).
//!
//! In order: an override's prices take the place of standard ones; Anthropic's rule fills in cache writes that a table
//! leaves out; tier, speed and region change the prices of tokens, each of them; an override's discount comes last.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::{
    contract::{Deal, Override},
    cost::{Charge, Found},
    modifier::{Effect, Known, Modifiers},
    table::{Chosen, Price, Table, date_time},
    unit::Unit,
};

/// Something that made a price another than the table's standard one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Adjustment {
    /// A word of the call's terms, an override's name, or the unit that was derived.
    pub(crate) what: String,
    pub(crate) factor: Option<Decimal>,
    pub(crate) discount_percent: Option<Decimal>,
    /// The table that it comes from, with its version, or the rule.
    pub(crate) source: String,
}

/// The unit prices of one call.
pub(crate) struct Terms<'p> {
    pub(crate) prices: Cow<'p, [(Unit, Price)]>,
    pub(crate) adjustments: Vec<Adjustment>,
    /// Why the cost may not be exact.
    pub(crate) doubts: Vec<Cow<'static, str>>,
    /// Where prices of their own were taken for a word: that word, and the units that have one.
    pub(crate) own_prices: Option<(String, Vec<Unit>)>,
}

/// Finds the unit prices of a call; an error where an adjusted price has more digits than can be summed.
pub(crate) fn of<'p>(
    chosen: &Chosen<'p>,
    found: &Found<'p>,
    charge: &Charge<'_>,
) -> Result<Terms<'p>, String> {
    let mut terms = Terms {
        prices: Cow::Borrowed(&chosen.period.prices),
        adjustments: Vec::new(),
        doubts: Vec::new(),
        own_prices: None,
    };
    let negotiated = negotiated(found, charge);
    if let Some((table, negotiated)) = negotiated
        && !negotiated.prices.is_empty()
    {
        terms.replace(&negotiated.prices);
        terms.adjust(&negotiated.name, None, None, named(table));
    }
    terms.derive_cache_writes(found, charge)?;
    if !charge.conditions.is_standard() {
        for (about, word) in charge.conditions.words() {
            terms.apply_word(about, &word, found, charge)?;
        }
    }
    if let Some((table, negotiated)) = negotiated
        && let Some(factor) = negotiated.factor()
    {
        terms.multiply(factor, |_| true)?;
        let percent = negotiated.discount_percent;
        terms.adjust(&negotiated.name, None, percent, named(table));
    }
    Ok(terms)
}

/// Says which table a price comes from.
pub(crate) fn named(table: &Table) -> String {
    format!("{} {}", table.name, table.version)
}

/// Finds the override that counts.
fn negotiated<'p>(found: &Found<'p>, charge: &Charge<'_>) -> Option<(&'p Table, &'p Override)> {
    let mut layers = found.layers.iter();
    if layers.all(|table| table.overrides.is_empty()) {
        return None;
    }
    let (date, _) = date_time(charge.at);
    let deal = Deal {
        providers: [found.served, charge.provider.unwrap_or(found.served)],
        models: [&found.model.id, found.asked],
        host: charge.host,
        tenant: charge.tenant,
        date,
    };
    let all = found.layers.iter().flat_map(|table| {
        let overrides = table.overrides.iter();
        overrides.map(move |negotiated| (&**table, negotiated))
    });
    all.into_iter()
        .find(|(_, negotiated)| negotiated.fits(&deal))
}

impl Terms<'_> {
    fn price(&self, unit: Unit) -> Option<&Price> {
        let mut prices = self.prices.iter();
        prices
            .find(|(known, _)| *known == unit)
            .map(|known| &known.1)
    }

    fn replace(&mut self, prices: &[(Unit, Price)]) {
        let mine = self.prices.to_mut();
        for (unit, price) in prices {
            match mine.iter_mut().find(|(known, _)| known == unit) {
                Some((_, old)) => *old = price.clone(),
                None => mine.push((*unit, price.clone())),
            }
        }
    }

    fn adjust(
        &mut self,
        what: &str,
        factor: Option<Decimal>,
        percent: Option<Decimal>,
        source: String,
    ) {
        self.adjustments.push(Adjustment {
            what: what.to_owned(),
            factor,
            discount_percent: percent,
            source,
        });
    }

    fn multiply(&mut self, factor: Decimal, of: impl Fn(Unit) -> bool) -> Result<(), String> {
        for (unit, price) in self.prices.to_mut() {
            if of(*unit) {
                *price = price.times(factor).ok_or_else(too_many_digits)?;
            }
        }
        Ok(())
    }

    /// Fills in what tables leave out of Anthropic's models: writing costs 1.25 times the input for five minutes, twice
    /// the input for an hour.
    fn derive_cache_writes(
        &mut self,
        found: &Found<'_>,
        charge: &Charge<'_>,
    ) -> Result<(), String> {
        let written = charge.usage.cache_write_tokens.unwrap_or(0);
        if written == 0 || !found.model.id.contains("claude") {
            return Ok(());
        }
        let hourly = charge.usage.cache_write_1h_tokens.unwrap_or(0);
        let rules = [
            (Unit::CacheWrite, Decimal::new(125, 2), written > hourly),
            (Unit::CacheWrite1h, Decimal::TWO, hourly > 0),
        ];
        for (unit, factor, is_used) in rules {
            let is_priced = self.price(unit).is_some()
                || unit == Unit::CacheWrite && self.price(Unit::CacheWrite5m).is_some();
            if let Some(input) = self.price(Unit::Input)
                && is_used
                && !is_priced
            {
                let price = input.times(factor).ok_or_else(too_many_digits)?;
                self.prices.to_mut().push((unit, price));
                let rule = "derived: Anthropic's multiple of input_mtok".to_owned();
                self.adjust(unit.name(), Some(factor), None, rule);
            }
        }
        Ok(())
    }

    fn apply_word(
        &mut self,
        about: &str,
        word: &str,
        found: &Found<'_>,
        charge: &Charge<'_>,
    ) -> Result<(), String> {
        let input_tokens = charge.usage.input_tokens.unwrap_or(0);
        let standard = &found.model.modifiers;
        let known = Known::embedded();
        let own = std::iter::once((standard, named(found.table)));
        let public = known.of(found.served, &found.model.id);
        let public = public.map(|modifiers| (modifiers, known.source.clone()));
        let mut fitting = own.chain(public).filter_map(|(modifiers, source)| {
            let effect = self.effect(modifiers, word, input_tokens)?;
            Some((effect.clone(), source))
        });
        let Some((effect, source)) = fitting.next() else {
            let doubt = format!("standard prices; {about} {word} may have its own");
            self.doubts.push(doubt.into());
            return Ok(());
        };
        drop(fitting);
        match effect {
            Effect::Factor(factor) => {
                self.multiply(factor, Unit::is_tokens)?;
                self.adjust(word, Some(factor), None, source);
            }
            Effect::Prices(prices) => {
                self.replace(&prices);
                let units = prices.iter().map(|(unit, _)| *unit).collect();
                self.own_prices = Some((word.to_owned(), units));
                self.adjust(word, None, None, source);
            }
        }
        Ok(())
    }

    /// Returns what a word does, where that was made for the prices that hold, and for a call of this size.
    fn effect<'m>(
        &self,
        modifiers: &'m Modifiers,
        word: &str,
        input_tokens: u64,
    ) -> Option<&'m Effect> {
        let effect = modifiers.effect_of(word)?;
        if let Effect::Prices(prices) = effect {
            let start = |price: &Price| price.tier_at(input_tokens).map(|tier| tier.0);
            let has_its_tier = |(unit, price): &(Unit, Price)| {
                self.price(*unit)
                    .is_none_or(|standard| start(standard) == start(price))
            };
            if !modifiers.are_for(&self.prices) || !prices.iter().all(has_its_tier) {
                return None;
            }
        }
        Some(effect)
    }
}

fn too_many_digits() -> String {
    "the adjusted price has too many digits".to_owned()
}
