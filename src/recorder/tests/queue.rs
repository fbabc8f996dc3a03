//! The queue alone: numbers without holes, one patience for all callers, room that comes back.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{PROMPT, awaited, wait_until};
use crate::{
    ack::{Ack, AckError},
    record::{AuditRecord, Payload},
    recorder::queue::{Admission, Flush, Limits, Pace, Queue},
};

const WAIT: Duration = Duration::from_millis(20);

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

/// A bound of no records at all: each caller waited in vain, and none of the records passed.
#[test]
fn a_queue_has_room_for_one_record_at_least() {
    let queue = queue(0);
    for number in 1..=3 {
        fill(&queue, 1);
        assert_eq!(queue.take(None, PROMPT).records[0].number, number);
    }
    assert_eq!(queue.waits(), 0);
}

/// A hung disk under a `current_thread` runtime: the first call waits, the hundred after it do not.
#[test]
fn a_full_queue_holds_callers_once() {
    let queue = queue(1);
    fill(&queue, 1);
    for _ in 0..100 {
        assert_eq!(queue.push(AuditRecord::sample()), Admission::Dropped);
    }
    assert_eq!(queue.waits(), 1);
}

/// Small records that still fit renewed the patience, so that each large one waited anew: a second each.
#[test]
fn a_queue_that_is_full_for_large_records_holds_callers_once() {
    let large = || {
        let mut record = AuditRecord::sample();
        let content = vec![0; 1 << 20];
        record.call.get_or_insert_default().input = Some(Payload::Json(content));
        record
    };
    let queue = Queue::new(Limits {
        records_max: 1000,
        bytes_max: large().size() + 64 * AuditRecord::sample().size(),
        wait_max: WAIT,
    });
    assert_eq!(queue.push(large()), Admission::Queued);
    for _ in 0..20 {
        assert_eq!(queue.push(large()), Admission::Dropped);
        assert_eq!(queue.push(AuditRecord::sample()), Admission::Queued);
    }
    assert_eq!(queue.waits(), 1);

    // The writer takes: there is patience again, and it is needed once more.
    queue.take(None, PROMPT);
    assert_eq!(queue.push(large()), Admission::Queued);
    for _ in 0..20 {
        assert_eq!(queue.push(large()), Admission::Dropped);
        assert_eq!(queue.push(AuditRecord::sample()), Admission::Queued);
    }
    assert_eq!(queue.waits(), 2);
}

#[test]
fn a_waiting_caller_gets_the_room_that_comes() {
    let queue = Arc::new(Queue::new(Limits {
        records_max: 1,
        bytes_max: 1 << 20,
        wait_max: Duration::MAX,
    }));
    fill(&queue, 1);
    let caller = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.push(AuditRecord::sample()))
    };
    wait_until(|| queue.waiting() == 1);
    assert_eq!(queue.take(None, PROMPT).records.len(), 1);
    assert_eq!(caller.join().expect("no panic"), Admission::Queued);
}

#[test]
fn patience_is_renewed_once_the_writer_took() {
    let queue = queue(1);
    fill(&queue, 1);
    queue.push(AuditRecord::sample());
    queue.take(None, PROMPT);
    fill(&queue, 1);
    queue.push(AuditRecord::sample());
    assert_eq!(queue.waits(), 2);
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
    let queue = Queue::new(Limits {
        records_max: 1,
        bytes_max: 1 << 20,
        wait_max: Duration::MAX,
    });
    queue.close();
    let (ack, record) = awaited();
    assert_eq!(queue.push(record), Admission::Closed);
    assert_eq!(ack.wait(Duration::ZERO), Err(AckError::WriterEnded));
    let (ack, done) = Ack::pair();
    queue.flush(Flush { done, rest: false });
    assert_eq!(ack.wait(Duration::ZERO), Err(AckError::WriterEnded));
}

/// The writer dies while callers wait for room: each would have waited its whole time.
#[test]
fn the_end_of_the_writer_lets_waiting_callers_go() {
    let queue = Arc::new(Queue::new(Limits {
        records_max: 1,
        bytes_max: 1 << 20,
        wait_max: Duration::MAX,
    }));
    let (queued, record) = awaited();
    assert_eq!(queue.push(record), Admission::Queued);
    let caller = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.push(AuditRecord::sample()))
    };
    wait_until(|| queue.waiting() == 1);
    drop(queue.end());
    assert_eq!(caller.join().expect("no panic"), Admission::Closed);
    assert_eq!(queued.wait(Duration::ZERO), Err(AckError::WriterEnded));
    let counts = queue.counts();
    assert_eq!((counts.accepted, counts.durable, counts.dropped), (2, 0, 2));
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

    let (_ack, record) = awaited();
    queue.push(record);
    let long = Pace::Within(Duration::from_secs(3600));
    assert_eq!(queue.take(None, long).records.len(), 1);
    fill(&queue, 500); // half of what it holds
    assert_eq!(queue.take(None, long).records.len(), 500);
}
