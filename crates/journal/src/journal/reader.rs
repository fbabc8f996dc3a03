//! Reads one stream's entries in the order of seq, over its segments, while it is written.
//!
//! Promise: every durable entry once, in order; an end of a segment that the next one repeats comes once; memory does not
//! go with the journal. What is missing or damaged is told, and reading goes on behind it.
//! Not here: what entries mean, proofs (verification).

use std::sync::Arc;

use super::{
    cursor::Cursor,
    directory::{At, Directory, FileError},
    lines::{LineEnd, Lines},
    mark::DurableMark,
    segment::{Label, SegmentName},
};
use crate::entry::{Damage, EntryBuf, Leaf, StreamId};

/// Why the next entry did not come.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A file could not be read; the same call may succeed later.
    #[error(transparent)]
    File(#[from] FileError),
    /// The line is no entry; the next call goes on behind it.
    #[error("{segment} at byte {offset}, seq {seq}: damaged line")]
    Damaged {
        /// In which segment.
        segment: SegmentName,
        /// Where the line begins.
        offset: u64,
        /// The entry that was expected there.
        seq: u64,
        /// What is wrong; none where the line has no end.
        damage: Option<Damage>,
    },
    /// Entries are not there; the next call goes on behind them.
    #[error("entries {first} to {last} are missing")]
    Missing {
        /// The first that is missing.
        first: u64,
        /// The last that is missing.
        last: u64,
    },
    /// The cursor belongs to another past of this stream: an old copy was put back. Start anew.
    #[error("the cursor at {seq} does not fit the journal")]
    Diverged {
        /// Where the cursor stands.
        seq: u64,
    },
}

impl ReadError {
    /// Says whether the same entry may come later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Reads a stream from a cursor on.
pub struct StreamReader {
    directory: Directory,
    stream: StreamId,
    label: Label,
    mark: Option<Arc<DurableMark>>,
    cursor: Cursor,
    /// Until the cursor's leaf was compared with the journal's.
    is_unproven: bool,
    current: Option<(SegmentName, Lines)>,
}

impl StreamReader {
    pub(crate) fn new(
        directory: &Directory,
        stream: StreamId,
        label: Label,
        cursor: &Cursor,
        mark: Option<Arc<DurableMark>>,
    ) -> Self {
        Self {
            directory: directory.clone(),
            stream,
            label,
            mark,
            cursor: *cursor,
            is_unproven: true,
            current: None,
        }
    }

    /// Returns the cursor behind the last entry that came.
    pub fn cursor(&self) -> Cursor {
        let hint = self
            .current
            .as_ref()
            .map(|(segment, lines)| (*segment, lines.offset()));
        Cursor {
            hint: hint.or(self.cursor.hint),
            ..self.cursor
        }
    }

    /// Returns the next entry; `None` where no further one is durable yet, or the stream ends.
    ///
    /// # Errors
    /// [`ReadError`]; all but [`ReadError::File`] are told once, and the next call goes on.
    #[expect(
        clippy::should_implement_trait,
        reason = "it may have more after `None`"
    )]
    pub fn next(&mut self) -> Result<Option<EntryBuf>, ReadError> {
        loop {
            if self.is_at_mark()? {
                return Ok(None);
            }
            if self.current.is_none() && !self.locate()? {
                return self.at_end();
            }
            match self.step()? {
                Step::Entry(entry) => return Ok(Some(entry)),
                Step::Passed => {}
                Step::SegmentEnd => {
                    if !self.turn()? {
                        return self.at_end();
                    }
                }
            }
        }
    }

    fn is_at_mark(&mut self) -> Result<bool, ReadError> {
        let Some(mark) = &self.mark else {
            return Ok(false);
        };
        let (seq, durable) = (self.cursor.next_seq, mark.next_seq());
        if seq > durable && self.is_unproven {
            self.is_unproven = false;
            return Err(ReadError::Diverged { seq });
        }
        if seq >= durable
            && let Some((_, lines)) = &mut self.current
        {
            // What lies behind the mark may still be cut and written anew elsewhere.
            lines.forget_ahead();
        }
        Ok(seq >= durable)
    }

    /// The files end: in order where nobody said that there is more.
    fn at_end(&mut self) -> Result<Option<EntryBuf>, ReadError> {
        let Some(mark) = &self.mark else {
            return Ok(None);
        };
        let (first, durable) = (self.cursor.next_seq, mark.next_seq());
        if first >= durable {
            return Ok(None);
        }
        self.skip_to(durable);
        Err(ReadError::Missing {
            first,
            last: durable - 1,
        })
    }

    fn skip_to(&mut self, seq: u64) {
        self.cursor.next_seq = seq;
        self.is_unproven = false;
    }

    /// Takes one line.
    fn step(&mut self) -> Result<Step, ReadError> {
        let Some((segment, lines)) = &mut self.current else {
            return Ok(Step::SegmentEnd);
        };
        let segment = *segment;
        let path = self.directory.segment(segment);
        let Some(line) = lines.next().at("read", &path)? else {
            return Ok(Step::SegmentEnd);
        };
        let (offset, end) = (line.offset, line.end);
        let parsed = match end {
            LineEnd::Newline => EntryBuf::parse(line.bytes).map_err(Some),
            LineEnd::EndOfFile | LineEnd::TooLong => Err(None),
        };
        match parsed {
            Ok(entry) => self.entry(entry, segment, offset),
            Err(damage) => self.damaged(segment, offset, damage, end),
        }
    }

    fn entry(
        &mut self,
        entry: EntryBuf,
        segment: SegmentName,
        offset: u64,
    ) -> Result<Step, ReadError> {
        let at = *entry.as_entry().position();
        let expected = self.cursor.next_seq;
        if at.stream != self.stream || at.seq < expected {
            return Ok(Step::Passed);
        }
        if at.seq > expected {
            self.skip_to(at.seq);
            self.cursor.leaf_before = at.prev;
            self.current = Some((segment, self.open(segment, offset)?));
            return Err(ReadError::Missing {
                first: expected,
                last: at.seq - 1,
            });
        }
        if std::mem::take(&mut self.is_unproven) && at.prev != self.cursor.leaf_before {
            self.current = Some((segment, self.open(segment, offset)?));
            return Err(ReadError::Diverged { seq: expected });
        }
        self.cursor.next_seq += 1;
        self.cursor.leaf_before = entry.as_entry().leaf();
        Ok(Step::Entry(entry))
    }

    /// A line that is no entry: the end of a failed batch where the next segment goes on, else damage.
    fn damaged(
        &mut self,
        segment: SegmentName,
        offset: u64,
        damage: Option<Damage>,
        end: LineEnd,
    ) -> Result<Step, ReadError> {
        let seq = self.cursor.next_seq;
        if let Some((_, first_seq)) = self.following(segment)?
            && first_seq <= seq
        {
            return Ok(Step::SegmentEnd);
        }
        if end == LineEnd::EndOfFile && self.mark.is_none() {
            // A torn tail, which recovery will cut.
            return Ok(Step::SegmentEnd);
        }
        self.skip_to(seq + 1);
        Err(ReadError::Damaged {
            segment,
            offset,
            seq,
            damage,
        })
    }

    /// Goes on to the next segment; says whether there is one.
    fn turn(&mut self) -> Result<bool, ReadError> {
        let Some((segment, _)) = self.current else {
            return Ok(false);
        };
        let Some((next, _)) = self.following(segment)? else {
            return Ok(false);
        };
        self.current = Some((next, self.open(next, 0)?));
        Ok(true)
    }

    /// Returns the next segment that has an entry, and its first seq.
    fn following(&self, segment: SegmentName) -> Result<Option<(SegmentName, u64)>, FileError> {
        for next in self.directory.segments_of(self.label)? {
            if next > segment
                && let Some(seq) = self.first_seq(next)?
            {
                return Ok(Some((next, seq)));
            }
        }
        Ok(None)
    }

    fn open(&self, segment: SegmentName, offset: u64) -> Result<Lines, FileError> {
        let path = self.directory.segment(segment);
        let file = self.directory.storage.open_read(&path).at("open", &path)?;
        Ok(Lines::new(file, offset))
    }

    /// Returns the seq of the first entry in a segment.
    fn first_seq(&self, segment: SegmentName) -> Result<Option<u64>, FileError> {
        let path = self.directory.segment(segment);
        let mut lines = self.open(segment, 0)?;
        while let Some(line) = lines.next().at("read", &path)? {
            if let Ok(entry) = crate::entry::Entry::parse(line.bytes) {
                return Ok(Some(entry.position().seq));
            }
        }
        Ok(None)
    }

    /// Finds where the cursor stands; says whether there is a segment at all.
    fn locate(&mut self) -> Result<bool, ReadError> {
        if let Some((segment, offset)) = self.cursor.hint
            && self.fits(segment, offset)?
        {
            self.current = Some((segment, self.open(segment, offset)?));
            return Ok(true);
        }
        let segments = self.directory.segments_of(self.label)?;
        let mut found = None;
        for segment in segments.into_iter().rev() {
            if let Some(seq) = self.first_seq(segment)? {
                found = Some(segment);
                if seq <= self.cursor.next_seq {
                    break;
                }
            }
        }
        let Some(segment) = found else {
            return Ok(false);
        };
        self.current = Some((segment, self.open(segment, 0)?));
        Ok(true)
    }

    /// Says whether the entry that the cursor waits for begins there.
    fn fits(&self, segment: SegmentName, offset: u64) -> Result<bool, FileError> {
        let path = self.directory.segment(segment);
        let file = match self.directory.storage.open_read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            opened => opened.at("open", &path)?,
        };
        let mut lines = Lines::new(file, offset);
        let line = lines.next().at("read", &path)?;
        let entry = line.and_then(|line| EntryBuf::parse(line.bytes).ok());
        Ok(entry.is_some_and(|entry| {
            let entry = entry.as_entry();
            let at = entry.position();
            let leaf_fits =
                at.prev == self.cursor.leaf_before || self.cursor.leaf_before == Leaf::ZERO;
            at.stream == self.stream && at.seq == self.cursor.next_seq && leaf_fits
        }))
    }
}

/// What a line was.
enum Step {
    Entry(EntryBuf),
    Passed,
    SegmentEnd,
}
