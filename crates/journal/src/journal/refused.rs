//! Why the writer did not take or keep something, and what its host can do about it.
//!
//! Promise: whatever is retryable was kept whole, and nothing else was taken.

use std::path::PathBuf;

use super::file_error::FileError;
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
        matches!(self, Self::Sync(error) if error.is_retryable())
    }
}

/// Why entries are not durable yet; they are kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// The batch could not be written or synced.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file that was written is not what its name stands for any more; the same bytes go into another one.
    #[error("{} {change}: the entries go into a new file; leave the journal's files to this program", path.display())]
    SegmentReplaced {
        /// The segment's name.
        path: PathBuf,
        /// What was found under it.
        change: PathChange,
    },
    /// The lock file was removed or replaced: another writer may have taken the stream. Nothing more is appended to it;
    /// see [`JournalWriter::start_elsewhere`](super::JournalWriter::start_elsewhere).
    #[error("{} was removed or replaced: a new stream is begun; leave the journal's files to this program", path.display())]
    LockReplaced {
        /// The lock's name.
        path: PathBuf,
    },
    /// The journal's directory is gone; entries wait until it is back.
    #[error("the journal's directory {} is gone: put it back, or mount it", path.display())]
    DirectoryGone {
        /// The directory.
        path: PathBuf,
    },
}

/// What a name stands for in place of the file that was written under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathChange {
    /// Nothing.
    #[error("was removed or moved")]
    Gone,
    /// Another file.
    #[error("was replaced by another file")]
    OtherFile,
    /// The file, with another length than was written.
    #[error("has {found} bytes where {expected} were written")]
    Length {
        /// Bytes that were written and synced.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The name could not be looked at.
    #[error("cannot be looked at")]
    Unknown,
}

impl SyncError {
    /// Says whether a later call may succeed: the bytes are kept and go into another segment.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::LockReplaced { .. })
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
    /// Acknowledged entries whose segment was removed or cut while it was written.
    SegmentLost,
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
            Self::SegmentLost => "segment_lost",
        }
    }
}
