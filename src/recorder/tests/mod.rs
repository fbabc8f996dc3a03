//! The recorder over a journal in memory, with the disk's failures on order.

mod end;
mod fork;
mod queue;
mod retry;

#[path = "../../../crates/journal/tests/it/storage.rs"]
#[allow(dead_code, reason = "the journal's own tests use the rest")]
mod storage;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use self::storage::FaultStorage;
use super::{Limits, Pace, Recorder, RecorderOptions, Shared, Streams, Worker};
use crate::{
    ack::Ack,
    digest::Hashing,
    price::PriceTable,
    record::AuditRecord,
    seal::{Content, Sealer},
};
use llm_audit_journal::{
    checkpoint::KeyName,
    journal::{JournalOptions, JournalWriter, MemoryStorage, Seams, Storage},
};

/// Long enough for a condition on the busiest machine.
const LONG: Duration = Duration::from_secs(60);
const PROMPT: Pace = Pace::Prompt {
    linger: Duration::from_millis(1),
};

/// Followers that follow nothing, and panic on request.
#[derive(Default)]
struct TestStreams {
    panics: AtomicBool,
}

impl Streams for TestStreams {
    fn opened(&self, _: &JournalWriter) {
        assert!(!self.panics.load(Ordering::SeqCst), "as the test has it");
    }

    fn left(&self, writer: JournalWriter) {
        assert!(!self.panics.load(Ordering::SeqCst), "as the test has it");
        drop(writer);
    }
}

fn options(pace: Pace) -> RecorderOptions {
    RecorderOptions {
        limits: Limits {
            records_max: 1000,
            bytes_max: 1 << 20,
            wait_max: Duration::MAX,
        },
        pace,
        begins: false,
        hashes_on_span: false,
        sealer: Sealer::new(&Hashing::Sha256, None, Content::default()),
        prices: Arc::new(PriceTable::embedded()),
        found: Vec::new(),
    }
}

/// A disk in memory, and a writer on it.
fn journal() -> (FaultStorage, Seams, JournalWriter) {
    journal_in(FaultStorage::new(MemoryStorage::new()))
}

fn journal_in<S: Storage + Clone>(storage: S) -> (S, Seams, JournalWriter) {
    let seams = Seams {
        storage: Arc::new(storage.clone()),
        ..Seams::default()
    };
    let name = KeyName::new("localhost/test").unwrap();
    let (writer, _) =
        JournalWriter::open(JournalOptions::new("audit_logs", name), seams.clone()).unwrap();
    (storage, seams, writer)
}

fn recorder() -> (FaultStorage, Recorder) {
    let (storage, seams, writer) = journal();
    let streams = Arc::new(TestStreams::default());
    let recorder = Recorder::start(options(PROMPT), seams, writer, streams).unwrap();
    (storage, recorder)
}

/// The writing thread's work without the thread.
fn worker(options: RecorderOptions, seams: Seams, writer: JournalWriter) -> (Arc<Shared>, Worker) {
    let shared = Arc::new(Shared::new(options, seams));
    let streams = Arc::new(TestStreams::default());
    let worker = Worker::new(Arc::clone(&shared), streams, writer);
    (shared, worker)
}

fn awaited() -> (Ack, Box<AuditRecord>) {
    let (ack, resolver) = Ack::pair();
    let mut record = AuditRecord::sample();
    record.ack = Some(resolver);
    (ack, record)
}

fn wait_until(mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_done() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}
