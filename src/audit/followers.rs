//! All followers of one audit, and the streams that they follow.
//!
//! Promise: every stream that this process writes is followed by all; streams that other processes left are recovered,
//! shipped and closed, one by one; what cannot be taken over is tried ever less often, reported, and given up when the
//! audit ends.
//! Not here: following itself (`follower`).

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, PoisonError, Weak},
    thread,
    time::Duration,
};

use crate::{
    follower::{Exporter, Follower, FollowerHealth, JournalSource, RetryPolicy, SourceError},
    process::Home,
    recorder::{Backoff, Streams},
};
use llm_audit_journal::{
    clock::Deadline,
    entry::StreamId,
    journal::{Adopted, Adoption, HeldStream, JournalWriter, OpenError, Seams, StreamHandle},
};

/// How long a stream that was left by others is held for its followers before the next one's turn.
const ADOPTION_TIMEOUT: Duration = Duration::from_secs(600);
/// How long followers may still send what a stream has when its lock is given up: the rest is sent by who takes it.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(100);
/// The first pause after a stream could not be taken over, or the directory not listed; it doubles up to
/// [`ADOPTION_BACKOFF_MAX`].
const ADOPTION_BACKOFF_MIN: Duration = Duration::from_secs(1);
/// The longest such pause: a directory is repaired within minutes at best.
const ADOPTION_BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What going over the streams of others came upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// Something that failed and is tried again.
    Trouble(String),
    /// Something that is wrong with the directory, and stays so.
    Found(String),
}

/// One audit's followers; a clone is another handle on the same ones.
#[derive(Clone)]
pub(crate) struct Followers(Arc<Inner>);

/// Gone with the last handle: then the audit has ended.
struct Inner {
    home: Home,
    followers: Vec<Follower>,
    end: Arc<End>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A child has no thread to tell, and may find the lock held for ever.
        if !self.home.is_elsewhere() {
            self.end.come();
        }
    }
}

/// Wakes a sleeping thread when the audit ends.
#[derive(Default)]
struct End {
    has_come: Mutex<bool>,
    changed: Condvar,
}

impl End {
    fn come(&self) {
        *self.has_come.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Sleeps until the audit ends, at most for `time`.
    fn sleep(&self, time: Duration) {
        let has_come = self.has_come.lock().unwrap_or_else(PoisonError::into_inner);
        drop(Deadline::after(time).wait_while(&self.changed, has_come, |has_come| !*has_come));
    }
}

/// The streams of others, as far as going over them needs to know.
trait Others: Send + 'static {
    /// Takes the next one, as [`Adoption::next`] does.
    fn next(&mut self, followers: &Followers) -> Result<Option<Adopted>, OpenError>;

    /// Says of each that was met and is not what its writer left how it was found.
    fn harmed(&self) -> Vec<String>;
}

impl Others for Adoption {
    fn next(&mut self, followers: &Followers) -> Result<Option<Adopted>, OpenError> {
        Self::next(self, |stream, size| followers.lack(stream, size))
    }

    fn harmed(&self) -> Vec<String> {
        let refused = self.refused().iter();
        refused
            .filter_map(|(stream, refusal)| refusal.finding(*stream))
            .collect()
    }
}

impl Followers {
    /// Starts a thread for each exporter.
    pub(crate) fn start(exporters: Vec<Box<dyn Exporter>>, seams: &Seams) -> std::io::Result<Self> {
        let start = |exporter| {
            let (clock, entropy) = (Arc::clone(&seams.clock), Arc::clone(&seams.entropy));
            Follower::start(exporter, RetryPolicy::default(), clock, entropy)
        };
        let followers: Result<Vec<_>, _> = exporters.into_iter().map(start).collect();
        Ok(Self(Arc::new(Inner {
            home: Home::here(),
            followers: followers?,
            end: Arc::default(),
        })))
    }

    /// Makes this process a forked child to all of them.
    #[cfg(test)]
    pub(super) fn fork(&self) {
        self.0.home.leave();
        self.0.followers.iter().for_each(Follower::fork);
    }

    /// Sends what is durable now; returns the entries that are left when the time is over.
    pub(crate) fn flush(&self, timeout: Duration) -> u64 {
        let deadline = Deadline::after(timeout);
        let followers = self.0.followers.iter();
        followers
            .map(|follower| follower.flush(deadline.left()))
            .sum()
    }

    pub(crate) fn health(&self) -> Vec<FollowerHealth> {
        self.0.followers.iter().map(Follower::health).collect()
    }

    /// Recovers, ships and closes the streams that others left, on a thread of its own that ends with the audit.
    ///
    /// What it meets goes to `report`, once for each try.
    pub(super) fn adopt(
        &self,
        adoption: Adoption,
        report: impl Fn(Met) + Send + 'static,
    ) -> std::io::Result<()> {
        let (followers, end) = (Arc::downgrade(&self.0), Arc::clone(&self.0.end));
        let work = move || {
            let sleep = |time| end.sleep(time);
            let work = || adopt_all(&followers, adoption, &report, sleep);
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                let text = "the thread that takes over the streams of ended processes panicked: they stay as they are \
                            before the next start";
                report(Met::Trouble(text.to_owned()));
            }
        };
        thread::Builder::new()
            .name("llm-audit-adopt".to_owned())
            .spawn(work)
            .map(|_| ())
    }

    fn ship(&self, adopted: Adopted) {
        match adopted {
            Adopted::Open(mut writer, _) => self.ship_open(&mut writer),
            Adopted::Closed(held) => self.ship_closed(&held),
        }
    }

    /// Says whether some follower's cursor stands before a closed stream's end.
    fn lack(&self, stream: &StreamHandle, size: u64) -> bool {
        self.0.followers.iter().any(|follower| {
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
        for follower in &self.0.followers {
            match open(follower.name()) {
                Ok(source) => follower.follow(Box::new(source)),
                Err(error) => follower.trouble(&error.to_string()),
            }
        }
    }

    /// Sends what a stream has, and leaves it: then its lock may be given up.
    fn leave(&self, stream: StreamId, timeout: Duration) {
        let deadline = Deadline::after(timeout);
        for follower in &self.0.followers {
            follower.leave(stream, deadline.left());
        }
    }
}

/// Goes over the streams of others until none is left, or the audit has ended.
///
/// Between two tries it holds no follower, so that it keeps nothing of the audit alive.
fn adopt_all(
    followers: &Weak<Inner>,
    mut others: impl Others,
    report: &impl Fn(Met),
    sleep: impl Fn(Duration),
) {
    let mut backoff = Backoff::new(ADOPTION_BACKOFF_MIN, ADOPTION_BACKOFF_MAX);
    while let Some(followers) = followers.upgrade().map(Followers) {
        match others.next(&followers) {
            Ok(Some(adopted)) => {
                if let Adopted::Open(_, opened) = &adopted {
                    opened
                        .findings()
                        .into_iter()
                        .map(Met::Found)
                        .for_each(report);
                }
                followers.ship(adopted);
                backoff.succeeded();
            }
            Ok(None) => break,
            // A stream that failed stays as it is, and the next start tries again; a directory that cannot be listed
            // may be repaired meanwhile.
            Err(error) => {
                drop(followers);
                let text = "the streams that ended processes left cannot be taken over";
                report(Met::Trouble(format!("{text}: {error}")));
                sleep(backoff.failed());
            }
        }
    }
    for harmed in others.harmed() {
        report(Met::Found(harmed));
    }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A directory that cannot be listed for some tries.
    struct Unlistable {
        failures: usize,
        is_gone: bool,
    }

    impl Others for Unlistable {
        fn next(&mut self, _: &Followers) -> Result<Option<Adopted>, OpenError> {
            if self.failures == 0 && self.is_gone {
                return Ok(None);
            }
            self.failures = self.failures.saturating_sub(1);
            let name = "EACCES".to_owned();
            Err(OpenError::Setting { name })
        }

        fn harmed(&self) -> Vec<String> {
            vec!["stream 07 is damaged".to_owned()]
        }
    }

    fn followers() -> Followers {
        Followers::start(Vec::new(), &Seams::default()).expect("no thread is needed")
    }

    /// A directory without read permission was listed 2.5 million times a second, unseen.
    #[test]
    fn an_unlistable_directory_is_tried_ever_less_often_and_reported() {
        let (followers, waits) = (followers(), RefCell::new(Vec::new()));
        let met = RefCell::new(Vec::new());
        let others = Unlistable {
            failures: 8,
            is_gone: true,
        };
        let report = |one| met.borrow_mut().push(one);
        adopt_all(&Arc::downgrade(&followers.0), others, &report, |time| {
            waits.borrow_mut().push(time.as_secs());
        });
        assert_eq!(*waits.borrow(), [1, 2, 4, 8, 16, 32, 60, 60]);
        let met = met.into_inner();
        assert_eq!(met.len(), 9);
        assert!(matches!(&met[0], Met::Trouble(text) if text.contains("EACCES")));
        assert_eq!(met[8], Met::Found("stream 07 is damaged".to_owned()));
    }

    /// The loop outlived the audit: the thread held its followers, and nothing made it stop.
    #[test]
    fn what_cannot_be_taken_over_is_given_up_when_the_audit_ends() {
        let followers = followers();
        let (inner, end) = (Arc::downgrade(&followers.0), Arc::clone(&followers.0.end));
        let held = RefCell::new(Some(followers));
        let others = Unlistable {
            failures: usize::MAX,
            is_gone: false,
        };
        let tries = RefCell::new(0);
        let report = |one| *tries.borrow_mut() += u32::from(matches!(one, Met::Trouble(_)));
        adopt_all(&inner, others, &report, |_| {
            if *tries.borrow() == 3 {
                // The last handle: nothing else may hold one meanwhile.
                held.borrow_mut().take();
                end.sleep(Duration::MAX);
            }
        });
        assert_eq!(*tries.borrow(), 3);
    }
}
