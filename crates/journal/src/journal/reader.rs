//! Reads one stream's entries in the order of seq, over its segments, while it is written.
//!
//! Promise: every durable entry once, in order; an end of a segment that the next one repeats comes once; memory does not
//! go with the journal. What is missing or damaged is told, and reading goes on behind it.
//! Not here: the chain's rules (`walk`), what entries mean, proofs (verification).

use std::sync::Arc;

use super::{
    cursor::Cursor,
    directory::Directory,
    file_error::{At, FileError},
    lines::Lines,
    mark::DurableMark,
    segment::{Label, SegmentName},
    walk::{Step, Walker},
    walk_files::{self, Walked},
};
use crate::entry::{Damage, Entry, EntryBuf, Leaf, StreamId};

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
    /// The line is an entry that does not belong where it is; the next call goes on with or behind it.
    #[error("{segment} at byte {offset}: {step}")]
    Misplaced {
        /// In which segment.
        segment: SegmentName,
        /// Where the line begins.
        offset: u64,
        /// What it is to the chain.
        step: Step,
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
    current: Option<Current>,
    /// An entry that comes next: what is wrong before it was told.
    pending: Option<EntryBuf>,
    /// Nobody writes the stream, and its end was reached.
    has_ended: bool,
}

/// Where the reader is.
struct Current {
    segment: SegmentName,
    lines: Lines,
    walker: Walker,
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
            pending: None,
            has_ended: false,
        }
    }

    /// Returns the cursor behind the last entry that came.
    pub fn cursor(&self) -> Cursor {
        let hint = self
            .current
            .as_ref()
            .filter(|_| self.pending.is_none())
            .map(|current| (current.segment, current.lines.offset()));
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
            if self.has_ended || self.is_at_mark()? {
                return Ok(None);
            }
            if let Some(entry) = self.pending.take() {
                return Ok(Some(self.deliver(entry)));
            }
            if self.current.is_none() && !self.locate()? {
                return self.at_end();
            }
            match self.line()? {
                Some(walked) => {
                    if let Some(entry) = self.judge(walked)? {
                        return Ok(Some(entry));
                    }
                }
                None if self.turn()? => {}
                None => return self.at_end(),
            }
        }
    }

    /// Returns the first seq that is not durable; none where nobody writes the stream.
    fn durable(&self) -> Option<u64> {
        self.mark.as_ref().map(|mark| mark.next_seq())
    }

    fn is_at_mark(&mut self) -> Result<bool, ReadError> {
        let Some(durable) = self.durable() else {
            return Ok(false);
        };
        let seq = self.cursor.next_seq;
        if seq > durable && self.is_unproven {
            self.is_unproven = false;
            return Err(ReadError::Diverged { seq });
        }
        if seq >= durable
            && let Some(current) = &mut self.current
        {
            // What lies behind the mark may still be cut and written anew elsewhere.
            current.lines.forget_ahead();
        }
        Ok(seq >= durable)
    }

    /// The files end: in order where nobody said that there is more.
    fn at_end(&mut self) -> Result<Option<EntryBuf>, ReadError> {
        let Some(durable) = self.durable() else {
            // Whoever holds the stream appends nothing: looking again would find the same.
            self.has_ended = true;
            return Ok(None);
        };
        let first = self.cursor.next_seq;
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

    /// Reads one line, and asks what it is to the chain; none at the end of the segment.
    fn line(&mut self) -> Result<Option<Walked>, FileError> {
        let Some(current) = &mut self.current else {
            return Ok(None);
        };
        let (directory, label, segment) = (&self.directory, self.label, current.segment);
        let path = directory.segment(segment);
        let Some(line) = current.lines.next().at("read", &path)? else {
            return Ok(None);
        };
        let next = || next_segment(directory, label, segment);
        walk_files::step(directory, &mut current.walker, segment, &line, next).map(Some)
    }

    /// Says what becomes of a line: an entry to hand out, one to pass over, or something to tell.
    fn judge(&mut self, walked: Walked) -> Result<Option<EntryBuf>, ReadError> {
        let expected = self.cursor.next_seq;
        let seq = |entry: &EntryBuf| entry.as_entry().position().seq;
        let Some(entry) = walked.entry.filter(|_| walked.step.is_taken()) else {
            return self.pass_over(walked.place.segment, walked.place.offset, walked.step);
        };
        if seq(&entry) < expected {
            return Ok(None);
        }
        let (segment, offset) = (walked.place.segment, walked.place.offset);
        let step = walked.step;
        match step {
            // A number beyond the end was planted: the true entry is still to come.
            Step::Missing { last, .. } if self.durable().is_some_and(|end| last >= end) => {
                Err(ReadError::Misplaced {
                    segment,
                    offset,
                    step,
                })
            }
            Step::Missing { last, .. } => {
                self.skip_to(seq(&entry));
                self.cursor.leaf_before = entry.as_entry().position().prev;
                self.pending = Some(entry);
                Err(ReadError::Missing {
                    first: expected,
                    last,
                })
            }
            Step::Next => self.prove(entry),
            _ => {
                self.is_unproven = false;
                self.pending = Some(entry);
                Err(ReadError::Misplaced {
                    segment,
                    offset,
                    step,
                })
            }
        }
    }

    /// Compares the first entry that comes with the cursor, and hands it out.
    fn prove(&mut self, entry: EntryBuf) -> Result<Option<EntryBuf>, ReadError> {
        let at = *entry.as_entry().position();
        if std::mem::take(&mut self.is_unproven) && at.prev != self.cursor.leaf_before {
            self.pending = Some(entry);
            return Err(ReadError::Diverged { seq: at.seq });
        }
        Ok(Some(self.deliver(entry)))
    }

    fn deliver(&mut self, entry: EntryBuf) -> EntryBuf {
        self.cursor = Cursor {
            hint: self.cursor.hint,
            ..Cursor::after(&entry)
        };
        entry
    }

    /// A line that is not handed out.
    fn pass_over(
        &mut self,
        segment: SegmentName,
        offset: u64,
        step: Step,
    ) -> Result<Option<EntryBuf>, ReadError> {
        let damage = match step {
            Step::Repeat { .. } | Step::LeftOver => return Ok(None),
            Step::Torn { .. } if self.mark.is_none() => {
                // A torn tail, which recovery will cut.
                return Ok(None);
            }
            Step::Damaged { damage, .. } => damage,
            Step::Torn { .. } | Step::Unknown => None,
            _ => {
                return Err(ReadError::Misplaced {
                    segment,
                    offset,
                    step,
                });
            }
        };
        let seq = self.cursor.next_seq;
        self.skip_to(seq.saturating_add(1));
        Err(ReadError::Damaged {
            segment,
            offset,
            seq,
            damage,
        })
    }

    /// Goes on to the next segment; says whether there is one.
    fn turn(&mut self) -> Result<bool, ReadError> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        let Some(next) = next_segment(&self.directory, self.label, current.segment)? else {
            return Ok(false);
        };
        current.lines = walk_files::open(&self.directory, next, 0)?;
        current.segment = next;
        Ok(true)
    }

    /// Finds where the cursor stands; says whether there is a segment at all.
    fn locate(&mut self) -> Result<bool, ReadError> {
        let Cursor {
            next_seq,
            leaf_before,
            hint,
        } = self.cursor;
        if let Some((segment, offset)) = hint
            && let Some((seq, prev)) = self.entry_at(segment, offset)?
            && seq == next_seq
            && (prev == leaf_before || leaf_before == Leaf::ZERO)
        {
            return self.begin(segment, offset, seq, prev).map(|()| true);
        }
        let mut found = None;
        for segment in self.directory.segments_of(self.label)?.into_iter().rev() {
            if let Some((seq, prev)) = self.entry_at(segment, 0)? {
                found = Some((segment, seq, prev));
                if seq <= next_seq {
                    break;
                }
            }
        }
        let Some((segment, seq, prev)) = found else {
            return Ok(false);
        };
        if seq <= next_seq {
            self.begin(segment, 0, seq, prev)?;
        } else {
            self.begin(segment, 0, next_seq, leaf_before)?;
        }
        Ok(true)
    }

    fn begin(
        &mut self,
        segment: SegmentName,
        offset: u64,
        seq: u64,
        prev: Leaf,
    ) -> Result<(), ReadError> {
        self.current = Some(Current {
            segment,
            lines: walk_files::open(&self.directory, segment, offset)?,
            walker: Walker::new(self.stream, seq, prev, 0),
        });
        Ok(())
    }

    /// Returns number and predecessor of the stream's first entry in a segment from an offset on; at an offset within
    /// it, of the entry that begins there.
    fn entry_at(
        &self,
        segment: SegmentName,
        offset: u64,
    ) -> Result<Option<(u64, Leaf)>, FileError> {
        let path = self.directory.segment(segment);
        let file = match self.directory.storage.open_read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.at("open", &path)?,
        };
        let mut lines = Lines::few(file, offset);
        while let Some(line) = lines.next().at("read", &path)? {
            let entry = Entry::parse(line.bytes).ok();
            match entry.map(|entry| *entry.position()) {
                Some(at) if at.stream == self.stream => return Ok(Some((at.seq, at.prev))),
                _ if offset > 0 => break,
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Returns the next segment that is not empty.
fn next_segment(
    directory: &Directory,
    label: Label,
    segment: SegmentName,
) -> Result<Option<SegmentName>, FileError> {
    for next in directory.segments_of(label)? {
        if next > segment {
            let path = directory.segment(next);
            if directory.storage.metadata(&path).at("identify", &path)?.len > 0 {
                return Ok(Some(next));
            }
        }
    }
    Ok(None)
}
