//! Times as people type them: `7d`, `2026-11-22`, `2026-11-22T10:00`, RFC 3339. UTC throughout.

use anyhow::{Context, bail};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use tracing_llm_audit::Timestamp;

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// Which end of a span of time is asked for: a bare date means its first moment, or the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Since,
    Until,
}

/// Reads a time.
pub(crate) fn parse(text: &str, bound: Bound, now: Timestamp) -> anyhow::Result<Timestamp> {
    let micros = parse_micros(text, bound, now.as_micros());
    let micros = micros.with_context(|| format!("`{text}` is no time"))?;
    if !(0..=250_000_000_000_000_000).contains(&micros) {
        bail!("`{text}` is out of range");
    }
    Ok(Timestamp::from_micros(micros))
}

fn parse_micros(text: &str, bound: Bound, now: i64) -> Option<i64> {
    if text == "now" {
        return Some(now);
    }
    if let Some(ago) = parse_ago(text) {
        return now.checked_sub(ago);
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        let start = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
        return Some(match bound {
            Bound::Since => start,
            Bound::Until => start + DAY_US,
        });
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros());
    }
    let forms = [
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S%.f",
    ];
    let parsed = forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    Some(parsed?.and_utc().timestamp_micros())
}

/// Reads `90s`, `30m`, `2h`, `7d`, `4w` as microseconds.
fn parse_ago(text: &str) -> Option<i64> {
    let unit = text.chars().next_back()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    i64::from(count).checked_mul(seconds * SECOND_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bound: Bound, expected: &str) {
        let now = Timestamp::parse("2026-11-22T10:00:00.000000Z").expect("valid");
        let parsed = parse(text, bound, now).expect(text);
        assert_eq!(parsed.to_string(), expected, "{text}");
    }

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("now", "2026-11-22T10:00:00.000000Z"),
            ("90s", "2026-11-22T09:58:30.000000Z"),
            ("30m", "2026-11-22T09:30:00.000000Z"),
            ("2h", "2026-11-22T08:00:00.000000Z"),
            ("7d", "2026-11-15T10:00:00.000000Z"),
            ("1w", "2026-11-15T10:00:00.000000Z"),
            ("2026-11-20", "2026-11-20T00:00:00.000000Z"),
            ("2026-11-20T07:05", "2026-11-20T07:05:00.000000Z"),
            ("2026-11-20 07:05:06.5", "2026-11-20T07:05:06.500000Z"),
            ("2026-11-20T07:05:06+01:00", "2026-11-20T06:05:06.000000Z"),
            ("2026-11-20T07:05:06.000001Z", "2026-11-20T07:05:06.000001Z"),
        ] {
            check(text, Bound::Since, expected);
        }
    }

    #[test]
    fn until_a_date_includes_its_day() {
        check("2026-11-20", Bound::Until, "2026-11-21T00:00:00.000000Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let now = Timestamp::from_micros(0);
        for text in [
            "",
            "d",
            "7",
            "-7d",
            "yesterdayish",
            "2026-13-01",
            "4294967296d",
            "7d",
            "1969-12-31",
            "ü",
        ] {
            assert!(parse(text, Bound::Since, now).is_err(), "{text}");
        }
    }
}
