//! The one thread that writes: judge, seal, append, sync, batch by batch.
//!
//! Promise: an acknowledgement is resolved after `fdatasync` returned; a storage that fails or hangs holds this
//! thread and nobody else; what cannot be written stays queued until it can be, or is named by a `gap` entry.
//! Not here: the queue's bound (`queue`), the files (`journal`).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::{
    Shared, Streams,
    queue::{Flush, Queued, Taken},
};
use crate::{
    ack::{AckCell, AckError, Durable},
    entry::Kind,
    journal::{AppendError, GapCause, JournalWriter},
    record::{AuditRecord, Stage},
    seal::SealedRecord,
};

/// Lines are synced once this many bytes are buffered, so that memory stays bounded within one batch.
const BATCH_BYTES_MAX: u64 = 1 << 20;
/// The first pause after a failed write; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// The longest pause between two tries to write.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A record that is in the writer's buffer.
struct Unsynced {
    acc: u64,
    ack: Option<Arc<AckCell>>,
}

/// The writing thread's state.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    streams: Arc<dyn Streams>,
    writer: JournalWriter,
    /// What a number of the queue needs to be a number of the stream.
    acc_offset: i128,
    /// The number of the first record that is not dealt with.
    next_number: u64,
    sealed: SealedRecord,
    unsynced: Vec<Unsynced>,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        streams: Arc<dyn Streams>,
        writer: JournalWriter,
    ) -> Self {
        let mut worker = Self {
            shared,
            streams,
            writer,
            acc_offset: 0,
            next_number: 1,
            sealed: SealedRecord::default(),
            unsynced: Vec::new(),
        };
        worker.begin_stream();
        worker
    }

    /// Runs until the queue is closed and everything is written.
    pub(crate) fn run(mut self) {
        loop {
            let taken = self
                .shared
                .queue
                .take(self.writer.next_deadline(), self.shared.pace);
            let closed = taken.closed;
            let flushes = self.write(taken);
            self.tick();
            self.finish(flushes, closed);
            if closed {
                return self.streams.left(self.writer);
            }
        }
    }

    /// Writes all that was taken and makes it durable.
    fn write(&mut self, taken: Taken) -> Vec<Flush> {
        let count = taken.records.len() as u64;
        let lost: u64 = taken
            .dropped
            .iter()
            .map(|(first, last)| last - first + 1)
            .sum();
        if count + lost > 0 {
            self.until_done(JournalWriter::resume);
            self.append_gaps(taken.dropped, GapCause::QueueFull);
            taken
                .records
                .into_iter()
                .for_each(|queued| self.append(queued));
            self.next_number += count + lost;
        }
        self.commit();
        taken.flushes
    }

    /// Numbers what comes for the stream that is now written, and tells who follows.
    fn begin_stream(&mut self) {
        self.acc_offset = i128::from(self.writer.next_acc()) - i128::from(self.next_number);
        self.shared.set_stream(&self.writer.stream().to_string());
        self.streams.opened(&self.writer);
    }

    fn acc(&self, number: u64) -> u64 {
        (i128::from(number) + self.acc_offset) as u64
    }

    fn append(&mut self, queued: Queued) {
        let (acc, mut record) = (self.acc(queued.number), queued.record);
        let ack = record.ack.take();
        if !self.seal(&mut record) {
            return self.give_up(acc, ack.as_ref(), GapCause::SealFailed);
        }
        if !self.append_members(acc, kind(&record)) {
            return self.give_up(acc, ack.as_ref(), GapCause::TooLong);
        }
        self.unsynced.push(Unsynced { acc, ack });
        if self.writer.buffered_bytes() >= BATCH_BYTES_MAX {
            self.commit();
        }
    }

    /// Turns a record into members; a body or a price rule that breaks our code must not end the audit of the rest.
    fn seal(&mut self, record: &mut AuditRecord) -> bool {
        let sealed = catch_unwind(AssertUnwindSafe(|| {
            let outcome = self.shared.judge(record);
            self.shared.sealer.seal(record, &outcome, &mut self.sealed);
        }));
        sealed.is_ok()
    }

    /// Appends the sealed members; says whether they could be.
    fn append_members(&mut self, acc: u64, kind: Kind) -> bool {
        let mut backoff = BACKOFF_MIN;
        loop {
            match self.writer.append(acc, kind, self.sealed.members()) {
                Ok(_) => return true,
                Err(error @ AppendError::Sync(_)) => {
                    self.back_off(&error.to_string(), &mut backoff);
                }
                Err(error) => {
                    self.shared.trouble(error.to_string());
                    return false;
                }
            }
        }
    }

    /// Names a record that cannot be written, whatever the storage does.
    fn give_up(&mut self, acc: u64, ack: Option<&Arc<AckCell>>, cause: GapCause) {
        self.shared.queue.settle(0, 1);
        self.append_gap(&[(acc, acc)], cause);
        if let Some(ack) = ack {
            ack.resolve(Err(AckError::Dropped));
        }
    }

    fn append_gaps(&mut self, numbers: Vec<(u64, u64)>, cause: GapCause) {
        let ranges: Vec<_> = numbers
            .into_iter()
            .map(|(first, last)| (self.acc(first), self.acc(last)))
            .collect();
        if !ranges.is_empty() {
            self.append_gap(&ranges, cause);
        }
    }

    fn append_gap(&mut self, ranges: &[(u64, u64)], cause: GapCause) {
        let mut backoff = BACKOFF_MIN;
        while let Err(error) = self.writer.append_gap(ranges, cause) {
            if !error.is_retryable() {
                return self.shared.trouble(error.to_string());
            }
            self.back_off(&error.to_string(), &mut backoff);
        }
    }

    /// Makes everything buffered durable, trying until it is; the queue's bound protects the host meanwhile.
    fn commit(&mut self) {
        self.until_done(JournalWriter::sync);
        if self.unsynced.is_empty() {
            return;
        }
        self.shared.queue.settle(self.unsynced.len() as u64, 0);
        self.shared.condition.good();
        for Unsynced { acc, ack } in self.unsynced.drain(..) {
            if let Some(ack) = ack {
                ack.resolve(Ok(Durable { acc }));
            }
        }
    }

    /// Does a step of the journal until it succeeds.
    fn until_done<E: std::fmt::Display>(
        &mut self,
        step: impl Fn(&mut JournalWriter) -> Result<(), E>,
    ) {
        let mut backoff = BACKOFF_MIN;
        while let Err(error) = step(&mut self.writer) {
            self.back_off(&error.to_string(), &mut backoff);
        }
    }

    fn back_off(&mut self, error: &str, backoff: &mut Duration) {
        self.shared.trouble(error.to_owned());
        std::thread::sleep(*backoff);
        *backoff = (*backoff * 2).min(BACKOFF_MAX);
    }

    /// Lets the journal do what time asks of it: checkpoints, heartbeats, a new stream when the clock was far ahead.
    fn tick(&mut self) {
        if let Err(error) = self.writer.tick() {
            self.shared.trouble(error.to_string());
        }
        if self.writer.is_day_ahead() {
            match self.writer.start_new_stream() {
                Ok((old, _)) => {
                    self.begin_stream();
                    self.streams.left(old);
                }
                Err(error) => self.shared.trouble(error.to_string()),
            }
        }
    }

    /// Closes the stream where that was asked for, and tells who waits.
    fn finish(&mut self, flushes: Vec<Flush>, closed: bool) {
        if (closed || flushes.iter().any(|flush| flush.rest))
            && let Err(error) = self.writer.close()
        {
            self.shared.trouble(error.to_string());
        }
        for flush in flushes {
            flush.done.resolve(Ok(Durable { acc: 0 }));
        }
    }
}

fn kind(record: &AuditRecord) -> Kind {
    match record.stage {
        Stage::Begun => Kind::Begin,
        Stage::Ended => Kind::Call,
    }
}
