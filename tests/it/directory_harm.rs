//! What other programs do to the journal's directory while the host makes calls: nothing is acknowledged that is not
//! there, health says so, and the audit goes on.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::{Dispatch, dispatcher, info_span};
use tracing_llm_audit::{
    Ack, AckError, AuditGuard, LlmAudit, LlmCall,
    journal::{JournalReader, LineContent},
};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{services::wait_for, verifier};

const PATIENCE: Duration = Duration::from_secs(60);

/// A host that audits into a directory of its own.
struct Host {
    folder: tempfile::TempDir,
    dispatch: Dispatch,
    guard: AuditGuard,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (layer, guard) = LlmAudit::builder()
            .directory(folder.path().join("audit_logs"))
            .build()
            .unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        Self {
            folder,
            dispatch,
            guard,
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("audit_logs")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect()
    }

    fn call(&self) -> Ack {
        dispatcher::with_default(&self.dispatch, || {
            let span = info_span!("ask", gen_ai.operation.name = "chat", user.id = "ada");
            LlmCall::of(&span).input_text("question").ack()
        })
    }

    fn calls(&self, count: usize) {
        let acks: Vec<Ack> = (0..count).map(|_| self.call()).collect();
        for ack in acks {
            ack.wait(PATIENCE).unwrap();
        }
    }

    /// The calls that are in the files, each request id once.
    fn written(&self) -> usize {
        let reader = JournalReader::new(self.root());
        let mut ids = std::collections::BTreeSet::new();
        for segment in reader.segments().unwrap() {
            for line in reader.lines(&segment).unwrap() {
                if let LineContent::Entry(entry) = line.unwrap().content {
                    ids.extend(entry.as_entry().text("request_id"));
                }
            }
        }
        ids.len()
    }

    fn finding(&self) -> String {
        let found = wait_for("a finding in health", PATIENCE, || {
            self.guard.health().found.first().cloned()
        });
        assert!(!self.guard.health().is_good);
        found.text
    }
}

/// An age-based cleaner deletes the segment: the host went on with good health, and nothing was kept.
#[test]
fn a_deleted_segment_is_told_and_the_audit_goes_on() {
    let host = Host::new();
    host.calls(3);
    for segment in host.segments() {
        fs::remove_file(segment).unwrap();
    }
    host.calls(4);
    let text = host.finding();
    assert!(
        text.contains("acknowledged entries") && text.contains("are gone"),
        "{text}"
    );
    assert_eq!(host.written(), 4);
    host.guard.shutdown(PATIENCE).unwrap();
    if let Some(report) = verifier::verify(&host.root(), &[host.guard.verifier_key()], &[]) {
        assert_eq!(report["exit"], 1, "{report}");
    }
}

/// The volume goes away and comes back: nothing is acknowledged meanwhile, nothing is lost, and health heals.
#[test]
fn a_directory_that_comes_back_heals_everything() {
    let host = Host::new();
    host.calls(2);
    let away = host.folder.path().join("away");
    fs::rename(host.root(), &away).unwrap();
    let waiting: Vec<Ack> = (0..3).map(|_| host.call()).collect();
    wait_for("bad health", PATIENCE, || {
        let health = host.guard.health();
        let text = health.last_error.map_or(String::new(), |error| error.text);
        (!health.is_good && text.contains("is gone")).then_some(())
    });
    for ack in &waiting {
        assert_eq!(ack.wait(Duration::ZERO), Err(AckError::TimedOut));
    }
    fs::rename(&away, host.root()).unwrap();
    for ack in waiting {
        ack.wait(PATIENCE).unwrap();
    }
    host.calls(1);
    let health = host.guard.health();
    assert!(health.is_good && health.found.is_empty(), "{health:?}");
    assert_eq!((health.accepted, health.durable, health.dropped), (6, 6, 0));
    assert_eq!(host.written(), 6);
}

/// `locks/` is removed: the host goes on in a stream of its own, and the numbers that callers get are that stream's.
#[test]
fn removed_locks_lead_to_a_new_stream() {
    let host = Host::new();
    host.calls(5);
    let before = host.guard.health().stream.unwrap();
    fs::remove_dir_all(host.root().join("locks")).unwrap();
    host.calls(2);
    let after = wait_for("another stream", PATIENCE, || {
        let stream = host.guard.health().stream;
        stream.filter(|stream| *stream != before)
    });
    assert!(host.finding().contains("a new stream is begun"));
    let durable = host.call().wait(PATIENCE).unwrap();
    assert!(
        durable.acc <= 3,
        "{durable:?} is a number of the new stream"
    );
    assert_eq!(host.written(), 8);
    host.guard.shutdown(PATIENCE).unwrap();
    assert!(host.root().join("locks").join(after).exists());
}

/// An empty directory takes the place of the journal's: what waited is written there, once.
#[test]
fn a_replaced_directory_gets_what_waited() {
    let host = Host::new();
    host.calls(2);
    fs::rename(host.root(), host.folder.path().join("away")).unwrap();
    let waiting: Vec<Ack> = (0..3).map(|_| host.call()).collect();
    fs::create_dir(host.root()).unwrap();
    for ack in waiting {
        ack.wait(PATIENCE).unwrap();
    }
    host.calls(1);
    assert_eq!(host.written(), 4);
    host.finding();
    let health = host.guard.health();
    assert_eq!((health.accepted, health.durable, health.dropped), (6, 6, 0));
    host.guard.shutdown(PATIENCE).unwrap();
    let keys = [host.guard.verifier_key()];
    if let Some(report) = verifier::verify(&host.root(), &keys, &[]) {
        assert_eq!(report["exit"], 2, "{report}");
    }
}

/// Names that are no regular files: opening hung on a pipe, and cut a linked file of the host to nothing.
#[test]
fn strangers_in_the_directory_are_named_in_health() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("audit_logs");
    fs::create_dir_all(root.join("locks")).unwrap();
    let host_file = folder.path().join("host_file");
    fs::write(&host_file, "the host's own").unwrap();
    std::os::unix::fs::symlink(&host_file, root.join("locks/first")).unwrap();
    make_pipe(&root.join("audit_2026-11-22.jsonl"));
    let (_layer, guard) = LlmAudit::builder()
        .directory(&root)
        .build::<tracing_subscriber::Registry>()
        .unwrap();
    let health = guard.health();
    assert!(!health.is_good);
    let found: Vec<&str> = health.found.iter().map(|one| one.text.as_str()).collect();
    assert!(
        found.iter().any(|text| text.contains("locks/first")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|text| text.contains("audit_2026-11-22.jsonl")),
        "{found:?}"
    );
    assert_eq!(fs::read_to_string(&host_file).unwrap(), "the host's own");
}

fn make_pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

/// Keys that do not survive the container: each start made new ones beside the old journal, and health was good.
#[test]
fn keys_made_beside_a_journal_of_other_keys_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("audit_logs");
    let build = || {
        LlmAudit::builder()
            .directory(&root)
            .build::<tracing_subscriber::Registry>()
            .unwrap()
            .1
    };
    build().shutdown(PATIENCE).unwrap();
    fs::remove_dir_all(folder.path().join("audit_logs.keys")).unwrap();
    let guard = build();
    let health = guard.health();
    assert!(!health.is_good);
    assert!(
        health.found[0].text.contains("new keys were made"),
        "{health:?}"
    );
    guard.shutdown(PATIENCE).unwrap();
    let missing = LlmAudit::builder()
        .directory(folder.path().join("elsewhere"))
        .keys_must_exist()
        .build::<tracing_subscriber::Registry>();
    assert!(missing.is_err());
}
