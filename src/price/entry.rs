//! What a look-up says, as plain values.
//!
//! Promise: every amount is exact, and everything here can be printed.
//! Not here: how it is found (`look_up`).

use rust_decimal::Decimal;

use super::terms::Adjustment;
use crate::money::Usd;

/// What a table says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceEntry {
    /// The table's name.
    pub table: String,
    /// The table's date and the beginning of its SHA-256.
    pub version: String,
    /// The provider whose entry it is.
    pub provider: String,
    /// The provider that serves the call, where its prices are another's.
    pub served_by: Option<String>,
    /// The entry's id.
    pub model: String,
    /// How the provider was found: `name`, `name rule`, `host`, `model rule` or `any provider`; `None` in a list.
    pub provider_found_by: Option<&'static str>,
    /// The rule that a model's name must fit.
    pub model_rule: String,
    /// Prices over time; of those that hold at a time, the last counts.
    pub periods: Vec<PricePeriod>,
    /// What terms of a call are known to change.
    pub modifiers: Vec<PriceModifier>,
    /// What was negotiated and may concern it, in the order in which it is asked.
    pub overrides: Vec<PriceOverride>,
    /// Digits after the point to which costs are rounded.
    pub round_digits: Option<u32>,
}

/// Prices and when they hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PricePeriod {
    /// When they hold.
    pub when: PriceWhen,
    /// Whether these are the prices of the time that was asked about.
    pub applies: bool,
    /// Whether they start after the table's own date: a forecast, which is never applied.
    pub is_forecast: bool,
    /// The prices.
    pub prices: Vec<UnitPrice>,
    /// Names of prices that this version does not know.
    pub unknown: Vec<String>,
}

/// When prices hold, UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceWhen {
    /// Where nothing else holds.
    Always,
    /// From a day on, `YYYY-MM-DD`.
    From(String),
    /// Daily from the first time of day up to the second, which may lie behind midnight: `HH:MM:SS`.
    Daily(String, String),
}

/// The price of one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitPrice {
    /// The unit's name, such as `input_mtok`.
    pub unit: &'static str,
    /// How many of it the price is for.
    pub per: u64,
    /// The price.
    pub usd: Usd,
    /// Other prices for all of it where a call's input is larger.
    pub tiers: Vec<PriceTier>,
}

/// A price for calls with more input than so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceTier {
    /// Input tokens, cached ones included, that must be exceeded.
    pub above_input_tokens: u64,
    /// The price.
    pub usd: Usd,
}

/// What a word of a call's terms does to the prices.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceModifier {
    /// The word: `batch`, `priority`, `flex`, `fast`, `us`, ...
    pub word: String,
    /// Multiplies the prices of tokens.
    pub factor: Option<Decimal>,
    /// Take the place of standard prices.
    pub prices: Vec<UnitPrice>,
    /// Where it comes from, with the version.
    pub source: String,
    /// Whether it was made for the prices that hold; where not, it is not applied.
    pub fits: bool,
}

/// What was negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceOverride {
    /// Its name.
    pub name: String,
    /// The table it comes from, with the version.
    pub source: String,
    /// What must fit: rules for provider, model, host and tenant, and dates.
    pub conditions: Vec<String>,
    /// Take the place of standard prices.
    pub prices: Vec<UnitPrice>,
    /// Off every price of the call.
    pub discount_percent: Option<Decimal>,
}

/// What a call would cost, and how that comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceQuote {
    /// The cost; `None` where it cannot be known.
    pub usd: Option<Usd>,
    /// False where it stands although something about it is not known.
    pub is_exact: bool,
    /// What was charged; rounding aside, the amounts add up to the cost.
    pub lines: Vec<CostLine>,
    /// What made prices others than the standard ones.
    pub adjustments: Vec<PriceAdjustment>,
    /// Why there is no cost, why it is not exact, and what else there is to say.
    pub reasons: Vec<String>,
    /// The `pricing` member of a record with this cost, as JSON.
    pub pricing: String,
}

/// One line of a bill: so many units, of which `per` cost `unit_price`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostLine {
    /// The unit that was charged, such as `input_mtok`.
    pub unit: &'static str,
    /// How much of it.
    pub quantity: u64,
    /// The price that held, adjustments included.
    pub unit_price: Usd,
    /// How many the price is for.
    pub per: u64,
    /// What the line comes to.
    pub cost: Usd,
}

/// Something that made a price another than the standard one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PriceAdjustment {
    /// A word of the terms, an override's name, or the unit that was derived.
    pub what: String,
    /// Multiplied prices.
    pub factor: Option<Decimal>,
    /// Taken off prices.
    pub discount_percent: Option<Decimal>,
    /// Where it comes from.
    pub source: String,
}

impl From<Adjustment> for PriceAdjustment {
    fn from(adjustment: Adjustment) -> Self {
        Self {
            what: adjustment.what,
            factor: adjustment.factor,
            discount_percent: adjustment.discount_percent,
            source: adjustment.source,
        }
    }
}
