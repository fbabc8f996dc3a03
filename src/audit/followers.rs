//! All followers of one audit, and the streams that they follow.
//!
//! Promise: every stream that this process writes is followed by all; streams that other processes left are recovered,
//! shipped and closed, one by one.
//! Not here: following itself (`follower`).

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    entry::StreamId,
    follower::{Exporter, Follower, FollowerHealth, JournalSource, RetryPolicy, SourceError},
    journal::{Adopted, Adoption, HeldStream, JournalWriter, Seams, StreamHandle},
    recorder::Streams,
};

/// How long a stream that was left by others is held for its followers before the next one's turn.
const ADOPTION_TIMEOUT: Duration = Duration::from_secs(600);
/// How long followers may still send what a stream has when its lock is given up: the rest is sent by who takes it.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(100);

/// One audit's followers; a clone is another handle on the same ones.
#[derive(Clone)]
pub(crate) struct Followers(Arc<Vec<Follower>>);

impl Followers {
    /// Starts a thread for each exporter.
    pub(crate) fn start(exporters: Vec<Box<dyn Exporter>>, seams: &Seams) -> std::io::Result<Self> {
        let start = |exporter| {
            let (clock, entropy) = (Arc::clone(&seams.clock), Arc::clone(&seams.entropy));
            Follower::start(exporter, RetryPolicy::default(), clock, entropy)
        };
        let followers: Result<Vec<_>, _> = exporters.into_iter().map(start).collect();
        Ok(Self(Arc::new(followers?)))
    }

    /// Sends what is durable now; returns the entries that are left when the time is over.
    pub(crate) fn flush(&self, timeout: Duration) -> u64 {
        let deadline = Instant::now() + timeout;
        self.0
            .iter()
            .map(|follower| follower.flush(until(deadline)))
            .sum()
    }

    pub(crate) fn health(&self) -> Vec<FollowerHealth> {
        self.0.iter().map(Follower::health).collect()
    }

    /// Recovers, ships and closes the streams that others left, on a thread of its own.
    pub(crate) fn adopt(&self, adoption: Adoption) -> std::io::Result<()> {
        let followers = self.clone();
        let work = move || followers.adopt_all(adoption);
        thread::Builder::new()
            .name("llm-audit-adopt".to_owned())
            .spawn(work)
            .map(|_| ())
    }

    fn adopt_all(&self, mut adoption: Adoption) {
        loop {
            match adoption.next(|stream, size| self.lack(stream, size)) {
                Ok(Some(Adopted::Open(mut writer, _))) => self.ship_open(&mut writer),
                Ok(Some(Adopted::Closed(held))) => self.ship_closed(&held),
                Ok(None) => return,
                // That stream stays as it is; whoever starts next tries again.
                Err(_) => {}
            }
        }
    }

    /// Says whether some follower's cursor stands before a closed stream's end.
    fn lack(&self, stream: &StreamHandle, size: u64) -> bool {
        self.0.iter().any(|follower| {
            let cursor = stream.cursor_file(follower.name()).load();
            cursor.map_or(true, |cursor| {
                cursor.map_or(0, |cursor| cursor.next_seq) < size
            })
        })
    }

    fn ship_open(&self, writer: &mut JournalWriter) {
        // Closed at once: what `close` and its checkpoint say is shipped with the rest. A failure leaves the stream
        // as a crash would, for the next start.
        if writer.close().is_ok() {
            self.follow_live(&writer.handle());
            self.leave(writer.stream(), ADOPTION_TIMEOUT);
        }
    }

    fn ship_closed(&self, held: &HeldStream) {
        self.follow(|name| JournalSource::closed(held.handle(), name, held.next_seq()));
        self.leave(held.handle().stream(), ADOPTION_TIMEOUT);
    }

    fn follow_live(&self, stream: &StreamHandle) {
        self.follow(|name| JournalSource::live(stream.clone(), name));
    }

    fn follow(&self, open: impl Fn(&str) -> Result<JournalSource, SourceError>) {
        for follower in self.0.iter() {
            match open(follower.name()) {
                Ok(source) => follower.follow(Box::new(source)),
                Err(error) => follower.trouble(&error.to_string()),
            }
        }
    }

    /// Sends what a stream has, and leaves it: then its lock may be given up.
    fn leave(&self, stream: StreamId, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        self.0.iter().for_each(|follower| {
            follower.leave(stream, until(deadline));
        });
    }
}

fn until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

impl Streams for Followers {
    fn opened(&self, writer: &JournalWriter) {
        self.follow_live(&writer.handle());
    }

    fn left(&self, writer: JournalWriter) {
        let followers = self.clone();
        let work = move || {
            followers.leave(writer.stream(), LEAVE_TIMEOUT);
            drop(writer);
        };
        // Without a thread the writer is dropped here: its followers' gates are shut when they are.
        let _ = thread::Builder::new()
            .name("llm-audit-leave".to_owned())
            .spawn(work);
    }
}
