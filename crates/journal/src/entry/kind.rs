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

/// Where a member stands in the line, and its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) rank: u8,
    pub(super) class: Class,
}

/// The seed's seventeen keys, in their order: every record has them all.
pub(super) const SEED_KEYS: [&str; 17] = [
    "request_id",
    "timestamp",
    "user_id",
    "model",
    "action",
    "system_prompt_hash",
    "input_tokens",
    "output_tokens",
    "thinking_tokens",
    "latency_ms",
    "cost_usd",
    "status",
    "error_message",
    "sanitization_count",
    "input_hash",
    "output_hash",
    "metadata",
];

/// The rank of further facts and of prefixed keys, among which the order is free.
pub(super) const FACT_RANK: u8 = SEED_KEYS.len() as u8;

/// The rank behind every member: the envelope's.
const ENVELOPE_RANK: u8 = FACT_RANK + 7;

/// Returns where the member stands.
pub(super) fn place(key: &str) -> Place {
    let (rank, class) = match key {
        "request_id" => (0, Class::Meta),
        "timestamp" => (1, Class::Meta),
        "user_id" => (2, Class::Actor),
        "model" => (3, Class::Meta),
        "action" => (4, Class::Meta),
        "system_prompt_hash" => (5, Class::Hash),
        "input_tokens" => (6, Class::Meta),
        "output_tokens" => (7, Class::Meta),
        "thinking_tokens" => (8, Class::Meta),
        "latency_ms" => (9, Class::Meta),
        "cost_usd" => (10, Class::Meta),
        "status" => (11, Class::Meta),
        "error_message" => (12, Class::Error),
        "sanitization_count" => (13, Class::Meta),
        "input_hash" => (14, Class::Hash),
        "output_hash" => (15, Class::Hash),
        "metadata" => (16, Class::Actor),
        "conversation_id" => (FACT_RANK + 1, Class::Actor),
        "tenant_id" => (FACT_RANK + 2, Class::Actor),
        "client_address" => (FACT_RANK + 3, Class::Actor),
        "system_prompt" => (FACT_RANK + 4, Class::Content),
        "input" => (FACT_RANK + 5, Class::Content),
        "output" => (FACT_RANK + 6, Class::Content),
        "audit" => (ENVELOPE_RANK, Class::Meta),
        _ => (FACT_RANK, class_of_prefix(key)),
    };
    Place { rank, class }
}

/// Says whether `key` is the envelope's, which no member may take.
pub(super) fn is_envelope(place: Place) -> bool {
    place.rank == ENVELOPE_RANK
}

fn class_of_prefix(key: &str) -> Class {
    let prefixes = [
        ("actor.", Class::Actor),
        ("hash.", Class::Hash),
        ("content.", Class::Content),
        ("error.", Class::Error),
    ];
    let found = prefixes.iter().find(|(prefix, _)| key.starts_with(prefix));
    found.map_or(Class::Meta, |(_, class)| *class)
}
