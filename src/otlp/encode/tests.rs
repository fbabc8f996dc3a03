//! The worked journal's kinds of entries as log records.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::{
    common::v1::{KeyValue, any_value::Value},
    logs::v1::LogRecord,
};
use prost::Message;

use super::*;
use crate::{
    follower::memory::{self, entry, entry_of},
    semconv::{COST_USD, COST_USD_EXACT, EVENT_INFERENCE},
};
use llm_audit_journal::entry::{EntryBuf, Kind, Members};

fn attributes(record: &LogRecord) -> BTreeMap<&str, &Value> {
    let pair = |pair: &'_ KeyValue| {
        pair.value
            .as_ref()
            .and_then(|any| any.value.as_ref())
            .is_some()
    };
    assert!(
        record.attributes.iter().all(pair),
        "no attribute without a value"
    );
    let pairs = record.attributes.iter();
    let map: BTreeMap<_, _> = pairs
        .map(|pair| {
            (
                pair.key.as_str(),
                pair.value.as_ref().unwrap().value.as_ref().unwrap(),
            )
        })
        .collect();
    assert_eq!(map.len(), record.attributes.len(), "no attribute twice");
    map
}

/// Reads the record back with the protocol's own types, which must spell it the same.
fn log_record(encoding: Encoding, entry: &Entry<'_>) -> LogRecord {
    let mut bytes = Vec::new();
    write_log_record(&mut bytes, encoding, entry);
    let record = LogRecord::decode(bytes.as_slice()).expect("the protocol's bytes");
    assert_eq!(record.encode_to_vec(), bytes);
    record
}

fn plain(entry: &EntryBuf) -> LogRecord {
    log_record(Encoding::default(), &entry.as_entry())
}

fn call(changes: &[(&str, &str)]) -> LogRecord {
    plain(&memory::call(3, changes))
}

#[test]
fn an_inference_is_the_conventions_event_with_their_attributes_and_ours() {
    let record = plain(&entry(41));
    assert_eq!(
        record.event_name,
        "gen_ai.client.inference.operation.details"
    );
    assert_eq!(record.time_unix_nano, 1_795_341_601_000_001_000);
    assert_eq!(
        record.observed_time_unix_nano - record.time_unix_nano,
        812_000_000
    );
    assert_eq!(
        (record.severity_number, record.severity_text.as_str()),
        (9, "INFO")
    );
    assert_eq!(
        (record.trace_id.len(), record.span_id.len(), record.flags),
        (16, 8, 1)
    );
    assert!(record.body.is_none());
    let attributes = attributes(&record);
    let text = |text: &str| Value::StringValue(text.to_owned());
    for (name, expected) in [
        ("gen_ai.operation.name", text("chat")),
        ("gen_ai.provider.name", text("anthropic")),
        ("gen_ai.request.model", text("claude-sonnet-4-5")),
        ("gen_ai.response.model", text("claude-sonnet-4-5-20250929")),
        ("gen_ai.usage.input_tokens", Value::IntValue(1041)),
        ("gen_ai.usage.output_tokens", Value::IntValue(20)),
        ("gen_ai.usage.reasoning.output_tokens", Value::IntValue(0)),
        (
            "gen_ai.response.time_to_first_chunk",
            Value::DoubleValue(0.25),
        ),
        ("user.id", text("user-1")),
        ("llm_audit.cost_usd", Value::DoubleValue(0.003_303)),
        ("llm_audit.status", text("success")),
        ("llm_audit.action", text("messages.create")),
        ("llm_audit.latency_ms", Value::IntValue(812)),
        (
            "llm_audit.request_id",
            text("01a202b2-c8e8-7000-8000-000000000029"),
        ),
        ("log.record.uid", text(&format!("{}-41", "07".repeat(16)))),
        ("llm_audit.seq", Value::IntValue(41)),
        ("llm_audit.acc", Value::IntValue(42)),
        ("llm_audit.kind", text("call")),
        ("llm_audit.day", Value::IntValue(20_779)),
        (
            "llm_audit.prev",
            text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ),
    ] {
        assert_eq!(attributes.get(name), Some(&&expected), "{name}");
    }
    assert!(
        matches!(attributes["llm_audit.metadata"], Value::KvlistValue(list) if list.values.len() == 2)
    );
    assert!(matches!(
        attributes["gen_ai.response.finish_reasons"],
        Value::ArrayValue(_)
    ));
    assert!(
        matches!(attributes["llm_audit.commit"], Value::ArrayValue(list) if list.values.len() == 5)
    );
    // An empty text says that there is none; a salt would let the far side try out what was erased.
    assert!(!attributes.contains_key("error.message"));
    assert!(!attributes.keys().any(|name| name.contains("salt")));
}

#[test]
fn the_far_side_can_compute_the_leaf_from_the_attributes_alone() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    let record = plain(&entry(41));
    let attributes = attributes(&record);
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        other => panic!("{other:?} is no text"),
    };
    let int = |name: &str| match attributes[name] {
        Value::IntValue(int) => *int as u64,
        other => panic!("{other:?} is no integer"),
    };
    let Value::ArrayValue(commit) = attributes["llm_audit.commit"] else {
        panic!("a list")
    };
    let mut leaf = Sha256::new_with_prefix(b"\0tracing-llm-audit/v1/leaf\n");
    let stream = u128::from_str_radix(&text(attributes["llm_audit.stream"]), 16).unwrap();
    leaf.update(stream.to_be_bytes());
    leaf.update(int("llm_audit.seq").to_be_bytes());
    leaf.update(int("llm_audit.acc").to_be_bytes());
    leaf.update([1]);
    leaf.update((int("llm_audit.day") as u32).to_be_bytes());
    leaf.update(STANDARD.decode(text(attributes["llm_audit.prev"])).unwrap());
    for hash in &commit.values {
        leaf.update(STANDARD.decode(text(hash.value.as_ref().unwrap())).unwrap());
    }
    assert_eq!(
        STANDARD.encode(leaf.finalize()),
        text(attributes["llm_audit.leaf"])
    );
}

#[test]
fn other_operations_and_own_kinds_have_event_names_of_ours() {
    let named = |raw| call(&[("operation", raw)]).event_name;
    assert_eq!(named("\"text_completion\""), EVENT_INFERENCE);
    assert_eq!(named("\"execute_tool\""), "llm_audit.execute_tool");
    assert_eq!(named("\"Do it!\""), "llm_audit.call");
    assert_eq!(named("null"), "llm_audit.call");
    let begin = plain(&memory::record(
        1,
        Kind::Begin,
        &[("status", "\"started\"")],
    ));
    assert_eq!(begin.event_name, "llm_audit.begin");
    let mut members = Members::new();
    members.push_str("timestamp", "2026-11-22T10:00:01.000001Z");
    members.push_null("user_id");
    members.push_raw("event", br#"{"note":"origin\n8\nroot=\n","acc":[[1,2]]}"#);
    for (kind, name, severity) in [
        (Kind::Checkpoint, "llm_audit.checkpoint", 9),
        (Kind::Gap, "llm_audit.gap", 13),
        (Kind::Other(20), "llm_audit.x20", 9),
    ] {
        let record = plain(&entry_of(&members, 8, kind));
        assert_eq!(
            (record.event_name.as_str(), record.severity_number),
            (name, severity)
        );
        assert!(matches!(
            attributes(&record)["llm_audit.event"],
            Value::KvlistValue(_)
        ));
        assert_eq!(record.time_unix_nano, record.observed_time_unix_nano);
    }
}

#[test]
fn what_failed_or_was_blocked_is_a_warning() {
    for (status, expected) in [
        ("error", 13),
        ("blocked", 13),
        ("success", 9),
        ("interrupted", 9),
    ] {
        let record = call(&[("status", &format!("\"{status}\""))]);
        assert_eq!(record.severity_number, expected, "{status}");
    }
}

#[test]
fn a_cost_that_no_double_prints_is_a_text() {
    let record = call(&[("cost_usd", "0.12345678901234567891")]);
    let attributes = attributes(&record);
    assert!(!attributes.contains_key(COST_USD));
    let exact = Value::StringValue("0.12345678901234567891".to_owned());
    assert_eq!(attributes[COST_USD_EXACT], &exact);
    assert!(
        call(&[("cost_usd", "null")])
            .attributes
            .iter()
            .all(|pair| !pair.key.contains("cost"))
    );
}

#[test]
fn content_goes_only_where_asked_for_and_as_structure() {
    let entry = memory::call(
        0,
        &[
            ("system_prompt", r#""be brief""#),
            (
                "input",
                r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#,
            ),
            ("output", r#"[{"type":"text","text":"ho"}]"#),
            ("content.thoughts", r#"{"a":1}"#),
        ],
    );
    let without = plain(&entry);
    assert!(!format!("{without:?}").contains("brief") && !format!("{without:?}").contains("hi\""));
    assert_eq!(
        without.attributes.len(),
        plain(&memory::entry(0)).attributes.len()
    );
    let everything = Encoding {
        content: true,
        line_body: true,
    };
    let with = log_record(everything, &entry.as_entry());
    let attributes = attributes(&with);
    assert!(matches!(
        attributes["gen_ai.input.messages"],
        Value::ArrayValue(_)
    ));
    // A provider's own form is not the conventions' and does not stand under their name.
    assert!(matches!(
        attributes["llm_audit.output"],
        Value::ArrayValue(_)
    ));
    assert!(matches!(
        attributes["llm_audit.system_prompt"],
        Value::StringValue(_)
    ));
    assert!(matches!(
        attributes["llm_audit.content.thoughts"],
        Value::KvlistValue(_)
    ));
    let body = with.body.and_then(|body| body.value);
    let line = String::from_utf8(entry.as_entry().line().to_vec()).unwrap();
    assert_eq!(body, Some(Value::StringValue(line)));
}

#[test]
fn ids_that_are_none_stay_visible() {
    let record = call(&[
        ("trace_id", "\"not hex, but somebody wrote it!!\""),
        ("span_id", "\"0000000000000000\""),
    ]);
    assert!(record.trace_id.is_empty() && record.span_id.is_empty());
    assert!(attributes(&record).contains_key("llm_audit.trace_id"));
}
