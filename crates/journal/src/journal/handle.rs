//! What a follower needs of a stream that somebody else writes or holds.
//!
//! Promise: cheap to clone, usable on any thread; reads only what is durable.

use std::sync::Arc;

use super::{
    cursor::{Cursor, CursorFile},
    directory::Directory,
    file_error::FileError,
    mark::DurableMark,
    quarantine,
    reader::StreamReader,
    segment::Label,
};
use crate::entry::StreamId;

/// A stream, for those who follow it. Whoever made it holds the stream's lock, and outlives its use.
#[derive(Clone, Debug)]
pub struct StreamHandle {
    directory: Directory,
    stream: StreamId,
    label: Label,
    mark: Option<Arc<DurableMark>>,
}

impl StreamHandle {
    pub(crate) fn new(
        directory: &Directory,
        stream: StreamId,
        label: Label,
        mark: Option<Arc<DurableMark>>,
    ) -> Self {
        let directory = directory.clone();
        Self {
            directory,
            stream,
            label,
            mark,
        }
    }

    /// Returns which stream it is.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Returns how far the stream is durable; none where nobody writes it.
    pub fn durable(&self) -> Option<&Arc<DurableMark>> {
        self.mark.as_ref()
    }

    /// Returns a reader of the durable entries, from a cursor on.
    pub fn reader(&self, cursor: &Cursor) -> StreamReader {
        StreamReader::new(
            &self.directory,
            self.stream,
            self.label,
            cursor,
            self.mark.clone(),
        )
    }

    /// Returns the file that keeps a follower's cursor in this stream.
    pub fn cursor_file(&self, follower: &str) -> CursorFile {
        CursorFile::new(&self.directory, follower, self.stream)
    }

    /// Puts a record that a destination will never take into `quarantine/`, and returns the file's name.
    pub fn put_dead_letter(
        &self,
        follower: &str,
        seq: u64,
        line: &[u8],
        why: &str,
    ) -> Result<String, FileError> {
        quarantine::put_dead_letter(&self.directory, follower, self.stream, seq, line, why)
    }
}
