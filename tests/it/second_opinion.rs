//! Where our price table and `LiteLLM`'s say different things: listed, counted, and held against the list of last time.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tracing_llm_audit::{PriceQuery, PriceTable, Timestamp, UnitPrice};

use crate::services::left_out;

/// The day on which both tables are asked.
const DAY: &str = "2026-08-21T12:00:00.000000Z";

#[derive(Deserialize)]
struct Second<'a> {
    #[serde(borrow)]
    models: Vec<SecondModel<'a>>,
}

#[derive(Deserialize)]
struct SecondModel<'a> {
    key: String,
    provider: String,
    model: String,
    #[serde(borrow)]
    prices: BTreeMap<String, &'a RawValue>,
}

/// A price with tiers, numbers as they are spelled.
#[derive(Deserialize)]
struct Tiered<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    #[serde(borrow)]
    tiers: Vec<Tier<'a>>,
}

#[derive(Deserialize)]
struct Tier<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

/// How many models of a provider both tables know, and how many they agree on.
#[derive(Default)]
struct Count {
    listed: u64,
    known: u64,
    agree: u64,
}

/// A price and its tiers as one text, in the numbers' own digits.
fn ours(price: &UnitPrice) -> String {
    let tiers = price.tiers.iter();
    let tiers = tiers.map(|tier| format!(" >{} {}", tier.above_input_tokens, tier.usd));
    format!("{}{}", price.usd, tiers.collect::<String>())
}

fn theirs(raw: &RawValue) -> String {
    let value: Value = serde_json::from_str(raw.get()).unwrap();
    if !value.is_object() {
        return raw.get().to_owned();
    }
    let tiered: Tiered<'_> = serde_json::from_str(raw.get()).unwrap();
    let tiers = tiered.tiers.iter();
    let tiers = tiers.map(|tier| format!(" >{} {}", tier.start, tier.price.get()));
    format!("{}{}", tiered.base.get(), tiers.collect::<String>())
}

/// Compares what both tables say of a unit; a unit that only one of them prices is no disagreement.
fn differences(prices: &[UnitPrice], second: &BTreeMap<String, &RawValue>) -> Vec<String> {
    let both = prices
        .iter()
        .filter_map(|price| Some((price, second.get(price.unit)?)));
    let told = both.map(|(price, raw)| (price.unit, ours(price), theirs(raw)));
    let different = told.filter(|(_, ours, theirs)| ours != theirs);
    different
        .map(|(unit, ours, theirs)| format!("{unit} {ours} | {theirs}"))
        .collect()
}

fn report(second: &Second<'_>) -> String {
    let (table, at) = (PriceTable::embedded(), Timestamp::parse(DAY).unwrap());
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut lines = Vec::new();
    for model in &second.models {
        let count = counts.entry(&model.provider).or_default();
        count.listed += 1;
        let query = PriceQuery::new(&model.model, at).provider(&model.provider);
        let Some(entry) = table.look_up(&query) else {
            continue;
        };
        count.known += 1;
        let holding = entry.periods.iter().find(|period| period.applies);
        let prices = holding
            .map(|period| period.prices.as_slice())
            .unwrap_or_default();
        let differences = differences(prices, &model.prices);
        count.agree += u64::from(differences.is_empty());
        for difference in differences {
            lines.push(format!(
                "{} -> {}/{}: {difference}",
                model.key, entry.provider, entry.model
            ));
        }
    }
    lines.sort_unstable();
    let mut text = String::from(
        "# provider: models that LiteLLM lists, of which we know, of which all prices agree\n",
    );
    for (
        provider,
        Count {
            listed,
            known,
            agree,
        },
    ) in counts
    {
        writeln!(text, "{provider}: {listed} {known} {agree}").unwrap();
    }
    text.push_str(
        "\n# LiteLLM's key -> our entry: unit, our price | LiteLLM's, dollars per million\n",
    );
    text.push_str(&lines.join("\n"));
    text.push('\n');
    text
}

#[test]
fn disagreements_with_the_second_table_are_those_of_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/prices");
    let Ok(second) = fs::read(folder.join("litellm.json")) else {
        left_out("the second table is not in the package");
        return;
    };
    let found = report(&serde_json::from_slice(&second).unwrap());
    println!("{found}");
    let list = folder.join("disagreements.txt");
    if std::env::var_os("LLM_AUDIT_BLESS").is_some() {
        fs::write(&list, &found).unwrap();
    }
    let expected = fs::read_to_string(&list).unwrap();
    assert!(
        found == expected,
        "the tables disagree in other ways than {} says",
        list.display()
    );
}
