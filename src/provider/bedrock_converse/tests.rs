//! Converse: counts, what stands beside them, streams against whole bodies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    Body, Flavour, Reading, Want,
    attack::{output, whole},
    event_stream::frame,
    read,
};
use llm_audit_journal::json as spelling;

/// The frames of a stream's events.
fn frames(events: &[(&str, Value)]) -> Vec<u8> {
    let event = |(name, payload): &(&str, Value)| {
        let headers = [
            (":event-type", *name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        frame(&headers, payload.to_string().as_bytes())
    };
    events.iter().flat_map(event).collect()
}

/// Reads binary frames of which nothing else is known.
fn streamed(bytes: &[u8], is_whole: bool) -> Reading<'_> {
    let body = Body {
        bytes,
        http_status: Some(200),
        is_whole,
        ..Body::default()
    };
    read(&body, Want::Output)
}

fn canonical(output: &[u8]) -> String {
    let mut out = Vec::new();
    spelling::canonical(&mut out, output).expect("JSON");
    String::from_utf8(out).expect("text")
}

/// A pair of numbers: (input, output, read, write, write 1h), and write 5m.
type Counts = ([Option<u64>; 5], Option<u64>);

fn counts(usage: &Value) -> Counts {
    let body =
        json!({"output": {"message": {}}, "stopReason": "end_turn", "usage": usage}).to_string();
    let reading = whole(&body, 200);
    let usage = reading.usage;
    let counts = [
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
    ];
    (counts, reading.cache_write_5m_tokens)
}

#[test]
fn what_was_cached_is_added_to_the_input() {
    for (usage, expected) in [
        (
            json!({"inputTokens": 8, "outputTokens": 3}),
            ([Some(8), Some(3), None, None, None], None),
        ),
        (
            json!({"inputTokens": 2, "outputTokens": 5, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 30,
                "cacheDetails": [{"ttl": "5m", "inputTokens": 10}, {"ttl": "1h", "inputTokens": 20}]}),
            ([Some(42), Some(5), Some(10), Some(30), Some(20)], Some(10)),
        ),
        // The split alone.
        (
            json!({"inputTokens": 2, "cacheDetails": [{"ttl": "1h", "inputTokens": 20}]}),
            ([Some(22), None, None, Some(20), Some(20)], None),
        ),
        // As Nova spells it.
        (
            json!({"inputTokens": 1, "outputTokens": 1, "cacheReadInputTokenCount": 4, "cacheWriteInputTokenCount": 0}),
            ([Some(5), Some(1), Some(4), Some(0), None], None),
        ),
        // What no provider should say.
        (
            json!({"inputTokens": -1, "outputTokens": "3", "cacheReadInputTokens": 1.5}),
            ([None; 5], None),
        ),
        (
            json!({"inputTokens": u64::MAX, "outputTokens": 3.0, "cacheReadInputTokens": u64::MAX}),
            ([Some(u64::MAX), Some(3), Some(u64::MAX), None, None], None),
        ),
        (
            json!({"inputTokens": {}, "outputTokens": [], "cacheDetails": {"ttl": "5m"}}),
            ([None; 5], None),
        ),
    ] {
        assert_eq!(counts(&usage), expected, "{usage}");
    }
    let twice =
        r#"{"output":{"message":{}},"stopReason":"x","usage":{"inputTokens":1,"inputTokens":2}}"#;
    assert_eq!(whole(twice, 200).usage.input_tokens, Some(2));
}

#[test]
fn tier_latency_router_and_guardrail_are_read() {
    let body = json!({"output": {"message": {"role": "assistant", "content": [
            {"text": "a"}, {"toolUse": {"toolUseId": "t", "name": "weather", "input": {}}}]}},
        "stopReason": "guardrail_intervened", "usage": {"inputTokens": 1, "outputTokens": 1},
        "serviceTier": {"type": "priority"}, "performanceConfig": {"latency": "optimized"},
        "trace": {"promptRouter": {"invokedModelId": "arn:aws:bedrock:x:y:inference-profile/us.amazon.nova-lite-v1:0"}}})
    .to_string();
    let reading = whole(&body, 200);
    assert_eq!(reading.flavour, Some(Flavour::BedrockConverse));
    assert_eq!(reading.service_tier.as_deref(), Some("priority"));
    assert_eq!(reading.speed.as_deref(), Some("optimized"));
    assert_eq!(reading.tool_calls, ["weather"]);
    assert_eq!(reading.refusal(), Some("guardrail_intervened"));
    assert!(
        reading
            .response_model
            .expect("the router's")
            .ends_with("nova-lite-v1:0")
    );
}

#[test]
fn an_exception_in_a_frame_is_the_error_of_the_stream() {
    let mut bytes = frames(&[("messageStart", json!({"role": "assistant"}))]);
    let exception = [
        (":exception-type", "modelStreamErrorException"),
        (":message-type", "exception"),
    ];
    bytes.extend(frame(
        &exception,
        br#"{"message":"it broke","originalStatusCode":500}"#,
    ));
    let reading = streamed(&bytes, true);
    let error = reading.error.as_ref().expect("an error");
    assert_eq!(error.error_type(), Some("modelStreamErrorException"));
    assert_eq!(error.message.as_deref(), Some("it broke"));
    assert!(!reading.is_complete && reading.usage.is_empty());
    let plain = [
        (":message-type", "error"),
        (":error-code", "InternalError"),
        (":error-message", "no more"),
    ];
    let bytes = frame(&plain, b"");
    let error = streamed(&bytes, true).error.expect("an error");
    assert_eq!(
        (error.error_type(), error.message.as_deref()),
        (Some("InternalError"), Some("no more"))
    );
}

#[test]
fn without_metadata_a_stream_is_cut() {
    let events = [
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "a"}}),
        ),
        ("messageStop", json!({"stopReason": "end_turn"})),
        (
            "metadata",
            json!({"usage": {"inputTokens": 1, "outputTokens": 2}}),
        ),
    ];
    for count in 0..4 {
        let bytes = frames(&events[..count]);
        let reading = streamed(&bytes, count == 0);
        assert!(!reading.is_complete || count == 0);
        assert!(reading.usage.is_empty());
    }
    let bytes = frames(&events);
    let reading = streamed(&bytes, false);
    assert!(reading.is_complete, "nothing is missing behind metadata");
    assert_eq!(reading.usage.output_tokens, Some(2));
    assert_eq!(
        output(&reading),
        r#"{"message":{"role":"assistant","content":[{"text":"a"}]}}"#
    );
}

/// The events that stream a whole message's blocks.
fn events(content: &[Value], size: usize) -> Vec<(&'static str, Value)> {
    let mut events = vec![("messageStart", json!({"role": "assistant"}))];
    let mut delta = |at: usize, delta: Value| {
        events.push((
            "contentBlockDelta",
            json!({"contentBlockIndex": at, "delta": delta, "p": "abc"}),
        ));
    };
    let pieces = |text: &Value| -> Vec<String> {
        let letters: Vec<char> = text.as_str().unwrap_or_default().chars().collect();
        letters
            .chunks(size)
            .map(|piece| piece.iter().collect())
            .collect()
    };
    let mut starts = Vec::new();
    for (at, block) in content.iter().enumerate() {
        for piece in pieces(&block["text"]) {
            delta(at, json!({"text": piece}));
        }
        let reasoning = &block["reasoningContent"];
        for key in ["text", "signature"] {
            let said = &reasoning["reasoningText"][key];
            for piece in pieces(said) {
                delta(at, json!({"reasoningContent": {key: piece}}));
            }
        }
        if reasoning["redactedContent"].is_string() {
            delta(at, json!({"reasoningContent": reasoning}));
        }
        let tool = &block["toolUse"];
        if tool.is_object() {
            let start = json!({"toolUse": {"toolUseId": tool["toolUseId"], "name": tool["name"]}});
            starts.push((
                "contentBlockStart",
                json!({"contentBlockIndex": at, "start": start}),
            ));
            let input = json!(tool["input"].to_string());
            for piece in pieces(&input) {
                delta(at, json!({"toolUse": {"input": piece}}));
            }
        }
    }
    events.splice(1..1, starts);
    events.push(("messageStop", json!({"stopReason": "end_turn"})));
    events.push((
        "metadata",
        json!({"usage": {"inputTokens": 5, "outputTokens": 7}}),
    ));
    events
}

fn block() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{1,30}".prop_map(|text| json!({"text": text})),
        ("\\PC{1,30}", "[a-z]{1,20}").prop_map(
            |(text, signature)| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}})
        ),
        Just(json!({"reasoningContent": {"redactedContent": "YWJj"}})),
        "\\PC{0,20}".prop_map(
            |text| json!({"toolUse": {"toolUseId": "t", "name": "f", "input": {"text": text, "deep": [{"a": null}]}}})
        ),
    ]
}

proptest! {
    #[test]
    fn a_streamed_message_has_the_output_of_the_whole_one(
        content in prop::collection::vec(block(), 0..5), size in 1_usize..12,
    ) {
        let body = json!({"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "end_turn", "usage": {"inputTokens": 5, "outputTokens": 7}}).to_string();
        let whole = whole(&body, 200);
        let bytes = frames(&events(&content, size));
        let streamed = streamed(&bytes, true);
        prop_assert!(streamed.is_complete);
        prop_assert_eq!(streamed.usage, whole.usage);
        prop_assert_eq!(&streamed.tool_calls, &whole.tool_calls);
        prop_assert_eq!(
            canonical(streamed.output.as_deref().expect("output")),
            canonical(whole.output.as_deref().expect("output"))
        );
    }
}
