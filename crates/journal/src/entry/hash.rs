//! The hashes of an entry: a salted commitment for each class, and the leaf over them and the envelope.
//!
//! Promise: exactly the formulas of the format document; nothing else of an entry is hashed.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{kind::Class, position::Position};

const CLASS_LABEL: &[u8] = b"tracing-llm-audit/v1/class\n";
const LEAF_LABEL: &[u8] = b"tracing-llm-audit/v1/leaf\n";
/// RFC 6962: what sets a leaf's hash apart from a node's.
const LEAF_PREFIX: u8 = 0;
const LEAF_INPUT_BYTES: usize = LEAF_LABEL.len() + 16 + 8 + 8 + 1 + 4 + 32 + 5 * 32;

/// One process's sequence of entries, named by 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId([u8; 16]);

impl StreamId {
    /// Makes the id of its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes that are hashed.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 lower-case hex digits.
    pub fn parse(hex: &str) -> Option<Self> {
        let right = hex.len() == 32
            && hex
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(hex, 16).ok().filter(|_| right)?;
        Some(Self(number.to_be_bytes()))
    }

    /// Returns the first eight hex digits, which name the stream's files.
    pub fn short(&self) -> String {
        let mut name = self.to_string();
        name.truncate(8);
        name
    }
}

/// 32 lower-case hex digits.
impl fmt::Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The hash of an entry: the leaf of its stream's tree, and the next entry's `prev`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf([u8; 32]);

impl Leaf {
    /// What stands as `prev` in a stream's first entry.
    pub const ZERO: Self = Self([0; 32]);

    /// Makes the leaf of its bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads standard base64 with padding, unused bits zero.
    pub fn parse(base64: &str) -> Option<Self> {
        STANDARD.decode(base64).ok()?.try_into().ok().map(Self)
    }
}

/// Standard base64 with padding.
impl fmt::Display for Leaf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// What an entry's bytes say about one of its commitments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CommitmentState {
    /// The class is there and is what was committed.
    Holds,
    /// The class and its salt are gone; whether by authority, the journal tells.
    Absent,
    /// The class is there and is not what was committed.
    Differs,
    /// The salt is gone and yet a member is there.
    Planted,
}

/// A commitment in the making: feed it the class's members.
pub(super) struct Commitment(Sha256);

impl Commitment {
    pub(super) fn new(class: Class, salt: &[u8; 16]) -> Self {
        let mut head = [0; CLASS_LABEL.len() + 17];
        let (label, rest) = head.split_at_mut(CLASS_LABEL.len());
        label.copy_from_slice(CLASS_LABEL);
        rest[0] = class.number();
        rest[1..].copy_from_slice(salt);
        Self(Sha256::new_with_prefix(head))
    }

    pub(super) fn update(&mut self, members: &[u8]) {
        self.0.update(members);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Returns the leaf of an entry.
pub(super) fn leaf(at: &Position, commitments: &[[u8; 32]; 5]) -> Leaf {
    let input = leaf_input(at, commitments);
    Leaf(
        Sha256::new_with_prefix([LEAF_PREFIX])
            .chain_update(input)
            .finalize()
            .into(),
    )
}

/// Returns what the leaf is the hash of.
pub(super) fn leaf_input(at: &Position, commitments: &[[u8; 32]; 5]) -> [u8; LEAF_INPUT_BYTES] {
    let mut input = [0; LEAF_INPUT_BYTES];
    let mut rest = input.as_mut_slice();
    let mut put = |bytes: &[u8]| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        head.copy_from_slice(bytes);
        rest = tail;
    };
    put(LEAF_LABEL);
    put(at.stream.as_bytes());
    put(&at.seq.to_be_bytes());
    put(&at.acc.to_be_bytes());
    put(&[at.kind.number()]);
    put(&at.day.to_be_bytes());
    put(at.prev.as_bytes());
    put(commitments.as_flattened());
    input
}
