//! One entry of the journal: a line, its class commitments, its leaf.
//!
//! Promise: [`write_line`] and [`Entry::parse`] agree on every byte; a line that breaks a rule of the format is
//! [`Damage`] as data, never a panic; an unknown version or kind is told apart from it.
//! Not here: files and order of lines (`journal`), trees and signatures (`tree`, `checkpoint`).

mod damage;
mod envelope;
mod hash;
mod ids;
mod kind;
mod mac;
mod members;
mod parse;
mod position;
mod ranges;
pub mod schema;
#[cfg(test)]
mod tests;
mod write;

pub use damage::{Damage, Flaw};
pub(crate) use envelope::ENVELOPE_BYTES_MAX;
pub use hash::CommitmentState;
pub use ids::{Leaf, StreamId};
pub use kind::{Class, Kind};
pub use mac::TailKey;
pub(crate) use mac::key_id;
pub use members::Members;
pub use parse::{Entry, EntryBuf};
pub use position::Position;
pub(crate) use ranges::read as read_ranges;
pub use write::{LineTooLong, write_line};

/// The longest line, in bytes, newline included: what a reader must be ready to hold in memory.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// The greatest `seq`, `acc` and end of a range: every JSON reader has it exactly.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

/// Version of the format that is written in every line.
pub const FORMAT_VERSION: u64 = 1;
