//! The record's `pricing` member: how a cost was found, in the journal's spelling.
//!
//! ```json
//! {"table":"genai-prices","version":"2026-08-21-1f6f6f0c4a5b","provider":"anthropic","model":"claude-opus-4-8",
//! "prices":{"input_mtok":10,"output_mtok":50},"source":"table",
//! "adjustments":[{"for":"fast","factor":2,"source":"litellm-modifiers 2026-08-01-0123456789ab"}]}
//! ```
//! `prices` are those that were charged, after all adjustments. `source` is `table` or `provider`; where the provider's
//! statement counts, ours stands beside it as `table_cost_usd`. `"exact":false` marks a cost that stands although
//! something about it is not known; `reason` says what, or why there is none. Where one response ran several models,
//! `iterations` has for each what it was, its tokens and its own cost, and their sum is the record's.
//!
//! Not here: how it was found (`cost`).

use rust_decimal::Decimal;

use super::{
    cost::{Found, Sum},
    table::Table,
    terms::Adjustment,
};
use crate::{money::Usd, operation::Usage};
use llm_audit_journal::json;

/// One model run of a response that ran several.
pub(crate) struct Run<'a> {
    pub(crate) kind: &'a str,
    pub(crate) usage: Usage,
    pub(crate) found: Option<Found<'a>>,
    pub(crate) sum: Sum,
}

/// Which statement of the cost counts.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    Table,
    /// The provider's; ours beside it, where there is one.
    Provider(Option<Decimal>),
}

/// Spells the pricing of one model run.
pub(crate) fn pricing(
    table: &Table,
    found: Option<Found<'_>>,
    sum: &Sum,
    source: Source,
) -> String {
    let mut out = Vec::with_capacity(256);
    begin(&mut out, table);
    how(&mut out, found, sum);
    end(&mut out, source, sum);
    String::from_utf8(out).unwrap_or_default()
}

/// Spells the pricing of several runs, with the reasons that concern them all.
pub(crate) fn pricing_of_runs(
    table: &Table,
    runs: &[Run<'_>],
    whole: &Sum,
    source: Source,
) -> String {
    let mut out = Vec::with_capacity(256 * (1 + runs.len()));
    begin(&mut out, table);
    out.extend_from_slice(b",\"iterations\":[");
    for (at, run) in runs.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b"" } else { b"," });
        text_member(&mut out, b"{\"kind\":", run.kind);
        let usage = run.usage;
        for (key, count) in [
            (&b",\"input_tokens\":"[..], usage.input_tokens),
            (b",\"output_tokens\":", usage.output_tokens),
            (b",\"cache_read_tokens\":", usage.cache_read_tokens),
            (b",\"cache_write_tokens\":", usage.cache_write_tokens),
        ] {
            if let Some(count) = count {
                out.extend_from_slice(key);
                out.extend_from_slice(count.to_string().as_bytes());
            }
        }
        how(&mut out, run.found, &run.sum);
        let usd = run.sum.outcome.as_ref().ok();
        money_member(&mut out, b",\"cost_usd\":", usd.copied());
        adjustments(&mut out, &run.sum.adjustments);
        reasons(&mut out, &run.sum);
        out.push(b'}');
    }
    out.push(b']');
    end(&mut out, source, whole);
    String::from_utf8(out).unwrap_or_default()
}

fn begin(out: &mut Vec<u8>, table: &Table) {
    text_member(out, b"{\"table\":", &table.name);
    text_member(out, b",\"version\":", &table.version);
}

/// The entry and the unit prices.
fn how(out: &mut Vec<u8>, found: Option<Found<'_>>, sum: &Sum) {
    if let Some(found) = found {
        text_member(out, b",\"provider\":", &found.provider.id);
        text_member(out, b",\"model\":", &found.model.id);
    }
    out.extend_from_slice(b",\"prices\":{");
    for (at, line) in sum.lines.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let (name, price) = (line.unit.name(), Usd::new(line.price));
        out.extend_from_slice(format!("{comma}\"{name}\":{price}").as_bytes());
    }
    out.push(b'}');
}

fn end(out: &mut Vec<u8>, source: Source, sum: &Sum) {
    match source {
        Source::Table => out.extend_from_slice(b",\"source\":\"table\""),
        Source::Provider(ours) => {
            out.extend_from_slice(b",\"source\":\"provider\"");
            money_member(out, b",\"table_cost_usd\":", ours);
        }
    }
    adjustments(out, &sum.adjustments);
    reasons(out, sum);
    out.push(b'}');
}

fn adjustments(out: &mut Vec<u8>, adjustments: &[Adjustment]) {
    for (at, adjustment) in adjustments.iter().enumerate() {
        out.extend_from_slice(if at == 0 { b",\"adjustments\":[" } else { b"," });
        text_member(out, b"{\"for\":", &adjustment.what);
        if let Some(factor) = adjustment.factor {
            money_member(out, b",\"factor\":", Some(factor));
        }
        if let Some(percent) = adjustment.discount_percent {
            money_member(out, b",\"discount_percent\":", Some(percent));
        }
        text_member(out, b",\"source\":", &adjustment.source);
        out.push(b'}');
    }
    if !adjustments.is_empty() {
        out.push(b']');
    }
}

fn reasons(out: &mut Vec<u8>, sum: &Sum) {
    if !sum.doubts.is_empty() && sum.outcome.is_ok() {
        out.extend_from_slice(b",\"exact\":false");
    }
    let reasons = sum.reasons();
    if !reasons.is_empty() {
        text_member(out, b",\"reason\":", &reasons.join("; "));
    }
}

impl Sum {
    /// Returns why there is no sum, why it may not be exact, and what else there is to say.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        let failed = self.outcome.as_ref().err().map(String::as_str);
        let said = self.doubts.iter().chain(&self.notes);
        failed.into_iter().chain(said.map(|text| &**text)).collect()
    }
}

fn money_member(out: &mut Vec<u8>, key: &[u8], amount: Option<Decimal>) {
    out.extend_from_slice(key);
    match amount {
        Some(amount) => out.extend_from_slice(Usd::new(amount).to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
}

fn text_member(out: &mut Vec<u8>, key: &[u8], text: &str) {
    out.extend_from_slice(key);
    json::write_str(out, text);
}
