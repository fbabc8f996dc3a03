//! A rig agent with a tool: its spans are the records, and the middleware in its transport reads the bodies.
//!
//! Recorded traffic is replayed on loopback, so it needs no key and no network:
//! `cargo run -p interop --example rig_agent`.

#![allow(clippy::print_stdout, reason = "it shows the records")]

use std::{convert::Infallible, error::Error};

use interop::{recording::Recording, replay::Provider};
use reqwest_middleware::ClientBuilder;
use rig_agent::{
    AgentBuilder,
    tool::{Tool, ToolContext},
};
use rig_core::providers::gemini::GeminiConfig;
use rig_reqwest::ReqwestMiddlewareClient;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::Instrument as _;
use tracing_llm_audit::{reqwest_middleware_0_5::AuditMiddleware, testing};
use tracing_subscriber::prelude::*;

#[derive(Deserialize)]
struct Numbers {
    x: i64,
    y: i64,
}

struct Add;

impl Tool for Add {
    const NAME: &'static str = "add";
    type Args = Numbers;
    type Output = i64;
    type Error = Infallible;

    fn description(&self) -> String {
        "Adds two numbers".to_owned()
    }

    fn parameters(&self) -> Value {
        let number = json!({"type": "number"});
        json!({"type": "object", "properties": {"x": number, "y": number}, "required": ["x", "y"]})
    }

    async fn call(&self, _: &mut ToolContext, numbers: Numbers) -> Result<i64, Infallible> {
        Ok(numbers.x + numbers.y)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // In a program of yours: `LlmAudit::builder().directory("audit_logs").build()?`, which gives a guard.
    let (layer, audit) = testing::in_memory();
    tracing_subscriber::registry().with(layer).init();

    let recordings = ["gemini-function-call", "gemini-nothoughts"];
    let recordings = recordings.into_iter().map(Recording::read);
    let server = Provider::answering(recordings.collect::<Result<_, _>>()?)?;

    // Hosts that everybody knows need no `base_url`.
    let middleware = AuditMiddleware::new().base_url(&server.base_url(), "gcp.gemini")?;
    let http = ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build();
    let gemini = GeminiConfig::new("key")
        .with_base_url(server.base_url())
        .connect(ReqwestMiddlewareClient::from(http));
    let model = gemini.completion("gemini-2.5-flash-lite");
    let agent = AgentBuilder::new(model)
        .name("calculator")
        .tool(Add)
        .build();

    // Who asks stands on a span of the host's; everything below inherits it.
    let request = tracing::info_span!("request", user.id = "ada");
    let answer = agent.prompt("What is 2 + 3?").max_turns(3);
    async { answer.await }.instrument(request).await?;

    for record in audit.records() {
        println!("{}", record.line());
    }
    Ok(())
}
