//! rig's agents: who asked, tools, and usage that is counted once.

use futures::StreamExt as _;
use rig_agent::{
    AgentBuilder,
    tool::{Tool, ToolContext},
};
use rig_core::providers::{gemini::GeminiConfig, openai::OpenAIConfig};
use rig_reqwest::ReqwestClient;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use tracing::Instrument as _;
use tracing_llm_audit::testing::Recorded;

use crate::support::{assert_has, audited, of, provider};

#[derive(Deserialize)]
struct Numbers {
    x: i64,
    y: i64,
}

/// The tool that the recorded model calls.
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

    async fn call(&self, _: &mut ToolContext, args: Numbers) -> Result<i64, Infallible> {
        Ok(args.x + args.y)
    }
}

/// The same tool, on a bad day.
struct Broken;

impl Tool for Broken {
    const NAME: &'static str = "add";
    type Args = Numbers;
    type Output = i64;
    type Error = std::fmt::Error;

    fn description(&self) -> String {
        "Adds two numbers".to_owned()
    }

    fn parameters(&self) -> Value {
        Add.parameters()
    }

    async fn call(&self, _: &mut ToolContext, _: Numbers) -> Result<i64, std::fmt::Error> {
        Err(std::fmt::Error)
    }
}

#[derive(Deserialize)]
struct Nothing {}

struct Ping;

impl Tool for Ping {
    const NAME: &'static str = "ping";
    type Args = Nothing;
    type Output = String;
    type Error = Infallible;

    fn description(&self) -> String {
        "Answers".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({"type": "object", "properties": {}})
    }

    async fn call(&self, _: &mut ToolContext, _: Nothing) -> Result<String, Infallible> {
        Ok("pong".to_owned())
    }
}

fn http() -> ReqwestClient {
    ReqwestClient::from(reqwest::Client::new())
}

const TOOL_CALLS: [&str; 2] = ["gemini-function-call", "gemini-nothoughts"];

async fn add(base: String) {
    let config = GeminiConfig::new("key").with_base_url(base);
    let model = config.connect(http()).completion("gemini-2.5-flash-lite");
    let agent = AgentBuilder::new(model)
        .name("calculator")
        .tool(Add)
        .build();
    agent.prompt("What is 2 + 3?").max_turns(3).await.unwrap();
}

#[track_caller]
fn assert_two_turns_and_a_tool(records: &[Recorded]) {
    let chats = of(records, "generate_content");
    let counts: Vec<_> = chats.iter().map(|chat| chat.get("input_tokens")).collect();
    assert_eq!(counts, [json!(67), json!(8)], "{records:?}");
    for chat in &chats {
        assert_has(
            chat,
            &json!({
                "provider": "gcp.gemini", "request_model": "gemini-2.5-flash-lite", "agent_name": "calculator",
                "status": "success", "stream": false,
            }),
        );
        assert!(!chat.get("cost_usd").is_null());
    }
    let tools = of(records, "execute_tool");
    assert_eq!(tools.len(), 1);
    assert_has(
        tools[0],
        &json!({
            "tool_name": "add", "tool_type": "function", "status": "success",
            "input_tokens": null, "cost_usd": null,
        }),
    );
}

#[test]
fn an_agent_with_a_tool_is_a_tree_in_which_tokens_are_counted_once() {
    let server = provider(&TOOL_CALLS);
    let ((), records) = audited(add(server.base_url()));
    assert_two_turns_and_a_tool(&records);
    let agents = of(&records, "invoke_agent");
    assert_eq!((agents.len(), records.len()), (1, 4));
    assert_has(
        agents[0],
        &json!({
            "agent_name": "calculator", "status": "success", "input_tokens": null, "output_tokens": null, "cost_usd": null,
        }),
    );
    for record in records
        .iter()
        .filter(|record| record.get("operation") != "invoke_agent")
    {
        assert_eq!(record.get("parent_request_id"), agents[0].get("request_id"));
    }
}

/// Where the host has a span, rig makes none of its own for the run.
#[test]
fn who_asked_comes_from_the_hosts_span_around_the_agent() {
    let server = provider(&TOOL_CALLS);
    let ((), records) = audited(async {
        let request =
            tracing::info_span!("request", user.id = "ada", gen_ai.conversation.id = "c-1");
        add(server.base_url()).instrument(request).await;
    });
    assert_two_turns_and_a_tool(&records);
    assert_eq!(records.len(), 3);
    for record in &records {
        assert_has(record, &json!({"user_id": "ada", "conversation_id": "c-1"}));
    }
}

/// Content that rig is told to put on its spans is hashed, and goes no further.
#[test]
fn content_on_the_spans_is_hashed_and_dropped() {
    let server = provider(&["gemini-nothoughts"]);
    let ((), records) = audited(async {
        let config = GeminiConfig::new("key").with_base_url(server.base_url());
        let model = config.connect(http()).completion("gemini-2.5-flash-lite");
        let agent = AgentBuilder::new(model)
            .preamble("Be brief.")
            .record_content_telemetry(true)
            .build();
        agent.prompt("What is a marmot?").await.unwrap();
    });
    for record in &records {
        assert_has(
            record,
            &json!({"capture": "attributes", "status": "success"}),
        );
        assert!(!record.get("input_hash").as_str().unwrap().is_empty());
        assert!(
            !record
                .get("system_prompt_hash")
                .as_str()
                .unwrap()
                .is_empty()
        );
        assert!(!record.line().contains("marmot") && !record.line().contains("brief"));
    }
    assert_eq!(records.len(), 2);
}

/// A tool that fails is not the call that asked for it.
#[test]
fn a_failed_tool_is_an_error_of_the_tool() {
    let server = provider(&TOOL_CALLS);
    let ((), records) = audited(async {
        let config = GeminiConfig::new("key").with_base_url(server.base_url());
        let model = config.connect(http()).completion("gemini-2.5-flash-lite");
        let agent = AgentBuilder::new(model).tool(Broken).build();
        agent.prompt("What is 2 + 3?").max_turns(3).await.unwrap();
    });
    assert_eq!(of(&records, "execute_tool")[0].get("status"), "error");
    let chats = of(&records, "generate_content");
    assert!(chats.iter().all(|chat| chat.get("status") == "success"));
}

#[test]
fn a_streamed_run_is_the_same_tree() {
    let server = provider(&["openai-chat-stream-tools", "openai-chat-stream-usage"]);
    let ((), records) = audited(async {
        let config = OpenAIConfig::new("key").with_base_url(server.base_url());
        let model = config.connect(http()).chat("gpt-4o");
        let agent = AgentBuilder::new(model).name("pinger").tool(Ping).build();
        let mut run = agent.prompt("Ping, please.").max_turns(3).stream();
        while let Some(item) = run.next().await {
            // The second recording ends at its token limit, before any text; the run says so.
            if item.is_err() {
                break;
            }
        }
    });
    let chats = of(&records, "chat");
    assert_has(
        chats[0],
        &json!({
            "input_tokens": 57, "output_tokens": 10, "stream": true, "status": "success", "model": "gpt-4o-2024-08-06",
        }),
    );
    assert_eq!(of(&records, "execute_tool").len(), 1);
    let agents = of(&records, "invoke_agent");
    assert_has(agents[0], &json!({"input_tokens": null, "cost_usd": null}));
    assert_eq!(
        chats[0].get("parent_request_id"),
        agents[0].get("request_id")
    );
}
