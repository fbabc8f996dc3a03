//! How far a stream is durable, told by its writer to acknowledgements and followers.
//!
//! Promise: the mark moves only after `fdatasync` returned, and only forward.

use std::{
    sync::{
        Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::clock::Deadline;

/// The first seq of a stream that is not durable yet.
#[derive(Debug, Default)]
pub struct DurableMark {
    next_seq: AtomicU64,
    /// Set when no further entry will come.
    gate: Mutex<bool>,
    moved: Condvar,
}

impl DurableMark {
    pub(crate) fn new(next_seq: u64) -> Self {
        let mark = Self::default();
        mark.next_seq.store(next_seq, Ordering::Release);
        mark
    }

    /// Returns the first seq that is not durable yet.
    pub fn next_seq(&self) -> u64 {
        self.next_seq.load(Ordering::Acquire)
    }

    /// Says whether the writer has left: the mark will not move again.
    pub fn is_closed(&self) -> bool {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `seq` is durable, the writer has left, or the time is over, and returns the mark.
    pub fn wait(&self, seq: u64, timeout: Duration) -> u64 {
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let not_yet = |closed: &mut bool| self.next_seq() <= seq && !*closed;
        drop(Deadline::after(timeout).wait_while(&self.moved, gate, not_yet));
        self.next_seq()
    }

    pub(crate) fn advance(&self, next_seq: u64) {
        // Under the gate, so that nobody misses it between looking and waiting.
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        self.next_seq.fetch_max(next_seq, Ordering::AcqRel);
        drop(gate);
        self.moved.notify_all();
    }

    pub(crate) fn close(&self) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A follower that waits as long as it takes: now plus `Duration::MAX` is out of range, and panicked.
    #[test]
    fn a_wait_without_an_end_ends_with_the_writer() {
        let mark = DurableMark::new(3);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                mark.advance(5);
                mark.close();
            });
            assert_eq!(mark.wait(9, Duration::MAX), 5);
        });
        assert_eq!(mark.wait(4, Duration::MAX), 5);
    }
}
