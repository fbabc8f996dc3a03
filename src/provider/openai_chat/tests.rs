//! What hosts do that speak Chat Completions, each in its own way.

#![allow(
    clippy::needless_pass_by_value,
    reason = "a value that is written in place reads best as it stands"
)]

use serde_json::{Value, json};

use crate::{
    flavour::Flavour,
    provider::{
        BodyReader, Want,
        attack::{cut_everywhere, output, repeat_behind_the_end, shuffle, sse, stream, whole},
    },
};

fn chunk(choices: Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices})
}

fn with_done(events: &[Value]) -> String {
    format!("{}data: [DONE]\n\n", sse(events))
}

/// Perplexity sends each piece, the message so far beside it, and usage in every chunk.
#[test]
fn a_message_so_far_beside_each_piece_is_not_taken_twice() {
    let events: Vec<_> = [("Hel", "Hel", 1), ("lö", "Hellö", 2)]
        .into_iter()
        .map(|(piece, so_far, count)| {
            let mut event = chunk(json!([{"index": 0, "delta": {"role": "assistant", "content": piece},
                "message": {"role": "assistant", "content": so_far}, "finish_reason": if count == 2 { json!("stop") } else { Value::Null }}]));
            event["usage"] = json!({"prompt_tokens": 5, "completion_tokens": count, "total_tokens": 5 + count,
                "num_search_queries": 3, "cost": {"total_cost": 0.00506}});
            event
        })
        .collect();
    let reading = stream(&sse(&events), true);
    assert!(
        output(&reading).contains(r#""content":"Hellö""#),
        "{}",
        output(&reading)
    );
    assert_eq!(reading.usage.output_tokens, Some(2));
    assert_eq!(reading.usage.web_searches, Some(3));
    assert_eq!(reading.reported_cost_usd.as_deref(), Some("0.00506"));
}

/// Moonshot puts usage into the last choice.
#[test]
fn usage_inside_a_choice_counts_and_is_no_output() {
    let events = [
        chunk(json!([{"index": 0, "delta": {"content": "a"}, "finish_reason": null}])),
        chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop",
            "usage": {"prompt_tokens": 1336, "completion_tokens": 31, "total_tokens": 1367, "cached_tokens": 1280}}])),
    ];
    let reading = stream(&with_done(&events), true);
    assert_eq!(reading.usage.input_tokens, Some(1336));
    assert_eq!(reading.usage.cache_read_tokens, Some(1280));
    assert!(!output(&reading).contains("usage"));
}

/// Groq repeats the same usage, and once more in a member of its own.
#[test]
fn usage_that_is_repeated_is_never_added() {
    let usage = json!({"prompt_tokens": 15, "completion_tokens": 4, "total_tokens": 19});
    let mut first = chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
    first["x_groq"] = json!({"id": "req_1", "usage": usage});
    let mut last = chunk(json!([]));
    last["usage"] = usage;
    let reading = stream(&with_done(&[first.clone(), last]), true);
    assert_eq!(reading.usage.output_tokens, Some(4));
    assert_eq!(reading.provider_request_id.as_deref(), Some("req_1"));
    assert_eq!(
        stream(&with_done(&[first]), true).usage.input_tokens,
        Some(15)
    );
}

#[test]
fn errors_stand_in_the_chunk_the_choice_and_groq_s_member() {
    let mut beside =
        chunk(json!([{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]));
    beside["error"] = json!({"code": 502, "message": "m"});
    let inside = chunk(
        json!([{"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 502, "message": "m"}}]),
    );
    let mut groq = chunk(json!([]));
    groq["x_groq"] = json!({"error": "m"});
    for event in [beside, inside, groq] {
        let reading = stream(&sse(&[event]), true);
        assert_eq!(
            reading.error.and_then(|error| error.message).as_deref(),
            Some("m")
        );
    }
    let only_reason = chunk(json!([{"index": 0, "delta": {}, "finish_reason": "error"}]));
    let error = stream(&sse(&[only_reason]), true).error.expect("an error");
    assert_eq!(error.error_type(), Some("error"));
}

#[test]
fn a_native_reason_tells_a_refusal_that_the_host_s_own_hides() {
    let body = json!({"object": "chat.completion", "choices": [{"finish_reason": "stop", "native_finish_reason": "refusal", "message": {"content": ""}}]});
    assert_eq!(whole(&body.to_string(), 200).refusal(), Some("refusal"));
}

/// Azure begins with the prompt's filter results, and has neither model nor id then.
#[test]
fn an_empty_first_chunk_is_no_answer() {
    let events = [
        json!({"choices": [], "created": 0, "id": "", "model": "", "object": "chat.completion.chunk", "prompt_filter_results": []}),
        chunk(
            json!([{"index": 0, "delta": {"content": "a"}, "finish_reason": null, "content_filter_results": {}}]),
        ),
        json!({"choices": [{"index": 0, "finish_reason": "content_filter", "delta": {}, "content_filter_offsets": {}}], "id": "", "model": "", "object": "", "created": 0}),
    ];
    let reading = stream(&with_done(&events), true);
    assert_eq!(reading.response_model.as_deref(), Some("m"));
    assert_eq!(reading.response_id.as_deref(), Some("c"));
    assert_eq!(reading.refusal(), Some("content_filter"));
}

#[test]
fn tool_calls_are_named_in_order() {
    let whole_body = json!({"object": "chat.completion", "choices": [{"finish_reason": "tool_calls", "message": {"tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}},
        {"id": "2", "type": "custom", "custom": {"name": "b", "input": "x"}}]}}]});
    assert_eq!(whole(&whole_body.to_string(), 200).tool_calls, ["a", "b"]);
    let call = |index: u64, function: Value| {
        chunk(
            json!([{"index": 0, "delta": {"tool_calls": [{"index": index, "function": function}]}}]),
        )
    };
    let events = [
        call(0, json!({"name": "a", "arguments": ""})),
        call(1, json!({"name": "b", "arguments": ""})),
        // Some hosts repeat the name with every piece.
        call(0, json!({"name": "a", "arguments": "{}"})),
    ];
    assert_eq!(stream(&with_done(&events), true).tool_calls, ["a", "b"]);
    // And some have no index.
    let unnumbered = chunk(
        json!([{"index": 0, "delta": {"tool_calls": [{"function": {"name": "a"}}, {"function": {"name": "a"}}]}}]),
    );
    assert_eq!(
        stream(&with_done(&[unnumbered]), true).tool_calls,
        ["a", "a"]
    );
    let older = json!({"object": "chat.completion", "choices": [{"message": {"function_call": {"name": "a", "arguments": "{}"}}}]});
    assert_eq!(whole(&older.to_string(), 200).tool_calls, ["a"]);
}

/// Null usage, usage in every chunk, counts as floats: what comes last and says something counts.
#[test]
fn null_usage_says_nothing() {
    let mut events = Vec::new();
    for count in 1..4 {
        let mut event =
            chunk(json!([{"index": 0, "delta": {"content": "a"}, "finish_reason": null}]));
        event["usage"] = json!({"prompt_tokens": 5.0, "completion_tokens": count});
        events.push(event);
    }
    let mut last = chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]));
    last["usage"] = Value::Null;
    events.push(last);
    let reading = stream(&with_done(&events), true);
    assert_eq!(
        (reading.usage.input_tokens, reading.usage.output_tokens),
        (Some(5), Some(3))
    );
}

#[test]
fn nothing_is_made_up_and_nothing_panics() {
    let mut last = chunk(json!([]));
    last["usage"] = json!({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12});
    let events = [
        chunk(
            json!([{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}]),
        ),
        chunk(json!([{"index": 1, "delta": {"content": "é"}, "finish_reason": null}])),
        chunk(
            json!([{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "t", "function": {"name": "ping", "arguments": "{"}}]}}]),
        ),
        chunk(
            json!([{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}, "finish_reason": "tool_calls"}]),
        ),
        chunk(json!([{"index": 1, "delta": {}, "finish_reason": "length"}])),
        last,
    ];
    cut_everywhere(&with_done(&events), Flavour::OpenAiChat);
    repeat_behind_the_end(&with_done(&events));
    shuffle(&events);
}

#[test]
fn completions_are_read_alike() {
    let event = |text: &str, reason: Value| json!({"id": "cmpl", "object": "text_completion", "model": "m", "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": reason}]});
    let reading = stream(
        &with_done(&[event("Hel", Value::Null), event("lö", json!("stop"))]),
        true,
    );
    assert_eq!(reading.flavour, Some(Flavour::OpenAiCompletions));
    assert!(output(&reading).contains(r#""text":"Hellö""#));
    assert_eq!(reading.finish_reasons, ["stop"]);
}

/// A host that nests deeply, or sends one huge piece, costs neither the stack nor minutes.
#[test]
fn hostile_pieces_are_survived() {
    let nested = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let listed = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let many = |count: usize| {
        let elements: Vec<_> = (0..count).map(|at| format!("{{\"index\":{at}}}")).collect();
        format!("[{}]", elements.join(","))
    };
    let wide = |count: usize| {
        let members: Vec<_> = (0..count).map(|at| format!("\"k{at}\":0")).collect();
        format!("{{{}}}", members.join(","))
    };
    for size in [60, 30_000] {
        for value in [nested(size), listed(size), many(size), wide(size)] {
            let text = format!(
                "data: {{\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"x\":{value}}}}}]}}\n\ndata: [DONE]\n\n"
            );
            let mut reader = BodyReader::new(None, &[], Want::Output);
            reader.push(text.as_bytes());
            assert!(output(&reader.finish(Some(200), true)).contains(&value));
        }
    }
}
