//! `InvokeModel`: the bodies and streams of each maker, Bedrock's own counts beside them, and damaged frames.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::super::{
    Body, BodyReader, Flavour, Reading, Want, attack::output, event_stream::frame, read,
    tests::recordings,
};

fn chunk(inside: &Value) -> Vec<u8> {
    let payload = json!({"bytes": BASE64_STANDARD.encode(inside.to_string()), "p": "abcd"});
    let headers = [(":event-type", "chunk"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

fn streamed(events: &[Value]) -> Reading<'static> {
    let bytes: Vec<u8> = events.iter().flat_map(chunk).collect();
    let mut reader = BodyReader::new(Some(Flavour::BedrockInvoke), &[], Want::Output);
    bytes.chunks(50).for_each(|chunk| reader.push(chunk));
    reader.finish(Some(200), true)
}

fn body<'a>(text: &'a str, headers: &'a [(String, String)]) -> Reading<'a> {
    let body = Body {
        bytes: text.as_bytes(),
        http_status: Some(200),
        is_whole: true,
        flavour: Some(Flavour::BedrockInvoke),
        headers,
    };
    read(&body, Want::Output)
}

fn header_counts() -> Vec<(String, String)> {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        header("x-amzn-bedrock-input-token-count", "7"),
        header("x-amzn-bedrock-output-token-count", "9"),
        header("x-amzn-bedrock-cache-read-input-token-count", "3"),
        header("x-amzn-requestid", "request-1"),
    ]
}

fn metrics(input: u64, output: u64) -> Value {
    json!({"inputTokenCount": input, "outputTokenCount": output, "invocationLatency": 50, "firstByteLatency": 5,
        "cacheReadInputTokenCount": 2, "cacheWriteInputTokenCount": 1})
}

#[test]
fn each_maker_s_body_is_read() {
    for (text, counts, reason, said) in [
        (
            r#"{"inputTextTokenCount":9,"results":[{"tokenCount":17,"outputText":"t","completionReason":"FINISH"},{"tokenCount":1,"completionReason":"LENGTH"}]}"#,
            (Some(9), Some(18)),
            Some("FINISH"),
            r#"[{"tokenCount":17,"outputText":"t","completionReason":"FINISH"},{"tokenCount":1,"completionReason":"LENGTH"}]"#,
        ),
        (
            r#"{"generation":"g","prompt_token_count":8,"generation_token_count":35,"stop_reason":"stop"}"#,
            (Some(8), Some(35)),
            Some("stop"),
            "\"g\"",
        ),
        // Those below say no counts: the headers do.
        (
            r#"{"outputs":[{"text":"m","stop_reason":"length"}]}"#,
            (Some(10), Some(9)),
            Some("length"),
            r#"[{"text":"m","stop_reason":"length"}]"#,
        ),
        (
            r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"m"},"stop_reason":"stop"}]}"#,
            (Some(10), Some(9)),
            Some("stop"),
            r#"[{"index":0,"message":{"role":"assistant","content":"m"},"stop_reason":"stop"}]"#,
        ),
        (
            r#"{"generations":[{"finish_reason":"COMPLETE","id":"1","text":"c"}],"id":"2","prompt":"p"}"#,
            (Some(10), Some(9)),
            Some("COMPLETE"),
            r#"[{"finish_reason":"COMPLETE","id":"1","text":"c"}]"#,
        ),
        (
            r#"{"id":1,"prompt":{"text":"p"},"completions":[{"data":{"text":"j"},"finishReason":{"reason":"endoftext"}}]}"#,
            (Some(10), Some(9)),
            Some("endoftext"),
            r#"[{"data":{"text":"j"},"finishReason":{"reason":"endoftext"}}]"#,
        ),
        (
            r#"{"choices":[{"text":"d","stop_reason":"stop"}]}"#,
            (Some(10), Some(9)),
            Some("stop"),
            r#"[{"text":"d","stop_reason":"stop"}]"#,
        ),
        (
            // What the body lacks, a header says.
            r#"{"embedding":[0.5],"inputTextTokenCount":4}"#,
            (Some(4), Some(9)),
            None,
            "[0.5]",
        ),
        (
            r#"{"output":{"message":{"role":"assistant","content":[{"text":"n"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2,"cacheReadInputTokenCount":3}}"#,
            (Some(4), Some(2)),
            Some("end_turn"),
            r#"{"message":{"role":"assistant","content":[{"text":"n"}]}}"#,
        ),
        (
            r#"{"id":"a","type":"message","content":[{"type":"text","text":"c"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2}}"#,
            (Some(1), Some(2)),
            Some("end_turn"),
            r#"[{"type":"text","text":"c"}]"#,
        ),
    ] {
        let headers = header_counts();
        let reading = body(text, &headers);
        assert_eq!(
            (reading.usage.input_tokens, reading.usage.output_tokens),
            counts,
            "{text}"
        );
        assert_eq!(
            reading.finish_reasons.first().map(String::as_str),
            reason,
            "{text}"
        );
        assert_eq!(output(&reading), said);
        assert_eq!(reading.flavour, Some(Flavour::BedrockInvoke), "{text}");
        assert_eq!(reading.provider_request_id.as_deref(), Some("request-1"));
        assert!(reading.is_complete && !reading.is_stream);
    }
}

/// A count may grow from chunk to chunk: the first of several is never taken for the answer's.
#[test]
fn each_maker_s_stream_is_read() {
    let titan = [
        json!({"outputText": "a", "index": 0, "inputTextTokenCount": 3, "totalOutputTextTokenCount": null, "completionReason": null}),
        json!({"outputText": "b", "index": 0, "totalOutputTextTokenCount": 4, "completionReason": "FINISH", "amazon-bedrock-invocationMetrics": metrics(3, 4)}),
    ];
    let llama = [
        json!({"generation": "a", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": null}),
        json!({"generation": "b", "prompt_token_count": null, "generation_token_count": 2, "stop_reason": null}),
        json!({"generation": "", "prompt_token_count": null, "generation_token_count": 3, "stop_reason": "stop", "amazon-bedrock-invocationMetrics": metrics(3, 3)}),
    ];
    let nova = [
        json!({"messageStart": {"role": "assistant"}}),
        json!({"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "ab"}}}),
        json!({"messageStop": {"stopReason": "end_turn"}}),
        json!({"metadata": {"usage": {"inputTokens": 3, "outputTokens": 5}}, "amazon-bedrock-invocationMetrics": metrics(3, 5)}),
    ];
    let mistral = [
        json!({"outputs": [{"text": "a", "stop_reason": null}]}),
        json!({"outputs": [{"text": "b", "stop_reason": "stop"}], "amazon-bedrock-invocationMetrics": metrics(3, 6)}),
    ];
    for (events, input, count, reason, said) in [
        (
            &titan[..],
            3,
            4,
            "FINISH",
            r#"[{"tokenCount":4,"outputText":"ab","completionReason":"FINISH"}]"#,
        ),
        (&llama[..], 3, 3, "stop", "\"ab\""),
        (
            &nova[..],
            3,
            5,
            "end_turn",
            r#"{"message":{"role":"assistant","content":[{"text":"ab"}]}}"#,
        ),
        // Bedrock's counts alone, with what was cached.
        (
            &mistral[..],
            6,
            6,
            "stop",
            r#"[{"text":"ab","stop_reason":"stop"}]"#,
        ),
    ] {
        let reading = streamed(events);
        assert_eq!(reading.usage.input_tokens, Some(input), "{said}");
        assert_eq!(reading.usage.output_tokens, Some(count), "{said}");
        assert_eq!(reading.finish_reasons, [reason]);
        assert_eq!(output(&reading), said);
        assert!(reading.is_complete && reading.is_stream);
        assert_eq!(
            reading.invocation_metrics.expect("metrics").is_usage,
            events == &mistral[..]
        );
        let cut = streamed(&events[..1]);
        assert!(
            !cut.is_complete && cut.usage.output_tokens.is_none(),
            "{said}"
        );
    }
}

#[test]
fn the_model_s_own_counts_come_before_bedrock_s() {
    let events = [
        json!({"type": "message_start", "message": {"usage": {"input_tokens": 392, "output_tokens": 8}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 133}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 392, "outputTokenCount": 97}}),
    ];
    let reading = streamed(&events);
    assert_eq!(reading.usage.output_tokens, Some(133));
    let metrics = reading.invocation_metrics.expect("metrics");
    assert_eq!(
        (metrics.usage.output_tokens, metrics.is_usage),
        (Some(97), false)
    );
}

#[test]
fn a_guardrail_beside_the_answer_is_a_refusal() {
    let text =
        r#"{"results":[],"inputTextTokenCount":1,"amazon-bedrock-guardrailAction":"INTERVENED"}"#;
    assert_eq!(body(text, &[]).refusal(), Some("guardrail_intervened"));
    let event = json!({"outputText": "a", "amazon-bedrock-guardrailAction": "INTERVENED"});
    assert_eq!(streamed(&[event]).refusal(), Some("guardrail_intervened"));
    let none = r#"{"results":[],"inputTextTokenCount":1,"amazon-bedrock-guardrailAction":"NONE"}"#;
    assert_eq!(body(none, &[]).refusal(), None);
}

#[test]
fn what_is_no_base64_or_no_json_inside_breaks_the_stream() {
    for inside in ["%%%", &BASE64_STANDARD.encode("no JSON"), ""] {
        let payload = json!({"bytes": inside}).to_string();
        let bytes = frame(
            &[(":event-type", "chunk"), (":message-type", "event")],
            payload.as_bytes(),
        );
        let mut reader = BodyReader::new(None, &[], Want::Output);
        reader.push(&bytes);
        let reading = reader.finish(Some(200), true);
        assert!(
            !reading.is_complete && reading.usage.is_empty(),
            "{inside:?}"
        );
    }
}

/// Says whether every bit is flipped, or one of nineteen.
#[expect(
    clippy::disallowed_methods,
    reason = "the campaign is asked for in the environment"
)]
fn stride() -> usize {
    let is_full = std::env::var("LLM_AUDIT_CAMPAIGN").is_ok_and(|campaign| campaign == "full");
    if is_full { 1 } else { 19 }
}

fn binary() -> impl Iterator<Item = (String, Vec<u8>, Flavour)> {
    let flavours = [Flavour::BedrockConverse, Flavour::BedrockInvoke];
    let of_bedrock = recordings().into_iter().filter(move |recording| {
        flavours.contains(&recording.flavour) && recording.body.first() == Some(&0)
    });
    of_bedrock.map(|recording| (recording.id, recording.body, recording.flavour))
}

/// Holds that a damaged or cut stream says nothing that the whole one does not, and that it says so.
fn check(id: &str, damaged: &[u8], flavour: Flavour, whole: &Reading<'_>) {
    let body = Body {
        bytes: damaged,
        http_status: Some(200),
        is_whole: true,
        flavour: Some(flavour),
        ..Body::default()
    };
    let reading = read(&body, Want::Facts);
    assert!(!reading.is_complete, "{id}");
    let (usage, expected) = (&reading.usage, &whole.usage);
    for (said, expected) in [
        (usage.input_tokens, expected.input_tokens),
        (usage.output_tokens, expected.output_tokens),
    ] {
        assert!(said.is_none() || said == expected, "{id}: {said:?}");
    }
    let reasons = &reading.finish_reasons;
    assert!(
        reasons.is_empty() || *reasons == whole.finish_reasons,
        "{id}"
    );
    assert!(reading.invocation_metrics.is_none(), "{id}");
    assert!(whole.tool_calls.starts_with(&reading.tool_calls), "{id}");
}

#[test]
fn no_flipped_bit_of_a_recording_is_believed() {
    let mut seen = 0;
    for (id, body, flavour) in binary() {
        let all = Body {
            bytes: &body,
            http_status: Some(200),
            is_whole: true,
            flavour: Some(flavour),
            ..Body::default()
        };
        let whole = read(&all, Want::Facts);
        assert!(whole.is_complete);
        for bit in (0..body.len() * 8).step_by(stride()) {
            let mut damaged = body.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            check(&format!("{id}, bit {bit}"), &damaged, flavour, &whole);
        }
        for end in (0..body.len()).step_by(stride().min(3)) {
            check(
                &format!("{id}, cut at {end}"),
                &body[..end],
                flavour,
                &whole,
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 3);
}
