//! Reads a stream as the next writer must know it.
//!
//! Promise: says where the chain ends, what is signed of it and what of the rest this host's writer wrote, and changes
//! nothing. Begins where the cache ends. What no checkpoint of ours covers and what has no right mac is never taken for
//! ours: it is cut, or its stream is left alone.
//! Not here: the chain's rules (`walk`), cutting (`recovery`), the whole truth about a journal that was tampered with
//! (verification).

use std::collections::VecDeque;

use super::{
    cache,
    directory::Directory,
    event,
    file_error::FileError,
    notes::{self, StoredNote},
    segment::{Label, SegmentName},
    state::State,
    walk::{Place, REPEAT_BYTES_MAX, Step, Walker},
    walk_files::{FileWalk, Walked},
};
use crate::{
    checkpoint::VerifierKey,
    entry::{CommitmentState, Entry, Kind, Leaf, StreamId, TailKey, schema::key},
    tree::Frontier,
};

/// Why nothing may be appended to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A later version wrote in it.
    Unknown {
        /// Where.
        seq: u64,
    },
    /// It is damaged where it was signed, or cannot be read.
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
    /// Its last file has so great a number that the day's next ones would bear another stream's name.
    NoNumberLeft {
        /// The file's name.
        file: String,
    },
    /// No checkpoint covers it, and its first entry was not written by this host's writer.
    Foreign,
    /// One of its files cannot be read.
    Unreadable {
        /// What failed, and where.
        why: String,
    },
}

impl Refusal {
    /// Returns the word in the journal.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_version",
            // The format has no word for a file that cannot be read or followed; what is lost to us is damaged.
            Self::Damaged { .. } | Self::Unreadable { .. } | Self::NoNumberLeft { .. } => "damaged",
            Self::RolledBack { .. } => "rolled_back",
            Self::OtherKey => "other_key",
            Self::DayAhead => "day_ahead",
            Self::Foreign => "foreign",
        }
    }
}

/// What opening checks a stream with.
#[derive(Clone, Copy)]
pub(crate) struct ScanKeys<'a> {
    pub(crate) verifier: &'a VerifierKey,
    pub(crate) tail: &'a TailKey,
}

/// What a stream is found to be.
pub(crate) struct Scan {
    pub(crate) state: State,
    /// Size of the newest checkpoint that our key vouches for.
    pub(crate) signed: u64,
    /// Bytes of lines that were read: what the kept state does not cover.
    pub(crate) read_bytes: u64,
    /// How many entries the kept state covers: their lines were not read.
    pub(crate) kept: u64,
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
    keys: ScanKeys<'_>,
) -> Result<Result<Scan, Refusal>, FileError> {
    let segments = directory.segments_of(label)?;
    let mut kept = cache::load(directory, stream, &segments, keys.verifier, keys.tail);
    let mut signed = 0;
    loop {
        let kept_end = kept.as_ref().and_then(State::end);
        let scanner = read(directory, stream, &segments, keys, kept.clone(), signed)?;
        if !scanner.must_look_again {
            let is_misfit = kept_end.is_some() && scanner.stopped == kept_end;
            let scan = scanner.finish();
            if scan.is_err() && is_misfit && kept.take().is_some() {
                // An older cache of ours may have been put back that never was of these files.
                continue;
            }
            return Ok(scan);
        }
        // Ends: what is proven to be signed is known from the start now, so nothing below it counts as unproven. What
        // is only claimed is not: a note whose root nobody compared proves nothing.
        signed = scanner.signed;
    }
}

/// Reads a stream once, of which so many entries are known to be signed.
fn read<'a>(
    directory: &Directory,
    stream: StreamId,
    segments: &[SegmentName],
    keys: ScanKeys<'a>,
    kept: Option<State>,
    signed: u64,
) -> Result<Scanner<'a>, FileError> {
    let mut scanner = Scanner::new(directory, stream, keys, kept)?;
    scanner.claimed = scanner.claimed.max(signed);
    let (from, offset) = match scanner.state.segments.last() {
        Some(last) => (Some(last.name), last.len),
        None => (None, 0),
    };
    let ahead = segments.iter().copied().filter(|name| Some(*name) >= from);
    let State {
        next_seq,
        prev,
        day,
        ..
    } = scanner.state;
    let walker = Walker::new(stream, next_seq, prev, day);
    let mut walk = FileWalk::new(directory, ahead, offset, walker)?;
    while let Some(line) = walk.next()? {
        scanner.line(&line);
    }
    scanner.unfinished_repeat = walk.walker().unfinished_repeat();
    Ok(scanner)
}

struct Scanner<'a> {
    stream: StreamId,
    keys: ScanKeys<'a>,
    state: State,
    /// How many entries the kept state covers.
    kept: u64,
    /// Size of the newest checkpoint that is verified.
    signed: u64,
    /// The greatest size that a note of ours claims, whether or not its root fits.
    claimed: u64,
    /// The signed head that is still to be compared with the tree.
    expected: Option<(u64, [u8; 32])>,
    has_other_note: bool,
    /// The first entry of a kind that this software does not know.
    unknown: Option<u64>,
    refusal: Option<Refusal>,
    /// The first line that does not go on with the chain.
    stopped: Option<Place>,
    /// Whether a whole line was seen: without one the files are no stream yet.
    has_line: bool,
    /// The stream up to the first entry that is neither signed nor by this host's writer, and that entry's place.
    unproven: Option<(State, Place)>,
    leftovers: Vec<Place>,
    /// Where the last segment that repeats something begins.
    repeat_at: Option<Place>,
    /// The entry that must come next in it.
    repeated_to: u64,
    /// The first entry that the last segment repeats in part only, and where it stood before.
    unfinished_repeat: Option<(u64, Place)>,
    /// The first entry that opening reads something from and whose members are not what was committed.
    edited: Option<u64>,
    /// A note came late that covers the first entry that was not proven, and not those behind it.
    must_look_again: bool,
    read_bytes: u64,
    /// The leaves since a size, for notes of a smaller size than their entry's number.
    behind: Behind,
}

impl<'a> Scanner<'a> {
    fn new(
        directory: &Directory,
        stream: StreamId,
        keys: ScanKeys<'a>,
        kept: Option<State>,
    ) -> Result<Self, FileError> {
        let note = notes::load(directory, stream, keys.verifier)?;
        let (claimed, expected, has_other_note) = match note {
            StoredNote::None => (0, None, false),
            StoredNote::Foreign => (0, None, true),
            StoredNote::Verified(head) => (head.size, Some((head.size, head.root)), false),
        };
        let state = kept.unwrap_or_else(State::new);
        // What was kept was signed.
        let signed = state.next_seq;
        let mut scanner = Self {
            stream,
            keys,
            behind: Behind::new(&state.tree),
            state,
            kept: signed,
            signed,
            claimed: claimed.max(signed),
            expected: expected.filter(|(size, _)| *size >= signed),
            has_other_note,
            unknown: None,
            refusal: None,
            stopped: None,
            has_line: signed > 0,
            unproven: None,
            leftovers: Vec::new(),
            repeat_at: None,
            repeated_to: 0,
            unfinished_repeat: None,
            edited: None,
            must_look_again: false,
            read_bytes: 0,
        };
        scanner.compare_expected();
        Ok(scanner)
    }

    fn line(&mut self, line: &Walked) {
        self.read_bytes += line.bytes;
        self.has_line |= line.has_newline;
        let entry = line.entry.as_ref().map(crate::entry::EntryBuf::as_entry);
        match line.step {
            Step::LeftOver => {
                if self.leftovers.last().map(|place| place.segment) != Some(line.place.segment) {
                    self.leftovers.push(line.place);
                }
                return;
            }
            Step::Repeat { seq } if self.stopped.is_none() => {
                self.repeated_to = seq.saturating_add(1);
                let Place { segment, offset } = line.place;
                if offset == 0 {
                    self.repeat_at = Some(line.place);
                }
                let next = self.state.next_seq;
                return self
                    .state
                    .extend_segment(segment, offset + line.bytes, next);
            }
            Step::Unknown => self.refuse_unknown(),
            _ => {}
        }
        match (line.step, entry) {
            (Step::Next, Some(entry)) if self.stopped.is_none() => self.take(&entry, line),
            (_, entry) => {
                let at = self.stop_at(line);
                self.stopped.get_or_insert(at);
                if let Some(entry) = entry {
                    self.look_ahead(&entry);
                }
            }
        }
    }

    /// Returns from where on a line that does not go on with the chain is cut.
    ///
    /// Copies of a part of what stood before go with it: nothing can follow them.
    fn stop_at(&self, line: &Walked) -> Place {
        let is_cut_short =
            |at: &Place| at.segment == line.place.segment && self.repeated_to < self.state.next_seq;
        let copies = self.repeat_at.filter(is_cut_short);
        copies
            .filter(|_| line.entry.is_some())
            .unwrap_or(line.place)
    }

    /// Goes on by one entry, for the time being where nothing proves it.
    fn take(&mut self, entry: &Entry<'_>, line: &Walked) {
        let seq = entry.position().seq;
        if self.unproven.is_none() && seq >= self.claimed && !self.is_ours(entry) {
            self.unproven = Some((self.state.clone(), line.place));
        }
        if self.edited.is_none() && self.is_read_from(entry) && !is_as_committed(entry) {
            self.edited = Some(seq);
        }
        match entry.position().kind {
            Kind::Checkpoint => self.checkpoint(entry.get(key::EVENT).unwrap_or_default(), seq),
            Kind::Other(_) => {
                self.unknown.get_or_insert(seq);
            }
            _ => {}
        }
        let Place { segment, offset } = line.place;
        self.state.extend_segment(segment, offset + line.bytes, seq);
        self.state.take(entry, line.place);
        self.behind.push(entry.leaf(), line.bytes);
        self.compare_expected();
    }

    /// Says whether the stream's state depends on the entry's members, and not on its envelope alone.
    fn is_read_from(&self, entry: &Entry<'_>) -> bool {
        let kind = entry.position().kind;
        kind.is_known() && (kind != Kind::Call || !self.state.begun.is_empty())
    }

    /// Says whether this host's writer wrote the entry, as it stands.
    fn is_ours(&self, entry: &Entry<'_>) -> bool {
        entry.is_by(self.keys.tail) && entry.is_whole()
    }

    fn compare_expected(&mut self) {
        if let Some((size, root)) = self.expected
            && size == self.state.next_seq
        {
            self.expected = None;
            self.judge_root(size, Some(self.state.tree.root()) == Some(root));
        }
    }

    /// A checkpoint of ours says what the tree was: what it covers is proven, or the stream is damaged.
    fn judge_root(&mut self, size: u64, is_right: bool) {
        if !is_right {
            return self.refuse(Refusal::Damaged {
                seq: size.saturating_sub(1),
            });
        }
        self.signed = self.signed.max(size);
        // Up to the size the tree is what was signed; the first entry that was not proven may lie behind it.
        let is_proven = |(state, _): &(State, Place)| state.next_seq < size;
        if self.unproven.as_ref().is_some_and(is_proven) {
            self.unproven = None;
            // Nobody has looked at those behind the note's size, the entry with the note among them.
            self.must_look_again = true;
        }
    }

    /// Looks at a checkpoint entry that is next in the chain.
    fn checkpoint(&mut self, event: &[u8], seq: u64) {
        let Some(note) = event::read_text(event, "note") else {
            return;
        };
        // Signatures cost; what is signed more newly needs none looked at.
        if claimed_size(&note) <= self.signed.max(self.expected.map_or(0, |(size, _)| size)) {
            return;
        }
        match notes::verify(&note, self.stream, self.keys.verifier) {
            StoredNote::Verified(head) if head.size <= seq => {
                self.claimed = self.claimed.max(head.size);
                let root = if head.size == self.state.next_seq {
                    Some(self.state.tree.root())
                } else {
                    self.behind.root(head.size)
                };
                // A size from before what was kept of the leaves is older than what was signed since.
                if let Some(root) = root {
                    self.judge_root(head.size, root == head.root);
                }
            }
            StoredNote::Verified(head) => {
                self.claimed = self.claimed.max(head.size);
                self.refuse(Refusal::Damaged { seq });
            }
            // Only an entry of ours, or of a stream that is another's from its first entry on, says who signs it.
            StoredNote::Foreign => {
                let unproven = self.unproven.as_ref();
                self.has_other_note |= unproven.is_none_or(|(state, _)| state.next_seq == 0);
            }
            StoredNote::None => {}
        }
    }

    /// Looks at an entry behind the end of the chain: a checkpoint there says that what is broken was signed.
    fn look_ahead(&mut self, entry: &Entry<'_>) {
        let at = entry.position();
        if at.stream != self.stream || at.kind != Kind::Checkpoint {
            return;
        }
        let event = entry.get(key::EVENT).unwrap_or_default();
        if let Some(note) = event::read_text(event, "note")
            && claimed_size(&note) > self.claimed
            && let StoredNote::Verified(head) =
                notes::verify(&note, self.stream, self.keys.verifier)
        {
            self.claimed = head.size;
        }
    }

    fn refuse_unknown(&mut self) {
        self.refuse(Refusal::Unknown {
            seq: self.state.next_seq,
        });
    }

    /// The first reason stands.
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    fn finish(mut self) -> Result<Scan, Refusal> {
        let entries = self.state.next_seq;
        // One that nobody of ours wrote is cut like any other line.
        let proven = self
            .unproven
            .as_ref()
            .map_or(entries, |(state, _)| state.next_seq);
        let ours_end = proven.max(self.claimed);
        if let Some(seq) = self.unknown.filter(|seq| *seq < ours_end) {
            self.refuse(Refusal::Unknown { seq });
        }
        // What a checkpoint covers is the commitments: numbers and names in edited members must not be believed.
        if let Some(seq) = self.edited.filter(|seq| *seq < ours_end) {
            self.refuse(Refusal::Damaged { seq });
        }
        if self.claimed > proven && self.claimed <= entries {
            // They are there, and are not what was signed.
            self.refuse(Refusal::Damaged { seq: proven });
        }
        if self.claimed > entries {
            self.refuse(if self.stopped.is_some() {
                Refusal::Damaged { seq: entries }
            } else {
                Refusal::RolledBack {
                    entries,
                    signed: self.claimed,
                }
            });
        }
        let unproven_at = self.unproven.as_ref().map(|(_, place)| *place);
        let tail = unproven_at.or(self.stopped);
        // What is cut from an earlier line on takes the repetition along.
        let repeat = self.unfinished_repeat;
        let overlap = repeat.filter(|(_, at)| unproven_at.is_none_or(|cut| *at < cut));
        let cut = match overlap {
            Some((first, place)) if first >= self.claimed => Some(Cut::Overlap(place)),
            // What was signed is never cut, and no failed write has it: the copy is somebody's, and goes.
            Some(_) => self.repeat_at.map(Cut::Tail),
            None => tail.map(Cut::Tail),
        };
        if let Some((state, _)) = self.unproven.take() {
            self.state = state;
        }
        if self.signed == 0 {
            self.refuse_without_checkpoint();
        }
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        Ok(Scan {
            state: self.state,
            signed: self.signed,
            read_bytes: self.read_bytes,
            kept: self.kept,
            leftovers: self.leftovers,
            cut,
        })
    }

    /// Without a checkpoint of ours, only the mac of the first entry says that the stream is ours.
    fn refuse_without_checkpoint(&mut self) {
        if self.has_other_note {
            self.refuse(Refusal::OtherKey);
        } else if self.has_line && self.state.next_seq == 0 {
            self.refuse(Refusal::Foreign);
        }
    }
}

/// The tree some way back, to find its root at an earlier size: a note covers what had landed when it was signed.
struct Behind {
    tree: Frontier,
    leaves: VecDeque<(Leaf, u64)>,
    bytes: u64,
}

impl Behind {
    fn new(tree: &Frontier) -> Self {
        Self {
            tree: tree.clone(),
            leaves: VecDeque::new(),
            bytes: 0,
        }
    }

    fn push(&mut self, leaf: Leaf, bytes: u64) {
        self.leaves.push_back((leaf, bytes));
        self.bytes += bytes;
        while self.bytes > REPEAT_BYTES_MAX
            && self.leaves.len() > 2
            && let Some((leaf, bytes)) = self.leaves.pop_front()
        {
            self.tree.push(leaf);
            self.bytes -= bytes;
        }
    }

    /// Returns the root at a size; none where that is too far back or ahead.
    fn root(&self, size: u64) -> Option<[u8; 32]> {
        let count = usize::try_from(size.checked_sub(self.tree.size())?).ok()?;
        if count > self.leaves.len() {
            return None;
        }
        let mut tree = self.tree.clone();
        self.leaves
            .iter()
            .take(count)
            .for_each(|(leaf, _)| tree.push(*leaf));
        Some(tree.root())
    }
}

/// Says whether every member of the entry is as it was committed, or gone as a removal leaves it.
pub(crate) fn is_as_committed(entry: &Entry<'_>) -> bool {
    let is_right =
        |state: &CommitmentState| matches!(state, CommitmentState::Holds | CommitmentState::Absent);
    entry.check_commitments().iter().all(is_right)
}

/// Returns the size that a note claims, before anything in it is proven.
fn claimed_size(note: &str) -> u64 {
    let size = note.split('\n').nth(1);
    size.and_then(|size| size.parse().ok()).unwrap_or(0)
}
