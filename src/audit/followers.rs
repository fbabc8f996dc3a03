//! All followers of one audit, and the streams that they follow.
//!
//! Promise: every stream that is opened for writing, and every stream that another process left, is followed by all.
//! Not here: following itself (`follower`).

use std::time::{Duration, Instant};

use crate::{
    entry::StreamId,
    follower::{Exporter, Follower, FollowerHealth, JournalSource, RetryPolicy},
    journal::{JournalWriter, Seams},
    recorder::Trouble,
};

/// One audit's followers.
pub(crate) struct Followers(Vec<Follower>);

impl Followers {
    /// Starts a thread for each exporter.
    pub(crate) fn start(exporters: Vec<Box<dyn Exporter>>, seams: &Seams) -> std::io::Result<Self> {
        let start = |exporter| {
            let (clock, entropy) = (seams.clock.clone(), seams.entropy.clone());
            Follower::start(exporter, RetryPolicy::default(), clock, entropy)
        };
        exporters.into_iter().map(start).collect::<Result<_, _>>().map(Self)
    }

    /// Follows a stream that this process writes.
    pub(crate) fn follow(&self, writer: &JournalWriter) -> Result<(), Trouble> {
        todo!()
    }

    /// Sends what is durable now; returns the entries that are left when the time is over.
    pub(crate) fn flush(&self, timeout: Duration) -> u64 {
        let deadline = Instant::now() + timeout;
        let left = |follower: &Follower| follower.flush(deadline.saturating_duration_since(Instant::now()));
        self.0.iter().map(left).sum()
    }

    /// Leaves a stream, so that its lock may be given up.
    pub(crate) fn leave(&self, stream: StreamId, timeout: Duration) -> u64 {
        let deadline = Instant::now() + timeout;
        let left = |follower: &Follower| {
            follower.leave(stream, deadline.saturating_duration_since(Instant::now()))
        };
        self.0.iter().map(left).sum()
    }

    pub(crate) fn health(&self) -> Vec<FollowerHealth> {
        self.0.iter().map(Follower::health).collect()
    }
}
