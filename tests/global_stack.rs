//! The whole stack, installed globally: the audit, `tracing-opentelemetry`, and fmt behind `RUST_LOG=off`, under axum.
//!
//! The global subscriber is the process's own, so this file is a process of its own; its tests tell their records
//! apart by who asked.
#![cfg(feature = "opentelemetry")]

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, extract::Path, response::Response, routing::get};
use futures_util::{Stream, StreamExt, stream};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::instrument;
use tracing_llm_audit::{
    Installation, LlmCall,
    testing::{self, Recorded, TestAudit},
};
use tracing_subscriber::{EnvFilter, fmt};

struct Stack {
    audit: TestAudit,
    spans: InMemorySpanExporter,
    _provider: SdkTracerProvider,
}

/// Installs everything once.
fn stack() -> &'static Stack {
    static STACK: OnceLock<Stack> = OnceLock::new();
    STACK.get_or_init(|| {
        let (layer, audit) = testing::in_memory();
        let spans = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .build();
        let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        Installation::new(layer)
            .with(otel)
            .with_filtered(fmt::layer(), EnvFilter::new("off"))
            .init()
            .expect("nothing blinds the audit");
        Stack {
            audit,
            spans,
            _provider: provider,
        }
    })
}

fn record_of(user: &str) -> Recorded {
    let mut records = stack().audit.records();
    records.retain(|record| record.get("user_id") == user);
    assert_eq!(records.len(), 1, "one record of {user}: {records:?}");
    records.remove(0)
}

fn span_of(record: &Recorded) -> SpanData {
    let spans = stack().spans.get_finished_spans().expect("not shut down");
    let id = record.get("span_id");
    let found = spans
        .into_iter()
        .find(|span| id == span.span_context.span_id().to_string());
    found.expect("the record's span is in the backend")
}

const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929",
    "content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}"#;

#[instrument(skip_all, err, fields(gen_ai.operation.name = "chat", gen_ai.provider.name = "anthropic",
    gen_ai.request.model = "claude-sonnet-4-5"))]
async fn ask(good: bool) -> Result<String, String> {
    tokio::task::yield_now().await;
    let call = LlmCall::current();
    call.system("Be brief.").input(&[("user", "hello")]);
    if !good {
        return Err("overloaded".to_owned());
    }
    call.response(ANSWER, 200);
    Ok("Hello".to_owned())
}

#[instrument(skip_all, fields(gen_ai.operation.name = "chat", gen_ai.provider.name = "anthropic",
    gen_ai.request.model = "claude-sonnet-4-5"))]
async fn ask_streamed() -> impl Stream<Item = Result<&'static str, std::io::Error>> + Send + 'static
{
    tokio::task::yield_now().await;
    let events = [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_2\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[],\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ];
    let events = stream::iter(events.map(Ok)).then(|event| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        event
    });
    LlmCall::current().stream(events).http_status(200)
}

/// The host's own request span names who asks; it is no call itself.
#[instrument(skip_all, fields(user.id = user))]
async fn handle(Path((user, how)): Path<(String, String)>) -> Response {
    match how.as_str() {
        "stream" => Response::new(Body::from_stream(ask_streamed().await)),
        how => match ask(how == "good").await {
            Ok(text) => Response::new(Body::from(text)),
            Err(error) => Response::builder()
                .status(502)
                .body(Body::from(error))
                .expect("valid"),
        },
    }
}

async fn get_from_service(path: &str) -> (u16, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let service = Router::new().route("/{user}/{how}", get(handle));
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let response = reqwest::get(format!("http://{address}{path}"))
        .await
        .expect("the service answers");
    let answer = (
        response.status().as_u16(),
        response.text().await.expect("a body"),
    );
    server.abort();
    answer
}

fn run<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("runtime").block_on(body)
}

#[test]
fn a_call_below_a_request_of_axum() {
    stack();
    assert_eq!(
        run(get_from_service("/ada/good")),
        (200, "Hello".to_owned())
    );
    let record = record_of("ada");
    assert_eq!(record.get("status"), "success");
    assert_eq!(record.get("input_tokens"), 10);
    assert_eq!(record.get("model"), "claude-sonnet-4-5-20250929");
    let span = span_of(&record);
    assert_eq!(
        record.get("trace_id"),
        span.span_context.trace_id().to_string()
    );
    let shown = |name: &str| {
        let found = span
            .attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == name);
        found
            .map(|attribute| attribute.value.to_string())
            .unwrap_or_default()
    };
    assert_eq!(
        shown("llm_audit.request_id"),
        record.get("request_id").as_str().unwrap_or_default()
    );
    assert_eq!(shown("gen_ai.usage.input_tokens"), "10");
    assert_eq!(shown("llm_audit.status"), "success");
    assert_eq!(
        shown("llm_audit.cost_usd"),
        record.get("cost_usd").to_string()
    );
}

#[test]
fn a_call_that_fails_tells_the_error() {
    stack();
    assert_eq!(
        run(get_from_service("/bob/bad")),
        (502, "overloaded".to_owned())
    );
    let record = record_of("bob");
    assert_eq!(record.get("status"), "error");
    assert_eq!(record.get("error_message"), "overloaded");
}

#[test]
fn a_reply_returned_as_a_stream_ends_with_the_stream() {
    stack();
    let (status, body) = run(get_from_service("/cleo/stream"));
    assert!(
        status == 200 && body.ends_with("\"message_stop\"}\n\n"),
        "{body}"
    );
    let record = record_of("cleo");
    assert_eq!(record.get("status"), "success");
    assert_eq!(
        (record.get("input_tokens"), record.get("output_tokens")),
        (7.into(), 3.into())
    );
    assert_eq!(record.get("stream"), true);
    assert!(
        record.get("latency_ms").as_f64() >= Some(15.0),
        "{record:?}"
    );
    assert!(
        record.get("time_to_first_chunk_ms").as_f64() >= Some(5.0),
        "{record:?}"
    );
}

/// `log_enabled!` asks the filters without an event that follows (tokio-rs/tracing#2519).
#[test]
fn log_enabled_between_spans_loses_none() {
    stack();
    for at in 0..20 {
        let user = format!("log-{at}");
        tracing::info_span!("ask", gen_ai.operation.name = "chat", user.id = user).in_scope(|| {
            let _ = log::log_enabled!(log::Level::Debug);
        });
    }
    (0..20).for_each(|at| drop(record_of(&format!("log-{at}"))));
}

#[test]
fn a_thread_that_ends_closes_its_spans() {
    stack();
    std::thread::spawn(|| {
        thread_local!(static KEPT: std::cell::RefCell<Option<tracing::Span>> = const { std::cell::RefCell::new(None) });
        let span = tracing::info_span!("ask", gen_ai.operation.name = "chat", user.id = "thread");
        span.in_scope(|| ());
        KEPT.set(Some(span));
    })
    .join()
    .expect("no panic");
    record_of("thread");
}

/// The first threads that reach a callsite at once: while one of them registers it, `tracing` asks the filters for the
/// others, before they were told of the callsite. Two calls of five were lost then.
#[test]
fn a_callsite_that_threads_reach_at_once_loses_no_call() {
    const THREADS: usize = 2;
    macro_rules! callsites {
        ($($at:literal)*) => {
            [$(|| drop(tracing::info_span!("ask", gen_ai.operation.name = "chat", user.id = "at-once", at = $at))),*]
        };
    }
    stack();
    let callsites: [fn(); 24] =
        callsites!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23);
    // Spinning, so that they go on within nanoseconds of each other.
    let arrived = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for (at, callsite) in callsites.into_iter().enumerate() {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    while arrived.load(Ordering::SeqCst) < (at + 1) * THREADS {
                        std::hint::spin_loop();
                    }
                    callsite();
                }
            });
        }
    });
    let records = stack().audit.records();
    let found = records
        .iter()
        .filter(|record| record.get("user_id") == "at-once");
    assert_eq!(found.count(), callsites.len() * THREADS);
}
