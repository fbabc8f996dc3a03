//! How long a step that failed waits before it is tried again.
//!
//! Promise: waits double from the first to the longest, and never vanish: what fails for an hour is tried a bounded
//! number of times, however often its thread is woken meanwhile.
//! Not here: waits that a destination asks for (`follower`).

use std::time::Duration;

use llm_audit_journal::clock::Deadline;

/// The waits of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    next: Duration,
    /// The step is not tried before then.
    not_before: Option<Deadline>,
}

impl Backoff {
    /// Makes waits from `min`, doubled by each failure, up to `max`; the first try is due at once.
    pub(crate) const fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            next: min,
            not_before: None,
        }
    }

    /// Notes a failure, and returns how long to wait.
    pub(crate) fn failed(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.max);
        self.not_before = Some(Deadline::after(wait));
        wait
    }

    /// Notes a success: the next failure waits as the first one did.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::new(self.min, self.max);
    }

    /// Says whether the step may be tried now.
    pub(crate) fn is_due(&self) -> bool {
        self.not_before.is_none_or(Deadline::is_over)
    }

    /// Returns how long the step has to wait yet.
    pub(crate) fn left(&self) -> Duration {
        self.not_before.map_or(Duration::ZERO, Deadline::left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_begin_anew() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, second * 60);
        let waits: Vec<u64> = (0..8).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(!backoff.is_due() && backoff.left() > second);
        backoff.succeeded();
        assert!(backoff.is_due() && backoff.left().is_zero());
        assert_eq!(backoff.failed(), second);
    }
}
