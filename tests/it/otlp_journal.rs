//! The whole line, from a span to an OTLP server in bad weather, over a journal on disk and restarts of the host.
//!
//! What the far side has is compared with the journal by stream, seq and leaf: the far side is a witness.

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
    let (audit, guard) = builder.otlp(settings).unwrap().build().unwrap();
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

/// The leaves of a journal, by stream and seq as the far side names them.
fn leaves(directory: &Path) -> BTreeMap<String, String> {
    let reader = JournalReader::new(directory);
    let mut leaves = BTreeMap::new();
    for segment in reader.segments().unwrap() {
        for line in reader.lines(&segment).unwrap() {
            let LineContent::Entry(entry) = line.unwrap().content else {
                panic!("a damaged line")
            };
            let entry = entry.as_entry();
            let at = entry.position();
            leaves.insert(
                format!("{}-{}", at.stream, at.seq),
                entry.leaf().to_string(),
            );
        }
    }
    leaves
}

/// Says what the far side lacks of the journal, or has beyond it.
fn difference(ledger: &Ledger, near: &BTreeMap<String, String>) -> Option<String> {
    let far = ledger.leaves();
    let lacks: Vec<_> = near
        .iter()
        .filter(|(uid, leaf)| far.get(*uid) != Some(leaf))
        .take(5)
        .collect();
    let has: Vec<_> = far
        .keys()
        .filter(|uid| !near.contains_key(*uid))
        .take(5)
        .collect();
    let is_same = lacks.is_empty() && has.is_empty();
    (!is_same).then(|| {
        format!(
            "far {}, near {}; lacks {lacks:?}, has {has:?}",
            far.len(),
            near.len()
        )
    })
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
        let (audit, guard) = LlmAudit::builder()
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
        assert!(leaves(&directory).len() as u64 > 4 * calls);
        // A stream whose lock an ending life still held is taken by a later one.
        let mut lives = 0;
        while difference(&ledger, &leaves(&directory)).is_some() {
            lives += 1;
            assert!(lives < 10, "{:?}", difference(&ledger, &leaves(&directory)));
            host(&directory, settings(wire, proxy.address), 1, |_| {
                std::thread::sleep(Duration::from_millis(500));
            });
        }
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
    expected.retain(|uid, _| !uid.ends_with("-7"));
    assert_eq!(difference(&ledger, &expected), None);
}
