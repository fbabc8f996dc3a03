//! The hashes of an entry: a salted commitment for each class, and the leaf over them and the envelope.
//!
//! Promise: exactly the formulas of the format document; nothing else of an entry is hashed.

use sha2::{Digest, Sha256};

use super::{ids::Leaf, kind::Class, position::Position};

const CLASS_LABEL: &[u8] = b"tracing-llm-audit/v1/class\n";
const LEAF_LABEL: &[u8] = b"tracing-llm-audit/v1/leaf\n";
/// RFC 6962: what sets a leaf's hash apart from a node's.
const LEAF_PREFIX: u8 = 0;
const LEAF_INPUT_BYTES: usize = LEAF_LABEL.len() + 16 + 8 + 8 + 1 + 4 + 32 + 5 * 32;

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
    let hasher = Sha256::new_with_prefix([LEAF_PREFIX]).chain_update(input);
    Leaf::from_bytes(hasher.finalize().into())
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
