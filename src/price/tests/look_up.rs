//! What a look-up says.

use super::*;

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
