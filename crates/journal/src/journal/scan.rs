//! Reads a stream from its beginning, as its next writer must know it.
//!
//! Promise: says where the chain ends and what is signed of it, and changes nothing. Every line's spelling, position and
//! `prev` are checked, and behind the newest checkpoint its commitments too; memory does not go with the journal.
//! Not here: cutting (`recovery`), the whole truth about a journal that was tampered with (verification).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    account::Account,
    directory::{At, Directory, FileError},
    event,
    lines::{LineEnd, Lines},
    notes::{self, StoredNote},
    segment::{Label, SegmentName},
};
use crate::{
    checkpoint::VerifierKey,
    entry::{CommitmentState, Entry, Kind, Leaf, StreamId, schema::key},
    json,
    tree::Frontier,
};

/// More entries than a batch can have: a failed batch is all that a segment may repeat of the one before.
const RECENT_MAX: usize = 4096;

/// Why nothing may be appended to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A later version wrote in it.
    Unknown {
        /// Where.
        seq: u64,
    },
    /// It is damaged where it was signed.
    Damaged {
        /// The first entry that is not as it was.
        seq: u64,
    },
    /// It ends before what was signed: an old copy was put back.
    RolledBack {
        /// Entries that are there.
        entries: u64,
        /// Entries that were signed.
        signed: u64,
    },
    /// Another key or name signed it.
    OtherKey,
    /// Its last day lies ahead: the clock was wrong and set back.
    DayAhead,
}

impl Refusal {
    /// Returns the word in the journal.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Damaged { .. } => "damaged",
            Self::RolledBack { .. } => "rolled_back",
            Self::OtherKey => "other_key",
            Self::DayAhead => "day_ahead",
        }
    }
}

/// A place in a stream's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) segment: SegmentName,
    pub(crate) offset: u64,
}

/// What a stream is found to be.
pub(crate) struct Scan {
    pub(crate) next_seq: u64,
    pub(crate) prev: Leaf,
    pub(crate) day: u32,
    pub(crate) tree: Frontier,
    pub(crate) account: Account,
    /// Size of the newest checkpoint that our key vouches for.
    pub(crate) signed: u64,
    /// The segments that are not empty, in order.
    pub(crate) segments: Vec<SegmentName>,
    /// Where each operation that never ended began, by request id.
    pub(crate) begun: BTreeMap<String, Place>,
    /// The `settings` of the last `config` entry, as spelled.
    pub(crate) settings: Option<Vec<u8>>,
    /// Quarantined files that `recovery` entries name.
    pub(crate) recovered: BTreeSet<String>,
    /// Ends of segments that are no entries, where the next segment goes on with the chain: a failed batch that could
    /// not be truncated, as a crash left it.
    pub(crate) leftovers: Vec<Place>,
    /// From here on everything must go.
    pub(crate) cut: Option<Cut>,
}

/// Where to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// This line and all behind it; the scan's state ends before it.
    Tail(Place),
    /// The end of one segment that the last one repeats in part only; scan again afterwards.
    Overlap(Place),
}

/// Reads a stream; the inner error says why nothing may be appended to it.
pub(crate) fn scan(
    directory: &Directory,
    stream: StreamId,
    label: Label,
    key: &VerifierKey,
) -> Result<Result<Scan, Refusal>, FileError> {
    let mut scanner = Scanner::new(directory, stream, key)?;
    for segment in directory.segments_of(label)? {
        scanner.segment(segment)?;
    }
    Ok(scanner.finish())
}

struct Scanner<'a> {
    directory: &'a Directory,
    stream: StreamId,
    key: &'a VerifierKey,
    found: Scan,
    /// The signed head that is still to be compared with the tree.
    expected: Option<(u64, [u8; 32])>,
    is_foreign: bool,
    refusal: Option<Refusal>,
    /// The last entries' leaves and places: what a segment may repeat.
    recent: VecDeque<(u64, Leaf, Place)>,
    /// The line at which a segment stops making sense; forgiven where the next segment goes on with the chain.
    stopped: Option<Place>,
    /// Entries among what makes no sense: the chain must have the same ones.
    suspects: BTreeMap<u64, Leaf>,
    /// While a segment repeats the end of the one before.
    repeating: Option<Repeat>,
}

/// Which entries a segment has repeated so far.
#[derive(Clone, Copy)]
struct Repeat {
    first: u64,
    next: u64,
}

/// What a line is to the chain.
enum Fit {
    Next,
    Repeat,
    No,
}

impl<'a> Scanner<'a> {
    fn new(
        directory: &'a Directory,
        stream: StreamId,
        key: &'a VerifierKey,
    ) -> Result<Self, FileError> {
        let note = notes::load(directory, stream, key)?;
        let (signed, expected, is_foreign) = match note {
            StoredNote::None => (0, None, false),
            StoredNote::Foreign => (0, None, true),
            StoredNote::Verified(head) => (head.size, Some((head.size, head.root)), false),
        };
        let found = Scan {
            next_seq: 0,
            prev: Leaf::ZERO,
            day: 0,
            tree: Frontier::new(),
            account: Account::default(),
            signed,
            segments: Vec::new(),
            begun: BTreeMap::new(),
            settings: None,
            recovered: BTreeSet::new(),
            leftovers: Vec::new(),
            cut: None,
        };
        Ok(Self {
            directory,
            stream,
            key,
            found,
            expected,
            is_foreign,
            refusal: None,
            recent: VecDeque::new(),
            stopped: None,
            suspects: BTreeMap::new(),
            repeating: None,
        })
    }

    fn segment(&mut self, segment: SegmentName) -> Result<(), FileError> {
        let path = self.directory.segment(segment);
        let file = self.directory.storage.open_read(&path).at("open", &path)?;
        let mut lines = Lines::new(file, 0);
        let mut is_first = true;
        while let Some(line) = lines.next().at("read", &path)? {
            let place = Place {
                segment,
                offset: line.offset,
            };
            if is_first {
                self.found.segments.push(segment);
            }
            let entry = if line.end == LineEnd::Newline {
                Entry::parse(line.bytes).map_err(|damage| damage.unknown_version().is_some())
            } else {
                Err(false)
            };
            self.line(place, entry, is_first);
            is_first = false;
        }
        Ok(())
    }

    /// Takes one line in; `Err(true)` is one of an unknown version.
    fn line(&mut self, place: Place, entry: Result<Entry<'_>, bool>, is_first: bool) {
        let fit = match &entry {
            Ok(entry) => self.fit(entry, place, is_first),
            Err(_) => Fit::No,
        };
        match (fit, entry) {
            (Fit::Next, Ok(entry)) => {
                self.found.leftovers.extend(self.stopped.take());
                self.repeating = None;
                self.take(&entry, place);
            }
            (Fit::Repeat, Ok(entry)) => {
                self.found.leftovers.extend(self.stopped.take());
                let seq = entry.position().seq;
                let first = self
                    .repeating
                    .filter(|_| !is_first)
                    .map_or(seq, |repeat| repeat.first);
                self.repeating = Some(Repeat {
                    first,
                    next: seq + 1,
                });
            }
            (_, entry) => {
                self.stopped.get_or_insert(place);
                match entry {
                    Ok(entry) => self.look_ahead(&entry),
                    Err(true) => self.refuse(Refusal::Unknown {
                        seq: self.found.next_seq,
                    }),
                    Err(false) => {}
                }
            }
        }
    }

    fn fit(&self, entry: &Entry<'_>, place: Place, is_first: bool) -> Fit {
        let at = entry.position();
        if at.stream != self.stream || at.day != place.segment.day || at.day < self.found.day {
            return Fit::No;
        }
        // Behind a line that makes no sense nothing does, until the next segment takes the chain up.
        if self.stopped.is_some() && !is_first {
            return Fit::No;
        }
        if at.seq == self.found.next_seq {
            let holds = at.prev == self.found.prev && self.holds(entry);
            return if holds { Fit::Next } else { Fit::No };
        }
        let goes_on = self.repeating.is_some_and(|repeat| repeat.next == at.seq);
        let may_repeat = at.seq < self.found.next_seq && (is_first || goes_on);
        let same = self.recent.iter().rev().find(|(seq, ..)| *seq == at.seq);
        match same {
            Some((_, leaf, _)) if may_repeat && *leaf == entry.leaf() => Fit::Repeat,
            _ => Fit::No,
        }
    }

    /// Checks the commitments of what no checkpoint vouches for yet.
    fn holds(&self, entry: &Entry<'_>) -> bool {
        let is_signed = entry.position().seq < self.found.signed;
        let bad = |state: &CommitmentState| {
            matches!(state, CommitmentState::Differs | CommitmentState::Planted)
        };
        is_signed || !entry.check_commitments().iter().any(bad)
    }

    /// Goes on by one entry.
    fn take(&mut self, entry: &Entry<'_>, place: Place) {
        self.read(entry, place);
        let seq = entry.position().seq;
        if self
            .suspects
            .remove(&seq)
            .is_some_and(|leaf| leaf != entry.leaf())
        {
            // Two entries claim the place: that is for a verifier to see.
            self.refuse(Refusal::Damaged { seq });
        }
        let found = &mut self.found;
        found.day = entry.position().day;
        found.prev = entry.leaf();
        found.tree.push(entry.leaf());
        found.next_seq += 1;
        found.account.read(entry);
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent
            .push_back((entry.position().seq, entry.leaf(), place));
        self.compare_root();
    }

    fn compare_root(&mut self) {
        if let Some((size, root)) = self.expected
            && size == self.found.next_seq
        {
            self.expected = None;
            if self.found.tree.root() != root {
                self.refuse(Refusal::Damaged { seq: size - 1 });
            }
        }
    }

    /// Reads what an entry says about the stream.
    fn read(&mut self, entry: &Entry<'_>, place: Place) {
        match entry.position().kind {
            Kind::Call if !self.found.begun.is_empty() => {
                if let Some(id) = entry.text(key::REQUEST_ID) {
                    self.found.begun.remove(&id);
                }
            }
            Kind::Begin => {
                let id = entry.text(key::REQUEST_ID).unwrap_or_default();
                self.found.begun.insert(id, place);
            }
            Kind::Checkpoint => self.checkpoint(entry.get(key::EVENT).unwrap_or_default()),
            Kind::Recovery => {
                let event = entry.get(key::EVENT).unwrap_or_default();
                self.found.recovered.extend(event::read_text(event, "file"));
            }
            Kind::Config => {
                let event = entry.get(key::EVENT).unwrap_or_default();
                self.found.settings = json::member(event, "settings").map(<[u8]>::to_vec);
            }
            Kind::Other(_) => self.refuse(Refusal::Unknown {
                seq: self.found.next_seq,
            }),
            _ => {}
        }
    }

    /// Looks at a checkpoint entry that is next in the chain: it signs what is before it.
    fn checkpoint(&mut self, event: &[u8]) {
        let Some(note) = event::read_text(event, "note") else {
            return;
        };
        // Signatures cost; what is signed more newly needs none looked at.
        let claimed = claimed_size(&note);
        if claimed <= self.found.signed {
            return;
        }
        match notes::verify(&note, self.stream, self.key) {
            StoredNote::Verified(head) if head.size == self.found.next_seq => {
                if self.found.tree.root() == head.root {
                    self.found.signed = head.size;
                } else {
                    self.refuse(Refusal::Damaged { seq: head.size });
                }
            }
            StoredNote::Verified(head) => self.found.signed = head.size,
            StoredNote::Foreign => self.is_foreign = true,
            StoredNote::None => {}
        }
    }

    /// Looks at an entry behind the end of the chain: a checkpoint there says that what is broken was signed.
    fn look_ahead(&mut self, entry: &Entry<'_>) {
        let at = entry.position();
        if at.stream == self.stream && self.suspects.len() < RECENT_MAX {
            self.suspects.insert(at.seq, entry.leaf());
        }
        if at.stream != self.stream || at.kind != Kind::Checkpoint {
            return;
        }
        let event = entry.get(key::EVENT).unwrap_or_default();
        if let Some(note) = event::read_text(event, "note")
            && claimed_size(&note) > self.found.signed
            && let StoredNote::Verified(head) = notes::verify(&note, self.stream, self.key)
        {
            self.found.signed = head.size;
        }
    }

    /// The first reason stands.
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    fn finish(mut self) -> Result<Scan, Refusal> {
        let entries = self.found.next_seq;
        let signed = self.found.signed;
        if signed > entries {
            self.refuse(if self.stopped.is_some() {
                Refusal::Damaged { seq: entries }
            } else {
                Refusal::RolledBack { entries, signed }
            });
        }
        if self.is_foreign && signed == 0 {
            self.refuse(Refusal::OtherKey);
        }
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        let repeat = self.repeating.filter(|repeat| repeat.next < entries);
        let overlap =
            repeat.and_then(|repeat| self.recent.iter().find(|(seq, ..)| *seq == repeat.first));
        self.found.cut = match overlap {
            Some((.., place)) => Some(Cut::Overlap(*place)),
            None => self.stopped.map(Cut::Tail),
        };
        Ok(self.found)
    }
}

/// Returns the size that a note claims, before anything in it is proven.
fn claimed_size(note: &str) -> u64 {
    let size = note.split('\n').nth(1);
    size.and_then(|size| size.parse().ok()).unwrap_or(0)
}
