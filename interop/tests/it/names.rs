//! Spans as other conventions name their attributes: `OpenInference`, `OpenLLMetry`, Langfuse.

use serde_json::json;
use tracing::info_span;
use tracing_llm_audit::{
    Hashing, LlmAudit, LlmCall,
    testing::{Recorded, in_memory_with},
};
use tracing_subscriber::prelude::*;

use crate::support::assert_has;

fn recorded(calls: impl FnOnce()) -> Vec<Recorded> {
    let (layer, audit) = in_memory_with(LlmAudit::builder().hashing(Hashing::Sha256)).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), calls);
    audit.records()
}

#[test]
fn openinference() {
    let records = recorded(|| {
        drop(info_span!(
            "ChatCompletion",
            openinference.span.kind = "LLM",
            llm.system = "openai",
            llm.model_name = "gpt-4o-mini",
            llm.invocation_parameters = "{\"temperature\":0.1}",
            "llm.input_messages.0.message.role" = "user",
            "llm.input_messages.0.message.content" = "Hi",
            "llm.output_messages.0.message.content" = "Hello",
            llm.token_count.prompt = 1000,
            llm.token_count.prompt_details.cache_read = 200,
            llm.token_count.completion = 10,
            llm.token_count.completion_details.reasoning = 4,
            llm.token_count.total = 1010,
            user.id = "ada",
            session.id = "s-1",
        ));
    });
    assert_has(
        &records[0],
        &json!({
            "operation": "chat", "provider": "openai", "request_model": "gpt-4o-mini", "user_id": "ada",
            "conversation_id": "s-1", "input_tokens": 1000, "cache_read_tokens": 200, "output_tokens": 10,
            "thinking_tokens": 4, "status": "success", "capture": "attributes",
        }),
    );
    assert!(!records[0].get("cost_usd").is_null());
    assert!(!records[0].line().contains("Hello"));
}

#[test]
fn openllmetry() {
    let records = recorded(|| {
        let _workflow = info_span!(
            "answer.workflow",
            traceloop.span.kind = "workflow",
            traceloop.workflow.name = "answer",
            traceloop.association.properties.user_id = "ada",
        )
        .entered();
        drop(info_span!(
            "anthropic.chat",
            gen_ai.system = "Anthropic",
            llm.request.type = "chat",
            gen_ai.request.model = "claude-sonnet-4-5",
            gen_ai.response.model = "claude-sonnet-4-5-20250929",
            "gen_ai.prompt.0.role" = "user",
            "gen_ai.prompt.0.content" = "Hi",
            "gen_ai.completion.0.content" = "Hello",
            "gen_ai.completion.0.finish_reason" = "end_turn",
            gen_ai.usage.prompt_tokens = 30,
            gen_ai.usage.completion_tokens = 5,
            gen_ai.usage.cache_read_input_tokens = 20,
            gen_ai.usage.cache_creation_input_tokens = 0,
            llm.usage.total_tokens = 35,
        ));
    });
    assert_has(
        &records[0],
        &json!({
            "operation": "chat", "provider": "anthropic", "model": "claude-sonnet-4-5-20250929", "user_id": "ada",
            "input_tokens": 30, "output_tokens": 5, "cache_read_tokens": 20, "finish_reasons": ["end_turn"],
            "status": "success",
        }),
    );
    assert_has(
        &records[1],
        &json!({"operation": "invoke_workflow", "workflow_name": "answer", "user_id": "ada"}),
    );
    assert_eq!(
        records[0].get("parent_request_id"),
        records[1].get("request_id")
    );
}

/// What is numbered is hashed as one object of all such fields, whatever their order.
#[test]
fn numbered_content_is_hashed_as_one_object() {
    let records = recorded(|| {
        drop(info_span!(
            "x",
            gen_ai.system = "openai",
            "gen_ai.prompt.0.role" = "user",
            "gen_ai.prompt.0.content" = "Hi"
        ));
        drop(info_span!(
            "x",
            gen_ai.system = "openai",
            "gen_ai.prompt.0.content" = "Hi",
            "gen_ai.prompt.0.role" = "user"
        ));
        let call = LlmCall::start("chat", "openai", "m");
        call.input(&json!({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi"}));
    });
    let hashes: Vec<_> = records
        .iter()
        .map(|record| record.get("input_hash"))
        .collect();
    assert!(hashes[0].as_str().unwrap().starts_with("sha256:"));
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
}

#[test]
fn langfuse() {
    let records = recorded(|| {
        drop(info_span!(
            "generation",
            langfuse.observation.model.name = "gpt-4o-mini",
            langfuse.observation.input = "Hi",
            langfuse.observation.output = "Hello",
            langfuse.user.id = "ada",
            langfuse.session.id = "s-1",
            gen_ai.usage.input_tokens = 8,
            gen_ai.usage.output_tokens = 2,
        ));
    });
    assert_has(
        &records[0],
        &json!({
            "operation": "chat", "request_model": "gpt-4o-mini", "user_id": "ada", "conversation_id": "s-1",
            "input_tokens": 8, "status": "success",
        }),
    );
    assert!(!records[0].get("input_hash").as_str().unwrap().is_empty());
}

/// What a host records for its tracing backend says how the call ended.
#[test]
fn the_status_of_an_opentelemetry_span_is_the_calls() {
    let records = recorded(|| {
        drop(info_span!(
            "a",
            gen_ai.operation.name = "chat",
            otel.status_code = "ERROR",
            otel.status_description = "out of credit"
        ));
        drop(info_span!(
            "b",
            gen_ai.operation.name = "execute_tool",
            otel.status_code = "OK"
        ));
        drop(info_span!(
            "c",
            gen_ai.operation.name = "execute_tool",
            gen_ai.tool.error.type = "timeout"
        ));
    });
    assert_has(
        &records[0],
        &json!({"status": "error", "error_message": "out of credit"}),
    );
    assert_has(&records[1], &json!({"status": "success"}));
    assert_has(
        &records[2],
        &json!({"status": "error", "error_type": "timeout"}),
    );
}

/// rig-core before 0.43, whose completion spans have no `rig.provider_request_id`: Anthropic's input without what was
/// cached, Gemini's output without thinking.
#[test]
fn rig_before_0_43() {
    let records = recorded(|| {
        drop(info_span!(
            target: "rig::completions",
            "chat",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = "anthropic",
            gen_ai.request.model = "claude-sonnet-4-5",
            gen_ai.usage.input_tokens = 100,
            gen_ai.usage.output_tokens = 10,
            gen_ai.usage.cache_read.input_tokens = 40,
            gen_ai.usage.cache_creation.input_tokens = 2,
        ));
        drop(info_span!(
            target: "rig::agent_chat",
            "chat",
            gen_ai.operation.name = "generate_content",
            gen_ai.provider.name = "gcp.gemini",
            gen_ai.request.model = "gemini-2.5-flash",
            gen_ai.usage.input_tokens = 100,
            gen_ai.usage.output_tokens = 10,
            gen_ai.usage.reasoning_tokens = 30,
        ));
        drop(info_span!(
            target: "rig::completions",
            "chat",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = "anthropic",
            gen_ai.request.model = "claude-sonnet-4-5",
            rig.provider_request_id = "req_1",
            gen_ai.usage.input_tokens = 100,
            gen_ai.usage.output_tokens = 10,
            gen_ai.usage.cache_read.input_tokens = 40,
        ));
    });
    assert_has(
        &records[0],
        &json!({"input_tokens": 142, "output_tokens": 10}),
    );
    assert_has(
        &records[1],
        &json!({"input_tokens": 100, "output_tokens": 40, "thinking_tokens": 30}),
    );
    assert_has(
        &records[2],
        &json!({"input_tokens": 100, "provider_request_id": "req_1"}),
    );
}
