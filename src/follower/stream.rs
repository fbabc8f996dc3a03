//! A stream of the journal as a Follower's source.
//!
//! Promise: what the journal cannot give (a damaged line, a segment that retention removed) is said once, and the
//! reading goes on behind it.
//! Not here: files (`journal`).

use std::sync::Arc;

use super::source::{Mark, Source, SourceError};
use llm_audit_journal::{
    entry::{EntryBuf, StreamId},
    journal::{Cursor, CursorFile, DurableMark, ReadError, StreamHandle, StreamReader},
};

impl Mark for DurableMark {
    fn next_seq(&self) -> u64 {
        Self::next_seq(self)
    }
}

/// How far a stream goes that nobody writes any more.
struct End(u64);

impl Mark for End {
    fn next_seq(&self) -> u64 {
        self.0
    }
}

/// One stream, from one follower's cursor on.
pub(crate) struct JournalSource {
    handle: StreamHandle,
    follower: String,
    mark: Arc<dyn Mark>,
    cursor_file: CursorFile,
    first_seq: u64,
    reader: StreamReader,
}

impl JournalSource {
    /// Opens a stream that is being written.
    pub(crate) fn live(handle: StreamHandle, follower: &str) -> Result<Self, SourceError> {
        let mark = handle.durable().cloned().unwrap_or_default();
        Self::open(handle, follower, mark)
    }

    /// Opens a stream that was closed in order at `next_seq`.
    pub(crate) fn closed(
        handle: StreamHandle,
        follower: &str,
        next_seq: u64,
    ) -> Result<Self, SourceError> {
        Self::open(handle, follower, Arc::new(End(next_seq)))
    }

    fn open(
        handle: StreamHandle,
        follower: &str,
        mark: Arc<dyn Mark>,
    ) -> Result<Self, SourceError> {
        let cursor_file = handle.cursor_file(follower);
        let cursor = cursor_file
            .load()
            .map_err(source_error)?
            .unwrap_or(Cursor::START);
        let reader = handle.reader(&cursor);
        Ok(Self {
            follower: follower.to_owned(),
            mark,
            cursor_file,
            first_seq: cursor.next_seq,
            reader,
            handle,
        })
    }
}

fn source_error(error: impl std::error::Error + Send + Sync + 'static) -> SourceError {
    SourceError(Box::new(error))
}

impl Source for JournalSource {
    fn stream(&self) -> StreamId {
        self.handle.stream()
    }

    fn mark(&self) -> Arc<dyn Mark> {
        Arc::clone(&self.mark)
    }

    fn first_seq(&self) -> u64 {
        self.first_seq
    }

    fn read_seq(&self) -> u64 {
        self.reader.cursor().next_seq
    }

    fn next(&mut self) -> Result<Option<EntryBuf>, SourceError> {
        let next = self.reader.next();
        if let Err(ReadError::Diverged { .. }) = &next {
            // An old copy was put back: everything is sent again, and the far side sees the fork.
            self.reader = self.handle.reader(&Cursor::START);
        }
        next.map_err(source_error)
    }

    fn store_cursor(&mut self, last: &EntryBuf) -> Result<(), SourceError> {
        let cursor = Cursor::after(last).hinted_by(&self.reader.cursor());
        self.cursor_file.store(&cursor).map_err(source_error)
    }

    fn put_dead_letter(&mut self, entry: &EntryBuf, why: &str) -> Result<(), SourceError> {
        let seq = entry.as_entry().position().seq;
        let line = entry.as_entry().line();
        self.handle
            .put_dead_letter(&self.follower, seq, line, why)
            .map_err(source_error)?;
        Ok(())
    }
}
