//! The seam to OpenTelemetry: ids of a span, and our attributes on it, without a type of any version of it.
//!
//! Promise: what is shown on the span is what the record says: it is judged once, on the caller, and handed on.
//! Not here: a version of `tracing-opentelemetry` (`tracing_opentelemetry_0_34`), judging (`judge`).

use tracing_core::{Dispatch, span::Id};

use super::callsite::Callsite;
use crate::{
    facts::FactValue,
    operation::TraceIds,
    outcome::Outcome,
    record::AuditRecord,
    semconv::{self, Slot},
    submit::Hashes,
};

/// A span as the tracing backend will show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanTrace {
    /// The W3C trace id.
    pub trace_id: [u8; 16],
    /// The W3C span id.
    pub span_id: [u8; 8],
    /// The W3C trace flags.
    pub flags: u8,
    /// Whether attributes set on the span will be seen: false for one that is not sampled.
    pub is_recording: bool,
}

impl From<SpanTrace> for TraceIds {
    fn from(trace: SpanTrace) -> Self {
        Self {
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            flags: trace.flags,
        }
    }
}

/// The value of an attribute that we set on a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SpanValue {
    /// A text.
    Text(String),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// A truth value.
    Bool(bool),
}

impl SpanValue {
    pub(crate) fn as_fact(&self) -> FactValue<'_> {
        match self {
            Self::Text(text) => FactValue::Text(text),
            Self::Int(int) => FactValue::Int(*int),
            Self::Double(double) => FactValue::Double(*double),
            Self::Bool(bool) => FactValue::Bool(*bool),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let json = match self {
            Self::Text(text) => serde_json::to_string(text),
            Self::Int(int) => serde_json::to_string(int),
            Self::Double(double) => serde_json::to_string(double),
            Self::Bool(bool) => serde_json::to_string(bool),
        };
        // A text, a number or a truth value is always JSON; one that is not finite is null.
        json.unwrap_or_else(|_| "null".to_owned())
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),*) => {$(
        impl From<$from> for SpanValue {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}
from!(&str => Text, String => Text, i64 => Int, u32 => Int, f64 => Double, bool => Bool);

/// What a version of an OpenTelemetry layer must answer.
///
/// Both are called with no lock held, while the registry still knows the span.
pub trait SpanBridge: Send + Sync + 'static {
    /// Returns the ids of a span, or `None` where OpenTelemetry does not know it.
    ///
    /// It may start the OpenTelemetry span: it is called when the span is first entered, and later.
    fn trace(&self, dispatch: &Dispatch, id: &Id) -> Option<SpanTrace>;

    /// Sets what `show` returns on a span that OpenTelemetry knows; does nothing for others.
    fn show(
        &self,
        dispatch: &Dispatch,
        id: &Id,
        show: &mut dyn FnMut(SpanTrace) -> Vec<(&'static str, SpanValue)>,
    );
}

/// Returns what the backend shall show of a judged record, beside what the host recorded itself.
pub(crate) fn attributes(
    record: &AuditRecord,
    outcome: &Outcome,
    hashes: Option<Hashes>,
    callsite: &Callsite,
) -> Vec<(&'static str, SpanValue)> {
    let mut shown = vec![
        (
            semconv::REQUEST_ID,
            SpanValue::Text(record.request_id.to_string()),
        ),
        (
            semconv::STATUS,
            SpanValue::Text(outcome.status.as_str().to_owned()),
        ),
    ];
    let usage = &outcome.usage;
    let counts = [
        (Slot::InputTokens, usage.input_tokens),
        (Slot::OutputTokens, usage.output_tokens),
        (Slot::ThinkingTokens, usage.thinking_tokens),
        (Slot::CacheReadTokens, usage.cache_read_tokens),
        (Slot::CacheWriteTokens, usage.cache_write_tokens),
    ];
    for (slot, count) in counts {
        if let Some(count) = count.and_then(|count| i64::try_from(count).ok()) {
            show(&mut shown, record, callsite, slot, SpanValue::Int(count));
        }
    }
    let texts = [
        (Slot::ResponseModel, &outcome.response_model),
        (Slot::ResponseId, &outcome.response_id),
    ];
    for (slot, text) in texts {
        if let Some(text) = text {
            show(
                &mut shown,
                record,
                callsite,
                slot,
                SpanValue::Text(text.clone()),
            );
        }
    }
    shown.extend(outcome.cost.usd.map(|usd| money(usd.to_string())));
    shown.extend(hashes.into_iter().flat_map(digests));
    shown
}

/// Adds an attribute, unless the host's own field shows the same already, under the same name and type.
fn show(
    shown: &mut Vec<(&'static str, SpanValue)>,
    record: &AuditRecord,
    callsite: &Callsite,
    slot: Slot,
    value: SpanValue,
) {
    let name = slot.attribute().name;
    let same = record.facts.get(slot) == Some(value.as_fact());
    if !(same && callsite.has_canonical(slot)) {
        shown.push((name, value));
    }
}

/// A double where its shortest decimal is the exact amount, else the text under a name of its own.
fn money(exact: String) -> (&'static str, SpanValue) {
    match exact.parse::<f64>() {
        Ok(double) if double.to_string() == exact => (semconv::COST_USD, SpanValue::Double(double)),
        _ => (semconv::COST_USD_EXACT, SpanValue::Text(exact)),
    }
}

fn digests(hashes: Hashes) -> impl Iterator<Item = (&'static str, SpanValue)> {
    let named = [
        (semconv::SYSTEM_PROMPT_HASH, hashes.system_prompt),
        (semconv::INPUT_HASH, hashes.input),
        (semconv::OUTPUT_HASH, hashes.output),
    ];
    let known = named.into_iter().filter(|(_, hash)| !hash.is_empty());
    known.map(|(name, hash)| (name, SpanValue::Text(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_a_double_only_where_that_is_exact() {
        let shown = |exact: &str| money(exact.to_owned());
        let double = |double| (semconv::COST_USD, SpanValue::Double(double));
        assert_eq!(shown("0.003303"), double(0.003_303));
        assert_eq!(shown("0"), double(0.0));
        let long = "0.1234567890123456789";
        assert_eq!(
            shown(long),
            (semconv::COST_USD_EXACT, SpanValue::Text(long.to_owned()))
        );
    }
}
