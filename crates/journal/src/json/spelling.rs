//! How a string is spelled: which characters are escaped, and how.
//!
//! Promise: one text has one spelling in each style; the output is ASCII-safe for line readers in the journal's style
//! (no C0, C1, U+2028 or U+2029 stands raw).

/// Which rules a string is written by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The journal's: control characters of both ranges and the two line separators are escaped.
    Journal,
    /// RFC 8785: only `"`, `\` and U+0000 to U+001F are escaped.
    Canonical,
}

/// Writes `text` as a JSON string, quotes included, in the journal's spelling.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_inner(out, text, Style::Journal);
    out.push(b'"');
}

/// Writes the inside of a JSON string, without quotes.
pub(super) fn write_inner(out: &mut Vec<u8>, text: &str, style: Style) {
    let bytes = text.as_bytes();
    let (mut written, mut at) = (0, 0);
    while at < bytes.len() {
        at = skip_plain(bytes, at);
        let Some(&byte) = bytes.get(at) else { break };
        let Some((code, length)) = special(bytes, at, byte, style) else {
            at += 1;
            continue;
        };
        out.extend_from_slice(&bytes[written..at]);
        write_escape(out, code);
        at += length;
        written = at;
    }
    out.extend_from_slice(&bytes[written..]);
}

/// Returns the first position from `at` whose byte may need care: a quote, a backslash, a control, or no ASCII.
/// Eight bytes at a time.
pub(super) fn skip_plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(&chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(chunk);
        // A byte's high bit is set in `below(x)` where x has a byte under the subtrahend, and never before the first one.
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES) & !(word ^ (ONES * 0x22));
        let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES) & !(word ^ (ONES * 0x5c));
        let delete = (word ^ (ONES * 0x7f)).wrapping_sub(ONES) & !(word ^ (ONES * 0x7f));
        let found = (control | quote | backslash | delete | word) & HIGHS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if !(0x20..0x7f).contains(byte) || matches!(byte, b'"' | b'\\') {
            return at;
        }
        at += 1;
    }
    at
}

/// Returns code point and UTF-8 length where the character at `at` must be escaped.
fn special(bytes: &[u8], at: usize, byte: u8, style: Style) -> Option<(u16, usize)> {
    match byte {
        0x00..0x20 | b'"' | b'\\' => Some((u16::from(byte), 1)),
        _ if style == Style::Canonical => None,
        _ => separator(bytes, at),
    }
}

/// Returns code point and UTF-8 length of DEL, a C1 control, U+2028 or U+2029 at `at`: what only the journal escapes.
pub(super) fn separator(bytes: &[u8], at: usize) -> Option<(u16, usize)> {
    match *bytes.get(at..)? {
        [0x7f, ..] => Some((0x7f, 1)),
        [0xc2, second @ 0x80..=0x9f, ..] => Some((u16::from(second), 2)),
        [0xe2, 0x80, third @ 0xa8..=0xa9, ..] => Some((0x2000 + u16::from(third) - 0x80, 3)),
        _ => None,
    }
}

fn write_escape(out: &mut Vec<u8>, code: u16) {
    let short = match code {
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        0x22 => b'"',
        0x5c => b'\\',
        _ => return write_hex_escape(out, code),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn write_hex_escape(out: &mut Vec<u8>, code: u16) {
    let digit = |shift: u16| b"0123456789abcdef"[usize::from(code >> shift & 0xf)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}
