//! Followers: each reads the journal from its own cursor and sends it to one place.
//!
//! Promise: at least once, with key (stream, seq); a cursor moves only after the destination acknowledged; one bad
//! record cannot block the rest; what is left when time runs out is said. A thread that ends by a panic is seen in its
//! health, and is not waited for.
//! Not here: how a destination is spoken to (`otlp`), files (`journal`).
//!
//! Each Follower has a thread of its own, so that an exporter may block, and a host whose runtime has one thread, is
//! shutting down or is absent changes nothing. On that thread nothing that the exporter's libraries emit reaches the
//! host's `tracing` or OpenTelemetry layers: what they would write is about the writing, and would feed back.

mod exporter;
mod follow;
mod health;
#[cfg(test)]
pub(crate) mod memory;
mod retry;
mod shared;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod track;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

pub use self::{
    exporter::{ExportError, Exported, Exporter, Reason},
    health::{FollowerHealth, FollowerTrouble, StreamHealth},
};
use self::{follow::Follow, health::StreamView, shared::Shared};
pub(crate) use self::{
    retry::RetryPolicy,
    source::{Source, SourceError},
    stream::JournalSource,
};
use crate::process::Home;
use llm_audit_journal::{
    clock::{Clock, Deadline},
    entry::StreamId,
    random::Entropy,
};

/// The handle on one Follower's thread. Dropped without [`Follower::stop`], it stops at once.
pub(crate) struct Follower {
    home: Home,
    name: String,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Starts the thread; it follows nothing yet.
    pub(crate) fn start(
        exporter: Box<dyn Exporter>,
        retry: RetryPolicy,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        let name = exporter.name().to_owned();
        let shared = Arc::new(Shared::default());
        let follow = Follow::new(
            exporter,
            Arc::clone(&shared),
            retry,
            Arc::clone(&clock),
            entropy,
        );
        let thread = thread::Builder::new().name(format!("llm-audit-{name}"));
        let (told, told_clock) = (Arc::clone(&shared), Arc::clone(&clock));
        let run = move || run(follow, &told, &*told_clock);
        let thread = Some(thread.spawn(run)?);
        Ok(Self {
            home: Home::here(),
            name,
            shared,
            clock,
            thread,
        })
    }

    /// Follows one more stream: the live one, or one that this process has adopted.
    pub(crate) fn follow(&self, source: Box<dyn Source>) {
        self.shared.order(|orders| orders.incoming.push(source));
    }

    /// Sends what is durable now, in every stream, and stores the cursors, in at most `timeout`; returns the entries that
    /// are left.
    pub(crate) fn flush(&self, timeout: Duration) -> u64 {
        self.shared.order(|orders| orders.nudged = true);
        self.shared.wait(timeout, |streams| {
            streams.iter().all(StreamView::is_settled)
        });
        self.health().lag_entries()
    }

    /// Sends what is durable of one stream, stores its cursor and leaves it; returns the entries that are left.
    ///
    /// On return its cursor is not written any more: the stream's lock may be given up.
    pub(crate) fn leave(&self, stream: StreamId, timeout: Duration) -> u64 {
        let deadline = Deadline::after(timeout);
        let left = || {
            let health = self.health();
            let streams = health.streams.iter().filter(|view| view.stream == stream);
            streams.map(|view| view.lag_entries).sum()
        };
        self.shared.order(|orders| orders.nudged = true);
        self.shared.wait(timeout, |streams| {
            streams
                .iter()
                .all(|view| view.stream != stream || view.read().lag_entries == 0)
        });
        let left = left();
        self.shared.order(|orders| orders.leaving.push(stream));
        // Storing the cursor is quick, unless the thread is inside a request: then the gate keeps it from storing later.
        let until = deadline.left().max(Duration::from_millis(100));
        self.shared.wait(until, |streams| {
            streams.iter().all(|view| view.stream != stream)
        });
        self.shared.shut_gates(Some(stream));
        left
    }

    /// Sends what is durable now, stores the cursors and ends, in at most `timeout`; returns the entries that are left.
    ///
    /// A request that hangs is left to end by itself; on return no cursor is written any more.
    #[cfg(test)]
    pub(crate) fn stop(mut self, timeout: Duration) -> u64 {
        self.end(timeout);
        self.health().lag_entries()
    }

    /// Makes this process a forked child to this Follower.
    #[cfg(test)]
    pub(crate) fn fork(&self) {
        self.home.leave();
    }

    /// The exporter's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Notes that a stream cannot be followed.
    pub(crate) fn trouble(&self, text: &str) {
        self.shared
            .with_counts(|counts| counts.trouble(text, self.clock.now()));
    }

    /// How it is doing.
    pub(crate) fn health(&self) -> FollowerHealth {
        self.shared.health(&self.name)
    }

    fn end(&mut self, timeout: Duration) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        if self.home.is_elsewhere() {
            // A forked child: the thread is in the parent, and a join would never return here.
            return;
        }
        self.shared.order(|orders| {
            orders.nudged = true;
            orders.stop_by = Some(Deadline::after(timeout));
        });
        let grace = timeout.saturating_add(Duration::from_millis(100));
        self.shared.wait(grace, |_| false);
        if self.shared.has_ended() {
            // It has nothing left to do but return.
            let _ = thread.join();
        } else {
            self.shared.shut_gates(None);
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// Runs a Follower's thread; a panic outside of the exporter (which may panic as it likes) ends it, and is said.
fn run(follow: Follow, shared: &Shared, clock: &dyn Clock) {
    let ran = catch_unwind(AssertUnwindSafe(|| quietly(|| follow.run())));
    if ran.is_err() {
        // The host's clock may be what has just panicked.
        let now = catch_unwind(AssertUnwindSafe(|| clock.now())).unwrap_or_default();
        let text = "the follower's thread panicked: nothing more is sent there before the process is restarted";
        shared.with_counts(|counts| counts.trouble(text, now));
        shared.ended();
    }
}

/// Runs `work` with nothing that it emits reaching the host's layers.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(any(feature = "otlp", feature = "opentelemetry_sdk"))]
    let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
}
