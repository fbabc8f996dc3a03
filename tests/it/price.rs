//! The cost of every recorded call, against a computation apart from the library (`tests/independent_cost.py`).

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use tracing_llm_audit::{PriceQuery, PriceTable, Timestamp, Usage};

use crate::{
    recordings::{DATE, all, audited, folder},
    services::left_out,
};

/// The day of the embedded table.
const TABLE_DATE: &str = "2026-08-21";

/// Runs the independent computation on recordings or on made-up calls.
fn independent(calls: &Path) -> Option<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = Command::new("python3")
        .arg(root.join("tests/independent_cost.py"))
        .arg(root.join("src/price/genai_prices.json"))
        .arg(root.join("src/price/modifiers.json"))
        .arg(calls)
        .args([DATE, TABLE_DATE])
        .output();
    let Ok(said) = said else {
        left_out("needs python3");
        return None;
    };
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    Some(serde_json::from_slice(&said.stdout).unwrap())
}

/// A member's value as the line spells it: no float comes between.
fn spelled(line: &str, key: &str) -> String {
    let start = line.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
    let rest = &line[start..];
    rest[..rest.find([',', '}']).unwrap()].to_owned()
}

#[test]
fn costs_equal_an_independent_computation_to_the_last_digit() {
    let Some(expected) = independent(&folder().join("index.json")) else {
        return;
    };
    let recordings = all();
    let mut priced = 0;
    for (recording, record) in recordings.iter().zip(audited(&recordings)) {
        let expected = expected[&recording.id].as_str();
        assert_eq!(
            spelled(&record.line(), "cost_usd"),
            expected.unwrap_or("null"),
            "{}",
            recording.id
        );
        let pricing = record.get("pricing");
        assert_eq!(pricing["table"], "genai-prices", "{}", recording.id);
        assert!(
            pricing["version"].as_str().unwrap().starts_with(TABLE_DATE),
            "{}",
            recording.id
        );
        let runs = pricing["iterations"].as_array();
        let parts = runs.map_or_else(|| vec![&pricing], |runs| runs.iter().collect());
        for part in parts {
            let is_empty = part["prices"].as_object().unwrap().is_empty();
            // A call that a guardrail stopped used nothing that has a price.
            let is_free = expected.is_none_or(|cost| cost == "0");
            assert_eq!(is_empty, is_free, "{}", recording.id);
        }
        assert!(
            expected.is_some() || pricing["reason"].is_string(),
            "{}",
            recording.id
        );
        priced += usize::from(expected.is_some());
    }
    assert!(priced >= 70, "{priced}");
}

/// Pseudo-random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn one_of<'a, T: ?Sized>(&mut self, things: &[&'a T]) -> &'a T {
        things[self.below(things.len() as u64) as usize]
    }
}

/// A made-up call: any model of the table, any counts, terms, a discount.
fn case(dice: &mut Dice, models: &[(String, String)]) -> Value {
    // Half of them of the providers that have terms.
    let (provider, model) = loop {
        let place = &models[dice.below(models.len() as u64) as usize];
        let has_terms = ["anthropic", "openai", "google"].contains(&place.0.as_str());
        if has_terms || dice.below(20) == 0 {
            break place;
        }
    };
    let scale = [100, 10_000, 300_000][dice.below(3) as usize];
    let (read, write) = (dice.below(scale), dice.below(scale));
    let words = [
        dice.one_of(&["", "", "batch", "priority", "flex", "unheard"]),
        dice.one_of(&["", "", "fast"]),
        dice.one_of(&["", "", "us", "eu"]),
    ];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    json!({
        "provider": provider, "model": model,
        "input_tokens_total": read + write + dice.below(scale), "output_tokens_total": dice.below(scale),
        "cache_read_tokens": read, "cache_write_tokens": write,
        "cache_write_1h_tokens": dice.below(write + 1), "reasoning_tokens": dice.below(scale),
        "server_tool_use": {"web_search_requests": dice.below(3)},
        "words": words, "discount_percent": dice.one_of(&["", "", "10", "12.5", "33.33"]),
    })
}

fn quoted(case: &Value) -> Option<String> {
    let count = |key: &str| case[key].as_u64();
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) =
        (count("input_tokens_total"), count("output_tokens_total"));
    usage.thinking_tokens = count("reasoning_tokens");
    usage.cache_read_tokens = count("cache_read_tokens");
    usage.cache_write_tokens = count("cache_write_tokens");
    usage.cache_write_1h_tokens = count("cache_write_1h_tokens");
    usage.web_searches = case["server_tool_use"]["web_search_requests"].as_u64();
    let at = Timestamp::parse(&format!("{DATE}T12:00:00.000000Z")).unwrap();
    let mut query = PriceQuery::new(case["model"].as_str().unwrap(), at);
    query = query.provider(case["provider"].as_str().unwrap());
    for word in case["words"].as_array().unwrap() {
        query = match word.as_str().unwrap() {
            "fast" => query.speed("fast"),
            region @ ("us" | "eu") => query.geo(region),
            tier => query.service_tier(tier),
        };
    }
    let mut table = PriceTable::embedded();
    let percent = case["discount_percent"].as_str().unwrap();
    if !percent.is_empty() {
        let own = format!(r#"{{"overrides":[{{"name":"all","discount_percent":{percent}}}]}}"#);
        table = PriceTable::from_json(own.as_bytes(), at)
            .unwrap()
            .over(table);
    }
    let quote = table.quote(&query, &usage).unwrap();
    quote.usd.map(|usd| usd.to_string())
}

/// How many calls are made up: in the full campaign, twenty times as many.
#[expect(
    clippy::disallowed_methods,
    reason = "the campaign is asked for in the environment"
)]
fn made_up() -> usize {
    let is_full = std::env::var("LLM_AUDIT_CAMPAIGN").is_ok_and(|campaign| campaign == "full");
    if is_full { 40_000 } else { 2_000 }
}

/// Tiers of context, terms, derived prices and discounts, in all combinations, against the other computation.
#[test]
fn made_up_calls_cost_what_an_independent_computation_says() {
    let at = Timestamp::parse(&format!("{DATE}T12:00:00.000000Z")).unwrap();
    let table = PriceTable::embedded();
    let entries = table.entries(at);
    let entries = entries.map(|entry| (entry.provider, entry.model));
    // An id need not fit its own rule, or may fit an earlier one; and times of day are the library's own tests.
    let is_found = |(provider, model): &(String, String)| {
        let found = table.look_up(&PriceQuery::new(model, at).provider(provider));
        provider != "deepseek"
            && found.is_some_and(|found| found.provider == *provider && found.model == *model)
    };
    let models: Vec<(String, String)> = entries.filter(is_found).collect();
    assert!(models.len() > 1000, "{}", models.len());
    let count = made_up();
    let mut dice = Dice(20_261_122);
    let cases: Vec<Value> = (0..count).map(|_| case(&mut dice, &models)).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.json");
    fs::write(&file, serde_json::to_vec(&cases).unwrap()).unwrap();
    let Some(expected) = independent(&file) else {
        return;
    };
    let mut priced = 0;
    for (case, expected) in cases.iter().zip(expected.as_array().unwrap()) {
        assert_eq!(quoted(case).as_deref(), expected.as_str(), "{case}");
        priced += usize::from(expected.is_string());
    }
    println!("{priced} of {count} made-up calls priced, all equal");
    assert!(priced * 10 > count * 9);
}

/// `modifiers.json` is what the script derives, and nothing else.
#[test]
fn the_embedded_modifiers_are_derived() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reduced = root.join("tests/testdata/prices/litellm.json");
    if !reduced.exists() {
        left_out("the second table is not in the package");
        return;
    }
    let derived = Command::new("python3")
        .arg(root.join("tests/litellm.py"))
        .arg("modifiers")
        .arg(reduced)
        .arg(root.join("src/price/genai_prices.json"))
        .output();
    let Ok(derived) = derived else {
        left_out("needs python3");
        return;
    };
    assert!(
        derived.status.success(),
        "{}",
        String::from_utf8_lossy(&derived.stderr)
    );
    let embedded = fs::read(root.join("src/price/modifiers.json")).unwrap();
    assert!(
        embedded == derived.stdout,
        "tests/litellm.py modifiers gives another file"
    );
}
