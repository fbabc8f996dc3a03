//! Going on in a new stream when the old one's lock is lost: what had not landed is written again there.
//!
//! Promise: nothing is appended to the old stream; every record that waited is in the new one, once, in the same order.
//! Not here: finding out (`writer`), who waits for the records (`recorder`).

use std::collections::BTreeMap;

use super::{
    event::{self, Event},
    opening::{OpenError, Opened},
    ranges::Ranges,
    refused::AppendError,
    writer::JournalWriter,
};
use crate::{
    entry::{Entry, Kind, Members, schema::key},
    json,
};

/// What became of a writer whose lock was lost.
pub struct Moved {
    /// The writer of the stream that was left: its followers may still lack something.
    pub old: JournalWriter,
    /// What opening the new stream found.
    pub opened: Opened,
    /// What the acceptance numbers of records that had not landed are less in the new stream.
    pub acc_shift: u64,
    /// The entries that those records have become, by their new acceptance numbers.
    pub seqs: BTreeMap<u64, u64>,
}

impl JournalWriter {
    /// Begins a new stream in place of one whose lock was removed or replaced, as [`JournalWriter::is_lock_lost`] asks.
    ///
    /// Records that were not durable yet are chained into the new stream, in their order.
    ///
    /// # Errors
    /// [`OpenError`]; call it again.
    pub fn start_elsewhere(&mut self) -> Result<Moved, OpenError> {
        let opener = self.opener();
        opener.directory.make()?;
        let mut report = Opened::default();
        let mut new = opener.open_new(&mut report)?;
        // The last step that may fail: what a failed attempt had made durable would be written a second time.
        let day = new.make_room(0)?;
        let acc_shift = self.acc_shift();
        let mut seqs = BTreeMap::new();
        for entry in self.waiting() {
            seqs.extend(new.take_over(&entry, acc_shift, day)?);
        }
        new.findings = std::mem::take(&mut self.findings);
        let mut old = std::mem::replace(self, new);
        // It is in the new stream now.
        old.buffer.clear();
        Ok(Moved {
            old,
            opened: report,
            acc_shift,
            seqs,
        })
    }

    /// The entries that are not durable.
    fn waiting(&self) -> impl Iterator<Item = Entry<'_>> {
        let lines = self.buffer.split(|byte| *byte == b'\n');
        lines.filter_map(|line| Entry::parse(line).ok())
    }

    /// Returns by how much the waiting numbers become less: the least of them is at least 1 afterwards, also where a
    /// greater number than theirs is durable already.
    fn acc_shift(&self) -> u64 {
        let least = self
            .waiting()
            .filter_map(|entry| first_number(&entry))
            .min();
        let before = least.map_or(u64::MAX, |acc| acc.saturating_sub(1));
        self.durable_acc.min(before)
    }

    /// Appends what another stream could not take any more, and returns acceptance number and entry of a record; the
    /// journal's own entries about that stream stay behind.
    fn take_over(
        &mut self,
        entry: &Entry<'_>,
        acc_shift: u64,
        day: u32,
    ) -> Result<Option<(u64, u64)>, AppendError> {
        let at = entry.position();
        if at.kind.is_record() {
            let mut members = Members::with_capacity(entry.line().len());
            for (key, value) in entry.members() {
                members.push_raw(&key, value);
            }
            let acc = at.acc.saturating_sub(acc_shift);
            let seq = self.push_record(acc, at.kind, day, &members)?;
            return Ok(Some((acc, seq)));
        }
        if at.kind == Kind::Gap {
            self.take_over_gap(entry.get(key::EVENT).unwrap_or_default(), acc_shift, day);
        }
        Ok(None)
    }

    fn take_over_gap(&mut self, event: &[u8], acc_shift: u64, day: u32) {
        let mut lost = Ranges::default();
        let shifted = event::read_ranges(event, "acc")
            .into_iter()
            .filter(|(first, _)| *first > acc_shift)
            .map(|(first, last)| (first - acc_shift, last - acc_shift));
        lost.extend(shifted);
        if lost.is_empty() {
            return;
        }
        self.state.account.name(lost.iter());
        let cause = json::member(event, "cause").unwrap_or(b"null");
        let event = Event::new()
            .ranges("acc", &lost)
            .number("count", lost.count())
            .raw("cause", cause);
        self.push_on(Kind::Gap, day, event);
    }
}

/// Returns the first number that an entry has or names; none of the journal's other entries has one of its own.
fn first_number(entry: &Entry<'_>) -> Option<u64> {
    let at = entry.position();
    match at.kind {
        Kind::Gap => {
            let event = entry.get(key::EVENT).unwrap_or_default();
            let ranges = event::read_ranges(event, "acc");
            ranges.first().map(|(first, _)| *first)
        }
        kind => kind.is_record().then_some(at.acc),
    }
}
