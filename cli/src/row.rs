//! One entry as the columns of a table: texts, and nothing that is not in the line.

use std::borrow::Cow;

use tracing_llm_audit::entry::{Class, Entry, schema::key};

/// What stands where an expired or erased value stood.
pub(crate) const REMOVED: &str = "(removed)";

/// Returns a member as text, unescaped where it is a string; empty where it is null or not there.
pub(crate) fn text<'a>(entry: &Entry<'a>, key: &str) -> Cow<'a, str> {
    match entry.get(key) {
        None | Some(b"null") => Cow::Borrowed(""),
        Some(raw) if raw.starts_with(b"\"") => Cow::Owned(entry.text(key).unwrap_or_default()),
        Some(raw) => String::from_utf8_lossy(raw),
    }
}

/// Says whether the member's class is gone from this entry.
pub(crate) fn is_removed(entry: &Entry<'_>, key: &str) -> bool {
    entry.salts()[Class::of_key(key).index()].is_none()
}

/// Returns what the entry did: a record's action, else its kind.
pub(crate) fn action<'a>(entry: &Entry<'a>) -> Cow<'a, str> {
    let kind = entry.position().kind;
    if kind.is_record() {
        text(entry, key::ACTION)
    } else {
        Cow::Owned(kind.to_string())
    }
}
