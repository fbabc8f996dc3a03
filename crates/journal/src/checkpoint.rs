//! Signed heads of a stream's tree: C2SP checkpoints in signed notes.
//!
//! Promise: one spelling of a note passes; what is verified says exactly which stream, size and root were signed.
//! Not here: when a checkpoint is made and where it is kept (`journal`).
//!
//! # Source
//! C2SP `signed-note` and `tlog-checkpoint`, Ed25519 keys only.

mod keys;
mod note;
#[cfg(test)]
mod tests;

pub use keys::{KeyError, KeyName, SigningKey, VerifierKey};
pub use note::{Checkpoint, Note, NoteError};
