//! Whether each stream's entries stand one after the other: by number alone, which is cheap and no proof.
//!
//! Promise: bounded memory. Damaged lines explain as many missing entries, so that one cause is one finding.
//! Not here: whether an absence is lawful, and whether the chain holds (that is verifying).

use std::collections::{BTreeMap, VecDeque};

use tracing_llm_audit::entry::{Entry, Leaf, StreamId};

use crate::{finding::What, journal::Item};

/// How many leaves are remembered to tell a repeat from a fork: more entries than one failed batch can hold.
const LEAVES_MAX: usize = 1 << 17;

/// Where each stream is.
#[derive(Default)]
pub(crate) struct Order {
    streams: BTreeMap<StreamId, Tail>,
    /// Lines since the last entry that may have been one.
    damaged: u64,
}

/// The newest entries of a stream.
#[derive(Default)]
struct Tail {
    next_seq: u64,
    /// Of the entries before it, the newest last.
    leaves: VecDeque<Leaf>,
}

impl Order {
    /// Returns what is wrong with the entry's place.
    pub(crate) fn check(&mut self, item: &Item) -> Option<What> {
        match item {
            Item::Entry(entry) => {
                let damaged = std::mem::take(&mut self.damaged);
                self.check_entry(&entry.as_entry(), damaged)
            }
            Item::Finding(_) => {
                self.damaged += 1;
                None
            }
        }
    }

    fn check_entry(&mut self, entry: &Entry<'_>, damaged: u64) -> Option<What> {
        let (seq, stream) = (entry.position().seq, entry.position().stream);
        let known = self.streams.contains_key(&stream);
        let tail = self.streams.entry(stream).or_default();
        if seq < tail.next_seq {
            let back = usize::try_from(tail.next_seq - seq).unwrap_or(usize::MAX);
            let leaf = tail
                .leaves
                .len()
                .checked_sub(back)
                .map(|at| tail.leaves[at]);
            let is_same = leaf == Some(entry.leaf());
            return Some(if is_same {
                What::Repeat { seq }
            } else {
                What::Fork { seq }
            });
        }
        let first = std::mem::replace(&mut tail.next_seq, seq + 1);
        if seq > first {
            tail.leaves.clear();
        }
        tail.leaves.push_back(entry.leaf());
        if tail.leaves.len() > LEAVES_MAX {
            tail.leaves.pop_front();
        }
        let is_explained = !known || seq - first <= damaged;
        (!is_explained).then(|| What::Missing {
            first,
            last: seq - 1,
        })
    }
}
