//! Prices: a dated table, what a model's entry in it says, and the exact cost of a call.
//!
//! Promise: money is exact decimal from the table's digits to the record; an unknown model costs `None` with a
//! reason; a price that starts after the table's own date is a forecast and never applied.
//! Not here: reading token counts (`provider`), and what of them a call is charged for (`judge`).
//!
//! The embedded table is the v2 data of genai-prices of 2026-08-21; what it lacks (batch, priority, flex, fast, regions)
//! is derived from `LiteLLM`'s table of 2026-08-01. Both are MIT; their licences stand beside them in the source.
//!
//! # Which statement counts
//! Ours, from the table, wherever it is known; what the provider says of the cost stands beside it in the record. A table
//! may name providers whose statement counts instead. That suits those that bill what they state: `OpenRouter` (whose
//! upstream, and so the price, varies), Perplexity (whose fee per request depends on what was searched) and xAI. With a
//! key of one's own at `OpenRouter`, the statement is its fee and what the provider behind it charges.
//!
//! # Where something is not known
//! An unknown model, count or base price: no cost, and the reason. A known model with a term whose price is not known (a
//! tier, a speed, a region): the standard price, `"exact":false` and the reason, because a new word for an old price
//! should not empty the accounts, and whoever needs exact sums can leave these out.

mod contract;
mod cost;
mod entry;
mod file;
mod look_up;
mod modifier;
mod number;
mod rule;
mod spell;
mod table;
mod terms;
#[cfg(test)]
mod tests;
mod unit;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use rust_decimal::Decimal;
use thiserror::Error;

pub(crate) use cost::Charge;
pub use entry::{
    CostLine, PriceAdjustment, PriceEntry, PriceModifier, PriceOverride, PricePeriod, PriceQuote,
    PriceTier, PriceWhen, UnitPrice,
};
pub use look_up::PriceQuery;
pub(crate) use look_up::cost_lines;
pub(crate) use modifier::Conditions;
pub(crate) use unit::Extras;

use self::{
    cost::{Found, Sum},
    number::decimal_of,
    spell::{Run, Source},
    table::{Spot, Table, id_of_convention},
};
use crate::{money::Usd, outcome::Cost};
use llm_audit_journal::clock::Timestamp;

static EMBEDDED: &[u8] = include_bytes!("genai_prices.json");
const EMBEDDED_NAME: &str = "genai-prices";
/// Midnight of the embedded table's day.
const EMBEDDED_DATE: Timestamp = Timestamp::from_micros(1_787_270_400_000_000);
/// Pairs of provider and model that are remembered; hosts have a few, and a flood of names must not fill memory.
const CACHED_PAIRS_MAX: usize = 4096;

/// Where a look-up led: the table, and the place in it.
type Place = (usize, Spot);

/// A dated table of model prices, or several of which the first that knows a model counts.
///
/// A table file is UTF-8 JSON: either the list of providers that genai-prices publishes (v2), or an object
/// `{"table": name, "date": "YYYY-MM-DD", "providers": [...], "overrides": [...], "reported_cost_counts": [...]}` of
/// which each part may be left out. Beyond that schema we read:
/// - the provider id `*`, which serves any provider's models;
/// - a model's `round_digits`, to which its costs are rounded (half to even; without it they are exact);
/// - the price `thinking_extra_mtok`, charged for thinking tokens on top of the output that includes them;
/// - a model's `modifiers`: for a word of the call's service tier, speed or region (`batch`, `priority`, `flex`, `fast`,
///   `us`, ...) either a factor on the prices of tokens, or prices that take the place of the standard ones;
/// - `overrides`, what was negotiated: each has a `name`, a `match` on `provider`, `model`, `host` and `tenant` (a text
///   that is equal, or a rule as providers have them; what is left out fits all), `start_date` and `end_date` where it
///   does not hold for ever, and `prices` that take the place of standard ones or a `discount_percent` off every price
///   of the call. The first that fits counts, and only that one: put the special before the general.
/// - `reported_cost_counts`: names of providers whose own statement of the cost counts, where they make one.
///
/// # What a record says
/// Its `pricing` names the table, its version (date and beginning of its SHA-256), the entry, each unit price that was
/// charged, in `adjustments` whatever made it another than the standard one and by whose word, and in `source` whether
/// the `table` counts or the `provider`. `"exact":false` marks a cost that stands although something about it is not
/// known (a term without a known price, say); `reason` says what, or why there is no cost.
///
/// # Examples
/// Thinking as a separate price, the same as input, and costs rounded to six digits:
/// ```
/// use tracing_llm_audit::{PriceTable, Timestamp};
///
/// let own = br#"{"table": "own", "date": "2026-11-01", "providers": [{
///     "id": "*", "models": [{"id": "any", "match": {"contains": ""}, "round_digits": 6,
///     "prices": {"input_mtok": 5.0, "output_mtok": 25.0, "thinking_extra_mtok": 5.0}}]}]}"#;
/// let table = PriceTable::from_json(own, Timestamp::from_micros(0))?.over(PriceTable::embedded());
/// # Ok::<(), tracing_llm_audit::PriceTableError>(())
/// ```
/// A tenant's own price, 12.5 % off everything else at one provider, and a provider whose bill counts:
/// ```
/// use tracing_llm_audit::{PriceQuery, PriceTable, Timestamp, Usage};
///
/// let contracts = br#"{"table": "contracts", "date": "2026-11-01", "overrides": [
///     {"name": "acme-opus", "match": {"tenant": "acme", "model": {"starts_with": "claude-opus"}},
///      "prices": {"input_mtok": 4, "output_mtok": 20}},
///     {"name": "anthropic-2026", "match": {"provider": "anthropic"}, "start_date": "2026-01-01",
///      "discount_percent": 12.5}],
///     "reported_cost_counts": ["openrouter"]}"#;
/// let now = Timestamp::parse("2026-11-22T10:00:00.000000Z").unwrap();
/// let table = PriceTable::from_json(contracts, now)?.over(PriceTable::embedded());
///
/// let query = PriceQuery::new("claude-sonnet-4-6", now).provider("anthropic");
/// let mut usage = Usage::default();
/// (usage.input_tokens, usage.output_tokens) = (Some(1_000_000), Some(0));
/// let quote = table.quote(&query, &usage).unwrap();
/// assert_eq!(quote.usd.unwrap().to_string(), "2.625"); // 3 dollars less 12.5 %
/// # Ok::<(), tracing_llm_audit::PriceTableError>(())
/// ```
#[derive(Clone)]
pub struct PriceTable {
    layers: Vec<Arc<Table>>,
    cache: Arc<RwLock<Cache>>,
}

/// What the cache knows of a model: where it is, or that no table has it.
enum Cached {
    No,
    Known(Option<Place>),
}

/// For names of hosts, then of providers: the name, then the model, then where they led.
#[derive(Default)]
struct Cache {
    places: [BTreeMap<String, BTreeMap<String, Option<Place>>>; 2],
    count: usize,
}

/// One model run of a response, as it is charged.
pub(crate) struct Part<'a> {
    /// What it was, where a response has several runs.
    pub(crate) kind: &'a str,
    /// Its models, the one to price first.
    pub(crate) models: [Option<&'a str>; 2],
    pub(crate) charge: Charge<'a>,
}

/// Why a price table was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PriceTableError {
    /// The file is not UTF-8.
    #[error("the price table is not UTF-8")]
    NotUtf8,
    /// The file is not JSON of the expected shape.
    #[error("the price table cannot be read")]
    Json(#[from] serde_json::Error),
    /// A match rule's regular expression is none.
    #[error("a rule of provider `{provider}` cannot be read")]
    Rule {
        /// The provider's id in the table, or the override's name.
        provider: String,
        /// What is wrong with it.
        source: regex_lite::Error,
    },
    /// It is an object without providers, overrides, or anything else that a table says.
    #[error("the price table says nothing")]
    Empty,
    /// A modifier of a model is neither a factor nor known prices.
    #[error("a modifier of model `{model}` cannot be read")]
    Modifier {
        /// The model's id in the table.
        model: String,
    },
    /// An override has no known price and no discount from 0 to 100 percent.
    #[error("override `{name}` cannot be read")]
    Override {
        /// Its name in the table.
        name: String,
    },
    /// A date or a time of day is none.
    #[error("a date or time of day in the price table cannot be read")]
    Date,
    /// A price is no number, negative, or has more digits than can be summed exactly.
    #[error("price `{unit}` of model `{model}` cannot be read")]
    Price {
        /// The model's id in the table.
        model: String,
        /// The price's member name.
        unit: &'static str,
    },
}

impl PriceTable {
    /// Returns the embedded table; it is read once in a process, in a few milliseconds.
    #[expect(clippy::missing_panics_doc, reason = "a test reads the same bytes")]
    pub fn embedded() -> Self {
        static TABLE: OnceLock<Arc<Table>> = OnceLock::new();
        let table = TABLE.get_or_init(|| {
            let mut table = Table::parse(EMBEDDED, EMBEDDED_DATE)
                .expect("the embedded table is read by a test");
            EMBEDDED_NAME.clone_into(&mut table.name);
            Arc::new(table)
        });
        Self::of(vec![Arc::clone(table)])
    }

    /// Reads a table; one that names no date is taken to be of the day `as_of`.
    ///
    /// # Errors
    /// [`PriceTableError`] where anything in it cannot be read: a table is taken whole or not at all.
    pub fn from_json(bytes: &[u8], as_of: Timestamp) -> Result<Self, PriceTableError> {
        Ok(Self::of(vec![Arc::new(Table::parse(bytes, as_of)?)]))
    }

    /// Puts this table before another: a model that this one does not know is looked up there.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        Self::of(self.layers.into_iter().chain(base.layers).collect())
    }

    fn of(layers: Vec<Arc<Table>>) -> Self {
        Self {
            layers,
            cache: Arc::default(),
        }
    }

    /// Computes the cost of one response: of its only run, or the sum of several.
    ///
    /// `reported` is what the provider said of it, in dollars as it spelled the number.
    pub(crate) fn price(
        &self,
        served_by: ServedBy<'_>,
        parts: &[Part<'_>],
        reported: Option<&str>,
    ) -> Cost {
        let reported = self.counting(served_by, reported);
        if let [only] = parts {
            let found = self.find_first(served_by, only.models);
            let sum = Self::sum(found.as_ref(), only);
            let source = Source::of(reported, &sum);
            let table = found.map_or_else(|| self.first_table(), |found| found.table);
            return Cost {
                usd: usd(&sum, source, reported),
                pricing: Some(spell::pricing(table, found, &sum, source)),
                lines: sum.charged(),
            };
        }
        let runs = parts.iter().map(|part| {
            let found = self.find_first(served_by, part.models);
            Run {
                kind: part.kind,
                usage: part.charge.usage,
                sum: Self::sum(found.as_ref(), part),
                found,
            }
        });
        let runs: Vec<Run<'_>> = runs.collect();
        let whole = whole(&runs);
        let source = Source::of(reported, &whole);
        let found = runs.iter().find_map(|run| run.found);
        let table = found.map_or_else(|| self.first_table(), |found| found.table);
        Cost {
            usd: usd(&whole, source, reported),
            pricing: Some(spell::pricing_of_runs(table, &runs, &whole, source)),
            lines: runs.iter().flat_map(|run| run.sum.charged()).collect(),
        }
    }

    /// Computes the amount of [`PriceTable::price`] of one run without saying how it was found.
    pub(crate) fn amount(&self, served_by: ServedBy<'_>, part: &Part<'_>) -> Option<Usd> {
        let found = self.find_first(served_by, part.models)?;
        let sum = Sum::of(&found, &part.charge);
        sum.outcome.ok().map(Usd::new)
    }

    /// Lets the providers' own statement of the cost count, where they make one, in place of ours.
    ///
    /// Names are those of the conventions or of the table: `openrouter`, `perplexity`, `x_ai`.
    #[must_use]
    pub fn reported_cost_counts<N: AsRef<str>>(
        self,
        providers: impl IntoIterator<Item = N>,
    ) -> Self {
        let names = providers.into_iter();
        let own = Table {
            name: "reported".to_owned(),
            version: String::new(),
            date: chrono::NaiveDate::default(),
            providers: Vec::new(),
            overrides: Vec::new(),
            reported_cost_counts: names
                .map(|name| name.as_ref().to_ascii_lowercase())
                .collect(),
        };
        // Behind the others: it knows no model, and the first table names the records that have no price.
        Self::of(self.layers.into_iter().chain([Arc::new(own)]).collect())
    }

    /// Returns what the provider said, where that counts.
    fn counting(&self, served_by: ServedBy<'_>, reported: Option<&str>) -> Option<Decimal> {
        let reported = reported?;
        let provider = served_by.provider?.to_ascii_lowercase();
        let id = id_of_convention(&provider);
        let mut names = self
            .layers
            .iter()
            .flat_map(|table| &table.reported_cost_counts);
        let counts = names.any(|name| {
            *name == provider
                || Some(name.as_str()) == id
                || id_of_convention(name).is_some_and(|name| name == provider)
        });
        let amount = decimal_of(reported).filter(|_| counts)?;
        (!amount.is_sign_negative()).then_some(amount)
    }

    fn sum(found: Option<&Found<'_>>, part: &Part<'_>) -> Sum {
        match found {
            Some(found) => Sum::of(found, &part.charge),
            None if part.models.iter().any(Option::is_some) => Sum::unknown("unknown model"),
            None => Sum::unknown("no model named"),
        }
    }

    fn find_first<'t>(
        &'t self,
        served_by: ServedBy<'_>,
        models: [Option<&'t str>; 2],
    ) -> Option<Found<'t>> {
        let mut known = models.into_iter().flatten();
        known.find_map(|model| self.find(served_by, model))
    }

    /// Returns no cost, with a reason; or what the provider said, where that counts.
    pub(crate) fn unpriced(
        &self,
        reason: &str,
        served_by: ServedBy<'_>,
        reported: Option<&str>,
    ) -> Cost {
        let reported = self.counting(served_by, reported);
        let sum = Sum::unknown(reason);
        let source = Source::of(reported, &sum);
        Cost {
            usd: usd(&sum, source, reported),
            pricing: Some(spell::pricing(self.first_table(), None, &sum, source)),
            lines: Vec::new(),
        }
    }

    /// The table that a record names where no model was found.
    fn first_table(&self) -> &Table {
        let mut tables = self.layers.iter();
        // A table of contracts alone knows no prices that could be missing.
        let first = tables.find(|table| !table.providers.is_empty());
        first
            .or(self.layers.first())
            .expect("every constructor gives one")
    }

    fn find<'t>(&'t self, served_by: ServedBy<'_>, model: &'t str) -> Option<Found<'t>> {
        let place = match self.cached(served_by, model) {
            Cached::Known(place) => place,
            Cached::No => self.look_up_place(served_by, model),
        };
        place.map(|place| self.found(place, model))
    }

    fn found<'t>(&'t self, (layer, spot): Place, asked: &'t str) -> Found<'t> {
        let table = &*self.layers[layer];
        let provider = &table.providers[spot.provider];
        Found {
            layers: &self.layers,
            table,
            served: &table.providers[spot.served].id,
            provider,
            model: &provider.models[spot.model],
            asked,
        }
    }

    fn cached(&self, served_by: ServedBy<'_>, model: &str) -> Cached {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let (kind, name) = served_by.cache_key();
        let models = cache.places[kind].get(name);
        let place = models.and_then(|models| models.get(model));
        place.map_or(Cached::No, |place| Cached::Known(*place))
    }

    fn look_up_place(&self, served_by: ServedBy<'_>, model: &str) -> Option<Place> {
        let ServedBy { provider, host } = served_by;
        let mut layers = self.layers.iter().enumerate();
        let place =
            layers.find_map(|(layer, table)| Some((layer, table.find(provider, host, model)?)));
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.count >= CACHED_PAIRS_MAX {
            *cache = Cache::default();
        }
        cache.count += 1;
        let (kind, name) = served_by.cache_key();
        let models = cache.places[kind].entry(name.to_owned());
        models.or_default().insert(model.to_owned(), place);
        place
    }
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers = self.layers.iter();
        let names = layers.map(|table| format!("{} {}", table.name, table.version));
        out.debug_tuple("PriceTable")
            .field(&names.collect::<Vec<_>>())
            .finish()
    }
}

/// Who served the call: the provider's name, or else the host that was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServedBy<'a> {
    pub(crate) provider: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
}

impl ServedBy<'_> {
    /// Where the provider's name is known, the host does not matter.
    fn cache_key(&self) -> (usize, &str) {
        match self.provider {
            Some(provider) => (1, provider),
            None => (0, self.host.unwrap_or_default()),
        }
    }
}

impl Source {
    fn of(reported: Option<Decimal>, sum: &Sum) -> Self {
        match reported {
            Some(_) => Self::Provider(sum.outcome.as_ref().ok().copied()),
            None => Self::Table,
        }
    }
}

fn usd(sum: &Sum, source: Source, reported: Option<Decimal>) -> Option<Usd> {
    let ours = sum.outcome.as_ref().ok().copied();
    let counting = match source {
        Source::Table => ours,
        Source::Provider(_) => reported,
    };
    counting.map(Usd::new)
}

/// Adds the runs of a response up: one that is unknown leaves the sum unknown.
fn whole(runs: &[Run<'_>]) -> Sum {
    let mut whole = Sum::unknown("");
    let total = runs.iter().try_fold(Usd::default(), |total, run| {
        let amount = run.sum.outcome.as_ref().map_err(|_| UNKNOWN_RUN)?;
        let sum = total.exact_sum(Usd::new(*amount));
        sum.ok_or(cost::TOO_MANY_DIGITS)
    });
    whole.outcome = total.map(Usd::amount).map_err(str::to_owned);
    if runs.iter().any(|run| !run.sum.doubts.is_empty()) {
        whole.doubts.push("a run's cost is not exact".into());
    }
    whole
}

const UNKNOWN_RUN: &str = "the cost of one of the runs is unknown";
