//! The rules of a stream's chain, one line a step: the only place that knows them.
//!
//! Promise: pure. Every reader of lines (opening, followers, the command line) asks here what a line is to the chain, so
//! they cannot disagree. Memory and work are bounded by the lines seen, whatever numbers these claim.
//! Not here: files (`walk_files`), signatures and macs (`scan`), what is done about a finding.

use std::{collections::VecDeque, fmt};

use super::segment::SegmentName;
use crate::entry::{Damage, Entry, Leaf, StreamId};

/// The most bytes of lines that are written and synced at once, unless one line alone is longer.
pub const BATCH_BYTES_MAX: u64 = 8 << 20;

/// Batches that may be on their way to the disk at once.
const BATCHES_IN_FLIGHT_MAX: u64 = 2;

/// The most bytes of lines at the end of a segment that the next one may repeat: what a failed write can leave.
pub const REPEAT_BYTES_MAX: u64 = BATCH_BYTES_MAX * BATCHES_IN_FLIGHT_MAX;

/// A place in a stream's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) segment: SegmentName,
    pub(crate) offset: u64,
}

/// What a line is to the chain of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The next entry.
    Next,
    /// A next entry of a version that this software cannot read; its leaf is the `prev` of the line behind it.
    Unknown,
    /// The entry stands here again: the segment repeats the end of the one before, as a failed write leaves it.
    Repeat {
        /// Its number.
        seq: u64,
    },
    /// A part of a failed write, which the next segment repeats.
    LeftOver,
    /// The entry stood before, and nothing explains that it stands here again.
    Duplicate {
        /// Its number.
        seq: u64,
    },
    /// Another entry of this number stood before, or one that is too far back to be compared.
    Fork {
        /// Their number.
        seq: u64,
    },
    /// Entries are not there; the chain goes on with this one.
    Missing {
        /// The first that is missing.
        first: u64,
        /// The last that is missing.
        last: u64,
    },
    /// The entry was written behind another one than the entry before it; the chain goes on with it.
    Broken {
        /// Its number.
        seq: u64,
    },
    /// The entry has another day than its file, or an earlier one than the entry before it; the chain goes on with it.
    WrongDay {
        /// Its number.
        seq: u64,
    },
    /// An entry of another stream.
    Stray {
        /// Which one.
        stream: StreamId,
    },
    /// The line breaks a rule of the format; the number is that of the entry that was expected.
    Damaged {
        /// The expected entry.
        seq: u64,
        /// What is wrong; none where the line is longer than any may be.
        damage: Option<Damage>,
    },
    /// The file ends before the line does.
    Torn {
        /// The expected entry.
        seq: u64,
    },
}

impl Step {
    /// Says whether the line is an entry of the chain, and the chain as it should be up to here.
    pub fn is_next(self) -> bool {
        matches!(self, Self::Next)
    }

    /// Says whether the line is taken into the chain, rightly or for want of a better one.
    pub fn is_taken(self) -> bool {
        matches!(
            self,
            Self::Next
                | Self::Unknown
                | Self::Missing { .. }
                | Self::Broken { .. }
                | Self::WrongDay { .. }
        )
    }

    /// Returns the word by which programs know the finding; none where there is nothing to tell.
    pub fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Next => return None,
            Self::Unknown => "unknown version",
            Self::Repeat { .. } | Self::LeftOver => "repeat",
            Self::Duplicate { .. } => "duplicate",
            Self::Fork { .. } => "fork",
            Self::Missing { .. } => "missing entries",
            Self::Broken { .. } => "broken chain",
            Self::WrongDay { .. } => "wrong day",
            Self::Stray { .. } => "stray line",
            Self::Damaged { .. } => "damaged line",
            Self::Torn { .. } => "torn tail",
        })
    }
}

/// What is wrong, without content.
impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next => out.write_str("the next entry"),
            Self::Unknown => out.write_str("an entry of a later version"),
            Self::Repeat { seq } => write!(out, "entry {seq} again, as a failed write leaves it"),
            Self::LeftOver => out.write_str("part of a failed write, which the next file repeats"),
            Self::Duplicate { seq } => write!(out, "entry {seq} again"),
            Self::Fork { seq } => write!(out, "another entry has seq {seq} too"),
            Self::Missing { first, last } if first == last => {
                write!(out, "entry {first} is missing before it")
            }
            Self::Missing { first, last } => {
                write!(out, "entries {first} to {last} are missing before it")
            }
            Self::Broken { seq } => write!(
                out,
                "entry {seq} was written behind another entry than the one before it"
            ),
            Self::WrongDay { seq } => write!(out, "entry {seq} has another day than its file"),
            Self::Stray { stream } => write!(out, "an entry of stream {stream}"),
            Self::Damaged {
                damage: Some(damage),
                ..
            } => damage.fmt(out),
            Self::Damaged { damage: None, .. } => out.write_str("longer than any line may be"),
            Self::Torn { .. } => out.write_str("the file ends before the line does"),
        }
    }
}

/// A line as it was read.
#[derive(Clone, Copy)]
pub(crate) enum Read<'a> {
    Entry(&'a Entry<'a>),
    Damaged(Damage),
    TooLong,
    Torn,
}

/// What the next segment begins with, as far as a line that makes no sense has to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    pub(crate) seq: u64,
    pub(crate) prev: Leaf,
    pub(crate) leaf: Leaf,
    /// The next segment has the bytes of this one from the line on, as far as they were written.
    pub(crate) repeats_bytes: bool,
}

/// Where the chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    next_seq: u64,
    /// None where the entry before could not be read.
    prev: Option<Leaf>,
    day: u32,
}

/// An entry that the next segment may repeat.
#[derive(Clone, Copy, Debug)]
struct Recent {
    seq: u64,
    leaf: Leaf,
    place: Place,
    bytes: u64,
}

/// Follows one stream, line by line, in the order of its segments.
#[derive(Debug)]
pub(crate) struct Walker {
    stream: StreamId,
    end: End,
    /// Where the chain was before entries were found missing: a line from there shows that the jump was planted.
    before_jump: Option<End>,
    recent: VecDeque<Recent>,
    recent_bytes: u64,
    /// The numbers that this segment has repeated so far: the first, and the one that must come next.
    repeating: Option<(u64, u64)>,
    /// Damaged lines since the last entry: as many may be missing behind them.
    damaged: u64,
    /// The rest of this segment is a failed write.
    is_left_over: bool,
    /// This segment has a line that makes no sense and is no part of a failed write: the next one is not asked again.
    has_bad: bool,
}

impl Walker {
    /// Begins at an entry that was reached before: from `next_seq` 0, with [`Leaf::ZERO`] before it, to read everything.
    pub(crate) fn new(stream: StreamId, next_seq: u64, prev: Leaf, day: u32) -> Self {
        let prev = Some(prev);
        Self {
            stream,
            end: End {
                next_seq,
                prev,
                day,
            },
            before_jump: None,
            recent: VecDeque::new(),
            recent_bytes: 0,
            repeating: None,
            damaged: 0,
            is_left_over: false,
            has_bad: false,
        }
    }

    /// Begins at a stream's first entry.
    pub(crate) fn from_beginning(stream: StreamId) -> Self {
        Self::new(stream, 0, Leaf::ZERO, 0)
    }

    /// Returns the number of the entry that must come next.
    pub(crate) fn next_seq(&self) -> u64 {
        self.end.next_seq
    }

    /// Returns the first entry that the last segment repeats in part only, and where it stood before.
    pub(crate) fn unfinished_repeat(&self) -> Option<(u64, Place)> {
        let (first, next) = self.repeating?;
        let is_unfinished = next < self.end.next_seq;
        self.find(first)
            .filter(|_| is_unfinished)
            .map(|recent| (first, recent.place))
    }

    /// Takes a line; `ahead` tells of the next segment, and is asked only where the line makes no sense.
    pub(crate) fn step(
        &mut self,
        read: Read<'_>,
        place: Place,
        bytes: u64,
        ahead: impl FnOnce() -> Option<Ahead>,
    ) -> Step {
        if place.offset == 0 {
            self.repeating = None;
            (self.is_left_over, self.has_bad) = (false, false);
        }
        if self.is_left_over {
            return Step::LeftOver;
        }
        match read {
            Read::Entry(entry) => self.entry(entry, place, bytes),
            Read::Damaged(damage) if damage.unknown_version().is_some() => self.unknown(),
            bad => self.bad(bad, ahead),
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, place: Place, bytes: u64) -> Step {
        let at = entry.position();
        let seq = at.seq;
        if at.stream != self.stream {
            return self.count_bad(Step::Stray { stream: at.stream });
        }
        self.end_planted_jump(seq, at.prev);
        if seq < self.end.next_seq {
            return self.again(entry, place);
        }
        let step = self.place_of(entry, place);
        let missing = seq - self.end.next_seq;
        if missing > self.damaged && self.before_jump.is_none() {
            self.before_jump = Some(self.end);
        }
        if missing > 0 {
            // Nothing that may be repeated stands behind a hole.
            self.forget_recent();
        }
        self.damaged = 0;
        self.repeating = None;
        self.end = End {
            next_seq: seq.saturating_add(1),
            prev: Some(entry.leaf()),
            day: at.day,
        };
        self.remember(Recent {
            seq,
            leaf: entry.leaf(),
            place,
            bytes,
        });
        step
    }

    /// Judges an entry that is the next one or lies beyond.
    fn place_of(&self, entry: &Entry<'_>, place: Place) -> Step {
        let (at, end) = (entry.position(), &self.end);
        let (seq, missing) = (at.seq, at.seq - end.next_seq);
        let is_repeat_cut_short = self.repeating.is_some_and(|(_, next)| next != end.next_seq);
        if missing > self.damaged {
            return Step::Missing {
                first: end.next_seq,
                last: seq - 1,
            };
        }
        let chains = missing > 0 || end.prev.is_none_or(|prev| prev == at.prev);
        if !chains || is_repeat_cut_short {
            Step::Broken { seq }
        } else if at.day != place.segment.day() || at.day < end.day {
            Step::WrongDay { seq }
        } else {
            Step::Next
        }
    }

    /// Judges an entry whose number has been passed.
    fn again(&mut self, entry: &Entry<'_>, place: Place) -> Step {
        let (at, leaf) = (entry.position(), entry.leaf());
        let seq = at.seq;
        let Some(known) = self.find(seq) else {
            return Step::Fork { seq };
        };
        if known.leaf != leaf {
            return Step::Fork { seq };
        }
        let goes_on = self.repeating.is_some_and(|(_, next)| next == seq);
        // A failed write goes into another segment of its day.
        if !goes_on && place.offset > 0 || at.day != place.segment.day() {
            return Step::Duplicate { seq };
        }
        let first = self.repeating.map_or(seq, |(first, _)| first);
        self.repeating = Some((first, seq + 1));
        Step::Repeat { seq }
    }

    /// An entry of another version counts as one; nothing is known of its leaf.
    fn unknown(&mut self) -> Step {
        self.forget_recent();
        self.end.next_seq = self.end.next_seq.saturating_add(1);
        self.end.prev = None;
        Step::Unknown
    }

    /// A line that is no entry: the rest of a failed write where the next segment has it, else damage.
    fn bad(&mut self, read: Read<'_>, ahead: impl FnOnce() -> Option<Ahead>) -> Step {
        let seq = self.end.next_seq;
        let is_first = !std::mem::replace(&mut self.has_bad, true);
        if is_first && ahead().is_some_and(|ahead| ahead.repeats_bytes && self.goes_on_with(&ahead))
        {
            self.is_left_over = true;
            return Step::LeftOver;
        }
        match read {
            Read::Torn => Step::Torn { seq },
            Read::Damaged(damage) => self.count_bad(Step::Damaged {
                seq,
                damage: Some(damage),
            }),
            _ => self.count_bad(Step::Damaged { seq, damage: None }),
        }
    }

    /// Says whether the next segment takes the chain up where it is, or repeats its end.
    fn goes_on_with(&self, ahead: &Ahead) -> bool {
        if ahead.seq == self.end.next_seq {
            return self.end.prev.is_none_or(|prev| prev == ahead.prev);
        }
        self.find(ahead.seq)
            .is_some_and(|known| known.leaf == ahead.leaf)
    }

    fn count_bad(&mut self, step: Step) -> Step {
        self.damaged = self.damaged.saturating_add(1);
        step
    }

    /// Goes back to where the chain was before a jump, where a line shows that it goes on there.
    fn end_planted_jump(&mut self, seq: u64, prev: Leaf) {
        let fits = |end: &End| end.next_seq == seq && end.prev.is_none_or(|known| known == prev);
        if seq < self.end.next_seq
            && let Some(end) = self.before_jump.take_if(|end| fits(end))
        {
            self.end = end;
            self.forget_recent();
        }
    }

    fn find(&self, seq: u64) -> Option<&Recent> {
        let first = self.recent.front()?.seq;
        let at = usize::try_from(seq.checked_sub(first)?).ok()?;
        self.recent.get(at)
    }

    fn forget_recent(&mut self) {
        self.recent.clear();
        self.recent_bytes = 0;
    }

    fn remember(&mut self, recent: Recent) {
        self.recent_bytes += recent.bytes;
        self.recent.push_back(recent);
        // One line may be a batch of its own, however long it is.
        while self.recent_bytes > REPEAT_BYTES_MAX
            && self.recent.len() as u64 > BATCHES_IN_FLIGHT_MAX
        {
            let oldest = self.recent.pop_front();
            self.recent_bytes -= oldest.map_or(0, |oldest| oldest.bytes);
        }
    }
}
