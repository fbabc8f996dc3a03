//! Responses by their status, and streams with and without their last event.

#![allow(
    clippy::needless_pass_by_value,
    reason = "a value that is written in place reads best as it stands"
)]

use serde_json::{Value, json};

use super::*;
use crate::{
    flavour::Flavour,
    provider::attack::{
        cut_everywhere, output, repeat_behind_the_end, shuffle, sse, stream, whole,
    },
};

fn usage() -> Value {
    json!({"input_tokens": 20, "input_tokens_details": {"cached_tokens": 5}, "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 29})
}

fn response(status: &str, items: &[Value], usage: Value) -> Value {
    json!({"id": "resp_1", "object": "response", "status": status, "error": null, "incomplete_details": null,
        "model": "gpt-x", "output": items, "service_tier": "default", "usage": usage})
}

/// An item of each kind that comes in pieces.
fn items() -> Vec<Value> {
    vec![
        json!({"id": "rs_1", "type": "reasoning", "status": "completed",
            "summary": [{"type": "summary_text", "text": "Think é"}],
            "content": [{"type": "reasoning_text", "text": "first, then"}]}),
        json!({"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "c", "name": "ping",
            "arguments": "{\"a\": \"\\u00e9\"}"}),
        json!({"id": "ct_1", "type": "custom_tool_call", "status": "completed", "call_id": "d", "name": "shell", "input": "ls -l"}),
        json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "text": "Hello wörld", "annotations": [], "logprobs": []},
            {"type": "output_text", "text": "two", "annotations": [], "logprobs": []}]}),
    ]
}

/// The events of a response, pieces of `size` letters; `with_done` where items are repeated when they are done.
fn events(items: &[Value], size: usize, with_done: bool, last: Option<Value>) -> Vec<Value> {
    let mut events = vec![
        json!({"type": "response.created", "response": response("in_progress", &[], Value::Null)}),
    ];
    for (at, item) in items.iter().enumerate() {
        let mut empty = item.clone();
        let mut pieces = Vec::new();
        let texts = [
            ("arguments", "response.function_call_arguments.delta"),
            ("input", "response.custom_tool_call_input.delta"),
        ];
        for (member, kind) in texts {
            if let Some(text) = item[member].as_str() {
                empty[member] = json!("");
                pieces.extend(
                    letters(text, size)
                        .map(|piece| json!({"type": kind, "output_index": at, "delta": piece})),
                );
            }
        }
        let lists = [
            (
                "summary",
                "summary_index",
                "reasoning_summary_part",
                "reasoning_summary_text",
            ),
            ("content", "content_index", "content_part", "output_text"),
        ];
        for (list, index, part, text) in lists {
            for (place, element) in item[list].as_array().into_iter().flatten().enumerate() {
                empty[list] = json!([]);
                let text = if element["type"] == "reasoning_text" {
                    "reasoning_text"
                } else {
                    text
                };
                let mut blank = element.clone();
                blank["text"] = json!("");
                pieces.push(json!({"type": format!("response.{part}.added"), "output_index": at, index: place, "part": blank}));
                pieces.extend(letters(element["text"].as_str().expect("text"), size).map(
                    |piece| json!({"type": format!("response.{text}.delta"), "output_index": at, index: place, "delta": piece}),
                ));
            }
        }
        events
            .push(json!({"type": "response.output_item.added", "output_index": at, "item": empty}));
        events.extend(pieces);
        if with_done {
            events.push(
                json!({"type": "response.output_item.done", "output_index": at, "item": item}),
            );
        }
    }
    if let Some(last) = last {
        let kind = format!("response.{}", last["status"].as_str().expect("status"));
        events.push(json!({"type": kind, "response": last}));
    }
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events
}

fn letters(text: &str, size: usize) -> impl Iterator<Item = String> {
    let letters: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = letters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect();
    pieces.into_iter()
}

fn parsed(reading: &Reading<'_>) -> Value {
    serde_json::from_str(&output(reading)).expect("JSON")
}

#[test]
fn a_stream_has_the_output_of_the_whole_body() {
    let all = response("completed", &items(), usage());
    let text = all.to_string();
    let expected = whole(&text, 200);
    for size in [1, 3, 100] {
        for with_done in [true, false] {
            let reading = stream(
                &sse(&events(&items(), size, with_done, Some(all.clone()))),
                true,
            );
            assert_eq!(output(&reading), output(&expected));
            assert_eq!(reading.usage, expected.usage);
            assert_eq!(reading.tool_calls, ["ping", "shell"]);
            assert!(reading.is_complete);
        }
    }
}

#[test]
fn a_cut_stream_has_what_its_items_said() {
    for size in [1, 3, 100] {
        for with_done in [true, false] {
            let reading = stream(&sse(&events(&items(), size, with_done, None)), false);
            assert_eq!(parsed(&reading), json!(items()), "pieces of {size}");
            assert!(!reading.is_complete);
            assert!(reading.usage.is_empty());
            assert!(reading.finish_reasons.is_empty());
            assert_eq!(reading.tool_calls, ["ping", "shell"]);
        }
    }
}

/// Some gateways send the last event with an empty list.
#[test]
fn a_last_event_without_items_leaves_those_that_came() {
    let last = response("completed", &[], usage());
    let reading = stream(&sse(&events(&items(), 4, true, Some(last))), true);
    assert_eq!(parsed(&reading), json!(items()));
    assert_eq!(reading.usage.output_tokens, Some(9));
}

#[test]
fn nothing_is_made_up_and_nothing_panics() {
    let all = response("completed", &items(), usage());
    let events = events(&items(), 4, true, Some(all));
    cut_everywhere(&sse(&events), Flavour::OpenAiResponses);
    repeat_behind_the_end(&sse(&events));
    shuffle(&events);
}

/// An event that is sent again after a resumed connection is not taken twice.
#[test]
fn repeated_pieces_count_once() {
    let mut twice = Vec::new();
    for event in events(&items(), 2, false, None) {
        twice.push(event.clone());
        twice.push(event);
    }
    assert_eq!(parsed(&stream(&sse(&twice), false)), json!(items()));
}

#[test]
fn each_status_has_its_end() {
    let mut incomplete = response("incomplete", &[], usage());
    incomplete["incomplete_details"] = json!({"reason": "max_output_tokens"});
    let mut filtered = incomplete.clone();
    filtered["incomplete_details"] = json!({"reason": "content_filter"});
    let mut failed = response("failed", &[], Value::Null);
    failed["error"] = json!({"code": "server_error", "message": "m"});
    let background = response("queued", &[], Value::Null);
    let cancelled = response("cancelled", &[], Value::Null);
    for (body, is_complete, refusal, error) in [
        (&incomplete, true, None, None),
        (&filtered, true, Some("content_filter"), None),
        (&failed, true, None, Some("server_error")),
        (&background, false, None, None),
        (&cancelled, false, None, None),
    ] {
        let text = body.to_string();
        let reading = whole(&text, 200);
        assert_eq!(reading.is_complete, is_complete, "{text}");
        assert_eq!(reading.refusal(), refusal, "{text}");
        assert_eq!(
            reading.error.as_ref().and_then(ProviderError::error_type),
            error,
            "{text}"
        );
        assert_eq!(
            reading.finish_reasons,
            [body["status"].as_str().expect("status")]
        );
        assert_eq!(reading.usage.is_empty(), body["usage"].is_null());
        let streamed = stream(&sse(&events(&[], 1, false, Some(body.clone()))), true);
        if body["status"] != "queued" {
            assert_eq!(streamed.is_complete, is_complete, "{text}");
            assert_eq!(streamed.refusal(), refusal, "{text}");
            assert_eq!(streamed.finish_reasons, reading.finish_reasons);
            assert_eq!(streamed.incomplete_reason, reading.incomplete_reason);
        }
    }
}

#[test]
fn refusals_are_parts_and_filters() {
    let part = json!({"id": "m", "type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]});
    let body = response("completed", &[part], usage()).to_string();
    assert_eq!(whole(&body, 200).refusal(), Some("refusal"));
    let piece = json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "N"});
    assert_eq!(stream(&sse(&[piece]), false).refusal(), Some("refusal"));
    let mut azure = response("completed", &[], usage());
    azure["content_filters"] = json!([{"blocked": false, "source_type": "prompt"}]);
    assert_eq!(whole(&azure.to_string(), 200).refusal(), None);
    azure["content_filters"] = json!([{"blocked": true, "source_type": "completion"}]);
    assert_eq!(
        whole(&azure.to_string(), 200).refusal(),
        Some("content_filter")
    );
}

#[test]
fn searches_are_counted_where_they_are_charged() {
    let search = |kind: &str, status: &str| json!({"id": "ws", "type": "web_search_call", "status": status, "action": {"type": kind}});
    let items = [
        search("search", "completed"),
        search("open_page", "completed"),
        search("search", "failed"),
        search("search", "completed"),
    ];
    let mut body = response("completed", &items, usage());
    assert_eq!(whole(&body.to_string(), 200).usage.web_searches, Some(2));
    let streamed = stream(&sse(&events(&items, 1, true, None)), false);
    assert_eq!(streamed.usage.web_searches, Some(2));
    body["tool_usage"] = json!({"web_search": {"num_requests": 3}});
    assert_eq!(whole(&body.to_string(), 200).usage.web_searches, Some(3));
    let none = response("completed", &[], usage());
    assert_eq!(whole(&none.to_string(), 200).usage.web_searches, None);
}

#[test]
fn tools_with_a_fee_are_named() {
    let items = [
        "file_search_call",
        "web_search_call",
        "code_interpreter_call",
        "file_search_call",
    ]
    .map(|kind| json!({"id": "x", "type": kind, "status": "completed"}));
    let body = response("completed", &items, usage()).to_string();
    assert_eq!(
        whole(&body, 200).fee_tools,
        ["code_interpreter", "file_search"]
    );
}

#[test]
fn errors_inside_a_stream_are_read_in_both_forms() {
    let flat = json!({"type": "error", "code": "server_error", "message": "m", "param": null, "sequence_number": 3});
    let nested = json!({"type": "error", "error": {"type": "invalid_request_error", "code": null, "message": "m"}});
    let first =
        json!({"type": "response.created", "response": response("in_progress", &[], Value::Null)});
    for (event, code) in [(flat, "server_error"), (nested, "invalid_request_error")] {
        let reading = stream(&sse(&[first.clone(), event.clone()]), true);
        assert_eq!(
            reading.error.as_ref().and_then(ProviderError::error_type),
            Some(code)
        );
        assert!(!reading.is_complete);
        let alone = stream(&sse(&[event]), true);
        assert_eq!(
            alone.error.as_ref().and_then(ProviderError::error_type),
            Some(code)
        );
    }
}
