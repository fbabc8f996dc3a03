//! What the host can read about a Follower: how far it is, what was refused, what went wrong last.
//!
//! Promise: `lag_entries` is counted when it is read, so a Follower that hangs in a request cannot hide it.

use std::sync::Arc;

use super::{source::Mark, track::Gate};
use llm_audit_journal::{clock::Timestamp, entry::StreamId};

/// How one Follower is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowerHealth {
    /// The exporter's name.
    pub name: String,
    /// True while the last answer was an acknowledgement, or none was asked for yet.
    pub is_good: bool,
    /// Each stream that is followed.
    pub streams: Vec<StreamHealth>,
    /// Entries that the destination acknowledged since this process began, those refused in part not counted.
    pub exported: u64,
    /// Entries that the destination acknowledged as not kept: partial successes.
    pub rejected: u64,
    /// Entries that the destination can never take, set aside in `quarantine/`.
    pub dead_letters: u64,
    /// Failed requests since the last acknowledgement.
    pub failures: u64,
    /// What went wrong last, if anything did: also the words of a partial success.
    pub last_error: Option<FollowerTrouble>,
    /// When the destination last acknowledged anything.
    pub last_success_at: Option<Timestamp>,
}

impl FollowerHealth {
    /// Returns the durable entries, over all streams, that the destination has not acknowledged.
    pub fn lag_entries(&self) -> u64 {
        self.streams.iter().map(|stream| stream.lag_entries).sum()
    }
}

/// How far a Follower is in one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamHealth {
    /// The stream.
    pub stream: StreamId,
    /// The first seq that was not acknowledged.
    pub next_seq: u64,
    /// Durable entries that were not acknowledged.
    pub lag_entries: u64,
}

/// Something that went wrong, without content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FollowerTrouble {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// A stream as the Follower's thread shows it.
pub(super) struct StreamView {
    pub(super) stream: StreamId,
    pub(super) next_seq: u64,
    pub(super) mark: Arc<dyn Mark>,
    pub(super) gate: Arc<Gate>,
    /// The cursor on disk stands where this one does, or cannot be written.
    pub(super) is_stored: bool,
}

impl StreamView {
    pub(super) fn is_settled(&self) -> bool {
        self.is_stored && self.read().lag_entries == 0
    }

    pub(super) fn read(&self) -> StreamHealth {
        StreamHealth {
            stream: self.stream,
            next_seq: self.next_seq,
            lag_entries: self.mark.next_seq().saturating_sub(self.next_seq),
        }
    }
}
