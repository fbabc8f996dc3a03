//! Every kind of end, source of counts and name, as data.

use super::*;
use crate::{
    operation::{RequestId, Status, TraceIds, Usage},
    record::{CallError, Capture, End, ResponseBody},
};
use llm_audit_journal::clock::Timestamp;

/// A record as the layer makes it, of a span with these attributes.
fn record(attributes: &[(&str, &str)]) -> AuditRecord {
    let mut facts = Facts::default();
    for (name, value) in attributes {
        let slot = Slot::of(name).expect("a known name");
        facts.set(
            slot,
            value.parse().map_or(FactValue::Text(value), FactValue::Int),
        );
    }
    let started_at = Timestamp::parse("2026-11-22T10:00:00.000000Z").expect("valid");
    AuditRecord {
        stage: Stage::Ended,
        request_id: RequestId::new(started_at, &[7; 10]),
        started_at,
        latency_ns: 1_500_000,
        first_chunk_ns: None,
        name: "ask",
        facts,
        call: None,
        trace: TraceIds::default(),
        parent_request_id: None,
        end: End::Closed,
        capture: Capture::Span,
        usage_is_nested: false,
        outcome: None,
        ack: None,
    }
}

fn with_call(attributes: &[(&str, &str)], call: CallData) -> AuditRecord {
    AuditRecord {
        call: Some(Box::new(call)),
        ..record(attributes)
    }
}

fn body(http_status: u16, bytes: &[u8]) -> ResponseBody {
    ResponseBody {
        bytes: bytes.to_vec(),
        http_status: Some(http_status),
        complete: true,
        ..ResponseBody::default()
    }
}

fn answered(bodies: Vec<ResponseBody>) -> AuditRecord {
    with_call(
        &[],
        CallData {
            responses: bodies,
            ..CallData::default()
        },
    )
}

/// Judges a record both ways: what its span would show is what it says.
fn outcome(record: &AuditRecord) -> Outcome {
    let prices = PriceTable::embedded();
    let whole = judge(record, &prices);
    let shown = judge_shown(record, &prices).glance();
    assert_eq!(
        (shown.status, shown.usage, shown.usd),
        (whole.status, whole.usage, whole.cost.usd)
    );
    whole
}

const MESSAGE: &[u8] = br#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929",
    "content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":100,"output_tokens":10}}"#;
const OVERLOADED: &[u8] = br#"{"type":"error","error":{"type":"overloaded_error","message":"try sk-abc123def456"},"request_id":"req_1"}"#;

#[test]
fn a_body_says_everything() {
    let outcome = outcome(&answered(vec![body(200, MESSAGE)]));
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(
        (outcome.operation.as_str(), outcome.action.as_str()),
        ("chat", "messages.create")
    );
    assert_eq!(outcome.provider.as_deref(), Some("anthropic"));
    assert_eq!(
        outcome.response_model.as_deref(),
        Some("claude-sonnet-4-5-20250929")
    );
    assert_eq!(outcome.usage.input_tokens, Some(100));
    assert_eq!(outcome.cost.usd.expect("priced").to_string(), "0.00045");
    assert_eq!(outcome.finish_reasons, ["end_turn"]);
}

#[test]
fn attributes_say_it_where_no_body_does() {
    let outcome = outcome(&record(&[
        ("gen_ai.system", "openai"),
        ("llm.request.type", "chat"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.usage.prompt_tokens", "1000"),
        ("gen_ai.usage.completion_tokens", "Some(100)"),
        ("gen_ai.usage.cache_read.input_tokens", "400"),
        ("gen_ai.response.finish_reasons", "[\"stop\", \"length\"]"),
    ]));
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(outcome.action, "chat");
    // 600 x 2.5 + 400 x 1.25 + 100 x 10 per million
    assert_eq!(outcome.cost.usd.expect("priced").to_string(), "0.003");
    assert_eq!(outcome.finish_reasons, ["stop", "length"]);
}

#[test]
fn several_responses_are_summed_and_priced_each() {
    let outcome = outcome(&answered(vec![
        body(200, MESSAGE),
        body(529, OVERLOADED),
        body(200, MESSAGE),
    ]));
    assert_eq!(outcome.status, Status::Success);
    assert_eq!(outcome.responses_summed, Some(2));
    assert_eq!(outcome.usage.input_tokens, Some(200));
    assert_eq!(outcome.cost.usd.expect("priced").to_string(), "0.0009");
}

#[test]
fn usage_of_the_handle_comes_first_and_nested_usage_is_null() {
    let usage = Usage {
        input_tokens: Some(7),
        output_tokens: Some(1),
        ..Usage::default()
    };
    let mut record = with_call(
        &[],
        CallData {
            usage: Some(usage),
            responses: vec![body(200, MESSAGE)],
            ..CallData::default()
        },
    );
    assert_eq!(outcome(&record).usage.input_tokens, Some(7));
    record.usage_is_nested = true;
    let nested = outcome(&record);
    assert!(nested.usage.is_empty() && nested.cost.usd.is_none() && nested.cost.pricing.is_none());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_end_has_its_status() {
    let failed = |message: &str| CallData {
        error: Some(CallError {
            error_type: None,
            message: message.to_owned(),
        }),
        ..CallData::default()
    };
    let refused = br#"{"type":"message","content":[],"stop_reason":"refusal","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let cut = ResponseBody {
        complete: false,
        ..body(200, MESSAGE)
    };
    let chat = [("gen_ai.operation.name", "chat")];
    let mut panicked = record(&chat);
    panicked.end = End::Panicked;
    let mut cancelled = answered(vec![body(200, MESSAGE)]);
    cancelled.end = End::Cancelled;
    let mut begun = record(&chat);
    begun.stage = Stage::Begun;
    let blocked = CallData {
        blocked: Some("pii".to_owned()),
        ..failed("refused to send")
    };
    let refused_then_failed = CallData {
        responses: vec![body(200, refused)],
        ..failed("no answer")
    };
    for (what, record, status, error_type, reason) in [
        (
            "error of the handle",
            with_call(&chat, failed("x")),
            Status::Error,
            None,
            None,
        ),
        (
            "error of the span",
            record(&[("error.type", "timeout")]),
            Status::Error,
            Some("timeout"),
            None,
        ),
        (
            "error of the provider",
            answered(vec![body(529, OVERLOADED)]),
            Status::Error,
            Some("overloaded_error"),
            None,
        ),
        (
            "error page",
            answered(vec![body(502, b"<html>")]),
            Status::Error,
            Some("502"),
            None,
        ),
        ("panic", panicked, Status::Error, Some("panic"), None),
        (
            "guard",
            with_call(&chat, blocked),
            Status::Blocked,
            None,
            Some("pii"),
        ),
        (
            "refusal",
            answered(vec![body(200, refused)]),
            Status::Blocked,
            None,
            Some("refusal"),
        ),
        (
            "refusal and err",
            with_call(&chat, refused_then_failed),
            Status::Blocked,
            None,
            Some("refusal"),
        ),
        (
            "filter",
            record(&[("gen_ai.response.finish_reasons", "content_filter")]),
            Status::Blocked,
            None,
            Some("content_filter"),
        ),
        (
            "cut body",
            answered(vec![cut]),
            Status::Incomplete,
            None,
            None,
        ),
        ("cancelled", cancelled, Status::Incomplete, None, None),
        (
            "nothing recorded",
            record(&chat),
            Status::Incomplete,
            None,
            None,
        ),
        (
            "a tool",
            record(&[("gen_ai.operation.name", "execute_tool")]),
            Status::Success,
            None,
            None,
        ),
        ("begun", begun, Status::Started, None, None),
    ] {
        let outcome = outcome(&record);
        assert_eq!(outcome.status, status, "{what}");
        assert_eq!(outcome.error_type.as_deref(), error_type, "{what}");
        assert_eq!(outcome.detail.blocked_reason.as_deref(), reason, "{what}");
    }
}

#[test]
fn error_texts_leave_redacted() {
    let outcome = outcome(&answered(vec![body(529, OVERLOADED)]));
    assert_eq!(outcome.error_message, "try [redacted:api_key]");
    assert_eq!(outcome.detail.provider_request_id.as_deref(), Some("req_1"));
}

#[test]
fn operations_and_providers_go_by_the_conventions_names() {
    for (attributes, operation, action, provider) in [
        (
            vec![("openinference.span.kind", "LLM"), ("llm.system", "openai")],
            "chat",
            "chat",
            Some("openai"),
        ),
        (
            vec![("openinference.span.kind", "TOOL")],
            "execute_tool",
            "execute_tool",
            None,
        ),
        (
            vec![
                ("gen_ai.system", "az.ai.openai"),
                ("openai.api.type", "responses"),
            ],
            "chat",
            "responses.create",
            Some("azure.ai.openai"),
        ),
        (
            vec![
                ("gen_ai.request.model", "m"),
                ("server.address", "api.groq.com"),
            ],
            "chat",
            "chat",
            Some("groq"),
        ),
        (
            vec![
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", "anthropic"),
            ],
            "chat",
            "messages.create",
            Some("anthropic"),
        ),
        (
            vec![
                ("gen_ai.operation.name", "embeddings"),
                ("gen_ai.provider.name", "openai"),
            ],
            "embeddings",
            "embeddings.create",
            Some("openai"),
        ),
        (vec![("user.id", "u")], "ask", "ask", None),
    ] {
        let outcome = outcome(&record(&attributes));
        assert_eq!(outcome.operation, operation, "{attributes:?}");
        assert_eq!(outcome.action, action, "{attributes:?}");
        assert_eq!(outcome.provider.as_deref(), provider, "{attributes:?}");
    }
}

/// The advisor's run costs what its own model costs, beside the counts that the record shows.
#[test]
fn every_run_of_a_response_is_priced_on_its_own_model() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/testdata/provider-traffic"
    );
    for (name, usd, input_tokens) in [
        ("anthropic-advisor-iterations", "0.01913", 2390),
        ("anthropic-compaction-iterations", "0.168243", 220),
    ] {
        let body_text = std::fs::read(format!("{folder}/{name}.response.json"));
        let body_text = body_text.expect("recorded");
        let outcome = outcome(&answered(vec![body(200, &body_text)]));
        assert_eq!(outcome.usage.input_tokens, Some(input_tokens));
        let cost = outcome.cost.usd.map(|usd| usd.to_string());
        assert_eq!(cost.as_deref(), Some(usd), "{name}");
        let pricing = outcome.cost.pricing.expect("said");
        assert!(pricing.contains(r#""iterations":[{"kind":""#), "{pricing}");
        assert!(!pricing.contains("exact"), "{pricing}");
    }
}

/// Where another model gave the answer, a declined run is charged for if it had begun to answer.
#[test]
fn a_run_that_was_declined_at_once_is_not_charged() {
    for (declined, usd) in [(0, "0.00315"), (1, "0.008175")] {
        let text = format!(
            r#"{{"type":"message","model":"claude-sonnet-4-6","content":[{{"type":"text","text":"a"}}],
            "stop_reason":"end_turn","usage":{{"input_tokens":1000,"output_tokens":10,"iterations":[
            {{"type":"message","model":"claude-opus-4-8","input_tokens":1000,"output_tokens":{declined}}},
            {{"type":"fallback_message","model":"claude-sonnet-4-6","input_tokens":1000,"output_tokens":10}}]}}}}"#
        );
        let outcome = outcome(&answered(vec![body(200, text.as_bytes())]));
        let cost = outcome.cost.usd.map(|usd| usd.to_string());
        assert_eq!(cost.as_deref(), Some(usd), "{:?}", outcome.cost.pricing);
    }
}

/// Gemini behind `OpenAI`'s API tells its thoughts in the total alone: what is priced is too little, and says so.
#[test]
fn hidden_tokens_make_a_cost_inexact() {
    let text =
        br#"{"object":"chat.completion","model":"gemini-2.5-pro","choices":[{"index":0,"message":{
        "role":"assistant","content":"a"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}}"#;
    let outcome = outcome(&answered(vec![body(200, text)]));
    let pricing = outcome.cost.pricing.expect("said");
    assert!(
        pricing.contains(r#""exact":false,"reason":"the response's total has 62 tokens"#),
        "{pricing}"
    );
}

/// Words of the response about tier, speed and region reach the price.
#[test]
fn the_terms_of_a_response_are_priced() {
    for (usage, usd) in [
        (r#""service_tier":"batch""#, "2.5"),
        (r#""speed":"fast""#, "10"),
        (r#""inference_geo":"us""#, "5.5"),
        (
            r#""service_tier":"standard","inference_geo":"global","speed":"standard""#,
            "5",
        ),
    ] {
        let text = format!(
            r#"{{"type":"message","model":"claude-opus-4-8","content":[],"usage":{{"input_tokens":1000000,"output_tokens":0,{usage}}}}}"#
        );
        let outcome = outcome(&answered(vec![body(200, text.as_bytes())]));
        let cost = outcome.cost.usd.map(|usd| usd.to_string());
        assert_eq!(cost.as_deref(), Some(usd), "{:?}", outcome.cost.pricing);
    }
}

#[test]
fn lists_are_read_as_spans_give_them() {
    for (text, expected) in [
        ("", vec![]),
        ("stop", vec!["stop"]),
        ("[\"stop\",\"length\"]", vec!["stop", "length"]),
        ("[Stop, Length]", vec!["Stop", "Length"]),
        ("[]", vec![]),
    ] {
        assert_eq!(text_list(text), expected, "{text}");
        let first = named::find_in_list(text, |first| Some(first.to_owned()));
        assert_eq!(first.as_deref(), expected.first().copied(), "{text}");
    }
}

/// rig-core 0.42 and genai 0.7.2 copied providers' counts that leave out their cached part: the cost was null, or
/// wrong, and nobody was told.
#[test]
fn counts_of_known_emitters_become_inclusive() {
    let counts = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.usage.input_tokens", "40"),
        ("gen_ai.usage.output_tokens", "10"),
        ("gen_ai.usage.cache_read.input_tokens", "20"),
        ("gen_ai.usage.reasoning_tokens", "5"),
    ];
    let judged = |target: &str, provider, model| {
        let mut attributes = counts.to_vec();
        attributes.push(("gen_ai.provider.name", provider));
        attributes.push(("gen_ai.request.model", model));
        let mut record = record(&attributes);
        record.facts.emitter = crate::emitter::Emitter::of(target, |_| false);
        let outcome = outcome(&record);
        let usage = outcome.usage;
        let said = outcome.cost.pricing.expect("priced").contains("left out");
        (usage.input_tokens, usage.output_tokens, said)
    };
    let claude = "claude-sonnet-4-5";
    let rig = "rig::completions";
    assert_eq!(
        judged("app", "anthropic", claude),
        (Some(40), Some(10), false)
    );
    assert_eq!(judged(rig, "anthropic", claude), (Some(60), Some(10), true));
    assert_eq!(
        judged(rig, "gcp.gemini", "gemini-2.5-flash"),
        (Some(40), Some(15), true)
    );
    assert_eq!(judged(rig, "openai", "gpt-4o"), (Some(40), Some(10), false));
    let model = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(
        judged("genai::otel::span", "aws.bedrock", model),
        (Some(60), Some(10), true)
    );
}

/// A host's own span that copies Anthropic's numbers: more was read from the cache than was "input".
#[test]
fn counts_that_cannot_be_inclusive_are_completed() {
    let record = record(&[
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.request.model", "claude-sonnet-4-5"),
        ("gen_ai.usage.input_tokens", "3"),
        ("gen_ai.usage.output_tokens", "10"),
        ("gen_ai.usage.cache_read.input_tokens", "20"),
        ("gen_ai.usage.cache_creation.input_tokens", "7"),
    ]);
    let outcome = outcome(&record);
    assert_eq!(outcome.usage.input_tokens, Some(30));
    assert!(outcome.cost.usd.is_some());
    let pricing = outcome.cost.pricing.expect("priced");
    assert!(
        pricing.contains("they were added") && pricing.contains("five minutes"),
        "{pricing}"
    );
}
