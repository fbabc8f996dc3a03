//! One stream, entry by entry: commitments, checkpoints against the tree, and what its own entries report.
//!
//! Promise: bounded memory. A root is compared only where every leaf before it is known; where one is not, the chain has
//! a finding already.
//! Not here: the order of the entries (the library's walk), other streams (`claims`).

use tracing_llm_audit::{
    checkpoint::{Checkpoint, VerifierKey},
    entry::{Class, CommitmentState, Entry, Kind, schema::key},
    json,
    tree::Frontier,
};

use super::{claims::Claims, notes, report::Report, tree::Tree};
use crate::{finding::Finding, journal::Line};

/// What is checked of one stream while its entries go by.
#[derive(Default)]
pub(super) struct Chain {
    tree: Tree,
    /// The leaf of an entry is not known, or a root was wrong: no later root can be right.
    is_tree_lost: bool,
    head: Option<Head>,
    has_notes: bool,
    has_macs: bool,
    /// Entries without a mac behind one with it: the first, and how many.
    without_mac: Option<(Finding, u64)>,
    pub(super) classes_removed: u64,
    pub(super) right_signatures: u64,
}

/// The note in `checkpoints/`, and the tree up to its size.
struct Head {
    checkpoint: Checkpoint,
    tree: Frontier,
}

impl Chain {
    /// Begins with the note in `checkpoints/`, where there is one.
    pub(super) fn new(head: Option<Checkpoint>) -> Self {
        let head = head.map(|checkpoint| Head {
            checkpoint,
            tree: Frontier::new(),
        });
        Self {
            head,
            ..Self::default()
        }
    }

    /// Checks the next entry.
    pub(super) fn entry(
        &mut self,
        entry: &Entry<'_>,
        line: &Line,
        keys: &[VerifierKey],
        claims: &mut Claims,
        report: &mut Report,
    ) {
        let at = entry.position();
        self.commitments(entry, line, report);
        self.mac(entry, line);
        if at.kind == Kind::Checkpoint {
            self.note(entry, line, keys, claims, report);
        }
        if !at.kind.is_known() {
            let detail = format!("entry {} has kind {}", at.seq, at.kind);
            report.finding(line.finding("unknown kind", detail));
        }
        self.push(entry);
    }

    fn commitments(&mut self, entry: &Entry<'_>, line: &Line, report: &mut Report) {
        let seq = entry.position().seq;
        let states = entry.check_commitments();
        self.classes_removed += u64::from(states.contains(&CommitmentState::Absent));
        for (class, state) in Class::ALL.into_iter().zip(states) {
            let (code, detail) = match state {
                CommitmentState::Differs => ("edited", "is not what was committed"),
                CommitmentState::Planted => {
                    ("planted", "was removed, and something is there again")
                }
                _ => continue,
            };
            report.finding(line.finding(code, format!("class {class} of entry {seq} {detail}")));
        }
    }

    fn mac(&mut self, entry: &Entry<'_>, line: &Line) {
        if entry.mac().is_some() {
            self.has_macs = true;
        } else if self.has_macs {
            let first = || (line.finding("no mac", String::new()), 0);
            self.without_mac.get_or_insert_with(first).1 += 1;
        }
    }

    /// Checks a checkpoint entry's note against the tree of the entries before it.
    fn note(
        &mut self,
        entry: &Entry<'_>,
        line: &Line,
        keys: &[VerifierKey],
        claims: &mut Claims,
        report: &mut Report,
    ) {
        let stream = entry.position().stream;
        let event = entry.get(key::EVENT).unwrap_or_default();
        let note = json::member(event, "note").and_then(json::text);
        let note = note.unwrap_or_default();
        let checkpoint = match notes::read(&note, stream) {
            Ok(checkpoint) => checkpoint,
            Err((code, detail)) => return report.finding(line.finding(code, detail)),
        };
        self.has_notes = true;
        match notes::check(&note, keys, stream) {
            Ok(is_checked) => self.right_signatures += u64::from(is_checked),
            Err((code, detail)) => report.finding(line.finding(code, detail)),
        }
        let place = (line.segment.to_string(), Some(line.number));
        claims.of_note(stream, checkpoint.size, place);
        if self.is_tree_lost {
            return;
        }
        let root = self.tree.root_at(checkpoint.size);
        if root.is_some_and(|root| root != checkpoint.root) {
            // Every later root is wrong for the same reason.
            self.is_tree_lost = true;
            report.finding(line.finding("wrong root", wrong_root(checkpoint.size)));
        }
    }

    /// Takes the entry's leaf into the trees.
    fn push(&mut self, entry: &Entry<'_>) {
        let (seq, prev) = (entry.position().seq, entry.position().prev);
        // One entry that cannot be read is proven by the next one, which names its leaf.
        let before = seq.checked_sub(1).map(|number| (number, prev));
        for (number, leaf) in before.into_iter().chain([(seq, entry.leaf())]) {
            if !self.is_tree_lost && self.tree.size() == number {
                self.tree.push(leaf);
            }
            if let Some(head) = &mut self.head
                && number < head.checkpoint.size
                && head.tree.size() == number
            {
                head.tree.push(leaf);
            }
        }
        self.is_tree_lost |= self.tree.size() <= seq;
    }

    /// Says what only the end shows; `file` is the note's, which a stream in the making may lack.
    pub(super) fn finish(self, file: &str, may_lack_note: bool, report: &mut Report) {
        let finding = |code, detail| Finding {
            code,
            file: file.to_owned(),
            line: None,
            detail,
        };
        if let Some((mut first, count)) = self.without_mac {
            first.detail =
                format!("{count} entries from here on have no mac, and earlier ones have");
            report.inform(first);
        }
        match self.head {
            Some(head) if head.is_wrong() => {
                report.finding(finding("wrong root", wrong_root(head.checkpoint.size)));
            }
            None if self.has_notes && !may_lack_note => {
                let detail = "no readable note, although the stream's entries carry some";
                report.finding(finding("missing note", detail.to_owned()));
            }
            _ => {}
        }
    }
}

impl Head {
    /// Says whether the tree came to the note's size and has another root.
    fn is_wrong(&self) -> bool {
        let Checkpoint { size, root, .. } = self.checkpoint;
        self.tree.size() == size && self.tree.root() != root
    }
}

fn wrong_root(size: u64) -> String {
    format!("at size {size} the entries have another root than the note says")
}
