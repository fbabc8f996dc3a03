//! What the host can read about the audit: counters that always add up, and what went wrong last.
//!
//! Promise: `accepted = durable + dropped + queued` in every [`Health`] that is read.
//! Not here: the followers' own health (`follower`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;

/// The recorder's counters since this process began, and its last trouble.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Records that were taken in: `durable + dropped + queued`.
    pub accepted: u64,
    /// Records whose lines are in the journal, and synced.
    pub durable: u64,
    /// Records that will never be in the journal; `gap` entries name them.
    pub dropped: u64,
    /// Records that are on their way.
    pub queued: u64,
    /// Bytes that the queued records hold in memory, those already taken by the writer not counted.
    pub queued_bytes: u64,
    /// Records written by a handle whose span was disabled.
    pub detached: u64,
    /// False from the first failed write or drop until a later write succeeds with nothing dropped since.
    pub is_good: bool,
    /// The last trouble, if any.
    pub last_error: Option<Trouble>,
    /// The stream that is written: 32 hex digits.
    pub stream: Option<String>,
}

/// Something that went wrong, without content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// When.
    pub at: Timestamp,
    /// What, where, and what becomes of it.
    pub text: String,
}

/// The last trouble as the recorder keeps it.
pub(crate) struct Condition(Mutex<(bool, Option<Trouble>)>);

impl Condition {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((true, None)))
    }

    /// Notes a trouble: health is bad until something succeeds.
    pub(crate) fn trouble(&self, at: Timestamp, text: String) {
        *self.lock() = (false, Some(Trouble { at, text }));
    }

    /// Notes that writing works; the last trouble stays readable.
    pub(crate) fn good(&self) {
        self.lock().0 = true;
    }

    /// Returns whether it is good, and the last trouble.
    pub(crate) fn read(&self) -> (bool, Option<Trouble>) {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, (bool, Option<Trouble>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
