//! What a writer must know of a stream to go on in it.
//!
//! Promise: grows with what is open (holes, begun operations, segments), never with the journal.
//! Not here: reading it from lines (`scan`), keeping it (`cache`).

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::{account::Account, event, segment::SegmentName, walk::Place};
use crate::{
    entry::{Entry, Kind, Leaf, StreamId, schema::key},
    json,
    tree::Frontier,
};

/// A stream up to an entry.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) next_seq: u64,
    pub(crate) prev: Leaf,
    /// The day of the last entry.
    pub(crate) day: u32,
    pub(crate) tree: Frontier,
    pub(crate) account: Account,
    /// The segments that are not empty, in order.
    pub(crate) segments: Vec<SegmentSpan>,
    /// Where each operation that never ended began.
    pub(crate) begun: BTreeMap<RequestTag, Place>,
    /// The `settings` of the last `config` entry, as spelled.
    pub(crate) settings: Option<Vec<u8>>,
    /// Use and id of the keys that `key` entries name.
    pub(crate) keys: BTreeSet<(String, String)>,
    /// Quarantined files that `recovery` entries name.
    pub(crate) recovered: BTreeSet<String>,
    /// Streams that `open` entries name, and how many entries they had at least.
    pub(crate) others: BTreeMap<StreamId, u64>,
}

/// A segment, and the entries in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentSpan {
    pub(crate) name: SegmentName,
    /// Bytes of the lines up to the state's end.
    pub(crate) len: u64,
    /// The first entry in it that the segment before does not have.
    pub(crate) first_seq: u64,
}

/// Stands for a request id where that may not be kept: a cache has no members of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestTag(pub(crate) [u8; 16]);

impl RequestTag {
    pub(crate) fn of(request_id: &str) -> Self {
        let hash: [u8; 32] = Sha256::digest(request_id).into();
        Self(std::array::from_fn(|at| hash[at]))
    }
}

impl State {
    /// Makes the state of a stream without entries.
    pub(crate) fn new() -> Self {
        Self {
            next_seq: 0,
            prev: Leaf::ZERO,
            day: 0,
            tree: Frontier::new(),
            account: Account::default(),
            segments: Vec::new(),
            begun: BTreeMap::new(),
            settings: None,
            keys: BTreeSet::new(),
            recovered: BTreeSet::new(),
            others: BTreeMap::new(),
        }
    }

    /// Goes on by one entry, which is the next one.
    pub(crate) fn take(&mut self, entry: &Entry<'_>, place: Place) {
        let at = entry.position();
        self.read(entry, place);
        self.go_on(entry.leaf(), at.day);
        self.account.read(entry);
    }

    /// Moves the end of the chain behind one more entry.
    pub(crate) fn go_on(&mut self, leaf: Leaf, day: u32) {
        self.day = day;
        self.prev = leaf;
        self.tree.push(leaf);
        self.next_seq += 1;
    }

    /// Notes that a segment has lines up to a length; where it is a new one, with its first entry.
    pub(crate) fn extend_segment(&mut self, name: SegmentName, len: u64, first_seq: u64) {
        match self.segments.last_mut() {
            Some(last) if last.name == name => last.len = len,
            _ => self.segments.push(SegmentSpan {
                name,
                len,
                first_seq,
            }),
        }
    }

    /// Returns where the next line stands, where it stands in a segment that is there.
    pub(crate) fn end(&self) -> Option<Place> {
        let last = self.segments.last()?;
        Some(Place {
            segment: last.name,
            offset: last.len,
        })
    }

    /// Forgets what was cut off from a place on.
    pub(crate) fn end_segments_at(&mut self, segment: SegmentName, offset: u64) {
        self.segments
            .retain(|span| span.name < segment || span.name == segment && offset > 0);
        if let Some(last) = self.segments.last_mut()
            && last.name == segment
        {
            last.len = offset;
        }
    }

    /// Says whether a `key` entry names this key.
    pub(crate) fn names_key(&self, usage: &str, id: &str) -> bool {
        self.keys.contains(&(usage.to_owned(), id.to_owned()))
    }

    /// Reads what an entry says about the stream.
    fn read(&mut self, entry: &Entry<'_>, place: Place) {
        match entry.position().kind {
            Kind::Call if !self.begun.is_empty() => {
                if let Some(id) = entry.text(key::REQUEST_ID) {
                    self.begun.remove(&RequestTag::of(&id));
                }
            }
            Kind::Begin => {
                let id = entry.text(key::REQUEST_ID).unwrap_or_default();
                self.begun.insert(RequestTag::of(&id), place);
            }
            kind => self.read_event(kind, entry.get(key::EVENT).unwrap_or_default()),
        }
    }

    /// Reads what one of the journal's own entries says about the stream.
    pub(crate) fn read_event(&mut self, kind: Kind, event: &[u8]) {
        match kind {
            Kind::Recovery => self.recovered.extend(event::read_text(event, "file")),
            Kind::Config => {
                self.settings = json::member(event, "settings").map(<[u8]>::to_vec);
            }
            Kind::Key => self.read_key(event),
            Kind::Open => self.read_open(event),
            _ => {}
        }
    }

    fn read_key(&mut self, event: &[u8]) {
        let names = event::read_text(event, "use").zip(event::read_text(event, "id"));
        self.keys.extend(names);
    }

    fn read_open(&mut self, event: &[u8]) {
        let streams = json::member(event, "streams").unwrap_or_default();
        for item in json::elements(streams).map_while(Result::ok) {
            let mut parts = json::elements(item).map_while(Result::ok);
            let stream = parts.next().and_then(json::text);
            let size = parts.next().and_then(json::unsigned);
            let stream = stream.and_then(|text| StreamId::parse(&text));
            if let Some((stream, size)) = stream.zip(size) {
                let known = self.others.entry(stream).or_default();
                *known = size.max(*known);
            }
        }
    }
}
