//! The price table: providers, their models, each model's prices over time, and how a call's model is found.
//!
//! Promise: a look-up depends on the names alone; the first entry whose rule fits counts.
//! Not here: reading a table (`file`), which prices apply to a call (`cost`), the cache of lookups (`price`).

use chrono::{NaiveDate, NaiveTime, Timelike};
use regex_lite::Regex;
use rust_decimal::Decimal;

use super::{
    contract::Override, modifier::Modifiers, number::exact_product, rule::Rule, unit::Unit,
};
use llm_audit_journal::clock::Timestamp;

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The table's date and the beginning of its SHA-256.
    pub(crate) version: String,
    /// Prices that start after this day are forecasts.
    pub(crate) date: NaiveDate,
    pub(crate) providers: Vec<Provider>,
    /// What was negotiated, the first that fits counting.
    pub(crate) overrides: Vec<Override>,
    /// Names of providers whose own statement of the cost counts.
    pub(crate) reported_cost_counts: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) api_pattern: Option<Regex>,
    pub(crate) named: Option<Rule>,
    pub(crate) serves: Option<Rule>,
    pub(crate) fallbacks: Vec<String>,
    pub(crate) models: Vec<Model>,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: String,
    pub(crate) rule: Rule,
    /// Later ones come first into question.
    pub(crate) periods: Vec<Period>,
    /// What service tiers, speeds and regions do to the prices, as the table itself says it.
    pub(crate) modifiers: Modifiers,
    /// Digits after the point that the cost is rounded to.
    pub(crate) round_digits: Option<u32>,
}

/// Prices and when they hold.
#[derive(Debug)]
pub(crate) struct Period {
    pub(crate) constraint: Constraint,
    pub(crate) prices: Vec<(Unit, Price)>,
    /// Names of prices that this version does not know.
    pub(crate) unknown: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constraint {
    Always,
    From(NaiveDate),
    Daily { start: NaiveTime, end: NaiveTime },
}

/// A unit price, with the input sizes above which another one holds for all tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) base: Decimal,
    pub(crate) tiers: Vec<(u64, Decimal)>,
}

impl Price {
    /// Returns the price for a call of so many input tokens: the highest tier whose start they exceed.
    pub(crate) fn at(&self, input_tokens: u64) -> Decimal {
        self.tier_at(input_tokens)
            .map_or(self.base, |(_, price)| price)
    }

    /// Returns the tier that a call of so many input tokens reaches, where it reaches one.
    pub(crate) fn tier_at(&self, input_tokens: u64) -> Option<(u64, Decimal)> {
        let mut tiers = self.tiers.iter().rev();
        tiers.find(|tier| input_tokens > tier.0).copied()
    }

    /// Returns the price and its tiers times a factor; `None` where that is not exact.
    pub(crate) fn times(&self, factor: Decimal) -> Option<Self> {
        let tiers = self.tiers.iter();
        let tiers = tiers.map(|(start, price)| Some((*start, exact_product(*price, factor)?)));
        Some(Self {
            base: exact_product(self.base, factor)?,
            tiers: tiers.collect::<Option<_>>()?,
        })
    }
}

/// How a provider was found in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoundBy {
    Name,
    NameRule,
    Host,
    Model,
    Wildcard,
}

/// Where a look-up in one table led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    /// The provider that served the call, which may take its prices from another.
    pub(crate) served: usize,
    pub(crate) found_by: FoundBy,
    pub(crate) provider: usize,
    pub(crate) model: usize,
}

/// The prices of a model that hold at a time.
pub(crate) struct Chosen<'a> {
    pub(crate) period: &'a Period,
    /// The day from which a later price would hold if the table had not been older than it.
    pub(crate) forecast: Option<NaiveDate>,
}

impl Model {
    pub(crate) fn prices_at(&self, at: Timestamp, table_date: NaiveDate) -> Option<Chosen<'_>> {
        if let [period] = self.periods.as_slice()
            && period.constraint == Constraint::Always
        {
            let forecast = None;
            return Some(Chosen { period, forecast });
        }
        let (date, time) = date_time(at);
        let mut forecast = None;
        let holds = |period: &&Period| match period.constraint {
            Constraint::Always => true,
            Constraint::From(start) if start > table_date => {
                if date >= start {
                    forecast = forecast.or(Some(start));
                }
                false
            }
            Constraint::From(start) => date >= start,
            Constraint::Daily { start, end } => within(time, start, end),
        };
        let held = self.periods.iter().rev().find(holds);
        let period = held.or(self.periods.first())?;
        Some(Chosen { period, forecast })
    }
}

pub(crate) fn date_time(at: Timestamp) -> (NaiveDate, NaiveTime) {
    let at = chrono::DateTime::from_timestamp_micros(at.as_micros()).unwrap_or_default();
    let time = at.time();
    (at.date_naive(), time.with_nanosecond(0).unwrap_or(time))
}

/// Says whether a time of day lies in an interval that may go over midnight.
fn within(time: NaiveTime, start: NaiveTime, end: NaiveTime) -> bool {
    if start <= end {
        start <= time && time < end
    } else {
        time >= start || time < end
    }
}

impl Table {
    /// Finds a model by what the call says about who served it.
    pub(crate) fn find(
        &self,
        provider: Option<&str>,
        host: Option<&str>,
        model: &str,
    ) -> Option<Spot> {
        let model = model.to_ascii_lowercase();
        let spot = |(served, found_by)| {
            let (provider, model) = self.model_of(served, &model)?;
            Some(Spot {
                served,
                found_by,
                provider,
                model,
            })
        };
        let served_by = match provider {
            Some(name) => self.provider_named(&name.to_ascii_lowercase()),
            None => self.provider_unnamed(host, &model),
        };
        served_by
            .and_then(spot)
            .or_else(|| spot((self.provider_with_id("*")?, FoundBy::Wildcard)))
    }

    /// Finds the provider of a name in lower case: its id, what the conventions call it, or by its rule.
    fn provider_named(&self, name: &str) -> Option<(usize, FoundBy)> {
        let by_id = self
            .provider_with_id(name)
            .or_else(|| self.provider_with_id(id_of_convention(name)?));
        let by_rule = || self.first(|known| fits(known.named.as_ref(), name));
        by_id
            .map(|at| (at, FoundBy::Name))
            .or_else(|| by_rule().map(|at| (at, FoundBy::NameRule)))
    }

    fn provider_unnamed(&self, host: Option<&str>, model: &str) -> Option<(usize, FoundBy)> {
        let by_host = self.provider_at(host).map(|at| (at, FoundBy::Host));
        by_host.or_else(|| self.provider_of_model(model).map(|at| (at, FoundBy::Model)))
    }

    fn provider_at(&self, host: Option<&str>) -> Option<usize> {
        let url = format!("https://{}/", host?.to_ascii_lowercase());
        self.first(|known| {
            let found = known
                .api_pattern
                .as_ref()
                .and_then(|regex| regex.find(&url));
            found.is_some_and(|found| found.start() == 0)
        })
    }

    fn provider_of_model(&self, model: &str) -> Option<usize> {
        self.first(|known| fits(known.serves.as_ref(), model))
    }

    pub(crate) fn provider_with_id(&self, id: &str) -> Option<usize> {
        self.first(|known| known.id == id)
    }

    fn first(&self, fits: impl Fn(&Provider) -> bool) -> Option<usize> {
        self.providers.iter().position(fits)
    }

    fn model_of(&self, provider: usize, model: &str) -> Option<(usize, usize)> {
        let own = |at: usize| {
            let models = &self.providers[at].models;
            models.iter().position(|known| known.rule.fits(model))
        };
        let fallbacks = self.providers[provider].fallbacks.iter();
        let others = fallbacks.filter_map(|id| self.provider_with_id(id));
        std::iter::once(provider)
            .chain(others)
            .find_map(|at| own(at).map(|model| (at, model)))
    }
}

fn fits(rule: Option<&Rule>, name: &str) -> bool {
    rule.is_some_and(|rule| rule.fits(name))
}

/// The table's id for a provider name of the conventions, where the table's own rules would find another or none.
pub(crate) fn id_of_convention(name: &str) -> Option<&'static str> {
    Some(match name {
        "azure.ai.openai" | "azure.ai.inference" => "azure",
        "aws.bedrock" => "aws",
        "gcp.gemini" | "gcp.vertex_ai" | "gcp.gen_ai" => "google",
        "mistral_ai" => "mistral",
        "moonshot_ai" => "moonshotai",
        "x_ai" => "x-ai",
        _ => return None,
    })
}
