//! PEM blocks with any label: keys, certificates, requests, armoured PGP keys; newlines real or escaped.
//!
//! Promise: linear time. A block without an end reaches as far as its base64 does; a mere mention is none.

use std::ops::Range;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const LABEL_BYTES_MAX: usize = 64;
/// Fewer characters of base64 are no block.
const BODY_BYTES_MIN: usize = 8;
/// Fewer characters of base64 are no block where its end is missing.
const TRUNCATED_BYTES_MIN: usize = 24;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(next) = position(&bytes[at..], DASHES) {
        at += next;
        let Some(body) = line_end(bytes, at, BEGIN) else {
            at += 1;
            continue;
        };
        let block = block_end(bytes, body);
        at = block.unwrap_or(body).max(at + 1);
        if let Some(end) = block {
            found.push(body_start(bytes, body)..end);
        }
    }
}

/// Where the block begins whose body begins at a place.
fn body_start(bytes: &[u8], body: usize) -> usize {
    let from = body.saturating_sub(BEGIN.len() + LABEL_BYTES_MAX + DASHES.len());
    let begin = bytes[from..body]
        .windows(BEGIN.len())
        .rposition(|window| window == BEGIN);
    from + begin.unwrap_or(0)
}

/// Returns where a line of dashes ends that begins at a place with a word.
fn line_end(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let rest = bytes[at..].strip_prefix(word)?;
    let look = &rest[..rest.len().min(LABEL_BYTES_MAX + DASHES.len())];
    let label = position(look, DASHES)?;
    let is_label = rest[..label]
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b" -_".contains(byte));
    let is_text = rest[..label].ends_with(b"SIGNED MESSAGE");
    (is_label && !is_text).then_some(at + word.len() + label + DASHES.len())
}

/// Returns where the block ends whose body begins at a place.
fn block_end(bytes: &[u8], body: usize) -> Option<usize> {
    let next = position(&bytes[body..], DASHES).map(|next| body + next);
    let until = next.unwrap_or(bytes.len());
    if let Some(end) = next.and_then(|next| line_end(bytes, next, END)) {
        return (base64_len(&bytes[body..until]) >= BODY_BYTES_MIN).then_some(end);
    }
    let end = body + truncated_len(&bytes[body..until]);
    (base64_len(&bytes[body..end]) >= TRUNCATED_BYTES_MIN).then_some(end)
}

fn base64_len(body: &[u8]) -> usize {
    body.iter()
        .filter(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        .count()
}

/// How far a body without an end reaches: over lines of base64 and headers.
fn truncated_len(body: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    loop {
        at += gap_len(&body[at..]);
        let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let len = body[at..].iter().take_while(is_base64).count();
        let is_last = at + len == body.len()
            || !matches!(
                body[at + len],
                b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b' ' | b':'
            );
        if len == 0 || end > 0 && len < 16 && !is_last && !is_gap(&body[at + len..]) {
            return end;
        }
        if body.get(at + len) == Some(&b':') {
            // A header: `Proc-Type: 4,ENCRYPTED`.
            at += body[at..]
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(len);
        } else if end > 0 && body.get(at + len) == Some(&b' ') {
            return end;
        } else {
            at += len;
            end = at;
        }
    }
}

fn is_gap(rest: &[u8]) -> bool {
    gap_len(rest) > 0
}

/// The length of a line's end, real or escaped.
fn gap_len(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += match &rest[at..] {
            [b'\\', b'\\', b'n' | b'r', ..] => 3,
            [b'\\', b'n' | b'r', ..] => 2,
            [b'\n' | b'\r' | b' ' | b'\t', ..] => 1,
            _ => return at,
        };
    }
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let first = what[0];
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(what) {
            return Some(at);
        }
        at += 1;
    }
}
