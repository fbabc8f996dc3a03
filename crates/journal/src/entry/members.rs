//! The members of a line that is being made: all but the envelope.
//!
//! Promise: built once and never parsed again; whatever order they come in, the line has them in the format's.
//! Not here: what a record says (`seal`), the envelope (`write`).

use super::{
    kind::Class,
    schema::{Place, is_envelope, place},
};
use crate::json::{self, NormalizeError};

/// The members of one line, in the journal's spelling.
///
/// Reusable: [`Members::clear`] keeps the memory. Pushed twice, a key keeps the later value. The key `audit` is the
/// envelope's; pushing it does nothing.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Each member as `"key":value,`.
    bytes: Vec<u8>,
    /// In the order of the line.
    pieces: Vec<Piece>,
    /// One bit for each key's fingerprint: a clear one proves that the key is new.
    seen: u64,
}

/// One member: where it lies, what it is.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: usize,
    key_end: usize,
    /// Behind the comma.
    end: usize,
    place: Place,
}

impl Members {
    /// Makes an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty list with room for that many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let bytes = Vec::with_capacity(bytes);
        Self {
            bytes,
            ..Self::default()
        }
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
        self.seen = 0;
    }

    /// Returns the bytes that the members take in the line, the comma behind each included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns a member's value as it is spelled.
    pub fn value(&self, key: &str) -> Option<&[u8]> {
        let mut quoted = Vec::with_capacity(key.len() + 2);
        json::write_str(&mut quoted, key);
        let piece = self
            .pieces
            .iter()
            .find(|piece| self.bytes[piece.start..piece.key_end] == quoted)?;
        Some(&self.bytes[piece.key_end + 1..piece.end - 1])
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds a text.
    pub fn push_str(&mut self, key: &str, text: &str) {
        self.push_with(key, |out| json::write_str(out, text));
    }

    /// Adds an unsigned integer.
    pub fn push_u64(&mut self, key: &str, number: u64) {
        self.push_with(key, |out| write_u64(out, number));
    }

    /// Adds a truth value.
    pub fn push_bool(&mut self, key: &str, truth: bool) {
        self.push_raw(key, if truth { b"true" } else { b"false" });
    }

    /// Adds a null.
    pub fn push_null(&mut self, key: &str) {
        self.push_raw(key, b"null");
    }

    /// Adds a value that is already in the journal's spelling.
    ///
    /// A value that is not makes the line damaged for every reader: use [`Members::push_json`] for what others wrote.
    pub fn push_raw(&mut self, key: &str, value: &[u8]) {
        self.push_with(key, |out| out.extend_from_slice(value));
    }

    /// Adds a host's JSON value, normalised.
    ///
    /// # Errors
    /// [`NormalizeError`] where it is not JSON; then nothing was added.
    pub fn push_json(&mut self, key: &str, host_json: &[u8]) -> Result<(), NormalizeError> {
        self.try_push_with(key, |out| json::normalize(out, host_json, 2))
    }

    /// Adds what `write` writes in the journal's spelling.
    pub fn push_with(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.try_push_with(key, |out| {
            write(out);
            Ok::<(), std::convert::Infallible>(())
        });
        match written {
            Ok(()) => (),
            Err(never) => match never {},
        }
    }

    fn try_push_with<E>(
        &mut self,
        key: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = place(key);
        if is_envelope(place) {
            return Ok(());
        }
        let start = self.bytes.len();
        json::write_str(&mut self.bytes, key);
        let key_end = self.bytes.len();
        self.bytes.push(b':');
        if let Err(error) = write(&mut self.bytes) {
            self.bytes.truncate(start);
            return Err(error);
        }
        self.bytes.push(b',');
        let end = self.bytes.len();
        self.add(Piece {
            start,
            key_end,
            end,
            place,
        });
        Ok(())
    }

    fn add(&mut self, piece: Piece) {
        let fingerprint = 1 << (fingerprint(&self.bytes[piece.start + 1..piece.key_end - 1]) & 63);
        if self.seen & fingerprint != 0 {
            self.forget(piece);
        }
        self.seen |= fingerprint;
        let stays = |earlier: &&Piece| earlier.place.rank > piece.place.rank;
        let later = self.pieces.iter().rev().take_while(stays).count();
        self.pieces.insert(self.pieces.len() - later, piece);
    }

    /// Drops an earlier member with the key of `piece`. Its bytes stay and are not written.
    fn forget(&mut self, piece: Piece) {
        let key = &self.bytes[piece.start..piece.key_end];
        let same = |earlier: &Piece| &self.bytes[earlier.start..earlier.key_end] == key;
        if let Some(at) = self.pieces.iter().position(same) {
            self.pieces.remove(at);
        }
    }

    /// Returns the runs of adjacent members of one class in the order of the line, each with the comma behind it.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Class, &[u8])> {
        let mut pieces = self.pieces.iter().peekable();
        std::iter::from_fn(move || {
            let first = pieces.next()?;
            let mut end = first.end;
            let class = first.place.class;
            while let Some(next) =
                pieces.next_if(|next| next.start == end && next.place.class == class)
            {
                end = next.end;
            }
            Some((class, &self.bytes[first.start..end]))
        })
    }
}

/// Mixes length and ends of a key: enough to tell a line's few dozen keys apart most of the time.
fn fingerprint(key: &[u8]) -> u64 {
    let (first, last) = (
        key.first().copied().unwrap_or(0),
        key.last().copied().unwrap_or(0),
    );
    let middle = key.get(key.len() / 2).copied().unwrap_or(0);
    let mixed =
        key.len() as u64 ^ u64::from(first) << 8 ^ u64::from(middle) << 16 ^ u64::from(last) << 24;
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58
}

/// Writes an unsigned integer in decimal.
pub(super) fn write_u64(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
