//! The guard: flushes when the host ends, and tells how the audit does meanwhile.
//!
//! Promise: dropped too early, it loses nothing: what is recorded afterwards is written all the same. Where nothing will
//! be written any more (the writing thread has ended, or this is a forked child), nothing here waits.
//! Not here: what is flushed (`recorder`, `follower`).

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{error::Left, followers::Followers};
use crate::{
    ack::AckError,
    follower::FollowerHealth,
    layer::Capture,
    recorder::{Health, Recorder},
};
use llm_audit_journal::clock::Deadline;

/// How long a dropped guard waits at most.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Keeps nothing alive, but ends things in order: hold it until the host's last call is done.
///
/// Dropping it waits until every record is durable and shipped, at most five seconds; [`AuditGuard::shutdown`] takes
/// another time, and says what is left. Records that come later are still written.
///
/// # Ends without a drop
/// - [`std::process::exit`], [`std::process::abort`] and a signal that the host does not handle (SIGTERM is one) drop
///   nothing: the calls of the last few milliseconds can be lost, and the journal shows a crash, which the next start
///   recovers. Call [`AuditGuard::shutdown`] before `exit`, and from the host's handler of SIGTERM.
/// - After `fork` the child has this guard and none of its threads. There nothing is written and nothing waits: records
///   are refused at once ([`crate::AckError::Forked`]), [`AuditGuard::health`] says so, and dropping the guard does
///   nothing. Acknowledgements of records that were accepted before the fork resolve in the parent alone. Build the
///   audit after forking, in each process that makes calls.
#[must_use = "dropped at once, the guard flushes at once; hold it until the program ends"]
pub struct AuditGuard {
    recorder: Recorder,
    followers: Followers,
    verifier_key: String,
    capture: Capture,
    is_down: AtomicBool,
}

impl AuditGuard {
    pub(crate) fn new(
        recorder: Recorder,
        followers: Followers,
        verifier_key: String,
        capture: Capture,
    ) -> Self {
        Self {
            recorder,
            followers,
            verifier_key,
            capture,
            is_down: AtomicBool::new(false),
        }
    }

    /// Returns the recorder's counters, its last trouble, and what was found wrong with the journal.
    pub fn health(&self) -> Health {
        self.recorder.health()
    }

    /// Returns the public key in C2SP form: a verifier is given it from outside the journal's directory.
    pub fn verifier_key(&self) -> &str {
        &self.verifier_key
    }

    /// Returns a handle on the audit layer: for calls on tasks where no dispatcher is current.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// Returns how each follower does; none in a forked child, which has no followers.
    pub fn followers(&self) -> Vec<FollowerHealth> {
        if self.recorder.is_forked() {
            return Vec::new();
        }
        self.followers.health()
    }

    /// Waits until all that was recorded so far is durable and shipped, at most for `timeout`.
    ///
    /// Blocks this thread; the work is done by threads of our own, so a `current_thread` runtime may call it.
    /// [`Duration::MAX`] is for as long as it takes.
    ///
    /// # Errors
    /// [`Left`], for one of two reasons. The time ran out: it counts what is not done, which goes on in the background.
    /// Or nothing will be done, and it returns at once: the writing thread has ended, or this process is a forked
    /// child; then nothing is queued any more, and [`AuditGuard::health`] says why.
    pub fn flush(&self, timeout: Duration) -> Result<(), Left> {
        self.settle(timeout, false)
    }

    /// As [`AuditGuard::flush`], and closes the stream: the journal then tells an end in order from a crash.
    ///
    /// # Errors
    /// As [`AuditGuard::flush`]; also where nothing is left to write but the stream could not be closed in time. It goes
    /// on in the background while the process lives.
    pub fn shutdown(&self, timeout: Duration) -> Result<(), Left> {
        self.is_down.store(true, Ordering::Relaxed);
        self.settle(timeout, true)
    }

    fn settle(&self, timeout: Duration, rest: bool) -> Result<(), Left> {
        if self.recorder.is_forked() {
            let (queued, unshipped) = (0, 0);
            return Err(Left { queued, unshipped });
        }
        if rest {
            self.recorder.shut_down();
        }
        let deadline = Deadline::after(timeout);
        let flushed = self.recorder.flush(timeout, rest);
        // Without a writing thread there is no wait: followers say what is left, and go on by themselves.
        let left = match flushed {
            Err(AckError::WriterEnded) => Duration::ZERO,
            _ => deadline.left(),
        };
        let unshipped = self.followers.flush(left);
        let queued = if flushed.is_ok() {
            0
        } else {
            self.health().queued
        };
        if flushed.is_ok() && unshipped == 0 {
            Ok(())
        } else {
            Err(Left { queued, unshipped })
        }
    }
}

impl std::fmt::Debug for AuditGuard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AuditGuard")
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl Drop for AuditGuard {
    fn drop(&mut self) {
        if !self.is_down.load(Ordering::Relaxed) {
            // Nobody is left to tell; `shutdown` tells.
            let _ = self.settle(DROP_TIMEOUT, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::Registry;

    use super::*;
    use crate::{
        audit::LlmAudit,
        follower::{ExportError, Exported, Exporter},
    };
    use llm_audit_journal::{entry::EntryBuf, journal::MemoryStorage};

    /// Says whether it was shut down.
    struct Noted(Arc<AtomicBool>);

    impl Exporter for Noted {
        fn name(&self) -> &'static str {
            "noted"
        }

        fn export(&mut self, batch: &[EntryBuf], _: Duration) -> Result<Exported, ExportError> {
            Ok(Exported::all(batch.len()))
        }

        fn shutdown(&mut self, _: Duration) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    /// A child's guard closed its parent's stream in memory, and waited for threads that are not there.
    #[test]
    fn a_child_s_guard_waits_for_nothing_and_ends_nothing() {
        let (storage, is_down) = (MemoryStorage::new(), Arc::default());
        let builder = LlmAudit::builder()
            .directory("audit_logs")
            .storage(storage.clone())
            .exporter(Noted(Arc::clone(&is_down)));
        let (layer, guard) = builder.build::<Registry>().unwrap();
        guard.flush(Duration::MAX).unwrap();
        let before: Vec<_> = storage.paths();
        guard.recorder.fork();
        let nothing = Left {
            queued: 0,
            unshipped: 0,
        };
        assert_eq!(guard.flush(Duration::MAX), Err(nothing.clone()));
        assert_eq!(guard.shutdown(Duration::MAX), Err(nothing));
        assert!(guard.followers().is_empty() && !guard.health().is_good);
        assert!(format!("{guard:?}").contains("is a fork"));
        guard.followers.fork();
        drop((layer, guard));
        assert_eq!(storage.paths(), before);
        let lines = before.iter().filter_map(|path| storage.read(path));
        assert!(
            lines
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .all(|text| !text.contains(r#""kind":"close""#))
        );
        assert!(!is_down.load(Ordering::SeqCst));
    }
}
