//! What a Follower needs of a place: take entries, say what became of them.
//!
//! Promise: an error says whose fault it is, so that one bad record is told apart from a bad destination.
//! Not here: when to try again and how often (`follow`).

use std::{fmt, time::Duration};

use crate::redact::{redact, start_of};
use llm_audit_journal::entry::EntryBuf;

/// Bytes of a destination's own words that are kept.
const REASON_BYTES_MAX: usize = 240;

/// Sends entries to one place.
///
/// It is called on the Follower's own thread, where blocking is right; it must bound every wait.
pub trait Exporter: Send + 'static {
    /// The name under which health and cursors show it: lower-case letters, digits and hyphens.
    fn name(&self) -> &str;

    /// Sends the first entries of `batch`, as many as fit one request, at least one, in at most `timeout`.
    ///
    /// # Durability
    /// `Ok` means that the destination acknowledged them: the cursor moves, and they are not sent again.
    /// # Errors
    /// [`ExportError`] where none of them were acknowledged.
    fn export(&mut self, batch: &[EntryBuf], timeout: Duration) -> Result<Exported, ExportError>;

    /// Sends what the exporter itself still holds, where it holds anything.
    ///
    /// # Errors
    /// [`ExportError`] where that could not be acknowledged.
    fn force_flush(&mut self, _timeout: Duration) -> Result<(), ExportError> {
        Ok(())
    }

    /// Ends the connection; called once, last.
    fn shutdown(&mut self, _timeout: Duration) {}
}

/// What the destination acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// Entries of the batch that this answer is about, from its front.
    pub entries: usize,
    /// Of these, how many the destination says it did not keep: a partial success, never sent again.
    pub rejected: u64,
    /// The destination's words about it.
    pub message: Option<Reason>,
}

impl Exported {
    /// All of the first `entries` were kept.
    pub fn all(entries: usize) -> Self {
        Self {
            entries,
            rejected: 0,
            message: None,
        }
    }

    /// Of the first `entries`, `rejected` were not kept.
    pub fn partly(entries: usize, rejected: u64, message: Option<Reason>) -> Self {
        Self {
            entries,
            rejected,
            message,
        }
    }
}

/// Why no entry was acknowledged, arranged by whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// No connection, or no answer in time: the same entries are sent again later.
    #[error("the destination does not answer: {0}")]
    Unreachable(Reason),
    /// The destination is there and asks for patience: the same entries are sent again later.
    #[error("the destination is not ready: {reason}")]
    NotReady {
        /// What it said.
        reason: Reason,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The destination refuses this exporter, whatever it sends: somebody must mend the settings.
    #[error("the destination refuses this exporter: {0}")]
    Refused(Reason),
    /// The destination refuses a request of this size: smaller batches are tried.
    #[error("the destination refuses a request of this size: {0}")]
    TooLarge(Reason),
    /// The destination refuses what is in these entries: smaller batches find the one it cannot take.
    #[error("the destination refuses these entries: {0}")]
    Rejected(Reason),
}

impl ExportError {
    /// Says whether sending the same entries again, unchanged, may succeed.
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Rejected(_) | Self::TooLarge(_))
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotReady { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A destination's status and words, short, without credentials and control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Box<str>);

impl Reason {
    /// Keeps the beginning of `text`, on one line.
    pub fn new(text: &str) -> Self {
        let text = redact(text);
        let plain = |char: char| if char.is_control() { ' ' } else { char };
        let beginning = start_of(&text, REASON_BYTES_MAX);
        Self(beginning.chars().map(plain).collect())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_on_one_line() {
        let reason = Reason::new(&format!("a\nb\u{1b}[31m{}", "é".repeat(400))).to_string();
        assert!(reason.len() <= REASON_BYTES_MAX && reason.starts_with("a b [31mé"));
    }

    /// A proxy may echo the request and its credentials; health would show them.
    #[test]
    fn a_reason_holds_no_credential() {
        let reason =
            Reason::new("403 for Authorization: Bearer abcdef0123456789abcdef").to_string();
        assert!(!reason.contains("abcdef01"), "{reason}");
    }
}
