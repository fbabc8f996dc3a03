//! From an annotated call to the journal, a real Collector and a real Jaeger: the three tell the same story.
//!
//! The quickstart runs against them as a user would run it; then every line of its journal is looked up in what the
//! Collector wrote and in what Jaeger answers. What the journal says is right is checked elsewhere.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::examples::command;
use crate::seed_reader;
use crate::services::{
    Collector, Jaeger, PATIENCE, attribute, by_uid, known, loopback, tag, wait_for,
};

#[test]
fn quickstart_tells_journal_collector_and_jaeger_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let Some(jaeger) = Jaeger::start(&folder.path().join("jaeger")) else {
        return;
    };
    let upstream = [("JAEGER_OTLP_ENDPOINT", loopback(jaeger.otlp_port))];
    let collector =
        Collector::start("jaeger.yaml", &folder.path().join("collector"), &upstream).unwrap();
    let said = quickstart(folder.path(), &collector.http_endpoint());
    assert!(said.status.success(), "{said:?}");
    let lines = journal_lines(&folder.path().join("audit_logs"));
    let calls: Vec<_> = lines
        .iter()
        .filter(|line| line["audit"]["kind"] == "call")
        .collect();
    // Comparing what is not there would prove nothing.
    let with = |key: &str| {
        calls
            .iter()
            .filter(|call| known(&call[key]).is_some())
            .count()
    };
    assert!(
        with("status") >= 8
            && with("input_tokens") >= 6
            && with("cost_usd") >= 6
            && with("input_hash") >= 8
    );
    let records = wait_for("every entry at the Collector", PATIENCE, || {
        let by_uid = by_uid(collector.log_records());
        lines
            .iter()
            .all(|line| by_uid.contains_key(&uid(line)))
            .then_some(by_uid)
    });
    for call in calls {
        compare_with_record(call, &records[&uid(call)]);
        let span = wait_for(
            &format!("the span of {}", call["request_id"]),
            PATIENCE,
            || span_of(&jaeger, call),
        );
        compare_with_span(call, &span);
    }
    if let Some(read) = seed_reader::read::<&str>(&folder.path().join("audit_logs"), &[]) {
        assert_eq!(read["lines"], lines.len());
    }
}

fn quickstart(folder: &Path, endpoint: &str) -> Output {
    let mut quickstart = command("quickstart", folder);
    quickstart
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .output()
        .unwrap()
}

fn journal_lines(directory: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The key to deduplicate by: delivery is at least once.
fn uid(line: &Value) -> String {
    format!(
        "{}-{}",
        line["audit"]["stream"].as_str().unwrap(),
        line["audit"]["seq"]
    )
}

/// Where a member of the line stands in OpenTelemetry's terms, on the log record and on the span.
const SAME: [(&str, &str); 8] = [
    ("request_id", "llm_audit.request_id"),
    ("status", "llm_audit.status"),
    ("cost_usd", "llm_audit.cost_usd"),
    ("input_tokens", "gen_ai.usage.input_tokens"),
    ("output_tokens", "gen_ai.usage.output_tokens"),
    ("input_hash", "llm_audit.input_hash"),
    ("output_hash", "llm_audit.output_hash"),
    ("system_prompt_hash", "llm_audit.system_prompt_hash"),
];

fn compare_with_record(call: &Value, record: &Value) {
    for (key, name) in SAME {
        assert_eq!(
            known(&call[key]),
            attribute(record, name).and_then(known),
            "{name} of the record of {call}"
        );
    }
    assert_eq!(record["traceId"], call["trace_id"], "{call}");
    assert_eq!(record["spanId"], call["span_id"], "{call}");
}

fn compare_with_span(call: &Value, span: &Value) {
    for (key, name) in SAME {
        assert_eq!(
            known(&call[key]),
            tag(span, name).and_then(known),
            "{name} of the span of {call}"
        );
    }
    let tokens = tag(span, "gen_ai.usage.input_tokens");
    assert!(
        tokens.is_none_or(Value::is_i64),
        "a count is a number in Jaeger, not text: {span}"
    );
}

fn span_of(jaeger: &Jaeger, call: &Value) -> Option<Value> {
    let spans = jaeger.spans(call["trace_id"].as_str().unwrap());
    spans
        .into_iter()
        .find(|span| span["spanID"] == call["span_id"])
}
