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
    account::Account,
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
    storage::StorageLock,
};
use crate::{
    checkpoint::{Checkpoint, SigningKey},
    entry::{self, Kind, Leaf, LineTooLong, Members, Position, StreamId, schema::key},
    tree::Frontier,
};

/// A batch is written once it has this many bytes: memory is bounded while the disk is slow, and the call amortised.
const BATCH_BYTES_MAX: usize = 4 << 20;

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
    #[expect(dead_code, reason = "held, never read")]
    pub(super) lock: Box<dyn StorageLock>,
    pub(super) chain: Chain,
    pub(super) output: Output,
    pub(super) account: Account,
    /// Lines that are not durable yet, all of `chain.day`.
    pub(super) buffer: Vec<u8>,
    pub(super) signing: Signing,
    pub(super) mark: Arc<DurableMark>,
    pub(super) heartbeat_at: Instant,
    pub(super) own: Members,
    pub(super) is_closing: bool,
}

/// The end of the chain, buffered entries included.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) next_seq: u64,
    pub(super) prev: Leaf,
    /// The day of the last entry.
    pub(super) day: u32,
    pub(super) tree: Frontier,
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
        self.account.max() + 1
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
        self.account.durable()
    }

    /// Returns how many numbers `gap` and `recovery` entries name since the stream began.
    pub fn dropped(&self) -> u64 {
        self.account.dropped()
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
        if acc == 0 || self.account.has(acc) {
            return Err(AppendError::Twice { acc });
        }
        let day = self.make_room()?;
        let seq = self.write_line(kind, acc, day, members)?;
        self.account.write(acc);
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
        let event = Event::new()
            .ranges("acc", &lost)
            .number("count", lost.count())
            .text("cause", cause.as_str());
        let seq = self.append_own(Kind::Gap, event)?;
        self.account.name(lost.iter());
        Ok(seq)
    }

    /// Says whether all numbers of the range are neither written nor named.
    fn is_free(&self, (first, last): (u64, u64)) -> bool {
        let holes = self.account.holes_to(last);
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
        self.chain.day > self.today().saturating_add(1)
    }

    /// Ends the stream in order: names what is missing, writes `close` and a last checkpoint.
    ///
    /// The lock is kept until the writer is dropped.
    /// # Errors
    /// [`SyncError`]; call it again. Nothing can be appended any more.
    pub fn close(&mut self) -> Result<(), SyncError> {
        if !self.is_closing {
            self.flush()?;
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
        Ok(())
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
    fn make_room(&mut self) -> Result<u32, SyncError> {
        let is_full = self.unsigned() >= self.options.checkpoint_entries_max
            || self.buffer.len() >= BATCH_BYTES_MAX;
        if is_full {
            self.sync()?;
        }
        let day = self.today().max(self.chain.day);
        if self.must_turn(day) {
            self.flush()?;
            self.output.turn();
            self.push_checkpoint_on(day);
        }
        Ok(day)
    }

    pub(super) fn must_turn(&self, day: u32) -> bool {
        let buffered = self.buffer.len() as u64;
        match self.output.current() {
            // After a failure, and before the first batch: the segment is made when the batch is written.
            None => self.chain.next_seq > 0 && self.chain.day != day,
            Some((current_day, len)) => {
                current_day != day || len > 0 && len + buffered >= self.options.segment_bytes_max
            }
        }
    }

    /// Entries behind the newest checkpoint.
    fn unsigned(&self) -> u64 {
        self.chain.next_seq - self.signing.size
    }

    fn checkpoint_is_due(&self) -> bool {
        let waited = self.signing.unsigned_since.map(|since| since.elapsed());
        waited.is_some_and(|waited| waited >= self.options.checkpoint_delay_max)
            || self.unsigned() >= self.options.checkpoint_entries_max
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

    /// Writes the buffer and moves the mark.
    pub(super) fn flush(&mut self) -> Result<(), SyncError> {
        if !self.buffer.is_empty() {
            self.output.write(self.chain.day, &self.buffer)?;
            self.buffer.clear();
            self.mark.advance(self.chain.next_seq);
        }
        Ok(())
    }

    /// Signs everything before it; there must be nothing that is not durable.
    fn push_checkpoint(&mut self) {
        let day = self.today().max(self.chain.day);
        if self.must_turn(day) {
            self.output.turn();
        }
        self.push_checkpoint_on(day);
    }

    fn push_checkpoint_on(&mut self, day: u32) {
        debug_assert!(self.buffer.is_empty(), "only durable bytes are signed");
        let size = self.chain.next_seq;
        let event = Event::new().text("note", &self.note());
        self.push_on(Kind::Checkpoint, day, event);
        self.signing.size = size;
        self.signing.unsigned_since = None;
        self.signing.note_lags = true;
    }

    /// Returns the signed head of everything in the tree, which must be durable.
    fn note(&self) -> String {
        let (size, root) = (self.chain.next_seq, self.chain.tree.root());
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
        let holes = self.account.holes_to(self.account.max());
        if holes.is_empty() {
            return Ok(());
        }
        let event = Event::new()
            .ranges("acc", &holes)
            .number("count", holes.count())
            .text("cause", GapCause::Unaccounted.as_str());
        self.push_own(Kind::Gap, event)?;
        self.account.name(holes.iter());
        Ok(())
    }

    /// Returns the event of `close` and `heartbeat`.
    fn counts(&self) -> Event {
        Event::new()
            .number("accepted", self.account.max())
            .number("durable", self.account.durable())
            .number("dropped", self.account.dropped())
    }

    fn append_own(&mut self, kind: Kind, event: Event) -> Result<u64, AppendError> {
        if self.is_closing {
            return Err(AppendError::Closed);
        }
        let seq = self.push_own(kind, event)?;
        Ok(seq)
    }

    /// Appends an own entry where a record would go.
    pub(super) fn push_own(&mut self, kind: Kind, event: Event) -> Result<u64, SyncError> {
        let day = self.make_room()?;
        Ok(self.push_on(kind, day, event))
    }

    /// Appends an own entry of a day.
    pub(super) fn push_on(&mut self, kind: Kind, day: u32, event: Event) -> u64 {
        let mut members = std::mem::take(&mut self.own);
        members.clear();
        members.push_str(key::TIMESTAMP, &self.seams.clock.now().to_string());
        members.push_null(key::USER_ID);
        members.push_raw(key::EVENT, &event.finish());
        let acc = self.account.max();
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
        let Chain {
            next_seq: seq,
            prev,
            ..
        } = self.chain;
        let at = Position {
            stream: self.stream,
            seq,
            acc,
            kind,
            day,
            prev,
        };
        let leaf = entry::write_line(&mut self.buffer, members, &at, &salts)?;
        self.chain.tree.push(leaf);
        self.chain.prev = leaf;
        self.chain.next_seq += 1;
        self.chain.day = day;
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
