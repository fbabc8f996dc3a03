//! What the walk finds wrong, as data: which file, which line, which rule. Never content.

use std::fmt;

use tracing_llm_audit::{entry::Damage, journal::FileError};

/// Something that is not as it should be, and where.
pub(crate) struct Finding {
    pub(crate) file: String,
    /// From 1; none where it is the file as a whole.
    pub(crate) line: Option<u64>,
    pub(crate) what: What,
}

/// What is wrong.
pub(crate) enum What {
    /// The line breaks a rule of the format.
    Damaged(Damage),
    /// The line is longer than any line may be.
    TooLong,
    /// The file ends in the middle of a line: torn by a crash, or not yet written to its end.
    Torn { bytes: usize },
    /// The file, or the rest of it, could not be read.
    Unreadable(FileError),
    /// Entries of the stream do not stand where they should; whether lawfully, verifying tells.
    Missing { first: u64, last: u64 },
    /// The entry stood before: the end of a segment that could not be cut off, and was written again.
    Repeat { seq: u64 },
    /// Another entry of this number stood before.
    Fork { seq: u64 },
}

impl Finding {
    /// A small file beside the segments that could not be read.
    pub(crate) fn unreadable(error: FileError) -> Self {
        let name = error.path.file_name().unwrap_or_default();
        let file = name.to_string_lossy().into_owned();
        Self {
            file,
            line: None,
            what: What::Unreadable(error),
        }
    }

    /// Says whether something could not be looked at, so that the answer is not whole.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.what, What::Unreadable(_))
    }
}

impl What {
    /// Returns the word by which programs know it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Damaged(damage) if damage.unknown_version().is_some() => "unknown version",
            Self::Damaged(_) | Self::TooLong => "damaged line",
            Self::Torn { .. } => "torn tail",
            Self::Unreadable(_) => "unreadable",
            Self::Missing { .. } => "missing entries",
            Self::Repeat { .. } => "repeat",
            Self::Fork { .. } => "fork",
        }
    }
}

/// `audit_2026-11-22.jsonl:17: damaged line: wrong envelope, at byte 220 of the line`; never content.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}: {}", self.what.code(), self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => damage.fmt(out),
            Self::TooLong => out.write_str("longer than any line may be"),
            Self::Torn { bytes } => {
                write!(
                    out,
                    "{bytes} bytes without an end: torn, or still being written"
                )
            }
            Self::Unreadable(error) => error.source.fmt(out),
            Self::Missing { first, last } => {
                write!(out, "seq {first} to {last} do not stand before it")
            }
            Self::Repeat { seq } => write!(out, "seq {seq} stands here again"),
            Self::Fork { seq } => write!(out, "another entry has seq {seq} too"),
        }
    }
}
