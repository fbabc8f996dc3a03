//! One RFC 6962 tree per stream, kept as its right edge.
//!
//! Promise: the root of any number of leaves out of at most 64 hashes.
//! Not here: proofs; they are made from the journal.
//!
//! # Source
//! RFC 6962, section 2.1.

use sha2::{Digest, Sha256};

use crate::entry::Leaf;

/// RFC 6962: what sets a node's hash apart from a leaf's.
const NODE_PREFIX: u8 = 1;

/// A tree's perfect subtrees from left to right, as many as its size has ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<[u8; 32]>,
}

impl Frontier {
    /// Makes the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf at the right.
    pub fn push(&mut self, leaf: Leaf) {
        let mut right = *leaf.as_bytes();
        for _ in 0..self.size.trailing_ones() {
            // As many subtrees stand there as the size has ones.
            let left = self.subtrees.pop().unwrap_or_default();
            right = node(&left, &right);
        }
        self.subtrees.push(right);
        self.size += 1;
    }

    /// Returns the tree's root; of the empty tree the hash of nothing.
    pub fn root(&self) -> [u8; 32] {
        let folded = self
            .subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node(&left, &right));
        folded.unwrap_or_else(|| Sha256::digest([]).into())
    }

    /// Returns the perfect subtrees from left to right.
    pub fn subtrees(&self) -> &[[u8; 32]] {
        &self.subtrees
    }

    /// Makes a tree of its size and its perfect subtrees; none where the size asks for another number of them.
    pub fn from_parts(size: u64, subtrees: Vec<[u8; 32]>) -> Option<Self> {
        let fits = subtrees.len() == size.count_ones() as usize;
        fits.then_some(Self { size, subtrees })
    }
}

/// Returns the hash of an inner node.
pub fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let hasher = Sha256::new_with_prefix([NODE_PREFIX]);
    hasher
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    use super::*;

    fn input(number: u64) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    fn leaf(number: u64) -> Leaf {
        Leaf::from_bytes(Sha256::digest([&[0], input(number).as_slice()].concat()).into())
    }

    /// Every size up to the first, then roots now and then up to the second, against another implementation.
    fn compare(dense: u64, end: u64, step: u64) {
        let (mut ours, mut theirs) = (Frontier::new(), MemoryBackedTree::<Sha256, Vec<u8>>::new());
        for number in 0..=end {
            if number <= dense || number % step == 0 {
                assert_eq!(
                    ours.root().as_slice(),
                    theirs.root().as_bytes().as_slice(),
                    "size {number}"
                );
                let again = Frontier::from_parts(ours.size(), ours.subtrees().to_vec());
                assert_eq!(again, Some(ours.clone()));
            }
            assert_eq!(ours.size(), number);
            ours.push(leaf(number));
            theirs.push(input(number));
        }
    }

    #[test]
    fn roots_are_those_of_rfc_6962() {
        compare(300, 20_000, 1237);
    }

    #[test]
    fn subtrees_of_another_size_are_refused() {
        assert_eq!(Frontier::from_parts(1, Vec::new()), None);
        assert_eq!(Frontier::from_parts(0, vec![[0; 32]]), None);
        assert_eq!(Frontier::from_parts(3, vec![[0; 32]]), None);
    }
}
