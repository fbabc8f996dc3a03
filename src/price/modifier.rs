//! Modifiers: what a service tier, a speed or a region does to a model's prices.
//!
//! Promise: a modifier is applied only where the prices that it was made for are the prices of the call; a word whose
//! price is not known leaves the standard price, and the record says so.
//! Not here: negotiated prices (`contract`), the sum (`cost`).
//!
//! What is known of public prices is embedded: `modifiers.json`, which `tests/modifiers.py` derives from
//! `LiteLLM`'s table (MIT, its licence stands beside it in the source); a test holds it against the script. A factor multiplies the
//! prices of tokens, cached ones included, and no fee: providers say that these stack.

use std::{collections::BTreeMap, sync::OnceLock};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    PriceTableError,
    file::{PricesText, prices_of, short_hash},
    number::decimal_of,
    table::Price,
    unit::Unit,
};

static EMBEDDED: &str = include_str!("modifiers.json");

/// Words with which standard prices hold, as services spell them.
const STANDARD: [&str; 9] = [
    "standard",
    "default",
    "auto",
    "on_demand",
    "ON_DEMAND",
    "global",
    "not_available",
    "unspecified",
    "TRAFFIC_TYPE_UNSPECIFIED",
];
/// The largest factor that is believed: a slip of the point is a hundredfold.
const FACTOR_MAX: u32 = 100;

/// What a call's response, request or host say that bears on its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conditions<'a> {
    pub(crate) tier: Option<&'a str>,
    pub(crate) speed: Option<&'a str>,
    pub(crate) geo: Option<&'a str>,
    /// Part of a batch, whatever the tier says.
    pub(crate) is_batch: bool,
}

impl<'a> Conditions<'a> {
    /// Returns the region that a host is bound to: `OpenAI`'s are named in front.
    pub(crate) fn geo_of_host(host: &'a str) -> Option<&'a str> {
        let region = host.strip_suffix(".api.openai.com")?;
        (region.len() == 2).then_some(region)
    }

    /// Returns the words that are not standard, with what they are about.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&'static str, String)> {
        let tier = if self.is_batch {
            Some("batch")
        } else {
            self.tier
        };
        let said = [
            ("service tier", tier),
            ("speed", self.speed),
            ("region", self.geo),
        ];
        said.into_iter().filter_map(|(about, word)| {
            let word = word.filter(|word| !word.is_empty() && !STANDARD.contains(word))?;
            Some((about, spelled(word))).filter(|(_, word)| !STANDARD.contains(&word.as_str()))
        })
    }

    /// Says whether nothing but standard prices is asked for.
    pub(crate) fn is_standard(&self) -> bool {
        let is_standard = |word: Option<&str>| word.is_none_or(|word| STANDARD.contains(&word));
        !self.is_batch
            && [self.tier, self.speed, self.geo]
                .into_iter()
                .all(is_standard)
    }
}

/// A service's word in the table's spelling: Gemini's `ON_DEMAND_PRIORITY` is `priority`. Short and harmless enough for
/// a sentence of the record.
fn spelled(word: &str) -> String {
    let word = word.to_ascii_lowercase();
    let word = word.strip_prefix("on_demand_").unwrap_or(&word);
    let is_harmless = |letter: &char| letter.is_ascii_alphanumeric() || "_-.".contains(*letter);
    word.chars().filter(is_harmless).take(32).collect()
}

/// What a word does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Multiplies the prices of tokens.
    Factor(Decimal),
    /// Takes the place of the prices that it names.
    Prices(Vec<(Unit, Price)>),
}

/// Effects by word, and the prices they were made for.
#[derive(Debug, Default)]
pub(crate) struct Modifiers {
    /// Standard prices that must hold for an effect to count; empty where they come with the prices themselves.
    pub(crate) base: Vec<(Unit, Price)>,
    pub(crate) effects: Vec<(String, Effect)>,
}

impl Modifiers {
    pub(crate) fn effect_of(&self, word: &str) -> Option<&Effect> {
        let mut effects = self.effects.iter();
        let found = effects.find(|(known, _)| known == word);
        found.map(|(_, effect)| effect)
    }

    /// Says whether these were made for such prices.
    pub(crate) fn are_for(&self, prices: &[(Unit, Price)]) -> bool {
        self.base.iter().all(|(unit, base)| {
            let mut prices = prices.iter();
            prices.any(|(known, price)| known == unit && price.base == base.base)
        })
    }
}

/// A model's `modifiers`: word to factor or prices.
pub(crate) type ModifiersText<'a> = BTreeMap<String, &'a RawValue>;

impl Modifiers {
    pub(crate) fn check(text: ModifiersText<'_>, model: &str) -> Result<Self, PriceTableError> {
        let mut effects = Vec::new();
        for (word, raw) in text {
            let effect = effect(raw.get(), model)?;
            effects.push((word.to_ascii_lowercase(), effect));
        }
        let base = Vec::new();
        Ok(Self { base, effects })
    }
}

fn effect(text: &str, model: &str) -> Result<Effect, PriceTableError> {
    if text.starts_with('{') {
        let prices: PricesText<'_> = serde_json::from_str(text)?;
        let (prices, unknown) = prices_of(&prices, model)?;
        return if unknown.is_empty() {
            Ok(Effect::Prices(prices))
        } else {
            Err(bad_factor(model))
        };
    }
    let factor = decimal_of(text).ok_or_else(|| bad_factor(model))?;
    let is_credible = !factor.is_sign_negative() && factor <= Decimal::from(FACTOR_MAX);
    is_credible
        .then_some(Effect::Factor(factor.normalize()))
        .ok_or_else(|| bad_factor(model))
}

fn bad_factor(model: &str) -> PriceTableError {
    PriceTableError::Modifier {
        model: model.to_owned(),
    }
}

/// The embedded modifiers, by the provider that served the call and the table's model id.
#[derive(Debug)]
pub(crate) struct Known {
    /// The name and version that a record names as the source.
    pub(crate) source: String,
    /// The model id `*` serves all models of a provider.
    by_provider: BTreeMap<String, BTreeMap<String, Modifiers>>,
}

impl Known {
    /// Returns the embedded ones; they are read once in a process, when the first call asks for more than standard.
    pub(crate) fn embedded() -> &'static Self {
        static KNOWN: OnceLock<Known> = OnceLock::new();
        KNOWN.get_or_init(|| Self::parse(EMBEDDED).expect("the embedded table is read by a test"))
    }

    /// Returns what is known of a model, the model's own before what holds for all of its provider.
    pub(crate) fn of(&self, provider: &str, model: &str) -> impl Iterator<Item = &Modifiers> {
        let models = self.by_provider.get(provider);
        let of = move |id: &str| models.and_then(|models| models.get(id));
        [of(model), of("*")].into_iter().flatten()
    }

    pub(crate) fn parse(text: &str) -> Result<Self, PriceTableError> {
        let file: KnownText<'_> = serde_json::from_str(text)?;
        let mut by_provider: BTreeMap<String, BTreeMap<String, Modifiers>> = BTreeMap::new();
        for entry in file.models {
            let (base, _) = prices_of(&entry.base, &entry.model)?;
            let mut modifiers = Modifiers::check(entry.modifiers, &entry.model)?;
            modifiers.base = base;
            let models = by_provider.entry(entry.provider).or_default();
            models.insert(entry.model, modifiers);
        }
        let version = short_hash(text.as_bytes());
        Ok(Self {
            source: format!("{} {}-{version}", file.table, file.date),
            by_provider,
        })
    }
}

#[derive(Deserialize)]
struct KnownText<'a> {
    table: String,
    date: String,
    #[serde(borrow)]
    models: Vec<KnownModelText<'a>>,
}

#[derive(Deserialize)]
struct KnownModelText<'a> {
    provider: String,
    model: String,
    #[serde(borrow, default)]
    base: PricesText<'a>,
    #[serde(borrow)]
    modifiers: ModifiersText<'a>,
}
