//! The end of the writing thread, as a host sees it, and all that must not make it spin or die.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::{Dispatch, dispatcher, info_span};
use tracing_llm_audit::{
    Ack, AckError, AuditGuard, Builder, Clock, Durability, ExportError, Exported, Exporter,
    LlmAudit, LlmCall, SystemClock, Timestamp, entry::EntryBuf, journal::MemoryStorage,
};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::storage::{Failure, FaultStorage};

/// The name of the thread that takes over the streams of ended processes.
const ADOPTING: &str = "llm-audit-adopt";
/// Long enough for a condition on the busiest machine.
const LONG: Duration = Duration::from_secs(60);

fn built(builder: Builder) -> (Dispatch, AuditGuard) {
    let (layer, guard) = builder.directory("audit_logs").build().unwrap();
    (
        Dispatch::new(tracing_subscriber::registry().with(layer)),
        guard,
    )
}

/// Makes a call that has ended, and returns its acknowledgement.
fn call(dispatch: &Dispatch) -> Ack {
    dispatcher::with_default(dispatch, || {
        LlmCall::of(&info_span!("ask", gen_ai.operation.name = "chat")).ack()
    })
}

fn wait_until(mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_done() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A clock that panics in the writing thread on request.
struct Panicking(Arc<AtomicBool>);

impl Clock for Panicking {
    fn now(&self) -> Timestamp {
        let is_writer = std::thread::current().name() == Some("llm-audit-writer");
        assert!(
            !(is_writer && self.0.load(Ordering::SeqCst)),
            "a clock that panics, as the test has it"
        );
        SystemClock::default().now()
    }
}

/// The process goes on, its calls are not held, callers that wait get an error, and health says why.
#[test]
fn a_host_outlives_the_writing_thread_and_sees_that_it_is_gone() {
    let panics = Arc::new(AtomicBool::new(false));
    let builder = LlmAudit::builder()
        .storage(MemoryStorage::new())
        .clock(Panicking(Arc::clone(&panics)))
        .queue(2, 1 << 20)
        .queue_wait_max(Duration::MAX);
    let (dispatch, guard) = built(builder);
    assert!(call(&dispatch).wait(Duration::MAX).is_ok());
    panics.store(true, Ordering::SeqCst);
    let ack = call(&dispatch);
    assert_eq!(ack.wait(LONG), Err(AckError::WriterEnded));
    let health = guard.health();
    assert!(!health.is_good, "{health:?}");
    let text = health.last_error.unwrap().text;
    assert!(text.contains("writing thread panicked"), "{text}");
    // Ten more than the queue holds, which may be waited for without an end.
    for _ in 0..12 {
        drop(call(&dispatch));
    }
    let begun = dispatcher::with_default(&dispatch, || {
        let span = info_span!("ask", gen_ai.operation.name = "chat").entered();
        let begun = LlmCall::current().begin();
        drop(span);
        begun
    });
    assert_eq!(begun.wait(LONG), Err(AckError::WriterEnded));
    let left = guard.flush(Duration::MAX).unwrap_err();
    assert_eq!((left.queued, left.unshipped), (0, 0));
    assert!(guard.shutdown(Duration::MAX).is_err());
    let health = guard.health();
    assert_eq!((health.accepted, health.durable), (15, 1));
    assert_eq!(health.accepted, health.durable + health.dropped);
}

/// Each place that takes a time from the host added it to a clock, which panics: in the writing thread, unseen.
#[test]
fn any_duration_is_taken_by_every_setting_and_every_wait() {
    let builder = LlmAudit::builder()
        .storage(MemoryStorage::new())
        .durability(Durability::Within(Duration::MAX))
        .heartbeat(Duration::MAX)
        .queue_wait_max(Duration::MAX)
        .exporter(Slow);
    let (dispatch, guard) = built(builder);
    drop(call(&dispatch));
    assert!(call(&dispatch).wait(Duration::MAX).is_ok());
    guard.flush(Duration::MAX).unwrap();
    guard.shutdown(Duration::MAX).unwrap();
    let health = guard.health();
    assert_eq!((health.durable, health.is_good), (2, true));
}

/// An exporter that adds its time to a clock, as many do.
struct Slow;

impl Exporter for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn export(&mut self, batch: &[EntryBuf], timeout: Duration) -> Result<Exported, ExportError> {
        let _deadline = Instant::now() + timeout;
        Ok(Exported::all(batch.len()))
    }
}

/// A directory whose streams cannot be listed was listed 2.5 million times a second, with good health.
#[test]
fn streams_that_cannot_be_taken_over_are_reported_and_tried_ever_less_often() {
    let disk = FaultStorage::new(MemoryStorage::new());
    disk.fail_in(ADOPTING);
    let (dispatch, guard) = built(LlmAudit::builder().storage(disk.clone()));
    wait_until(|| guard.health().last_error.is_some());
    let text = guard.health().last_error.unwrap().text;
    assert!(text.contains("cannot be taken over"), "{text}");
    // The audit itself goes on, and its success is seen.
    for _ in 0..100 {
        assert!(call(&dispatch).wait(LONG).is_ok());
    }
    let listings = disk.planned_calls();
    assert!(listings < 100, "{listings} listings");
    guard.shutdown(LONG).unwrap();
}

/// The thread that takes over what others left panics: nothing of this audit ends, and health says so.
#[test]
fn a_panic_beside_the_writing_thread_is_reported() {
    let disk = FaultStorage::new(MemoryStorage::new());
    disk.panic_in(ADOPTING, 1);
    let (dispatch, guard) = built(LlmAudit::builder().storage(disk));
    wait_until(|| guard.health().last_error.is_some());
    let text = guard.health().last_error.unwrap().text;
    assert!(text.contains("panicked"), "{text}");
    assert!(call(&dispatch).wait(LONG).is_ok());
    assert!(guard.health().is_good);
}

/// A full disk under `Durability::Within`, with nothing to write but what the journal owes: 27,000 files in 5 s.
#[test]
fn a_full_disk_is_not_kept_busy() {
    const FLUSHES: u64 = 200;
    let disk = FaultStorage::new(MemoryStorage::new());
    let builder = LlmAudit::builder()
        .storage(disk.clone())
        .durability(Durability::Within(Duration::from_millis(1)));
    let (dispatch, guard) = built(builder);
    assert!(call(&dispatch).wait(LONG).is_ok());
    let _ = disk.clone().fail(disk.calls() + 1, u64::MAX, Failure::Full);
    let before = disk.calls();
    // What is due by time fails from now on; each flush wakes the thread.
    wait_until(|| disk.calls() > before);
    for _ in 0..FLUSHES {
        guard.flush(LONG).unwrap();
    }
    let calls = disk.calls() - before;
    assert!(calls < FLUSHES, "{calls} calls to a disk that is full");
    let _ = disk.clone().fail(u64::MAX, 0, Failure::Full);
    guard.shutdown(LONG).unwrap();
    assert!(call(&dispatch).wait(LONG).is_ok());
}
