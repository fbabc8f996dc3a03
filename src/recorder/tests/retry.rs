//! What fails is tried again ever less often, whatever wakes the writing thread meanwhile: tries are counted.

use super::{storage::Failure, *};
use crate::{
    ack::AckError,
    recorder::{Backoff, queue::Flush},
};

const HOUR: Duration = Duration::from_secs(3600);

/// Lets every call to the disk fail from now on.
fn break_disk(storage: &FaultStorage) {
    let next = storage.calls() + 1;
    let _ = storage.clone().fail(next, u64::MAX, Failure::Full);
}

fn mend_disk(storage: &FaultStorage) {
    let _ = storage.clone().fail(u64::MAX, 0, Failure::Full);
}

/// A full disk under `Durability::Within`: the checkpoint's file was made anew 27,000 times in 5 s.
#[test]
fn what_is_due_and_fails_is_tried_once_in_its_time() {
    let (storage, seams, writer) = journal();
    let (shared, mut worker) = worker(options(Pace::Within(Duration::ZERO)), seams, writer);
    shared.queue.push(AuditRecord::sample());
    assert!(!worker.round());
    worker.retry = Backoff::new(HOUR, HOUR);
    wait_until(|| worker.writer.next_deadline() == Some(Duration::ZERO));
    break_disk(&storage);
    let before = storage.calls();
    worker.tick();
    let once = storage.calls() - before;
    assert!(once > 0, "the disk is asked");
    for _ in 0..1000 {
        worker.tick();
    }
    assert_eq!(storage.calls() - before, once);
    let rest = worker.rest_at_most().unwrap();
    assert!(rest > HOUR / 2, "the thread would come back after {rest:?}");

    // The queue is served meanwhile, and a success is not waited for once the time has come.
    mend_disk(&storage);
    let (ack, record) = awaited();
    shared.queue.push(record);
    assert!(!worker.round());
    assert!(ack.wait(Duration::ZERO).is_ok());
    worker.retry.succeeded();
    worker.tick();
    assert!(worker.retry.is_due());
    assert_ne!(worker.writer.next_deadline(), Some(Duration::ZERO));
}

/// A caller that asks for the stream to be closed waits until it is, and does not make the thread try without a pause.
#[test]
fn a_close_that_fails_is_tried_once_in_its_time_and_waited_for() {
    let (storage, seams, writer) = journal();
    let (shared, mut worker) = worker(options(Pace::Within(Duration::ZERO)), seams, writer);
    worker.retry = Backoff::new(HOUR, HOUR);
    break_disk(&storage);
    let (closed, done) = Ack::pair();
    shared.queue.flush(Flush { done, rest: true });
    assert!(!worker.round());
    let once = storage.calls();
    for _ in 0..100 {
        let (flushed, done) = Ack::pair();
        shared.queue.flush(Flush { done, rest: false });
        assert!(!worker.round());
        // Nothing is queued: a flush that asks for no more is done.
        assert!(flushed.wait(Duration::ZERO).is_ok());
    }
    assert_eq!(storage.calls(), once);
    assert_eq!(closed.wait(Duration::ZERO), Err(AckError::TimedOut));
    assert!(worker.rest_at_most().unwrap() > HOUR / 2);
    mend_disk(&storage);
    worker.retry.succeeded();
    let (flushed, done) = Ack::pair();
    shared.queue.flush(Flush { done, rest: false });
    assert!(!worker.round());
    assert!(flushed.wait(Duration::ZERO).is_ok());
    assert!(closed.wait(Duration::ZERO).is_ok());
}

/// A heartbeat that is due at once, always: the thread wrote nothing else.
#[test]
fn what_is_due_again_at_once_is_no_reason_to_spin() {
    let storage = FaultStorage::new(MemoryStorage::new());
    let seams = Seams {
        storage: Arc::new(storage.clone()),
        ..Seams::default()
    };
    let mut journal = JournalOptions::new("audit_logs", KeyName::new("localhost/test").unwrap());
    journal.heartbeat = Some(Duration::ZERO);
    let (writer, _) = JournalWriter::open(journal, seams.clone()).unwrap();
    let (_shared, mut worker) = worker(options(PROMPT), seams, writer);
    worker.retry = Backoff::new(HOUR, HOUR);
    worker.tick();
    let syncs = storage.syncs();
    for _ in 0..100 {
        worker.tick();
    }
    assert_eq!(storage.syncs(), syncs);
}

#[test]
fn findings_are_shown_from_the_opening_on_and_added_later() {
    let (_storage, seams, writer) = journal();
    let mut options = options(PROMPT);
    options.found = vec!["a segment is missing".to_owned()];
    let streams = Arc::new(TestStreams::default());
    let recorder = Recorder::start(options, seams, writer, streams).unwrap();
    recorder.found("a stream is damaged".to_owned());
    recorder.found("a segment is missing".to_owned());
    let (ack, record) = awaited();
    crate::submit::Submit::submit(&recorder, record);
    assert!(ack.wait(LONG).is_ok());
    let health = recorder.health();
    let texts: Vec<&str> = health.found.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(texts, ["a segment is missing", "a stream is damaged"]);
    assert!(!health.is_good && health.last_error.is_none());
}

/// The queue overflowed and the lock was removed before the writer came to it: the numbers of the dropped records were
/// named first, so that those written after them had none in the new stream, and came out as 2^64 less a few.
#[test]
fn a_stream_is_left_while_dropped_records_are_named() {
    let (storage, seams, writer) = journal_in(MemoryStorage::new());
    let options = RecorderOptions {
        limits: Limits {
            records_max: 1500,
            bytes_max: usize::MAX,
            wait_max: Duration::ZERO,
        },
        ..options(PROMPT)
    };
    let (shared, mut worker) = worker(options, seams, writer);
    let mut waiting = Vec::new();
    for _ in 0..1510 {
        let (ack, record) = awaited();
        shared.queue.push(record);
        waiting.push(ack);
    }
    storage.remove_all("audit_logs/locks");
    assert!(!worker.round());
    let counts = shared.queue.counts();
    assert_eq!((counts.durable, counts.dropped), (1500, 10));
    let accs: Vec<u64> = waiting
        .iter()
        .filter_map(|ack| Some(ack.wait(Duration::ZERO).ok()?.acc))
        .collect();
    let first_of_new = accs.iter().rposition(|acc| *acc == 1).unwrap();
    assert!(first_of_new > 0, "it is left half-way");
    let numbers = (1..).take(accs.len() - first_of_new);
    assert!(accs[first_of_new..].iter().copied().eq(numbers));
    assert_eq!(worker.writer.dropped(), 10);
    assert_eq!(
        worker.writer.next_acc(),
        (accs.len() - first_of_new) as u64 + 11
    );
}

/// The lock was found to be removed while the host ended: the stream that took over was left open, as by a crash.
#[test]
fn a_stream_that_is_begun_at_the_very_end_is_closed_too() {
    let (storage, seams, writer) = journal_in(MemoryStorage::new());
    let (shared, mut worker) = worker(options(PROMPT), seams, writer);
    storage.remove_all("audit_logs/locks");
    shared.queue.close();
    let before = worker.writer.stream();
    assert!(worker.round());
    let stream = worker.writer.stream();
    assert_ne!(stream, before);
    let lines = storage.paths().into_iter().filter_map(|path| {
        let is_segment = path.extension().is_some_and(|end| end == "jsonl");
        is_segment.then(|| String::from_utf8(storage.read(path).unwrap()).unwrap())
    });
    let own = format!("\"stream\":\"{stream}\"");
    let closes = |text: &String| {
        let mut lines = text.lines();
        lines.any(|line| line.contains(&own) && line.contains(r#""kind":"close""#))
    };
    assert!(lines.into_iter().any(|text| closes(&text)));
}
