//! Redacts credentials out of error texts before anything of ours keeps, sends or shows them.
//!
//! Promise: linear time, whatever the text; no credential of a known form is left whole; a text without credentials stays
//! as it is, up to its length. Redacting again finds no credential beside the marks: in hostile texts (names in each
//! other's values) it may take more around a mark, and it never puts back anything.
//! Not here: personal data; what the host's other layers do with the same text.
//!
//! Credentials are told by their own form (`sk-...`, `AKIA...`, JWT, PEM), by the name that they are given
//! (`Authorization: ...`, `"api_key": "..."`, `?key=...`), and by their place in a URL (`user:password@`).

mod named;
mod shaped;
#[cfg(test)]
mod tests;
mod url;

use std::borrow::Cow;

/// Bytes of an error text that a record keeps.
pub(crate) const TEXT_BYTES_MAX: usize = 8 << 10;
/// Bytes that are looked at: more than are kept, because what is redacted gets shorter.
const LOOK_BYTES_MAX: usize = 8 * TEXT_BYTES_MAX;
/// No credential, with what tells it, is shorter.
const CREDENTIAL_BYTES_MIN: usize = 7;
/// What stands at the end of a text that was longer.
const CUT: &str = " [cut]";
/// How a redacted place begins.
const MARK: &str = "[redacted:";

/// One credential in a text, in byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: &'static str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Redacts a text and bounds its length.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    if text.len() < CREDENTIAL_BYTES_MIN {
        return Cow::Borrowed(text);
    }
    let looked_at = bounded(text);
    let findings = find(looked_at);
    if findings.is_empty() && looked_at.len() == text.len() && text.len() <= TEXT_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(looked_at.len().min(TEXT_BYTES_MAX) + 64);
    let mut from = 0;
    for finding in &findings {
        out.push_str(&looked_at[from..finding.start]);
        out.push_str(MARK);
        out.push_str(finding.kind);
        out.push(']');
        from = finding.end;
    }
    out.push_str(&looked_at[from..]);
    if out.len() > TEXT_BYTES_MAX || looked_at.len() < text.len() {
        cut(&mut out);
    }
    Cow::Owned(out)
}

/// Finds the credentials of a text, in order, none within another.
///
/// What stands before a credential that was found never counts as part of a word or name behind it, so that redacting
/// once more, when a mark stands there, finds nothing else behind it.
pub(crate) fn find(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut from, mut at) = (0, 0);
    while from + at < text.len() {
        match find_at(&text.as_bytes()[from..], at) {
            Some(finding) => {
                findings.push(Finding {
                    start: from + finding.start,
                    end: from + finding.end,
                    ..finding
                });
                from += finding.end;
                at = 0;
            }
            None => at += 1,
        }
    }
    findings
}

/// Finds the credential that is announced or begins at a place.
fn find_at(bytes: &[u8], at: usize) -> Option<Finding> {
    match bytes[at] {
        b':' if bytes[at..].starts_with(b"://") => url::find(bytes, at),
        b':' | b'=' | b',' | b'%' => named::find(bytes, at),
        b'-' => shaped::find_pem(bytes, at),
        byte if byte.is_ascii_alphanumeric() && !is_inside_word(bytes, at) => {
            shaped::find(bytes, at)
        }
        _ => None,
    }
}

fn is_inside_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && bytes[at - 1].is_ascii_alphanumeric()
}

/// Returns the start of a text, of so many bytes at most, that ends between characters.
pub(crate) fn start_of(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The part that is looked at; where that is not all, it does not end inside a word, which might be half a secret.
fn bounded(text: &str) -> &str {
    if text.len() <= LOOK_BYTES_MAX {
        return text;
    }
    let head = start_of(text, LOOK_BYTES_MAX);
    let end = head
        .rfind(|letter: char| letter.is_whitespace())
        .unwrap_or(0);
    &head[..end]
}

fn cut(out: &mut String) {
    let end = start_of(out, TEXT_BYTES_MAX - CUT.len()).len();
    out.truncate(end);
    out.push_str(CUT);
}
