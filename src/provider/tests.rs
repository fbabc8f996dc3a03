//! Recordings whole, in chunks, cut and damaged; streams against whole bodies.

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::operation::Usage;
use llm_audit_journal::json as spelling;

/// One recording with what a reader must find in it.
pub(super) struct Recording {
    pub(super) id: String,
    pub(super) body: Vec<u8>,
    request: Option<Vec<u8>>,
    index: Value,
    pub(super) flavour: Flavour,
    headers: Vec<(String, String)>,
}

pub(super) fn recordings() -> Vec<Recording> {
    recordings_of("provider-traffic")
}

/// The recordings of one folder.
fn recordings_of(set: &str) -> Vec<Recording> {
    let folder = format!("{}/tests/testdata/{set}", env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str| std::fs::read(format!("{folder}/{name}")).expect("recorded file");
    let index: Value = serde_json::from_slice(&file("index.json")).expect("index");
    let entries = index["fixtures"].as_array().expect("list").iter();
    let read = |entry: &Value| Recording {
        id: entry["id"].as_str().expect("id").to_owned(),
        body: body(
            file(entry["response_file"].as_str().expect("response")),
            entry,
        ),
        request: entry["request_file"].as_str().map(file),
        index: entry.clone(),
        // An API of which nothing is read is not told.
        flavour: Flavour::named(entry["api"].as_str().expect("api")).unwrap_or(Flavour::Models),
        headers: headers(&entry["response_headers"]),
    };
    entries.map(read).collect()
}

/// A binary body is kept as text.
fn body(bytes: Vec<u8>, entry: &Value) -> Vec<u8> {
    let name = entry["response_file"].as_str().expect("response");
    if std::path::Path::new(name).extension() != Some("b64".as_ref()) {
        return bytes;
    }
    let text = String::from_utf8(bytes).expect("text").replace('\n', "");
    BASE64_STANDARD.decode(text).expect("base64")
}

/// The headers that would have been kept.
fn headers(recorded: &Value) -> Vec<(String, String)> {
    let headers = recorded.as_object().into_iter().flatten();
    headers
        .filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()))
        .collect()
}

/// Reads bytes of which nothing is known but the status.
pub(super) fn read_bytes(
    bytes: &[u8],
    http_status: u16,
    is_whole: bool,
    want: Want,
) -> Reading<'_> {
    let body = Body {
        bytes,
        http_status: Some(http_status),
        is_whole,
        ..Body::default()
    };
    read(&body, want)
}

impl Recording {
    /// The response with all that is known of it.
    fn response(&self) -> Body<'_> {
        Body {
            bytes: &self.body,
            http_status: status(self),
            is_whole: true,
            flavour: Some(self.flavour),
            headers: &self.headers,
        }
    }

    /// The response of which the flavour is not known.
    fn bare(&self) -> Body<'_> {
        Body {
            flavour: None,
            ..self.response()
        }
    }
}

fn status(recording: &Recording) -> Option<u16> {
    recording.index["http_status"]
        .as_u64()
        .map(|status| status as u16)
}

fn chunked(recording: &Recording, sizes: impl Iterator<Item = usize>) -> Reading<'static> {
    let mut reader = BodyReader::new(Some(recording.flavour), &recording.headers, Want::Output);
    let mut rest = recording.body.as_slice();
    for size in sizes {
        let (chunk, others) = rest.split_at(size.min(rest.len()));
        reader.push(chunk);
        rest = others;
    }
    reader.push(rest);
    reader.finish(status(recording), true)
}

/// What the index expects, in terms of a reading.
fn check(recording: &Recording, reading: &Reading<'_>, way: &str) {
    check_counts(recording, reading, way);
    check_error(recording, reading, way);
    check_extras(recording, reading, way);
}

fn check_counts(recording: &Recording, reading: &Reading<'_>, way: &str) {
    let expected = &recording.index["expected"];
    let at = |what: &str| format!("{} {way}: {what}", recording.id);
    let number = |count: Option<u64>| count.map_or(Value::Null, Value::from);
    let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| json!(text));
    let usage = &reading.usage;
    let pairs = [
        ("response_model", text(&reading.response_model)),
        ("response_id", text(&reading.response_id)),
        (
            "input_tokens_reported",
            number(reading.input_tokens_reported),
        ),
        ("input_tokens_total", number(usage.input_tokens)),
        (
            "output_tokens_reported",
            number(reading.output_tokens_reported),
        ),
        ("output_tokens_total", number(usage.output_tokens)),
        ("reasoning_tokens", number(usage.thinking_tokens)),
        ("cache_read_tokens", number(usage.cache_read_tokens)),
        ("cache_write_tokens", number(usage.cache_write_tokens)),
        (
            "cache_write_5m_tokens",
            number(reading.cache_write_5m_tokens),
        ),
        ("cache_write_1h_tokens", number(usage.cache_write_1h_tokens)),
        ("service_tier", text(&reading.service_tier)),
        ("finish_reasons", json!(reading.finish_reasons)),
    ];
    for (key, found) in pairs {
        // The index has null where these bodies do name model and id.
        let is_more = recording.id.starts_with("bedrock-invoke") && key.starts_with("response_");
        if let Some(value) = expected.get(key)
            && !(is_more && value.is_null())
        {
            assert_eq!(&found, value, "{}", at(key));
        }
    }
}

fn check_extras(recording: &Recording, reading: &Reading<'_>, way: &str) {
    let expected = &recording.index["expected"];
    let at = |what: &str| format!("{} {way}: {what}", recording.id);
    let number = |count: Option<u64>| count.map_or(Value::Null, Value::from);
    let usage = &reading.usage;
    if let Some(searches) = expected.pointer("/server_tool_use/web_search_requests") {
        assert_eq!(
            &number(usage.web_searches),
            searches,
            "{}",
            at("web searches")
        );
    }
    if let Some(audio) = expected.get("input_audio_tokens").and_then(Value::as_u64) {
        assert_eq!(reading.media.input_audio, Some(audio), "{}", at("audio"));
    }
    if let Some(sum) = expected.get("sum_over_iterations") {
        let mut found = Usage::default();
        reading
            .iterations
            .iter()
            .for_each(|iteration| found.add(&iteration.usage));
        assert_eq!(
            &number(found.input_tokens),
            &sum["input_tokens"],
            "{}",
            at("iterations")
        );
        assert_eq!(
            &number(found.output_tokens),
            &sum["output_tokens"],
            "{}",
            at("iterations")
        );
        assert!(reading.leaves_out_iterations(), "{}", at("iterations"));
    }
    if let Some(cost) = expected.get("provider_reported_cost") {
        let cost = cost.get("total_cost").unwrap_or(cost);
        let found = reading
            .reported_cost_usd
            .as_ref()
            .and_then(|cost| cost.parse::<f64>().ok());
        assert_eq!(found, cost.as_f64(), "{}", at("reported cost"));
    }
}

fn check_error(recording: &Recording, reading: &Reading<'_>, way: &str) {
    let expected = &recording.index["expected"];
    let inside = expected
        .get("mid_stream_error")
        .filter(|error| !error.is_null());
    let error = inside.unwrap_or(&expected["error"]);
    let found = reading.error.as_ref();
    assert_eq!(
        found.is_some(),
        !error.is_null(),
        "{} {way}: error",
        recording.id
    );
    let Some(found) = found else { return };
    let said = |key: &str, found: &Option<String>| match &error[key] {
        Value::Null => {}
        Value::String(text) => {
            assert_eq!(found.as_ref(), Some(text), "{} {way}: {key}", recording.id);
        }
        other => assert_eq!(
            found.as_ref(),
            Some(&other.to_string()),
            "{} {way}: {key}",
            recording.id
        ),
    };
    said("type", &found.kind);
    said("code", &found.code);
    said("status", &found.status);
    said("message", &found.message);
}

#[test]
fn recordings_are_read_whole() {
    let recordings = recordings();
    assert_eq!(recordings.len(), 96);
    for recording in &recordings {
        let reading = read(&recording.response(), Want::Output);
        check(recording, &reading, "whole");
        let told = read(&recording.bare(), Want::Output);
        check(recording, &told, "told by content");
        assert!(reading.is_complete, "{}", recording.id);
        assert_eq!(
            reading.is_stream,
            recording.index["stream"] == json!(true),
            "{}",
            recording.id
        );
        assert_eq!(
            reading.output.is_some(),
            (reading.error.is_none() || reading.is_stream) && recording.id != "gemini-blocked",
            "{}",
            recording.id
        );
    }
}

/// Shapes that the first recordings do not have, whole and in chunks; an error's words are the command's to compare.
#[test]
fn the_second_recordings_are_read_whole_and_in_chunks() {
    let recordings = recordings_of("provider-traffic-2");
    assert_eq!(recordings.len(), 101);
    for recording in &recordings {
        let reading = read(&recording.response(), Want::Output);
        check_counts(recording, &reading, "whole");
        for size in [1, 7, 1 << 10] {
            let reading = chunked(recording, std::iter::repeat_n(size, recording.body.len()));
            check_counts(recording, &reading, "in chunks");
        }
    }
}

#[test]
fn recordings_have_routes() {
    for recording in recordings() {
        let path = recording.index["endpoint"].as_str().expect("path");
        if recording.flavour == Flavour::Models {
            assert_eq!(route_path(path), None);
            continue;
        }
        let by_path = route_path(path).expect(&recording.id);
        assert_eq!(by_path.flavour, recording.flavour, "{}", recording.id);
        if let Some(model) = &by_path.model {
            let expected = &recording.index["expected"]["request_model"];
            assert_eq!(&json!(model), expected, "{}", recording.id);
        }
        let provider = recording.index["provider"].as_str().expect("provider");
        let host = recording.index["host"].as_str().unwrap_or_default();
        if let Some(route) = route(host, path) {
            assert_eq!(route.provider, provider_name(provider), "{}", recording.id);
            assert_eq!(route.flavour, recording.flavour, "{}", recording.id);
        } else {
            assert!(host.is_empty() || host == "localhost:8000", "{host}{path}");
        }
    }
}

#[test]
fn recordings_are_read_in_chunks_of_any_size() {
    for recording in recordings() {
        let whole = read(&recording.response(), Want::Output);
        for size in [1, 7, 64, 4096] {
            let reading = chunked(
                &recording,
                std::iter::repeat_n(size, recording.body.len() / size),
            );
            check(&recording, &reading, &format!("in chunks of {size}"));
            assert!(reading == whole, "{} in chunks of {size}", recording.id);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn recordings_are_read_in_random_chunks(sizes in prop::collection::vec(1_usize..4000, 1..60)) {
        for recording in recordings().iter().filter(|recording| recording.body.len() < 100_000) {
            let whole = read(&recording.response(), Want::Output);
            let reading = chunked(recording, sizes.iter().copied());
            prop_assert!(reading == whole, "{}", recording.id);
        }
    }

    /// A cut body knows no more than the whole one, and says that it was cut.
    #[test]
    fn cut_recordings_invent_nothing(part in 0.0_f64..1.0) {
        for recording in recordings() {
            let end = (recording.body.len() as f64 * part) as usize;
            let cut = read_bytes(&recording.body[..end], 200, false, Want::Output);
            let whole = read(&recording.response(), Want::Output);
            let pairs = [
                (cut.usage.output_tokens, whole.usage.output_tokens),
                (cut.usage.thinking_tokens, whole.usage.thinking_tokens),
            ];
            for (cut, whole) in pairs {
                prop_assert!(cut.is_none() || cut == whole, "{} cut at {end}", recording.id);
            }
            prop_assert!(cut.finish_reasons.iter().all(|reason| whole.finish_reasons.contains(reason)));
            if !whole.is_stream {
                prop_assert!(!cut.is_complete, "{} cut at {end}", recording.id);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..300), status in 100_u16..600) {
        read_bytes(&body, status, true, Want::Output);
    }

    #[test]
    fn damaged_recordings_are_read_without_panic(at in 0.0_f64..1.0, byte in any::<u8>()) {
        for mut recording in recordings() {
            let at = (recording.body.len() as f64 * at) as usize;
            if let Some(damaged) = recording.body.get_mut(at) {
                *damaged = byte;
            }
            read_bytes(&recording.body, 200, true, Want::Output);
        }
    }
}

#[test]
fn a_stream_without_its_end_is_cut() {
    for recording in recordings()
        .iter()
        .filter(|recording| recording.index["stream"] == json!(true))
    {
        let Ok(text) = String::from_utf8(recording.body.clone()) else {
            continue; // Binary frames have a test of their own.
        };
        if !text.trim_end().contains('\n') {
            continue; // One event that says everything.
        }
        let end = text
            .find("event: message_stop")
            .or_else(|| text.find("event: response.completed"))
            .or_else(|| text.find("event: message-end"))
            .or_else(|| text.find("data: [DONE]"))
            .or_else(|| text.trim_end().rfind('\n'))
            .expect("an end");
        let reading = read_bytes(&recording.body[..end], 200, false, Want::Facts);
        assert!(!reading.is_complete, "{}", recording.id);
        let first = text.find("\n\n").or_else(|| text.find('\n'));
        let start = &recording.body[..=first.expect("an event")];
        assert_eq!(
            read_bytes(start, 200, false, Want::Facts)
                .usage
                .output_tokens,
            None,
            "{}",
            recording.id
        );
    }
}

#[test]
fn requests_give_model_content_and_system_prompt() {
    for recording in recordings() {
        let Some(request) = &recording.request else {
            continue;
        };
        let read = read_request(request);
        let expected = &recording.index["expected"]["request_model"];
        let path = recording.index["endpoint"].as_str().expect("path");
        if route_path(path).is_none_or(|route| route.model.is_none()) {
            assert_eq!(&json!(read.model), expected, "{}", recording.id);
        }
        let whole: Value = serde_json::from_slice(request).expect("request");
        let input: Value = serde_json::from_slice(&read.input.expect("input")).expect("JSON");
        let keys = [
            "messages",
            "input",
            "contents",
            "prompt",
            "message",
            "inputText",
        ];
        let expected = keys.into_iter().find_map(|key| whole.get(key));
        assert_eq!(Some(&input), expected, "{}", recording.id);
    }
    let chat = br#"{"messages":[{"role":"user","content":"a"},{"role":"developer","content":"be brief"}]}"#;
    assert_eq!(read_request(chat).system, Some(&br#""be brief""#[..]));
    let other = br#"{"contents":[1],"system_instruction":{"parts":[]},"stream":true}"#;
    let request = read_request(other);
    assert_eq!(
        (request.input.as_deref(), request.stream),
        (Some(&b"[1]"[..]), Some(true))
    );
    assert_eq!(request.system, Some(&br#"{"parts":[]}"#[..]));
    assert!(read_request(b"no JSON").input.is_none());
}

#[test]
fn refusals_are_told_by_code() {
    for (body, status, expected) in [
        (&br#"{"object":"chat.completion","choices":[{"message":{"refusal":"no"},"finish_reason":"stop"}]}"#[..], 200, Some("refusal")),
        (br#"{"object":"chat.completion","choices":[{"finish_reason":"content_filter"}]}"#, 200, Some("content_filter")),
        (br#"{"type":"message","content":[],"stop_reason":"refusal"}"#, 200, Some("refusal")),
        (br#"{"error":{"code":"content_filter","message":"x"}}"#, 400, Some("content_filter")),
        (br#"{"error":{"code":"rate_limit_exceeded","message":"x"}}"#, 429, None),
        (b"data: {\"object\":\"chat.completion.chunk\",\"choices\":[{\"delta\":{\"refusal\":\"n\"}}]}\n\n", 200, Some("refusal")),
    ] {
        assert_eq!(read_bytes(body, status, true, Want::Facts).refusal(), expected);
    }
}

#[test]
fn errors_are_found_wherever_they_stand() {
    for (body, status, code, message) in [
        (&b"<html>bad gateway</html>"[..], 502, None, Some("<html>bad gateway</html>")),
        (br#"{"error":"model not found"}"#, 404, None, Some("model not found")),
        (br#"{"message":"too many","__type":"ThrottlingException"}"#, 429, Some("ThrottlingException"), Some("too many")),
        (b"event: error\ndata: {\"message\":\"x\",\"code\":7}\n\n", 200, Some("7"), Some("x")),
        (b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"y\"}}\n\n", 200, Some("overloaded_error"), Some("y")),
        (b"", 500, None, None),
    ] {
        let error = read_bytes(body, status, true, Want::Facts).error.expect("an error");
        assert_eq!((error.error_type(), error.message.as_deref()), (code, message));
    }
}

pub(super) fn canonical(output: &[u8]) -> String {
    let mut out = Vec::new();
    spelling::canonical(&mut out, output).expect("JSON");
    String::from_utf8(out).expect("text")
}

/// A text cut into pieces at character boundaries.
pub(super) fn pieces(text: &str, size: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters
        .chunks(size.max(1))
        .map(|piece| piece.iter().collect())
        .collect()
}

/// Events that stream a whole Anthropic body.
fn anthropic_events(content: &[Value], size: usize) -> String {
    let mut events = vec![
        json!({"type": "message_start", "message": {"id": "m", "model": "c", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1}}}),
    ];
    for (index, block) in content.iter().enumerate() {
        let mut start = block.clone();
        let mut deltas = Vec::new();
        let mut cut = |key: &str, kind: &str, part: &str| {
            if let Some(text) = block[key].as_str() {
                start[key] = json!("");
                deltas.extend(
                    pieces(text, size)
                        .into_iter()
                        .map(|piece| json!({"type": kind, part: piece})),
                );
            }
        };
        cut("text", "text_delta", "text");
        cut("thinking", "thinking_delta", "thinking");
        if let Some(signature) = block.get("signature") {
            start["signature"] = json!("");
            deltas.push(json!({"type": "signature_delta", "signature": signature}));
        }
        if block["type"] == "tool_use" {
            start["input"] = json!({});
            let input = block["input"].to_string();
            deltas.extend(
                pieces(&input, size)
                    .into_iter()
                    .map(|piece| json!({"type": "input_json_delta", "partial_json": piece})),
            );
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        events.extend(
            deltas.into_iter().map(
                |delta| json!({"type": "content_block_delta", "index": index, "delta": delta}),
            ),
        );
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}}));
    events.push(json!({"type": "message_stop"}));
    let spell = |event: &Value| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().expect("type")
        )
    };
    events.iter().map(spell).collect()
}

/// Chunks that stream whole choices.
fn chat_events(choices: &[Value], size: usize) -> String {
    let mut out = String::new();
    let mut chunk = |choice: Value| {
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [choice]});
        let _ = write!(out, "data: {chunk}\n\n");
    };
    for choice in choices {
        let (index, message) = (&choice["index"], &choice["message"]);
        let mut delta = |delta: Value| {
            chunk(json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": null}));
        };
        let mut first = json!({"role": "assistant", "content": if message["content"].is_null() { Value::Null } else { json!("") }});
        if message.get("refusal").is_some() {
            first["refusal"] = Value::Null;
        }
        delta(first);
        for key in ["content", "refusal", "reasoning_content"] {
            for piece in pieces(message[key].as_str().unwrap_or_default(), size) {
                delta(json!({ key: piece }));
            }
        }
        for (at, call) in message["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let mut head = call.clone();
            head["index"] = json!(at);
            head["function"]["arguments"] = json!("");
            delta(json!({"tool_calls": [head]}));
            for piece in pieces(
                call["function"]["arguments"].as_str().expect("arguments"),
                size,
            ) {
                delta(json!({"tool_calls": [{"index": at, "function": {"arguments": piece}}]}));
            }
        }
        chunk(
            json!({"index": index, "delta": {}, "logprobs": null, "finish_reason": choice["finish_reason"]}),
        );
    }
    out + "data: [DONE]\n\n"
}

fn block() -> impl Strategy<Value = Value> {
    let text = "\\PC{0,40}";
    prop_oneof![
        text.prop_map(|text| json!({"type": "text", "text": text})),
        (text, "[A-Za-z0-9+/=]{1,40}").prop_map(|(thinking, signature)| {
            json!({"type": "thinking", "thinking": thinking, "signature": signature})
        }),
        (text, any::<i64>()).prop_map(|(text, number)| {
            json!({"type": "tool_use", "id": "t", "name": "f", "input": {"text": text, "number": number, "deep": [{"a": null}]}})
        }),
        Just(json!({"type": "redacted_thinking", "data": "abc"})),
    ]
}

fn choice(index: usize) -> impl Strategy<Value = Value> {
    let call = "\\PC{0,30}".prop_map(|text| {
        json!({"id": "call", "type": "function", "function": {"name": "f", "arguments": json!({"q": text}).to_string()}})
    });
    (
        prop::option::of("\\PC{0,40}"),
        prop::option::of("\\PC{1,40}"),
        prop::collection::vec(call, 0..3),
        "stop|length|tool_calls",
    )
        .prop_map(move |(content, refusal, calls, reason)| {
            let mut message = json!({"role": "assistant", "content": content, "refusal": refusal});
            if !calls.is_empty() {
                message["tool_calls"] = json!(calls);
            }
            json!({"index": index, "message": message, "logprobs": null, "finish_reason": reason})
        })
}

proptest! {
    #[test]
    fn a_streamed_message_has_the_output_of_the_whole_one(
        content in prop::collection::vec(block(), 0..5), size in 1_usize..12,
    ) {
        let whole = json!({"type": "message", "content": content, "stop_reason": "end_turn"}).to_string();
        let events = anthropic_events(&content, size);
        let whole = read_bytes(whole.as_bytes(), 200, true, Want::Output);
        let streamed = read_bytes(events.as_bytes(), 200, true, Want::Output);
        prop_assert!(streamed.is_complete);
        prop_assert_eq!(
            canonical(streamed.output.as_deref().expect("content")),
            canonical(whole.output.as_deref().expect("content"))
        );
    }

    #[test]
    fn streamed_choices_have_the_output_of_whole_ones(
        choices in (choice(0), choice(1)), size in 1_usize..12,
    ) {
        let choices = [choices.0, choices.1];
        let whole = json!({"object": "chat.completion", "choices": choices}).to_string();
        let events = chat_events(&choices, size);
        let whole = read_bytes(whole.as_bytes(), 200, true, Want::Output);
        let streamed = read_bytes(events.as_bytes(), 200, true, Want::Output);
        prop_assert!(streamed.is_complete);
        prop_assert_eq!(
            canonical(streamed.output.as_deref().expect("choices")),
            canonical(whole.output.as_deref().expect("choices"))
        );
    }
}

/// Values in values overflowed the stack of whoever put a stream's pieces together.
#[test]
fn hostile_nesting_and_width_cost_neither_stack_nor_time() {
    let deep = format!("{}1{}", "{\"a\":[".repeat(5_000), "]}".repeat(5_000));
    let members: Vec<String> = (0..4_000)
        .map(|at| format!("\"{at}\":{{\"index\":{at}}}"))
        .collect();
    let wide = format!("{{{}}}", members.join(","));
    let elements: Vec<String> = (0..20_000)
        .map(|at| format!("{{\"index\":{at}}}"))
        .collect();
    let long = format!("[{}]", elements.join(","));
    for hostile in [deep, wide, long] {
        for event in [
            format!(r#"{{"type":"content_block_start","index":0,"content_block":{hostile}}}"#),
            format!(
                r#"{{"object":"chat.completion.chunk","choices":[{{"index":0,"delta":{hostile}}}]}}"#
            ),
            format!(r#"{{"type":"response.output_item.added","output_index":0,"item":{hostile}}}"#),
            format!(r#"{{"type":"message-start","delta":{{"message":{hostile}}}}}"#),
            format!(
                r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{hostile}}}]}}}}]}}"#
            ),
            format!(r#"{{"contentBlockStart":{{"contentBlockIndex":0,"start":{hostile}}}}}"#),
            format!(r#"{{"model":"m","created_at":"t","message":{hostile},"done":false}}"#),
        ] {
            read_bytes(event.as_bytes(), 200, true, Want::Output);
            let events = format!("data: {event}\n\ndata: {event}\n\n");
            read_bytes(events.as_bytes(), 200, true, Want::Output);
        }
    }
}
