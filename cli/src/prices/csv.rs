//! Prices as comma-separated values, each price and each of its tiers a row.
//!
//! Promise: columns are only ever added at the end; quoting is RFC 4180's.

use std::io::{self, Write};

use tracing_llm_audit::{PriceEntry, PricePeriod, PriceWhen, UnitPrice, Usd};

const HEADING: &str =
    "table,version,provider,model,unit,per,above_input_tokens,usd,when,applies,is_forecast";

/// Writes entries.
pub(super) fn write(
    out: &mut dyn Write,
    entries: &[impl std::borrow::Borrow<PriceEntry>],
) -> io::Result<()> {
    writeln!(out, "{HEADING}")?;
    for entry in entries {
        let entry = entry.borrow();
        for period in &entry.periods {
            for price in &period.prices {
                row(out, entry, period, price, None, price.usd)?;
                for tier in &price.tiers {
                    let above = Some(tier.above_input_tokens);
                    row(out, entry, period, price, above, tier.usd)?;
                }
            }
        }
    }
    Ok(())
}

fn row(
    out: &mut dyn Write,
    entry: &PriceEntry,
    period: &PricePeriod,
    price: &UnitPrice,
    above: Option<u64>,
    usd: Usd,
) -> io::Result<()> {
    let texts = [&entry.table, &entry.version, &entry.provider, &entry.model];
    for text in texts {
        write!(out, "{},", quoted(text))?;
    }
    let above = above.map(|above| above.to_string()).unwrap_or_default();
    let when = quoted(&when(&period.when));
    let (unit, per) = (price.unit, price.per);
    let (applies, is_forecast) = (period.applies, period.is_forecast);
    writeln!(
        out,
        "{unit},{per},{above},{usd},{when},{applies},{is_forecast}"
    )
}

/// When prices hold, in words.
pub(super) fn when(when: &PriceWhen) -> String {
    match when {
        PriceWhen::From(day) => format!("from {day}"),
        PriceWhen::Daily(start, end) => format!("daily {start} to {end} UTC"),
        _ => "always".to_owned(),
    }
}

/// Quotes what needs it; a text that a spreadsheet would run as a formula gets an apostrophe.
fn quoted(text: &str) -> String {
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}
