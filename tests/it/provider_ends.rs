//! How calls of every API end in the record, by their bodies alone: status, reason, operation, the provider's method;
//! and that the hashes are those that the handle's own values give.

#![allow(
    clippy::needless_pass_by_value,
    reason = "a value that is written in place reads best as it stands"
)]

use serde_json::{Value, json};
use tracing_llm_audit::{
    LlmCall,
    testing::{Recorded, in_memory},
};
use tracing_subscriber::prelude::*;

/// Audits calls in memory; each closure tells one.
fn records(calls: &[&dyn Fn(&LlmCall)]) -> Vec<Recorded> {
    let (layer, audit) = in_memory();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for tell in calls {
            let span = tracing::info_span!("ask", gen_ai.request.model = "m");
            span.in_scope(|| tell(&LlmCall::current()));
        }
    });
    audit.records()
}

fn record_of(response: &str, http_status: u16) -> Recorded {
    let mut records = records(&[&|call: &LlmCall| {
        call.response(response.to_owned(), http_status);
    }]);
    records.remove(0)
}

fn responses(status: &str, more: Value) -> String {
    let mut body = json!({"id": "resp_1", "object": "response", "status": status, "model": "gpt-x", "error": null,
        "output": [], "usage": {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29}});
    let members = body.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    body.to_string()
}

fn chat(finish_reason: &str) -> String {
    json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "finish_reason": finish_reason,
        "message": {"role": "assistant", "content": "a"}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    .to_string()
}

fn cohere(finish_reason: &str) -> String {
    json!({"id": "c", "finish_reason": finish_reason, "message": {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
        "usage": {"tokens": {"input_tokens": 1, "output_tokens": 1}}})
    .to_string()
}

#[test]
fn each_end_has_its_status_and_its_reason() {
    let reason = |reason: &str| json!({"incomplete_details": {"reason": reason}});
    let failed = json!({"error": {"code": "server_error", "message": "x"}});
    let refusal = json!({"type": "message", "id": "m", "model": "claude-x", "content": [], "stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "cyber"}, "usage": {"input_tokens": 9, "output_tokens": 0}});
    let azure = r#"{"error":{"message":"x","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    let cases: [(String, u16, &str, Value); 21] = [
        (responses("completed", json!({})), 200, "success", Value::Null),
        (responses("incomplete", reason("max_output_tokens")), 200, "success", Value::Null),
        (responses("incomplete", reason("content_filter")), 200, "blocked", json!("content_filter")),
        (responses("failed", failed), 200, "error", Value::Null),
        (responses("cancelled", json!({})), 200, "incomplete", Value::Null),
        (responses("queued", json!({"usage": null})), 200, "incomplete", Value::Null),
        (chat("stop"), 200, "success", Value::Null),
        (chat("length"), 200, "success", Value::Null),
        (chat("content_filter"), 200, "blocked", json!("content_filter")),
        (chat("error"), 200, "error", Value::Null),
        (chat("insufficient_system_resource"), 200, "error", Value::Null),
        (cohere("COMPLETE"), 200, "success", Value::Null),
        (cohere("ERROR_TOXIC"), 200, "blocked", json!("error_toxic")),
        (cohere("ERROR"), 200, "error", Value::Null),
        (refusal.to_string(), 200, "blocked", json!("refusal:cyber")),
        (azure.to_owned(), 400, "blocked", json!("content_filter")),
        (r#"{"code":"permission-denied","error":"Content violates usage guidelines. "}"#.to_owned(), 403, "blocked", json!("usage_guidelines")),
        (r#"{"error":{"code":403,"message":"x","metadata":{"reasons":["violence"],"flagged_input":"y"}}}"#.to_owned(), 403, "blocked", json!("moderation")),
        (r#"{"model":"m","response":"","done":true,"done_reason":"load"}"#.to_owned(), 200, "success", Value::Null),
        (r#"{"model":"m","message":{"role":"assistant","content":"a"},"done":false}"#.to_owned(), 200, "incomplete", Value::Null),
        (r#"{"error":"model not found"}"#.to_owned(), 404, "error", Value::Null),
    ];
    for (body, http_status, status, reason) in cases {
        let record = record_of(&body, http_status);
        assert_eq!(record.get("status"), status, "{body}");
        assert_eq!(record.get("blocked_reason"), reason, "{body}");
    }
}

#[test]
fn each_api_has_its_operation_and_its_method() {
    let completion =
        r#"{"object":"text_completion","choices":[{"text":"a","finish_reason":"stop"}]}"#;
    let embedding = r#"{"object":"list","data":[{"object":"embedding","embedding":"AAAA","index":0}],"usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let gemini = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1}}"#;
    for (body, operation, action) in [
        (
            responses("completed", json!({})),
            "chat",
            "responses.create",
        ),
        (chat("stop"), "chat", "chat.completions.create"),
        (
            completion.to_owned(),
            "text_completion",
            "completions.create",
        ),
        (embedding.to_owned(), "embeddings", "embeddings.create"),
        (
            gemini.to_owned(),
            "generate_content",
            "models.generate_content",
        ),
        (cohere("COMPLETE"), "chat", "v2.chat"),
        (
            r#"{"text":"a","generation_id":"g","finish_reason":"COMPLETE"}"#.to_owned(),
            "chat",
            "chat",
        ),
        (
            r#"{"model":"m","message":{"content":"a"},"done":true}"#.to_owned(),
            "chat",
            "chat",
        ),
        (
            r#"{"model":"m","response":"a","done":true}"#.to_owned(),
            "text_completion",
            "generate",
        ),
        (
            r#"{"results":[{"index":0,"relevance_score":0.5}],"id":"x"}"#.to_owned(),
            "rerank",
            "rerank",
        ),
    ] {
        let record = record_of(&body, 200);
        let found = (record.get("operation"), record.get("action"));
        assert_eq!(found, (json!(operation), json!(action)), "{body}");
    }
}

/// Whoever tells the handle what is in the request's body gets the hashes of the body.
#[test]
fn a_body_has_the_hashes_of_what_is_in_it() {
    let turns = json!([{"role": "user", "content": "hi"}]);
    let parts = json!([{"role": "user", "parts": [{"text": "hi"}]}]);
    let history = json!([{"message": "a", "role": "USER"}, {"message": "b", "role": "CHATBOT"}]);
    let all = json!([{"role": "USER", "message": "a"}, {"role": "CHATBOT", "message": "b"}, {"role": "USER", "message": "hi"}]);
    for (body, input) in [
        (json!({"model": "m", "messages": turns}), turns.clone()),
        (json!({"model": "m", "input": turns}), turns.clone()),
        (json!({"model": "m", "input": "hi"}), json!("hi")),
        (
            json!({"model": "m", "input": ["a", "b"]}),
            json!(["a", "b"]),
        ),
        (json!({"contents": parts}), parts.clone()),
        (json!({"model": "m", "prompt": "hi"}), json!("hi")),
        (json!({"inputText": "hi"}), json!("hi")),
        (json!({"model": "m", "texts": ["a"]}), json!(["a"])),
        (json!({"model": "m", "message": "hi"}), json!("hi")),
        (
            json!({"model": "m", "message": "hi", "chat_history": history}),
            all,
        ),
    ] {
        let by_body = |call: &LlmCall| {
            call.request_json(body.to_string());
        };
        let by_handle = |call: &LlmCall| {
            call.input(&input);
        };
        let by_text = |call: &LlmCall| {
            if let Some(text) = input.as_str() {
                call.input_text(text);
            } else {
                call.input_json(serde_json::to_vec_pretty(&input).unwrap());
            }
        };
        let records = records(&[&by_body, &by_handle, &by_text]);
        let hash = |at: usize| records[at].get("input_hash");
        assert_ne!(hash(0), "", "{body}");
        assert_eq!(hash(0), hash(1), "{body}");
        assert_eq!(hash(0), hash(2), "{body}");
    }
}
