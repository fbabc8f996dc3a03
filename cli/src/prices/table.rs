//! Prices for people: an entry as a sheet, several as a table.
//!
//! Promise: a table file's own texts cannot steer the terminal.

use std::io::{self, Write};

use tracing_llm_audit::{
    PriceEntry, PriceModifier, PriceOverride, PricePeriod, PriceQuote, UnitPrice,
};

use super::csv::when;
use crate::{
    print::sheet::Sheet,
    terminal::{self, Paint, Style},
};

/// Writes a model's entry, and what a call would cost.
pub(super) fn entry(
    out: &mut dyn Write,
    entry: &PriceEntry,
    quote: Option<&PriceQuote>,
    style: Style,
) -> io::Result<()> {
    let sheet = Sheet { out, style };
    let mut page = Page { sheet };
    page.sheet.line("model", &entry.model)?;
    let served = entry.served_by.as_ref();
    let served = served.map_or(String::new(), |name| format!(" (served by {name})"));
    let found_by = entry.provider_found_by.unwrap_or("list");
    let provider = format!("{}{served}, found by {found_by}", entry.provider);
    page.sheet.line("provider", &provider)?;
    page.sheet.line("rule", &entry.model_rule)?;
    page.sheet
        .line("table", &format!("{} {}", entry.table, entry.version))?;
    if let Some(digits) = entry.round_digits {
        page.sheet.line("rounded", &format!("to {digits} digits"))?;
    }
    entry.periods.iter().try_for_each(|it| page.period(it))?;
    entry
        .modifiers
        .iter()
        .try_for_each(|it| page.modifier(it))?;
    entry
        .overrides
        .iter()
        .try_for_each(|it| page.negotiated(it))?;
    quote.map_or(Ok(()), |quote| page.quote(quote))
}

struct Page<'o> {
    sheet: Sheet<'o>,
}

impl Page<'_> {
    fn period(&mut self, period: &PricePeriod) -> io::Result<()> {
        writeln!(self.sheet.out)?;
        let (note, paint) = match (period.applies, period.is_forecast) {
            (true, _) => ("", Paint::Plain),
            (false, true) => (" (a forecast, not applied)", Paint::Quiet),
            (false, false) => (" (not now)", Paint::Quiet),
        };
        self.sheet
            .painted("prices", &format!("{}{note}", when(&period.when)), paint)?;
        self.prices(&period.prices, paint)?;
        for name in &period.unknown {
            self.sheet
                .painted("", &format!("{name} is not known here"), Paint::Warning)?;
        }
        Ok(())
    }

    fn prices(&mut self, prices: &[UnitPrice], paint: Paint) -> io::Result<()> {
        let width = prices.iter().map(|price| price.unit.len()).max();
        for price in prices {
            let text = format!(
                "{:<1$}  {2}",
                price.unit,
                width.unwrap_or(0),
                spelled(price)
            );
            self.sheet.painted("", &text, paint)?;
        }
        Ok(())
    }

    fn modifier(&mut self, modifier: &PriceModifier) -> io::Result<()> {
        writeln!(self.sheet.out)?;
        let factor = modifier.factor.map(|factor| format!(" x {factor}"));
        let (fits, paint) = if modifier.fits {
            ("", Paint::Plain)
        } else {
            (" (made for other prices, not applied)", Paint::Quiet)
        };
        let factor = factor.unwrap_or_default();
        let text = format!("{}{factor}{fits}, by {}", modifier.word, modifier.source);
        self.sheet.painted("term", &text, paint)?;
        self.prices(&modifier.prices, paint)
    }

    fn negotiated(&mut self, negotiated: &PriceOverride) -> io::Result<()> {
        writeln!(self.sheet.out)?;
        let percent = negotiated.discount_percent;
        let percent = percent.map_or(String::new(), |percent| format!(" -{percent} %"));
        let text = format!("{}{percent}, by {}", negotiated.name, negotiated.source);
        self.sheet.line("override", &text)?;
        let conditions = negotiated.conditions.join(", ");
        if !conditions.is_empty() {
            self.sheet.line("", &format!("for {conditions}"))?;
        }
        self.prices(&negotiated.prices, Paint::Plain)
    }

    fn quote(&mut self, quote: &PriceQuote) -> io::Result<()> {
        writeln!(self.sheet.out)?;
        let rows: Vec<[String; 4]> = quote
            .lines
            .iter()
            .map(|line| {
                let price = format!("at {} {}", line.unit_price, per(line.per));
                [
                    line.quantity.to_string(),
                    line.unit.to_owned(),
                    price,
                    line.cost.to_string(),
                ]
            })
            .collect();
        let widths = widths(&rows);
        for [quantity, unit, price, cost] in &rows {
            writeln!(
                self.sheet.out,
                "{quantity:>0$}  {unit:<1$}  {price:<2$}  {cost:>3$}",
                widths[0], widths[1], widths[2], widths[3]
            )?;
        }
        let cost = match quote.usd {
            Some(usd) if quote.is_exact => format!("{usd} USD"),
            Some(usd) => format!("{usd} USD, not exact"),
            None => "unknown".to_owned(),
        };
        self.sheet.line("cost", &cost)?;
        for adjustment in &quote.adjustments {
            let factor = adjustment.factor.map(|factor| format!(" x {factor}"));
            let percent = adjustment.discount_percent;
            let change = factor.or_else(|| percent.map(|percent| format!(" -{percent} %")));
            let change = change.unwrap_or_default();
            self.sheet.line(
                "adjusted",
                &format!("{}{change} ({})", adjustment.what, adjustment.source),
            )?;
        }
        let mut reasons = quote.reasons.iter();
        reasons.try_for_each(|reason| self.sheet.painted("note", reason, Paint::Warning))
    }
}

fn spelled(price: &UnitPrice) -> String {
    let tiers = price.tiers.iter();
    let tiers = tiers.map(|tier| {
        format!(
            "; above {} input tokens {}",
            tier.above_input_tokens, tier.usd
        )
    });
    format!(
        "{} {}{}",
        price.usd,
        per(price.per),
        tiers.collect::<String>()
    )
}

fn per(per: u64) -> String {
    match per {
        1_000_000 => "per million".to_owned(),
        1000 => "per thousand".to_owned(),
        1 => "each".to_owned(),
        per => format!("per {per}"),
    }
}

fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| terminal::width(&row[at]));
        cells.max().unwrap_or(0)
    })
}

/// Writes entries, one a line, with the prices that hold.
pub(super) fn list(out: &mut dyn Write, entries: &[PriceEntry], style: Style) -> io::Result<()> {
    let heading = [
        "PROVIDER", "MODEL", "INPUT", "READ", "WRITE", "OUTPUT", "FURTHER",
    ];
    let heading = heading.map(str::to_owned);
    let rows: Vec<[String; 7]> = entries.iter().map(row).collect();
    let mut all = vec![heading];
    all.extend(rows);
    let widths = widths(&all);
    for (at, row) in all.iter().enumerate() {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = " ".repeat(width - terminal::width(cell));
            let is_number = (2..6).contains(&column);
            let cells = if is_number {
                [gap.as_str(), cell.as_str()]
            } else {
                [cell.as_str(), gap.as_str()]
            };
            line.extend(cells);
            line.push_str("  ");
        }
        let paint = if at == 0 {
            Paint::Heading
        } else {
            Paint::Plain
        };
        writeln!(out, "{}", style.paint(line.trim_end(), paint))?;
    }
    Ok(())
}

fn row(entry: &PriceEntry) -> [String; 7] {
    let holding = entry.periods.iter().find(|period| period.applies);
    let prices = holding.map_or(&[][..], |period| &period.prices);
    let price = |unit: &str| {
        let found = prices.iter().find(|price| price.unit == unit);
        let more = |price: &UnitPrice| if price.tiers.is_empty() { "" } else { "+" };
        found.map_or(String::new(), |price| {
            format!("{}{}", price.usd, more(price))
        })
    };
    let shown = [
        "input_mtok",
        "cache_read_mtok",
        "cache_write_mtok",
        "output_mtok",
    ];
    let others = prices.iter().filter(|price| !shown.contains(&price.unit));
    let mut further: Vec<String> = others
        .map(|price| format!("{} {}", price.unit, price.usd))
        .collect();
    if prices.is_empty() {
        let is_free = entry.model.ends_with(":free");
        further.push(if is_free { "free" } else { "no prices" }.to_owned());
    }
    if entry.periods.len() > 1 {
        further.push("dated".to_owned());
    }
    let terms = entry
        .modifiers
        .iter()
        .map(|modifier| terminal::escape(&modifier.word));
    further.extend(terms);
    let [input, read, write, output] = shown.map(price);
    let names = [&entry.provider, &entry.model].map(|name| terminal::escape(name));
    let [provider, model] = names;
    [
        provider,
        model,
        input,
        read,
        write,
        output,
        further.join(", "),
    ]
}
