//! What a line is ([`Kind`]), and which retention class a member has ([`Class`]).

use std::fmt;

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A finished operation: the record.
    Call,
    /// An operation that began.
    Begin,
    /// A writer took the stream.
    Open,
    /// A writer left the stream in order.
    Close,
    /// Numbers that were dropped, and why.
    Gap,
    /// What was cut or found missing at an open.
    Recovery,
    /// A signed head of the tree.
    Checkpoint,
    /// Classes or segments that went by policy.
    Retention,
    /// Classes that went by request.
    Erasure,
    /// Entries that must stay.
    Hold,
    /// A key was made, retired or destroyed.
    Key,
    /// The settings that change what is kept.
    Config,
    /// Somebody read personal classes.
    Access,
    /// The writer lives.
    Heartbeat,
    /// Somebody or something allowed, denied, overrode, stopped or reviewed an operation.
    Decision,
    /// A substantial modification of a model, a prompt, tools, a policy or the software.
    Change,
    /// A kind that a later version of this software wrote: a number up to 255 that has no word here.
    Other(u8),
}

/// Every kind that this software knows: the number that is hashed, and the word in the line.
///
/// Those after the first fourteen are spelled by their number, so that an older reader can hash them.
const KINDS: [(Kind, u8, &str); 16] = [
    (Kind::Call, 1, "call"),
    (Kind::Begin, 2, "begin"),
    (Kind::Open, 3, "open"),
    (Kind::Close, 4, "close"),
    (Kind::Gap, 5, "gap"),
    (Kind::Recovery, 6, "recovery"),
    (Kind::Checkpoint, 7, "checkpoint"),
    (Kind::Retention, 8, "retention"),
    (Kind::Erasure, 9, "erasure"),
    (Kind::Hold, 10, "hold"),
    (Kind::Key, 11, "key"),
    (Kind::Config, 12, "config"),
    (Kind::Access, 13, "access"),
    (Kind::Heartbeat, 14, "heartbeat"),
    (Kind::Decision, 16, "x16"),
    (Kind::Change, 17, "x17"),
];

/// The least number that a line spells as `x` and the number.
const SPELLED_MIN: u8 = 15;

impl Kind {
    /// Returns the number that is hashed.
    pub fn number(self) -> u8 {
        match self {
            Self::Other(number) => number,
            known => known.row().1,
        }
    }

    /// Reads a kind as a line spells it.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((kind, ..)) = KINDS.iter().find(|(.., known)| *known == name) {
            return Some(*kind);
        }
        let digits = name.strip_prefix('x')?;
        let number = digits.parse::<u8>().ok()?;
        let is_later = number >= SPELLED_MIN && number.to_string() == digits;
        is_later.then_some(Self::Other(number))
    }

    fn row(self) -> (Self, u8, &'static str) {
        let row = KINDS.into_iter().find(|(kind, ..)| *kind == self);
        row.expect("every known kind is in the table")
    }

    /// Says whether this software knows what the kind means.
    pub fn is_known(self) -> bool {
        !matches!(self, Self::Other(_))
    }

    /// Says whether the entry is a record of an operation, with the seed's members.
    pub fn is_record(self) -> bool {
        matches!(self, Self::Call | Self::Begin)
    }
}

/// As a line spells it: the name, or `x` and the number.
impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(number) => write!(out, "x{number}"),
            known => out.write_str(known.row().2),
        }
    }
}

/// A retention class: what of an entry expires or is erased together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// What happened.
    Meta = 1,
    /// Who did it.
    Actor = 2,
    /// Hashes of content.
    Hash = 3,
    /// The content itself.
    Content = 4,
    /// The error's text.
    Error = 5,
}

impl Class {
    /// All classes, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Meta,
        Self::Actor,
        Self::Hash,
        Self::Content,
        Self::Error,
    ];

    /// Returns the number that is hashed, from 1.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the class's place in a list of all classes, from 0.
    pub fn index(self) -> usize {
        self as usize - 1
    }

    /// Returns the class of a number.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|class| u64::from(class.number()) == number)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Meta => "meta",
            Self::Actor => "actor",
            Self::Hash => "hash",
            Self::Content => "content",
            Self::Error => "error",
        })
    }
}
