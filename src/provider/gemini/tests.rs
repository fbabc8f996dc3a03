//! Gemini: counts, blocks and tiers; streams in both framings against whole bodies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    Flavour, MediaTokens, Want,
    attack::cut_everywhere,
    tests::{canonical, pieces, read_bytes},
};

/// Chunks as server-sent events.
fn as_events(chunks: &[Value]) -> String {
    chunks.iter().fold(String::new(), |events, chunk| {
        events + &format!("data: {chunk}\n\n")
    })
}

/// Chunks that stream a whole Gemini candidate.
fn chunks_of(parts: &[Value], size: usize) -> Vec<Value> {
    let mut chunks = Vec::new();
    let mut chunk = |parts: Value| {
        let content = json!({"role": "model", "parts": parts});
        chunks.push(
            json!({"candidates": [{"content": content, "index": 0}], "modelVersion": "g",
            "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3}}),
        );
    };
    for part in parts {
        let Some(text) = part["text"].as_str() else {
            chunk(json!([part]));
            continue;
        };
        for piece in pieces(text, size) {
            let mut part = part.clone();
            part["text"] = json!(piece);
            chunk(json!([part]));
        }
    }
    chunks.push(json!({"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 4, "totalTokenCount": 9}}));
    chunks
}

/// Parts of a candidate, no two texts of one kind side by side: those would be one.
fn parts() -> impl Strategy<Value = Vec<Value>> {
    let part = prop_oneof![
        "\\PC{1,30}".prop_map(|text| json!({"text": text})),
        "\\PC{1,30}".prop_map(|text| json!({"text": text, "thought": true})),
        "\\PC{0,9}".prop_map(|text| json!({"functionCall": {"name": "f", "args": {"text": text}}, "thoughtSignature": "s"})),
    ];
    prop::collection::vec(part, 0..6).prop_map(|mut parts| {
        let kind = |part: &Value| part.get("text").map(|_| part["thought"] == json!(true));
        parts.dedup_by(|a, b| kind(a).is_some() && kind(a) == kind(b));
        parts
    })
}

proptest! {
    #[test]
    fn streamed_candidates_have_the_output_of_whole_ones(parts in parts(), size in 1_usize..12) {
        let content = json!({"role": "model", "parts": parts});
        let whole = json!({"candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 4, "totalTokenCount": 9}});
        let whole = whole.to_string();
        let whole = read_bytes(whole.as_bytes(), 200, true, Want::Output);
        let chunks = chunks_of(&parts, size);
        let events = as_events(&chunks);
        let list: Vec<String> = chunks.iter().map(|chunk| format!("{chunk:#}")).collect();
        let array = format!("[{}]", list.join(",\r\n"));
        for streamed in [events, array] {
            let streamed = read_bytes(streamed.as_bytes(), 200, true, Want::Output);
            prop_assert!(streamed.is_complete && streamed.is_stream);
            prop_assert_eq!(streamed.usage, whole.usage);
            prop_assert_eq!(&streamed.tool_calls, &whole.tool_calls);
            prop_assert_eq!(
                canonical(streamed.output.as_deref().expect("candidates")),
                canonical(whole.output.as_deref().expect("candidates"))
            );
        }
    }
}

#[test]
fn counts_are_canonical_and_never_invented() {
    let usage = |usage: Value, reason: Value| {
        let body = json!({"candidates": [{"finishReason": reason}], "usageMetadata": usage});
        let events = format!("data: {body}\n\n");
        let reading = read_bytes(events.as_bytes(), 200, true, Want::Facts);
        let counts = reading.usage;
        (
            counts.input_tokens,
            counts.output_tokens,
            counts.thinking_tokens,
        )
    };
    let stop = json!("STOP");
    for (said, reason, expected) in [
        (
            json!({"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 22, "totalTokenCount": 31}),
            &stop,
            (Some(7), Some(24), Some(22)),
        ),
        (
            json!({"promptTokenCount": 20, "toolUsePromptTokenCount": 79, "candidatesTokenCount": 25}),
            &stop,
            (Some(99), Some(25), None),
        ),
        // The last chunk leaves the candidates out, and the total has them.
        (
            json!({"promptTokenCount": 20, "thoughtsTokenCount": 5, "totalTokenCount": 40}),
            &stop,
            (Some(20), Some(20), Some(5)),
        ),
        (
            json!({"promptTokenCount": 20, "totalTokenCount": 20}),
            &stop,
            (Some(20), Some(0), None),
        ),
        (
            json!({"promptTokenCount": 20}),
            &stop,
            (Some(20), None, None),
        ),
        (
            json!({"promptTokenCount": 20, "totalTokenCount": 3}),
            &stop,
            (Some(20), None, None),
        ),
        (
            json!({"promptTokenCount": -1, "candidatesTokenCount": "7", "totalTokenCount": 1e3}),
            &stop,
            (None, None, None),
        ),
        (
            json!({"promptTokenCount": u64::MAX, "toolUsePromptTokenCount": u64::MAX, "candidatesTokenCount": 1.0}),
            &stop,
            (Some(u64::MAX), Some(1), None),
        ),
        (
            json!({"trafficType": "ON_DEMAND"}),
            &stop,
            (None, None, None),
        ),
        // Cut before its reason.
        (
            json!({"promptTokenCount": 7, "candidatesTokenCount": 2, "thoughtsTokenCount": 22}),
            &Value::Null,
            (Some(7), None, None),
        ),
    ] {
        assert_eq!(usage(said.clone(), reason.clone()), expected, "{said}");
    }
}

#[test]
fn tiers_media_and_blocks_are_read() {
    let body = br#"{"promptFeedback":{"blockReason":"MODEL_ARMOR"},"usageMetadata":{"trafficType":"ON_DEMAND_PRIORITY"}}"#;
    let reading = read_bytes(body, 200, true, Want::Facts);
    assert_eq!(reading.refusal(), Some("model_armor"));
    assert_eq!(reading.service_tier.as_deref(), Some("priority"));
    assert!(reading.is_complete && reading.usage.is_empty());
    let body = br#"{"candidates":[],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":6,"serviceTier":"batch",
        "promptTokensDetails":[{"modality":"TEXT","tokenCount":3},{"modality":"AUDIO","tokenCount":4},{"modality":"DOCUMENT","tokenCount":3}],
        "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":2}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":8}]}}"#;
    let reading = read_bytes(body, 200, true, Want::Facts);
    let media = MediaTokens {
        input_audio: Some(4),
        cache_read_audio: Some(2),
        input_image: Some(3),
        output_image: Some(8),
        ..MediaTokens::default()
    };
    assert_eq!((reading.media, reading.batch), (media, true));
    let unknown = br#"{"promptFeedback":{"blockReason":"SOMETHING_NEW"}}"#;
    assert_eq!(
        read_bytes(unknown, 200, true, Want::Facts).refusal(),
        Some("blocked")
    );
    let error = br#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"x"}}]"#;
    let reading = read_bytes(error, 429, true, Want::Facts);
    assert_eq!(
        reading.error.expect("an error").status.as_deref(),
        Some("RESOURCE_EXHAUSTED")
    );
    assert!(!reading.is_stream);
    let vertex = br#"{"predictions":[{"embeddings":{"values":[0.1],"statistics":{"token_count":4}}},{"embeddings":{"values":[],"statistics":{"token_count":5}}}]}"#;
    let reading = read_bytes(vertex, 200, true, Want::Facts);
    assert_eq!(
        (reading.flavour, reading.usage.input_tokens),
        (Some(Flavour::GeminiEmbeddings), Some(9))
    );
}

#[test]
fn a_cut_stream_makes_nothing_up() {
    let chunks = chunks_of(
        &[
            json!({"text": "a whole answer"}),
            json!({"functionCall": {"name": "f"}}),
        ],
        5,
    );
    let events = as_events(&chunks);
    cut_everywhere(&events, Flavour::GeminiGenerateContent);
    let list: Vec<String> = chunks.iter().map(Value::to_string).collect();
    cut_everywhere(
        &format!("[{}]", list.join(",\n")),
        Flavour::GeminiGenerateContent,
    );
}

/// Counters start again with each step that runs at the provider: what a cut stream said last is of one step.
#[test]
fn where_tools_ran_a_cut_stream_has_no_counts() {
    let step = json!({"candidates": [{"content": {"parts": [{"executableCode": {"code": "1"}}]}}],
        "usageMetadata": {"promptTokenCount": 20, "candidatesTokenCount": 21}});
    let events = format!("data: {step}\n\n");
    let reading = read_bytes(events.as_bytes(), 200, false, Want::Facts);
    assert!(reading.usage.is_empty() && reading.input_tokens_reported.is_none());
}
