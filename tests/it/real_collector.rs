//! Our own exporter against the real Collector, by both transports.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tracing_llm_audit::entry::{Entry, EntryBuf, Leaf};
use tracing_llm_audit::{Exporter, OtlpExporter, OtlpSettings};

use crate::services::{Collector, PATIENCE, attribute, by_uid, known, loopback, wait_for};

/// The worked journal through the production agent, by both transports: the next hop has each entry, can follow the
/// chain from leaf to leaf, and finds the commitments unaltered.
///
/// The Collector answers a compressed gRPC request compressed: a client that did not accept that took each success for
/// a refusal, and no server in a test process showed it.
#[test]
fn the_far_side_can_check_what_the_agent_passes_on() {
    let folder = tempfile::tempdir().unwrap();
    let Some(next_hop) = Collector::start("jaeger.yaml", &folder.path().join("next_hop"), &[])
    else {
        return;
    };
    let upstream = [
        ("AUDIT_ENDPOINT", loopback(next_hop.grpc_port)),
        ("UPSTREAM_INSECURE", "true".into()),
    ];
    let agent = Collector::start("agent.yaml", &folder.path().join("agent"), &upstream).unwrap();
    let entries = worked_journal();
    let http = OtlpSettings::http(&format!("{}/v1/logs", agent.http_endpoint())).unwrap();
    let grpc = OtlpSettings::grpc(&agent.grpc_endpoint())
        .unwrap()
        .gzip(true);
    for (deliveries, settings) in [(1, http), (2, grpc)] {
        export(OtlpExporter::new(settings).unwrap(), &entries);
        let records = wait_for("every entry at the next hop", PATIENCE, || {
            Some(next_hop.log_records())
                .filter(|records| records.len() == deliveries * entries.len())
        });
        let by_uid = by_uid(records);
        assert_eq!(
            by_uid.len(),
            entries.len(),
            "the second delivery has the keys of the first"
        );
        for entry in &entries {
            compare_envelope(&entry.as_entry(), &by_uid);
        }
    }
}

fn worked_journal() -> Vec<EntryBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates/journal/tests/testdata/journal-v1/audit_logs");
    // Their order in the stream: the day's first segment comes before its next one.
    let files = ["audit_2026-11-22.jsonl", "audit_2026-11-22.1.jsonl"];
    let texts = files.map(|name| fs::read_to_string(directory.join(name)).unwrap());
    texts
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| EntryBuf::parse(line.as_bytes().to_vec()).unwrap())
        .collect()
}

fn export(mut exporter: OtlpExporter, mut entries: &[EntryBuf]) {
    while !entries.is_empty() {
        let answer = exporter.export(entries, PATIENCE).unwrap();
        assert_eq!(answer.rejected, 0);
        entries = &entries[answer.entries..];
    }
    exporter.shutdown(PATIENCE);
}

fn compare_envelope(entry: &Entry<'_>, records: &BTreeMap<String, Value>) {
    let at = entry.position();
    let record = &records[&format!("{}-{}", at.stream, at.seq)];
    let text = |name| attribute(record, name).and_then(known);
    assert_eq!(text("llm_audit.leaf"), Some(entry.leaf().to_string()));
    assert_eq!(text("llm_audit.acc"), Some(at.acc.to_string()));
    assert_eq!(text("llm_audit.kind"), Some(at.kind.to_string()));
    assert_eq!(text("llm_audit.request_id"), entry.text("request_id"));
    let sent = attribute(record, "llm_audit.commit").unwrap();
    let sent: Vec<_> = sent["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value["stringValue"].clone())
        .collect();
    assert_eq!(
        sent,
        entry
            .commitments()
            .map(|hash| Leaf::from_bytes(hash).to_string())
    );
    if let Some(before) = at.seq.checked_sub(1) {
        let before = &records[&format!("{}-{before}", at.stream)];
        assert_eq!(
            attribute(before, "llm_audit.leaf"),
            attribute(record, "llm_audit.prev")
        );
    }
}
