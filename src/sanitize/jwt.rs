//! JSON Web Tokens: base64url parts of which the first decodes to a JSON object with `alg`.
//!
//! Promise: linear time; signed, encrypted (five parts) and unsecured (nothing behind the second dot) ones.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::text::is_escape_before;
use llm_audit_journal::json;

/// A longer first part is decoded only so far.
const HEADER_BYTES_MAX: usize = 8 << 10;
/// Shorter parts are no claims and no signature.
const PART_BYTES_MIN: usize = 4;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    // A JSON object in base64 begins with `ey` where a quote follows the brace, with `ew` where a space does.
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == b'e') {
        at += next;
        let is_start = at == 0
            || !is_part(bytes[at - 1]) && bytes[at - 1] != b'.'
            || is_escape_before(bytes, at);
        if !is_start || !matches!(bytes.get(at + 1), Some(b'y' | b'w')) {
            at += 1;
            continue;
        }
        let len = bytes[at..]
            .iter()
            .take_while(|byte| is_part(**byte) || **byte == b'.')
            .count();
        if let Some(token) = token_len(&text[at..at + len]) {
            found.push(at..at + token);
        }
        at += len;
    }
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn token_len(text: &str) -> Option<usize> {
    let parts: Vec<&str> = text.splitn(7, '.').collect();
    let algorithm = algorithm(parts[0])?;
    let long = |at: usize| {
        parts
            .get(at)
            .is_some_and(|part| part.len() >= PART_BYTES_MIN)
    };
    let is_unsecured = algorithm.eq_ignore_ascii_case("none");
    let count = match parts.len() {
        5.. if parts[1].is_empty() || long(1) && long(2) && long(3) && long(4) => 5,
        3.. if long(1) && long(2) => 3,
        3.. if long(1) && (is_unsecured || parts[2].is_empty() && parts.len() > 3) => 3,
        _ => return None,
    };
    let dots = count - 1;
    Some(parts[..count].iter().map(|part| part.len()).sum::<usize>() + dots)
}

/// Returns the header's `alg`.
fn algorithm(header: &str) -> Option<String> {
    if header.len() > HEADER_BYTES_MAX {
        return None;
    }
    let object = URL_SAFE_NO_PAD.decode(header).ok()?;
    let algorithm = json::member(&object, "alg")?;
    json::text(algorithm).map(std::borrow::Cow::into_owned)
}
