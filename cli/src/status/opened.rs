//! What an `open` entry says: of the process that starts, and of the other streams that it found.
//!
//! Not here: whether that is still so (`claims`).

use std::borrow::Cow;

use tracing_llm_audit::{entry::StreamId, json};

/// Longer than any reason of ours; a line that is not ours may have any text there.
const REASON_CHARS_MAX: usize = 40;

/// An `open` entry's event; what it does not say is empty.
pub(super) struct Opened {
    pub(super) software: Option<String>,
    pub(super) adopted: u64,
    /// Other streams, and how many entries they had at least.
    pub(super) streams: Vec<(StreamId, u64)>,
    /// Streams that could not be appended to, and why.
    pub(super) not_continued: Vec<(StreamId, String)>,
}

impl Opened {
    pub(super) fn of(event: &[u8]) -> Self {
        let number = |key| json::member(event, key).and_then(json::unsigned);
        let software = json::member(event, "software").and_then(json::text);
        Self {
            software: software.map(Cow::into_owned),
            adopted: number("adopted").unwrap_or(0),
            streams: rows(event, "streams", json::unsigned),
            not_continued: rows(event, "not_continued", |reason| {
                let reason = json::text(reason)?;
                Some(reason.chars().take(REASON_CHARS_MAX).collect())
            }),
        }
    }
}

/// Reads `[[stream,value,...],...]`.
fn rows<'a, T>(
    event: &'a [u8],
    key: &str,
    read: impl Fn(&'a [u8]) -> Option<T>,
) -> Vec<(StreamId, T)> {
    let list = json::member(event, key).unwrap_or_default();
    let row = |row: &'a [u8]| {
        let mut values = json::elements(row).map_while(Result::ok);
        let stream = json::text(values.next()?).and_then(|id| StreamId::parse(&id))?;
        Some((stream, read(values.next()?)?))
    };
    json::elements(list)
        .map_while(Result::ok)
        .filter_map(row)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_far_as_it_makes_sense() {
        let event = br#"{"software":"app 1","signed":3,"streams":[["000102030405060708090a0b0c0d0e0f",7,"x"],["no",1,"x"]],"not_continued":[["000102030405060708090a0b0c0d0e0f","foreign"]],"adopted":2}"#;
        let stream = StreamId::parse("000102030405060708090a0b0c0d0e0f").unwrap();
        let opened = Opened::of(event);
        assert_eq!(opened.software.as_deref(), Some("app 1"));
        assert_eq!(opened.adopted, 2);
        assert_eq!(opened.streams, [(stream, 7)]);
        assert_eq!(opened.not_continued, [(stream, "foreign".to_owned())]);
        assert!(Opened::of(b"{}").streams.is_empty());
    }
}
