//! A forked child: it has the memory, and no thread that writes. The fork is pretended: a test has no `fork`.

use super::*;
use crate::{ack::AckError, submit::Submit};

/// A child queued its records for a thread that is in its parent, and its `flush` waited for ever.
#[test]
fn a_child_refuses_at_once_and_says_why() {
    let (_storage, recorder) = recorder();
    assert_eq!(recorder.flush(LONG, false), Ok(()));
    recorder.fork();
    let (ack, record) = awaited();
    recorder.submit(record);
    assert_eq!(ack.wait(LONG), Err(AckError::Forked));
    let (ack, record) = awaited();
    assert_eq!(recorder.try_submit(record), Err(AckError::Forked));
    assert_eq!(ack.wait(LONG), Err(AckError::Forked));
    assert_eq!(recorder.hurry(), Err(AckError::Forked));
    assert_eq!(recorder.flush(Duration::MAX, true), Err(AckError::Forked));
    let health = recorder.health();
    assert!(!health.is_good);
    let text = health.last_error.unwrap().text;
    let own = std::process::id();
    assert!(text.contains(&format!("this process (pid {own}) is a fork")));
    assert!(text.contains("build the audit after forking"), "{text}");
}

/// A lock that another thread held at the fork is held for ever in the child.
#[test]
fn a_child_takes_no_lock_of_the_queue() {
    let (_storage, recorder) = recorder();
    recorder.fork();
    let shared = Arc::clone(&recorder.0.0);
    let _held = shared.queue.hold();
    recorder.submit(AuditRecord::sample());
    assert_eq!(
        recorder.try_submit(AuditRecord::sample()),
        Err(AckError::Forked)
    );
    assert_eq!(recorder.hurry(), Err(AckError::Forked));
    assert_eq!(recorder.flush(LONG, true), Err(AckError::Forked));
    assert!(!recorder.health().is_good);
    drop(recorder);
}

/// The child's last handle must not close the queue of what it believes to be its thread.
#[test]
fn a_child_that_drops_its_handle_ends_nothing() {
    let (_storage, recorder) = recorder();
    let shared = Arc::clone(&recorder.0.0);
    recorder.fork();
    drop(recorder);
    let (ack, record) = awaited();
    shared.queue.push(record);
    assert!(ack.wait(LONG).is_ok());
    shared.queue.close();
}
