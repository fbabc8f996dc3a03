//! The note: what is signed, and its signature lines.

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use super::keys::{SigningKey, VerifierKey};
use crate::entry::StreamId;

/// Room for a name at its longest and a rotation's signatures many times over; bounds what a hostile file can cost.
const NOTE_BYTES_MAX: usize = 16 << 10;

/// An em dash and a space: what a signature line begins with.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// Why a note is no checkpoint, or proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Longer than any note of ours.
    #[error("note too long")]
    TooLong,
    /// Not the text of a checkpoint, or not in its one spelling.
    #[error("no checkpoint")]
    Form,
    /// The origin is not the stream's under any of the keys' names.
    #[error("origin is another")]
    Origin,
    /// No signature line is of a key that was given.
    #[error("no signature by a known key")]
    Unsigned,
    /// A signature of a key that was given does not fit the text.
    #[error("wrong signature")]
    WrongSignature,
}

/// The head of a stream's tree.
///
/// Signed, it is the note
///
/// ```text
/// example.com/audit/0123456789abcdef0123456789abcdef
/// 8
/// l671MmAml5eG1bmaIeFXmGMkGMWcbUmePsIYMJbXhgE=
///
/// — example.com/audit/0123456789abcdef0123456789abcdef sJqBSFexldsNi7jTF0QcCjvlFOT1XPeINy21Fnplq4T0etq9nExvypHiM29kDvsIFcEJNQw7GLa8ULINdIVKMTzSpgE=
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The configured name, a slash, the stream.
    pub origin: String,
    /// How many entries the tree has.
    pub size: u64,
    /// The tree's root.
    pub root: [u8; 32],
}

impl Checkpoint {
    /// Makes the checkpoint of a stream under the key's name.
    pub fn new(key: &SigningKey, stream: StreamId, size: u64, root: [u8; 32]) -> Self {
        let origin = key.name().origin(stream);
        Self { origin, size, root }
    }

    /// Returns the signed note.
    pub fn sign(&self, key: &SigningKey) -> String {
        self.sign_with(&[key])
    }

    /// Returns the note with a signature of each key: a rotation's checkpoint is signed by the old and the new.
    pub fn sign_with(&self, keys: &[&SigningKey]) -> String {
        let text = self.text();
        let mut note = format!("{text}\n");
        for key in keys {
            let id = key.verifier_key().id_for(&self.origin);
            let signature = STANDARD.encode([id.as_slice(), &key.sign(&text)].concat());
            note.extend([SIGNATURE_MARK, &self.origin, " ", &signature, "\n"]);
        }
        note
    }

    /// Reads a note of `stream` and checks it against the keys; one good signature by a known key is enough, and a
    /// wrong one by a known key is too much. Signature lines of other names and keys are ignored.
    ///
    /// # Errors
    /// [`NoteError`]: why it proves nothing.
    pub fn verify(note: &str, keys: &[VerifierKey], stream: StreamId) -> Result<Self, NoteError> {
        let note = Note::parse(note)?;
        let origin = &note.checkpoint.origin;
        if !keys.iter().any(|key| key.name().origin(stream) == *origin) {
            return Err(NoteError::Origin);
        }
        let signers = note.signers(keys)?;
        if signers.is_empty() {
            return Err(NoteError::Unsigned);
        }
        Ok(note.checkpoint)
    }

    /// Returns what is signed.
    fn text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        )
    }
}

/// A note as it was read: nothing in it is proven yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What it claims.
    pub checkpoint: Checkpoint,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    /// Key id and what follows it: for Ed25519 64 bytes.
    bytes: Vec<u8>,
}

impl Note {
    /// Reads a note in its one spelling.
    ///
    /// # Errors
    /// [`NoteError::TooLong`] and [`NoteError::Form`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        let (text, lines) = note.split_once("\n\n").ok_or(NoteError::Form)?;
        let checkpoint = parse_text(text).ok_or(NoteError::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Form)?;
        let signatures: Option<Vec<_>> = lines.split('\n').map(parse_signature).collect();
        Ok(Self {
            checkpoint,
            signatures: signatures.ok_or(NoteError::Form)?,
        })
    }

    /// Returns which of the keys signed this note.
    ///
    /// # Errors
    /// [`NoteError::WrongSignature`] where a line claims one of the keys and is not by it.
    pub fn signers<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let text = self.checkpoint.text();
        let mut signers = Vec::new();
        for key in keys {
            let id = key.id_for(&self.checkpoint.origin);
            for signature in &self.signatures {
                let Some(bytes) = signature.of(&self.checkpoint.origin, id) else {
                    continue;
                };
                if !bytes
                    .try_into()
                    .is_ok_and(|bytes| key.has_signed(&text, bytes))
                {
                    return Err(NoteError::WrongSignature);
                }
                signers.push(key);
            }
        }
        Ok(signers)
    }
}

impl Signature {
    /// Returns the signature where it claims this key.
    fn of(&self, name: &str, id: [u8; 4]) -> Option<&[u8]> {
        self.bytes.strip_prefix(&id).filter(|_| self.name == name)
    }
}

fn parse_text(text: &str) -> Option<Checkpoint> {
    let mut lines = text.split('\n');
    let origin = lines.next()?.to_owned();
    let size = lines.next()?.parse().ok()?;
    let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    let checkpoint = Checkpoint { origin, size, root };
    // Printed again: no sign, no leading zero, no further line, no empty origin passes.
    let is_same = checkpoint.text().strip_suffix('\n') == Some(text);
    (is_same && !checkpoint.origin.is_empty()).then_some(checkpoint)
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, base64) = line.strip_prefix(SIGNATURE_MARK)?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let is_right = !name.is_empty() && !name.contains('+') && bytes.len() > 4;
    is_right.then(|| Signature {
        name: name.to_owned(),
        bytes,
    })
}
