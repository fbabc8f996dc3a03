//! Walks one stream's segments, line by line, and asks `walk` what each line is.
//!
//! Promise: memory goes with the longest line and with what a segment may repeat; reading goes on behind what is wrong.
//! Not here: the chain's rules (`walk`), what is done about a finding (`scan`).

use super::{
    directory::Directory,
    file_error::{At, FileError},
    lines::{Line, LineEnd, Lines},
    segment::SegmentName,
    storage::{self, StorageFile},
    walk::{Ahead, Place, Read, Step, Walker},
};
use crate::entry::{Entry, EntryBuf};

/// Bytes compared at once.
const COMPARE_BYTES: usize = 64 << 10;

/// A line, and what it is to the chain.
pub(crate) struct Walked {
    pub(crate) place: Place,
    /// With its newline, where it has one.
    pub(crate) bytes: u64,
    pub(crate) step: Step,
    /// The entry, where the line is one.
    pub(crate) entry: Option<EntryBuf>,
    pub(crate) has_newline: bool,
}

/// Reads the segments of one stream in order.
pub(crate) struct FileWalk<'a> {
    directory: &'a Directory,
    /// Those that were not begun yet.
    segments: std::collections::VecDeque<SegmentName>,
    current: Option<(SegmentName, Lines)>,
    walker: Walker,
}

impl<'a> FileWalk<'a> {
    /// Walks `segments`, which are in order, the first of them from a line's beginning on.
    pub(crate) fn new(
        directory: &'a Directory,
        segments: impl IntoIterator<Item = SegmentName>,
        offset: u64,
        walker: Walker,
    ) -> Result<Self, FileError> {
        let mut walk = Self {
            directory,
            segments: segments.into_iter().collect(),
            current: None,
            walker,
        };
        walk.turn(offset)?;
        Ok(walk)
    }

    pub(crate) fn walker(&self) -> &Walker {
        &self.walker
    }

    /// Returns the next line; `None` at the end of the last segment.
    pub(crate) fn next(&mut self) -> Result<Option<Walked>, FileError> {
        loop {
            let Some((segment, lines)) = &mut self.current else {
                return Ok(None);
            };
            let segment = *segment;
            let path = self.directory.segment(segment);
            let Some(line) = lines.next().at("read", &path)? else {
                self.turn(0)?;
                continue;
            };
            let next = || Ok(self.segments.front().copied());
            return step(self.directory, &mut self.walker, segment, &line, next).map(Some);
        }
    }

    fn turn(&mut self, offset: u64) -> Result<(), FileError> {
        self.current = match self.segments.pop_front() {
            Some(segment) => Some((segment, open(self.directory, segment, offset)?)),
            None => None,
        };
        Ok(())
    }
}

/// Asks the walker about one line; `next` finds the segment behind its own, where that matters.
pub(crate) fn step(
    directory: &Directory,
    walker: &mut Walker,
    segment: SegmentName,
    line: &Line<'_>,
    next: impl FnOnce() -> Result<Option<SegmentName>, FileError>,
) -> Result<Walked, FileError> {
    let place = Place {
        segment,
        offset: line.offset,
    };
    let has_newline = line.end == LineEnd::Newline;
    let bytes = line.bytes.len() as u64 + u64::from(has_newline);
    let parsed = has_newline.then(|| EntryBuf::parse(line.bytes));
    let entry = parsed.as_ref().and_then(|parsed| parsed.as_ref().ok());
    let as_entry = entry.map(EntryBuf::as_entry);
    let read = match (&as_entry, &parsed, line.end) {
        (Some(entry), ..) => Read::Entry(entry),
        (None, Some(Err(damage)), _) => Read::Damaged(*damage),
        (.., LineEnd::TooLong) => Read::TooLong,
        _ => Read::Torn,
    };
    let step = ask(directory, walker, read, place, bytes, next);
    drop(as_entry);
    Ok(Walked {
        place,
        bytes,
        step: step?,
        entry: parsed.and_then(Result::ok),
        has_newline,
    })
}

/// Asks the walker, and looks at the next segment where it wants to know of that.
pub(crate) fn ask(
    directory: &Directory,
    walker: &mut Walker,
    read: Read<'_>,
    place: Place,
    bytes: u64,
    next: impl FnOnce() -> Result<Option<SegmentName>, FileError>,
) -> Result<Step, FileError> {
    let mut failed = None;
    let next_seq = walker.next_seq();
    let step = walker.step(read, place, bytes, || {
        let seen = next().and_then(|next| match next {
            Some(next) => look_ahead(directory, place, next, next_seq),
            None => Ok(None),
        });
        seen.unwrap_or_else(|error| {
            failed = Some(error);
            None
        })
    });
    failed.map_or(Ok(step), Err)
}

/// Looks at what the next segment begins with, and whether it has what stands from `place` on.
fn look_ahead(
    directory: &Directory,
    place: Place,
    next: SegmentName,
    next_seq: u64,
) -> Result<Option<Ahead>, FileError> {
    let path = directory.segment(next);
    let mut lines = open(directory, next, 0)?;
    let mut first: Option<Ahead> = None;
    while let Some(line) = lines.next().at("read", &path)? {
        let Ok(entry) = Entry::parse(line.bytes) else {
            break;
        };
        let at = entry.position();
        let ahead = first.get_or_insert(Ahead {
            seq: at.seq,
            prev: at.prev,
            leaf: entry.leaf(),
            repeats_bytes: false,
        });
        if at.seq >= next_seq {
            ahead.repeats_bytes = repeats(directory, place, next, line.offset)?;
            break;
        }
    }
    Ok(first)
}

/// Says whether the end of one segment is what another one has from `offset` on.
///
/// Zeros are what a power cut leaves of what was not synced, so they pass for any byte.
fn repeats(
    directory: &Directory,
    place: Place,
    next: SegmentName,
    offset: u64,
) -> Result<bool, FileError> {
    let (path, next_path) = (directory.segment(place.segment), directory.segment(next));
    let mut end = directory.storage.open_read(&path).at("open", &path)?;
    let mut other = directory
        .storage
        .open_read(&next_path)
        .at("open", &next_path)?;
    let mut buffers = [vec![0; COMPARE_BYTES], vec![0; COMPARE_BYTES]];
    let mut done = 0;
    loop {
        let [mine, theirs] = &mut buffers;
        let read = storage::read_full(&mut *end, place.offset + done, mine).at("read", &path)?;
        if read == 0 {
            return Ok(true);
        }
        let found = storage::read_full(&mut *other, offset + done, &mut theirs[..read])
            .at("read", &next_path)?;
        let same = |(mine, theirs): (&u8, &u8)| mine == theirs || *mine == 0;
        let is_same = mine[..found].iter().zip(&theirs[..found]).all(same);
        if !is_same || mine[found..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        done += read as u64;
    }
}

/// Opens a segment to read its lines.
pub(crate) fn open(
    directory: &Directory,
    segment: SegmentName,
    offset: u64,
) -> Result<Lines, FileError> {
    let path = directory.segment(segment);
    let file: Box<dyn StorageFile> = directory.storage.open_read(&path).at("open", &path)?;
    Ok(Lines::new(file, offset))
}
