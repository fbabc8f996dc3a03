//! What a Follower reads from: one stream's durable entries, its cursor, and where dead letters go.
//!
//! Promise: only durable entries come out, in seq order, beginning where the cursor stands.
//! Not here: how they lie on disk (`journal`); tests bring their own.

use std::sync::Arc;

use llm_audit_journal::entry::{EntryBuf, StreamId};

/// How far a stream is durable.
pub(crate) trait Mark: Send + Sync {
    /// Returns the first seq that is not durable yet.
    fn next_seq(&self) -> u64;
}

/// One stream, as a Follower sees it.
pub(crate) trait Source: Send + 'static {
    /// The stream.
    fn stream(&self) -> StreamId;

    /// How far it is durable.
    fn mark(&self) -> Arc<dyn Mark>;

    /// The first seq that this follower lacks: where the cursor stood when the source was opened.
    fn first_seq(&self) -> u64;

    /// The seq behind the last entry that was read, or found missing.
    fn read_seq(&self) -> u64;

    /// Returns the next durable entry, or `None` where there is none yet.
    fn next(&mut self) -> Result<Option<EntryBuf>, SourceError>;

    /// Stores the cursor behind `last`, the last entry that is done with.
    fn store_cursor(&mut self, last: &EntryBuf) -> Result<(), SourceError>;

    /// Sets aside an entry that the destination will never take.
    fn put_dead_letter(&mut self, entry: &EntryBuf, why: &str) -> Result<(), SourceError>;
}

/// The journal could not be read, or the cursor not be written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct SourceError(pub(crate) Box<dyn std::error::Error + Send + Sync>);
