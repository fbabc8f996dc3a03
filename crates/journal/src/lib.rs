//! The audit journal of `tracing-llm-audit`: append-only JSON Lines that prove they were not edited, shortened or
//! reordered.
//!
//! One directory holds the streams of one or more processes; each entry commits to its members, class by class, and to
//! the entry before it, and a signed checkpoint commits to all of them. [`journal`] shows the format document, enough
//! to write a reader in any language.
//!
//! - [`json`]: the one spelling of every value. [`entry`]: one line; [`entry::schema`]: every key that a record
//!   may have.
//! - [`tree`], [`checkpoint`]: a stream's Merkle tree and its signed heads.
//! - [`journal`]: the directory. [`journal::JournalWriter`] writes a stream, [`journal::JournalReader`] and
//!   [`journal::JournalWalk`] read whole directories, [`journal::StreamReader`] follows a stream while it is written.
//! - [`clock`], [`random`]: time and randomness, passed in so that tests own them.
//!
//! Promise: what a writer acknowledged survives a crash and a power cut, and other programs that change the files are
//! noticed as far as this host can know. Readers take no lock and change nothing.
//!
//! # Not here
//! Spans, providers, prices: a program that reads or verifies a journal needs no `tracing`. Verification as a whole
//! (commitments, signatures and authority together) and retention come with a later version.
#![forbid(unsafe_code)]

#[cfg(not(unix))]
compile_error!(
    "llm-audit-journal needs a Unix system: it relies on flock, on device and inode numbers, and on \
     O_NOFOLLOW to keep its promises"
);

// The modules in the order of the line: each uses only what is declared in a block above its own
// (`tests/it/tidy.rs` of the workspace's root keeps that). Within a block the order means nothing.

// What is passed in.
pub mod clock;
pub mod random;

// The bytes.
pub mod json;

pub mod entry;

pub mod tree;

pub mod checkpoint;

// The only module that touches files.
pub mod journal;

pub use clock::{Clock, SystemClock, Timestamp};
pub use random::{Entropy, SystemEntropy};
