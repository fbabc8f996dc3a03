//! The writer of one stream: chains entries into a buffer, and the buffer batch by batch onto the disk.
//!
//! Promise: when [`JournalWriter::sync`] returns `Ok`, every entry appended before it survives power loss. On an error
//! the bytes are kept, and the next call brings the same ones. One `write` and one `fdatasync` a batch.
//! Assumes: one thread; nobody else appends to the stream while its lock is held.
//! Not here: what the records say (`seal`), who waits for them (`recorder`), opening and recovery (`opening`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    cache,
    directory::Directory,
    event::Event,
    handle::StreamHandle,
    mark::DurableMark,
    notes,
    output::Output,
    ranges::Ranges,
    refused::{AppendError, GapCause, SyncError},
    segment::Label,
    settings::{JournalOptions, Seams},
    state::{RequestTag, State},
    storage::StorageLock,
    walk::{BATCH_BYTES_MAX, Place},
};
use crate::{
    checkpoint::{Checkpoint, SigningKey},
    entry::{
        self, ENVELOPE_BYTES_MAX, Kind, LineTooLong, Members, Position, StreamId, TailKey,
        schema::key,
    },
    json,
};

/// Lines behind the kept state at which it is renewed: with a batch on its way, opening reads at most twice as much.
const CACHE_LAG_BYTES_MAX: u64 = BATCH_BYTES_MAX;

/// Between two renewals of the checkpoint file while entries keep coming; checkpoint entries are not held back.
const NOTE_INTERVAL: Duration = Duration::from_millis(100);

/// Appends to one stream, whose lock it holds until it is dropped.
pub struct JournalWriter {
    pub(super) options: Arc<JournalOptions>,
    pub(super) seams: Seams,
    pub(super) directory: Directory,
    pub(super) key: Arc<SigningKey>,
    pub(super) stream: StreamId,
    pub(super) label: Label,
    pub(super) tail: TailKey,
    pub(super) lock: Box<dyn StorageLock>,
    /// The end of the chain and what the stream says of itself, buffered entries included.
    pub(super) state: State,
    pub(super) output: Output,
    /// Lines that are not durable yet, all of `state.day`.
    pub(super) buffer: Vec<u8>,
    /// Where in the buffer each `begin` starts: their places are known once they are written.
    pub(super) begun: Vec<(RequestTag, u64)>,
    /// The greatest acceptance number that is durable or named.
    pub(super) durable_acc: u64,
    /// Bytes of lines behind the kept state.
    pub(super) uncached_bytes: u64,
    /// What is to be found out about the segments once a batch has landed.
    pub(super) doubt: Doubt,
    /// The lock's name stands for another file: nothing is appended any more.
    pub(super) is_lock_lost: bool,
    /// What was found wrong with the directory, for whoever watches.
    pub(super) findings: Vec<String>,
    pub(super) signing: Signing,
    pub(super) mark: Arc<DurableMark>,
    pub(super) heartbeat_at: Instant,
    pub(super) own: Members,
    pub(super) is_closing: bool,
}

/// Why segments are to be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    #[default]
    None,
    /// A batch failed before its file was compared with its name.
    Failed,
    /// The segment was found to be another file: what is lost with it is still to be told.
    Replaced,
}

/// What is signed, and since when something is not.
#[derive(Clone, Debug)]
pub(super) struct Signing {
    /// Size in the newest checkpoint entry, or in the checkpoint file where that is newer.
    pub(super) size: u64,
    /// When the first entry after it came that asks for a signature.
    pub(super) unsigned_since: Option<Instant>,
    /// The checkpoint file lags behind a checkpoint or heartbeat.
    pub(super) note_lags: bool,
    pub(super) note_at: Option<Instant>,
}

impl JournalWriter {
    /// Returns the stream that is written.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Returns the number that the next accepted record takes: greater than every one written or named.
    pub fn next_acc(&self) -> u64 {
        self.state.account.max() + 1
    }

    /// Returns how far the stream is durable; clones of it wait for more.
    pub fn durable(&self) -> Arc<DurableMark> {
        Arc::clone(&self.mark)
    }

    /// Returns the bytes that are not durable yet.
    pub fn buffered_bytes(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// Returns how many `call` and `begin` entries were appended since the stream began.
    pub fn records(&self) -> u64 {
        self.state.account.durable()
    }

    /// Returns how many numbers `gap` and `recovery` entries name since the stream began.
    pub fn dropped(&self) -> u64 {
        self.state.account.dropped()
    }

    /// Chains a record into the buffer and returns its seq.
    ///
    /// # Durability
    /// None yet: call [`JournalWriter::sync`] before acknowledging anything. Where the batch is full it is written first.
    /// # Errors
    /// [`AppendError`]; the record was not taken.
    pub fn append(&mut self, acc: u64, kind: Kind, members: &Members) -> Result<u64, AppendError> {
        if self.is_closing {
            return Err(AppendError::Closed);
        }
        if acc == 0 || self.state.account.has(acc) {
            return Err(AppendError::Twice { acc });
        }
        let day = self.make_room(members.len())?;
        Ok(self.push_record(acc, kind, day, members)?)
    }

    /// Chains a record into the buffer, which has room for it.
    pub(super) fn push_record(
        &mut self,
        acc: u64,
        kind: Kind,
        day: u32,
        members: &Members,
    ) -> Result<u64, LineTooLong> {
        let offset = self.buffer.len() as u64;
        let seq = self.write_line(kind, acc, day, members)?;
        self.state.account.write(acc);
        self.note_begun(kind, members, offset);
        Ok(seq)
    }

    /// Appends a `gap` entry: numbers that will never come, and why.
    ///
    /// # Errors
    /// [`AppendError`]; nothing was taken.
    pub fn append_gap(
        &mut self,
        ranges: &[(u64, u64)],
        cause: GapCause,
    ) -> Result<u64, AppendError> {
        let mut lost = Ranges::default();
        lost.extend(ranges.iter().copied());
        if let Some((first, _)) = ranges.iter().find(|range| !self.is_free(**range)) {
            return Err(AppendError::Twice { acc: *first });
        }
        if self.is_closing {
            return Err(AppendError::Closed);
        }
        let day = self.make_room(0)?;
        Ok(self.push_gap(day, &lost, cause))
    }

    /// Names numbers; its own is the greatest, those that it names included.
    fn push_gap(&mut self, day: u32, lost: &Ranges, cause: GapCause) -> u64 {
        self.state.account.name(lost.iter());
        let event = Event::new()
            .ranges("acc", lost)
            .number("count", lost.count())
            .text("cause", cause.as_str());
        self.push_on(Kind::Gap, day, event)
    }

    /// Remembers an operation that began, until it ends.
    fn note_begun(&mut self, kind: Kind, members: &Members, offset: u64) {
        let has_begun = !self.state.begun.is_empty() || !self.begun.is_empty();
        if kind != Kind::Begin && !has_begun {
            return;
        }
        let id = members.value(key::REQUEST_ID).and_then(json::text);
        let tag = RequestTag::of(&id.unwrap_or_default());
        if kind == Kind::Begin {
            self.begun.push((tag, offset));
        } else {
            self.state.begun.remove(&tag);
            self.begun.retain(|(known, _)| *known != tag);
        }
    }

    /// Says whether all numbers of the range are neither written nor named.
    fn is_free(&self, (first, last): (u64, u64)) -> bool {
        let holes = self.state.account.holes_to(last);
        first <= last && holes.iter().any(|(low, high)| low <= first && last <= high)
    }

    /// Makes everything appended so far durable.
    ///
    /// # Durability
    /// After `Ok`, all of it survives power loss, and the mark says so.
    /// # Errors
    /// [`SyncError`]; the same bytes go into the day's next segment at the next call.
    pub fn sync(&mut self) -> Result<(), SyncError> {
        self.flush()?;
        if self.signing.note_lags && self.note_may_be_renewed() {
            // Its failure harms no entry; `tick` tries again and says so.
            let _ = self.renew_note();
        }
        if self.uncached_bytes >= CACHE_LAG_BYTES_MAX {
            self.check_segments()?;
            // Without it the next opening reads more.
            let _ = self.keep_state();
        }
        if self.checkpoint_is_due() {
            // It goes out with the next batch: under load a checkpoint costs no sync of its own.
            self.push_checkpoint();
        }
        Ok(())
    }

    /// Does what is due by time: a buffered rest, a checkpoint, a heartbeat, the checkpoint file.
    ///
    /// # Errors
    /// [`SyncError`]; what was due stays due.
    pub fn tick(&mut self) -> Result<(), SyncError> {
        self.flush()?;
        if self.checkpoint_is_due() {
            self.push_checkpoint();
            self.flush()?;
        }
        if self.heartbeat_left() == Some(Duration::ZERO) && !self.is_closing {
            self.push_heartbeat()?;
            self.flush()?;
        }
        if self.signing.note_lags {
            self.renew_note()?;
        }
        Ok(())
    }

    /// Returns after how long [`JournalWriter::tick`] has something to do, if nothing is appended meanwhile.
    pub fn next_deadline(&self) -> Option<Duration> {
        if !self.buffer.is_empty() || self.checkpoint_is_due() {
            return Some(Duration::ZERO);
        }
        let note = self.signing.note_lags.then(|| {
            let since = self
                .signing
                .note_at
                .map_or(NOTE_INTERVAL, |at| at.elapsed());
            NOTE_INTERVAL.saturating_sub(since)
        });
        let checkpoint = self.signing.unsigned_since.map(|since| {
            self.options
                .checkpoint_delay_max
                .saturating_sub(since.elapsed())
        });
        [note, checkpoint, self.heartbeat_left()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Says whether the last entry's day is more than one ahead of today: the clock was wrong and set back.
    ///
    /// Then the host stops accepting, lets its queue drain into this stream, and calls
    /// [`JournalWriter::start_new_stream`].
    pub fn is_day_ahead(&self) -> bool {
        self.state.day > self.today().saturating_add(1)
    }

    /// Ends the stream in order: names what is missing, writes `close` and a last checkpoint.
    ///
    /// The lock is kept until the writer is dropped.
    /// # Errors
    /// [`SyncError`]; call it again. Nothing can be appended any more.
    pub fn close(&mut self) -> Result<(), SyncError> {
        if !self.is_closing {
            self.flush()?;
            // Behind `close` nothing can be told any more.
            self.check_current()?;
            self.check_segments()?;
            self.name_holes()?;
            let event = self.counts();
            self.push_own(Kind::Close, event)?;
            self.is_closing = true;
        }
        self.flush()?;
        if self.signing.unsigned_since.is_some() {
            self.push_checkpoint();
            self.flush()?;
        }
        if self.signing.note_lags {
            self.renew_note()?;
        }
        if self.uncached_bytes > 0 {
            // Without it the next opening reads more; no entry is harmed.
            let _ = self.keep_state();
        }
        Ok(())
    }

    /// Says whether the lock file was removed or replaced: another process may take the stream.
    ///
    /// Then nothing more is appended, and the host calls [`JournalWriter::start_elsewhere`].
    pub fn is_lock_lost(&self) -> bool {
        self.is_lock_lost
    }

    /// Takes what was found wrong with the journal's directory since the last call, for people to read.
    pub fn take_findings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.findings)
    }

    /// Returns what followers need of this stream, on any thread.
    pub fn handle(&self) -> StreamHandle {
        StreamHandle::new(
            &self.directory,
            self.stream,
            self.label,
            Some(self.durable()),
        )
    }

    pub(super) fn today(&self) -> u32 {
        self.seams.clock.now().day()
    }

    /// Returns the next entry's day, with its segment ready and room in the batch.
    pub(super) fn make_room(&mut self, members_bytes: usize) -> Result<u32, SyncError> {
        if self.is_lock_lost {
            return Err(self.lock_replaced());
        }
        let line_bytes = (members_bytes + ENVELOPE_BYTES_MAX) as u64;
        let is_full = self.is_unsigned_full()
            || !self.buffer.is_empty() && self.buffered_bytes() + line_bytes > BATCH_BYTES_MAX;
        if is_full {
            self.sync()?;
        }
        let day = self.today().max(self.state.day);
        if self.must_turn(day) {
            self.flush()?;
            self.turn();
            self.push_checkpoint_on(day);
        }
        Ok(day)
    }

    pub(super) fn must_turn(&self, day: u32) -> bool {
        let buffered = self.buffer.len() as u64;
        match self.output.current() {
            // After a failure, and before the first batch: the segment is made when the batch is written.
            None => self.state.next_seq > 0 && self.state.day != day,
            Some((current_day, len)) => {
                current_day != day || len > 0 && len + buffered >= self.options.segment_bytes_max
            }
        }
    }

    /// Entries behind the newest checkpoint.
    fn unsigned(&self) -> u64 {
        self.state.next_seq - self.signing.size
    }

    fn checkpoint_is_due(&self) -> bool {
        let waited = self.signing.unsigned_since.map(|since| since.elapsed());
        waited.is_some_and(|waited| waited >= self.options.checkpoint_delay_max)
            || self.is_unsigned_full()
    }

    /// Says whether as many entries as are allowed are unsigned; a checkpoint alone never asks for another one.
    fn is_unsigned_full(&self) -> bool {
        self.unsigned() >= self.options.checkpoint_entries_max.max(2)
    }

    fn note_may_be_renewed(&self) -> bool {
        self.signing
            .note_at
            .is_none_or(|at| at.elapsed() >= NOTE_INTERVAL)
    }

    fn heartbeat_left(&self) -> Option<Duration> {
        let period = self.options.heartbeat?;
        Some(period.saturating_sub(self.heartbeat_at.elapsed()))
    }

    /// Writes the buffer and moves the mark; after `Ok` the buffer is empty.
    pub(super) fn flush(&mut self) -> Result<(), SyncError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.doubt == Doubt::Replaced || self.output.segment().is_none() {
            // Without a segment nothing but the lock keeps another writer from the stream.
            self.check_directory()?;
            self.check_lock();
        }
        if self.is_lock_lost {
            return Err(self.lock_replaced());
        }
        let written = self.output.write(self.state.day, &self.buffer);
        if let Err(error) = written {
            let doubt = match error {
                SyncError::SegmentReplaced { .. } => Doubt::Replaced,
                _ => Doubt::Failed,
            };
            self.doubt = self.doubt.max(doubt);
            return Err(error);
        }
        self.landed();
        self.check_lock();
        match std::mem::take(&mut self.doubt) {
            Doubt::None => Ok(()),
            Doubt::Failed => self.check_segments(),
            Doubt::Replaced => self.tell_lost(true),
        }
    }

    /// The batch is durable, in the segment that its name stands for.
    fn landed(&mut self) {
        let batch_bytes = self.buffered_bytes();
        if let Some((segment, len)) = self.output.segment() {
            let start = len - batch_bytes;
            self.state
                .extend_segment(segment, len, self.mark.next_seq());
            for (tag, offset) in self.begun.drain(..) {
                let offset = start + offset;
                self.state.begun.insert(tag, Place { segment, offset });
            }
        }
        self.uncached_bytes += batch_bytes;
        self.durable_acc = self.state.account.max();
        self.buffer.clear();
        self.mark.advance(self.state.next_seq);
    }

    /// Keeps what the next opening needs, signed.
    fn keep_state(&mut self) -> Result<(), SyncError> {
        if !self.buffer.is_empty() {
            return Ok(());
        }
        let note = self.note();
        cache::store(&self.directory, self.stream, &self.state, &note, &self.tail)?;
        self.uncached_bytes = 0;
        Ok(())
    }

    /// Signs everything before it; there must be nothing that is not durable.
    pub(super) fn push_checkpoint(&mut self) {
        let day = self.today().max(self.state.day);
        if self.must_turn(day) {
            self.turn();
        }
        self.push_checkpoint_on(day);
    }

    fn push_checkpoint_on(&mut self, day: u32) {
        debug_assert!(self.buffer.is_empty(), "only durable bytes are signed");
        let size = self.state.next_seq;
        let event = Event::new().text("note", &self.note());
        self.push_on(Kind::Checkpoint, day, event);
        self.signing.size = size;
        self.signing.unsigned_since = None;
        self.signing.note_lags = true;
    }

    /// Returns the signed head of everything in the tree, which must be durable.
    fn note(&self) -> String {
        let (size, root) = (self.state.next_seq, self.state.tree.root());
        Checkpoint::new(&self.key, self.stream, size, root).sign(&self.key)
    }

    /// Renews the checkpoint file, so that it covers the checkpoint entry itself.
    fn renew_note(&mut self) -> Result<(), SyncError> {
        if !self.buffer.is_empty() {
            return Ok(());
        }
        notes::store(&self.directory, self.stream, &self.note())?;
        self.signing.note_lags = false;
        self.signing.note_at = Some(Instant::now());
        Ok(())
    }

    fn push_heartbeat(&mut self) -> Result<(), SyncError> {
        let event = self.counts();
        self.push_own(Kind::Heartbeat, event)?;
        self.heartbeat_at = Instant::now();
        self.signing.note_lags = true;
        Ok(())
    }

    /// Names every number that was accepted and neither written nor named.
    fn name_holes(&mut self) -> Result<(), SyncError> {
        let account = &self.state.account;
        let holes = account.holes_to(account.max());
        if !holes.is_empty() {
            let day = self.make_room(0)?;
            self.push_gap(day, &holes, GapCause::Unaccounted);
        }
        Ok(())
    }

    /// Returns the event of `close` and `heartbeat`.
    fn counts(&self) -> Event {
        let account = &self.state.account;
        Event::new()
            .number("accepted", account.max())
            .number("durable", account.durable())
            .number("dropped", account.dropped())
    }

    /// Appends an own entry where a record would go.
    pub(super) fn push_own(&mut self, kind: Kind, event: Event) -> Result<u64, SyncError> {
        let day = self.make_room(event.len())?;
        Ok(self.push_on(kind, day, event))
    }

    /// Appends an own entry of a day.
    pub(super) fn push_on(&mut self, kind: Kind, day: u32, event: Event) -> u64 {
        let mut members = std::mem::take(&mut self.own);
        members.clear();
        members.push_str(key::TIMESTAMP, &self.seams.clock.now().to_string());
        members.push_null(key::USER_ID);
        let event = event.finish();
        members.push_raw(key::EVENT, &event);
        self.state.read_event(kind, &event);
        let acc = self.state.account.max();
        let seq = self.write_line(kind, acc, day, &members);
        self.own = members;
        seq.expect("own entries are far shorter than the longest line")
    }

    /// Chains one line into the buffer.
    pub(super) fn write_line(
        &mut self,
        kind: Kind,
        acc: u64,
        day: u32,
        members: &Members,
    ) -> Result<u64, LineTooLong> {
        let mut salts = [[0; 16]; 5];
        self.seams.entropy.fill(salts.as_flattened_mut());
        let (seq, prev) = (self.state.next_seq, self.state.prev);
        let at = Position {
            stream: self.stream,
            seq,
            acc,
            kind,
            day,
            prev,
        };
        let tail_key = Some(&self.tail);
        let leaf = entry::write_line(&mut self.buffer, members, &at, &salts, tail_key)?;
        self.state.go_on(leaf, day);
        if !matches!(kind, Kind::Checkpoint | Kind::Heartbeat) {
            self.signing.unsigned_since.get_or_insert_with(Instant::now);
        }
        Ok(seq)
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        // Nobody waits for what will not come.
        self.mark.close();
    }
}
