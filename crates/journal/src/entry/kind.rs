//! What a line is ([`Kind`]), and which retention class a member has ([`Class`]).

use std::fmt;

use super::schema::place;

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
    /// A kind that a later version of this software wrote: 15 to 255.
    Other(u8),
}

const NAMES: [(Kind, &str); 14] = [
    (Kind::Call, "call"),
    (Kind::Begin, "begin"),
    (Kind::Open, "open"),
    (Kind::Close, "close"),
    (Kind::Gap, "gap"),
    (Kind::Recovery, "recovery"),
    (Kind::Checkpoint, "checkpoint"),
    (Kind::Retention, "retention"),
    (Kind::Erasure, "erasure"),
    (Kind::Hold, "hold"),
    (Kind::Key, "key"),
    (Kind::Config, "config"),
    (Kind::Access, "access"),
    (Kind::Heartbeat, "heartbeat"),
];

impl Kind {
    /// Returns the number that is hashed.
    pub fn number(self) -> u8 {
        match self {
            Self::Other(number) => number,
            known => {
                let at = NAMES.iter().position(|(kind, _)| *kind == known);
                at.map_or(0, |at| at as u8 + 1)
            }
        }
    }

    /// Reads a kind as a line spells it.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some((kind, _)) = NAMES.iter().find(|(_, known)| *known == name) {
            return Some(*kind);
        }
        let digits = name.strip_prefix('x')?;
        let number = digits.parse::<u8>().ok()?;
        let is_later = usize::from(number) > NAMES.len() && number.to_string() == digits;
        is_later.then_some(Self::Other(number))
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
            known => {
                let name = NAMES.iter().find(|(kind, _)| kind == known);
                out.write_str(name.map_or("", |(_, name)| name))
            }
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

    /// Returns the class of a member by its key.
    pub fn of_key(key: &str) -> Self {
        place(key).class
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
