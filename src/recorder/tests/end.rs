//! The end of the writing thread, however it comes: no caller waits for it, and health says so.

use std::sync::{Arc, Mutex};

use super::*;
use crate::{ack::AckError, record::Capture, submit::Submit};
use llm_audit_journal::clock::{Clock, SystemClock, Timestamp};

/// The name of the thread that writes.
const WRITER: &str = "llm-audit-writer";

fn assert_ended(recorder: &Recorder) {
    wait_until(|| recorder.health().last_error.is_some());
    let health = recorder.health();
    assert!(!health.is_good, "{health:?}");
    let text = health.last_error.unwrap().text;
    assert!(text.contains("writing thread panicked"), "{text}");
    assert_eq!(health.queued, 0);
    assert_eq!(health.accepted, health.durable + health.dropped);

    // Nothing that comes later waits, though the queue may wait for ever.
    let accepted = recorder.health().accepted;
    let (ack, record) = awaited();
    recorder.submit(record);
    assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
    let (ack, record) = awaited();
    assert_eq!(recorder.try_submit(record), Err(AckError::WriterEnded));
    assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
    assert_eq!(recorder.hurry(), Err(AckError::WriterEnded));
    let flushed = recorder.flush(Duration::MAX, true);
    assert_eq!(flushed, Err(AckError::WriterEnded));
    let health = recorder.health();
    assert_eq!(health.accepted, accepted + 1);
    assert_eq!(health.accepted, health.durable + health.dropped);
    assert_eq!(health.last_error.unwrap().text, text);
}

/// A panic in the journal ended the thread with good health, full queues and acknowledgements that never resolved.
///
/// Here it comes at the n-th call to the disk, for every n until the run makes no such call.
#[test]
fn a_panic_at_any_call_of_the_journal_resolves_everything() {
    for nth in 1..1000 {
        let (storage, recorder) = recorder();
        storage.panic_in(WRITER, nth);
        let acks: Vec<Ack> = (0..8)
            .map(|_| {
                let (ack, record) = awaited();
                recorder.submit(record);
                ack
            })
            .collect();
        let flushed = recorder.flush(LONG, true);
        let results: Vec<_> = acks.iter().map(|ack| ack.wait(LONG)).collect();
        if flushed.is_ok() {
            assert!(nth > 3, "the test reaches the disk");
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            return;
        }
        assert_eq!(flushed, Err(AckError::WriterEnded), "call {nth}");
        for result in results {
            assert!(matches!(result, Ok(_) | Err(AckError::WriterEnded)));
        }
        assert_ended(&recorder);
    }
    panic!("no run came to its end");
}

/// A caller whose acknowledgement has failed asks the health why: it was still good at that moment.
#[test]
fn health_is_bad_before_an_acknowledgement_says_so() {
    for _ in 0..50 {
        let (storage, recorder) = recorder();
        storage.panic_in(WRITER, 1);
        let (ack, record) = awaited();
        recorder.submit(record);
        assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
        assert!(!recorder.health().is_good);
    }
}

/// A clock that panics in the writing thread, and goes on panicking while its end is noted.
struct PanickingClock(Arc<AtomicBool>);

impl Clock for PanickingClock {
    fn now(&self) -> Timestamp {
        let is_writer = std::thread::current().name() == Some(WRITER);
        assert!(
            !(is_writer && self.0.load(Ordering::SeqCst)),
            "as the test has it"
        );
        SystemClock::default().now()
    }
}

#[test]
fn a_panic_of_the_host_s_clock_resolves_everything() {
    let panics = Arc::new(AtomicBool::new(false));
    let storage = MemoryStorage::new();
    let seams = Seams {
        storage: Arc::new(storage),
        clock: Arc::new(PanickingClock(Arc::clone(&panics))),
        ..Seams::default()
    };
    let name = KeyName::new("localhost/test").unwrap();
    let options_ = JournalOptions::new("audit_logs", name);
    let (writer, _) = JournalWriter::open(options_, seams.clone()).unwrap();
    let streams = Arc::new(TestStreams::default());
    let recorder = Recorder::start(options(PROMPT), seams, writer, streams).unwrap();
    panics.store(true, Ordering::SeqCst);
    let (ack, record) = awaited();
    recorder.submit(record);
    assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
    assert_ended(&recorder);
}

/// A clock that is a week ahead until it is set back: then a new stream begins, and its followers are informed.
#[derive(Clone, Default)]
struct SetBack(Arc<Mutex<i64>>);

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock::default().now().as_micros() + *self.0.lock().unwrap())
    }
}

#[test]
fn a_panic_of_who_follows_resolves_everything() {
    const WEEK_US: i64 = 7 * 86_400_000_000;
    let clock = SetBack::default();
    *clock.0.lock().unwrap() = WEEK_US;
    let seams = Seams {
        storage: Arc::new(MemoryStorage::new()),
        clock: Arc::new(clock.clone()),
        ..Seams::default()
    };
    let name = KeyName::new("localhost/test").unwrap();
    let options_ = JournalOptions::new("audit_logs", name);
    let (writer, _) = JournalWriter::open(options_, seams.clone()).unwrap();
    let streams = Arc::new(TestStreams::default());
    let followers = Arc::clone(&streams);
    let recorder = Recorder::start(options(PROMPT), seams, writer, streams).unwrap();
    followers.panics.store(true, Ordering::SeqCst);
    *clock.0.lock().unwrap() = 0;
    let _ = recorder.flush(LONG, false);
    assert_ended(&recorder);
}

/// The disk hangs with a batch in the writer's hands and more behind it; then it panics.
#[test]
fn records_and_flushes_that_are_still_queued_resolve_too() {
    let (storage, recorder) = recorder();
    storage.hang(true);
    let (first, record) = awaited();
    recorder.submit(record);
    wait_until(|| recorder.health().queued_bytes == 0);
    let (second, record) = awaited();
    recorder.submit(record);
    let mut detached = AuditRecord::sample();
    detached.capture = Capture::Detached;
    recorder.submit(detached);
    let flush = {
        let recorder = recorder.clone();
        std::thread::spawn(move || recorder.flush(Duration::MAX, false))
    };
    storage.panic_in(WRITER, 1);
    storage.hang(false);
    assert_eq!(first.wait(LONG), Err(AckError::WriterEnded));
    assert_eq!(second.wait(LONG), Err(AckError::WriterEnded));
    assert_eq!(flush.join().unwrap(), Err(AckError::WriterEnded));
    assert_eq!(recorder.health().dropped, 3);
    assert_ended(&recorder);
}

/// The operating system gives no thread: what was prepared for it is dropped, as `spawn` drops it.
#[test]
fn a_thread_that_never_starts_leaves_nobody_waiting() {
    let (_storage, seams, writer) = journal();
    let (shared, worker) = worker(options(PROMPT), seams, writer);
    let (ack, record) = awaited();
    shared.queue.push(record);
    drop(worker);
    assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
    let (ack, record) = awaited();
    shared.queue.push(record);
    assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
}

/// `Duration::MAX` was a panic in the writing thread, with good health, and in every caller that waited.
#[test]
fn any_duration_is_taken_everywhere() {
    let (_storage, seams, writer) = journal();
    let streams = Arc::new(TestStreams::default());
    let pace = Pace::Within(Duration::MAX);
    let recorder = Recorder::start(options(pace), seams, writer, streams).unwrap();
    recorder.submit(AuditRecord::sample());
    let (ack, record) = awaited();
    recorder.submit(record);
    assert!(ack.wait(Duration::MAX).is_ok());
    assert_eq!(recorder.flush(Duration::MAX, true), Ok(()));
    let health = recorder.health();
    assert_eq!((health.durable, health.is_good), (2, true));
}
