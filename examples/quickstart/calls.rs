//! The annotated calls: what an application adds to be audited, and the file to copy from.
//!
//! Each function is one LLM operation: its span names the operation, provider and model, and [`LlmCall`] is given what
//! went out and what came back. Tokens, cost and status are read from that. Who asked is said by the span around it
//! (`user.id`, in `scenario.rs`), so nothing here passes users along.

use bytes::Bytes;
use futures_util::Stream;
use tracing::instrument;
use tracing_llm_audit::LlmCall;

use crate::client::{Api, CallError, Request};

/// Asks Anthropic's Messages API and waits for the whole answer.
#[instrument(skip_all, err, fields(
    gen_ai.operation.name = "chat",
    gen_ai.provider.name = "anthropic",
    gen_ai.request.model = request.model(),
))]
pub async fn ask_anthropic(api: &Api, request: &Request) -> Result<Bytes, CallError> {
    let call = LlmCall::current();
    call.request_json(request.body());
    let response = api.post("/v1/messages", request).await?;
    let (status, body) = (response.status(), response.bytes().await?);
    call.response(body.clone(), status.as_u16());
    CallError::unless_success(status, body)
}

/// The same, streamed: the record is complete when the stream is, though this function has long returned.
#[instrument(skip_all, err, fields(
    gen_ai.operation.name = "chat",
    gen_ai.provider.name = "anthropic",
    gen_ai.request.model = request.model(),
))]
pub async fn stream_anthropic(
    api: &Api,
    request: &Request,
) -> Result<impl Stream<Item = reqwest::Result<Bytes>> + use<>, CallError> {
    let call = LlmCall::current();
    call.request_json(request.body());
    let response = api.post("/v1/messages", request).await?;
    Ok(call.stream(response.bytes_stream()))
}

/// Asks the Chat Completions API, unless the house's guard refuses.
#[instrument(skip_all, err, fields(
    gen_ai.operation.name = "chat",
    gen_ai.provider.name = "openai",
    gen_ai.request.model = request.model(),
))]
pub async fn ask_openai(api: &Api, request: &Request) -> Result<Bytes, CallError> {
    let call = LlmCall::current();
    call.request_json(request.body());
    if let Some(rule) = guard(request) {
        call.blocked(rule);
        return Err(CallError::Blocked(rule));
    }
    let response = api.post("/v1/chat/completions", request).await?;
    let (status, body) = (response.status(), response.bytes().await?);
    call.response(body.clone(), status.as_u16());
    CallError::unless_success(status, body)
}

/// An agent's turn: the model asks for a tool, the tool runs. Three records; the tokens are counted once, on the chat.
#[instrument(skip_all, err, fields(
    gen_ai.operation.name = "invoke_agent",
    gen_ai.provider.name = "anthropic",
    gen_ai.agent.name = "configurator",
))]
pub async fn run_agent(api: &Api, request: &Request) -> Result<(), CallError> {
    let answer = ask_anthropic(api, request).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)?;
    let blocks = answer["content"].as_array().into_iter().flatten();
    for block in blocks.filter(|block| block["type"] == "tool_use") {
        let name = block["name"].as_str().unwrap_or("unnamed");
        run_tool(name, &block["input"]);
    }
    Ok(())
}

/// Runs the tool that the model asked for.
#[instrument(skip_all, fields(gen_ai.operation.name = "execute_tool", gen_ai.tool.name = name))]
fn run_tool(name: &str, arguments: &serde_json::Value) -> String {
    let call = LlmCall::current();
    let result = format!("{name} is set");
    call.input(arguments).output_text(result.as_str());
    result
}

/// A guard as a house may have one: refuses a card number before it leaves.
fn guard(request: &Request) -> Option<&'static str> {
    let text = String::from_utf8_lossy(request.body());
    text.contains("4111 1111 1111 1111")
        .then_some("card_number")
}
