//! Reads one line, strictly.

use std::{borrow::Cow, ops::Range, sync::Arc};

use super::{
    FORMAT_VERSION, LINE_BYTES_MAX,
    damage::{Damage, Flaw},
    envelope::{self, Envelope},
    hash::{Commitment, CommitmentState, leaf},
    ids::Leaf,
    kind::Class,
    mac::TailKey,
    position::Position,
    ranges,
    schema::{FACT_RANK, Place, SEED_KEYS, is_envelope, key, place},
};
use crate::{
    clock::Timestamp,
    json::{self, Misspelling, Strict},
};

/// A line as it was read: raw tokens, borrowed.
#[derive(Clone)]
pub struct Entry<'a> {
    line: &'a [u8],
    layout: Cow<'a, Layout>,
}

/// A line as it was read, with the bytes it was read from. Cheap to clone.
#[derive(Clone)]
pub struct EntryBuf(Arc<Owned>);

struct Owned {
    line: Box<[u8]>,
    layout: Layout,
}

/// Where things lie in a line.
#[derive(Clone)]
struct Layout {
    members: Vec<Member>,
    envelope: Envelope,
    leaf: Leaf,
}

#[derive(Clone)]
struct Member {
    /// Between the quotes.
    key: Range<usize>,
    value: Range<usize>,
    place: Place,
}

impl<'a> Entry<'a> {
    /// Reads a line, without its newline.
    ///
    /// # Errors
    /// [`Damage`]: the first rule that the line breaks, or its unknown version.
    pub fn parse(line: &'a [u8]) -> Result<Self, Damage> {
        let layout = Layout::parse(line)?;
        Ok(Self {
            line,
            layout: Cow::Owned(layout),
        })
    }

    /// Returns the line, without its newline.
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// Returns where the entry stands in its stream.
    pub fn position(&self) -> &Position {
        &self.layout.envelope.position
    }

    /// Returns the commitments as written, in the order of the classes.
    pub fn commitments(&self) -> &[[u8; 32]; 5] {
        &self.layout.envelope.commitments
    }

    /// Returns the salts, none where its class is gone.
    pub fn salts(&self) -> &[Option<[u8; 16]>; 5] {
        &self.layout.envelope.salts
    }

    /// Returns the mac; none where the writer had no tail key.
    pub fn mac(&self) -> Option<&[u8; 16]> {
        self.layout.envelope.mac.as_ref()
    }

    /// Says whether a writer with this tail key wrote the entry.
    pub fn is_by(&self, key: &TailKey) -> bool {
        self.mac().is_some_and(|mac| key.fits(self.leaf(), mac))
    }

    /// Returns the hash of envelope and commitments: what the next entry's `prev` must be.
    pub fn leaf(&self) -> Leaf {
        self.layout.leaf
    }

    /// Returns the members but `audit`, in order: each key unescaped, each value as it is spelled.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, &'a [u8])> {
        let line = self.line;
        self.layout
            .members
            .iter()
            .map(move |member| (member.key(line), &line[member.value.clone()]))
    }

    /// Returns a member's value as it is spelled.
    pub fn get(&self, key: &str) -> Option<&'a [u8]> {
        let member = self
            .layout
            .members
            .iter()
            .find(|member| member.key(self.line) == key)?;
        Some(&self.line[member.value.clone()])
    }

    /// Returns a member's text; none where it is no string.
    pub fn text(&self, key: &str) -> Option<String> {
        json::text(self.get(key)?).map(Cow::into_owned)
    }

    /// Returns a member's unsigned integer; none where it is something else.
    pub fn unsigned(&self, key: &str) -> Option<u64> {
        json::unsigned(self.get(key)?)
    }

    /// Returns what the commitment of a class is made over: its members, joined by commas.
    pub fn raw(&self, class: Class) -> Vec<u8> {
        let mut raw = Vec::new();
        for member in self.layout.of_class(class) {
            raw.extend_from_slice(if raw.is_empty() { b"" } else { b"," });
            raw.extend_from_slice(&self.line[member.whole()]);
        }
        raw
    }

    /// Returns what the bytes say about each commitment, in the order of the classes.
    pub fn check_commitments(&self) -> [CommitmentState; 5] {
        Class::ALL.map(|class| self.check_commitment(class))
    }

    /// Says whether every class is there and is what was committed.
    pub(crate) fn is_whole(&self) -> bool {
        let states = self.check_commitments();
        states.iter().all(|state| *state == CommitmentState::Holds)
    }

    fn check_commitment(&self, class: Class) -> CommitmentState {
        let Some(salt) = &self.salts()[class.index()] else {
            let mut members = self.layout.of_class(class);
            let is_gone = members.all(|member| {
                member.place.rank < FACT_RANK && self.line[member.value.clone()] == *b"null"
            });
            return if is_gone {
                CommitmentState::Absent
            } else {
                CommitmentState::Planted
            };
        };
        let mut commitment = Commitment::new(class, salt);
        for (number, member) in self.layout.of_class(class).enumerate() {
            commitment.update(if number == 0 { b"" } else { b"," });
            commitment.update(&self.line[member.whole()]);
        }
        if commitment.finish() == self.commitments()[class.index()] {
            CommitmentState::Holds
        } else {
            CommitmentState::Differs
        }
    }
}

impl EntryBuf {
    /// Reads a line, without its newline, and keeps it.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn parse(line: impl Into<Box<[u8]>>) -> Result<Self, Damage> {
        let line = line.into();
        let layout = Layout::parse(&line)?;
        Ok(Self(Arc::new(Owned { line, layout })))
    }

    /// Returns the entry.
    pub fn as_entry(&self) -> Entry<'_> {
        Entry {
            line: &self.0.line,
            layout: Cow::Borrowed(&self.0.layout),
        }
    }
}

impl Member {
    fn key<'a>(&self, line: &'a [u8]) -> Cow<'a, str> {
        // The quotes belong to the string; a line that was read is UTF-8 and every string in it valid.
        json::text(&line[self.key.start - 1..=self.key.end]).unwrap_or_default()
    }

    /// Returns where key, colon and value lie.
    fn whole(&self) -> Range<usize> {
        self.key.start - 1..self.value.end
    }
}

impl Layout {
    fn of_class(&self, class: Class) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(move |member| member.place.class == class)
    }

    fn parse(line: &[u8]) -> Result<Self, Damage> {
        if line.len() >= LINE_BYTES_MAX {
            return Err(Damage::at(LINE_BYTES_MAX, Flaw::LineTooLong));
        }
        std::str::from_utf8(line)
            .map_err(|error| Damage::at(error.valid_up_to(), Misspelling::NotUtf8))?;
        let mut scan = Strict::new(line);
        let parsed = parse_members(line, &mut scan).and_then(|members| {
            let envelope = envelope::parse(line, &mut scan)?;
            scan.token(b"}")?;
            Ok((members, envelope))
        });
        let parsed =
            parsed.map_err(|flaw| Damage::at(scan.at, unknown_version(line).unwrap_or(flaw)));
        let (members, envelope) = parsed?;
        if scan.at < line.len() {
            return Err(Damage::at(scan.at, Misspelling::Syntax));
        }
        let leaf = leaf(&envelope.position, &envelope.commitments);
        let layout = Self {
            members,
            envelope,
            leaf,
        };
        layout.check(line)?;
        Ok(layout)
    }

    /// Checks what the kind asks of the members.
    fn check(&self, line: &[u8]) -> Result<(), Damage> {
        let kind = self.envelope.position.kind;
        if kind.is_record() {
            self.check_record()?;
        } else if kind.is_known() {
            self.check_own(line)?;
        }
        self.members.iter().try_for_each(|member| {
            let key = &line[member.key.clone()];
            match wrong_value(key, &line[member.value.clone()], kind.is_record()) {
                Some(name) => Err(Damage::at(member.value.start, Flaw::Value(name))),
                None => Ok(()),
            }
        })
    }

    fn check_record(&self) -> Result<(), Damage> {
        let ranks = self
            .members
            .iter()
            .map(|member| usize::from(member.place.rank));
        let missing = (0..SEED_KEYS.len())
            .zip(ranks.chain(std::iter::repeat(usize::MAX)))
            .find(|(want, rank)| want != rank);
        missing.map_or(Ok(()), |(rank, _)| {
            Err(Damage::at(0, Flaw::Missing(SEED_KEYS[rank].name)))
        })
    }

    fn check_own(&self, line: &[u8]) -> Result<(), Damage> {
        let wanted = [key::TIMESTAMP, key::USER_ID, key::EVENT];
        for (at, name) in wanted.into_iter().enumerate() {
            let is_there = self
                .members
                .get(at)
                .is_some_and(|member| line[member.key.clone()] == *name.as_bytes());
            if !is_there {
                return Err(Damage::at(0, Flaw::Missing(name)));
            }
        }
        match self.members.get(wanted.len()) {
            Some(extra) => Err(Damage::at(extra.key.start, Flaw::Unexpected)),
            None => self.check_ranges(line),
        }
    }

    /// Checks the numbers that the event names: nobody may be made to compute with a wild one.
    fn check_ranges(&self, line: &[u8]) -> Result<(), Damage> {
        let event = self.members.last().map(|member| member.value.clone());
        let event = event.unwrap_or_default();
        match ranges::wrong_member(
            &self.envelope.position,
            &line[event.clone()],
            self.envelope.mac.is_some(),
        ) {
            Some(name) => Err(Damage::at(event.start, Flaw::Value(name))),
            None => Ok(()),
        }
    }
}

/// Steps over all members up to the value of `audit`.
fn parse_members(line: &[u8], scan: &mut Strict<'_>) -> Result<Vec<Member>, Flaw> {
    let mut members: Vec<Member> = Vec::with_capacity(32);
    let mut last = None;
    scan.token(b"{")?;
    loop {
        let key = scan.string()?;
        scan.token(b":")?;
        // Letters and points are never escaped, so a key of the table or a prefix has one spelling.
        let place = place(std::str::from_utf8(&line[key.clone()]).unwrap_or_default());
        let follows =
            last.is_none_or(|last| last < place.rank || last == place.rank && last == FACT_RANK);
        if !follows {
            return Err(if last == Some(place.rank) {
                Misspelling::DuplicateKey.into()
            } else {
                Flaw::KeyOrder
            });
        }
        last = Some(place.rank);
        if is_envelope(place) {
            break;
        }
        let value = scan.value(2)?;
        members.push(Member { key, value, place });
        scan.token(b",")?;
    }
    let facts = members
        .iter()
        .filter(|member| member.place.rank == FACT_RANK);
    let mut keys: Vec<_> = facts.map(|member| member.key.clone()).collect();
    if json::are_unique(line, &mut keys) {
        Ok(members)
    } else {
        Err(Misspelling::DuplicateKey.into())
    }
}

/// Returns the key of a member whose value is not what the format says.
fn wrong_value(key: &[u8], value: &[u8], is_record: bool) -> Option<&'static str> {
    let is_object = value.first() == Some(&b'{');
    match key {
        b"request_id" if !is_request_id(value) => Some("request_id"),
        b"timestamp" if !is_timestamp(value) => Some("timestamp"),
        b"metadata" if !is_object && value != b"null" => Some("metadata"),
        b"event" if !is_record && !is_object => Some("event"),
        _ => None,
    }
}

fn inside_quotes(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    std::str::from_utf8(inner).ok()
}

fn is_timestamp(value: &[u8]) -> bool {
    // Parsed and written again: leap seconds and lower-case letters are other spellings.
    let time = inside_quotes(value).and_then(|text| Some((text, Timestamp::parse(text)?)));
    time.is_some_and(|(text, time)| time.to_string() == text)
}

/// Says whether the value is a `UUIDv7` in lower case.
fn is_request_id(value: &[u8]) -> bool {
    let right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        14 => byte == b'7',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    inside_quotes(value).is_some_and(|text| text.len() == 36 && text.bytes().enumerate().all(right))
}

/// Returns the version of a JSON line that another version wrote.
fn unknown_version(line: &[u8]) -> Option<Flaw> {
    let version = json::unsigned(json::member(json::member(line, "audit")?, "v")?)?;
    (version != FORMAT_VERSION).then_some(Flaw::UnknownVersion(version))
}
