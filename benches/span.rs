//! What a span costs its caller: with our layer, with `tracing-opentelemetry`, with both, with neither; and what people
//! do today in its place.
//!
//! `cargo bench --bench span` prints nanoseconds of wall time: the best and the median batch of each variant. The real
//! recorder is behind our layer, over memory; queues are drained between batches, outside of what is measured: it is the
//! caller's cost in a steady state.
//! `valgrind --tool=callgrind --toggle-collect='*measured*' BINARY --callgrind VARIANT N` counts the instructions of
//! the measured calls alone; `benches/span.sh` does it for all.
//!
//! Not here: the recorder's own work, which is on another thread (`durable`).

#![allow(clippy::print_stdout, missing_docs)]

use std::{
    env,
    fmt::Write as _,
    fs::File,
    hint::black_box,
    io::{self, BufWriter, Write as _},
    sync::{Barrier, Mutex},
    thread,
    time::{Duration, Instant},
};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tracing::{Dispatch, dispatcher, field::Empty};
use tracing_llm_audit::{AuditGuard, AuditLayer, LlmAudit, LlmCall, journal::MemoryStorage};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, registry};

#[derive(Debug)]
struct Discards;

impl SpanExporter for Discards {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }
}

/// Spans in a batch, below every queue's size.
const BATCH: usize = 500;

/// Which layers there are.
#[derive(Clone, Copy)]
enum Layers {
    None,
    Audit,
    Otel,
    Both,
    /// OpenTelemetry behind an `EnvFilter`.
    OtelFiltered,
    BothFiltered,
    /// `tracing-subscriber`'s JSON lines, into nothing.
    Json,
}

/// A composition of layers, and how to empty its queues.
struct Stack {
    dispatch: Dispatch,
    provider: Option<SdkTracerProvider>,
    guard: Option<AuditGuard>,
}

impl Stack {
    fn new(layers: Layers) -> Self {
        use Layers::{Audit, Both, BothFiltered, Json, Otel, OtelFiltered};
        let provider = matches!(layers, Otel | Both | OtelFiltered | BothFiltered).then(provider);
        let tracer = provider.as_ref().map(|provider| provider.tracer("bench"));
        let (audit, guard) = matches!(layers, Audit | Both | BothFiltered)
            .then(audit)
            .unzip();
        let info = EnvFilter::new("info");
        let json = fmt::layer().json().with_writer(io::sink);
        let dispatch = match (audit, tracer, layers) {
            (None, None, Json) => Dispatch::new(registry().with(json)),
            (None, None, _) => Dispatch::new(registry()),
            (Some(audit), None, _) => Dispatch::new(registry().with(audit)),
            (None, Some(tracer), OtelFiltered) => {
                let otel = tracing_opentelemetry::layer().with_tracer(tracer);
                Dispatch::new(registry().with(otel.with_filter(info)))
            }
            (None, Some(tracer), _) => {
                let otel = tracing_opentelemetry::layer().with_tracer(tracer);
                Dispatch::new(registry().with(otel))
            }
            (Some(audit), Some(tracer), BothFiltered) => {
                let otel = tracing_opentelemetry::layer().with_tracer(tracer);
                Dispatch::new(registry().with(audit).with(otel.with_filter(info)))
            }
            (Some(audit), Some(tracer), _) => {
                let otel = tracing_opentelemetry::layer().with_tracer(tracer);
                Dispatch::new(registry().with(audit).with(otel))
            }
        };
        Self {
            dispatch,
            provider,
            guard,
        }
    }

    fn drain(&self) {
        if let Some(provider) = &self.provider {
            provider.force_flush().expect("the exporter never fails");
        }
        if let Some(guard) = &self.guard {
            guard
                .flush(Duration::from_secs(60))
                .expect("memory does not fail");
        }
    }
}

fn provider() -> SdkTracerProvider {
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(16 * BATCH)
        .build();
    let processor = BatchSpanProcessor::builder(Discards)
        .with_batch_config(config)
        .build();
    SdkTracerProvider::builder()
        .with_span_processor(processor)
        .build()
}

/// Our layer with its real recorder, over memory.
fn audit() -> (AuditLayer<Registry>, AuditGuard) {
    LlmAudit::builder()
        .directory("audit_logs")
        .storage(MemoryStorage::new())
        .build()
        .expect("memory does not fail")
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

/// What people do today: on the caller, the content hashed and a line of JSON written.
fn write_line(at: usize, content: &(Vec<u8>, Vec<u8>), out: &Mutex<BufWriter<File>>) {
    let hash = |bytes: &[u8]| {
        Sha256::digest(bytes)
            .iter()
            .fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    };
    let line = json!({
        "request_id": format!("{at:032x}"),
        "timestamp": "2026-11-22T10:00:01.000001Z",
        "user_id": "user-4711",
        "model": "claude-sonnet-4-5-20250929",
        "action": "messages.create",
        "system_prompt_hash": "",
        "input_tokens": at,
        "output_tokens": 412,
        "thinking_tokens": 128,
        "latency_ms": 312,
        "cost_usd": 0.003_303,
        "status": "success",
        "error_message": "",
        "sanitization_count": 0,
        "input_hash": hash(&content.0),
        "output_hash": hash(&content.1),
        "metadata": null,
    });
    let mut out = out.lock().expect("nobody panics with it");
    serde_json::to_writer(&mut *out, &line).expect("the disk has room");
    out.write_all(b"\n").expect("the disk has room");
}

/// The same call as an event, for a layer that writes it as JSON.
fn json_event(at: usize) {
    tracing::info!(
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
        gen_ai.response.model = "claude-sonnet-4-5-20250929",
        gen_ai.response.id = "msg_01XFDUDYJgAACzvnptvVoYEL",
        gen_ai.response.finish_reasons = "[\"end_turn\"]",
        gen_ai.usage.input_tokens = at as i64,
        gen_ai.usage.output_tokens = 412_i64,
        gen_ai.usage.reasoning.output_tokens = 128_i64,
        gen_ai.usage.cache_read.input_tokens = 1024_i64,
        gen_ai.usage.cache_write.input_tokens = 0_i64,
        gen_ai.response.time_to_first_chunk = 0.312,
        gen_ai.output.type = "text",
        openai.response.service_tier = "standard",
    );
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
    WriteLine,
    JsonEvent,
    Span,
    Event,
    Disabled,
}

const VARIANTS: [(&str, Work, Layers); 15] = [
    ("call/none", Work::Call, Layers::None),
    ("call/audit", Work::Call, Layers::Audit),
    ("call/otel", Work::Call, Layers::Otel),
    ("call/both", Work::Call, Layers::Both),
    ("call/json event", Work::JsonEvent, Layers::Json),
    ("content/none", Work::Content, Layers::None),
    ("content/audit", Work::Content, Layers::Audit),
    ("content/line", Work::WriteLine, Layers::None),
    ("span/otel", Work::Span, Layers::OtelFiltered),
    ("span/both", Work::Span, Layers::BothFiltered),
    ("event/otel", Work::Event, Layers::OtelFiltered),
    ("event/both", Work::Event, Layers::BothFiltered),
    ("disabled/none", Work::Disabled, Layers::None),
    ("disabled/otel", Work::Disabled, Layers::OtelFiltered),
    ("disabled/both", Work::Disabled, Layers::BothFiltered),
];

/// What calls are given.
struct Given {
    content: Vec<(Vec<u8>, Vec<u8>)>,
    out: Mutex<BufWriter<File>>,
}

impl Given {
    /// A 4 KiB prompt and a 2 KiB completion for each call that wants them, and a file.
    fn new(work: Work, count: usize) -> Self {
        let text = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2)).into_bytes();
        let content = match work {
            Work::Content | Work::WriteLine => {
                (0..count).map(|_| (text(4096), text(2048))).collect()
            }
            _ => Vec::new(),
        };
        let file = tempfile::tempfile().expect("a temporary file");
        Self {
            content,
            out: Mutex::new(BufWriter::new(file)),
        }
    }
}

/// The one function whose instructions are counted.
#[inline(never)]
fn measured(work: Work, given: &mut Given, count: usize) {
    let content = given.content.drain(..).enumerate();
    match work {
        Work::Call => (0..count).for_each(|at| call(black_box(at))),
        Work::Content => content.for_each(|(at, content)| call_with_content(at, content)),
        Work::WriteLine => content.for_each(|(at, content)| write_line(at, &content, &given.out)),
        Work::JsonEvent => (0..count).for_each(|at| json_event(black_box(at))),
        Work::Span => (0..count).for_each(|at| other_span(black_box(at))),
        Work::Event => (0..count).for_each(|at| other_event(black_box(at))),
        Work::Disabled => (0..count).for_each(|at| disabled(black_box(at))),
    }
}

fn batch(stack: &Stack, work: Work, count: usize) -> u128 {
    let mut given = Given::new(work, count);
    let root = tracing::info_span!("root");
    let entered = matches!(work, Work::Event).then(|| root.enter());
    let start = Instant::now();
    measured(work, &mut given, count);
    let passed = start.elapsed().as_nanos();
    drop(entered);
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
                            let mut given = Given::new(Work::Call, BATCH);
                            barrier.wait();
                            measured(Work::Call, &mut given, BATCH);
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
    let (_, work, layers) = VARIANTS
        .into_iter()
        .find(|(name, ..)| *name == variant)
        .expect("a variant's name");
    let stack = Stack::new(layers);
    dispatcher::with_default(&stack.dispatch, || {
        // In batches that every queue holds.
        (0..count / 200).for_each(|_| {
            batch(&stack, work, 200);
        });
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
    for (name, work, layers) in VARIANTS {
        let (best, median) = time(work, &Stack::new(layers));
        println!("{name:16} {best:>10.1} {median:>10.1}");
    }
    for (name, layers) in [
        ("threads/none", Layers::None),
        ("threads/audit", Layers::Audit),
        ("threads/otel", Layers::Otel),
    ] {
        let (best, median) = time_threads(&Stack::new(layers));
        println!("{name:16} {best:>10.1} {median:>10.1}");
    }
}
