//! The `event` objects of the journal's own entries, as they are written and as they are read back.
//!
//! Promise: members in the format's order; what is written here is in the journal's spelling.
//! Not here: when they are written (`writer`, `opening`).

use crate::{entry, json};

use super::ranges::Ranges;

/// An object in the making.
pub(crate) struct Event(Vec<u8>);

impl Event {
    pub(crate) fn new() -> Self {
        Self(vec![b'{'])
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        json::write_str(&mut self.0, key);
        self.0.push(b':');
        &mut self.0
    }

    pub(crate) fn text(mut self, key: &str, text: &str) -> Self {
        json::write_str(self.key(key), text);
        self
    }

    pub(crate) fn number(self, key: &str, number: u64) -> Self {
        self.raw(key, number.to_string().as_bytes())
    }

    pub(crate) fn raw(mut self, key: &str, value: &[u8]) -> Self {
        self.key(key).extend_from_slice(value);
        self
    }

    pub(crate) fn ranges(mut self, key: &str, ranges: &Ranges) -> Self {
        ranges.write(self.key(key));
        self
    }

    /// Returns the bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// Writes `[item,...]`.
pub(crate) fn array(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<_> = items.into_iter().collect();
    let mut out = vec![b'['];
    out.extend(items.join(&b','));
    out.push(b']');
    out
}

/// Reads `[[first,last],...]` of a member of an event; nothing where there is none.
///
/// A line that was read has passed the format's rules for ranges: they are ascending and within what its entry knows.
pub(crate) fn read_ranges(event: &[u8], key: &str) -> Vec<(u64, u64)> {
    json::member(event, key)
        .and_then(entry::read_ranges)
        .unwrap_or_default()
}

/// Reads a text member of an event.
pub(crate) fn read_text(event: &[u8], key: &str) -> Option<String> {
    Some(json::text(json::member(event, key)?)?.into_owned())
}
