//! What is wrong with a journal, as data: which file, which line, which rule. Never content.
//!
//! Promise: every code has a sentence on what it means and what to do next.
//! Not here: the rules themselves; those of the chain are the library's.

use std::fmt;

use tracing_llm_audit::journal::FileError;

/// The code of what could not be read.
const UNREADABLE: &str = "unreadable";

/// Something that is not as it should be, and where.
pub(crate) struct Finding {
    /// The word by which programs know it.
    pub(crate) code: &'static str,
    /// Within the journal's directory.
    pub(crate) file: String,
    /// From 1; none where it is the file as a whole.
    pub(crate) line: Option<u64>,
    pub(crate) detail: String,
}

impl Finding {
    /// Something that could not be read.
    pub(crate) fn unreadable(error: &FileError) -> Self {
        let name = error.path.file_name().unwrap_or_default();
        Self {
            code: UNREADABLE,
            file: name.to_string_lossy().into_owned(),
            line: None,
            detail: format!("cannot {}: {}", error.operation, error.source),
        }
    }

    /// Says whether a file could not be looked at, so that entries may not have been seen.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.code == UNREADABLE
    }

    /// Says whether something was not checked, be it that it could not be read or not understood.
    pub(crate) fn is_unchecked(&self) -> bool {
        matches!(self.code, UNREADABLE | "unknown version" | "unknown kind")
    }

    /// Says what it means and what to do next.
    pub(crate) fn advice(&self) -> &'static str {
        advice(self.code)
    }
}

/// `audit_2026-11-22.jsonl:17: damaged line: wrong envelope, at byte 220 of the line`; never content.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ":{line}")?;
        }
        write!(out, ": {}: {}", self.code, self.detail)
    }
}

/// Every code, with what it means and what to do next.
const ADVICE: [(&str, &str); 30] = [
    (
        UNREADABLE,
        "the file was not checked; run again as a user who may read it, or check the disk",
    ),
    (
        "unknown version",
        "a later version of the software wrote the line; check the journal with that version",
    ),
    (
        "unknown kind",
        "a later version of the software wrote the entry; check the journal with that version",
    ),
    (
        "repeat",
        "a write failed and was done again in the next file; no entry is lost; look for disk errors of that time",
    ),
    (
        "duplicate",
        "something other than the writer copied the line; compare with a backup or with what followers have",
    ),
    (
        "fork",
        "two entries claim the same place: the journal was restored or rewritten; compare with a backup or with what followers have",
    ),
    (
        "missing entries",
        "entries were removed; unless a retention entry names them, restore the files from a backup beside the journal and compare",
    ),
    (
        "broken chain",
        "the entry before it was changed or replaced; compare both with a backup or with what followers have",
    ),
    (
        "wrong day",
        "the line was moved from another file, or the file was renamed; compare with a backup",
    ),
    (
        "stray line",
        "the line was put into another stream's file; compare both files with a backup",
    ),
    (
        "damaged line",
        "the line was changed or the disk failed; keep the file as it is, and take the entry from a backup or a follower",
    ),
    (
        "torn tail",
        "a crash cut the last line; it was never acknowledged, and the next start moves it to quarantine/",
    ),
    (
        "being written",
        "a process is writing the last line; nothing needs to be done",
    ),
    (
        "cut tail",
        "the newest entries were removed, or an older copy was restored; take them from a backup or a follower",
    ),
    (
        "missing stream",
        "all files of the stream were removed or not copied; restore them from a backup",
    ),
    (
        "not continued",
        "a process could not append to the stream and began another; its log says more; keep the stream's files",
    ),
    (
        "day ahead",
        "the clock was more than a day ahead when the stream was written; check the host's clock",
    ),
    (
        "edited",
        "the entry's text was changed after it was written; compare with a backup or with what followers have",
    ),
    (
        "planted",
        "text was put in the place of what had been removed; do not trust it",
    ),
    (
        "no mac",
        "an older process without a tail key wrote them, or something else did; compare with the processes that ran then",
    ),
    (
        "segment lost",
        "acknowledged entries disappeared while the journal was being written; look for what removes or truncates its files",
    ),
    (
        "foreign lines",
        "lines that no process with the tail key wrote were moved to quarantine/; look who can write in the directory",
    ),
    (
        "stranger",
        "the name of a journal's file is taken by something else, which was not opened; move it away",
    ),
    (
        "wrong root",
        "entries that the note covers were changed, or the note was; check its signature with --key, and compare with a backup",
    ),
    (
        "wrong signature",
        "the note was changed after it was signed; compare with a backup or with what followers have",
    ),
    (
        "missing signature",
        "no key that was given signed the note; give the key of that time as well, or treat its entries as unsigned",
    ),
    (
        "other key",
        "the note was made under another name; give that name's key as well, or look who writes in the directory",
    ),
    (
        "damaged note",
        "the signed head cannot be read, and proves nothing; take it from a backup or a follower",
    ),
    (
        "missing note",
        "the newest signed head was removed, so the end of the stream is not proven; take it from a backup",
    ),
    (
        "cursor ahead",
        "a follower has entries that the journal has not: its end was cut, or an older copy was restored",
    ),
];

fn advice(code: &str) -> &'static str {
    let known = ADVICE.iter().find(|(known, _)| *known == code);
    known.map_or("", |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use tracing_llm_audit::{entry::StreamId, journal::Step};

    use super::*;

    /// The library names what is wrong in the chain; each of its words needs advice here.
    #[test]
    fn every_step_of_the_chain_is_explained() {
        let seq = 1;
        let stream = StreamId::from_bytes([1; 16]);
        for step in [
            Step::Unknown,
            Step::Repeat { seq },
            Step::LeftOver,
            Step::Duplicate { seq },
            Step::Fork { seq },
            Step::Missing { first: 1, last: 1 },
            Step::Broken { seq },
            Step::WrongDay { seq },
            Step::Stray { stream },
            Step::Damaged { seq, damage: None },
            Step::Torn { seq },
        ] {
            let code = step.code().unwrap();
            assert_ne!(advice(code), "", "{code}");
        }
    }

    /// A code without advice would leave the reader alone with a word.
    #[test]
    fn every_code_is_explained_once() {
        let mut codes: Vec<_> = ADVICE.iter().map(|(code, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ADVICE.len());
        assert!(
            ADVICE
                .iter()
                .all(|(code, advice)| !code.is_empty() && !advice.is_empty())
        );
    }
}
