//! Time as it is passed in: the wall clock for what is written, the monotonic clock for what is waited.
//!
//! Promise: nothing else in this crate asks the operating system for the wall clock's time. A [`Deadline`] takes any
//! duration, [`Duration::MAX`] included, and never panics.
//! Not here: time zones; everything is UTC.

use std::{
    fmt,
    sync::{Condvar, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use chrono::{DateTime, Datelike, Timelike};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Microseconds of one UTC day.
const DAY_US: i64 = 86_400_000_000;

impl Timestamp {
    /// Makes a timestamp of microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns nanoseconds since the epoch, 0 for times before it.
    pub fn as_nanos_unsigned(self) -> u64 {
        u64::try_from(self.0).unwrap_or(0).saturating_mul(1000)
    }

    /// Returns UTC days since 1970-01-01, 0 for times before it.
    pub fn day(self) -> u32 {
        u32::try_from(self.0.div_euclid(DAY_US)).unwrap_or(0)
    }

    /// Parses RFC 3339 in UTC with exactly six fraction digits and `Z`, the journal's form.
    pub fn parse(text: &str) -> Option<Self> {
        let exact = text.len() == 27 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
        let parsed = DateTime::parse_from_rfc3339(text).ok().filter(|_| exact)?;
        Some(Self(parsed.timestamp_micros()))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let micros = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        // chrono's range is narrower than 64 bits of microseconds; years beyond it are a broken clock's.
        Self(micros.clamp(-62_000_000_000_000_000, 250_000_000_000_000_000))
    }
}

/// RFC 3339 UTC, exactly six fraction digits, `Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = DateTime::from_timestamp_micros(self.0).unwrap_or_default();
        let (date, time) = (at.date_naive(), at.time());
        write!(
            out,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            date.year().clamp(0, 9999),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            time.nanosecond() / 1000 % 1_000_000
        )
    }
}

/// The wall clock.
///
/// Tests pass their own; the default is the operating system's.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time now, UTC.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// The longest single wait: what a system call takes as a timeout is bounded, and what we are asked for is not.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// The moment at which a wait ends; a duration that no clock can count to is a wait without an end.
///
/// An `Instant` plus a caller's duration panics where the sum is out of range; this does not.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Makes the deadline `time` from now.
    pub fn after(time: Duration) -> Self {
        Self::since(Instant::now(), time)
    }

    /// Makes the deadline `time` after `start`.
    pub fn since(start: Instant, time: Duration) -> Self {
        Self(start.checked_add(time))
    }

    /// Says whether the time is over.
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }

    /// Returns the time that is left: zero once it is over, [`Duration::MAX`] where it never is.
    pub fn left(self) -> Duration {
        self.0.map_or(Duration::MAX, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }

    /// Waits on `condvar` while `condition` holds and there is time; the guard shows which of them ended it.
    pub fn wait_while<'a, T>(
        self,
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut guard) && !self.is_over() {
            guard = self.wait_once(condvar, guard);
        }
        guard
    }

    /// Waits on `condvar` once: until it is notified, the time is over, or for no reason.
    pub fn wait_once<'a, T>(
        self,
        condvar: &Condvar,
        guard: MutexGuard<'a, T>,
    ) -> MutexGuard<'a, T> {
        let waited = condvar.wait_timeout(guard, self.left().min(WAIT_MAX));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// `Instant + Duration::MAX` panicked, in the writing thread among others.
    #[test]
    fn a_deadline_takes_any_duration() {
        let never = Deadline::after(Duration::MAX);
        assert!(!never.is_over());
        assert_eq!(never.left(), Duration::MAX);
        let far = Deadline::after(Duration::from_secs(u64::MAX / 4));
        assert!(!far.is_over() && far.left() > WAIT_MAX);
        assert!(Deadline::after(Duration::ZERO).is_over());
    }

    #[test]
    fn a_wait_without_an_end_ends_when_its_condition_does() {
        let (state, condvar) = (Mutex::new(false), Condvar::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                *state.lock().expect("no panic") = true;
                condvar.notify_all();
            });
            let guard = state.lock().expect("no panic");
            let never = Deadline::after(Duration::MAX);
            assert!(*never.wait_while(&condvar, guard, |is_done| !*is_done));
        });
    }

    #[test]
    fn a_wait_ends_when_its_time_does() {
        let (state, condvar) = (Mutex::new(()), Condvar::new());
        let guard = state.lock().expect("no panic");
        drop(Deadline::after(Duration::from_millis(1)).wait_while(&condvar, guard, |()| true));
    }

    #[test]
    fn display_and_parse_round_trip() {
        for micros in [0, 1, 1_795_341_599_000_001, 1_795_305_599_999_999] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }
        assert_eq!(
            Timestamp::from_micros(1).to_string(),
            "1970-01-01T00:00:00.000001Z"
        );
    }

    #[test]
    fn day_of_the_worked_journal() {
        let time = Timestamp::parse("2026-11-22T10:00:01.000001Z").expect("valid");
        assert_eq!(time.day(), 20_779);
    }
}
