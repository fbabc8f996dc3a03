//! The whole line, from a span to an OTLP server in bad weather, over a journal on disk and restarts of the host.
//!
//! What the far side has is compared with the journal by seq and leaf: the far side is a witness.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tracing_llm_audit::{
    AuditGuard, LlmAudit, LlmCall, OtlpSettings,
    journal::{JournalReader, LineContent},
};
use tracing_subscriber::layer::SubscriberExt as _;

use super::proxy::{Fault, Ledger, OtlpServer, Proxy, Script, Wire};

const LONG: Duration = Duration::from_secs(120);

fn settings(wire: Wire, address: std::net::SocketAddr) -> OtlpSettings {
    let settings = match wire {
        Wire::Http => OtlpSettings::http(&format!("http://{address}/v1/logs")),
        Wire::Grpc => OtlpSettings::grpc(&format!("http://{address}")),
    };
    settings.unwrap().timeout(Duration::from_millis(500))
}

/// One life of a host: some calls, then an end in order.
fn host(directory: &Path, settings: OtlpSettings, calls: u64, meanwhile: impl FnOnce(&AuditGuard)) {
    let builder = LlmAudit::builder()
        .directory(directory)
        .queue_wait_max(LONG);
    let (audit, mut guard) = builder.otlp(settings).unwrap().build().unwrap();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(audit));
    tracing::dispatcher::with_default(&dispatch, || {
        for number in 0..calls {
            let span = tracing::info_span!(
                "chat",
                gen_ai.operation.name = "chat",
                gen_ai.provider.name = "anthropic",
                gen_ai.request.model = "claude-sonnet-4-5",
                gen_ai.usage.input_tokens = number as i64,
            );
            LlmCall::of(&span)
                .input_text("What is left?")
                .output_text("Nothing.");
        }
    });
    meanwhile(&guard);
    guard.shutdown(LONG).unwrap();
}

/// The leaves of a journal that holds one stream, by seq.
fn leaves(directory: &Path) -> BTreeMap<u64, String> {
    let reader = JournalReader::new(directory);
    let mut leaves = BTreeMap::new();
    for segment in reader.segments().unwrap() {
        let mut lines = reader.lines(&segment).unwrap();
        while let Some(line) = lines.next().unwrap() {
            let LineContent::Entry(entry) = line.content else {
                panic!("a damaged line")
            };
            let entry = entry.as_entry();
            leaves.insert(entry.position().seq, entry.leaf().to_string());
        }
    }
    leaves
}

#[test]
fn the_far_side_has_every_entry_with_the_journal_s_leaf_after_faults_and_restarts() {
    let full = std::env::var_os("LLM_AUDIT_CAMPAIGN").is_some_and(|value| value == "full");
    let calls = if full { 50_000 } else { 1_500 };
    for wire in [Wire::Http, Wire::Grpc] {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("audit_logs");
        let (ledger, script) = (Arc::new(Ledger::with_leaves()), Arc::<Script>::default());
        let faults = [
            Fault::NotReady,
            Fault::TooMany(0),
            Fault::Lost,
            Fault::HalfOpen,
            Fault::Unknown,
        ];
        *script.random.lock().unwrap() = faults.to_vec();
        script.one_in.store(5, Ordering::Relaxed);
        let server = OtlpServer::local(wire, &ledger, &script);
        let proxy = Proxy::to(server.address);
        proxy
            .weather
            .cut_after_bytes
            .store(10_000_000, Ordering::Relaxed);
        for _ in 0..3 {
            host(&directory, settings(wire, proxy.address), calls, |_| {});
        }
        // A life without any destination: what it leaves is sent by the next.
        let nobody = std::net::TcpListener::bind(("127.0.0.1", 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let (audit, mut guard) = LlmAudit::builder()
            .directory(&directory)
            .otlp(settings(wire, nobody))
            .unwrap()
            .build::<tracing_subscriber::Registry>()
            .unwrap();
        drop(audit);
        let left = guard.shutdown(Duration::from_millis(300)).unwrap_err();
        assert!(left.to_string().contains(char::is_numeric), "{left}");
        assert!(!guard.followers()[0].is_good);
        drop(guard);
        host(&directory, settings(wire, proxy.address), calls, |guard| {
            guard.flush(LONG).unwrap();
            let health = &guard.followers()[0];
            assert!(health.is_good && health.dead_letters == 0, "{health:?}");
        });
        let journal = leaves(&directory);
        assert!(journal.len() as u64 > 4 * calls);
        assert_eq!(ledger.leaves(), journal);
    }
}

#[test]
fn a_dead_letter_lies_in_quarantine_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("audit_logs");
    let (ledger, script) = (Arc::new(Ledger::with_leaves()), Arc::<Script>::default());
    script.poison.lock().unwrap().extend([7]);
    let server = OtlpServer::local(Wire::Http, &ledger, &script);
    host(
        &directory,
        settings(Wire::Http, server.address),
        50,
        |guard| {
            guard.flush(LONG).unwrap();
            let health = &guard.followers()[0];
            assert_eq!(health.dead_letters, 1, "{health:?}");
        },
    );
    let letters = JournalReader::new(&directory).quarantined().unwrap();
    assert_eq!(letters.len(), 1);
    let text = std::fs::read_to_string(directory.join("quarantine").join(&letters[0])).unwrap();
    assert!(
        text.contains("HTTP 400") && text.contains("\"seq\":7"),
        "{text}"
    );
    let mut expected = leaves(&directory);
    expected.remove(&7);
    assert_eq!(ledger.leaves(), expected);
}
