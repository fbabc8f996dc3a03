//! The bounded queue between the callers and the one thread that writes.
//!
//! Promise: every accepted record has a number, from 1, without holes over queued and dropped ones; all callers
//! together wait at most `wait_max` between one time that the writer takes and the next; once the writer has ended,
//! no caller waits, and nothing is queued.
//! Not here: what becomes of a record (`worker`).

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    ack::{AckError, AckResolver},
    record::{AuditRecord, Stage},
};
use llm_audit_journal::clock::Deadline;

/// What the queue holds at most, and how long a caller waits for room.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "each is a bound, and says so last"
)]
pub(crate) struct Limits {
    pub(crate) records_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) wait_max: Duration,
}

/// A record with its number in the order of acceptance by this process.
pub(crate) struct Queued {
    pub(crate) number: u64,
    pub(crate) record: Box<AuditRecord>,
}

/// What [`Queue::take`] found.
pub(crate) struct Taken {
    pub(crate) records: Vec<Queued>,
    /// Ranges of numbers whose records were dropped since the last time.
    pub(crate) dropped: Vec<(u64, u64)>,
    /// Resolved once all that was accepted before them is durable or named.
    pub(crate) flushes: Vec<Flush>,
    /// No more will come.
    pub(crate) closed: bool,
}

/// A wish to see all that was accepted before it settled.
pub(crate) struct Flush {
    pub(crate) done: AckResolver,
    /// The stream is to be closed as well: nothing more is expected.
    pub(crate) rest: bool,
}

/// When the writing thread takes what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once; with nothing to take, it looks for more work this long by itself, so that callers need not wake it.
    Prompt { linger: Duration },
    /// This long after it last looked, so that a busy disk syncs less often; sooner where somebody waits, or where
    /// the queue is half full.
    Within(Duration),
}

/// How the writing thread waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// It is at work, or will look again by itself soon.
    Busy,
    /// It sleeps until it is woken.
    Asleep,
}

struct State {
    records: Vec<Queued>,
    bytes: usize,
    next_number: u64,
    durable: u64,
    dropped_count: u64,
    dropped: Vec<(u64, u64)>,
    flushes: Vec<Flush>,
    /// When a record was first found not to fit, since the writer last took.
    full_since: Option<Instant>,
    writer: Writer,
    /// Somebody waits for a record to be durable, or the queue fills up.
    urgent: bool,
    /// When all there was was last taken: what is queued came later.
    taken_at: Instant,
    /// Callers that wait for room.
    waiting: usize,
    /// How often a caller began to wait for room.
    #[cfg(test)]
    waits: u64,
    /// No more will be queued: the last handle is gone, or the writer has ended.
    closed: bool,
}

/// The queue: many callers, one writer.
pub(crate) struct Queue {
    limits: Limits,
    state: Mutex<State>,
    work: Condvar,
    room: Condvar,
}

/// The counters: `accepted - durable - dropped` are on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) durable: u64,
    pub(crate) dropped: u64,
    pub(crate) queued_bytes: u64,
}

/// What became of a record at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Queued,
    Dropped,
    /// Dropped, and so will all others be: the queue is closed.
    Closed,
}

impl Queue {
    pub(crate) fn new(mut limits: Limits) -> Self {
        // Without room for one, each caller would wait in vain, and no record would ever pass.
        limits.records_max = limits.records_max.max(1);
        let state = State {
            records: Vec::new(),
            bytes: 0,
            next_number: 1,
            durable: 0,
            dropped_count: 0,
            dropped: Vec::new(),
            flushes: Vec::new(),
            full_since: None,
            writer: Writer::Busy,
            urgent: false,
            taken_at: Instant::now(),
            waiting: 0,
            #[cfg(test)]
            waits: 0,
            closed: false,
        };
        Self {
            limits,
            state: Mutex::new(state),
            work: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Accepts a record: gives it its number, and queues it or drops it.
    pub(crate) fn push(&self, mut record: Box<AuditRecord>) -> Admission {
        let bytes = record.size();
        let mut state = self.lock();
        if !self.has_room(&state, bytes) {
            state = self.wait_for_room(state, bytes);
            if !self.has_room(&state, bytes) {
                return self.drop_record(state, &mut record);
            }
        }
        self.put(state, record, bytes);
        Admission::Queued
    }

    fn put(&self, mut state: MutexGuard<'_, State>, record: Box<AuditRecord>, bytes: usize) {
        let number = state.number();
        state.bytes += bytes;
        // Nobody may ever wait for a beginning; who does hurries the writer.
        let prompt = record.ack.is_some() && record.stage == Stage::Ended;
        state.records.push(Queued { number, record });
        let is_half_full = state.bytes >= self.limits.bytes_max / 2
            || state.records.len() >= self.limits.records_max / 2;
        state.urgent |= prompt || is_half_full;
        self.wake_writer(state, prompt);
    }

    /// Accepts a record where there is room at once.
    ///
    /// # Errors
    /// [`AckError::QueueFull`] or [`AckError::WriterEnded`]: the record was not accepted and has no number.
    pub(crate) fn try_push(&self, mut record: Box<AuditRecord>) -> Result<(), AckError> {
        let bytes = record.size();
        let state = self.lock();
        if self.has_room(&state, bytes) {
            self.put(state, record, bytes);
            return Ok(());
        }
        let refusal = if state.closed {
            AckError::WriterEnded
        } else {
            AckError::QueueFull
        };
        drop(state);
        refuse(&mut record, refusal);
        Err(refusal)
    }

    /// Has the writer take at once what is queued.
    ///
    /// # Errors
    /// [`AckError::WriterEnded`] where no writer will take it.
    pub(crate) fn hurry(&self) -> Result<(), AckError> {
        let mut state = self.lock();
        if state.closed {
            return Err(AckError::WriterEnded);
        }
        state.urgent |= !state.records.is_empty();
        self.wake_writer(state, true);
        Ok(())
    }

    /// Asks that all that was accepted before be durable or named as dropped.
    pub(crate) fn flush(&self, flush: Flush) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return flush.done.resolve(Err(AckError::WriterEnded));
        }
        state.flushes.push(flush);
        self.wake_writer(state, true);
    }

    /// Takes all there is, waiting for something up to `timeout`, or for ever.
    pub(crate) fn take(&self, timeout: Option<Duration>, pace: Pace) -> Taken {
        let mut state = self.lock();
        if let Pace::Prompt { linger } = pace
            && !linger.is_zero()
            && state.is_idle()
        {
            state = Deadline::after(linger).wait_once(&self.work, state);
        }
        if state.is_idle() {
            state.writer = Writer::Asleep;
            let deadline = Deadline::after(timeout.unwrap_or(Duration::MAX));
            state = deadline.wait_once(&self.work, state);
            state.writer = Writer::Busy;
            state.taken_at = Instant::now();
        }
        if let Pace::Within(time) = pace {
            state = self.gather(state, time);
        }
        let taken = state.take_all();
        let waiting = state.waiting > 0;
        drop(state);
        if waiting {
            self.room.notify_all();
        }
        taken
    }

    /// Lets more come for `time` after what is queued began to come, unless somebody waits for it.
    fn gather<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        time: Duration,
    ) -> MutexGuard<'a, State> {
        let deadline = Deadline::since(state.taken_at, time);
        while !deadline.is_over() && !state.is_idle() && !state.is_urgent() {
            state = deadline.wait_once(&self.work, state);
        }
        state
    }

    /// Drops all that comes from now on, and wakes everybody.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
    }

    /// Closes the queue because no writer will take from it again, and returns what is left for the caller to drop.
    ///
    /// Every record that is not known to be durable counts as dropped from now on.
    #[must_use = "acknowledgements resolve when this is dropped, outside of the lock"]
    pub(crate) fn end(&self) -> Taken {
        let mut state = self.lock();
        state.closed = true;
        state.dropped_count = state.next_number - 1 - state.durable;
        let left = state.take_all();
        drop(state);
        self.room.notify_all();
        left
    }

    /// Counts records that the writer is done with: durable ones, and ones that it had to drop.
    pub(crate) fn settle(&self, durable: u64, dropped: u64) {
        let mut state = self.lock();
        state.durable += durable;
        state.dropped_count += dropped;
    }

    /// Returns the counters, read in one step.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.lock();
        Counts {
            accepted: state.next_number - 1,
            durable: state.durable,
            dropped: state.dropped_count,
            queued_bytes: state.bytes as u64,
        }
    }

    fn has_room(&self, state: &State, bytes: usize) -> bool {
        // One record larger than the whole bound still passes through an empty queue.
        let fits = state.bytes + bytes <= self.limits.bytes_max || state.records.is_empty();
        !state.closed && fits && state.records.len() < self.limits.records_max
    }

    /// Waits until there is room or the one shared patience of `wait_max` is spent.
    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        bytes: usize,
    ) -> MutexGuard<'a, State> {
        let since = *state.full_since.get_or_insert_with(Instant::now);
        let deadline = Deadline::since(since, self.limits.wait_max);
        if state.closed || deadline.is_over() {
            return state;
        }
        #[cfg(test)]
        {
            state.waits += 1;
        }
        state.waiting += 1;
        let mut state = deadline.wait_while(&self.room, state, |state| {
            !state.closed && !self.has_room(state, bytes)
        });
        state.waiting -= 1;
        state
    }

    fn drop_record(&self, mut state: MutexGuard<'_, State>, record: &mut AuditRecord) -> Admission {
        let number = state.number();
        state.dropped_count += 1;
        let (admission, error) = if state.closed {
            drop(state);
            (Admission::Closed, AckError::WriterEnded)
        } else {
            state.note_dropped(number);
            self.wake_writer(state, false);
            (Admission::Dropped, AckError::Dropped)
        };
        refuse(record, error);
        admission
    }

    fn wake_writer(&self, mut state: MutexGuard<'_, State>, prompt: bool) {
        let asleep = state.writer == Writer::Asleep;
        state.writer = Writer::Busy;
        let wakes = asleep || prompt || state.is_urgent();
        drop(state);
        if wakes {
            self.work.notify_one();
        }
    }

    /// Returns how often a caller began to wait for room.
    #[cfg(test)]
    pub(super) fn waits(&self) -> u64 {
        self.lock().waits
    }

    /// Returns how many callers wait for room now.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting
    }

    /// Holds the lock, as a thread does that a fork took by surprise.
    #[cfg(test)]
    pub(super) fn hold(&self) -> impl Sized + '_ {
        self.lock()
    }

    // No user code runs under this lock, so a poisoned one still holds a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves the acknowledgement of a record that is not accepted.
pub(super) fn refuse(record: &mut AuditRecord, error: AckError) {
    if let Some(ack) = record.ack.take() {
        ack.resolve(Err(error));
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.records.is_empty()
            && self.dropped.is_empty()
            && self.flushes.is_empty()
            && !self.closed
    }

    fn is_urgent(&self) -> bool {
        self.urgent || self.closed || !self.flushes.is_empty() || !self.dropped.is_empty()
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    fn note_dropped(&mut self, number: u64) {
        match self.dropped.last_mut() {
            Some(last) if last.1 + 1 == number => last.1 = number,
            _ => self.dropped.push((number, number)),
        }
    }

    fn take_all(&mut self) -> Taken {
        self.bytes = 0;
        self.full_since = None;
        self.urgent = false;
        self.taken_at = Instant::now();
        let capacity = self.records.len().min(1024);
        Taken {
            records: std::mem::replace(&mut self.records, Vec::with_capacity(capacity)),
            dropped: std::mem::take(&mut self.dropped),
            flushes: std::mem::take(&mut self.flushes),
            closed: self.closed,
        }
    }
}
