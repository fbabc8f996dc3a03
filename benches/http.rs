//! What the middleware costs a call: time to the first byte, time to the last, processor time, instructions, beside the
//! plain client and a client with a middleware that does nothing.
//!
//! `cargo bench --bench http --features reqwest-middleware` prints medians over calls on loopback, the variants taking
//! turns. Processor time is that of the client's thread alone: the server and the writing thread have their own.
//! `valgrind --tool=callgrind --toggle-collect='*measured*' BINARY --callgrind VARIANT N` counts the instructions of
//! the client's side; `benches/http.sh` does it for all.
//!
//! Not here: the recorder's own work (`durable`), TLS.

#![allow(clippy::print_stdout, missing_docs)]

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use axum::http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use tokio::runtime::Runtime;
use tracing_llm_audit::{
    AuditGuard, LlmAudit, journal::MemoryStorage, reqwest_middleware_0_5::AuditMiddleware,
};
use tracing_subscriber::Registry;

const REQUEST_BYTES: usize = 4096;
/// Events of the streamed answer, each a chunk of its own.
const EVENTS: usize = 50;
const ROUNDS: usize = 1000;

/// What hands the request on, and nothing else.
struct Nothing;

#[async_trait::async_trait]
impl Middleware for Nothing {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        next.run(request, extensions).await
    }
}

const VARIANTS: [&str; 4] = ["plain", "no-op", "audit", "fail closed"];

/// A client, and what it reports to.
struct Variant {
    client: ClientWithMiddleware,
    guard: Option<AuditGuard>,
}

impl Variant {
    fn new(name: &str, server: SocketAddr) -> Self {
        let plain = reqwest::Client::builder()
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .expect("a client");
        let builder = ClientBuilder::new(plain);
        if name == "plain" || name == "no-op" {
            let builder = if name == "plain" {
                builder
            } else {
                builder.with(Nothing)
            };
            return Self {
                client: builder.build(),
                guard: None,
            };
        }
        let (layer, guard) = LlmAudit::builder()
            .directory("audit_logs")
            .storage(MemoryStorage::new())
            .build::<Registry>()
            .expect("memory does not fail");
        drop(layer);
        let audit = AuditMiddleware::of(guard.capture())
            .base_url(&format!("http://{server}"), "anthropic")
            .expect("a good URL");
        let audit = if name == "audit" {
            audit
        } else {
            audit.fail_closed()
        };
        Self {
            client: builder.with(audit).build(),
            guard: Some(guard),
        }
    }

    fn drain(&self) {
        if let Some(guard) = &self.guard {
            guard
                .flush(Duration::from_secs(60))
                .expect("memory does not fail");
        }
    }
}

/// The answer's head, and its chunks as they stand on the wire.
fn answer() -> Vec<Vec<u8>> {
    let start = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"usage":{"input_tokens":1012,"output_tokens":1}}}"#;
    let open =
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
    let delta = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and so on"}}"#;
    let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":50}}"#;
    let events = [start, open]
        .into_iter()
        .chain(std::iter::repeat_n(delta, EVENTS));
    let events = events.chain([end, r#"{"type":"message_stop"}"#]);
    let chunk = |event: &str| {
        let text = format!("data: {event}\n\n");
        format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
    };
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut parts = vec![head.to_vec()];
    parts.extend(events.map(chunk));
    parts.push(b"0\r\n\r\n".to_vec());
    parts
}

/// Answers every request in the same way, each chunk in a write of its own.
fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    thread::spawn(move || {
        let parts = answer();
        for stream in listener.incoming().flatten() {
            let parts = parts.clone();
            thread::spawn(move || answer_all(stream, &parts));
        }
    });
    address
}

fn answer_all(mut stream: TcpStream, parts: &[Vec<u8>]) {
    let _ = stream.set_nodelay(true);
    let mut buffer = vec![0; 64 << 10];
    let mut held = 0;
    while let Ok(count) = stream.read(&mut buffer[held..]) {
        held += count;
        let blank = buffer[..held].windows(4).position(|end| end == b"\r\n\r\n");
        if count == 0 {
            return;
        }
        if blank.is_some_and(|at| held >= at + 4 + REQUEST_BYTES) {
            held = 0;
            if parts
                .iter()
                .try_for_each(|part| stream.write_all(part))
                .is_err()
            {
                return;
            }
        }
    }
}

fn request_body() -> String {
    let start =
        r#"{"model":"claude-sonnet-4-5","stream":true,"messages":[{"role":"user","content":""#;
    let end = r#""}]}"#;
    let fill = REQUEST_BYTES - start.len() - end.len();
    format!("{start}{}{end}", "x".repeat(fill))
}

/// When the head, the first byte and the last byte of the answer had come.
struct Times {
    first: Duration,
    last: Duration,
}

/// The one function whose instructions are counted: a call, from the request to the last byte.
#[inline(never)]
fn measured(runtime: &Runtime, client: &ClientWithMiddleware, url: &str, body: String) -> Times {
    runtime.block_on(async {
        let start = Instant::now();
        let response = client.post(url).body(body).send().await;
        let mut response = response.expect("the server answers");
        let mut first = None;
        while let Some(chunk) = response.chunk().await.expect("and does not break off") {
            first.get_or_insert_with(|| start.elapsed());
            std::hint::black_box(chunk);
        }
        Times {
            first: first.expect("an answer has a body"),
            last: start.elapsed(),
        }
    })
}

/// The processor time of this thread.
fn thread_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64 / 1000.0
}

#[derive(Default)]
struct Taken {
    first: Vec<Duration>,
    last: Vec<Duration>,
    cpu: Vec<Duration>,
}

fn time(server: SocketAddr) {
    let (runtime, url) = (runtime(), format!("http://{server}/v1/messages"));
    let variants = VARIANTS.map(|name| Variant::new(name, server));
    let mut taken: [Taken; VARIANTS.len()] = Default::default();
    for round in 0..ROUNDS + 50 {
        for (variant, taken) in variants.iter().zip(&mut taken) {
            let body = request_body();
            let before = thread_time();
            let times = measured(&runtime, &variant.client, &url, body);
            let cpu = thread_time().saturating_sub(before);
            if round >= 50 {
                taken.first.push(times.first);
                taken.last.push(times.last);
                taken.cpu.push(cpu);
            }
            // Off the clock: the next variant does not pay for this one's record.
            variant.drain();
        }
    }
    println!(
        "{:<12} {:>14} {:>13} {:>16}",
        "us a call", "to first byte", "to last byte", "client's CPU"
    );
    for (name, taken) in VARIANTS.iter().zip(taken) {
        let (first, last, cpu) = (median(taken.first), median(taken.last), median(taken.cpu));
        println!("{name:<12} {first:>14.1} {last:>13.1} {cpu:>16.1}");
    }
}

fn callgrind(name: &str, count: usize, server: SocketAddr) {
    let (runtime, url) = (runtime(), format!("http://{server}/v1/messages"));
    let variant = Variant::new(name, server);
    for _ in 0..count {
        measured(&runtime, &variant.client, &url, request_body());
        variant.drain();
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let server = serve();
    if let Some(at) = arguments
        .iter()
        .position(|argument| argument == "--callgrind")
    {
        let count = arguments[at + 2].parse().expect("a count");
        return callgrind(&arguments[at + 1], count, server);
    }
    // `cargo test` runs benches too: it finds out here that this one still works.
    if arguments.iter().any(|argument| argument == "--bench") {
        time(server);
    } else {
        for name in VARIANTS {
            callgrind(name, 1, server);
        }
    }
}
