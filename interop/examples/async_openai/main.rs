//! async-openai, audited by the middleware in its HTTP client: it emits no spans, and needs none.
//!
//! Recorded traffic is replayed on loopback, so it needs no key and no network:
//! `cargo run -p interop --example async_openai`.

#![allow(clippy::print_stdout, reason = "it shows the records")]

mod service;

use std::error::Error;

use async_openai::{
    Client,
    config::OpenAIConfig,
    types::chat::{ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequestArgs},
};
use futures::StreamExt as _;
use interop::{recording::Recording, replay::Provider};
use reqwest_middleware::ClientBuilder;
use tracing_llm_audit::{Who, reqwest_middleware_0_5::AuditMiddleware, testing};
use tracing_subscriber::prelude::*;

use crate::service::WithMiddleware;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // In a program of yours: `LlmAudit::builder().directory("audit_logs").build()?`, which gives a guard.
    let (layer, audit) = testing::in_memory();
    tracing_subscriber::registry().with(layer).init();

    let recordings = [
        "openai-chat-cached",
        "openai-chat-stream-usage",
        "openai-chat-error",
    ];
    let recordings = recordings.into_iter().map(Recording::read);
    let server = Provider::answering(recordings.collect::<Result<_, _>>()?)?;

    // Hosts that everybody knows need no `base_url`.
    let middleware = AuditMiddleware::new().base_url(&server.base_url(), "openai")?;
    let http = ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build();
    let config = OpenAIConfig::new()
        .with_api_base(server.base_url())
        .with_api_key("key");
    let client = Client::with_config(config).with_http_service(WithMiddleware(http));

    Who::new().user("ada").scope(ask(&client)).await?;

    for record in audit.records() {
        println!("{}", record.line());
    }
    Ok(())
}

async fn ask(client: &Client<OpenAIConfig>) -> Result<(), Box<dyn Error>> {
    let message = ChatCompletionRequestUserMessageArgs::default()
        .content("What is the capital of Germany?")
        .build()?;
    let mut request = CreateChatCompletionRequestArgs::default();
    request.model("gpt-4o-mini").messages([message.into()]);

    client.chat().create(request.build()?).await?;
    let mut stream = client.chat().create_stream(request.build()?).await?;
    while let Some(chunk) = stream.next().await {
        chunk?;
    }
    // This one is refused; the record says with what.
    let refused = client.chat().create(request.build()?).await;
    println!("refused: {}", refused.is_err());
    Ok(())
}
