//! Overrides: what a host negotiated, by provider, model, host or tenant.
//!
//! Promise: the first override that fits counts, and only that one; a discount is exact; an override that fits nothing
//! it names, or names nothing that is known here, is refused when the table is loaded.
//! Not here: public prices (`table`), what a service tier does (`modifier`).

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    PriceTableError,
    file::{PricesText, date_of, prices_of},
    number::decimal_of,
    rule::{Rule, RuleText},
    table::Price,
    unit::Unit,
};

/// What an override is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deal<'a> {
    /// The provider that served the call: the table's id, and as the call names it.
    pub(crate) providers: [&'a str; 2],
    /// The model: the table's id, and as the call names it.
    pub(crate) models: [&'a str; 2],
    pub(crate) host: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) date: NaiveDate,
}

/// A negotiated price or discount.
#[derive(Debug)]
pub(crate) struct Override {
    pub(crate) name: String,
    provider: Option<Rule>,
    model: Option<Rule>,
    host: Option<Rule>,
    tenant: Option<Rule>,
    from: Option<NaiveDate>,
    /// The last day on which it holds.
    until: Option<NaiveDate>,
    /// Take the place of the standard prices of the same units.
    pub(crate) prices: Vec<(Unit, Price)>,
    /// Off every price of the call, after all else.
    pub(crate) discount_percent: Option<Decimal>,
}

impl Override {
    pub(crate) fn fits(&self, deal: &Deal<'_>) -> bool {
        self.from.is_none_or(|from| deal.date >= from)
            && self.until.is_none_or(|until| deal.date <= until)
            && self.concerns(&deal.providers, &deal.models)
            && any_fits(self.host.as_ref(), deal.host.as_slice())
            && any_fits(self.tenant.as_ref(), deal.tenant.as_slice())
    }

    /// Says whether it may hold for a model, whoever asks for it and when.
    pub(crate) fn concerns(&self, providers: &[&str], models: &[&str]) -> bool {
        any_fits(self.provider.as_ref(), providers) && any_fits(self.model.as_ref(), models)
    }

    /// Returns what remains of a price after the discount, as a factor.
    pub(crate) fn factor(&self) -> Option<Decimal> {
        let percent = self.discount_percent?;
        let kept = Decimal::ONE_HUNDRED - percent;
        Some((kept * Decimal::new(1, 2)).normalize())
    }

    /// Says for whom it holds, on one line.
    pub(crate) fn conditions(&self) -> Vec<String> {
        let rules = [
            ("provider", &self.provider),
            ("model", &self.model),
            ("host", &self.host),
            ("tenant", &self.tenant),
        ];
        let rules = rules.into_iter();
        let mut said: Vec<String> = rules
            .filter_map(|(about, rule)| Some(format!("{about} {}", rule.as_ref()?)))
            .collect();
        said.extend(self.from.map(|from| format!("from {from}")));
        said.extend(self.until.map(|until| format!("until {until}")));
        said
    }
}

/// Says whether a rule fits any of the names; where there is no rule, all fit.
fn any_fits(rule: Option<&Rule>, names: &[&str]) -> bool {
    let fits = |rule: &Rule| {
        let mut names = names.iter();
        names.any(|name| rule.fits(&name.to_ascii_lowercase()))
    };
    rule.is_none_or(fits)
}

/// An element of a table file's `overrides`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideText<'a> {
    name: String,
    #[serde(default)]
    r#match: MatchText,
    start_date: Option<String>,
    end_date: Option<String>,
    #[serde(borrow, default)]
    prices: PricesText<'a>,
    #[serde(borrow)]
    discount_percent: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchText {
    provider: Option<NameText>,
    model: Option<NameText>,
    host: Option<NameText>,
    tenant: Option<NameText>,
}

/// A rule, or a text that must be equal.
#[derive(Deserialize)]
#[serde(untagged)]
enum NameText {
    Equals(String),
    Rule(RuleText),
}

impl OverrideText<'_> {
    pub(crate) fn check(self) -> Result<Override, PriceTableError> {
        let refused = || PriceTableError::Override {
            name: self.name.clone(),
        };
        let (prices, unknown) = prices_of(&self.prices, &self.name)?;
        let percent = self.discount_percent.map(|raw| {
            let percent = decimal_of(raw.get()).filter(is_percent);
            percent.ok_or_else(refused)
        });
        if !unknown.is_empty() || prices.is_empty() && percent.is_none() {
            return Err(refused());
        }
        let rule = |text: Option<NameText>| {
            let rule = text.map(NameText::check).transpose();
            rule.map_err(|source| PriceTableError::Rule {
                provider: self.name.clone(),
                source,
            })
        };
        let date = |text: &Option<String>| text.as_deref().map(date_of).transpose();
        Ok(Override {
            provider: rule(self.r#match.provider)?,
            model: rule(self.r#match.model)?,
            host: rule(self.r#match.host)?,
            tenant: rule(self.r#match.tenant)?,
            from: date(&self.start_date)?,
            until: date(&self.end_date)?,
            prices,
            discount_percent: percent.transpose()?,
            name: self.name,
        })
    }
}

impl NameText {
    fn check(self) -> Result<Rule, regex_lite::Error> {
        match self {
            Self::Equals(name) => Ok(Rule::Equals(name.to_ascii_lowercase())),
            Self::Rule(rule) => Rule::try_from(rule),
        }
    }
}

/// From nothing off to all of it, in steps that keep sums exact.
fn is_percent(percent: &Decimal) -> bool {
    !percent.is_sign_negative() && *percent <= Decimal::ONE_HUNDRED && percent.scale() <= 6
}
