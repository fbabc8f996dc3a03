//! What a span costs its caller: with our layer, with `tracing-opentelemetry`, with both, with neither.
//!
//! `cargo bench --bench span` prints nanoseconds of wall time: the best and the median batch of each variant. Queues
//! are drained between batches, outside of what is measured: it is the caller's cost in a steady state.
//! `valgrind --tool=callgrind --toggle-collect='*measured*' BINARY --callgrind VARIANT N` counts the instructions of
//! the measured calls alone; `benches/span.sh` does it for all.
//!
//! Not here: the recorder's own work, which is on another thread.

use std::{
    env,
    hint::black_box,
    sync::{Arc, Barrier},
    thread,
    time::Instant,
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter},
};
use tracing::{Dispatch, dispatcher, field::Empty};
use tracing_llm_audit::{
    AuditLayer, LlmCall,
    measure::{self, Drained},
    tracing_opentelemetry_0_34::TracingOpenTelemetry,
};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, registry};

#[derive(Debug)]
struct Discards;

impl SpanExporter for Discards {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

/// Spans in a batch, below every queue's size.
const BATCH: usize = 500;

/// A composition of layers, and how to empty its queues.
struct Stack {
    dispatch: Dispatch,
    provider: Option<SdkTracerProvider>,
    drained: Option<Arc<Drained>>,
}

impl Stack {
    /// `audit` and `otel` say which layers there are; `filter` puts OpenTelemetry behind an `EnvFilter`.
    fn new(audit: bool, otel: bool, filter: bool) -> Self {
        let provider = otel.then(|| {
            let config = BatchConfigBuilder::default()
                .with_max_queue_size(16 * BATCH)
                .build();
            let processor = BatchSpanProcessor::builder(Discards)
                .with_batch_config(config)
                .build();
            SdkTracerProvider::builder()
                .with_span_processor(processor)
                .build()
        });
        let (drained, layer): (Arc<Drained>, AuditLayer<Registry>) =
            measure::layer(otel.then(|| Box::new(TracingOpenTelemetry::default()) as _));
        let tracer = provider.as_ref().map(|provider| provider.tracer("bench"));
        let dispatch = match (audit, tracer) {
            (false, None) => Dispatch::new(registry()),
            (true, None) => Dispatch::new(registry().with(layer)),
            (false, Some(tracer)) => {
                let otel = tracing_opentelemetry::layer().with_tracer(tracer);
                if filter {
                    Dispatch::new(registry().with(otel.with_filter(EnvFilter::new("info"))))
                } else {
                    Dispatch::new(registry().with(otel))
                }
            }
            (true, Some(tracer)) => {
                let otel = tracing_opentelemetry::layer().with_tracer(tracer);
                if filter {
                    let otel = otel.with_filter(EnvFilter::new("info"));
                    Dispatch::new(registry().with(layer).with(otel))
                } else {
                    Dispatch::new(registry().with(layer).with(otel))
                }
            }
        };
        Self {
            dispatch,
            provider,
            drained: audit.then_some(drained),
        }
    }

    fn drain(&self) {
        if let Some(provider) = &self.provider {
            provider.force_flush().expect("the exporter never fails");
        }
        if let Some(drained) = &self.drained {
            drained.drain();
        }
    }
}

/// An annotated call: 14 fields at open, 11 recorded later.
fn call(at: usize) {
    let span = open(at);
    let _entered = span.enter();
    record(&span, at);
}

fn open(at: usize) -> tracing::Span {
    tracing::info_span!(
        "ask",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "anthropic",
        gen_ai.request.model = "claude-sonnet-4-5",
        gen_ai.request.max_tokens = 1024,
        gen_ai.request.temperature = 0.2,
        gen_ai.request.top_p = 0.9,
        gen_ai.request.stream = false,
        gen_ai.conversation.id = "conv-5f0e2c1a",
        gen_ai.agent.name = "support",
        server.address = "api.anthropic.com",
        server.port = 443,
        user.id = "user-4711",
        tenant.id = "tenant-17",
        gen_ai.request.seed = at,
        gen_ai.response.model = Empty,
        gen_ai.response.id = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.reasoning.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_write.input_tokens = Empty,
        gen_ai.response.time_to_first_chunk = Empty,
        gen_ai.output.type = Empty,
        openai.response.service_tier = Empty,
    )
}

fn record(span: &tracing::Span, at: usize) {
    span.record("gen_ai.response.model", "claude-sonnet-4-5-20250929");
    span.record("gen_ai.response.id", "msg_01XFDUDYJgAACzvnptvVoYEL");
    span.record("gen_ai.response.finish_reasons", "[\"end_turn\"]");
    span.record("gen_ai.usage.input_tokens", at as i64);
    span.record("gen_ai.usage.output_tokens", 412_i64);
    span.record("gen_ai.usage.reasoning.output_tokens", 128_i64);
    span.record("gen_ai.usage.cache_read.input_tokens", 1024_i64);
    span.record("gen_ai.usage.cache_write.input_tokens", 0_i64);
    span.record("gen_ai.response.time_to_first_chunk", 0.312);
    span.record("gen_ai.output.type", "text");
    span.record("openai.response.service_tier", "standard");
}

/// The same call with its prompt and completion given to the handle.
fn call_with_content(at: usize, content: (Vec<u8>, Vec<u8>)) {
    let span = open(at);
    let _entered = span.enter();
    let handle = LlmCall::current();
    handle.input_json(content.0);
    record(&span, at);
    handle.output_json(content.1);
}

fn other_span(at: usize) {
    let span = tracing::info_span!(
        "query",
        db.system = "postgresql",
        rows = at,
        table = "orders"
    );
    let _entered = span.enter();
    black_box(at);
}

fn other_event(at: usize) {
    tracing::info!(rows = at, table = "orders", "queried");
}

fn disabled(at: usize) {
    tracing::trace!(rows = at, "never");
}

/// What one variant does.
#[derive(Clone, Copy)]
enum Work {
    Call,
    Content,
    Span,
    Event,
    Disabled,
}

const VARIANTS: [(&str, Work, [bool; 3]); 13] = [
    ("call/none", Work::Call, [false, false, false]),
    ("call/audit", Work::Call, [true, false, false]),
    ("call/otel", Work::Call, [false, true, false]),
    ("call/both", Work::Call, [true, true, false]),
    ("content/audit", Work::Content, [true, false, false]),
    ("content/none", Work::Content, [false, false, false]),
    ("span/otel", Work::Span, [false, true, true]),
    ("span/both", Work::Span, [true, true, true]),
    ("event/otel", Work::Event, [false, true, true]),
    ("event/both", Work::Event, [true, true, true]),
    ("disabled/none", Work::Disabled, [false, false, false]),
    ("disabled/otel", Work::Disabled, [false, true, true]),
    ("disabled/both", Work::Disabled, [true, true, true]),
];

/// The one function whose instructions are counted.
#[inline(never)]
fn measured(work: Work, content: &mut Vec<(Vec<u8>, Vec<u8>)>, count: usize) {
    match work {
        Work::Call => (0..count).for_each(|at| call(black_box(at))),
        Work::Content => content
            .drain(..)
            .enumerate()
            .for_each(|(at, content)| call_with_content(at, content)),
        Work::Span => (0..count).for_each(|at| other_span(black_box(at))),
        Work::Event => (0..count).for_each(|at| other_event(black_box(at))),
        Work::Disabled => (0..count).for_each(|at| disabled(black_box(at))),
    }
}

/// A 4 KiB prompt and a 2 KiB completion for each call.
fn content(work: Work, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes();
    match work {
        Work::Content => (0..count).map(|_| (text(4096), text(2048))).collect(),
        _ => Vec::new(),
    }
}

fn batch(stack: &Stack, work: Work, count: usize) -> u128 {
    let mut content = content(work, count);
    let root = tracing::info_span!("root");
    let _entered = matches!(work, Work::Event).then(|| root.enter());
    let start = Instant::now();
    measured(work, &mut content, count);
    let passed = start.elapsed().as_nanos();
    drop(_entered);
    drop(root);
    stack.drain();
    passed
}

fn time(work: Work, stack: &Stack) -> (f64, f64) {
    dispatcher::with_default(&stack.dispatch, || {
        let mut batches: Vec<_> = (0..120).map(|_| batch(stack, work, BATCH)).collect();
        batches.drain(..20);
        batches.sort_unstable();
        let each = |passed: u128| passed as f64 / BATCH as f64;
        (each(batches[0]), each(batches[batches.len() / 2]))
    })
}

/// Wall time per call of eight threads that all make calls at once.
fn time_threads(stack: &Stack) -> (f64, f64) {
    const THREADS: usize = 8;
    let mut rounds: Vec<u128> = (0..40)
        .map(|_| {
            let barrier = Barrier::new(THREADS + 1);
            let mut start = Instant::now();
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    let (barrier, dispatch) = (&barrier, &stack.dispatch);
                    scope.spawn(move || {
                        dispatcher::with_default(dispatch, || {
                            barrier.wait();
                            measured(Work::Call, &mut Vec::new(), BATCH);
                        });
                    });
                }
                start = Instant::now();
                barrier.wait();
            });
            let passed = start.elapsed().as_nanos();
            stack.drain();
            passed
        })
        .collect();
    rounds.sort_unstable();
    let each = |passed: u128| passed as f64 / (THREADS * BATCH) as f64;
    (each(rounds[0]), each(rounds[rounds.len() / 2]))
}

fn callgrind(variant: &str, count: usize) {
    let (_, work, [audit, otel, filter]) = VARIANTS
        .into_iter()
        .find(|(name, ..)| *name == variant)
        .expect("a variant's name");
    let stack = Stack::new(audit, otel, filter);
    dispatcher::with_default(&stack.dispatch, || {
        batch(&stack, work, count);
    });
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let Some(at) = arguments
        .iter()
        .position(|argument| argument == "--callgrind")
    {
        let count = arguments[at + 2].parse().expect("a number of calls");
        callgrind(&arguments[at + 1], count);
        return;
    }
    println!("{:16} {:>10} {:>10}  ns per call", "", "best", "median");
    for (name, work, [audit, otel, filter]) in VARIANTS {
        let (best, median) = time(work, &Stack::new(audit, otel, filter));
        println!("{name:16} {best:>10.1} {median:>10.1}");
    }
    for (name, audit, otel) in [
        ("threads/none", false, false),
        ("threads/audit", true, false),
        ("threads/otel", false, true),
    ] {
        let (best, median) = time_threads(&Stack::new(audit, otel, false));
        println!("{name:16} {best:>10.1} {median:>10.1}");
    }
}
