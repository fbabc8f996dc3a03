//! Service tiers, speeds and regions: what they change, and what is said where that is not known.

use super::*;

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
