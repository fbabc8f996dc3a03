//! Both versions whole and streamed, with what is billed.

use serde_json::{Value, json};

use super::*;
use crate::{
    flavour::Flavour,
    provider::attack::{
        cut_everywhere, output, repeat_behind_the_end, shuffle, sse, stream, whole,
    },
};

fn usage() -> Value {
    json!({"billed_units": {"input_tokens": 6, "output_tokens": 2}, "tokens": {"input_tokens": 501, "output_tokens": 5}, "cached_tokens": 448})
}

fn v2_events(finish_reason: &str) -> Vec<Value> {
    vec![
        json!({"type": "message-start", "id": "x", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will "}}}),
        json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "ask."}}}),
        json!({"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {"id": "t", "type": "function", "function": {"name": "ping", "arguments": ""}}}}}),
        json!({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "{\"a\""}}}}}),
        json!({"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": ":1}"}}}}}),
        json!({"type": "tool-call-end", "index": 0}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hel"}}}}),
        json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "lö"}}}}),
        json!({"type": "content-end", "index": 0}),
        json!({"type": "citation-start", "index": 0, "delta": {"message": {"citations": {"start": 0, "end": 3, "text": "Hel", "sources": []}}}}),
        json!({"type": "message-end", "delta": {"finish_reason": finish_reason, "usage": usage()}}),
    ]
}

fn v2_body() -> Value {
    json!({"id": "x", "finish_reason": "COMPLETE", "usage": usage(), "message": {
        "role": "assistant", "tool_plan": "I will ask.",
        "content": [{"type": "text", "text": "Hellö"}],
        "tool_calls": [{"id": "t", "type": "function", "function": {"name": "ping", "arguments": "{\"a\":1}"}}],
        "citations": [{"start": 0, "end": 3, "text": "Hel", "sources": []}]}})
}

#[test]
fn a_stream_of_the_second_version_is_its_body() {
    let text = v2_body().to_string();
    let (body, streamed) = (
        whole(&text, 200),
        stream(&sse(&v2_events("COMPLETE")), true),
    );
    let parsed =
        |reading: &Reading<'_>| serde_json::from_str::<Value>(&output(reading)).expect("JSON");
    assert_eq!(parsed(&streamed), parsed(&body));
    for reading in [&body, &streamed] {
        assert_eq!(reading.flavour, Some(Flavour::CohereChatV2));
        assert!(reading.is_complete);
        assert_eq!(reading.response_id.as_deref(), Some("x"));
        assert_eq!(reading.tool_calls, ["ping"]);
        assert_eq!(reading.usage.input_tokens, Some(501));
        assert_eq!(reading.usage.cache_read_tokens, Some(448));
        let billed = reading.billed.expect("billed");
        assert_eq!(
            (billed.input_tokens, billed.output_tokens),
            (Some(6), Some(2))
        );
    }
}

#[test]
fn nothing_is_made_up_and_nothing_panics() {
    let mut events = v2_events("COMPLETE");
    cut_everywhere(&sse(&events), Flavour::CohereChatV2);
    repeat_behind_the_end(&sse(&events));
    shuffle(&events);
    events.truncate(8);
    let cut = stream(&sse(&events), false);
    assert!(!cut.is_complete && cut.usage.is_empty() && cut.finish_reasons.is_empty());
}

#[test]
fn each_finish_reason_has_its_end() {
    for (reason, refusal, is_error) in [
        ("COMPLETE", None, false),
        ("MAX_TOKENS", None, false),
        ("STOP_SEQUENCE", None, false),
        ("TOOL_CALL", None, false),
        ("ERROR", None, true),
        ("TIMEOUT", None, true),
        ("ERROR_TOXIC", Some("error_toxic"), false),
    ] {
        let reading = stream(&sse(&v2_events(reason)), true);
        assert_eq!(
            (reading.refusal(), reading.error.is_some()),
            (refusal, is_error),
            "{reason}"
        );
        assert_eq!(reading.finish_reasons, [reason]);
    }
}

fn v1_body() -> Value {
    json!({"response_id": "r", "generation_id": "g", "text": "Hellö", "finish_reason": "COMPLETE", "chat_history": [],
        "meta": {"api_version": {"version": "1"}, "billed_units": {"input_tokens": 69, "output_tokens": 16}, "tokens": {"input_tokens": 135, "output_tokens": 16}}})
}

#[test]
fn the_first_version_streams_as_lines_and_as_events() {
    let text = v1_body().to_string();
    let body = whole(&text, 200);
    assert_eq!(output(&body), "\"Hellö\"");
    let events = [
        json!({"event_type": "stream-start", "is_finished": false, "generation_id": "g"}),
        json!({"event_type": "text-generation", "is_finished": false, "text": "Hel"}),
        json!({"event_type": "text-generation", "is_finished": false, "text": "lö"}),
        json!({"event_type": "stream-end", "is_finished": true, "finish_reason": "COMPLETE", "response": v1_body()}),
    ];
    let lines = events.each_ref().map(ToString::to_string).join("\n");
    for text in [lines, sse(&events)] {
        let reading = stream(&text, true);
        assert_eq!(reading.flavour, Some(Flavour::CohereChatV1));
        assert_eq!(output(&reading), output(&body));
        assert_eq!((reading.usage, reading.billed), (body.usage, body.billed));
        assert_eq!(reading.finish_reasons, ["COMPLETE"]);
        assert!(reading.is_complete);
        cut_everywhere(&text, Flavour::CohereChatV1);
    }
    let cut = stream(&sse(&events[..3]), false);
    assert_eq!(output(&cut), "\"Hellö\"");
    assert!(!cut.is_complete && cut.usage.is_empty());
}

#[test]
fn tool_calls_of_the_first_version_are_part_of_its_output() {
    let mut body = v1_body();
    body["tool_calls"] = json!([{"name": "ping", "parameters": {"a": 1}}]);
    let text = body.to_string();
    let reading = whole(&text, 200);
    assert_eq!(reading.tool_calls, ["ping"]);
    assert_eq!(
        output(&reading),
        r#"{"text":"Hellö","tool_calls":[{"name":"ping","parameters":{"a":1}}]}"#
    );
}

#[test]
fn embeddings_and_reranking_say_what_is_billed() {
    let embed = r#"{"id":"e","embeddings":{"float":[[0.1]]},"texts":["a"],"meta":{"billed_units":{"input_tokens":3}},"response_type":"embeddings_by_type"}"#;
    let reading = whole(embed, 200);
    assert_eq!(reading.flavour, Some(Flavour::CohereEmbed));
    assert_eq!(reading.usage.input_tokens, Some(3));
    assert_eq!(output(&reading), r#"{"float":[[0.1]]}"#);
    let rerank = r#"{"id":"e","results":[{"index":0,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}"#;
    let reading = whole(rerank, 200);
    assert_eq!(reading.flavour, Some(Flavour::Rerank));
    assert!(reading.usage.is_empty());
    let jina =
        r#"{"model":"m","usage":{"total_tokens":7},"results":[{"index":0,"relevance_score":0.9}]}"#;
    assert_eq!(whole(jina, 200).usage.input_tokens, Some(7));
}
