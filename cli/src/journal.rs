//! A walk through the journal's directory: every line of every segment, good or damaged.
//!
//! Promise: a damaged line, a torn tail or an unreadable file becomes a [`Finding`] and the walk goes on. Nothing is
//! locked or written, so a writer beside it is not disturbed.
//! Not here: whether what is read is what was written (that is verifying).

use std::{fmt, ops::ControlFlow, path::Path, thread, time::Duration};

use tracing_llm_audit::{
    Timestamp,
    entry::{Damage, EntryBuf},
    journal::{FileError, JournalLine, JournalReader, LineContent, SegmentInfo, SegmentLines},
};

use crate::exit::Hinted;

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

/// Something that is not as it should be, and where.
pub(crate) struct Finding {
    pub(crate) file: String,
    /// From 1; none where it is the file as a whole.
    pub(crate) line: Option<u64>,
    pub(crate) what: What,
}

/// What is wrong.
pub(crate) enum What {
    /// The line breaks a rule of the format.
    Damaged(Damage),
    /// The line is longer than any line may be.
    TooLong,
    /// The file ends in the middle of a line: torn by a crash, or not yet written to its end.
    Torn { bytes: usize },
    /// The file, or the rest of it, could not be read.
    Unreadable(FileError),
}

impl Finding {
    /// A small file beside the segments that could not be read.
    pub(crate) fn unreadable(error: FileError) -> Self {
        let name = error.path.file_name().unwrap_or_default();
        let file = name.to_string_lossy().into_owned();
        Self {
            file,
            line: None,
            what: What::Unreadable(error),
        }
    }

    /// Says whether something could not be looked at, so that the answer is not whole.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.what, What::Unreadable(_))
    }
}

impl What {
    /// Returns the word by which programs know it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Damaged(damage) if damage.unknown_version().is_some() => "unknown version",
            Self::Damaged(_) | Self::TooLong => "damaged line",
            Self::Torn { .. } => "torn tail",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

/// `audit_2026-11-22.jsonl:17: damaged line: wrong envelope, at byte 220 of the line`; never content.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}: {}", self.what.code(), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => damage.fmt(out),
            Self::TooLong => out.write_str("longer than any line may be"),
            Self::Torn { bytes } => {
                write!(
                    out,
                    "{bytes} bytes without an end: torn, or still being written"
                )
            }
            Self::Unreadable(error) => error.source.fmt(out),
        }
    }
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

    /// Shows every line to `visit`, with its file, until it breaks.
    pub(crate) fn walk<E>(
        &self,
        mut visit: impl FnMut(&SegmentInfo, Item) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        for segment in &self.segments {
            let mut lines = match self.reader.lines(segment) {
                Ok(lines) => lines,
                Err(error) => {
                    if visit(segment, Item::Finding(Finding::unreadable(error)))?.is_break() {
                        return Ok(());
                    }
                    continue;
                }
            };
            while let Some(line) = next_line(&mut lines) {
                let item =
                    line.map_or_else(|error| Item::Finding(Finding::unreadable(error)), item);
                let is_end = matches!(&item, Item::Finding(finding) if finding.is_unreadable());
                if visit(segment, item)?.is_break() {
                    return Ok(());
                }
                if is_end {
                    break;
                }
            }
        }
        Ok(())
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

fn item(line: JournalLine) -> Item {
    let what = match line.content {
        LineContent::Entry(entry) => return Item::Entry(entry),
        LineContent::Damaged(damage, _) => What::Damaged(damage),
        LineContent::Torn(bytes) => What::Torn { bytes: bytes.len() },
        // A kind of line that a later library knows and this command does not.
        _ => What::TooLong,
    };
    let (file, line) = (line.segment.to_string(), Some(line.number));
    Item::Finding(Finding { file, line, what })
}
