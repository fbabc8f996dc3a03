//! How long to wait before the next try, and when a record is suspected.
//!
//! Promise: waits grow to a bound and never vanish; a destination's `Retry-After` makes them longer, up to a bound, and
//! never shorter.

use std::time::Duration;

/// When to try again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryPolicy {
    /// The wait after the first failure; it doubles with each further one.
    pub(crate) delay_min: Duration,
    /// The longest wait that we choose ourselves.
    pub(crate) delay_max: Duration,
    /// The longest wait that a destination can ask for: it must not silence an audit for a day.
    pub(crate) retry_after_max: Duration,
    /// Failures of one record, alone, after which its neighbour is tried: the record may be what breaks the destination.
    pub(crate) suspect_failures_min: u32,
    /// How long it must have failed before it is suspected: an outage is no evidence.
    pub(crate) suspect_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delay_min: Duration::from_millis(200),
            delay_max: Duration::from_secs(30),
            retry_after_max: Duration::from_secs(120),
            suspect_failures_min: 8,
            suspect_after: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// Returns the wait after the n-th failure in a row, n from 1; `random` spreads it over its upper half.
    ///
    /// A destination that asks for no wait at all (`Retry-After: 0`, a date in the past) fails as any other does.
    pub(crate) fn delay(
        &self,
        failures: u32,
        retry_after: Option<Duration>,
        random: u8,
    ) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let whole = self
            .delay_min
            .saturating_mul(1 << doublings)
            .min(self.delay_max);
        let own = whole / 2 + whole.mul_f64(f64::from(random) / 512.0);
        retry_after.map_or(own, |asked| asked.min(self.retry_after_max).max(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_are_spread() {
        let policy = RetryPolicy::default();
        let longest = |failures| policy.delay(failures, None, 255);
        assert!(longest(1) <= policy.delay_min && longest(1) > policy.delay_min / 2);
        assert!(longest(4) > longest(3).mul_f64(1.9));
        assert!(longest(u32::MAX) <= policy.delay_max);
        assert!(policy.delay(9, None, 0) < policy.delay(9, None, 200));
    }

    #[test]
    fn retry_after_is_obeyed_up_to_its_bound() {
        let policy = RetryPolicy::default();
        let asked = Duration::from_secs(3);
        assert_eq!(policy.delay(1, Some(asked), 9), asked);
        assert_eq!(
            policy.delay(1, Some(Duration::from_secs(86_400)), 9),
            policy.retry_after_max
        );
    }

    /// A proxy answered 503 with `Retry-After: 0`, and was asked 900 times a second.
    #[test]
    fn retry_after_never_shortens_the_wait() {
        let policy = RetryPolicy::default();
        for failures in 1..12 {
            let own = policy.delay(failures, None, 9);
            for asked in [Duration::ZERO, Duration::from_nanos(1), own / 2] {
                assert_eq!(policy.delay(failures, Some(asked), 9), own);
            }
        }
    }
}
