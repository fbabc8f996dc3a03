//! Why the writer did not take or keep something, and what its host can do about it.
//!
//! Promise: whatever is retryable was kept whole, and nothing else was taken.

use super::directory::FileError;
use crate::entry::LineTooLong;

/// Why a record was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The batch is full and could not be written; bring the record again.
    #[error("the batch before it could not be written: {0}")]
    Sync(#[from] SyncError),
    /// The line would be longer than the format allows; name its number in a gap.
    #[error(transparent)]
    TooLong(#[from] LineTooLong),
    /// The number was written or named before.
    #[error("acceptance number {acc} comes twice")]
    Twice {
        /// The number.
        acc: u64,
    },
    /// The stream was closed.
    #[error("the stream is closed")]
    Closed,
}

impl AppendError {
    /// Says whether the same record may be taken later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Sync(_))
    }
}

/// Why entries are not durable yet; they are kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The batch could not be written or synced.
    #[error(transparent)]
    File(#[from] FileError),
}

impl SyncError {
    /// Says whether a later call may succeed: the bytes are kept and go into another segment.
    pub fn is_retryable(&self) -> bool {
        true
    }
}

/// Why numbers will never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// The queue stayed full for longer than its bound.
    QueueFull,
    /// The record could not be written in time.
    WriteFailed,
    /// The line would have been longer than the format allows.
    TooLong,
    /// Our own code failed on the record.
    SealFailed,
    /// Nobody said why; found at `close`.
    Unaccounted,
}

impl GapCause {
    /// Returns the word in the journal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::WriteFailed => "write_failed",
            Self::TooLong => "too_long",
            Self::SealFailed => "seal_failed",
            Self::Unaccounted => "unaccounted",
        }
    }
}
