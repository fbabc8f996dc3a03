//! What was negotiated, and whose statement of the cost counts.

use super::*;

#[test]
fn what_was_negotiated_counts_by_provider_model_host_tenant_and_day() {
    let text = r#"{"table":"contracts","date":"2026-11-01","overrides":[
        {"name":"acme","match":{"tenant":"Acme","model":{"starts_with":"claude-"}},"prices":{"input_mtok":1,"output_mtok":2}},
        {"name":"gateway","match":{"host":{"ends_with":".internal"}},"discount_percent":100},
        {"name":"old","match":{"provider":"anthropic"},"end_date":"2026-01-01","discount_percent":50},
        {"name":"anthropic","match":{"provider":"anthropic"},"start_date":"2026-01-01","discount_percent":12.5},
        {"name":"both","match":{"provider":"openai","model":"gpt-4o"},"prices":{"output_mtok":8},"discount_percent":10}]}"#;
    let table = PriceTable::from_json(text.as_bytes(), Timestamp::default()).expect("valid");
    let table = table.over(PriceTable::embedded());
    let plain = charge(1_000_000, 1_000_000);
    let of = |tenant, host| Charge {
        host,
        tenant,
        ..plain.clone()
    };
    for (provider, model, charge, expected, name) in [
        (
            "anthropic",
            "claude-sonnet-4-6",
            of(Some("acme"), None),
            "3",
            "acme",
        ),
        (
            "anthropic",
            "claude-sonnet-4-6",
            of(Some("acme2"), None),
            "15.75",
            "anthropic",
        ),
        (
            "anthropic",
            "claude-sonnet-4-6",
            of(None, Some("llm.internal")),
            "0",
            "gateway",
        ),
        ("openai", "gpt-4o", of(None, None), "9.45", "both"),
        ("openai", "gpt-4o-mini", of(None, None), "0.75", ""),
    ] {
        let (usd, pricing) = price(&table, provider, model, &charge);
        assert_eq!(usd, expected, "{pricing}");
        let said = format!(r#""adjustments":[{{"for":"{name}","#);
        assert_eq!(pricing.contains(&said), !name.is_empty(), "{pricing}");
        let is_named = pricing.contains(r#""source":"contracts 2026-11-01-"#);
        assert_eq!(is_named, !name.is_empty(), "{pricing}");
        assert!(
            pricing.starts_with(r#"{"table":"genai-prices""#),
            "{pricing}"
        );
    }
    let mut batch = of(None, None);
    batch.conditions.is_batch = true;
    let (usd, pricing) = price(&table, "anthropic", "claude-sonnet-4-6", &batch);
    assert_eq!(usd, "7.875", "{pricing}");
}

#[test]
fn an_override_that_cannot_be_read_is_refused() {
    for text in [
        r#"{"name":"x","match":{"tennant":"a"},"discount_percent":1}"#,
        r#"{"name":"x","match":{"tenant":"a"}}"#,
        r#"{"name":"x","discount_percent":100.5}"#,
        r#"{"name":"x","discount_percent":-1}"#,
        r#"{"name":"x","prices":{"inptu_mtok":1}}"#,
        r#"{"name":"x","prices":{"input_mtok":1},"discount":5}"#,
    ] {
        let text = format!(r#"{{"date":"2026-11-01","overrides":[{text}]}}"#);
        let read = PriceTable::from_json(text.as_bytes(), Timestamp::default());
        assert!(read.is_err(), "{text}");
    }
}

fn reported(
    table: &PriceTable,
    provider: &'static str,
    model: &str,
    said: &str,
) -> (String, String) {
    let part = Part {
        kind: "message",
        models: [Some(model), None],
        charge: charge(1_000_000, 0),
    };
    let cost = table.price(served(provider), &[part], Some(said));
    let usd = cost.usd.map_or("null".to_owned(), |usd| usd.to_string());
    (usd, cost.pricing.expect("always said"))
}

#[test]
fn the_providers_statement_counts_only_where_a_host_says_so() {
    let table = PriceTable::embedded();
    let (usd, pricing) = reported(&table, "openrouter", "openai/gpt-4o-mini", "3.9e-06");
    assert_eq!(usd, "0.15");
    assert!(pricing.contains(r#""source":"table""#), "{pricing}");
    let table = table.reported_cost_counts(["OpenRouter", "x_ai"]);
    let (usd, pricing) = reported(&table, "openrouter", "openai/gpt-4o-mini", "3.9e-06");
    assert_eq!(usd, "0.0000039");
    assert!(
        pricing.contains(r#""source":"provider","table_cost_usd":0.15"#),
        "{pricing}"
    );
    let (usd, pricing) = reported(&table, "openrouter", "unheard/of", "0.1");
    assert_eq!(usd, "0.1");
    assert!(
        pricing.ends_with(r#""source":"provider","table_cost_usd":null,"reason":"unknown model"}"#),
        "{pricing}"
    );
    for said in ["-1", "NaN", "", "1e400"] {
        let (usd, _) = reported(&table, "openrouter", "openai/gpt-4o-mini", said);
        assert_eq!(usd, "0.15", "{said}");
    }
    assert_eq!(reported(&table, "x_ai", "grok-4", "7").0, "7");
    assert_eq!(reported(&table, "openai", "gpt-4o", "7").0, "2.5");
}
