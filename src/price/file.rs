//! Reading a table file.
//!
//! Promise: every number, rule and date is checked, so that a broken table is refused when it is loaded and not when a
//! call is priced. What genai-prices may add later is let through; our own parts know no member that is not listed.
//! Not here: what the parts mean (`table`, `modifier`, `contract`).
//!
//! # Source
//! The v2 data of pydantic/genai-prices and its JSON Schema; our own additions are listed at [`super::PriceTable`].

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    PriceTableError,
    contract::OverrideText,
    modifier::{Modifiers, ModifiersText},
    number::price_of,
    rule::{Rule, RuleText},
    table::{Constraint, Model, Period, Price, Provider, Table, date_time},
    unit::Unit,
};
use llm_audit_journal::clock::Timestamp;

/// A table file: the list that genai-prices publishes, or our object around one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText<'a> {
    table: Option<String>,
    date: Option<NaiveDateText>,
    #[serde(borrow, default)]
    providers: Option<Vec<ProviderText<'a>>>,
    #[serde(borrow, default)]
    overrides: Vec<OverrideText<'a>>,
    #[serde(default)]
    reported_cost_counts: Vec<String>,
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
    #[serde(borrow, default)]
    modifiers: ModifiersText<'a>,
    round_digits: Option<u32>,
}

#[derive(Deserialize)]
struct PeriodText<'a> {
    constraint: Option<ConstraintText>,
    #[serde(borrow)]
    prices: PricesText<'a>,
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
                providers: Some(serde_json::from_str(text)?),
                overrides: Vec::new(),
                reported_cost_counts: Vec::new(),
            }
        } else {
            serde_json::from_str(text)?
        };
        let date = match file.date {
            Some(text) => date_of(&text.0)?,
            None => date_time(as_of).0,
        };
        let says_something = !file.overrides.is_empty() || !file.reported_cost_counts.is_empty();
        let providers = match file.providers {
            None if !says_something => return Err(PriceTableError::Empty),
            providers => providers.unwrap_or_default(),
        };
        let providers = providers.into_iter().map(ProviderText::check);
        let overrides = file.overrides.into_iter().map(OverrideText::check);
        Ok(Self {
            name: file.table.unwrap_or_else(|| "custom".to_owned()),
            version: format!("{date}-{}", short_hash(bytes)),
            date,
            providers: providers.collect::<Result<_, _>>()?,
            overrides: overrides.collect::<Result<_, _>>()?,
            reported_cost_counts: lower_case(file.reported_cost_counts),
        })
    }
}

fn lower_case(names: Vec<String>) -> Vec<String> {
    let names = names.into_iter();
    names.map(|name| name.to_ascii_lowercase()).collect()
}

/// The first 12 hex digits of the SHA-256: enough to tell tables apart in a record.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
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
            modifiers: Modifiers::check(self.modifiers, &self.id)?,
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
        let (prices, unknown) = prices_of(&self.prices, model)?;
        Ok(Period {
            constraint,
            prices,
            unknown,
        })
    }
}

/// Members of a `prices` object as they stand in the file.
pub(crate) type PricesText<'a> = BTreeMap<String, &'a RawValue>;

/// Prices in the order of the units, and the names that are no unit of ours.
type Prices = (Vec<(Unit, Price)>, Vec<String>);

/// Reads the members of a `prices` object.
pub(crate) fn prices_of(text: &PricesText<'_>, model: &str) -> Result<Prices, PriceTableError> {
    let (mut prices, mut unknown) = (Vec::new(), Vec::new());
    for (name, raw) in text {
        let Some(unit) = Unit::named(name) else {
            unknown.push(name.clone());
            continue;
        };
        let price = price_or_tiers(raw.get()).ok_or_else(|| PriceTableError::Price {
            model: model.to_owned(),
            unit: unit.name(),
        })?;
        prices.push((unit, price));
    }
    prices.sort_by_key(|(unit, _)| *unit as usize);
    Ok((prices, unknown))
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

pub(crate) fn date_of(text: &str) -> Result<NaiveDate, PriceTableError> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| PriceTableError::Date)
}

/// Reads a time of day in UTC, `Z` or not.
fn time_of(text: &str) -> Result<NaiveTime, PriceTableError> {
    let text = text.trim_end_matches(['Z', 'z']);
    NaiveTime::parse_from_str(text, "%H:%M:%S").map_err(|_| PriceTableError::Date)
}
