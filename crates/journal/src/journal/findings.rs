//! What opening found wrong with the journal's directory, as sentences for whoever watches it.
//!
//! Promise: each says which stream or file, what is wrong, and what to do next; never content.
//! Not here: finding it (`scan`, `recovery`, `directory`).

use super::{opening::Opened, scan::Refusal};
use crate::entry::StreamId;

impl Refusal {
    /// Returns what a person should know of a stream that is not continued; none where nothing is wrong with it.
    pub fn finding(&self, stream: StreamId) -> Option<String> {
        let what = match self {
            // It was closed in order, and a new stream goes on.
            Self::DayAhead => return None,
            Self::Unknown { seq } => format!(
                "was written by a later version from entry {seq} on: use that version to go on with it"
            ),
            Self::Damaged { seq } => format!(
                "is damaged at entry {seq}, which was signed: keep a copy, see `llm-audit status`, restore it from a \
                 backup"
            ),
            Self::RolledBack { entries, signed } => format!(
                "has {entries} entries where {signed} were signed: an old copy was put back, or its end was removed; \
                 restore the newest copy"
            ),
            Self::OtherKey => "was signed by another key: restore the keys that belong to this journal, or move the \
                               journal away"
                .to_owned(),
            Self::Foreign => "has no checkpoint of ours, and its first entry was not written by this host: find out \
                              who wrote it, and move its files away"
                .to_owned(),
            Self::NoNumberLeft { file } => format!(
                "ends in {file}, whose number leaves none for the day's next files: find out who renamed it, and give \
                 it its number back"
            ),
            Self::Unreadable { why } => {
                format!("cannot be read ({why}): make its files readable for this process")
            }
        };
        Some(format!(
            "stream {stream} {what}; it is left as it is and not continued"
        ))
    }
}

impl Opened {
    /// Returns what a person should know: streams that are not continued, lines of others, files that are left alone,
    /// keys that were made beside a journal of other keys.
    pub fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        let is_other_keys = |(_, refusal): &(StreamId, Refusal)| *refusal == Refusal::OtherKey;
        if self.is_sign_key_new && self.not_continued.iter().any(is_other_keys) {
            findings.push(
                "new keys were made beside a journal that other keys signed: is the keys directory on a volume that \
                 lasts? Restore the journal's keys, or move the journal away; hashes under the new key match none \
                 from before"
                    .to_owned(),
            );
        }
        let refused = self.not_continued.iter();
        findings.extend(refused.filter_map(|(stream, refusal)| refusal.finding(*stream)));
        if self.foreign > 0 {
            findings.push(format!(
                "{} lines that this host's writer did not write stood behind the newest checkpoint: they \
                 are in quarantine/; find out who appends to the journal's files",
                self.foreign
            ));
        }
        if self.edited > 0 {
            findings.push(format!(
                "{} entries behind the newest checkpoint are not as they were written: they are in quarantine/, and \
                 their numbers are named as lost; find out who edits the journal's files",
                self.edited
            ));
        }
        if self.copied > 0 {
            findings.push(format!(
                "{} copies of signed entries stood where they do not belong: they are in quarantine/; find out who \
                 copies the journal's files, or whether the disk fails",
                self.copied
            ));
        }
        if self.begun_edited > 0 {
            findings.push(format!(
                "{} operations began and never ended, and the entries of their beginning are gone or not as they were \
                 written: nothing was written for them; see `llm-audit status`, restore the journal from a backup",
                self.begun_edited
            ));
        }
        let strangers = self.strangers.iter();
        findings.extend(strangers.map(|stranger| {
            format!("{stranger}: it is left alone; move it out of the journal's directory")
        }));
        findings
    }
}
