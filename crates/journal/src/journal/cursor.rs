//! How far a follower got in a stream, as it lies in `cursors/`.
//!
//! A cursor's file: `{"next_seq":512,"leaf_before":"<base64>","segment":"audit_2026-11-22.jsonl","offset":70144}`.
//! Promise: after a crash it is the old one or the new one; one that does not fit the journal is never followed, and
//! one that cannot be read is none: its follower sends again.
//! Not here: when it may move (`follower`). Segment and offset are hints, checked before they are used.

use std::{io, path::PathBuf};

use super::{
    directory::Directory,
    file_error::{At, FileError},
    segment::SegmentName,
    storage,
};
use crate::{
    entry::{EntryBuf, Leaf, NUMBER_MAX, StreamId},
    json,
};

const CURSOR_BYTES_MAX: usize = 4096;

/// How far a follower got: the next seq that it lacks, and the leaf before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The first seq that was not acknowledged.
    pub next_seq: u64,
    /// The leaf of the entry before it.
    pub leaf_before: Leaf,
    /// Where the entry will be found, unless the segment was rewritten.
    pub(crate) hint: Option<(SegmentName, u64)>,
}

impl Cursor {
    /// The cursor of a follower that has nothing yet.
    pub const START: Self = Self {
        next_seq: 0,
        leaf_before: Leaf::ZERO,
        hint: None,
    };

    /// Returns the cursor of a follower that has everything up to `entry`.
    pub fn after(entry: &EntryBuf) -> Self {
        let entry = entry.as_entry();
        Self {
            next_seq: entry.position().seq + 1,
            leaf_before: entry.leaf(),
            hint: None,
        }
    }

    /// Returns this cursor with the place that `other` points at as a hint where to look first.
    #[must_use]
    pub fn hinted_by(self, other: &Self) -> Self {
        Self {
            hint: other.hint,
            ..self
        }
    }
}

/// The file of one follower's cursor in one stream; whoever holds the stream's lock writes it.
#[derive(Clone, Debug)]
pub struct CursorFile {
    directory: Directory,
    path: PathBuf,
}

impl CursorFile {
    pub(crate) fn new(directory: &Directory, follower: &str, stream: StreamId) -> Self {
        let path = directory.cursor(follower, stream);
        let directory = directory.clone();
        Self { directory, path }
    }

    /// Reads the cursor; a file that is missing or makes no sense is none, and the follower starts anew.
    pub fn load(&self) -> Result<Option<Cursor>, FileError> {
        let read = storage::read_file(&*self.directory.storage, &self.path, CURSOR_BYTES_MAX);
        match read.at("read", &self.path) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.is_about_one_file() => Ok(None),
            read => Ok(parse(&read?)),
        }
    }

    /// Replaces the cursor.
    ///
    /// # Durability
    /// Synced, then renamed: a power cut may bring the old cursor back, and its follower sends again.
    pub fn store(&self, cursor: &Cursor) -> Result<(), FileError> {
        let text = print(cursor);
        self.directory.replace(&self.path, text.as_bytes())
    }
}

fn parse(bytes: &[u8]) -> Option<Cursor> {
    let next_seq = json::unsigned(json::member(bytes, "next_seq")?)?;
    if next_seq > NUMBER_MAX {
        return None;
    }
    let leaf_before = json::text(json::member(bytes, "leaf_before")?)?;
    let segment = json::member(bytes, "segment").and_then(json::text);
    let segment = segment.and_then(|name| name.parse().ok());
    let offset = json::member(bytes, "offset").and_then(json::unsigned);
    Some(Cursor {
        next_seq,
        leaf_before: Leaf::parse(&leaf_before)?,
        hint: segment.zip(offset),
    })
}

fn print(cursor: &Cursor) -> String {
    let Cursor {
        next_seq,
        leaf_before,
        hint,
    } = cursor;
    let hint = hint.map_or(String::new(), |(segment, offset)| {
        format!(",\"segment\":\"{segment}\",\"offset\":{offset}")
    });
    format!("{{\"next_seq\":{next_seq},\"leaf_before\":\"{leaf_before}\"{hint}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips() {
        let hint = Some(("audit_2026-11-22.1.jsonl".parse().unwrap(), 70_144));
        for hint in [None, hint] {
            let cursor = Cursor {
                next_seq: 512,
                leaf_before: Leaf::from_bytes([7; 32]),
                hint,
            };
            assert_eq!(parse(print(&cursor).as_bytes()), Some(cursor));
        }
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        for bytes in [
            &b""[..],
            b"{}",
            b"\0\0\0\0",
            b"{\"next_seq\":1,\"leaf_before\":\"x\"}",
        ] {
            assert_eq!(parse(bytes), None);
        }
    }
}
