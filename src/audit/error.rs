//! Why an audit could not be built.
//!
//! Promise: each error says where, and what to do next.
//! Not here: errors of an audit that runs; those are [`crate::Health`].

use llm_audit_journal::journal::OpenError;

/// Why [`crate::Builder::build`] refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The journal could not be opened for writing.
    #[error("the audit journal cannot be opened")]
    Journal(#[from] OpenError),
    /// The operating system gave no thread.
    #[error("the audit's writing thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The name of the log cannot stand in a checkpoint.
    #[error("the audit's name is not one that a signed checkpoint can carry")]
    Name(#[from] llm_audit_journal::checkpoint::KeyError),
    /// A field was to be read as an attribute that nobody knows.
    #[error("no attribute is called {0}: see the OpenTelemetry GenAI conventions")]
    UnknownAttribute(String),
}

/// What was not done when the time ran out; it goes on in the background while the process lives.
///
/// Both counts are 0 where nothing will be done (the writing thread has ended, or this process is a forked child), and
/// where all is written but the stream could not be closed in time. [`crate::AuditGuard::health`] says which, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{queued} audit records are not durable yet, {unshipped} entries are not shipped yet")]
#[non_exhaustive]
pub struct Left {
    /// Records accepted and not yet durable.
    pub queued: u64,
    /// Durable entries that followers have not had acknowledged, summed over followers.
    pub unshipped: u64,
}
