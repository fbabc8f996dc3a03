//! The seam to OpenTelemetry: ids of a span, and our attributes on it, without a type of any version of it.
//!
//! Promise: what is shown on the span is what the record says: it is judged once, on the caller, and handed on.
//! Not here: a version of `tracing-opentelemetry` (`tracing_opentelemetry_0_34`), judging (`judge`).

use tracing_core::{Dispatch, span::Id};

use super::callsite::Callsite;
use crate::{
    facts::FactValue,
    money::Usd,
    operation::TraceIds,
    outcome::{Glance, Judged},
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
    /// A word of ours.
    Word(&'static str),
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
            Self::Word(word) => FactValue::Text(word),
            Self::Int(int) => FactValue::Int(*int),
            Self::Double(double) => FactValue::Double(*double),
            Self::Bool(bool) => FactValue::Bool(*bool),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let json = match self {
            Self::Text(text) => serde_json::to_string(text),
            Self::Word(word) => serde_json::to_string(word),
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

/// What every span gets at most, but hashes.
const SHOWN_MAX: usize = 10;

/// Returns what the backend shall show of a judged record, beside what the host recorded itself.
pub(crate) fn attributes(
    record: &AuditRecord,
    judged: &Judged,
    hashes: Option<Hashes>,
    callsite: &Callsite,
) -> Vec<(&'static str, SpanValue)> {
    let Glance { status, usage, usd } = judged.glance();
    let mut shown = Vec::with_capacity(SHOWN_MAX);
    shown.push((
        semconv::REQUEST_ID,
        SpanValue::Text(record.request_id.to_text()),
    ));
    shown.push((semconv::STATUS, SpanValue::Word(status.as_str())));
    let counts = [
        (Slot::InputTokens, usage.input_tokens),
        (Slot::OutputTokens, usage.output_tokens),
        (Slot::ThinkingTokens, usage.thinking_tokens),
        (Slot::CacheReadTokens, usage.cache_read_tokens),
        (Slot::CacheWriteTokens, usage.cache_write_tokens),
    ];
    for (slot, count) in counts {
        if let Some(count) = count.and_then(|count| i64::try_from(count).ok())
            && !shows(record, callsite, slot, FactValue::Int(count))
        {
            shown.push((slot.attribute().name, SpanValue::Int(count)));
        }
    }
    for (slot, text) in texts(record, judged) {
        if let Some(text) = text
            && !shows(record, callsite, slot, FactValue::Text(text))
        {
            shown.push((slot.attribute().name, SpanValue::Text(text.to_owned())));
        }
    }
    shown.extend(usd.map(money));
    shown.extend(hashes.into_iter().flat_map(digests));
    shown
}

/// What the response, or else the span, says of itself.
fn texts<'a>(record: &'a AuditRecord, judged: &'a Judged) -> [(Slot, Option<&'a str>); 2] {
    let (model, id) = match judged {
        Judged::Glance(_) => (
            record.facts.said(Slot::ResponseModel),
            record.facts.said(Slot::ResponseId),
        ),
        Judged::Whole(outcome) => (
            outcome.response_model.as_deref(),
            outcome.response_id.as_deref(),
        ),
    };
    [(Slot::ResponseModel, model), (Slot::ResponseId, id)]
}

/// Says whether the host's own field shows the same already, under the same name and type.
fn shows(record: &AuditRecord, callsite: &Callsite, slot: Slot, value: FactValue<'_>) -> bool {
    callsite.has_canonical(slot) && record.facts.get(slot) == Some(value)
}

/// A double where its shortest decimal is the exact amount, else the text under a name of its own.
fn money(usd: Usd) -> (&'static str, SpanValue) {
    match usd.as_exact_double() {
        Some(double) => (semconv::COST_USD, SpanValue::Double(double)),
        None => (semconv::COST_USD_EXACT, SpanValue::Text(usd.to_string())),
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
        let shown = |exact: &str| money(Usd::new(exact.parse().expect("decimal")));
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
