//! A long-running service: every answer is audited, and stopping it loses nothing.
//!
//! ```text
//! cargo run --example axum_service
//! curl -s localhost:8080/ask -H 'x-user: user-1' -d 'Is Berlin the capital of Germany?'
//! curl -s localhost:8080/health
//! ```
//!
//! It asks the recorded answers of `tests/testdata`, or a real OpenAI-compatible API where `LLM_BASE_URL` says so (with
//! `LLM_API_KEY`). `LISTEN` is the address to listen on. Ctrl-C or SIGTERM: no new connections, open ones are finished,
//! then the audit is flushed; what could not be flushed in time is said, and is the exit status.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a program of its own: it prints, reads its environment, and its modules read better with `pub`"
)]

#[path = "quickstart/replay.rs"]
#[expect(dead_code, reason = "the recorded requests are not asked for here")]
mod replay;

use std::{env, error::Error, io, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, StatusCode},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};
use tracing::{Instrument, info_span, instrument};
use tracing_llm_audit::{AuditGuard, LlmAudit, LlmCall};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

/// How long open connections may take after the signal, and after them the audit.
const DRAIN_MAX: Duration = Duration::from_secs(20);
const FLUSH_MAX: Duration = Duration::from_secs(10);

const MODEL: &str = "gpt-3.5-turbo";

#[derive(Clone)]
struct App {
    client: reqwest::Client,
    base: String,
    key: Option<String>,
    audit: Arc<AuditGuard>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (audit, guard) = LlmAudit::builder()
        .from_env()
        .service_name("axum-service")
        .otlp_from_env()?
        .build()?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::registry()
        .with(audit)
        .with(tracing_subscriber::fmt::layer().with_filter(filter))
        .init();
    let guard = Arc::new(guard);

    let listen = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = App {
        client: reqwest::Client::new(),
        base: base_url().await?,
        key: env::var("LLM_API_KEY").ok(),
        audit: Arc::clone(&guard),
    };
    serve(listener, router(app)).await?;

    let left = tokio::task::spawn_blocking(move || guard.shutdown(FLUSH_MAX)).await?;
    match &left {
        Ok(()) => println!("stopped; every record is durable and delivered"),
        Err(left) => eprintln!("stopped, but: {left}"),
    }
    Ok(left?)
}

async fn base_url() -> io::Result<String> {
    match env::var("LLM_BASE_URL") {
        Ok(base) => Ok(base),
        Err(_) => replay::serve(Arc::new(replay::Recordings::open()?)).await,
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/ask", post(ask))
        .layer(middleware::from_fn(who_asks))
        .route("/health", get(health))
        .with_state(app)
}

/// Serves until told to stop, then gives open connections a bounded time.
async fn serve(listener: tokio::net::TcpListener, router: Router) -> io::Result<()> {
    let (told, mut stop) = tokio::sync::watch::channel(());
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop_signal().await;
        drop(told);
    });
    let overdue = async move {
        let _ = stop.changed().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        result = server => result,
        () = overdue => Ok(()),
    }
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    let terminate = async {
        let kind = tokio::signal::unix::SignalKind::terminate();
        match tokio::signal::unix::signal(kind) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<Option<()>>();
    tokio::select! {
        _ = interrupt => {}
        _ = terminate => {}
    }
}

/// Says who asks, once, for every call that the handlers make.
async fn who_asks(headers: HeaderMap, request: Request, next: Next) -> Response {
    let user = headers.get("x-user").and_then(|user| user.to_str().ok());
    let span = info_span!("request", user.id = user);
    next.run(request).instrument(span).await
}

type Answer = (StatusCode, [(HeaderName, String); 1], Json<Value>);

/// Answers a question; the audit's id of the call is in a header, for whoever asks about it later.
async fn ask(State(app): State<App>, question: String) -> Answer {
    let (id, answer) = chat(&app, &question).await;
    let id = [(
        HeaderName::from_static("x-audit-request-id"),
        id.unwrap_or_default(),
    )];
    match answer {
        Ok(answer) => (StatusCode::OK, id, Json(answer)),
        Err(error) => {
            let body = Json(json!({ "error": error.to_string() }));
            (StatusCode::BAD_GATEWAY, id, body)
        }
    }
}

/// The one audited call.
#[instrument(skip_all, fields(
    gen_ai.operation.name = "chat",
    gen_ai.provider.name = "openai",
    gen_ai.request.model = MODEL,
))]
async fn chat(app: &App, question: &str) -> (Option<String>, Result<Value, reqwest::Error>) {
    let call = LlmCall::current();
    let id = call.request_id().map(|id| id.to_string());
    let answer = send(app, &call, question).await;
    if let Err(error) = &answer {
        call.error(error);
    }
    (id, answer)
}

async fn send(app: &App, call: &LlmCall, question: &str) -> Result<Value, reqwest::Error> {
    let body = json!({ "model": MODEL, "messages": [{ "role": "user", "content": question }] });
    let body = body.to_string();
    call.request_json(body.as_bytes());
    let mut post = app
        .client
        .post(format!("{}/v1/chat/completions", app.base))
        .header("content-type", "application/json")
        .header("x-recording", "openai-chat-text");
    if let Some(key) = &app.key {
        post = post.bearer_auth(key);
    }
    let response = post.body(body).send().await?;
    let (status, body) = (response.status().as_u16(), response.bytes().await?);
    call.response(body.clone(), status);
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// The audit's counters: 503 once a record was dropped or a destination is unwell.
async fn health(State(app): State<App>) -> (StatusCode, Json<Value>) {
    let health = app.audit.health();
    let status = match health.dropped {
        0 => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({
        "accepted": health.accepted,
        "durable": health.durable,
        "dropped": health.dropped,
        "queued": health.queued,
    });
    (status, Json(body))
}
