//! What the layer needs of the rest: somewhere to put a finished record, the time, and random bytes.
//!
//! Promise: nothing behind this trait does I/O or hashing on the caller's thread, except [`Submit::hashes`].
//! Not here: the queue itself (`recorder`).

use crate::{ack::AckError, outcome::Judged, record::AuditRecord};
use llm_audit_journal::clock::Timestamp;

/// The digests of one record, as its line will show them; empty where there is nothing to hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) system_prompt: String,
    pub(crate) input: String,
    pub(crate) output: String,
}

/// The recorder as the layer sees it.
pub(crate) trait Submit: Send + Sync + 'static {
    /// Accepts a record; blocks at most `queue_wait_max`, once, where the queue is full.
    fn submit(&self, record: Box<AuditRecord>);

    /// Accepts a record without ever waiting: for a caller that goes no further where there is no room.
    ///
    /// # Errors
    /// [`AckError::QueueFull`], [`AckError::ShutDown`], [`AckError::WriterEnded`] or [`AckError::Forked`]; the record was
    /// not accepted, and is not counted.
    fn try_submit(&self, record: Box<AuditRecord>) -> Result<(), AckError>;

    /// Has the writer write at once what was accepted: somebody waits for it.
    ///
    /// # Errors
    /// [`AckError::ShutDown`] where the audit was shut down; [`AckError::WriterEnded`] or [`AckError::Forked`] where no
    /// thread writes.
    fn hurry(&self) -> Result<(), AckError>;

    /// Says whether a `begin` record is to be submitted when an operation starts.
    fn begins(&self) -> bool;

    /// Says whether [`Submit::hashes`] is to be called for spans that OpenTelemetry shows.
    fn hashes_on_span(&self) -> bool;

    /// Returns the wall clock's time.
    fn now(&self) -> Timestamp;

    /// Fills `bytes` with unpredictable ones.
    fn random(&self, bytes: &mut [u8]);

    /// Judges a record: status, usage, cost. Called on the caller, and only where a span shows the result.
    fn judge(&self, record: &AuditRecord) -> Judged;

    /// Hashes a record's content on the caller's thread, where that was asked for.
    fn hashes(&self, record: &AuditRecord) -> Hashes;
}
