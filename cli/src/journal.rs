//! A walk through the journal's directory: every line of every segment, good or damaged.
//!
//! Promise: a damaged line, a torn tail or an unreadable file becomes a [`Finding`] and the walk goes on. Nothing is
//! locked or written, so a writer beside it is not disturbed.
//! Not here: whether what is read is what was written (that is verifying).

use std::{ops::ControlFlow, path::Path, thread, time::Duration};

use tracing_llm_audit::{
    Timestamp,
    entry::EntryBuf,
    journal::{FileError, JournalLine, JournalReader, LineContent, SegmentInfo, SegmentLines},
};

use crate::{
    exit::Hinted,
    finding::{Finding, What},
    order::Order,
};

/// How long a last line without its newline is waited for: a writer may be in the middle of it.
const TAIL_PATIENCE: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(80)];

/// A journal's directory.
pub(crate) struct Journal {
    reader: JournalReader,
    segments: Vec<SegmentInfo>,
}

/// What the walk meets.
pub(crate) enum Item {
    Entry(EntryBuf),
    Finding(Finding),
}

impl Journal {
    /// Lists the directory.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        let reader = JournalReader::new(directory);
        let segments = reader.segments().map_err(|error| Hinted {
            what: format!("cannot {error}"),
            hint: "name the journal's directory with --dir DIR, or set LLM_AUDIT_DIR",
        })?;
        Ok(Self { reader, segments })
    }

    /// Returns what reads the small files beside the segments.
    pub(crate) fn reader(&self) -> &JournalReader {
        &self.reader
    }

    /// Returns the files by day, then stream, then place in the day.
    pub(crate) fn segments(&self) -> &[SegmentInfo] {
        &self.segments
    }

    /// Leaves out segments whose entries are all older than `since`, with a day to spare for a clock that was set back.
    pub(crate) fn since(&mut self, since: Timestamp) {
        self.segments
            .retain(|segment| segment.name.day() + 1 >= since.day());
    }

    /// Shows every line to `visit`, with its file, until it breaks. A repeated entry is shown as a finding only.
    pub(crate) fn walk<E>(
        &self,
        mut visit: impl FnMut(&SegmentInfo, Item) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut order = Order::default();
        for segment in &self.segments {
            let mut lines = Lines::new(&self.reader, segment);
            while let Some(item) = lines.next() {
                let wrong = order.check(&item).map(|what| lines.finding(what));
                let is_repeat = matches!(
                    &wrong,
                    Some(Finding {
                        what: What::Repeat { .. },
                        ..
                    })
                );
                let items = [wrong.map(Item::Finding), (!is_repeat).then_some(item)];
                for item in items.into_iter().flatten() {
                    if visit(segment, item)?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The lines of one file, up to the first that cannot be read.
struct Lines {
    file: String,
    number: u64,
    reading: Option<SegmentLines>,
    error: Option<FileError>,
}

impl Lines {
    fn new(reader: &JournalReader, segment: &SegmentInfo) -> Self {
        let (reading, error) = match reader.lines(segment) {
            Ok(lines) => (Some(lines), None),
            Err(error) => (None, Some(error)),
        };
        let file = segment.name.to_string();
        Self {
            file,
            number: 0,
            reading,
            error,
        }
    }

    /// Something is wrong with the line that came last.
    fn finding(&self, what: What) -> Finding {
        let (file, line) = (self.file.clone(), Some(self.number));
        Finding { file, line, what }
    }

    fn next(&mut self) -> Option<Item> {
        let read = self.reading.as_mut().and_then(next_line);
        let line = match read {
            Some(Ok(line)) => line,
            Some(Err(error)) => {
                self.reading = None;
                return Some(Item::Finding(Finding::unreadable(error)));
            }
            None => {
                return self
                    .error
                    .take()
                    .map(Finding::unreadable)
                    .map(Item::Finding);
            }
        };
        self.number = line.number;
        Some(match line.content {
            LineContent::Entry(entry) => Item::Entry(entry),
            LineContent::Damaged(damage, _) => Item::Finding(self.finding(What::Damaged(damage))),
            LineContent::Torn(bytes) => {
                Item::Finding(self.finding(What::Torn { bytes: bytes.len() }))
            }
            // A line that is too long, or what a later library tells apart from it.
            _ => Item::Finding(self.finding(What::TooLong)),
        })
    }
}

/// Returns the next line; one that the file does not end yet is given some time to.
fn next_line(lines: &mut SegmentLines) -> Option<Result<JournalLine, FileError>> {
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
