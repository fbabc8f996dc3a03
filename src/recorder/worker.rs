//! The one thread that writes: judge, seal, append, sync, batch by batch.
//!
//! Promise: an acknowledgement is resolved after `fdatasync` returned; a storage that fails or hangs holds this
//! thread and nobody else; what cannot be written stays queued until it can be, or is named by a `gap` entry. What fails
//! is tried again ever less often. However the thread ends, callers learn of it: health first, then every
//! acknowledgement.
//! Not here: the queue's bound (`queue`), the files (`journal`).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use super::{
    Backoff, Shared, Streams,
    queue::{Flush, Queued, Taken},
};
use crate::{
    ack::{AckError, AckResolver, Durable},
    record::{AuditRecord, Stage},
    seal::SealedRecord,
};
use llm_audit_journal::{
    entry::Kind,
    journal::{AppendError, BATCH_BYTES_MAX, GapCause, JournalWriter},
};

/// The first pause after a failed write; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(10);
/// The longest pause between two tries to write.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// A record that is in the writer's buffer, or on its way there.
struct Unsynced {
    /// Its number in the queue.
    number: u64,
    /// Its entry, once it is in the buffer.
    seq: Option<u64>,
    ack: Option<AckResolver>,
}

/// Ends the recorder when the writing thread does: when this is dropped, however that comes about.
struct ThreadEnd {
    shared: Arc<Shared>,
    /// Why nothing is written any more.
    why: &'static str,
}

impl Drop for ThreadEnd {
    fn drop(&mut self) {
        self.shared.end(self.why);
    }
}

/// The writing thread's state.
pub(crate) struct Worker {
    /// The first field, so that health is bad before the acknowledgements below it resolve.
    end: ThreadEnd,
    shared: Arc<Shared>,
    streams: Arc<dyn Streams>,
    pub(super) writer: JournalWriter,
    /// What a number of the queue needs to be a number of the stream.
    acc_offset: i128,
    /// The number of the first record that is not dealt with.
    next_number: u64,
    sealed: SealedRecord,
    /// Taken and not yet written; here, and not on the stack, so that a panic takes none of it along.
    records: std::vec::IntoIter<Queued>,
    unsynced: Vec<Unsynced>,
    flushes: Vec<Flush>,
    /// When what is due by time may be tried again.
    pub(super) retry: Backoff,
}

impl Worker {
    pub(crate) fn new(
        shared: Arc<Shared>,
        streams: Arc<dyn Streams>,
        writer: JournalWriter,
    ) -> Self {
        let end = ThreadEnd {
            shared: Arc::clone(&shared),
            why: "the audit's writing thread could not be started: nothing is written; restart the process",
        };
        let mut worker = Self {
            end,
            shared,
            streams,
            writer,
            acc_offset: 0,
            next_number: 1,
            sealed: SealedRecord::default(),
            records: Vec::new().into_iter(),
            unsynced: Vec::new(),
            flushes: Vec::new(),
            retry: Backoff::new(BACKOFF_MIN, BACKOFF_MAX),
        };
        worker.begin_stream();
        worker
    }

    /// Runs until the queue is closed and everything is written, or until something panics.
    pub(crate) fn run(mut self) {
        let worked = catch_unwind(AssertUnwindSafe(|| while !self.round() {}));
        self.end.why = match worked {
            Ok(()) => "the audit has ended",
            Err(_) => {
                "the audit's writing thread panicked: nothing more is written, and records that were not durable are \
                 lost; restart the process, and report the panic's message"
            }
        };
        let Self {
            end,
            streams,
            writer,
            ..
        } = self;
        drop(end);
        // After a panic too: what is durable is sent as far as that is quick, and no cursor is written once the
        // stream's lock is given up.
        let _ = catch_unwind(AssertUnwindSafe(|| streams.left(writer)));
    }

    /// Takes what there is and writes it; says whether that was the last.
    pub(super) fn round(&mut self) -> bool {
        let Taken {
            records,
            dropped,
            flushes,
            closed,
        } = self
            .shared
            .queue
            .take(self.rest_at_most(), self.shared.pace);
        self.records = records.into_iter();
        self.flushes.extend(flushes);
        self.write(&dropped);
        self.tick();
        self.finish(closed);
        if self.writer.is_lock_lost() {
            self.go_elsewhere();
            if closed {
                // Nobody comes back to end the new stream in order.
                self.close();
            }
        }
        let findings = self.writer.take_findings();
        self.note_findings(findings);
        closed
    }

    /// Returns after how long there is something to do, if nothing comes meanwhile.
    pub(super) fn rest_at_most(&self) -> Option<Duration> {
        // A flush that waits for the stream to be closed waits for the next try.
        let close = (!self.flushes.is_empty()).then_some(Duration::ZERO);
        let due = close.or_else(|| self.writer.next_deadline())?;
        Some(due.max(self.retry.left()))
    }

    /// Writes all that was taken and makes it durable.
    fn write(&mut self, dropped: &[(u64, u64)]) {
        let count = self.records.len() as u64;
        let lost: u64 = dropped.iter().map(|(first, last)| last - first + 1).sum();
        if count + lost == 0 {
            // What the journal itself has to write is tried again by `tick`, ever less often.
            return;
        }
        self.until_done(JournalWriter::resume);
        // In the order of their numbers, so that whatever is durable comes before whatever is not: where this stream
        // must be left half-way, the rest begins the next one from 1.
        let mut dropped = dropped.iter().copied().peekable();
        while let Some(queued) = self.records.next() {
            while let Some(range) = dropped.next_if(|(first, _)| *first < queued.number) {
                self.append_gaps(&[range], GapCause::QueueFull);
            }
            self.append(queued);
        }
        let rest: Vec<_> = dropped.collect();
        self.append_gaps(&rest, GapCause::QueueFull);
        self.next_number += count + lost;
        self.commit();
    }

    /// Notes what is wrong with the journal's directory, each a sentence for the health.
    pub(crate) fn note_findings(&mut self, findings: Vec<String>) {
        for finding in findings {
            self.shared.found(finding);
        }
    }

    /// Numbers what comes for the stream that is now written, and tells who follows.
    fn begin_stream(&mut self) {
        self.acc_offset = i128::from(self.writer.next_acc()) - i128::from(self.next_number);
        self.shared.set_stream(&self.writer.stream().to_string());
        self.streams.opened(&self.writer);
    }

    fn acc(&self, number: u64) -> u64 {
        acc_of(number, self.acc_offset)
    }

    fn append(&mut self, queued: Queued) {
        let (number, mut record) = (queued.number, queued.record);
        let ack = record.ack.take();
        self.unsynced.push(Unsynced {
            number,
            seq: None,
            ack,
        });
        if !self.seal(&mut record) {
            return self.give_up(GapCause::SealFailed);
        }
        let Some(seq) = self.append_members(number, kind(&record)) else {
            return self.give_up(GapCause::TooLong);
        };
        if let Some(last) = self.unsynced.last_mut() {
            last.seq = Some(seq);
        }
        if self.writer.buffered_bytes() >= BATCH_BYTES_MAX {
            self.commit();
        } else {
            // The writer may have written a batch before it took this record.
            self.settle();
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

    /// Appends the sealed members, and returns the entry's number; none where the record cannot be taken at all.
    fn append_members(&mut self, number: u64, kind: Kind) -> Option<u64> {
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        loop {
            let acc = self.acc(number);
            match self.writer.append(acc, kind, self.sealed.members()) {
                Ok(seq) => return Some(seq),
                Err(error @ AppendError::Sync(_)) => {
                    self.after_failure(&error.to_string(), &mut backoff);
                }
                Err(error) => {
                    self.shared.trouble(error.to_string());
                    return None;
                }
            }
        }
    }

    /// Names the last record, which cannot be written, whatever the storage does.
    fn give_up(&mut self, cause: GapCause) {
        let Some(Unsynced { number, ack, .. }) = self.unsynced.pop() else {
            return;
        };
        self.shared.queue.settle(0, 1);
        self.append_gaps(&[(number, number)], cause);
        if let Some(ack) = ack {
            ack.resolve(Err(AckError::Dropped));
        }
    }

    fn append_gaps(&mut self, numbers: &[(u64, u64)], cause: GapCause) {
        if numbers.is_empty() {
            return;
        }
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        loop {
            let of_stream = |(first, last): &(u64, u64)| (self.acc(*first), self.acc(*last));
            let ranges: Vec<_> = numbers.iter().map(of_stream).collect();
            match self.writer.append_gap(&ranges, cause) {
                Ok(_) => return,
                Err(error @ AppendError::Sync(_)) => {
                    self.after_failure(&error.to_string(), &mut backoff);
                }
                Err(error) => return self.shared.trouble(error.to_string()),
            }
        }
    }

    /// Makes everything buffered durable, trying until it is; the queue's bound protects the host meanwhile.
    fn commit(&mut self) {
        self.until_done(JournalWriter::sync);
        self.settle();
    }

    /// Tells who waits for what is durable by now.
    fn settle(&mut self) {
        let durable = self.writer.durable().next_seq();
        let is_durable = |record: &Unsynced| record.seq.is_some_and(|seq| seq < durable);
        let count = self
            .unsynced
            .iter()
            .take_while(|one| is_durable(one))
            .count();
        if count == 0 {
            return;
        }
        self.shared.queue.settle(count as u64, 0);
        self.shared.condition.good();
        let offset = self.acc_offset;
        for Unsynced { number, ack, .. } in self.unsynced.drain(..count) {
            if let Some(ack) = ack {
                let acc = acc_of(number, offset);
                ack.resolve(Ok(Durable { acc }));
            }
        }
    }

    /// Does a step of the journal until it succeeds.
    fn until_done<E: std::fmt::Display>(
        &mut self,
        step: impl Fn(&mut JournalWriter) -> Result<(), E>,
    ) {
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        while let Err(error) = step(&mut self.writer) {
            self.after_failure(&error.to_string(), &mut backoff);
        }
    }

    /// Waits before the next try, or goes on in a new stream where this one may not be appended to any more.
    fn after_failure(&mut self, error: &str, backoff: &mut Backoff) {
        self.shared.trouble(error.to_owned());
        if self.writer.is_lock_lost() {
            self.go_elsewhere();
        } else {
            std::thread::sleep(backoff.failed());
        }
    }

    /// Goes on in a new stream: the lock of this one was removed or replaced, and another process may have it.
    fn go_elsewhere(&mut self) {
        self.settle();
        let mut backoff = Backoff::new(BACKOFF_MIN, BACKOFF_MAX);
        let moved = loop {
            match self.writer.start_elsewhere() {
                Ok(moved) => break moved,
                Err(error) => {
                    self.shared.trouble(error.to_string());
                    std::thread::sleep(backoff.failed());
                }
            }
        };
        self.acc_offset -= i128::from(moved.acc_shift);
        // What waited is in the new stream, in the same order.
        for record in &mut self.unsynced {
            let acc = acc_of(record.number, self.acc_offset);
            record.seq = moved.seqs.get(&acc).copied();
        }
        self.note_findings(moved.opened.findings());
        self.shared.set_stream(&self.writer.stream().to_string());
        self.streams.opened(&self.writer);
        self.streams.left(moved.old);
    }

    /// Lets the journal do what time asks of it: checkpoints, heartbeats, a new stream when the clock was far ahead.
    ///
    /// A failure leaves it due, and whatever wakes this thread, it is not tried again before its time.
    pub(super) fn tick(&mut self) {
        if !self.retry.is_due() {
            return;
        }
        let is_done = self.do_what_is_due();
        let is_due_again = self.writer.next_deadline() == Some(Duration::ZERO);
        if is_done && !is_due_again {
            self.retry.succeeded();
        } else {
            self.retry.failed();
        }
    }

    fn do_what_is_due(&mut self) -> bool {
        if let Err(error) = self.writer.tick() {
            self.shared.trouble(error.to_string());
            return false;
        }
        if self.writer.is_day_ahead() {
            match self.writer.start_new_stream() {
                Ok((old, opened)) => {
                    self.note_findings(opened.findings());
                    self.begin_stream();
                    self.streams.left(old);
                }
                Err(error) => {
                    self.shared.trouble(error.to_string());
                    return false;
                }
            }
        }
        true
    }

    /// Closes the stream where that was asked for, and tells who waits.
    ///
    /// A flush that asked for the close waits until it succeeds; each try but the very last has its time.
    fn finish(&mut self, closed: bool) {
        let asks = closed || self.flushes.iter().any(|flush| flush.rest);
        let may_try = closed || self.retry.is_due();
        let is_closed = asks && may_try && self.close();
        let (waiting, done) = std::mem::take(&mut self.flushes)
            .into_iter()
            .partition::<Vec<_>, _>(|flush: &Flush| flush.rest && !is_closed);
        self.flushes = waiting;
        for flush in done {
            flush.done.resolve(Ok(Durable { acc: 0 }));
        }
    }

    fn close(&mut self) -> bool {
        let closed = self.writer.close();
        if let Err(error) = &closed {
            self.shared.trouble(error.to_string());
            self.retry.failed();
        }
        closed.is_ok()
    }
}

/// Returns the stream's number for a number of the queue.
fn acc_of(number: u64, offset: i128) -> u64 {
    (i128::from(number) + offset) as u64
}

fn kind(record: &AuditRecord) -> Kind {
    match record.stage {
        Stage::Begun => Kind::Begin,
        Stage::Ended => Kind::Call,
    }
}
