//! The embedded table, dates, tiers, what has no price, and custom prices.

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

/// A charge under the terms of a call.
fn under(tier: &'static str, speed: &'static str, geo: &'static str) -> Charge<'static> {
    let word = |word: &'static str| Some(word).filter(|word| !word.is_empty());
    Charge {
        conditions: Conditions {
            tier: word(tier),
            speed: word(speed),
            geo: word(geo),
            is_batch: false,
        },
        ..charge(1_000_000, 100_000)
    }
}

#[test]
fn tiers_speeds_and_regions_have_their_prices() {
    let table = PriceTable::embedded();
    for (provider, model, charge, expected) in [
        (
            "anthropic",
            "claude-sonnet-4-6",
            under("batch", "", ""),
            "2.25",
        ),
        (
            "anthropic",
            "claude-opus-4-8",
            under("standard", "fast", "global"),
            "15",
        ),
        ("anthropic", "claude-opus-4-8", under("", "", "us"), "8.25"),
        // Fast and region stack.
        (
            "anthropic",
            "claude-opus-4-8",
            under("", "fast", "us"),
            "16.5",
        ),
        (
            "anthropic",
            "claude-opus-4-8",
            under("batch", "", "us"),
            "4.125",
        ),
        ("openai", "gpt-5", under("flex", "", ""), "1.125"),
        ("openai", "gpt-5", under("priority", "", ""), "4.5"),
        ("openai", "gpt-4o", under("batch", "", ""), "1.75"),
        (
            "gcp.gemini",
            "gemini-3.1-flash-lite",
            under("ON_DEMAND_FLEX", "", ""),
            "0.2",
        ),
        ("openai", "gpt-5", under("default", "", ""), "2.25"),
        (
            "gcp.gemini",
            "gemini-3.1-flash-lite",
            under("ON_DEMAND", "", ""),
            "0.4",
        ),
    ] {
        let (usd, pricing) = price(&table, provider, model, &charge);
        assert_eq!(usd, expected, "{pricing}");
        assert!(
            !pricing.contains("reason") && !pricing.contains("exact"),
            "{pricing}"
        );
        let is_standard = charge.conditions.is_standard();
        assert_eq!(pricing.contains("adjustments"), !is_standard, "{pricing}");
    }
}

#[test]
fn cached_tokens_are_changed_too_and_searches_are_not() {
    let mut charge = under("batch", "", "us");
    charge.usage.cache_read_tokens = Some(100_000);
    charge.usage.cache_write_tokens = Some(200_000);
    charge.usage.cache_write_1h_tokens = Some(50_000);
    charge.usage.web_searches = Some(1);
    let (usd, pricing) = price(
        &PriceTable::embedded(),
        "anthropic",
        "claude-opus-4-8",
        &charge,
    );
    // (0.7 x 5 + 0.1 x 0.5 + 0.15 x 6.25 + 0.05 x 10 + 0.1 x 25) x 0.5 x 1.1 and a search of 0.01
    assert_eq!(usd, "4.128125", "{pricing}");
    assert!(
        pricing.contains(concat!(
            r#""prices":{"input_mtok":2.75,"cache_read_mtok":0.275,"cache_write_mtok":3.4375,"cache_write_1h_mtok":5.5,"#,
            r#""output_mtok":13.75,"web_searches_kcount":10},"source":"table","adjustments":[{"for":"batch","factor":0.5,"#
        )),
        "{pricing}"
    );
    assert!(
        pricing.contains(r#"{"for":"us","factor":1.1,"source":"litellm-modifiers 2026-08-01-"#)
    );
}

/// An unknown term keeps the standard price, and the record says that this is not exact.
#[test]
fn an_unknown_term_leaves_the_standard_price_and_says_so() {
    for (provider, model, charge, reason) in [
        (
            "openai",
            "gpt-4o",
            under("scale", "", ""),
            "service tier scale may have its own",
        ),
        (
            "anthropic",
            "claude-haiku-4-5",
            under("", "fast", ""),
            "speed fast may have its own",
        ),
        (
            "anthropic",
            "claude-haiku-4-5",
            under("", "", "us"),
            "region us may have its own",
        ),
        (
            "openai",
            "gpt-4o",
            under("a\"b\u{1b}c", "", ""),
            "service tier abc may",
        ),
    ] {
        let (usd, pricing) = price(&PriceTable::embedded(), provider, model, &charge);
        let (standard, _) = price(
            &PriceTable::embedded(),
            provider,
            model,
            &self::charge(1_000_000, 100_000),
        );
        assert_eq!(usd, standard, "{pricing}");
        assert!(
            pricing.contains(r#""exact":false,"reason":"standard prices; "#),
            "{pricing}"
        );
        assert!(pricing.contains(reason), "{pricing}");
    }
}

/// Batch prices are known for input and output alone; cached input has its own at the provider, and we do not know it.
#[test]
fn a_unit_without_a_price_of_its_own_under_a_term_is_named() {
    let mut charge = under("batch", "", "");
    charge.usage.cache_read_tokens = Some(1);
    let (_, pricing) = price(&PriceTable::embedded(), "openai", "gpt-4o", &charge);
    assert!(
        pricing.contains(
            r#""exact":false,"reason":"cache_read_mtok at its standard price; batch may"#
        ),
        "{pricing}"
    );
}

/// A modifier was made for the prices of its day: where others hold, it says nothing.
#[test]
fn prices_of_a_term_count_only_beside_the_prices_they_were_made_for() {
    let mut before = under("flex", "", "");
    before.at = at("2025-06-09T00:00:00.000000Z");
    let (usd, pricing) = price(&PriceTable::embedded(), "openai", "o3", &before);
    assert_eq!(usd, "14");
    assert!(
        pricing.contains("service tier flex may have its own"),
        "{pricing}"
    );
    let (usd, _) = price(
        &PriceTable::embedded(),
        "openai",
        "o3",
        &under("flex", "", ""),
    );
    assert_eq!(usd, "1.4");
    let cheaper = r#"{"table":"own","date":"2026-11-01","overrides":[
        {"name":"deal","match":{"provider":"openai"},"prices":{"input_mtok":1}}]}"#;
    let table = PriceTable::from_json(cheaper.as_bytes(), Timestamp::default()).expect("valid");
    let table = table.over(PriceTable::embedded());
    let (usd, pricing) = price(&table, "openai", "o3", &under("flex", "", ""));
    assert_eq!(usd, "1.8");
    assert!(
        pricing.contains("service tier flex may have its own"),
        "{pricing}"
    );
}

/// Long prompts under a tier whose long price nobody told are not given the short one.
#[test]
fn a_term_that_knows_no_long_price_is_not_applied_to_long_calls() {
    let mut short = under("priority", "", "");
    short.usage.input_tokens = Some(272_000);
    let mut long = short.clone();
    long.usage.input_tokens = Some(272_001);
    let table = PriceTable::embedded();
    let (_, pricing) = price(&table, "openai", "gpt-5.6-luna", &short);
    assert!(pricing.contains(r#""for":"priority""#), "{pricing}");
    let (_, pricing) = price(&table, "openai", "gpt-5.6-luna", &long);
    assert!(
        pricing.contains("service tier priority may have its own"),
        "{pricing}"
    );
}

#[test]
fn a_table_may_have_its_own_modifiers() {
    let text = r#"{"table":"own","date":"2026-11-01","providers":[{"id":"acme","models":[{"id":"m",
        "match":{"equals":"m"},"prices":{"input_mtok":2,"output_mtok":8},
        "modifiers":{"Night":0.25,"dedicated":{"input_mtok":1,"output_mtok":1}}}]}]}"#;
    let table = PriceTable::from_json(text.as_bytes(), Timestamp::default()).expect("valid");
    for (tier, expected) in [("night", "0.7"), ("dedicated", "1.1"), ("default", "2.8")] {
        let (usd, pricing) = price(&table, "acme", "m", &under(tier, "", ""));
        assert_eq!(usd, expected, "{pricing}");
    }
}

#[test]
fn one_hour_writes_of_anthropics_models_are_derived_where_the_table_has_no_price() {
    let text = r#"{"table":"own","date":"2026-11-01","providers":[{"id":"acme","models":[
        {"id":"claude-x","match":{"equals":"claude-x"},"prices":{"input_mtok":{"base":4,"tiers":[{"start":500,"price":8}]},"output_mtok":20}},
        {"id":"other","match":{"equals":"other"},"prices":{"input_mtok":4,"cache_write_mtok":5,"output_mtok":20}}]}]}"#;
    let table = PriceTable::from_json(text.as_bytes(), Timestamp::default()).expect("valid");
    let mut charge = charge(1_000, 0);
    charge.usage.cache_write_tokens = Some(300);
    charge.usage.cache_write_1h_tokens = Some(100);
    // 700 x 8 + 200 x 10 + 100 x 16 per million
    let (usd, pricing) = price(&table, "acme", "claude-x", &charge);
    assert_eq!(usd, "0.0092");
    assert!(
        pricing
            .contains(r#"{"for":"cache_write_1h_mtok","factor":2,"source":"derived: Anthropic's"#),
        "{pricing}"
    );
    let (usd, pricing) = price(&table, "acme", "other", &charge);
    assert_eq!(usd, "0.0043");
    assert!(
        pricing.contains("one-hour cache writes charged as cache_write_mtok"),
        "{pricing}"
    );
}

#[test]
fn pictures_films_and_sound_have_their_prices() {
    let mut charge = charge(1_000, 1_000);
    charge.usage.cache_read_tokens = Some(300);
    charge.extras.media = crate::provider::MediaTokens {
        input_audio: Some(100),
        cache_read_audio: Some(50),
        output_audio: Some(10),
        input_image: Some(200),
        cache_read_image: Some(100),
        output_image: Some(20),
        input_video: Some(30),
        output_video: Some(40),
    };
    let prices = r#"{"input_mtok":1,"cache_read_mtok":2,"input_audio_mtok":3,"cache_audio_read_mtok":4,
        "input_image_mtok":5,"cache_image_read_mtok":6,"input_video_mtok":7,"output_mtok":8,"output_audio_mtok":9,
        "output_image_mtok":10,"output_video_mtok":11}"#;
    let (usd, _) = price(&own(prices), "acme", "m", &charge);
    let expected = 520 + 150 * 2 + 50 * 3 + 50 * 4 + 100 * 5 + 100 * 6 + 30 * 7;
    let expected = expected + 930 * 8 + 10 * 9 + 20 * 10 + 40 * 11;
    assert_eq!(usd, Usd::new(Decimal::new(expected, 6)).to_string());
    // Where none has a price of its own, all are charged as text.
    let (usd, _) = price(
        &own(r#"{"input_mtok":1,"output_mtok":8}"#),
        "acme",
        "m",
        &charge,
    );
    assert_eq!(usd, "0.009");
}

#[test]
fn citations_searches_and_requests_are_fees_of_their_own() {
    let mut charge = charge(1_000, 1_000);
    charge.usage.thinking_tokens = Some(400);
    charge.usage.web_searches = Some(3);
    charge.extras.citation_tokens = 500;
    let (usd, pricing) = price(
        &PriceTable::embedded(),
        "perplexity",
        "sonar-deep-research",
        &charge,
    );
    // 1000 x 2 + 600 x 8 + 400 x 3 + 500 x 2 per million, 3 x 5 per thousand
    assert_eq!(usd, "0.024", "{pricing}");
    let (usd, _) = price(
        &PriceTable::embedded(),
        "perplexity",
        "sonar",
        &self::charge(23, 32),
    );
    assert_eq!(usd, "0.012055");
}

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

#[test]
fn several_runs_are_summed_each_on_its_own_model() {
    let run = |kind, model, input, output| Part {
        kind,
        models: [Some(model), None],
        charge: charge(input, output),
    };
    let runs = [
        run("message", "claude-sonnet-5", 1128, 110),
        run("advisor_message", "claude-opus-4-8", 2518, 22),
        run("message", "claude-sonnet-5", 1262, 11),
    ];
    let table = PriceTable::embedded();
    let cost = table.price(served("anthropic"), &runs, None);
    let pricing = cost.pricing.expect("always said");
    // 2390 x 2 + 121 x 10 + 2518 x 5 + 22 x 25 per million
    assert_eq!(
        cost.usd.map(|usd| usd.to_string()).as_deref(),
        Some("0.01913"),
        "{pricing}"
    );
    assert!(
        pricing.contains(r#"{"kind":"advisor_message","input_tokens":2518,"output_tokens":22,"#),
        "{pricing}"
    );
    let unknown = [
        run("message", "claude-sonnet-5", 1, 1),
        run("message", "unheard-of", 1, 1),
    ];
    let cost = table.price(served("anthropic"), &unknown, None);
    assert_eq!(cost.usd, None);
    assert!(
        cost.pricing
            .expect("said")
            .contains("one of the runs is unknown")
    );
}

/// The embedded modifiers can be read, and each finds the entry that it was made for.
#[test]
fn every_embedded_modifier_fits_its_entry() {
    let table = PriceTable::embedded();
    let mut seen = 0;
    for entry in table.entries(at("2026-08-21T00:00:00.000000Z")) {
        for modifier in entry.modifiers {
            assert!(
                modifier.fits,
                "{} {} {}",
                entry.provider, entry.model, modifier.word
            );
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn a_look_up_says_what_holds_and_why() {
    let table = PriceTable::embedded();
    let query = PriceQuery::new("claude-sonnet-5", at("2026-11-22T10:00:00.000000Z"));
    let entry = table.look_up(&query).expect("known");
    assert_eq!(
        (entry.provider.as_str(), entry.provider_found_by),
        ("anthropic", Some("model rule"))
    );
    let shown: Vec<_> = entry
        .periods
        .iter()
        .map(|it| (it.applies, it.is_forecast))
        .collect();
    assert_eq!(shown, [(true, false), (false, true)]);
    let azure = table
        .look_up(&query.clone().provider("azure.ai.openai"))
        .expect("known");
    assert_eq!(azure.served_by.as_deref(), Some("azure"));
    let quote = table.quote(&query.service_tier("batch"), &charge(1_000_000, 3).usage);
    let quote = quote.expect("known");
    let sum: Decimal = quote.lines.iter().map(|line| line.cost.amount()).sum();
    assert_eq!(quote.usd.map(Usd::amount), Some(sum));
    assert!(quote.is_exact && quote.adjustments.len() == 1);
    assert!(
        table
            .look_up(&PriceQuery::new("unheard-of", Timestamp::default()))
            .is_none()
    );
}

proptest::proptest! {
    /// What a call costs is what its units come to; nothing is ever negative, and less is never dearer.
    #[test]
    fn the_parts_make_the_whole(
        input in 0_u64..400_000, read in 0_u64..100_000, write in 0_u64..100_000, hourly in 0_u64..100_000,
        output in 0_u64..50_000, thinking in 0_u64..60_000, audio in 0_u64..50_000, model in 0_usize..1466,
        tier in 0_usize..4, percent in 0_u32..=1_000,
    ) {
        let contract = format!(
            r#"{{"table":"c","date":"2026-11-01","overrides":[{{"name":"all","discount_percent":{}}}]}}"#,
            Decimal::new(percent.into(), 1)
        );
        let embedded = PriceTable::embedded();
        let table = PriceTable::from_json(contract.as_bytes(), Timestamp::default()).expect("valid");
        let table = table.over(embedded.clone());
        let place = embedded.layers[0].providers.iter();
        let (provider, model) = place
            .flat_map(|provider| provider.models.iter().map(move |model| (provider, model)))
            .nth(model)
            .expect("as many as the table has");
        let mut charge = charge(input + read + write, output);
        charge.usage.cache_read_tokens = Some(read);
        charge.usage.cache_write_tokens = Some(write);
        charge.usage.cache_write_1h_tokens = Some(hourly.min(write));
        charge.usage.thinking_tokens = Some(thinking);
        charge.extras.media.input_audio = Some(audio);
        charge.conditions.tier = [None, Some("batch"), Some("priority"), Some("unheard")][tier];
        let found = Found {
            layers: &embedded.layers,
            table: &embedded.layers[0],
            served: &provider.id,
            provider,
            model,
            asked: &model.id,
        };
        let sum = Sum::of(&found, &charge);
        let dear = sum.outcome.clone();
        if let Ok(amount) = &sum.outcome {
            let mut parts = number::Sum::default();
            for line in &sum.lines {
                parts = parts.add(line.price, line.quantity, line.unit.per_price()).expect("fits");
            }
            proptest::prop_assert_eq!(parts.amount(), Some(*amount));
            proptest::prop_assert!(!amount.is_sign_negative());
            let tokens: u64 = sum.lines.iter().filter(|line| line.unit.is_tokens()).map(|line| line.quantity).sum();
            let free = !sum.lines.is_empty();
            proptest::prop_assert!(!free || tokens <= input + read + write + output);
        } else {
            proptest::prop_assert!(!sum.reasons().is_empty());
        }
        let cheap = Sum::of(&Found { layers: &table.layers, ..found }, &charge).outcome;
        if let (Ok(dear), Ok(cheap)) = (dear, cheap) {
            let kept = Decimal::new(1_000 - i64::from(percent), 3);
            proptest::prop_assert_eq!(cheap, (dear * kept).normalize());
        }
    }
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
