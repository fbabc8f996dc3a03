//! Refusals and what is billed of them, tool calls, usage as it was spelled.

#![allow(
    clippy::needless_pass_by_value,
    reason = "a value that is written in place reads best as it stands"
)]

use serde_json::{Value, json};

use crate::{
    flavour::Flavour,
    provider::attack::{cut_everywhere, repeat_behind_the_end, shuffle, sse, stream, whole},
};

fn message(stop_reason: &str, content: Value, usage: Value) -> Value {
    json!({"id": "m", "type": "message", "role": "assistant", "model": "claude-x", "content": content,
        "stop_reason": stop_reason, "stop_details": null, "usage": usage})
}

fn counts(kind: &str, model: Option<&str>, input: u64, output: u64) -> Value {
    json!({"type": kind, "model": model, "input_tokens": input, "output_tokens": output,
        "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0})
}

/// An attempt that was declined before any output is not billed; one that was declined in the middle is.
#[test]
fn declined_attempts_are_billed_by_their_output() {
    let usage = |first: u64| {
        let mut usage = counts("", None, 2, 13658);
        usage["iterations"] = json!([
            counts("message", Some("claude-fable-5"), 2, first),
            counts("fallback_message", Some("claude-opus-4-8"), 2, 13658)
        ]);
        usage
    };
    for (first, billed) in [(0, [false, true]), (578, [true, true])] {
        let body = message(
            "end_turn",
            json!([{"type": "text", "text": "a"}]),
            usage(first),
        )
        .to_string();
        let found: Vec<_> = whole(&body, 200)
            .iterations
            .iter()
            .map(|it| it.billed)
            .collect();
        assert_eq!(found, billed);
    }
    // Without a fallback, every iteration is.
    let mut usage = counts("", None, 220, 8);
    usage["iterations"] = json!([
        counts("compaction", None, 55196, 0),
        counts("message", None, 220, 8)
    ]);
    let body = message("end_turn", json!([]), usage).to_string();
    assert!(whole(&body, 200).iterations.iter().all(|it| it.billed));
}

#[test]
fn a_refusal_names_what_it_was_about() {
    let mut body = message(
        "refusal",
        json!([]),
        json!({"input_tokens": 106, "output_tokens": 0}),
    );
    body["stop_details"] = json!({"type": "refusal", "category": "cyber", "explanation": "x"});
    let text = body.to_string();
    let reading = whole(&text, 200);
    assert_eq!(reading.refusal(), Some("refusal"));
    assert_eq!(reading.refusal_category.as_deref(), Some("cyber"));
    let billed = reading.billed.expect("billed");
    assert_eq!(
        (billed.input_tokens, billed.output_tokens),
        (Some(0), Some(0))
    );
    assert_eq!(reading.usage.input_tokens, Some(106));
    let events = [
        json!({"type": "message_start", "message": message("", json!([]), json!({"input_tokens": 106, "output_tokens": 1}))}),
        json!({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "bio"}}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ];
    let reading = stream(&sse(&events), true);
    assert_eq!(reading.refusal_category.as_deref(), Some("bio"));
    // There was output, and it is billed.
    assert!(reading.billed.is_none());
}

fn streamed() -> Vec<Value> {
    vec![
        json!({"type": "message_start", "message": message("", json!([]), json!({"input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 5, "service_tier": "standard"}))}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "ping", "input": {}}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "Hé"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"input_tokens": 40, "output_tokens": 9, "server_tool_use": {"web_search_requests": 1}}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn tools_are_named_and_usage_is_kept_as_one_object() {
    let reading = stream(&sse(&streamed()), true);
    assert_eq!(reading.tool_calls, ["web_search", "ping"]);
    let usage: Value =
        serde_json::from_slice(reading.raw_usage.as_deref().expect("usage")).expect("JSON");
    assert_eq!(
        usage,
        json!({"input_tokens": 40, "output_tokens": 9, "cache_read_input_tokens": 5, "service_tier": "standard", "server_tool_use": {"web_search_requests": 1}})
    );
    // The count of the first event is a stub, and is not shown for the answer's.
    let cut = stream(&sse(&streamed()[..5]), false);
    let usage: Value =
        serde_json::from_slice(cut.raw_usage.as_deref().expect("usage")).expect("JSON");
    assert_eq!(usage.get("output_tokens"), None);
    assert_eq!(cut.tool_calls, ["web_search"]);
}

#[test]
fn nothing_panics_in_any_order() {
    repeat_behind_the_end(&sse(&streamed()));
    shuffle(&streamed());
    let mut events = streamed();
    // Tools of the host replace the input in the last event: a cut stream knows the first count only.
    events[10]["usage"] = json!({"output_tokens": 9});
    cut_everywhere(&sse(&events), Flavour::AnthropicMessages);
}
