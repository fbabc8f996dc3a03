//! A stream's tree, kept just behind the checkpoints that it is compared with.
//!
//! Promise: bounded memory; each leaf is hashed in once, however many checkpoints there are.
//! Not here: what a wrong root means.

use std::collections::VecDeque;

use tracing_llm_audit::{entry::Leaf, tree::Frontier};

/// More entries than any checkpoint lags behind: those of the batches in flight.
const WAITING_MAX: usize = 1 << 17;

/// The tree up to the last checkpoint that was asked for, and the leaves since.
#[derive(Default)]
pub(super) struct Tree {
    frontier: Frontier,
    waiting: VecDeque<Leaf>,
}

impl Tree {
    /// Returns how many leaves there are.
    pub(super) fn size(&self) -> u64 {
        self.frontier.size() + self.waiting.len() as u64
    }

    pub(super) fn push(&mut self, leaf: Leaf) {
        self.waiting.push_back(leaf);
        if self.waiting.len() > WAITING_MAX {
            self.advance();
        }
    }

    fn advance(&mut self) {
        if let Some(leaf) = self.waiting.pop_front() {
            self.frontier.push(leaf);
        }
    }

    /// Returns the root at a size; `None` where it is ahead, or too far back.
    pub(super) fn root_at(&mut self, size: u64) -> Option<[u8; 32]> {
        if size < self.frontier.size() || size > self.size() {
            return None;
        }
        while self.frontier.size() < size {
            self.advance();
        }
        Some(self.frontier.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A checkpoint covers what landed before the batch in flight, so its size may be well below its own place.
    #[test]
    fn roots_are_found_at_sizes_that_lag_behind() {
        let leaf = |number: u8| Leaf::from_bytes([number; 32]);
        let mut tree = Tree::default();
        let mut roots = vec![Frontier::new()];
        for number in 0..100 {
            let mut next = roots[usize::from(number)].clone();
            next.push(leaf(number));
            roots.push(next);
            tree.push(leaf(number));
        }
        for size in [0, 3, 3, 64, 99, 100] {
            let root = roots[usize::try_from(size).unwrap()].root();
            assert_eq!(tree.root_at(size), Some(root), "{size}");
        }
        assert_eq!((tree.root_at(99), tree.root_at(101)), (None, None));
    }
}
