//! The smallest audited program: one annotated function, one line in `audit_logs/`.

#![allow(clippy::print_stdout, reason = "it says where to look")]

use std::{error::Error, time::Duration};

use tracing::instrument;
use tracing_llm_audit::{LlmAudit, LlmCall};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

#[instrument(skip_all, fields(
    gen_ai.operation.name = "chat",
    gen_ai.provider.name = "openai",
    gen_ai.request.model = "gpt-4o-mini",
    user.id = user,
))]
fn ask(user: &str, question: &str) -> &'static str {
    let call = LlmCall::current();
    call.input_text(question);
    let (status, body) = send(question);
    call.response(body, status);
    body
}

/// Stands in for the HTTP request.
fn send(_question: &str) -> (u16, &'static str) {
    let body = r#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}],"usage":{"prompt_tokens":19,"completion_tokens":2,"total_tokens":21}}"#;
    (200, body)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (audit, guard) = LlmAudit::builder().directory("audit_logs").build()?;
    tracing_subscriber::registry().with(audit).init();

    ask("user-1", "Is Berlin the capital of Germany?");

    guard.shutdown(Duration::from_secs(5))?;
    println!("recorded in audit_logs/; look with: cargo run -q -p llm-audit -- cat");
    Ok(())
}
