//! Credentials in the authority of a URL.

use super::Finding;

/// Bytes behind `://` that are looked at.
const AUTHORITY_BYTES_MAX: usize = 2048;
/// Without a name, a colon and a password of two letters; a colon alone says nothing.
const USER_BYTES_MIN: usize = 3;

/// Finds `user:password` (or a long token alone) before the `@` of a URL whose `://` is at a place.
pub(super) fn find(bytes: &[u8], at: usize) -> Option<Finding> {
    let start = at + 3;
    let rest = &bytes[start..bytes.len().min(start + AUTHORITY_BYTES_MAX)];
    // Where the next URL begins this one has ended: no place is looked at for two of them.
    let ends = |at: &usize| is_end(rest[*at]) || rest[*at..].starts_with(b"://");
    let end = (0..rest.len()).find(ends).unwrap_or(rest.len());
    let url = &rest[..end];
    let authority = url
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(url.len());
    let user_end = last_at(&url[..authority]).or_else(|| after_slash(url, authority))?;
    let user = &url[..user_end];
    let is_secret = user.contains(&b':') && user.len() >= USER_BYTES_MIN || user.len() >= 16;
    let is_new = !user.starts_with(super::MARK.as_bytes());
    (is_secret && is_new).then_some(Finding {
        kind: "url_credentials",
        start,
        end: start + user_end,
    })
}

fn last_at(part: &[u8]) -> Option<usize> {
    part.iter().rposition(|byte| *byte == b'@')
}

/// A password with a slash in it is no valid URL, and happens; a port is told by its digits.
fn after_slash(url: &[u8], authority: usize) -> Option<usize> {
    let colon = url[..authority].iter().position(|byte| *byte == b':')?;
    let is_port = url[colon + 1..authority].iter().all(u8::is_ascii_digit);
    if is_port { None } else { last_at(url) }
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\"'<>`\\".contains(&byte)
}
