//! What a Follower's thread and its handle share: orders in, health out.
//!
//! Promise: nobody waits here for a request or a file; the lock is held for a few instructions.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    Exported,
    health::{FollowerHealth, FollowerTrouble, StreamView},
    source::Source,
};
use llm_audit_journal::{
    clock::{Deadline, Timestamp},
    entry::StreamId,
};

/// What the handle wants of the thread.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) incoming: Vec<Box<dyn Source>>,
    pub(super) leaving: Vec<StreamId>,
    /// Try at once: somebody waits.
    pub(super) nudged: bool,
    pub(super) stop_by: Option<Deadline>,
}

/// What the thread has counted.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) exported: u64,
    pub(super) rejected: u64,
    pub(super) dead_letters: u64,
    pub(super) failures: u64,
    is_bad: bool,
    last_error: Option<FollowerTrouble>,
    last_success_at: Option<Timestamp>,
}

impl Counts {
    pub(super) fn acknowledged(&mut self, exported: &Exported, now: Timestamp) {
        self.exported += exported.entries as u64 - exported.rejected.min(exported.entries as u64);
        self.rejected += exported.rejected;
        self.failures = 0;
        if let Some(message) = &exported.message {
            self.trouble(
                &format!("the destination says of what it took: {message}"),
                now,
            );
        }
        self.is_bad = false;
        self.last_success_at = Some(now);
    }

    pub(super) fn trouble(&mut self, text: &str, now: Timestamp) {
        self.is_bad = true;
        let text = text.to_owned();
        self.last_error = Some(FollowerTrouble { at: now, text });
    }
}

#[derive(Default)]
struct State {
    orders: Orders,
    counts: Counts,
    streams: Vec<StreamView>,
    ended: bool,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Orders were given.
    ordered: Condvar,
    /// The thread got further, or ended.
    progressed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn order(&self, give: impl FnOnce(&mut Orders)) {
        give(&mut self.lock().orders);
        self.ordered.notify_all();
    }

    /// Takes the orders; the time to stop stays.
    pub(super) fn take_orders(&self) -> Orders {
        let mut state = self.lock();
        let stop_by = state.orders.stop_by;
        let orders = std::mem::take(&mut state.orders);
        state.orders.stop_by = stop_by;
        orders
    }

    /// Sleeps until orders come, at most for `timeout`.
    pub(super) fn rest(&self, timeout: Duration) {
        let idle = |state: &mut State| {
            let orders = &state.orders;
            orders.incoming.is_empty() && orders.leaving.is_empty() && !orders.nudged
        };
        drop(Deadline::after(timeout).wait_while(&self.ordered, self.lock(), idle));
    }

    pub(super) fn with_counts(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.lock().counts);
    }

    pub(super) fn publish(&self, streams: Vec<StreamView>) {
        self.lock().streams = streams;
        self.progressed.notify_all();
    }

    pub(super) fn ended(&self) {
        let mut state = self.lock();
        state.ended = true;
        // No thread will follow these any more.
        let unread = std::mem::take(&mut state.orders.incoming);
        drop(state);
        drop(unread);
        self.progressed.notify_all();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Waits until `done` says so of the streams, the thread has ended, or the time is over.
    pub(super) fn wait(&self, timeout: Duration, done: impl Fn(&[StreamView]) -> bool) {
        let not_yet = |state: &mut State| {
            let settled = state.orders.incoming.is_empty() && done(&state.streams);
            !state.ended && !settled
        };
        drop(Deadline::after(timeout).wait_while(&self.progressed, self.lock(), not_yet));
    }

    /// Forbids the thread to write cursors, of one stream or of all; on return none is being written.
    pub(super) fn shut_gates(&self, stream: Option<StreamId>) {
        let state = self.lock();
        let named = |view: &&StreamView| stream.is_none_or(|stream| view.stream == stream);
        let gates: Vec<_> = state
            .streams
            .iter()
            .filter(named)
            .map(|view| view.gate.clone())
            .collect();
        drop(state);
        for gate in gates {
            gate.shut();
        }
    }

    pub(super) fn health(&self, name: &str) -> FollowerHealth {
        let state = self.lock();
        let counts = &state.counts;
        FollowerHealth {
            name: name.to_owned(),
            is_good: !counts.is_bad,
            streams: state.streams.iter().map(StreamView::read).collect(),
            exported: counts.exported,
            rejected: counts.rejected,
            dead_letters: counts.dead_letters,
            failures: counts.failures,
            last_error: counts.last_error.clone(),
            last_success_at: counts.last_success_at,
        }
    }
}
