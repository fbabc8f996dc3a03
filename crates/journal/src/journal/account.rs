//! The account of acceptance numbers: which were written, which were named as lost, which are missing.
//!
//! Promise: what `close` and `heartbeat` say is counted here and nowhere else.

use super::{event, ranges::Ranges};
use crate::entry::{Entry, Kind, schema::key};

/// Numbers of one stream since it began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// Written or named.
    taken: Ranges,
    durable: u64,
    dropped: u64,
}

impl Account {
    /// Makes the account of a stream from what was kept of it.
    pub(crate) fn from_parts(taken: Ranges, durable: u64, dropped: u64) -> Self {
        Self {
            taken,
            durable,
            dropped,
        }
    }

    /// Returns every number that was written or named.
    pub(crate) fn taken(&self) -> &Ranges {
        &self.taken
    }

    /// Returns the greatest number written or named, 0 where there is none.
    pub(crate) fn max(&self) -> u64 {
        self.taken.max()
    }

    /// Returns how many `call` and `begin` entries there are.
    pub(crate) fn durable(&self) -> u64 {
        self.durable
    }

    /// Returns how many numbers `gap` and `recovery` entries name.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(crate) fn has(&self, acc: u64) -> bool {
        self.taken.contains(acc)
    }

    /// Returns the numbers that were neither written nor named, up to `last`.
    pub(crate) fn holes_to(&self, last: u64) -> Ranges {
        self.taken.missing_to(last)
    }

    /// Counts a `call` or `begin`.
    pub(crate) fn write(&mut self, acc: u64) {
        self.taken.insert(acc);
        self.durable += 1;
    }

    /// Counts numbers that will never come.
    pub(crate) fn name(&mut self, ranges: impl IntoIterator<Item = (u64, u64)>) {
        for (first, last) in ranges.into_iter().filter(|(first, last)| first <= last) {
            self.dropped = self
                .dropped
                .saturating_add((last - first).saturating_add(1));
            self.taken.insert_range(first, last);
        }
    }

    /// Counts an entry that was read.
    pub(crate) fn read(&mut self, entry: &Entry<'_>) {
        let position = entry.position();
        match position.kind {
            Kind::Call | Kind::Begin => self.write(position.acc),
            Kind::Gap | Kind::Recovery => {
                self.name(event::read_ranges(
                    entry.get(key::EVENT).unwrap_or_default(),
                    "acc",
                ));
            }
            // The numbers that a removed segment held stay taken.
            Kind::Retention => {
                let ranges = event::read_ranges(entry.get(key::EVENT).unwrap_or_default(), "acc");
                self.taken.extend(ranges);
            }
            _ => {}
        }
    }
}
