//! A walk through the journal's directory: every line of every segment, good or damaged.
//!
//! Promise: what a line is to its stream's chain is decided by the library, as it is when a writer opens the journal; a
//! damaged line, a torn tail or an unreadable file becomes a [`Finding`] and the walk goes on. Nothing is locked or
//! written, so a writer beside it is not disturbed.
//! Not here: what the entries say (`cat`, `status`), and signatures.

use std::{ops::ControlFlow, path::Path};

use tracing_llm_audit::{
    Timestamp,
    entry::EntryBuf,
    journal::{
        FileError, JournalReader, LineContent, SegmentInfo, SegmentName, Step, Stranger, WalkFrom,
        WalkedLine,
    },
};

use crate::{exit::Hinted, finding::Finding};

/// A journal's directory.
pub(crate) struct Journal {
    reader: JournalReader,
    segments: Vec<SegmentInfo>,
    from: WalkFrom,
}

/// What the walk meets.
pub(crate) enum Item {
    Line(Line),
    /// A file, or the rest of it, could not be read.
    Unreadable(FileError),
}

/// One line.
pub(crate) struct Line {
    pub(crate) segment: SegmentName,
    /// From 1.
    pub(crate) number: u64,
    pub(crate) step: Step,
    /// None where the line is no entry of the chain: damaged, or an entry that was shown before.
    pub(crate) entry: Option<EntryBuf>,
    /// Bytes of the segments that lie before it.
    pub(crate) bytes_before: u64,
}

impl Journal {
    /// Lists the directory.
    pub(crate) fn open(directory: &Path) -> anyhow::Result<Self> {
        Self::list(JournalReader::new(directory))
    }

    /// Lists the directory of a reader.
    pub(crate) fn list(reader: JournalReader) -> anyhow::Result<Self> {
        let segments = reader.segments().map_err(|error| Hinted {
            what: format!("cannot {error}"),
            hint: "name the journal's directory with --dir DIR, or set LLM_AUDIT_DIR",
        })?;
        Ok(Self {
            reader,
            segments,
            from: WalkFrom::Beginning,
        })
    }

    /// Returns what reads the small files beside the segments.
    pub(crate) fn reader(&self) -> &JournalReader {
        &self.reader
    }

    /// Returns the files by day, then stream, then place in the day.
    pub(crate) fn segments(&self) -> &[SegmentInfo] {
        &self.segments
    }

    /// Returns what has the name of a journal's file in `directory` and is not a regular file.
    pub(crate) fn strangers(&self, directory: &Path) -> Vec<Finding> {
        let finding = |stranger: Stranger| {
            let within = stranger.path.strip_prefix(directory);
            Finding {
                code: "stranger",
                file: within.unwrap_or(&stranger.path).display().to_string(),
                line: None,
                detail: format!("it {}", stranger.what),
            }
        };
        self.reader.strangers().into_iter().map(finding).collect()
    }

    /// Leaves out segments whose entries are all older than `since`, with a day to spare for a clock that was set back.
    pub(crate) fn since(&mut self, since: Timestamp) {
        let count = self.segments.len();
        self.segments
            .retain(|segment| segment.name.day() + 1 >= since.day());
        if self.segments.len() < count {
            self.from = WalkFrom::Anywhere;
        }
    }

    /// Shows every line to `visit` until it breaks.
    pub(crate) fn walk<E>(
        &self,
        mut visit: impl FnMut(Item) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let walk = match self.reader.walk(self.segments.clone(), self.from) {
            Ok(walk) => walk,
            Err(error) => return visit(Item::Unreadable(error)).map(|_| ()),
        };
        let mut begun = Begun::default();
        for walked in walk {
            let item = match walked {
                Ok(walked) => Item::Line(Line::new(walked, &mut begun, &self.segments)),
                Err(error) => Item::Unreadable(error),
            };
            if visit(item)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// How many segments were begun, and how long those before the last of them are.
#[derive(Default)]
struct Begun {
    at: usize,
    bytes: u64,
}

impl Begun {
    /// Returns the bytes of the segments before `name`.
    fn before(&mut self, name: SegmentName, segments: &[SegmentInfo]) -> u64 {
        while let Some(segment) = segments.get(self.at).filter(|found| found.name != name) {
            self.bytes += segment.bytes;
            self.at += 1;
        }
        self.bytes
    }
}

impl Line {
    fn new(walked: WalkedLine, begun: &mut Begun, segments: &[SegmentInfo]) -> Self {
        let WalkedLine { line, step, .. } = walked;
        let entry = match line.content {
            LineContent::Entry(entry) if step.is_taken() => Some(entry),
            _ => None,
        };
        Self {
            segment: line.segment,
            number: line.number,
            step,
            entry,
            bytes_before: begun.before(line.segment, segments) + line.offset,
        }
    }

    /// Returns a finding about this line.
    pub(crate) fn finding(&self, code: &'static str, detail: String) -> Finding {
        Finding {
            code,
            file: self.segment.to_string(),
            line: Some(self.number),
            detail,
        }
    }

    /// Returns what is wrong with the line's place in the chain.
    pub(crate) fn wrong(&self) -> Option<Finding> {
        let code = self.step.code()?;
        Some(self.finding(code, self.step.to_string()))
    }
}

impl Item {
    /// Returns what is wrong here.
    pub(crate) fn wrong(&self) -> Option<Finding> {
        match self {
            Self::Line(line) => line.wrong(),
            Self::Unreadable(error) => Some(Finding::unreadable(error)),
        }
    }
}
