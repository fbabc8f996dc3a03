//! Signed heads: are they notes of their stream, and did one of the given keys sign them.
//!
//! Promise: nothing is called signed unless a key from outside the directory says so.
//! Not here: roots (`chain`), and keys that a `key` entry introduces.

use tracing_llm_audit::{
    checkpoint::{Checkpoint, Note, NoteError, VerifierKey},
    entry::StreamId,
};

/// What is wrong with a note: a finding's code and detail.
pub(super) type Wrong = (&'static str, String);

/// Reads a stream's note.
pub(super) fn read(note: &str, stream: StreamId) -> Result<Checkpoint, Wrong> {
    let checkpoint = match Note::parse(note) {
        Ok(note) => note.checkpoint,
        Err(error) => return Err(("damaged note", error.to_string())),
    };
    let is_own = checkpoint.origin.ends_with(&format!("/{stream}"));
    if is_own {
        Ok(checkpoint)
    } else {
        Err((
            "damaged note",
            "it is the note of another stream".to_owned(),
        ))
    }
}

/// Checks a note's signature; says whether there was a key to check it with.
pub(super) fn check(note: &str, keys: &[VerifierKey], stream: StreamId) -> Result<bool, Wrong> {
    if keys.is_empty() {
        return Ok(false);
    }
    match Checkpoint::verify(note, keys, stream) {
        Ok(_) => Ok(true),
        Err(NoteError::Origin) => Err((
            "other key",
            "the note's name is that of no key that was given".to_owned(),
        )),
        Err(NoteError::Unsigned) => Err((
            "missing signature",
            "no key that was given signed the note".to_owned(),
        )),
        Err(NoteError::WrongSignature) => Err((
            "wrong signature",
            "the signature does not fit the note's text".to_owned(),
        )),
        Err(error) => Err(("damaged note", error.to_string())),
    }
}
