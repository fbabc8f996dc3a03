//! What is wrong with a line, as data: a broken journal is a finding, not an error.

use thiserror::Error;

use crate::json::Misspelling;

/// A line that breaks a rule of the format, or that a later version wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{flaw}, at byte {offset} of the line")]
pub struct Damage {
    /// Where in the line, in bytes.
    pub offset: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

impl Damage {
    pub(super) fn at(offset: usize, flaw: impl Into<Flaw>) -> Self {
        Self {
            offset: offset as u64,
            flaw: flaw.into(),
        }
    }

    /// Returns the version of a line that this software cannot read but that is not damaged for that.
    pub fn unknown_version(&self) -> Option<u64> {
        match self.flaw {
            Flaw::UnknownVersion(version) => Some(version),
            _ => None,
        }
    }
}

/// Which rule a line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Flaw {
    /// The bytes are not the one spelling.
    #[error(transparent)]
    Spelling(#[from] Misspelling),
    /// Longer than [`LINE_BYTES_MAX`](super::LINE_BYTES_MAX).
    #[error("line too long")]
    LineTooLong,
    /// A member stands before one that it must follow.
    #[error("members out of order")]
    KeyOrder,
    /// A member that every entry of this kind has is not there.
    #[error("member `{0}` is missing")]
    Missing(&'static str),
    /// A member that entries of this kind do not have.
    #[error("a member that this kind does not have")]
    Unexpected,
    /// The value of a member is not what the format says.
    #[error("member `{0}` has a wrong value")]
    Value(&'static str),
    /// The envelope does not follow its template.
    #[error("wrong envelope")]
    Envelope,
    /// The kind is none, nor spelled as a later one.
    #[error("no kind of entry")]
    Kind,
    /// No damage: the version is none that this software knows.
    #[error("unknown version {0}")]
    UnknownVersion(u64),
}
