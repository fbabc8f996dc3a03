//! The bridge to `tracing-opentelemetry` 0.34.
//!
//! Promise: the ids are those that the tracing backend shows; the span is started no earlier than it would be anyway.
//! Not here: what is shown (`layer::bridge`).

use opentelemetry::{
    Context, KeyValue, Value,
    trace::{SpanContext, TraceContextExt},
};
use tracing_core::{Dispatch, span::Id};
use tracing_opentelemetry::get_otel_context;

use crate::layer::{SpanBridge, SpanTrace, SpanValue};

/// Reads ids from, and shows attributes on, the spans of a `tracing-opentelemetry` 0.34 layer.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TracingOpenTelemetry;

impl SpanBridge for TracingOpenTelemetry {
    fn trace(&self, dispatch: &Dispatch, id: &Id) -> Option<SpanTrace> {
        get_otel_context(id, dispatch).as_ref().and_then(trace)
    }

    fn show(
        &self,
        dispatch: &Dispatch,
        id: &Id,
        show: &mut dyn FnMut(SpanTrace) -> Vec<(&'static str, SpanValue)>,
    ) {
        let Some(context) = get_otel_context(id, dispatch) else {
            return;
        };
        if let Some(trace) = trace(&context) {
            let attributes = show(trace).into_iter();
            context
                .span()
                .set_attributes(attributes.map(|(name, value)| KeyValue::new(name, otel(value))));
        }
    }
}

fn trace(context: &Context) -> Option<SpanTrace> {
    let span = context.span();
    let ids: &SpanContext = span.span_context();
    ids.is_valid().then(|| SpanTrace {
        trace_id: ids.trace_id().to_bytes(),
        span_id: ids.span_id().to_bytes(),
        flags: ids.trace_flags().to_u8(),
        is_recording: span.is_recording(),
    })
}

fn otel(value: SpanValue) -> Value {
    match value {
        SpanValue::Text(text) => text.into(),
        SpanValue::Word(word) => word.into(),
        SpanValue::Int(int) => int.into(),
        SpanValue::Double(double) => double.into(),
        SpanValue::Bool(bool) => bool.into(),
    }
}
