//! The bill for people: what was asked of whom, what it came to line by line, and why.
//!
//! Promise: no text of a response can steer the terminal.

use std::io::{self, Write};

use serde_json::Value;
use tracing_llm_audit::{
    entry::schema::key,
    explain::{CostLine, Explanation, Seen, Verdict},
};

use super::{Args, api};
use crate::{
    print::sheet::Sheet,
    terminal::{Paint, Style},
};

/// Writes the bill.
pub(super) fn write(
    out: &mut impl Write,
    args: &Args,
    told: &Explanation,
    style: Style,
) -> io::Result<()> {
    let sheet = Sheet { out, style };
    let mut page = Page { sheet };
    let (seen, record) = (&told.seen, &told.record);
    let provider = record.provider.as_deref().or(args.provider.as_deref());
    page.sheet.line("provider", provider.unwrap_or("unknown"))?;
    let how = if seen.is_stream { ", streamed" } else { "" };
    let api = api(args, told).unwrap_or("unknown".into());
    page.sheet.line("api", &format!("{api}{how}"))?;
    page.sheet.line("model", &model(record))?;
    page.status(record)?;
    page.tokens(record)?;
    page.own_counts(seen)?;
    page.bill(record)?;
    page.notes(record)
}

struct Page<'o> {
    sheet: Sheet<'o>,
}

impl Page<'_> {
    fn status(&mut self, record: &Verdict) -> io::Result<()> {
        let paint = match record.status.as_str() {
            "success" => Paint::Good,
            "error" => Paint::Bad,
            _ => Paint::Warning,
        };
        let reasons = [
            record.blocked_reason.clone(),
            record.error_type.clone(),
            Some(record.finish_reasons.join(", ")),
            Some(record.error_message.clone()),
        ];
        let reasons = reasons.into_iter().flatten();
        let reasons: Vec<_> = reasons.filter(|reason| !reason.is_empty()).collect();
        let text = std::iter::once(record.status.as_str().to_owned()).chain(reasons);
        self.sheet
            .painted("status", &text.collect::<Vec<_>>().join(": "), paint)
    }

    fn tokens(&mut self, record: &Verdict) -> io::Result<()> {
        let usage = &record.usage;
        let input = [
            ("from cache", usage.cache_read_tokens),
            ("to cache", usage.cache_write_tokens),
            ("to cache for an hour", usage.cache_write_1h_tokens),
        ];
        self.sheet
            .line("input", &count(usage.input_tokens, &input))?;
        let output = [("thinking", usage.thinking_tokens)];
        self.sheet
            .line("output", &count(usage.output_tokens, &output))
    }

    /// What the provider counts otherwise than the record.
    fn own_counts(&mut self, seen: &Seen) -> io::Result<()> {
        let counts = [
            (
                "input",
                seen.input_tokens_reported
                    .filter(|_| seen.input_tokens_reported != seen.input_tokens_total),
            ),
            (
                "output",
                seen.output_tokens_reported
                    .filter(|_| seen.output_tokens_reported != seen.output_tokens_total),
            ),
            ("billed input", seen.billed_input_tokens),
            ("billed output", seen.billed_output_tokens),
            ("audio in", seen.input_audio_tokens),
            ("audio out", seen.output_audio_tokens),
            ("tools' prompts", seen.tool_use_prompt_tokens),
        ];
        let said = counts
            .into_iter()
            .filter_map(|(name, count)| Some(format!("{name} {}", count?)));
        let said: Vec<_> = said.collect();
        if said.is_empty() {
            return Ok(());
        }
        self.sheet.line("it reports", &said.join(", "))
    }

    fn bill(&mut self, record: &Verdict) -> io::Result<()> {
        writeln!(self.sheet.out)?;
        let rows: Vec<[String; 4]> = record.cost_lines.iter().map(row).collect();
        let widths: [usize; 4] =
            std::array::from_fn(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or(0));
        for [quantity, unit, price, cost] in &rows {
            writeln!(
                self.sheet.out,
                "{quantity:>0$}  {unit:<1$}  {price:<2$}  {cost:>3$}",
                widths[0], widths[1], widths[2], widths[3]
            )?;
        }
        let cost = match record.cost_usd {
            Some(usd) => format!("{usd} USD"),
            None => "unknown".to_owned(),
        };
        self.sheet.line("cost", &cost)?;
        match &record.reported_cost_usd {
            Some(usd) => self.sheet.line("it says", &format!("{usd} USD")),
            None => Ok(()),
        }
    }

    fn notes(&mut self, record: &Verdict) -> io::Result<()> {
        let pricing = record.pricing.as_deref().unwrap_or("null");
        let pricing: Value = serde_json::from_str(pricing).unwrap_or_default();
        let text = |key: &str| pricing[key].as_str().unwrap_or_default().to_owned();
        if pricing["table"].is_string() {
            let entry = [text("provider"), text("model")].join(" ");
            let table = format!("{} {} {entry}", text("table"), text("version"));
            self.sheet.line("prices", table.trim_end())?;
        }
        for adjustment in pricing["adjustments"].as_array().into_iter().flatten() {
            self.sheet.line("adjusted", &adjusted(adjustment))?;
        }
        let runs = pricing["iterations"].as_array().into_iter().flatten();
        for run in runs.clone() {
            self.sheet.line("run", &told_of_run(run))?;
        }
        let mut reasons: Vec<_> = std::iter::once(&pricing)
            .chain(runs)
            .filter_map(|priced| priced["reason"].as_str())
            .collect();
        reasons.dedup();
        for reason in reasons {
            self.sheet.painted("note", reason, Paint::Warning)?;
        }
        Ok(())
    }
}

/// One of several model runs inside the response, each priced on its own model; its counts have a record's names.
fn told_of_run(run: &Value) -> String {
    let text = |key: &str| run[key].as_str().unwrap_or_default();
    let cost = match run[key::COST_USD].as_f64() {
        Some(usd) => format!("{usd} USD"),
        None => "cost unknown".to_owned(),
    };
    format!(
        "{} on {} {}: {} in, {} out, {cost}",
        text("kind"),
        text("provider"),
        text("model"),
        run[key::INPUT_TOKENS],
        run[key::OUTPUT_TOKENS],
    )
}

/// What made prices others than the standard ones, by whose word.
fn adjusted(adjustment: &Value) -> String {
    let text = |key: &str| adjustment[key].as_str().unwrap_or_default();
    let number = |key: &str, before: &str, after: &str| match &adjustment[key] {
        Value::Null => String::new(),
        number => format!(" {before}{number}{after}"),
    };
    format!(
        "{}{}{} ({})",
        text("for"),
        number("factor", "x ", ""),
        number("discount_percent", "-", " %"),
        text("source")
    )
}

fn model(record: &Verdict) -> String {
    match (&record.response_model, &record.request_model) {
        (Some(answered), Some(asked)) if answered != asked => {
            format!("{answered} (asked for {asked})")
        }
        (Some(model), _) | (None, Some(model)) => model.clone(),
        (None, None) => "unknown".to_owned(),
    }
}

/// A total with its parts, those that there are.
fn count(total: Option<u64>, parts: &[(&str, Option<u64>)]) -> String {
    let Some(total) = total else {
        return "not said".to_owned();
    };
    let parts = parts
        .iter()
        .filter_map(|(name, count)| Some(format!("{} {name}", count.filter(|count| *count > 0)?)));
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        total.to_string()
    } else {
        format!("{total} ({})", parts.join(", "))
    }
}

fn row(line: &CostLine) -> [String; 4] {
    let per = match line.per {
        1_000_000 => "per million".to_owned(),
        1000 => "per thousand".to_owned(),
        1 => "each".to_owned(),
        per => format!("per {per}"),
    };
    [
        line.quantity.to_string(),
        line.unit.to_owned(),
        format!("at {} {per}", line.unit_price),
        line.cost.to_string(),
    ]
}
