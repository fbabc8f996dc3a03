//! API keys and tokens of services: by their own form (`shape`), or by the name they are given (`named`).
//!
//! Promise: linear time. Placeholders, words, hashes and references to a variable are none.
//! Not here: passwords and cookies, which have no form; `redact` takes them out of error texts.

mod marked;
mod named;
mod random;
mod shape;

use std::ops::Range;

use super::text::is_start;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    marked::find(text, found);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let key = match bytes[at] {
            byte if byte.is_ascii_alphanumeric() => word(text, at),
            b':' | b'=' | b' ' | b'"' | b'\'' | b'>' => named::find(text, at),
            _ => None,
        };
        match key {
            Some(key) => {
                at = key.end.max(at + 1);
                found.push(key);
            }
            None => at += 1,
        }
    }
}

fn word(text: &str, at: usize) -> Option<Range<usize>> {
    // A hyphen before it makes it a part of a longer name, and looking at every part would take its time.
    let is_part = at > 0 && text.as_bytes()[at - 1] == b'-';
    (!is_part && shape::may_begin(&text.as_bytes()[at..]) && is_start(text, at))
        .then(|| shape::find(text, at))
        .flatten()
}
