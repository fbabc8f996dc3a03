//! Units: cache writes, media, fees; and several runs of one response.

use super::*;

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
