//! Time as it is passed in: the wall clock for what is written, the monotonic clock for what is waited.
//!
//! Promise: nothing else in this crate asks the operating system for the wall clock's time.
//! Not here: time zones; everything is UTC.

use std::{fmt, time::SystemTime};

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

#[cfg(test)]
mod tests {
    use super::*;

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
