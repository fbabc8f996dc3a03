//! One stream on its way to one destination: what was read and not acknowledged, and where the cursor stands.
//!
//! Promise: what was not acknowledged stays in front; the cursor is never stored beyond it.
//! Limits: `BATCH_ENTRIES_MAX` and `READ_AHEAD_BYTES_MAX` bound what is held in memory, one large line aside.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    health::StreamView,
    source::{Mark, Source, SourceError},
};
use llm_audit_journal::{
    clock::Deadline,
    entry::{EntryBuf, StreamId},
};

/// Entries that an exporter is given at most: two requests of the SDK's own batch size, so that it may prepare the
/// second while it waits for the answer to the first.
pub(super) const BATCH_ENTRIES_MAX: usize = 1024;
/// Bytes of lines read ahead of the acknowledgement.
const READ_AHEAD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A cursor is stored at most this often: what a crash makes us send twice.
const CURSOR_INTERVAL: Duration = Duration::from_secs(1);

/// Says whether the cursor may still be written: only while the stream's lock is held for us.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<bool>);

impl Gate {
    /// Shuts it; on return no cursor is being written, and none will be.
    pub(super) fn shut(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn unless_shut(
        &self,
        write: impl FnOnce() -> Result<(), SourceError>,
    ) -> Result<(), SourceError> {
        let shut = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *shut { Ok(()) } else { write() }
    }
}

pub(super) struct Track {
    source: Box<dyn Source>,
    pub(super) stream: StreamId,
    pub(super) mark: Arc<dyn Mark>,
    pub(super) gate: Arc<Gate>,
    pub(super) next_seq: u64,
    pending: VecDeque<EntryBuf>,
    pending_bytes: usize,
    /// The most entries that the next request may have: halved by a failure, doubled by a success.
    limit: usize,
    /// Since when the first entry, alone, has failed with errors that do not blame it, and how often.
    pub(super) suspect: Option<(Instant, u32)>,
    done: Option<EntryBuf>,
    /// The last try to store the cursor failed.
    is_unstorable: bool,
    stored_at: Instant,
    /// Set while the journal cannot be read.
    pub(super) not_before: Option<Deadline>,
}

impl Track {
    pub(super) fn new(source: Box<dyn Source>) -> Self {
        Self {
            stream: source.stream(),
            mark: source.mark(),
            gate: Arc::default(),
            next_seq: source.first_seq(),
            source,
            pending: VecDeque::new(),
            pending_bytes: 0,
            limit: BATCH_ENTRIES_MAX,
            suspect: None,
            done: None,
            is_unstorable: false,
            stored_at: Instant::now(),
            not_before: None,
        }
    }

    pub(super) fn view(&self) -> StreamView {
        StreamView {
            stream: self.stream,
            next_seq: self.next_seq,
            mark: Arc::clone(&self.mark),
            gate: Arc::clone(&self.gate),
            is_stored: self.done.is_none() || self.is_unstorable,
        }
    }

    /// Reads ahead, and returns how many entries the next request may have.
    pub(super) fn fill(&mut self) -> Result<usize, SourceError> {
        while self.pending.len() < BATCH_ENTRIES_MAX && self.pending_bytes < READ_AHEAD_BYTES_MAX {
            let Some(entry) = self.source.next()? else {
                if self.pending.is_empty() {
                    // What was missing at the end is not waited for.
                    self.next_seq = self.next_seq.max(self.source.read_seq());
                }
                break;
            };
            self.pending_bytes += entry.as_entry().line().len();
            self.pending.push_back(entry);
        }
        Ok(self.pending.len().min(self.limit))
    }

    /// Returns `count` entries from the `first`-th of those that were not acknowledged.
    pub(super) fn entries(&mut self, first: usize, count: usize) -> &[EntryBuf] {
        &self.pending.make_contiguous()[first..first + count]
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Says whether all that is durable was acknowledged.
    pub(super) fn is_drained(&self) -> bool {
        self.pending.is_empty() && self.next_seq >= self.mark.next_seq()
    }

    /// Moves on behind the first `count` entries: acknowledged, or set aside.
    pub(super) fn advance(&mut self, count: usize) {
        for entry in self.pending.drain(..count) {
            self.pending_bytes -= entry.as_entry().line().len();
            self.next_seq = entry.as_entry().position().seq + 1;
            self.done = Some(entry);
        }
        self.suspect = None;
    }

    pub(super) fn grow(&mut self) {
        self.limit = (self.limit * 2).min(BATCH_ENTRIES_MAX);
    }

    pub(super) fn shrink(&mut self, from: usize) {
        self.limit = (from / 2).max(1);
    }

    /// Counts a failure of the first entry alone; returns since when and how often it failed.
    pub(super) fn suspect(&mut self, now: Instant) -> (Instant, u32) {
        let (since, failures) = self.suspect.get_or_insert((now, 0));
        *failures += 1;
        (*since, *failures)
    }

    /// Sets aside the first entry, and moves on behind it.
    pub(super) fn put_first_aside(&mut self, why: &str) -> Result<(), SourceError> {
        self.source.put_dead_letter(&self.pending[0], why)?;
        self.advance(1);
        Ok(())
    }

    /// Stores the cursor where there is something to store and it is time, or `now_or_never`.
    pub(super) fn store_cursor(&mut self, now_or_never: bool) -> Result<(), SourceError> {
        if !now_or_never && self.stored_at.elapsed() < CURSOR_INTERVAL {
            return Ok(());
        }
        let Some(done) = &self.done else {
            return Ok(());
        };
        let source = &mut self.source;
        let stored = self.gate.unless_shut(|| source.store_cursor(done));
        self.stored_at = Instant::now();
        self.is_unstorable = stored.is_err();
        stored?;
        self.done = None;
        Ok(())
    }
}
