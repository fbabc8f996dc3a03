//! The `audit` member: its template, written and read.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    NUMBER_MAX,
    damage::Flaw,
    ids::{Leaf, StreamId},
    kind::Kind,
    members::write_u64,
    position::Position,
};
use crate::json::Strict;

/// More than any envelope takes, the line's braces and newline included.
pub(crate) const ENVELOPE_BYTES_MAX: usize = 832;

/// Base64 characters of a hash.
const HASH_CHARS: usize = 44;
/// Base64 characters of a salt.
const SALT_CHARS: usize = 24;

/// What an envelope says.
#[derive(Clone)]
pub(super) struct Envelope {
    pub(super) position: Position,
    pub(super) commitments: [[u8; 32]; 5],
    pub(super) salts: [Option<[u8; 16]>; 5],
    pub(super) mac: Option<[u8; 16]>,
}

/// Appends `"audit":{...}`.
pub(super) fn write(
    out: &mut Vec<u8>,
    at: &Position,
    commitments: &[[u8; 32]; 5],
    salts: &[Option<[u8; 16]>; 5],
    mac: Option<&[u8; 16]>,
) {
    out.extend_from_slice(br#""audit":{"v":1,"stream":""#);
    write_hex(out, at.stream.as_bytes());
    out.extend_from_slice(br#"","seq":"#);
    write_u64(out, at.seq);
    out.extend_from_slice(br#","acc":"#);
    write_u64(out, at.acc);
    out.extend_from_slice(br#","kind":""#);
    out.extend_from_slice(at.kind.to_string().as_bytes());
    out.extend_from_slice(br#"","day":"#);
    write_u64(out, u64::from(at.day));
    out.extend_from_slice(br#","prev":"#);
    write_base64::<HASH_CHARS>(out, at.prev.as_bytes());
    out.extend_from_slice(br#","commit":["#);
    for (number, commitment) in commitments.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"" } else { b"," });
        write_base64::<HASH_CHARS>(out, commitment);
    }
    out.extend_from_slice(br#"],"salt":["#);
    for (number, salt) in salts.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"" } else { b"," });
        match salt {
            Some(salt) => write_base64::<SALT_CHARS>(out, salt),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
    if let Some(mac) = mac {
        out.extend_from_slice(br#","mac":"#);
        write_base64::<SALT_CHARS>(out, mac);
    }
    out.push(b'}');
}

fn write_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
    out.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]),
    );
}

/// Appends `bytes` quoted, as so many base64 characters.
fn write_base64<const CHARS: usize>(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut text = [0; CHARS];
    let written = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(CHARS));
    out.push(b'"');
    out.extend_from_slice(&text);
    out.push(b'"');
}

/// Steps over `{...}`, the value of `audit`, and reads it.
pub(super) fn parse(line: &[u8], scan: &mut Strict<'_>) -> Result<Envelope, Flaw> {
    let mut reader = Reader { line, scan };
    reader.token(br#"{"v":1,"stream":"#)?;
    let stream = reader
        .text()
        .and_then(StreamId::parse)
        .ok_or(Flaw::Envelope)?;
    reader.token(br#","seq":"#)?;
    let seq = reader.unsigned()?;
    reader.token(br#","acc":"#)?;
    let acc = reader.unsigned()?;
    reader.token(br#","kind":"#)?;
    let kind = reader.text().and_then(Kind::parse).ok_or(Flaw::Kind)?;
    reader.token(br#","day":"#)?;
    let day = u32::try_from(reader.unsigned()?).map_err(|_| Flaw::Envelope)?;
    reader.token(br#","prev":"#)?;
    let prev = Leaf::from_bytes(reader.base64()?);
    let commitments = reader.five(br#","commit":["#, Reader::base64)?;
    let salts = reader.five(br#","salt":["#, Reader::salt)?;
    let mac = reader.mac()?;
    reader.token(b"}")?;
    let position = Position {
        stream,
        seq,
        acc,
        kind,
        day,
        prev,
    };
    Ok(Envelope {
        position,
        commitments,
        salts,
        mac,
    })
}

struct Reader<'l, 's, 'a> {
    line: &'l [u8],
    scan: &'s mut Strict<'a>,
}

impl<'l> Reader<'l, '_, '_> {
    fn token(&mut self, token: &[u8]) -> Result<(), Flaw> {
        self.scan.token(token).map_err(|_| Flaw::Envelope)
    }

    fn at(&self, range: Range<usize>) -> Option<&'l str> {
        std::str::from_utf8(self.line.get(range)?).ok()
    }

    fn text(&mut self) -> Option<&'l str> {
        let range = self.scan.string().ok()?;
        self.at(range)
    }

    fn unsigned(&mut self) -> Result<u64, Flaw> {
        let range = self.scan.number().map_err(|_| Flaw::Envelope)?;
        self.at(range)
            .and_then(|digits| digits.parse().ok())
            .filter(|number| *number <= NUMBER_MAX)
            .ok_or(Flaw::Envelope)
    }

    /// Reads so many bytes of canonical base64.
    fn base64<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], Flaw> {
        let text = self
            .text()
            .filter(|text| text.len() <= HASH_CHARS)
            .ok_or(Flaw::Envelope)?;
        let mut bytes = [0; 33];
        let length = STANDARD
            .decode_slice(text, &mut bytes)
            .map_err(|_| Flaw::Envelope)?;
        bytes[..length].try_into().map_err(|_| Flaw::Envelope)
    }

    fn salt(&mut self) -> Result<Option<[u8; 16]>, Flaw> {
        if self.scan.peek() == Some(b'n') {
            return self.token(b"null").map(|()| None);
        }
        self.base64().map(Some)
    }

    /// Reads the last member, which entries of writers without a tail key do not have.
    fn mac(&mut self) -> Result<Option<[u8; 16]>, Flaw> {
        if self.scan.peek() != Some(b',') {
            return Ok(None);
        }
        self.token(br#","mac":"#)?;
        self.base64().map(Some)
    }

    fn five<T: Copy + Default>(
        &mut self,
        head: &[u8],
        mut item: impl FnMut(&mut Self) -> Result<T, Flaw>,
    ) -> Result<[T; 5], Flaw> {
        let mut items = [T::default(); 5];
        for (number, place) in items.iter_mut().enumerate() {
            self.token(if number == 0 { head } else { b"," })?;
            *place = item(self)?;
        }
        self.token(b"]")?;
        Ok(items)
    }
}
