//! The name of a segment: which day, whose, which of the day's.
//!
//! Promise: what is printed is parsed, and nothing else is; segments order as their entries do within a stream.
//! Not here: what stands in a segment.

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate};

use crate::entry::StreamId;

/// 1970-01-01 in chrono's count of days.
const EPOCH_DAY: i32 = 719_163;

/// Eight digits would be read as a stream's.
const INDEX_MAX: u32 = 9_999_999;

/// More than the files that a process begins on a day: what is renamed to a greater number leaves too few.
const INDEXES_A_DAY: u32 = 1_000_000;

/// Whose segment it is, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Label {
    /// The stream that `locks/first` names.
    First,
    /// A further stream, by the first four bytes of its id.
    Short([u8; 4]),
}

impl Label {
    /// Returns the label of a further stream.
    pub(crate) fn short(stream: StreamId) -> Self {
        let [a, b, c, d, ..] = *stream.as_bytes();
        Self::Short([a, b, c, d])
    }
}

/// The file name of a segment: `audit_2026-11-22.jsonl`, `audit_2026-11-22.0123abcd.1.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    pub(crate) label: Label,
    pub(crate) day: u32,
    pub(crate) index: u32,
}

impl SegmentName {
    /// Returns the UTC days since 1970-01-01 that its name says.
    pub fn day(&self) -> u32 {
        self.day
    }

    /// Returns its place among the day's segments of its stream, from 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Says whether enough numbers follow for the day's further segments.
    pub(crate) fn leaves_numbers(&self) -> bool {
        self.index <= INDEX_MAX - INDEXES_A_DAY
    }

    /// Returns the first eight hex digits of its stream; `None` for the first stream's.
    pub fn stream_short(&self) -> Option<String> {
        match self.label {
            Label::First => None,
            Label::Short(short) => Some(format!("{:08x}", u32::from_be_bytes(short))),
        }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = EPOCH_DAY.saturating_add_unsigned(self.day);
        let date = NaiveDate::from_num_days_from_ce_opt(days).unwrap_or(NaiveDate::MAX);
        let (year, month, day) = (date.year(), date.month(), date.day());
        write!(out, "audit_{year:04}-{month:02}-{day:02}")?;
        if let Some(short) = self.stream_short() {
            write!(out, ".{short}")?;
        }
        if self.index > 0 {
            write!(out, ".{}", self.index)?;
        }
        out.write_str(".jsonl")
    }
}

/// The name is none of a segment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a segment's name")]
pub struct NotASegment;

impl FromStr for SegmentName {
    type Err = NotASegment;

    fn from_str(name: &str) -> Result<Self, NotASegment> {
        let parsed = parse(name).ok_or(NotASegment)?;
        // Printing it again refuses every other spelling of the same numbers.
        if parsed.to_string() == name {
            Ok(parsed)
        } else {
            Err(NotASegment)
        }
    }
}

fn parse(name: &str) -> Option<SegmentName> {
    let inner = name.strip_prefix("audit_")?.strip_suffix(".jsonl")?;
    let mut parts = inner.split('.').peekable();
    let day = parse_day(parts.next()?)?;
    let short = parts.next_if(|part| part.len() == 8).map(parse_short);
    let label = match short {
        Some(short) => Label::Short(short?),
        None => Label::First,
    };
    let index = match parts.next() {
        Some(index) => index.parse().ok().filter(|index| *index <= INDEX_MAX)?,
        None => 0,
    };
    parts
        .next()
        .is_none()
        .then_some(SegmentName { label, day, index })
}

fn parse_day(date: &str) -> Option<u32> {
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    u32::try_from(date.num_days_from_ce() - EPOCH_DAY).ok()
}

fn parse_short(hex: &str) -> Option<[u8; 4]> {
    Some(u32::from_str_radix(hex, 16).ok()?.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in [
            "audit_2026-11-22.jsonl",
            "audit_2026-11-22.1.jsonl",
            "audit_2026-11-22.01234567.jsonl",
            "audit_2026-11-22.deadbeef.17.jsonl",
            "audit_1970-01-01.9999999.jsonl",
        ] {
            assert_eq!(name.parse::<SegmentName>().unwrap().to_string(), name);
        }
        let first: SegmentName = "audit_2026-11-22.jsonl".parse().unwrap();
        assert_eq!(
            (first.day, first.index, first.label),
            (20_779, 0, Label::First)
        );
    }

    #[test]
    fn other_spellings_are_refused() {
        for name in [
            "audit_2026-11-22.0.jsonl",
            "audit_2026-11-22.01.jsonl",
            "audit_2026-11-22.DEADBEEF.jsonl",
            "audit_2026-1-22.jsonl",
            "audit_2026-11-22.jsonl.tmp",
            "audit_2026-11-22.1.deadbeef.jsonl",
            "audit_2026-13-22.jsonl",
            "audit_2026-11-22.+1.jsonl",
            "audit_2026-11-22.+2345678.jsonl",
            "audit_1969-12-31.jsonl",
            "audit.jsonl",
        ] {
            assert!(name.parse::<SegmentName>().is_err(), "{name}");
        }
    }

    #[test]
    fn they_order_as_their_entries_do() {
        let name = |text: &str| text.parse::<SegmentName>().unwrap();
        assert!(name("audit_2026-11-22.9.jsonl") < name("audit_2026-11-22.10.jsonl"));
        assert!(name("audit_2026-11-22.10.jsonl") < name("audit_2026-11-23.jsonl"));
    }
}
