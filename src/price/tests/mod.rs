//! The embedded table, dates, tiers, what has no price, and custom prices.

mod contracts;
mod look_up;
mod property;
mod terms;
mod units;

use std::time::Instant;

use super::*;
use crate::operation::Usage;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("valid time")
}

fn charge(input: u64, output: u64) -> Charge<'static> {
    Charge {
        usage: Usage {
            input_tokens: Some(input),
            output_tokens: Some(output),
            ..Usage::default()
        },
        extras: Extras {
            responses: 1,
            ..Extras::default()
        },
        at: at("2026-11-22T10:00:00.000000Z"),
        has_output: true,
        ..Charge::default()
    }
}

fn served(provider: &'static str) -> ServedBy<'static> {
    ServedBy {
        provider: Some(provider),
        host: None,
    }
}

fn price(
    table: &PriceTable,
    provider: &'static str,
    model: &str,
    charge: &Charge<'_>,
) -> (String, String) {
    let part = Part {
        kind: "message",
        models: [Some(model), None],
        charge: charge.clone(),
    };
    let cost = table.price(served(provider), &[part], None);
    (
        cost.usd
            .map_or_else(|| "null".to_owned(), |usd| usd.to_string()),
        cost.pricing.expect("always said"),
    )
}

fn own(prices: &str) -> PriceTable {
    let text = format!(
        r#"{{"table":"own","date":"2026-11-01","providers":[{{"id":"acme","models":[
        {{"id":"m","match":{{"equals":"m"}},"prices":{prices}}}]}}]}}"#
    );
    PriceTable::from_json(text.as_bytes(), Timestamp::default()).expect("valid table")
}

#[test]
fn embedded_table_is_read_whole() {
    let table = PriceTable::embedded();
    let models: usize = table.layers[0]
        .providers
        .iter()
        .map(|known| known.models.len())
        .sum();
    assert_eq!((table.layers[0].providers.len(), models), (36, 1466));
    assert!(
        table.layers[0].version.starts_with("2026-08-21-"),
        "{table:?}"
    );
}

#[test]
fn cached_and_written_tokens_have_their_own_prices() {
    let mut charge = charge(10_000, 100);
    charge.usage.cache_read_tokens = Some(4_000);
    charge.usage.cache_write_tokens = Some(3_000);
    charge.usage.cache_write_1h_tokens = Some(1_000);
    charge.usage.web_searches = Some(2);
    let (usd, pricing) = price(
        &PriceTable::embedded(),
        "anthropic",
        "claude-sonnet-4-6",
        &charge,
    );
    // 3000 x 3 + 4000 x 0.3 + 2000 x 3.75 + 1000 x 6 + 100 x 15 per million, and two searches at 10 per thousand.
    assert_eq!(usd, "0.0452");
    assert!(
        pricing.ends_with(concat!(
            r#""provider":"anthropic","model":"claude-sonnet-4-6","prices":{"input_mtok":3,"cache_read_mtok":0.3,"#,
            r#""cache_write_mtok":3.75,"cache_write_1h_mtok":6,"output_mtok":15,"web_searches_kcount":10},"source":"table"}"#
        )),
        "{pricing}"
    );
}

#[test]
fn a_price_from_after_the_tables_date_is_a_forecast() {
    let (usd, pricing) = price(
        &PriceTable::embedded(),
        "anthropic",
        "claude-sonnet-5",
        &charge(1_000_000, 0),
    );
    assert_eq!(usd, "2");
    assert!(
        pricing.contains("starts 2026-09-01 is later than the table of 2026-08-21"),
        "{pricing}"
    );
    let mut before = charge(1_000_000, 0);
    before.at = at("2026-08-31T23:59:59.999999Z");
    let (usd, pricing) = price(
        &PriceTable::embedded(),
        "anthropic",
        "claude-sonnet-5",
        &before,
    );
    assert_eq!(usd, "2");
    assert!(!pricing.contains("reason"), "{pricing}");
}

#[test]
fn a_dated_price_holds_from_its_day() {
    for (time, expected) in [
        ("2025-06-09T23:59:59.999999Z", "10"),
        ("2025-06-10T00:00:00.000000Z", "2"),
    ] {
        let mut charge = charge(1_000_000, 0);
        charge.at = at(time);
        assert_eq!(
            price(&PriceTable::embedded(), "openai", "o3", &charge).0,
            expected,
            "{time}"
        );
    }
}

#[test]
fn a_time_of_day_has_its_price() {
    for (time, expected) in [
        ("2026-08-01T00:29:59.999999Z", "0.135"),
        ("2026-08-01T00:30:00.000000Z", "0.27"),
        ("2026-08-01T16:29:59.999999Z", "0.27"),
        ("2026-08-01T16:30:00.000000Z", "0.135"),
    ] {
        let mut charge = charge(1_000_000, 0);
        charge.at = at(time);
        let (usd, _) = price(
            &PriceTable::embedded(),
            "deepseek",
            "deepseek-chat",
            &charge,
        );
        assert_eq!(usd, expected, "{time}");
    }
    let night = own(r#"[{"prices":{"input_mtok":2,"output_mtok":2}},
        {"constraint":{"start_time":"22:00:00Z","end_time":"06:00:00Z"},"prices":{"input_mtok":1,"output_mtok":1}}]"#);
    for (time, expected) in [
        ("2026-08-01T23:00:00.000000Z", "1"),
        ("2026-08-01T05:00:00.000000Z", "1"),
        ("2026-08-01T12:00:00.000000Z", "2"),
    ] {
        let mut charge = charge(1_000_000, 0);
        charge.at = at(time);
        assert_eq!(price(&night, "acme", "m", &charge).0, expected, "{time}");
    }
}

#[test]
fn crossing_a_tier_reprices_all_tokens() {
    for (input, expected) in [(200_000, "0.615"), (200_001, "1.222506")] {
        let (usd, _) = price(
            &PriceTable::embedded(),
            "anthropic",
            "claude-sonnet-4-5",
            &charge(input, 1_000),
        );
        assert_eq!(usd, expected, "{input}");
    }
}

#[test]
fn no_cost_without_knowledge() {
    let table = PriceTable::embedded();
    let unknown_usage = Charge {
        usage: Usage::default(),
        ..charge(0, 0)
    };
    let mut cut = charge(10, 0);
    cut.usage.output_tokens = None;
    let mut contradiction = charge(10, 0);
    contradiction.usage.cache_read_tokens = Some(11);
    for (provider, model, charge, reason) in [
        (
            "anthropic",
            "claude-unheard-of",
            charge(1, 1),
            "unknown model",
        ),
        ("nobody", "claude-sonnet-4-6", charge(1, 1), "unknown model"),
        (
            "anthropic",
            "claude-sonnet-4-6",
            unknown_usage,
            "input tokens unknown",
        ),
        (
            "anthropic",
            "claude-sonnet-4-6",
            cut,
            "output tokens unknown",
        ),
        (
            "anthropic",
            "claude-sonnet-4-6",
            contradiction,
            "cached tokens exceed",
        ),
        (
            "cerebras",
            "qwen-3-coder-480b",
            charge(1, 1),
            "no price for this model",
        ),
        (
            "openai",
            "text-embedding-3-small",
            charge(1, 1),
            "no output_mtok",
        ),
        (
            "openai",
            "gpt-4o",
            charge(u64::MAX, 1),
            "counts beyond belief",
        ),
    ] {
        let (usd, pricing) = price(&table, provider, model, &charge);
        assert_eq!(usd, "null", "{model}");
        assert!(pricing.contains(reason), "{pricing}");
    }
}

#[test]
fn a_free_model_costs_nothing() {
    let (usd, _) = price(
        &PriceTable::embedded(),
        "azure",
        "mai-ds-r1:free",
        &charge(43, 10),
    );
    assert_eq!(usd, "0");
}

#[test]
fn an_embedding_needs_no_output() {
    let mut charge = charge(1_000_000, 0);
    charge.usage.output_tokens = None;
    charge.has_output = false;
    let (usd, _) = price(
        &PriceTable::embedded(),
        "openai",
        "text-embedding-3-small",
        &charge,
    );
    assert_eq!(usd, "0.02");
}

#[test]
fn the_rule_of_the_first_logger_is_a_custom_price() {
    let text = br#"{"table": "seed", "date": "2026-11-01", "providers": [{
        "id": "*", "models": [{"id": "any", "match": {"contains": ""}, "round_digits": 6,
        "prices": {"input_mtok": 5.0, "output_mtok": 25.0, "thinking_extra_mtok": 5.0}}]}]}"#;
    let table = PriceTable::from_json(text, Timestamp::default()).expect("valid table");
    let mut charge = charge(1_234, 567);
    charge.usage.thinking_tokens = Some(89);
    // round((1234 + 89) * 5 / 10^6 + 567 * 25 / 10^6, 6)
    let (usd, pricing) = price(
        &table.over(PriceTable::embedded()),
        "anthropic",
        "claude-opus-4",
        &charge,
    );
    assert_eq!(usd, "0.02079");
    assert!(
        pricing.contains(r#""table":"seed""#) && pricing.contains(r#""thinking_extra_mtok":5"#),
        "{pricing}"
    );
}

#[test]
fn an_override_falls_through_to_the_table_below() {
    let table = own(r#"{"input_mtok":1,"output_mtok":1}"#).over(PriceTable::embedded());
    assert_eq!(price(&table, "acme", "m", &charge(1_000_000, 0)).0, "1");
    assert_eq!(
        price(&table, "openai", "gpt-4o", &charge(1_000_000, 0)).0,
        "2.5"
    );
}

#[test]
fn providers_go_by_the_conventions_names_hosts_and_models() {
    let table = PriceTable::embedded();
    for (provider, host, model, expected) in [
        (
            Some("aws.bedrock"),
            None,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some("aws"),
        ),
        (
            Some("azure.ai.openai"),
            None,
            "gpt-4o-2024-08-06",
            Some("openai"),
        ),
        (Some("x_ai"), None, "grok-4", Some("x-ai")),
        (
            Some("gcp.vertex_ai"),
            None,
            "gemini-2.5-flash",
            Some("google"),
        ),
        (
            Some("mistral_ai"),
            None,
            "mistral-small-latest",
            Some("mistral"),
        ),
        (
            None,
            Some("api.groq.com"),
            "llama-3.1-8b-instant",
            Some("groq"),
        ),
        (None, None, "claude-sonnet-4-5-20250929", Some("anthropic")),
        (None, None, "gpt-4o", Some("openai")),
        (
            None,
            Some("evil.example/api.groq.com"),
            "llama-3.1-8b-instant",
            None,
        ),
    ] {
        for _ in 0..2 {
            let found = table.find(ServedBy { provider, host }, model);
            assert_eq!(
                found.map(|found| found.provider.id.as_str()),
                expected,
                "{provider:?} {host:?} {model}"
            );
        }
    }
}

#[test]
fn prices_do_not_depend_on_how_json_spells_them() {
    for prices in [
        r#"{"input_mtok":0.1,"output_mtok":3}"#,
        r#"{"output_mtok":3.0,"input_mtok":1e-1}"#,
        r#"{"output_mtok":30E-1,"input_mtok":0.10}"#,
    ] {
        assert_eq!(
            price(&own(prices), "acme", "m", &charge(3, 1)).0,
            "0.0000033",
            "{prices}"
        );
    }
}

#[test]
fn a_broken_table_is_refused() {
    for (text, part) in [
        (&b"\xff"[..], "UTF-8"),
        (b"{}", "says nothing"),
        (br#"[{"id":"a","provider_match":{"regex":"("},"models":[]}]"#, "rule of provider `a`"),
        (br#"[{"id":"a","models":[{"id":"m","match":{"equals":"m"},"prices":{"input_mtok":-1}}]}]"#, "price `input_mtok`"),
        (br#"{"date":"yesterday","providers":[]}"#, "date"),
    ] {
        let error = PriceTable::from_json(text, Timestamp::default()).expect_err("broken");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn the_cache_of_lookups_is_bounded() {
    let table = own(r#"{"input_mtok":1,"output_mtok":1}"#);
    for number in 0..2 * CACHED_PAIRS_MAX {
        table.find(ServedBy::default(), &format!("model-{number}"));
    }
    assert!(table.cache.read().expect("not poisoned").count <= CACHED_PAIRS_MAX);
}

/// A price that a newer table has and this version does not know makes a cost doubtful, not impossible.
#[test]
fn a_price_of_an_unknown_name_is_said() {
    let (usd, pricing) = price(
        &own(r#"{"input_mtok":1,"output_mtok":1,"telepathy_mtok":9}"#),
        "acme",
        "m",
        &charge(1_000_000, 0),
    );
    assert_eq!(usd, "1");
    assert!(
        pricing.contains("telepathy_mtok is not known here"),
        "{pricing}"
    );
}

/// Prints the time of a priced call; a look, not an assertion, because machines differ.
#[test]
fn pricing_a_call_is_quick() {
    let (table, charge) = (PriceTable::embedded(), charge(1_000, 100));
    price(&table, "anthropic", "claude-sonnet-4-6", &charge);
    let start = Instant::now();
    for _ in 0..1_000 {
        price(&table, "anthropic", "claude-sonnet-4-6", &charge);
    }
    println!("{:?} a thousand", start.elapsed());
}
