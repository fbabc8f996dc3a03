//! Looking a table up: which entry a call's model has, what it says, and what a call would cost.
//!
//! Promise: the same way as a record is priced; every amount is exact.
//! Not here: the values that it gives (`entry`), printing.

use super::{
    PriceTable, ServedBy,
    cost::{Charge, Sum},
    entry::{
        CostLine, PriceAdjustment, PriceEntry, PriceModifier, PriceOverride, PricePeriod,
        PriceQuote, PriceTier, PriceWhen, UnitPrice,
    },
    modifier::{Conditions, Effect, Known, Modifiers},
    number,
    spell::{self, Source},
    table::{Constraint, FoundBy, Model, Period, Price, Provider, Table},
    terms::named,
    unit::{Extras, Unit},
};
use crate::{money::Usd, operation::Usage, outcome::Charged};
use llm_audit_journal::clock::Timestamp;

/// What a table is asked: a model, who serves it, when, and under which terms.
#[derive(Clone, Debug)]
pub struct PriceQuery {
    model: String,
    at: Timestamp,
    provider: Option<String>,
    host: Option<String>,
    tenant: Option<String>,
    service_tier: Option<String>,
    speed: Option<String>,
    geo: Option<String>,
}

impl PriceQuery {
    /// Asks about a model's prices at a time.
    pub fn new(model: impl Into<String>, at: Timestamp) -> Self {
        Self {
            model: model.into(),
            at,
            provider: None,
            host: None,
            tenant: None,
            service_tier: None,
            speed: None,
            geo: None,
        }
    }

    /// Names the provider, as the conventions or the table do; without it the host tells, or the model's name.
    #[must_use]
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.provider = Some(name.into());
        self
    }

    /// Names the host that is asked, without scheme.
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = Some(name.into());
        self
    }

    /// Names the tenant, for what was negotiated.
    #[must_use]
    pub fn tenant(mut self, id: impl Into<String>) -> Self {
        self.tenant = Some(id.into());
        self
    }

    /// Names the service tier: `batch`, `priority`, `flex`, ...
    #[must_use]
    pub fn service_tier(mut self, word: impl Into<String>) -> Self {
        self.service_tier = Some(word.into());
        self
    }

    /// Names the speed: `fast`.
    #[must_use]
    pub fn speed(mut self, word: impl Into<String>) -> Self {
        self.speed = Some(word.into());
        self
    }

    /// Names the region to which the provider was bound: `us`, `eu`.
    #[must_use]
    pub fn geo(mut self, word: impl Into<String>) -> Self {
        self.geo = Some(word.into());
        self
    }

    fn served_by(&self) -> ServedBy<'_> {
        ServedBy {
            provider: self.provider.as_deref(),
            host: self.host.as_deref(),
        }
    }

    fn charge(&self, usage: &Usage) -> Charge<'_> {
        Charge {
            usage: *usage,
            extras: Extras {
                responses: 1,
                ..Extras::default()
            },
            at: self.at,
            has_output: usage.output_tokens.is_some(),
            conditions: Conditions {
                tier: self.service_tier.as_deref(),
                speed: self.speed.as_deref(),
                geo: self.geo.as_deref(),
                is_batch: false,
            },
            provider: self.provider.as_deref(),
            host: self.host.as_deref(),
            tenant: self.tenant.as_deref(),
            doubts: Vec::new(),
            notes: Vec::new(),
        }
    }
}

impl PriceTable {
    /// Finds the entry by which a model is priced; `None` for an unknown model, whose calls have no cost.
    pub fn look_up(&self, query: &PriceQuery) -> Option<PriceEntry> {
        let (layer, spot) = self.look_up_place(query.served_by(), &query.model)?;
        let found = self.found((layer, spot), &query.model);
        let mut entry = self.entry(found.table, found.provider, found.model, query.at);
        entry.provider_found_by = Some(found_by(spot.found_by));
        let is_other = found.served != found.provider.id;
        entry.served_by = is_other.then(|| found.served.to_owned());
        let providers = [
            found.served,
            query.provider.as_deref().unwrap_or(found.served),
        ];
        entry.overrides = self.overrides_of(&providers, &[&found.model.id, found.asked]);
        entry.modifiers = modifiers(found.table, found.served, found.model, &entry.periods);
        Some(entry)
    }

    /// Returns every entry, table by table, with what holds at a time.
    pub fn entries(&self, at: Timestamp) -> impl Iterator<Item = PriceEntry> {
        self.layers.iter().flat_map(move |table| {
            table.providers.iter().flat_map(move |provider| {
                let models = provider.models.iter();
                models.map(move |model| self.entry(table, provider, model, at))
            })
        })
    }

    /// Computes what a call would cost; `None` for an unknown model.
    pub fn quote(&self, query: &PriceQuery, usage: &Usage) -> Option<PriceQuote> {
        let found = self.find(query.served_by(), &query.model)?;
        let sum = Sum::of(&found, &query.charge(usage));
        let pricing = spell::pricing(found.table, Some(found), &sum, Source::Table);
        Some(quote(sum, pricing))
    }

    fn entry(
        &self,
        table: &Table,
        provider: &Provider,
        model: &Model,
        at: Timestamp,
    ) -> PriceEntry {
        let chosen = model.prices_at(at, table.date);
        let periods = model.periods.iter().map(|period| {
            let mut shown = shown_period(period);
            shown.applies = chosen
                .as_ref()
                .is_some_and(|it| std::ptr::eq(it.period, period));
            shown.is_forecast =
                matches!(period.constraint, Constraint::From(day) if day > table.date);
            shown
        });
        let periods: Vec<PricePeriod> = periods.collect();
        PriceEntry {
            table: table.name.clone(),
            version: table.version.clone(),
            provider: provider.id.clone(),
            served_by: None,
            model: model.id.clone(),
            provider_found_by: None,
            model_rule: model.rule.to_string(),
            modifiers: modifiers(table, &provider.id, model, &periods),
            periods,
            overrides: self.overrides_of(&[&provider.id], &[&model.id]),
            round_digits: model.round_digits,
        }
    }
}

impl PriceTable {
    fn overrides_of(&self, providers: &[&str], models: &[&str]) -> Vec<PriceOverride> {
        let overrides = self.layers.iter().flat_map(|table| {
            let overrides = table.overrides.iter();
            let concerning = overrides.filter(|it| it.concerns(providers, models));
            concerning.map(|negotiated| PriceOverride {
                name: negotiated.name.clone(),
                source: named(table),
                conditions: negotiated.conditions(),
                prices: shown_prices(&negotiated.prices),
                discount_percent: negotiated.discount_percent,
            })
        });
        overrides.collect()
    }
}

fn found_by(found_by: FoundBy) -> &'static str {
    match found_by {
        FoundBy::Name => "name",
        FoundBy::NameRule => "name rule",
        FoundBy::Host => "host",
        FoundBy::Model => "model rule",
        FoundBy::Wildcard => "any provider",
    }
}

fn shown_period(period: &Period) -> PricePeriod {
    PricePeriod {
        when: match period.constraint {
            Constraint::Always => PriceWhen::Always,
            Constraint::From(day) => PriceWhen::From(day.to_string()),
            Constraint::Daily { start, end } => {
                PriceWhen::Daily(start.to_string(), end.to_string())
            }
        },
        applies: false,
        is_forecast: false,
        prices: shown_prices(&period.prices),
        unknown: period.unknown.clone(),
    }
}

fn shown_prices(prices: &[(Unit, Price)]) -> Vec<UnitPrice> {
    let prices = prices.iter();
    prices
        .map(|(unit, price)| shown_price(*unit, price))
        .collect()
}

fn shown_price(unit: Unit, price: &Price) -> UnitPrice {
    let tiers = price.tiers.iter().map(|(start, usd)| PriceTier {
        above_input_tokens: *start,
        usd: Usd::new(*usd),
    });
    UnitPrice {
        unit: unit.name(),
        per: unit.per_price().into(),
        usd: Usd::new(price.base),
        tiers: tiers.collect(),
    }
}

/// The table's own modifiers of a model, then the public ones for words that it does not have.
fn modifiers(
    table: &Table,
    served: &str,
    model: &Model,
    periods: &[PricePeriod],
) -> Vec<PriceModifier> {
    let known = Known::embedded();
    let holding = periods.iter().position(|period| period.applies);
    let prices = holding.map_or(&[][..], |at| &model.periods[at].prices);
    let own = std::iter::once((&model.modifiers, named(table)));
    let public = known.of(served, &model.id);
    let all = own.chain(public.map(|modifiers| (modifiers, known.source.clone())));
    let mut shown: Vec<PriceModifier> = Vec::new();
    for (modifiers, source) in all {
        for (word, effect) in &modifiers.effects {
            if !shown.iter().any(|modifier| modifier.word == *word) {
                shown.push(shown_modifier(word, effect, modifiers, prices, &source));
            }
        }
    }
    shown
}

fn shown_modifier(
    word: &str,
    effect: &Effect,
    modifiers: &Modifiers,
    standard: &[(Unit, Price)],
    source: &str,
) -> PriceModifier {
    let (factor, prices) = match effect {
        Effect::Factor(factor) => (Some(*factor), Vec::new()),
        Effect::Prices(prices) => (None, shown_prices(prices)),
    };
    PriceModifier {
        word: word.to_owned(),
        fits: factor.is_some() || modifiers.are_for(standard),
        factor,
        prices,
        source: source.to_owned(),
    }
}

fn quote(sum: Sum, pricing: String) -> PriceQuote {
    PriceQuote {
        usd: sum.outcome.as_ref().ok().copied().map(Usd::new),
        is_exact: sum.outcome.is_ok() && sum.doubts.is_empty(),
        lines: cost_lines(&sum.charged()),
        reasons: sum.reasons().into_iter().map(str::to_owned).collect(),
        adjustments: sum
            .adjustments
            .into_iter()
            .map(PriceAdjustment::from)
            .collect(),
        pricing,
    }
}

/// Returns a bill's lines; none of them where one has more digits than a decimal holds, and so the sum has none either.
pub(crate) fn cost_lines(lines: &[Charged]) -> Vec<CostLine> {
    let lines = lines.iter().map(|line| {
        let price = line.unit_price.amount();
        let cost = number::Sum::default().add(price, line.quantity, line.per as u32);
        Some(CostLine {
            unit: line.unit,
            quantity: line.quantity,
            unit_price: line.unit_price,
            per: line.per,
            cost: Usd::new(cost?.amount()?),
        })
    });
    lines.collect::<Option<_>>().unwrap_or_default()
}
