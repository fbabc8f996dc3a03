//! A Follower against an exporter that does as its script says.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    memory::{STREAM, Stream},
    *,
};
use llm_audit_journal::{clock::SystemClock, entry::EntryBuf, random::SystemEntropy};

type Answer = Result<Exported, ExportError>;

/// Answers by a function of the request's number and its seqs; remembers what was acknowledged, how often.
struct Scripted<F> {
    answer: F,
    requests: u64,
    acknowledged: Arc<Mutex<BTreeMap<u64, u32>>>,
}

impl<F: FnMut(u64, &[u64]) -> Answer + Send + 'static> Exporter for Scripted<F> {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn export(&mut self, batch: &[EntryBuf], _timeout: Duration) -> Answer {
        let seqs: Vec<u64> = batch
            .iter()
            .map(|entry| entry.as_entry().position().seq)
            .collect();
        self.requests += 1;
        let exported = (self.answer)(self.requests, &seqs)?;
        for seq in &seqs[..exported.entries] {
            *self.acknowledged.lock().unwrap().entry(*seq).or_default() += 1;
        }
        Ok(exported)
    }
}

fn quick() -> RetryPolicy {
    RetryPolicy {
        delay_min: Duration::from_millis(1),
        delay_max: Duration::from_millis(4),
        suspect_failures_min: 3,
        suspect_after: Duration::from_millis(10),
        ..RetryPolicy::default()
    }
}

struct Run {
    follower: Follower,
    stream: Arc<Stream>,
    acknowledged: Arc<Mutex<BTreeMap<u64, u32>>>,
}

fn started(exporter: Box<dyn Exporter>, retry: RetryPolicy) -> Follower {
    let (clock, entropy) = (
        Arc::new(SystemClock::default()),
        Arc::new(SystemEntropy::default()),
    );
    Follower::start(exporter, retry, clock, entropy).expect("a thread")
}

impl Run {
    fn start(entries: u64, answer: impl FnMut(u64, &[u64]) -> Answer + Send + 'static) -> Self {
        Self::start_with(quick(), entries, answer)
    }

    fn start_with(
        retry: RetryPolicy,
        entries: u64,
        answer: impl FnMut(u64, &[u64]) -> Answer + Send + 'static,
    ) -> Self {
        let stream = Stream::new(entries);
        let acknowledged = Arc::default();
        let exporter = Scripted {
            answer,
            requests: 0,
            acknowledged: Arc::clone(&acknowledged),
        };
        let follower = started(Box::new(exporter), retry);
        follower.follow(stream.source());
        Self {
            follower,
            stream,
            acknowledged,
        }
    }

    fn missing(&self) -> Vec<u64> {
        let acknowledged = self.acknowledged.lock().unwrap();
        let entries = self.stream.durable.load(Ordering::Acquire);
        (0..entries)
            .filter(|seq| !acknowledged.contains_key(seq))
            .collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is an answer beside others")]
fn all(seqs: &[u64]) -> Answer {
    Ok(Exported::all(seqs.len()))
}

fn not_ready(retry_after: Option<Duration>) -> Answer {
    let reason = Reason::new("HTTP 503");
    Err(ExportError::NotReady {
        reason,
        retry_after,
    })
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn everything_arrives_once_where_nothing_fails_and_the_cursor_is_stored() {
    let run = Run::start(2000, |_, seqs| all(seqs));
    assert_eq!(run.follower.flush(LONG), 0);
    let health = run.follower.health();
    assert!(health.is_good && health.last_error.is_none());
    assert_eq!((health.exported, health.streams[0].next_seq), (2000, 2000));
    assert!(
        run.acknowledged
            .lock()
            .unwrap()
            .values()
            .all(|times| *times == 1)
    );
    assert_eq!(run.follower.stop(LONG), 0);
    assert_eq!(run.stream.cursor.load(Ordering::Acquire), 2000);
}

#[test]
fn failures_are_retried_until_everything_arrived() {
    let run = Run::start(3000, |request, seqs| match request % 3 {
        0 => all(seqs),
        1 => not_ready(None),
        _ => Err(ExportError::Unreachable(Reason::new("connection reset"))),
    });
    assert_eq!(run.follower.flush(LONG), 0);
    assert!(run.missing().is_empty());
    assert_eq!(run.follower.health().dead_letters, 0);
}

#[test]
fn retry_after_is_waited_for() {
    let asked = Duration::from_millis(300);
    let times = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&times);
    let run = Run::start(1, move |request, seqs| {
        noted.lock().unwrap().push(Instant::now());
        if request == 1 {
            not_ready(Some(asked))
        } else {
            all(seqs)
        }
    });
    run.follower.shared.wait(LONG, |streams| {
        streams.iter().all(|view| view.next_seq == 1) && !streams.is_empty()
    });
    let times = times.lock().unwrap();
    assert!(times[1] - times[0] >= asked, "{:?}", times[1] - times[0]);
}

/// A proxy that answers 503 with `Retry-After: 0` was asked as fast as it answered.
#[test]
fn a_destination_that_asks_for_no_wait_is_left_alone_all_the_same() {
    const FLUSHES: u64 = 3;
    let requests = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&requests);
    let hour = Duration::from_secs(3600);
    let retry = RetryPolicy {
        delay_min: hour,
        delay_max: hour,
        ..RetryPolicy::default()
    };
    let run = Run::start_with(retry, 1, move |_, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        not_ready(Some(Duration::ZERO))
    });
    // A flush asks once; without one, nothing is asked before the hour is over.
    for _ in 0..FLUSHES {
        assert_eq!(run.follower.flush(Duration::from_millis(50)), 1);
    }
    let requests = requests.load(Ordering::SeqCst);
    assert!((1..=FLUSHES + 1).contains(&requests), "{requests} requests");
}

/// Now plus `Duration::MAX` is out of range: `flush`, `leave` and `stop` panicked.
#[test]
fn any_duration_is_taken() {
    let run = Run::start(10, |_, seqs| all(seqs));
    assert_eq!(run.follower.flush(Duration::MAX), 0);
    assert_eq!(run.follower.leave(STREAM, Duration::MAX), 0);
    assert_eq!(run.follower.stop(Duration::MAX), 0);
}

/// A destination that is down for good, and a host that stops without a bound: no exporter is given more than the
/// longest request, because it may add what it is given to a clock.
#[test]
fn an_exporter_is_never_given_a_time_without_an_end() {
    struct Asks(Arc<Mutex<Vec<Duration>>>);
    impl Exporter for Asks {
        fn name(&self) -> &'static str {
            "asks"
        }
        fn export(&mut self, batch: &[EntryBuf], timeout: Duration) -> Answer {
            self.0.lock().unwrap().push(timeout);
            Ok(Exported::all(batch.len()))
        }
        fn force_flush(&mut self, timeout: Duration) -> Result<(), ExportError> {
            self.0.lock().unwrap().push(timeout);
            Ok(())
        }
        fn shutdown(&mut self, timeout: Duration) {
            self.0.lock().unwrap().push(timeout);
        }
    }
    let times = Arc::default();
    let follower = started(Box::new(Asks(Arc::clone(&times))), quick());
    follower.follow(Stream::new(10).source());
    assert_eq!(follower.stop(Duration::MAX), 0);
    let times = times.lock().unwrap();
    assert!(times.len() >= 3 && times.iter().all(|time| *time <= Duration::from_secs(300)));
}

/// The thread ended by a panic in the journal: health was good, and a flush waited its whole time.
#[test]
fn a_thread_that_panics_is_seen_and_not_waited_for() {
    struct Panics(Box<dyn Source>);
    impl Source for Panics {
        fn stream(&self) -> StreamId {
            self.0.stream()
        }
        fn mark(&self) -> Arc<dyn source::Mark> {
            self.0.mark()
        }
        fn first_seq(&self) -> u64 {
            self.0.first_seq()
        }
        fn read_seq(&self) -> u64 {
            self.0.read_seq()
        }
        fn next(&mut self) -> Result<Option<EntryBuf>, SourceError> {
            panic!("as the test has it")
        }
        fn store_cursor(&mut self, last: &EntryBuf) -> Result<(), SourceError> {
            self.0.store_cursor(last)
        }
        fn put_dead_letter(&mut self, entry: &EntryBuf, why: &str) -> Result<(), SourceError> {
            self.0.put_dead_letter(entry, why)
        }
    }
    let run = Run::start(0, |_, seqs| all(seqs));
    let stream = Stream::new(7);
    run.follower.follow(Box::new(Panics(stream.source())));
    assert_eq!(run.follower.flush(Duration::MAX), 7);
    let health = run.follower.health();
    assert!(!health.is_good);
    let text = health.last_error.unwrap().text;
    assert!(text.contains("thread panicked"), "{text}");
    // Nor is what comes later waited for.
    run.follower.follow(stream.source());
    assert_eq!(run.follower.flush(Duration::MAX), 7);
    assert_eq!(run.follower.leave(STREAM, Duration::MAX), 7);
    assert_eq!(run.follower.stop(Duration::MAX), 7);
}

/// A forked child has the handle and not the thread: joining it would wait for ever.
#[test]
fn a_child_leaves_its_parent_s_thread_alone() {
    let run = Run::start(10, |_, seqs| all(seqs));
    assert_eq!(run.follower.flush(LONG), 0);
    let shared = Arc::clone(&run.follower.shared);
    run.follower.home.leave();
    drop(run.follower);
    assert!(shared.take_orders().stop_by.is_none() && !shared.has_ended());
    shared.order(|orders| orders.stop_by = Some(Deadline::after(Duration::ZERO)));
}

#[test]
fn a_partial_success_is_counted_shown_and_never_sent_again() {
    let run = Run::start(600, |request, seqs| {
        let message = (request == 1).then(|| Reason::new("two were too old"));
        Ok(Exported::partly(
            seqs.len(),
            if request == 1 { 2 } else { 0 },
            message,
        ))
    });
    assert_eq!(run.follower.flush(LONG), 0);
    let health = run.follower.health();
    assert_eq!(
        (health.exported, health.rejected, health.is_good),
        (598, 2, true)
    );
    assert!(health.last_error.unwrap().text.contains("two were too old"));
    assert!(
        run.acknowledged
            .lock()
            .unwrap()
            .values()
            .all(|times| *times == 1)
    );
}

#[test]
fn poison_records_are_set_aside_and_the_rest_goes_on() {
    let poison = [0, 1, 777, 1998];
    let run = Run::start(2000, move |_, seqs| {
        if seqs.iter().any(|seq| poison.contains(seq)) {
            return Err(ExportError::Rejected(Reason::new("HTTP 400")));
        }
        all(seqs)
    });
    assert_eq!(run.follower.flush(LONG), 0);
    assert_eq!(run.missing(), poison);
    assert_eq!(run.stream.dead_seqs(), poison);
    assert_eq!(run.follower.health().dead_letters, 4);
    assert!(run.stream.dead.lock().unwrap()[&777].contains("HTTP 400"));
}

#[test]
fn a_poison_record_at_the_end_waits_for_a_neighbour() {
    let run = Run::start(5, |_, seqs| {
        if seqs.contains(&4) {
            Err(ExportError::Rejected(Reason::new("HTTP 400")))
        } else {
            all(seqs)
        }
    });
    assert_eq!(run.follower.flush(Duration::from_millis(200)), 1);
    assert!(run.stream.dead_seqs().is_empty());
    run.stream.durable.store(6, Ordering::Release);
    assert_eq!(run.follower.flush(LONG), 0);
    assert_eq!(run.stream.dead_seqs(), [4]);
}

#[test]
fn a_destination_that_refuses_everything_is_never_given_dead_letters() {
    let mended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let run = Run::start(1000, move |_, seqs| {
        if is_mended.load(Ordering::Relaxed) {
            all(seqs)
        } else {
            Err(ExportError::Rejected(Reason::new("HTTP 400")))
        }
    });
    let deadline = Instant::now() + LONG;
    while run.follower.health().is_good {
        assert!(Instant::now() < deadline, "refusals are bad health");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(run.follower.flush(Duration::from_millis(300)), 1000);
    assert!(run.stream.dead_seqs().is_empty());
    mended.store(true, Ordering::Relaxed);
    assert_eq!(run.follower.flush(LONG), 0);
    assert!(run.missing().is_empty() && run.follower.health().is_good);
}

#[test]
fn a_record_that_breaks_its_destination_is_found_and_set_aside() {
    let run = Run::start(1000, |_, seqs| {
        if seqs.contains(&500) {
            Err(ExportError::Unreachable(Reason::new("reset")))
        } else {
            all(seqs)
        }
    });
    assert_eq!(run.follower.flush(LONG), 0);
    assert_eq!(run.stream.dead_seqs(), [500]);
    assert_eq!(run.missing(), [500]);
}

#[test]
fn an_exporter_that_panics_or_answers_nonsense_neither_stops_nor_skips() {
    let run = Run::start(1500, |request, seqs| match request {
        1 => panic!("as scripted"),
        2 => Ok(Exported::all(0)),
        3 => Ok(Exported::all(seqs.len())),
        _ => all(seqs),
    });
    assert_eq!(run.follower.flush(LONG), 0);
    assert_eq!(run.follower.health().lag_entries(), 0);
}

#[test]
fn stop_says_what_is_left_and_a_restart_goes_on_there() {
    let run = Run::start(2000, |_, seqs| {
        if seqs[0] < 1024 {
            all(seqs)
        } else {
            not_ready(None)
        }
    });
    let stream = Arc::clone(&run.stream);
    let deadline = Instant::now() + LONG;
    while run.follower.health().lag_entries() != 976 {
        assert!(Instant::now() < deadline, "what is taken is sent");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(run.follower.stop(Duration::from_millis(200)), 976);
    assert_eq!(stream.cursor.load(Ordering::Acquire), 1024);
    let acknowledged = Arc::default();
    let exporter = Scripted {
        answer: |_, seqs: &[u64]| all(seqs),
        requests: 0,
        acknowledged: Arc::clone(&acknowledged),
    };
    let again = started(Box::new(exporter), quick());
    again.follow(stream.source());
    assert_eq!(again.stop(LONG), 0);
    assert_eq!(acknowledged.lock().unwrap().keys().next(), Some(&1024));
}

#[test]
fn a_request_that_hangs_does_not_hold_stop_and_writes_no_cursor_after_it() {
    let run = Run::start(10, |_, seqs| {
        thread::sleep(Duration::from_millis(700));
        all(seqs)
    });
    thread::sleep(Duration::from_millis(50));
    let begun = Instant::now();
    assert_eq!(run.follower.stop(Duration::from_millis(50)), 10);
    assert!(begun.elapsed() < Duration::from_millis(500));
    thread::sleep(Duration::from_secs(1));
    assert_eq!(run.stream.cursor.load(Ordering::Acquire), 0);
}

#[test]
fn what_the_journal_lacks_is_said_and_passed_over() {
    let run = Run::start(0, |_, seqs| all(seqs));
    run.stream.missing.lock().unwrap().extend([3, 9]);
    run.stream.durable.store(10, Ordering::Release);
    assert_eq!(run.follower.flush(LONG), 0);
    assert_eq!(run.missing(), [3, 9]);
    assert!(
        run.follower
            .health()
            .last_error
            .unwrap()
            .text
            .contains("missing")
    );
}

#[test]
fn a_flush_leaves_the_cursor_stored() {
    let run = Run::start(1000, |_, seqs| all(seqs));
    assert_eq!(run.follower.flush(LONG), 0);
    assert_eq!(run.stream.cursor.load(Ordering::Acquire), 1000);
}

#[test]
fn a_stream_is_left_with_its_cursor_stored() {
    let run = Run::start(700, |_, seqs| all(seqs));
    assert_eq!(run.follower.leave(STREAM, LONG), 0);
    assert_eq!(run.stream.cursor.load(Ordering::Acquire), 700);
    assert!(run.follower.health().streams.is_empty());
}

#[test]
#[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
fn nothing_emitted_while_exporting_reaches_the_host_s_layers() {
    let run = Run::start(10, |_, seqs| {
        assert!(opentelemetry::Context::is_current_telemetry_suppressed());
        assert!(tracing::dispatcher::get_default(|dispatch| {
            dispatch.is::<tracing::subscriber::NoSubscriber>()
        }));
        all(seqs)
    });
    assert_eq!(run.follower.flush(LONG), 0);
    assert!(run.follower.health().last_error.is_none());
}
