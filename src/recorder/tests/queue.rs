//! The queue alone: numbers without holes, one patience for all callers, room that comes back.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::queue::{Admission, Flush, Limits, Pace, Queue};
use crate::{
    ack::{Ack, AckError},
    record::AuditRecord,
};

const WAIT: Duration = Duration::from_millis(200);
const PROMPT: Pace = Pace::Prompt {
    linger: Duration::from_millis(1),
};

fn queue(records_max: usize) -> Queue {
    Queue::new(Limits {
        records_max,
        bytes_max: 1 << 20,
        wait_max: WAIT,
    })
}

fn fill(queue: &Queue, count: usize) {
    for _ in 0..count {
        assert_eq!(queue.push(AuditRecord::sample()), Admission::Queued);
    }
}

#[test]
fn numbers_have_no_holes_over_queued_and_dropped() {
    let queue = queue(2);
    fill(&queue, 2);
    for _ in 0..3 {
        assert_eq!(queue.push(AuditRecord::sample()), Admission::Dropped);
    }
    let taken = queue.take(None, PROMPT);
    let numbers: Vec<u64> = taken.records.iter().map(|queued| queued.number).collect();
    assert_eq!((numbers, taken.dropped), (vec![1, 2], vec![(3, 5)]));
    queue.settle(2, 0);
    let counts = queue.counts();
    assert_eq!((counts.accepted, counts.durable, counts.dropped), (5, 2, 3));
}

/// A hung disk under a `current_thread` runtime: the first call waits, the hundred after it do not.
#[test]
fn a_full_queue_holds_callers_once() {
    let queue = queue(1);
    fill(&queue, 1);
    let start = Instant::now();
    for _ in 0..100 {
        queue.push(AuditRecord::sample());
    }
    let waited = start.elapsed();
    assert!(waited >= WAIT && waited < WAIT * 3, "{waited:?}");
}

#[test]
fn a_waiting_caller_gets_the_room_that_comes() {
    let queue = Arc::new(Queue::new(Limits {
        records_max: 1,
        bytes_max: 1 << 20,
        wait_max: Duration::from_secs(20),
    }));
    fill(&queue, 1);
    let caller = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.push(AuditRecord::sample()))
    };
    thread::sleep(Duration::from_millis(20));
    assert_eq!(queue.take(None, PROMPT).records.len(), 1);
    assert_eq!(caller.join().expect("no panic"), Admission::Queued);
}

#[test]
fn patience_is_renewed_once_there_was_room() {
    let queue = queue(1);
    fill(&queue, 1);
    queue.push(AuditRecord::sample());
    queue.take(None, PROMPT);
    fill(&queue, 1);
    let start = Instant::now();
    queue.push(AuditRecord::sample());
    assert!(start.elapsed() >= WAIT);
}

#[test]
fn a_record_larger_than_the_bound_passes_alone() {
    let queue = Queue::new(Limits {
        records_max: 10,
        bytes_max: 1,
        wait_max: WAIT,
    });
    fill(&queue, 1);
    assert_eq!(queue.push(AuditRecord::sample()), Admission::Dropped);
}

#[test]
fn a_closed_queue_drops_and_says_so_at_once() {
    let queue = queue(1);
    queue.close();
    let (ack, cell) = Ack::pair();
    let mut record = AuditRecord::sample();
    record.ack = Some(cell);
    assert_eq!(queue.push(record), Admission::Dropped);
    assert_eq!(ack.wait(Duration::ZERO), Err(AckError::Dropped));
    let (ack, done) = Ack::pair();
    queue.flush(Flush { done, rest: false });
    assert_eq!(ack.wait(Duration::ZERO), Err(AckError::Dropped));
}

#[test]
fn a_sleeping_writer_is_woken_by_the_first_record() {
    let queue = Arc::new(queue(10));
    let writer = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.take(None, PROMPT).records.len())
    };
    thread::sleep(Duration::from_millis(30));
    fill(&queue, 1);
    assert_eq!(writer.join().expect("no panic"), 1);
}

/// `Durability::Within` once synced as often as `Prompt` under load: a batch that was ready did not wait.
#[test]
fn within_a_time_gathers_what_comes_until_somebody_waits() {
    let queue = queue(1_000);
    let time = Duration::from_millis(300);
    queue.take(Some(Duration::from_millis(1)), Pace::Within(time));
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..10 {
                fill(&queue, 1);
                thread::sleep(Duration::from_millis(5));
            }
        });
        assert_eq!(queue.take(None, Pace::Within(time)).records.len(), 10);
    });
    assert!(start.elapsed() >= time, "{:?}", start.elapsed());

    let (_ack, cell) = Ack::pair();
    let mut awaited = AuditRecord::sample();
    awaited.ack = Some(cell);
    queue.push(awaited);
    let long = Pace::Within(Duration::from_secs(3600));
    assert_eq!(queue.take(None, long).records.len(), 1);
    fill(&queue, 500); // half of what it holds
    assert_eq!(queue.take(None, long).records.len(), 500);
}
