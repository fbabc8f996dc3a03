//! Writes one line.

use thiserror::Error;

use super::{
    LINE_BYTES_MAX,
    envelope::{self, ENVELOPE_BYTES_MAX},
    hash::{Commitment, leaf},
    ids::Leaf,
    kind::Class,
    mac::TailKey,
    members::Members,
    position::Position,
};

/// The line would be longer than [`LINE_BYTES_MAX`]; nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("line of entry {seq} would be {line_bytes} bytes long")]
pub struct LineTooLong {
    /// The entry's number.
    pub seq: u64,
    /// How long the line would be at most.
    pub line_bytes: u64,
}

/// Appends the entry's line, newline included, and returns its leaf.
///
/// With a tail key the envelope has the entry's mac; a line without one is read by everybody and adopted by no writer.
/// `salts` are fresh random bytes for this entry and no other: with them known, or used twice, a commitment to a
/// guessable text can be tried out after its erasure.
///
/// ```text
/// {"timestamp":"2026-11-22T09:59:59.000000Z","user_id":null,"event":{...},"audit":{"v":1,"stream":"0123...cdef","seq":0,
/// "acc":0,"kind":"open","day":20779,"prev":"AAAA...AAA=","commit":["uwkJ...","...x5"],"salt":["UiCn...","...x5"],
/// "mac":"9sfrb4xGTRyAJAe2rxcqjA=="}}
/// ```
///
/// # Errors
/// [`LineTooLong`] before a byte is written.
pub fn write_line(
    out: &mut Vec<u8>,
    members: &Members,
    at: &Position,
    salts: &[[u8; 16]; 5],
    tail_key: Option<&TailKey>,
) -> Result<Leaf, LineTooLong> {
    let line_bytes = members.len() + ENVELOPE_BYTES_MAX;
    if line_bytes > LINE_BYTES_MAX {
        return Err(LineTooLong {
            seq: at.seq,
            line_bytes: line_bytes as u64,
        });
    }
    out.reserve(line_bytes);
    out.push(b'{');
    let commitments = write_members(out, members, salts);
    let leaf = leaf(at, &commitments);
    let mac = tail_key.map(|key| key.mac(leaf));
    envelope::write(out, at, &commitments, &salts.map(Some), mac.as_ref());
    out.extend_from_slice(b"}\n");
    Ok(leaf)
}

/// Appends the members, a comma behind each, and returns the commitments to them.
fn write_members(out: &mut Vec<u8>, members: &Members, salts: &[[u8; 16]; 5]) -> [[u8; 32]; 5] {
    let mut commitments = Class::ALL.map(|class| Commitment::new(class, &salts[class.index()]));
    let mut begun = [false; 5];
    for (class, run) in members.runs() {
        out.extend_from_slice(run);
        let commitment = &mut commitments[class.index()];
        if std::mem::replace(&mut begun[class.index()], true) {
            commitment.update(b",");
        }
        commitment.update(&run[..run.len() - 1]);
    }
    commitments.map(Commitment::finish)
}
