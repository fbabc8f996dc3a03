//! Walks a whole directory, changing nothing: every line of every stream, and what it is to its stream's chain.
//!
//! Promise: works on a journal that is being written, on a copy, and on a broken one; takes no lock; goes on behind what
//! is damaged or cannot be read. The same rules judge here as when a writer opens the journal (`walk`).
//! Not here: signatures, commitments, authority (verification).

use std::{collections::BTreeMap, thread, time::Duration};

use super::{
    directory::Directory,
    file_error::FileError,
    segment::{Label, SegmentName},
    survey::{JournalLine, JournalReader, LineContent, SegmentInfo, SegmentLines},
    walk::{Place, Read, Step, Walker},
    walk_files::ask,
};
use crate::entry::StreamId;

/// How long a last line without its newline is waited for: a writer may be in the middle of it.
const TAIL_PATIENCE: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(80)];

/// A line, and what it is to the chain of its stream.
#[derive(Clone)]
#[non_exhaustive]
pub struct WalkedLine {
    /// The line as it was read.
    pub line: JournalLine,
    /// What it is to the chain.
    pub step: Step,
}

/// From which entry each stream is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WalkFrom {
    /// From seq 0: a stream that begins later has missing entries.
    Beginning,
    /// From wherever the first of the segments begins.
    Anywhere,
}

/// The lines of some segments, in their order.
pub struct JournalWalk {
    directory: Directory,
    from: WalkFrom,
    segments: Vec<SegmentInfo>,
    at: usize,
    lines: Option<SegmentLines>,
    walkers: BTreeMap<Label, Walker>,
    /// The stream of each label, as far as the directory names it.
    streams: BTreeMap<Label, StreamId>,
}

impl JournalReader {
    /// Walks segments that [`JournalReader::segments`] returned, in that order.
    ///
    /// # Errors
    /// Where the directory cannot be listed.
    pub fn walk(
        &self,
        segments: Vec<SegmentInfo>,
        from: WalkFrom,
    ) -> Result<JournalWalk, FileError> {
        let first = self.first_stream()?;
        let label = |stream: StreamId| match first {
            Some(first) if first == stream => Label::First,
            _ => Label::short(stream),
        };
        let streams = self.streams()?;
        Ok(JournalWalk {
            directory: self.directory.clone(),
            from,
            segments,
            at: 0,
            lines: None,
            walkers: BTreeMap::new(),
            streams: streams.into_iter().map(|id| (label(id), id)).collect(),
        })
    }
}

impl JournalWalk {
    /// Takes a line that was read to the chain of its stream.
    fn judge(&mut self, line: JournalLine) -> Result<WalkedLine, FileError> {
        let label = line.segment.label;
        let next = self.segments[self.at..]
            .iter()
            .map(|segment| segment.name)
            .find(|name| name.label == label && *name > line.segment);
        let walker = self.walkers.entry(label).or_insert_with(|| {
            let stream = self.streams.get(&label).copied();
            first_walker(stream, &line, self.from)
        });
        let step = judge(&self.directory, walker, &line, next)?;
        Ok(WalkedLine { line, step })
    }

    /// Returns the next line of the current segment; one that its file does not end yet is given some time to.
    fn read(&mut self) -> Option<Result<JournalLine, FileError>> {
        let lines = self.lines.as_mut()?;
        for patience in TAIL_PATIENCE {
            match lines.next()? {
                Ok(line) if matches!(line.content, LineContent::Torn(_)) => {
                    thread::sleep(patience);
                    lines.back_to(&line);
                }
                line => return Some(line),
            }
        }
        lines.next()
    }
}

/// Returns where a stream's chain begins.
fn first_walker(stream: Option<StreamId>, line: &JournalLine, from: WalkFrom) -> Walker {
    let position = match &line.content {
        LineContent::Entry(entry) => Some(*entry.as_entry().position()),
        _ => None,
    };
    let known = stream.or(position.map(|at| at.stream));
    let stream = known.unwrap_or_else(|| StreamId::from_bytes([0; 16]));
    match position {
        Some(at) if from == WalkFrom::Anywhere => Walker::new(stream, at.seq, at.prev, at.day),
        _ => Walker::from_beginning(stream),
    }
}

impl Iterator for JournalWalk {
    type Item = Result<WalkedLine, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(read) = self.read() {
                return Some(read.and_then(|line| self.judge(line)).inspect_err(|_| {
                    self.lines = None;
                }));
            }
            let segment = self.segments.get(self.at)?;
            self.at += 1;
            let reader = JournalReader::of(&self.directory);
            match reader.lines(segment) {
                Ok(lines) => self.lines = Some(lines),
                Err(error) => {
                    self.lines = None;
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Asks the walker about a line that was read before; `next` is the segment behind its own.
fn judge(
    directory: &Directory,
    walker: &mut Walker,
    line: &JournalLine,
    next: Option<SegmentName>,
) -> Result<Step, FileError> {
    let place = Place {
        segment: line.segment,
        offset: line.offset,
    };
    let next = || Ok(next);
    match &line.content {
        LineContent::Entry(entry) => {
            let entry = entry.as_entry();
            let bytes = entry.line().len() as u64 + 1;
            ask(directory, walker, Read::Entry(&entry), place, bytes, next)
        }
        LineContent::Damaged(damage, _) => {
            ask(directory, walker, Read::Damaged(*damage), place, 0, next)
        }
        LineContent::TooLong => ask(directory, walker, Read::TooLong, place, 0, next),
        LineContent::Torn(_) => ask(directory, walker, Read::Torn, place, 0, next),
    }
}
