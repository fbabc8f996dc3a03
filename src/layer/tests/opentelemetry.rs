//! Beside a `tracing-opentelemetry` layer: the same ids, and our attributes on its span.

use opentelemetry::{KeyValue, Value, trace::TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData};
use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::{Layer, Registry, layer::SubscriberExt, registry};

use super::{Sink, chat};
use crate::{
    LlmCall,
    layer::{AuditLayer, Capture, CaptureOptions},
    tracing_opentelemetry_0_34::TracingOpenTelemetry,
};

struct Stack {
    sink: std::sync::Arc<Sink>,
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
}

impl Stack {
    fn new(sampler: Sampler) -> (Self, AuditLayer<Registry>) {
        let sink = std::sync::Arc::new(Sink::default());
        let mut options = CaptureOptions::default();
        options.bridge(TracingOpenTelemetry);
        let audit = Capture::layer(sink.clone(), options);
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_simple_exporter(exporter.clone())
            .build();
        (
            Self {
                sink,
                exporter,
                provider,
            },
            audit,
        )
    }

    fn otel<S>(&self) -> impl Layer<S>
    where
        S: tracing::Subscriber + for<'a> registry::LookupSpan<'a>,
    {
        tracing_opentelemetry::layer().with_tracer(self.provider.tracer("test"))
    }

    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }
}

fn value<'a>(span: &'a SpanData, name: &str) -> Vec<&'a Value> {
    let named = |attribute: &&KeyValue| attribute.key.as_str() == name;
    span.attributes
        .iter()
        .filter(named)
        .map(|attribute| &attribute.value)
        .collect()
}

#[test]
fn ids_are_those_of_the_backend_and_attributes_are_typed() {
    let (stack, audit) = Stack::new(Sampler::AlwaysOn);
    let dispatch = Dispatch::new(registry().with(audit).with(stack.otel()));
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request").entered();
        let _call = chat!(
            gen_ai.usage.input_tokens = 12_i64,
            gen_ai.usage.output_tokens = 5_u64
        )
        .entered();
    });
    let record = stack.sink.one();
    let spans = stack.spans();
    let [ask, request] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(
        record.trace.trace_id,
        ask.span_context.trace_id().to_bytes()
    );
    assert_eq!(record.trace.span_id, ask.span_context.span_id().to_bytes());
    assert_eq!(ask.parent_span_id, request.span_context.span_id());
    assert_eq!(
        value(ask, "llm_audit.request_id"),
        [&Value::from(record.request_id.to_string())]
    );
    assert_eq!(value(ask, "llm_audit.status"), [&Value::from("success")]);
    assert_eq!(value(ask, "llm_audit.cost_usd"), [&Value::F64(0.003_303)]);
    assert_eq!(
        value(ask, "llm_audit.input_hash"),
        [&Value::from("sha256:00")]
    );
    assert_eq!(value(ask, "gen_ai.response.id"), [&Value::from("resp-1")]);
    // The host's own integer stands once; its unsigned one is a text there, so ours is added.
    assert_eq!(value(ask, "gen_ai.usage.input_tokens"), [&Value::I64(12)]);
    assert!(value(ask, "gen_ai.usage.output_tokens").contains(&&Value::I64(5)));
    assert!(
        record.outcome.is_some(),
        "judged once, for the span and the record"
    );
}

#[test]
fn sampling_blinds_the_backend_and_not_the_audit() {
    let (stack, audit) = Stack::new(Sampler::AlwaysOff);
    let dispatch = Dispatch::new(registry().with(audit).with(stack.otel()));
    dispatcher::with_default(&dispatch, || chat!(user.id = "u").in_scope(|| ()));
    let record = stack.sink.one();
    assert!(stack.spans().is_empty());
    assert!(
        record.outcome.is_none(),
        "no span shows it, so the recorder judges"
    );
    assert_eq!(record.trace.flags, 0);
}

/// These wrappers never tell a layer its dispatcher.
#[test]
fn wrapped_layers_find_their_dispatcher() {
    let (stack, audit) = Stack::new(Sampler::AlwaysOn);
    let dispatch = Dispatch::new(registry().with(Some(audit)).with(stack.otel()));
    dispatcher::with_default(&dispatch, || chat!(user.id = "u").in_scope(|| ()));
    let record = stack.sink.one();
    assert_eq!(
        record.trace.span_id,
        stack.spans()[0].span_context.span_id().to_bytes()
    );
    let (stack, audit) = Stack::new(Sampler::AlwaysOn);
    let dispatch = Dispatch::new(registry().with(vec![audit]).with(stack.otel()));
    dispatcher::with_default(&dispatch, || chat!(user.id = "u").in_scope(|| ()));
    let record = stack.sink.one();
    assert_eq!(
        record.trace.span_id,
        stack.spans()[0].span_context.span_id().to_bytes()
    );
}

/// The remote parent is set between opening and entering; asking for the ids earlier would start the span without it.
#[test]
fn a_parent_set_before_the_first_entry_is_kept() {
    use opentelemetry::trace::{SpanContext, TraceContextExt, TraceFlags, TraceState};
    use tracing_opentelemetry::OpenTelemetrySpanExt;
    let (stack, audit) = Stack::new(Sampler::AlwaysOn);
    let dispatch = Dispatch::new(registry().with(audit).with(stack.otel()));
    let remote = SpanContext::new(
        7_u128.into(),
        9_u64.into(),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    dispatcher::with_default(&dispatch, || {
        let span = chat!(user.id = "u");
        span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote))
            .unwrap();
        span.in_scope(|| ());
    });
    assert_eq!(stack.sink.one().trace.trace_id, 7_u128.to_be_bytes());
}

#[test]
fn a_detached_call_is_in_the_trace_around_it() {
    let (stack, audit) = Stack::new(Sampler::AlwaysOn);
    let dispatch = Dispatch::new(registry().with(audit).with(stack.otel()));
    dispatcher::with_default(&dispatch, || {
        let _request = info_span!("request").entered();
        drop(LlmCall::start("chat", "openai", "m"));
    });
    let record = stack.sink.one();
    let request = &stack.spans()[0].span_context;
    assert_eq!(record.trace.trace_id, request.trace_id().to_bytes());
    assert_ne!(record.trace.span_id, request.span_id().to_bytes());
}
