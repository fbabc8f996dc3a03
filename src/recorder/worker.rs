//! The one thread that writes: judge, seal, append, sync, batch by batch.
//!
//! Promise: an acknowledgement is resolved after `fdatasync` returned; a storage that fails or hangs holds this
//! thread and nobody else; what cannot be written stays queued until it can be, or is named by a `gap` entry.
//! Not here: the queue's bound (`queue`), the files (`journal`).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Shared,
    queue::{Flush, Queued, Taken},
};
use crate::{
    ack::{AckCell, AckError, Durable},
    entry::{Kind, Members},
    journal::{GapCause, JournalOptions, JournalWriter, Seams},
    record::Stage,
};

/// Lines are synced once this many bytes are buffered, so that memory stays bounded within one batch.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// The first pause after a failed write; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// The longest pause between two tries to write.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Called with each stream that is opened for writing, so that followers can follow it.
pub(crate) type OnOpen = Box<dyn FnMut(&JournalWriter) + Send>;

/// A record that is in the writer's buffer.
struct Unsynced {
    acc: u64,
    ack: Option<Arc<AckCell>>,
}

/// The writing thread's state.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    options: JournalOptions,
    seams: Seams,
    on_open: OnOpen,
    /// `None` while at rest: the stream is closed and its lock released.
    writer: Option<JournalWriter>,
    /// What a number of the queue needs to be a number of the stream.
    acc_offset: i128,
    /// The number of the first record that is not dealt with.
    next_number: u64,
    members: Members,
    unsynced: Vec<Unsynced>,
    failing: bool,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        options: JournalOptions,
        seams: Seams,
        writer: JournalWriter,
        on_open: OnOpen,
    ) -> Self {
        let mut worker = Self {
            shared,
            options,
            seams,
            on_open,
            writer: None,
            acc_offset: 0,
            next_number: 1,
            members: Members::new(),
            unsynced: Vec::new(),
            failing: false,
        };
        worker.take_over(writer);
        worker
    }

    /// Runs until the queue is closed and everything is written.
    pub(crate) fn run(mut self) {
        loop {
            let taken = self.shared.queue.take(self.deadline(), self.shared.linger);
            let closed = taken.closed;
            let flushes = self.write(taken);
            self.tick();
            self.finish(flushes, closed);
            if closed {
                return;
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        self.writer.as_ref().and_then(JournalWriter::next_deadline)
    }

    /// Writes all that was taken and makes it durable.
    fn write(&mut self, taken: Taken) -> Vec<Flush> {
        let count = taken.records.len() as u64;
        let lost: u64 = taken.dropped.iter().map(|(first, last)| last - first + 1).sum();
        if count + lost > 0 {
            self.open();
            let mut gaps = taken.dropped;
            self.append_gaps(&mut gaps, GapCause::QueueFull);
            taken.records.into_iter().for_each(|queued| self.append(queued));
            self.next_number += count + lost;
        }
        self.commit();
        taken.flushes
    }

    /// Opens the journal where it was at rest, trying until it can be.
    fn open(&mut self) {
        let mut backoff = BACKOFF_MIN;
        while self.writer.is_none() {
            match JournalWriter::open(self.options.clone(), self.seams.clone()) {
                Ok((writer, _)) => self.take_over(writer),
                Err(error) => self.back_off(&error.to_string(), &mut backoff),
            }
        }
    }

    fn take_over(&mut self, writer: JournalWriter) {
        self.acc_offset = i128::from(writer.next_acc()) - i128::from(self.next_number);
        self.shared.set_stream(&writer.stream().to_string());
        (self.on_open)(&writer);
        self.writer = Some(writer);
    }

    fn acc(&self, number: u64) -> u64 {
        (i128::from(number) + self.acc_offset) as u64
    }

    fn append(&mut self, queued: Queued) {
        let (acc, mut record) = (self.acc(queued.number), queued.record);
        let kind = match record.stage {
            Stage::Begun => Kind::Begin,
            Stage::Ended => Kind::Call,
        };
        self.members.clear();
        // A price rule or a body that breaks our code must not end the audit of everything after it.
        let sealed = catch_unwind(AssertUnwindSafe(|| {
            let outcome = record.outcome.take();
            let outcome = outcome.map_or_else(|| self.shared.judge(&record), |outcome| *outcome);
            self.shared.sealer.seal(&record, &outcome, &mut self.members);
        }));
        let ack = record.ack.take();
        let appended = sealed.is_ok() && self.append_members(acc, kind);
        if !appended {
            return self.give_up(acc, ack.as_ref());
        }
        self.unsynced.push(Unsynced { acc, ack });
        if self.writer.as_ref().is_some_and(|writer| writer.buffered_bytes() >= BATCH_BYTES_MAX) {
            self.commit();
        }
    }

    fn append_members(&mut self, acc: u64, kind: Kind) -> bool {
        let writer = self.writer.as_mut().expect("open() returned, so there is a writer");
        match writer.append(acc, kind, &self.members) {
            Ok(()) => true,
            Err(error) => {
                self.shared.condition.trouble(self.shared.now(), error.to_string());
                false
            }
        }
    }

    /// Names a record that cannot be written, whatever the storage does.
    fn give_up(&mut self, acc: u64, ack: Option<&Arc<AckCell>>) {
        self.shared.queue.settle(0, 1);
        let writer = self.writer.as_mut().expect("open() returned, so there is a writer");
        if let Err(error) = writer.append_gap(&[(acc, acc)], GapCause::SealFailed) {
            self.shared.condition.trouble(self.shared.now(), error.to_string());
        }
        if let Some(ack) = ack {
            ack.resolve(Err(AckError::Dropped));
        }
    }

    fn append_gaps(&mut self, numbers: &mut [(u64, u64)], cause: GapCause) {
        if numbers.is_empty() {
            return;
        }
        for range in numbers.iter_mut() {
            *range = (self.acc(range.0), self.acc(range.1));
        }
        let text = format!("{} ranges of records dropped: the queue was full", numbers.len());
        self.shared.condition.trouble(self.shared.now(), text);
        let writer = self.writer.as_mut().expect("open() returned, so there is a writer");
        if let Err(error) = writer.append_gap(numbers, cause) {
            self.shared.condition.trouble(self.shared.now(), error.to_string());
        }
    }

    /// Makes everything buffered durable, trying until it is; the queue's bound protects the host meanwhile.
    fn commit(&mut self) {
        let mut backoff = BACKOFF_MIN;
        while let Some(writer) = self.writer.as_mut() {
            match writer.sync() {
                Ok(()) => break,
                Err(error) => self.back_off(&error.to_string(), &mut backoff),
            }
        }
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

    fn back_off(&mut self, error: &str, backoff: &mut Duration) {
        self.shared.condition.trouble(self.shared.now(), error.to_owned());
        std::thread::sleep(*backoff);
        *backoff = (*backoff * 2).min(BACKOFF_MAX);
    }

    /// Lets the journal do what time asks of it: checkpoints, midnight, heartbeats, a new stream.
    fn tick(&mut self) {
        let Some(writer) = self.writer.as_mut() else { return };
        if let Err(error) = writer.tick() {
            self.shared.condition.trouble(self.shared.now(), error.to_string());
        }
    }

    /// Closes the stream where that was asked for, and tells who waits.
    fn finish(&mut self, flushes: Vec<Flush>, closed: bool) {
        if closed || flushes.iter().any(|flush| flush.rest) {
            self.rest();
        }
        for flush in flushes {
            flush.done.resolve(Ok(Durable { acc: 0 }));
        }
    }

    fn rest(&mut self) {
        let Some(writer) = self.writer.take() else { return };
        if let Err(error) = writer.close() {
            self.shared.condition.trouble(self.shared.now(), error.to_string());
        }
    }
}
