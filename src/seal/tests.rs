//! What stands in a line, what never does, and that hashes do not depend on the way in.

use serde_json::{Value, json};

use super::*;
use crate::{
    facts::{FactValue, Facts},
    judge::judge,
    operation::{RequestId, SanitizationEvent, TraceIds},
    price::PriceTable,
    record::{CallError, End, Payload, ResponseBody},
    semconv::Slot,
};
use llm_audit_journal::{
    clock::Timestamp,
    entry::{
        Kind, Leaf, Position, StreamId,
        schema::{Key, Type},
        write_line,
    },
};

/// What only content says: it must never be in a line that keeps none.
const CANARY: &str = "canary-7f3a";

fn facts(attributes: &[(&str, FactValue<'_>)]) -> Facts {
    let mut facts = Facts::default();
    for (name, value) in attributes {
        facts.set(Slot::of(name).expect("a known name"), *value);
    }
    facts
}

fn record(facts: Facts, call: CallData) -> AuditRecord {
    let started_at = Timestamp::parse("2026-11-22T10:00:00.123456Z").expect("valid");
    AuditRecord {
        stage: Stage::Ended,
        request_id: RequestId::new(started_at, &[7; 10]),
        started_at,
        latency_ns: 1_234_567_890,
        first_chunk_ns: Some(200_900_000),
        name: "ask",
        facts,
        call: Some(Box::new(call)),
        trace: TraceIds {
            trace_id: [0xab; 16],
            span_id: [0xcd; 8],
            flags: 1,
        },
        parent_request_id: None,
        end: End::Closed,
        capture: Capture::Span,
        usage_is_nested: false,
        outcome: None,
        ack: None,
    }
}

/// The provider's usage object is there on request alone, in its own words.
#[test]
fn raw_usage_is_kept_on_request() {
    let body =
        br#"{"type":"message","model":"claude-sonnet-4-6","content":[],"stop_reason":"end_turn",
        "usage":{"input_tokens":7, "output_tokens":5,"a_new_count":{"b":1}}}"#;
    let call = CallData {
        responses: vec![ResponseBody {
            bytes: body.to_vec(),
            complete: true,
            ..ResponseBody::default()
        }],
        ..CallData::default()
    };
    let record = record(Facts::default(), call);
    let (_, without) = line(&sealer(Content::Drop), &record);
    assert_eq!(without.get("raw_usage"), None);
    let (_, with) = line(&sealer(Content::Drop).raw_usage(true), &record);
    let expected = json!({"input_tokens": 7, "output_tokens": 5, "a_new_count": {"b": 1}});
    assert_eq!(with["raw_usage"], expected);
}

fn sealer(content: Content) -> Sealer {
    Sealer::new(&Hashing::Sha256, None, content).service_name(Some("shop".to_owned()))
}

/// The line of a record, as text and as a reader sees it.
fn line(sealer: &Sealer, record: &AuditRecord) -> (String, Value) {
    let outcome = judge(record, &PriceTable::embedded());
    let mut to = SealedRecord::default();
    sealer.seal(record, &outcome, &mut to);
    let at = Position {
        stream: StreamId::from_bytes([1; 16]),
        seq: 0,
        acc: 1,
        kind: Kind::Call,
        day: record.started_at.day(),
        prev: Leaf::ZERO,
    };
    let mut out = Vec::new();
    write_line(&mut out, to.members(), &at, &[[0; 16]; 5], None).expect("short enough");
    let text = String::from_utf8(out).expect("text");
    llm_audit_journal::entry::Entry::parse(text.trim_end().as_bytes())
        .expect("a line without damage");
    let value = serde_json::from_str(&text).expect("JSON");
    assert_fits_schema(&value);
    (text, value)
}

/// Whoever makes a table of the schema must be able to put every record into it: each key is there, each value of its type.
fn assert_fits_schema(record: &Value) {
    for (name, value) in record.as_object().expect("object") {
        let key = Key::of_name(name).unwrap_or_else(|| panic!("`{name}` is not in the schema"));
        let fits = if value.is_null() {
            key.is_nullable
        } else {
            is_of_type(value, key.value)
        };
        assert!(fits, "`{name}` is {value}, and not {:?}", key.value);
    }
}

fn is_of_type(value: &Value, wanted: Type) -> bool {
    let are = |is_it: fn(&Value) -> bool| value.as_array().is_some_and(|all| all.iter().all(is_it));
    let text = || value.as_str().unwrap_or_default();
    match wanted {
        Type::Text => value.is_string(),
        Type::Uuid => text().len() == 36 && uuid::Uuid::parse_str(text()).is_ok(),
        Type::Timestamp => Timestamp::parse(text()).is_some(),
        Type::Unsigned => value.is_u64(),
        Type::Integer => value.is_u64() || value.is_i64(),
        Type::Decimal => value.is_number(),
        Type::Number => value.is_number() || text().parse::<f64>().is_ok(),
        Type::Boolean => value.is_boolean(),
        Type::TextList => are(Value::is_string),
        Type::ObjectList => are(Value::is_object),
        Type::Object => value.is_object(),
        Type::Json => true,
        other => panic!("{other:?} is a type that no test knows"),
    }
}

fn full_record() -> AuditRecord {
    let attributes = facts(&[
        ("gen_ai.operation.name", FactValue::Text("chat")),
        ("gen_ai.provider.name", FactValue::Text("anthropic")),
        ("gen_ai.request.model", FactValue::Text("claude-sonnet-4-5")),
        ("user.id", FactValue::Text("ada")),
        ("user.email", FactValue::Text("ada@example.com")),
        ("tenant.id", FactValue::Int(42)),
        ("gen_ai.conversation.id", FactValue::Text("c1")),
        ("gen_ai.request.temperature", FactValue::Double(0.7)),
        ("gen_ai.request.max_tokens", FactValue::Text("100")),
        ("gen_ai.request.seed", FactValue::Text("no number")),
        ("gen_ai.tool.description", FactValue::Text(CANARY)),
        (
            "gen_ai.skill.source.uri",
            FactValue::Text("https://u:hunter22@example.com/?key=abcdef123"),
        ),
        ("server.address", FactValue::Text("api.anthropic.com")),
    ]);
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": CANARY}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 50}});
    let event = SanitizationEvent::new("email", 2)
        .pointer("/messages/0/secret name")
        .action("masked");
    let call = CallData {
        request: Some(json!({"model": "claude-sonnet-4-5", "system": CANARY, "messages": [{"role": "user", "content": CANARY}]}).to_string().into_bytes()),
        responses: vec![ResponseBody { bytes: body.to_string().into_bytes(), http_status: Some(200), complete: true, ..ResponseBody::default() }],
        sanitization: vec![event, SanitizationEvent::new("phone", 1)],
        metadata: vec![
            ("team".to_owned(), "\"red\"".to_owned()),
            ("n".to_owned(), "1e2".to_owned()),
            ("team".to_owned(), "\"blue\"".to_owned()),
            ("raw".to_owned(), "no json".to_owned()),
        ],
        attempts: Some(2),
        ..CallData::default()
    };
    record(attributes, call)
}

#[test]
fn a_full_record_has_its_keys_in_order_and_no_content() {
    let (text, value) = line(&sealer(Content::Drop), &full_record());
    assert!(
        !text.contains(CANARY) && !text.contains("hunter22") && !text.contains("abcdef123"),
        "{text}"
    );
    let expected = json!({
        "timestamp": "2026-11-22T10:00:00.123456Z", "user_id": "ada", "model": "claude-sonnet-4-5-20250929",
        "action": "messages.create", "input_tokens": 150, "output_tokens": 10, "thinking_tokens": null,
        "latency_ms": 1234, "cost_usd": 4.65e-4, "status": "success", "error_message": "", "sanitization_count": 3,
        "metadata": {"n": 100, "team": "blue", "raw": "no json"},
        "provider": "anthropic", "operation": "chat", "request_model": "claude-sonnet-4-5", "response_id": "msg_1",
        "cache_read_tokens": 50, "finish_reasons": ["end_turn"], "stream": false, "time_to_first_chunk_ms": 200,
        "server_address": "api.anthropic.com", "request_temperature": 0.7, "request_max_tokens": 100,
        "trace_id": "ab".repeat(16), "span_id": "cd".repeat(8), "trace_flags": 1, "attempts": 2, "http_status": 200,
        "capture": "span", "service_name": "shop", "actor.user_email": "ada@example.com", "conversation_id": "c1",
        "tenant_id": "42",
        "sanitization": [{"type": "email", "count": 2, "pointer": "/messages/0/*", "action": "masked"},
            {"type": "phone", "count": 1, "action": "redacted"}],
    });
    for (key, expected) in expected.as_object().expect("object") {
        assert_eq!(&value[key], expected, "{key}");
    }
    assert_eq!(
        value["pricing"]["prices"],
        json!({"input_mtok": 3, "cache_read_mtok": 0.3, "output_mtok": 15})
    );
    assert_eq!(
        value["skill_source_uri"],
        "https://[redacted:url_credentials]@example.com/?key=[redacted:api_key]"
    );
    assert!(value.get("request_seed").is_none() && value.get("input").is_none());
    for key in ["system_prompt_hash", "input_hash", "output_hash"] {
        assert!(
            value[key].as_str().expect("text").starts_with("sha256:"),
            "{key}"
        );
    }
}

#[test]
fn content_in_plain_is_an_explicit_choice() {
    let (_, value) = line(&sealer(Content::Plain), &full_record());
    assert_eq!(value["system_prompt"], CANARY);
    assert_eq!(value["input"], json!([{"role": "user", "content": CANARY}]));
    assert_eq!(value["output"], json!([{"type": "text", "text": CANARY}]));
    let mut broken = full_record();
    broken.call.as_mut().expect("a call").input = Some(Payload::Json(b"no JSON \xff".to_vec()));
    let (_, value) = line(&sealer(Content::Plain), &broken);
    assert_eq!(value["input"], "no JSON \u{fffd}");
}

#[test]
fn content_that_makes_the_line_too_long_is_hashed_and_named() {
    let call = CallData {
        input: Some(Payload::Text("\0".repeat(20 << 20))),
        ..CallData::default()
    };
    let (_, value) = line(&sealer(Content::Plain), &record(Facts::default(), call));
    assert_eq!(value["content_too_long"], json!(["input"]));
    assert!(value["input_hash"].as_str().expect("text").len() > 64 && value.get("input").is_none());
}

/// The same call by handle, by request body and by attribute has the same hashes, where the form is the same.
#[test]
fn hashes_do_not_depend_on_the_way_in() {
    let messages = r#"[{"role": "user", "content": "hi"}]"#;
    let by_handle = CallData {
        system: Some(Payload::Text("be brief".to_owned())),
        input: Some(Payload::Json(messages.as_bytes().to_vec())),
        output: Some(Payload::Json(br#"[{"text":"ho","type":"text"}]"#.to_vec())),
        ..CallData::default()
    };
    let stream = concat!(
        "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1}}}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"o\"}}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\n\n",
        "data: {\"type\":\"message_stop\"}\n\n",
    );
    let body = |bytes: &str| ResponseBody {
        bytes: bytes.as_bytes().to_vec(),
        http_status: Some(200),
        complete: true,
        ..ResponseBody::default()
    };
    let request = format!(r#"{{"messages":{messages},"system":"be brief"}}"#);
    let by_bodies = |response: &str| CallData {
        request: Some(request.clone().into_bytes()),
        responses: vec![body(response)],
        ..CallData::default()
    };
    let whole =
        r#"{"type":"message","content":[{"type":"text","text":"ho"}],"stop_reason":"end_turn"}"#;
    let attributes = facts(&[
        ("gen_ai.system_instructions", FactValue::Text("be brief")),
        ("gen_ai.input.messages", FactValue::Text(messages)),
        (
            "gen_ai.output.messages",
            FactValue::Text("[{\"type\":\"text\",\"text\":\"ho\"}]"),
        ),
    ]);
    let records = [
        record(Facts::default(), by_handle),
        record(Facts::default(), by_bodies(whole)),
        record(Facts::default(), by_bodies(stream)),
        record(attributes, CallData::default()),
    ];
    let sealer = sealer(Content::Drop);
    let hashes: Vec<_> = records.iter().map(|record| sealer.hashes(record)).collect();
    for other in &hashes[1..] {
        assert_eq!(&hashes[0], other);
    }
    assert!(
        !hashes[0].system_prompt.is_empty()
            && !hashes[0].input.is_empty()
            && !hashes[0].output.is_empty()
    );
    let capture = |at: usize| line(&sealer, &records[at]).1["capture"].clone();
    assert_eq!(
        (capture(1), capture(3)),
        (json!("span"), json!("attributes"))
    );
}

#[test]
fn a_beginning_has_the_seventeen_keys() {
    let mut begun = full_record();
    begun.stage = Stage::Begun;
    begun.call.as_mut().expect("a call").responses.clear();
    let (_, value) = line(&sealer(Content::Drop), &begun);
    assert_eq!(value["status"], "started");
    assert_eq!(
        (
            &value["latency_ms"],
            &value["cost_usd"],
            &value["output_hash"]
        ),
        (&Value::Null, &Value::Null, &json!(""))
    );
    assert!(value.get("time_to_first_chunk_ms").is_none() && value.get("pricing").is_none());
    assert_ne!(value["input_hash"], "");
}

#[test]
fn errors_are_redacted_and_the_record_reused() {
    let call = CallData {
        error: Some(CallError {
            error_type: None,
            message: "401 for Authorization: Bearer abc123def456\n\u{2028}".to_owned(),
        }),
        ..CallData::default()
    };
    let (text, value) = line(&sealer(Content::Drop), &record(Facts::default(), call));
    assert_eq!(
        value["error_message"],
        "401 for Authorization: [redacted:authorization]\n\u{2028}"
    );
    assert_eq!(value["status"], "error");
    assert_eq!(text.lines().count(), 1);
    let mut to = SealedRecord::default();
    let (first, second) = (full_record(), record(Facts::default(), CallData::default()));
    for record in [&first, &second] {
        sealer(Content::Drop).seal(record, &judge(record, &PriceTable::embedded()), &mut to);
    }
    let mut alone = SealedRecord::default();
    sealer(Content::Drop).seal(
        &second,
        &judge(&second, &PriceTable::embedded()),
        &mut alone,
    );
    assert_eq!(to.members().len(), alone.members().len());
}

/// Prints what judging and sealing cost; a look, not an assertion, because machines differ.
#[test]
fn sealing_is_quick() {
    let usage = crate::operation::Usage {
        input_tokens: Some(1_000),
        output_tokens: Some(100),
        ..crate::operation::Usage::default()
    };
    let mut record = full_record();
    let call = CallData {
        usage: Some(usage),
        system: Some(Payload::Text("be brief".to_owned())),
        input: Some(Payload::Text("word ".repeat(820))),
        output: Some(Payload::Text("word ".repeat(410))),
        ..CallData::default()
    };
    let with_bodies = full_record();
    record.call = Some(Box::new(call.clone()));
    let json = json!([{"role": "user", "content": "word ".repeat(820)}]).to_string();
    let mut with_json = full_record();
    with_json.call = Some(Box::new(CallData {
        input: Some(Payload::Json(json.into_bytes())),
        ..call
    }));
    let (prices, key) = (PriceTable::embedded(), HashKey::from_bytes([1; 32]));
    let sealer = Sealer::new(&Hashing::Hmac, Some(&key), Content::Drop);
    let mut to = SealedRecord::default();
    for (what, record) in [
        ("texts", &record),
        ("JSON", &with_json),
        ("bodies", &with_bodies),
    ] {
        let time = |what2: &str, run: &mut dyn FnMut()| {
            let start = std::time::Instant::now();
            (0..2_000).for_each(|_| run());
            println!("{what}, {what2}: {:?}", start.elapsed() / 2_000);
        };
        let outcome = judge(record, &prices);
        time("judge", &mut || drop(judge(record, &prices)));
        time("hashes", &mut || drop(sealer.hashes(record)));
        time("seal", &mut || sealer.seal(record, &outcome, &mut to));
    }
}

/// Whom a request's body names is the user only where no span could say it, and nobody else did.
#[test]
fn the_user_of_a_body_counts_only_off_span() {
    let call = || CallData {
        request: Some(br#"{"model":"m","messages":[],"user":"u-1"}"#.to_vec()),
        ..CallData::default()
    };
    let said = || facts(&[("user.id", FactValue::Text("ada"))]);
    for (capture, facts, user) in [
        (Capture::Http, Facts::default(), json!("u-1")),
        (Capture::Http, said(), json!("ada")),
        (Capture::Span, Facts::default(), Value::Null),
        (Capture::Detached, Facts::default(), Value::Null),
    ] {
        let mut record = record(facts, call());
        record.capture = capture;
        let (_, value) = line(&sealer(Content::Drop), &record);
        assert_eq!(value["user_id"], user);
    }
}
