//! Prices: a dated table, what a model's entry in it says, and the exact cost of a call.
//!
//! Promise: money is exact decimal from the table's digits to the record; an unknown model costs `None` with a
//! reason; a price that starts after the table's own date is a forecast and never applied.
//! Not here: reading token counts (`provider`), what a service tier or a contract changes about a price.
//!
//! The embedded table is the v2 data of genai-prices of 2026-08-21 (MIT, its licence stands beside it in the source).

mod cost;
mod number;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod unit;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use thiserror::Error;

pub(crate) use cost::Charge;

use self::{cost::Found, table::Table};
use crate::{clock::Timestamp, money::Usd, outcome::Cost};

static EMBEDDED: &[u8] = include_bytes!("genai_prices.json");
const EMBEDDED_NAME: &str = "genai-prices";
/// Midnight of the embedded table's day.
const EMBEDDED_DATE: Timestamp = Timestamp::from_micros(1_787_270_400_000_000);
/// Pairs of provider and model that are remembered; hosts have a few, and a flood of names must not fill memory.
const CACHED_PAIRS_MAX: usize = 4096;

/// Where a lookup led: table, provider, model.
type Place = (usize, usize, usize);

/// A dated table of model prices, or several of which the first that knows a model counts.
///
/// A table file is UTF-8 JSON: either the list of providers that genai-prices publishes (v2), or an object
/// `{"table": name, "date": "YYYY-MM-DD", "providers": [...]}` around such a list. Beyond that schema we read:
/// the provider id `*`, which serves any provider's models; a model's `round_digits`, to which its costs are rounded
/// (half to even; without it they are exact); and the price `thinking_extra_mtok`, charged for thinking tokens on top
/// of the output that includes them.
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
        /// The provider's id in the table.
        provider: String,
        /// What is wrong with it.
        source: regex_lite::Error,
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

    /// Computes a call's cost on its response model, or on its request model where that one has no price.
    pub(crate) fn price(
        &self,
        served_by: ServedBy<'_>,
        models: [Option<&str>; 2],
        charge: &Charge<'_>,
    ) -> Cost {
        if let Some(found) = self.find_first(served_by, models) {
            return cost::cost(found, charge);
        }
        let is_named = models.iter().any(Option::is_some);
        self.unpriced(if is_named {
            "unknown model"
        } else {
            "no model named"
        })
    }

    /// Computes the amount of [`PriceTable::price`] without saying how it was found.
    pub(crate) fn amount(
        &self,
        served_by: ServedBy<'_>,
        models: [Option<&str>; 2],
        charge: &Charge<'_>,
    ) -> Option<Usd> {
        cost::amount(self.find_first(served_by, models)?, charge)
    }

    fn find_first(&self, served_by: ServedBy<'_>, models: [Option<&str>; 2]) -> Option<Found<'_>> {
        let mut known = models.into_iter().flatten();
        known.find_map(|model| self.find(served_by, model))
    }

    /// Returns no cost, with a reason.
    pub(crate) fn unpriced(&self, reason: &str) -> Cost {
        match self.layers.first() {
            Some(table) => cost::unpriced(table, reason),
            None => Cost::default(),
        }
    }

    fn find(&self, served_by: ServedBy<'_>, model: &str) -> Option<Found<'_>> {
        let place = match self.cached(served_by, model) {
            Cached::Known(place) => place,
            Cached::No => self.look_up(served_by, model),
        };
        place.map(|(layer, provider, model)| {
            let table = &self.layers[layer];
            let provider = &table.providers[provider];
            let model = &provider.models[model];
            Found {
                table,
                provider,
                model,
            }
        })
    }

    fn cached(&self, served_by: ServedBy<'_>, model: &str) -> Cached {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let (kind, name) = served_by.cache_key();
        let models = cache.places[kind].get(name);
        let place = models.and_then(|models| models.get(model));
        place.map_or(Cached::No, |place| Cached::Known(*place))
    }

    fn look_up(&self, served_by: ServedBy<'_>, model: &str) -> Option<Place> {
        let ServedBy { provider, host } = served_by;
        let mut layers = self.layers.iter().enumerate();
        let place = layers.find_map(|(layer, table)| {
            let (provider, model) = table.find(provider, host, model)?;
            Some((layer, provider, model))
        });
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
