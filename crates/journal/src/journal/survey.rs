//! Reads a whole directory, changing nothing: every line of every stream, damaged ones as data.
//!
//! Promise: works on a journal that is being written, on a copy, and on a broken one; takes no lock.
//! Not here: judging what it finds (verification).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    cursor::{Cursor, CursorFile},
    directory::{Directory, Stranger},
    file_error::{At, FileError},
    lines::{LineEnd, Lines},
    reader::StreamReader,
    segment::SegmentName,
    storage::{self, FileKind, FileStorage, Storage},
};
use crate::{
    checkpoint::Note,
    entry::{Damage, EntryBuf, StreamId},
};

const NOTE_BYTES_MAX: usize = 64 << 10;

/// A directory of journals, to read.
#[derive(Clone, Debug)]
pub struct JournalReader {
    pub(super) directory: Directory,
}

/// A segment as it lies there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// Its name.
    pub name: SegmentName,
    /// Where it lies.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// One line, whatever it is.
#[derive(Clone)]
#[non_exhaustive]
pub struct JournalLine {
    /// In which segment.
    pub segment: SegmentName,
    /// The line's number there, from 1.
    pub number: u64,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// What stands there.
    pub content: LineContent,
}

/// What a line is.
#[derive(Clone)]
#[non_exhaustive]
pub enum LineContent {
    /// An entry.
    Entry(EntryBuf),
    /// No entry, and the line's bytes; none where it is too long to be one.
    Damaged(Damage, Vec<u8>),
    /// The file ends before the line does: a write in progress, or a crash.
    Torn(Vec<u8>),
    /// Longer than any line.
    TooLong,
}

/// What stands in `checkpoints/` about a stream; nothing of it is proven here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredHead {
    /// Which stream.
    pub stream: StreamId,
    /// The note's text.
    pub note: String,
    /// What it claims; none where it is no note.
    pub claim: Option<Note>,
}

/// What stands in `cursors/` about one follower and one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredCursor {
    /// Whose.
    pub follower: String,
    /// In which stream.
    pub stream: StreamId,
    /// How far it got.
    pub cursor: Cursor,
}

impl JournalReader {
    /// Reads a directory on disk.
    pub fn new(directory: impl AsRef<Path>) -> Self {
        Self::on(Arc::new(FileStorage), directory)
    }

    pub(super) fn of(directory: &Directory) -> Self {
        let directory = directory.clone();
        Self { directory }
    }

    /// Reads a directory on some storage.
    pub fn on(storage: Arc<dyn Storage>, directory: impl AsRef<Path>) -> Self {
        let directory = Directory::to_read(storage, directory.as_ref());
        Self { directory }
    }

    /// Returns the segments, day by day, each stream's in its order.
    ///
    /// # Errors
    /// Where the directory cannot be listed, a missing one included.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>, FileError> {
        let root = self.directory.root();
        self.directory.storage.list(root).at("list", root)?;
        let mut segments = self.directory.segments()?;
        segments.sort_by_key(|segment| (segment.day, segment.label, segment.index));
        segments.into_iter().map(|name| self.info(name)).collect()
    }

    fn info(&self, name: SegmentName) -> Result<SegmentInfo, FileError> {
        // Not opened here: one file that may not be read must not hide the others.
        let path = self.directory.segment(name);
        let bytes = self
            .directory
            .storage
            .metadata(&path)
            .at("look at", &path)?
            .len;
        Ok(SegmentInfo { name, path, bytes })
    }

    /// Reads one segment's lines.
    pub fn lines(&self, segment: &SegmentInfo) -> Result<SegmentLines, FileError> {
        let path = segment.path.clone();
        let file = self.directory.storage.open_read(&path).at("open", &path)?;
        let lines = Lines::new(file, 0);
        Ok(SegmentLines {
            name: segment.name,
            path,
            lines,
            number: 0,
        })
    }

    /// Returns every stream that left a trace in the directory.
    pub fn streams(&self) -> Result<Vec<StreamId>, FileError> {
        Ok(self.directory.streams()?.into_iter().collect())
    }

    /// Returns a reader of one stream's entries from its first on, up to where its files end now; none where the directory
    /// has no files that are the stream's.
    ///
    /// Followers of a running writer read with [`StreamHandle::reader`](super::StreamHandle::reader), which ends at what is durable.
    pub fn entries(&self, stream: StreamId) -> Result<Option<StreamReader>, FileError> {
        let label = self.directory.label(stream)?;
        Ok(label
            .map(|label| StreamReader::new(&self.directory, stream, label, &Cursor::START, None)))
    }

    /// Returns the stream whose segments have no id in their names.
    pub fn first_stream(&self) -> Result<Option<StreamId>, FileError> {
        self.directory.first_stream()
    }

    /// Returns what stands in `checkpoints/`.
    pub fn heads(&self) -> Result<Vec<StoredHead>, FileError> {
        let folder = self.directory.folder("checkpoints");
        let names = self.directory.files(&folder)?;
        let streams = names.iter().filter_map(|name| StreamId::parse(name));
        streams.map(|stream| self.head(stream)).collect()
    }

    fn head(&self, stream: StreamId) -> Result<StoredHead, FileError> {
        let path = self.directory.checkpoint(stream);
        let bytes = storage::read_file(&*self.directory.storage, &path, NOTE_BYTES_MAX);
        let note = String::from_utf8_lossy(&bytes.at("read", &path)?).into_owned();
        let claim = Note::parse(&note).ok();
        Ok(StoredHead {
            stream,
            note,
            claim,
        })
    }

    /// Returns what stands in `cursors/`; a file that makes no sense is left out.
    pub fn cursors(&self) -> Result<Vec<StoredCursor>, FileError> {
        let names = self.directory.files(&self.directory.folder("cursors"))?;
        let mut cursors = Vec::new();
        for name in names {
            let parts = name.rsplit_once('.');
            let Some((follower, stream)) = parts.and_then(|(follower, stream)| {
                Some((follower.to_owned(), StreamId::parse(stream)?))
            }) else {
                continue;
            };
            if let Some(cursor) = CursorFile::new(&self.directory, &follower, stream).load()? {
                cursors.push(StoredCursor {
                    follower,
                    stream,
                    cursor,
                });
            }
        }
        Ok(cursors)
    }

    /// Returns what has the name of one of the journal's files and is not a regular file; it is never opened.
    pub fn strangers(&self) -> Vec<Stranger> {
        let is_irregular = |stranger: &Stranger| {
            let found = self.directory.storage.metadata(&stranger.path);
            found.is_ok_and(|found| found.kind != FileKind::File)
        };
        let mut strangers = self.directory.strangers();
        strangers.retain(is_irregular);
        strangers
    }

    /// Returns where the file is that a stream's writer locks.
    ///
    /// For looking only: a lock that is taken even for a moment can drive a starting writer to another stream.
    pub fn lock_file(&self, stream: StreamId) -> PathBuf {
        self.directory.lock(stream)
    }

    /// Returns the names of the files in `quarantine/`.
    pub fn quarantined(&self) -> Result<Vec<String>, FileError> {
        self.directory.files(&self.directory.quarantine())
    }
}

/// The lines of one segment.
pub struct SegmentLines {
    name: SegmentName,
    path: PathBuf,
    lines: Lines,
    number: u64,
}

impl SegmentLines {
    /// Goes back to a line that came, to read it again: a torn one may have been written to its end since.
    pub fn back_to(&mut self, line: &JournalLine) {
        self.lines.seek(line.offset);
        self.number = line.number - 1;
    }
}

impl Iterator for SegmentLines {
    type Item = Result<JournalLine, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next().at("read", &self.path) {
            Ok(line) => line?,
            Err(error) => return Some(Err(error)),
        };
        self.number += 1;
        let content = match line.end {
            LineEnd::EndOfFile => LineContent::Torn(line.bytes.to_vec()),
            LineEnd::TooLong => LineContent::TooLong,
            LineEnd::Newline => match EntryBuf::parse(line.bytes) {
                Ok(entry) => LineContent::Entry(entry),
                Err(damage) => LineContent::Damaged(damage, line.bytes.to_vec()),
            },
        };
        let (segment, number, offset) = (self.name, self.number, line.offset);
        Some(Ok(JournalLine {
            segment,
            number,
            offset,
            content,
        }))
    }
}
