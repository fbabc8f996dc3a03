//! The order of an object's members in RFC 8785: by the UTF-16 code units of their keys.

use std::cmp::Ordering;

use super::{rewrite::Span, scan::unescape};

/// Returns the members sorted, only the last of each key; none where they stand so already.
pub(super) fn sorted(out: &[u8], spans: &[Span]) -> Option<Vec<Span>> {
    let compare = |left: &Span, right: &Span| by_code_units(left.key(out), right.key(out));
    if spans.is_sorted_by(|left, right| compare(left, right) == Ordering::Less) {
        return None;
    }
    // Stable, so that of one key's members the last written stands last.
    let mut order = spans.to_vec();
    order.sort_by(compare);
    let mut kept: Vec<Span> = Vec::with_capacity(order.len());
    for span in order {
        match kept.last_mut() {
            Some(last) if last.key(out) == span.key(out) => *last = span,
            _ => kept.push(span),
        }
    }
    Some(kept)
}

/// Compares two keys as they are spelled in the canonical form.
fn by_code_units(left: &[u8], right: &[u8]) -> Ordering {
    // Bytes order like code units where nothing is escaped and nothing lies at or above U+E000.
    let is_plain = |key: &[u8]| key.iter().all(|&byte| byte < 0xee && byte != b'\\');
    if is_plain(left) && is_plain(right) {
        return left.cmp(right);
    }
    let units = |key: &[u8]| -> Vec<u16> {
        let text = std::str::from_utf8(key).unwrap_or_default();
        unescape(text).encode_utf16().collect()
    };
    units(left).cmp(&units(right))
}
