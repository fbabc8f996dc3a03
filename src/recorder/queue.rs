//! The bounded queue between the callers and the one thread that writes.
//!
//! Promise: every accepted record has a number, from 1, without holes over queued and dropped ones; a caller waits
//! at most `wait_max`, once while the queue stays full.
//! Not here: what becomes of a record (`worker`).

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    ack::{AckCell, AckError},
    record::{AuditRecord, Stage},
};

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
    pub(crate) done: Arc<AckCell>,
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
    /// When the queue was first found full, until it has room again.
    full_since: Option<Instant>,
    writer: Writer,
    /// Somebody waits for a record to be durable, or the queue fills up.
    urgent: bool,
    /// When all there was was last taken: what is queued came later.
    taken_at: Instant,
    /// Callers that wait for room.
    waiting: usize,
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
}

impl Queue {
    pub(crate) fn new(limits: Limits) -> Self {
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
    pub(crate) fn push(&self, record: Box<AuditRecord>) -> Admission {
        let bytes = record.size();
        let mut state = self.lock();
        if !self.has_room(&state, bytes) {
            state = self.wait_for_room(state, bytes);
            if !self.has_room(&state, bytes) {
                return self.drop_record(state, &record);
            }
        }
        self.put(state, record, bytes);
        Admission::Queued
    }

    fn put(&self, mut state: MutexGuard<'_, State>, record: Box<AuditRecord>, bytes: usize) {
        state.full_since = None;
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

    /// Accepts a record where there is room at once; says whether there was.
    pub(crate) fn try_push(&self, record: Box<AuditRecord>) -> bool {
        let bytes = record.size();
        let state = self.lock();
        let has_room = self.has_room(&state, bytes);
        if has_room {
            self.put(state, record, bytes);
        }
        has_room
    }

    /// Has the writer take at once what is queued.
    pub(crate) fn hurry(&self) {
        let mut state = self.lock();
        state.urgent |= !state.records.is_empty();
        self.wake_writer(state, true);
    }

    /// Asks that all that was accepted before be durable or named as dropped.
    pub(crate) fn flush(&self, flush: Flush) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            flush.done.resolve(Err(AckError::Dropped));
            return;
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
            state = self.sleep(state, linger);
        }
        if state.is_idle() {
            state.writer = Writer::Asleep;
            state = match timeout {
                Some(timeout) => self.sleep(state, timeout),
                None => self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
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
        let deadline = state.taken_at + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_idle() || state.is_urgent() {
                return state;
            }
            state = self.sleep(state, left);
        }
    }

    /// Drops all that comes from now on, and wakes everybody.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.room.notify_all();
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
        let deadline = since + self.limits.wait_max;
        state.waiting += 1;
        while !state.closed && !self.has_room(&state, bytes) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self
                .room
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.waiting -= 1;
        state
    }

    fn drop_record(&self, mut state: MutexGuard<'_, State>, record: &AuditRecord) -> Admission {
        let number = state.number();
        state.dropped_count += 1;
        state.note_dropped(number);
        self.wake_writer(state, false);
        if let Some(ack) = &record.ack {
            ack.resolve(Err(AckError::Dropped));
        }
        Admission::Dropped
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

    fn sleep<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        timeout: Duration,
    ) -> MutexGuard<'a, State> {
        self.work
            .wait_timeout(state, timeout)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    // No user code runs under this lock, so a poisoned one still holds a whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
