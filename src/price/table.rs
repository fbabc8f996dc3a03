//! The price table as read: providers, their models, and each model's prices over time.
//!
//! Promise: reading checks every number, rule and date, so that a broken table is refused when it is loaded.
//! Not here: which prices apply to a call (`cost`), the cache of lookups (`price`).
//!
//! # Source
//! The v2 data of pydantic/genai-prices and its JSON Schema; our own additions are listed at [`super::PriceTable`].

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, Timelike};
use regex_lite::Regex;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    PriceTableError,
    number::price_of,
    rule::{Rule, RuleText},
    unit::{UNITS, Unit},
};
use crate::clock::Timestamp;

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The table's date and the beginning of its SHA-256.
    pub(crate) version: String,
    /// Prices that start after this day are forecasts.
    pub(crate) date: NaiveDate,
    pub(crate) providers: Vec<Provider>,
}

#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    api_pattern: Option<Regex>,
    named: Option<Rule>,
    serves: Option<Rule>,
    fallbacks: Vec<String>,
    pub(crate) models: Vec<Model>,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) id: String,
    rule: Rule,
    /// Later ones come first into question.
    periods: Vec<Period>,
    /// Digits after the point that the cost is rounded to.
    pub(crate) round_digits: Option<u32>,
}

/// Prices and when they hold.
#[derive(Debug)]
pub(crate) struct Period {
    constraint: Constraint,
    pub(crate) prices: Vec<(Unit, Price)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Constraint {
    Always,
    From(NaiveDate),
    Daily { start: NaiveTime, end: NaiveTime },
}

/// A unit price, with the input sizes above which another one holds for all tokens.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) base: Decimal,
    tiers: Vec<(u64, Decimal)>,
}

impl Price {
    /// Returns the price for a call of so many input tokens: the highest tier whose start they exceed.
    pub(crate) fn at(&self, input_tokens: u64) -> Decimal {
        let reached = self.tiers.iter().rev().find(|tier| input_tokens > tier.0);
        reached.map_or(self.base, |tier| tier.1)
    }
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

fn date_time(at: Timestamp) -> (NaiveDate, NaiveTime) {
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
    ) -> Option<(usize, usize)> {
        let model = model.to_ascii_lowercase();
        let served_by = match provider {
            Some(name) => self.provider_named(&name.to_ascii_lowercase()),
            None => self
                .provider_at(host)
                .or_else(|| self.provider_of_model(&model)),
        };
        served_by
            .and_then(|at| self.model_of(at, &model))
            .or_else(|| self.model_of(self.provider_with_id("*")?, &model))
    }

    /// Finds the provider of a name in lower case: its id, what the conventions call it, or by its rule.
    fn provider_named(&self, name: &str) -> Option<usize> {
        self.provider_with_id(name)
            .or_else(|| self.provider_with_id(id_of_convention(name)?))
            .or_else(|| self.first(|known| fits(known.named.as_ref(), name)))
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

    fn provider_with_id(&self, id: &str) -> Option<usize> {
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
fn id_of_convention(name: &str) -> Option<&'static str> {
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

/// A table file: the list that genai-prices publishes, or our object around one.
#[derive(Deserialize)]
struct TableText<'a> {
    table: Option<String>,
    date: Option<NaiveDateText>,
    #[serde(borrow)]
    providers: Vec<ProviderText<'a>>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct NaiveDateText(String);

#[derive(Deserialize)]
struct ProviderText<'a> {
    id: String,
    api_pattern: Option<String>,
    provider_match: Option<RuleText>,
    model_match: Option<RuleText>,
    #[serde(default)]
    fallback_model_providers: Option<Vec<String>>,
    #[serde(borrow)]
    models: Vec<ModelText<'a>>,
}

#[derive(Deserialize)]
struct ModelText<'a> {
    id: String,
    r#match: RuleText,
    #[serde(borrow)]
    prices: &'a RawValue,
    round_digits: Option<u32>,
}

#[derive(Deserialize)]
struct PeriodText<'a> {
    constraint: Option<ConstraintText>,
    #[serde(borrow)]
    prices: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ConstraintText {
    From {
        start_date: String,
    },
    Daily {
        start_time: String,
        end_time: String,
    },
}

#[derive(Deserialize)]
struct TieredText<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow)]
    tiers: Vec<TierText<'a>>,
}

#[derive(Deserialize)]
struct TierText<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

impl Table {
    /// Reads a table; one that names no date is taken to be of the day `as_of`.
    pub(crate) fn parse(bytes: &[u8], as_of: Timestamp) -> Result<Self, PriceTableError> {
        let text = std::str::from_utf8(bytes).map_err(|_| PriceTableError::NotUtf8)?;
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let file = if text.starts_with('[') {
            TableText {
                table: None,
                date: None,
                providers: serde_json::from_str(text)?,
            }
        } else {
            serde_json::from_str(text)?
        };
        let date = match file.date {
            Some(text) => date_of(&text.0)?,
            None => date_time(as_of).0,
        };
        let providers = file.providers.into_iter().map(ProviderText::check);
        Ok(Self {
            name: file.table.unwrap_or_else(|| "custom".to_owned()),
            version: format!("{date}-{}", short_hash(bytes)),
            date,
            providers: providers.collect::<Result<_, _>>()?,
        })
    }
}

/// The first 12 hex digits of the SHA-256: enough to tell tables apart in a record.
fn short_hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};

    Sha256::digest(bytes)[..6]
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

impl ProviderText<'_> {
    fn check(self) -> Result<Provider, PriceTableError> {
        let provider = self.id.clone();
        let bad_rule = |source| PriceTableError::Rule {
            provider: provider.clone(),
            source,
        };
        let rule = |text: Option<RuleText>| text.map(Rule::try_from).transpose().map_err(bad_rule);
        let pattern = self.api_pattern.filter(|pattern| !pattern.is_empty());
        let pattern = pattern.map(|pattern| Regex::new(&pattern)).transpose();
        let models = self.models.into_iter().map(|model| model.check(&provider));
        Ok(Provider {
            api_pattern: pattern.map_err(bad_rule)?,
            named: rule(self.provider_match)?,
            serves: rule(self.model_match)?,
            fallbacks: self.fallback_model_providers.unwrap_or_default(),
            models: models.collect::<Result<_, _>>()?,
            id: self.id,
        })
    }
}

impl ModelText<'_> {
    fn check(self, provider: &str) -> Result<Model, PriceTableError> {
        let rule = Rule::try_from(self.r#match).map_err(|source| PriceTableError::Rule {
            provider: provider.to_owned(),
            source,
        })?;
        let text = self.prices.get();
        let periods: Vec<PeriodText<'_>> = if text.starts_with('[') {
            serde_json::from_str(text)?
        } else {
            let prices = serde_json::from_str(text)?;
            vec![PeriodText {
                constraint: None,
                prices,
            }]
        };
        let periods = periods.into_iter().map(|period| period.check(&self.id));
        Ok(Model {
            rule,
            periods: periods.collect::<Result<_, _>>()?,
            round_digits: self.round_digits,
            id: self.id,
        })
    }
}

impl PeriodText<'_> {
    fn check(self, model: &str) -> Result<Period, PriceTableError> {
        let constraint = match self.constraint {
            None => Constraint::Always,
            Some(ConstraintText::From { start_date }) => Constraint::From(date_of(&start_date)?),
            Some(ConstraintText::Daily {
                start_time,
                end_time,
            }) => Constraint::Daily {
                start: time_of(&start_time)?,
                end: time_of(&end_time)?,
            },
        };
        let mut prices = Vec::new();
        for unit in UNITS {
            if let Some(raw) = self.prices.get(unit.name()) {
                let price = price_or_tiers(raw.get()).ok_or_else(|| PriceTableError::Price {
                    model: model.to_owned(),
                    unit: unit.name(),
                })?;
                prices.push((unit, price));
            }
        }
        Ok(Period { constraint, prices })
    }
}

fn price_or_tiers(text: &str) -> Option<Price> {
    if !text.starts_with('{') {
        let base = price_of(text)?;
        return Some(Price {
            base,
            tiers: Vec::new(),
        });
    }
    let tiered: TieredText<'_> = serde_json::from_str(text).ok()?;
    let tiers = tiered.tiers.iter();
    let mut tiers: Vec<_> = tiers
        .map(|tier| Some((tier.start, price_of(tier.price.get())?)))
        .collect::<Option<_>>()?;
    tiers.sort_unstable_by_key(|tier| tier.0);
    Some(Price {
        base: price_of(tiered.base.get())?,
        tiers,
    })
}

fn date_of(text: &str) -> Result<NaiveDate, PriceTableError> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| PriceTableError::Date)
}

/// Reads a time of day in UTC, `Z` or not.
fn time_of(text: &str) -> Result<NaiveTime, PriceTableError> {
    let text = text.trim_end_matches(['Z', 'z']);
    NaiveTime::parse_from_str(text, "%H:%M:%S").map_err(|_| PriceTableError::Date)
}
