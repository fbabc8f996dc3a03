//! What goes through an HTTP client, over real connections on loopback: the client sees what it would see without us,
//! and the record says what happened.

mod bodies;
mod ends;
#[cfg(all(feature = "otlp", feature = "opentelemetry"))]
mod example;
mod refusals;
mod replay;
mod retries;
pub(crate) mod server;
mod spans;
mod system_calls;

use std::future::Future;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::Value;
use tracing_llm_audit::{
    AuditGuard, LlmAudit,
    reqwest_middleware_0_5::AuditMiddleware,
    testing::{Recorded, TestAudit, in_memory_with},
};
use tracing_subscriber::Registry;

use self::server::Server;

/// A prompt that any host takes.
pub(crate) const REQUEST: &str = r#"{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"Why is the sky blue?"}]}"#;
/// An answer to it.
pub(crate) const ANSWER: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"It scatters."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":5}}"#;
/// Where it is asked for.
pub(crate) const PATH: &str = "/v1/messages";

/// An audit in memory, of which no dispatcher knows.
pub(crate) fn audit() -> TestAudit {
    let (layer, audit) = in_memory_with::<Registry>(LlmAudit::builder()).unwrap();
    // The layer alone would keep nothing alive that the guard does not.
    drop(layer);
    audit
}

/// The middleware for an audit, with a server's address as that of Anthropic.
pub(crate) fn middleware(guard: &AuditGuard, server: &Server) -> AuditMiddleware {
    AuditMiddleware::of(guard.capture())
        .base_url(&server.url(""), "anthropic")
        .unwrap()
}

/// A client that sees raw bodies, and never goes through this machine's proxies.
pub(crate) fn plain() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .build()
        .unwrap()
}

pub(crate) fn client(middleware: AuditMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(middleware).build()
}

/// Runs on a runtime of one thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Returns the one record that there must be.
pub(crate) fn one(audit: &TestAudit) -> Recorded {
    let mut records = audit.records();
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

/// Asserts members of a record.
#[track_caller]
pub(crate) fn assert_members(record: &Recorded, members: &[(&str, Value)]) {
    for (key, expected) in members {
        assert_eq!(record.get(key), *expected, "{key} of {record:?}");
    }
}
