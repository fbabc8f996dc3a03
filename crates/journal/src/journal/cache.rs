//! `cache/<stream>`: what opening needs, so that it does not read everything ever written.
//!
//! Two lines: a JSON object, and the base64 of HMAC-SHA-256 under the tail key over the first without its newline:
//!
//! ```text
//! {"v":1,"stream":"0123...","size":17,"prev":"...","day":20779,"subtrees":["..."],"note":"...","taken":[[1,6]],...}
//! sM1p...=
//! ```
//!
//! Promise: derived; a cache that does not fit is never used, and its absence costs one reading. It has no member of any
//! record, so an erasure need not reach it.
//! Not here: when it is renewed (`writer`). `verify` never reads it.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    account::Account,
    directory::Directory,
    event::{self, Event},
    file_error::FileError,
    ranges::Ranges,
    segment::SegmentName,
    state::{RequestTag, SegmentSpan, State},
    storage::{self, FileKind},
    walk::Place,
};
use crate::{
    checkpoint::{Checkpoint, VerifierKey},
    entry::{self, Leaf, StreamId, TailKey},
    json,
    tree::Frontier,
};

/// A larger one is not ours: it has some hundred bytes for each segment and each operation that is open.
const CACHE_BYTES_MAX: usize = 16 << 20;

/// The layout that is written; another one is rebuilt.
const VERSION: u64 = 1;

/// Keeps the state of a stream up to a signed size.
///
/// # Durability
/// Replaced by rename and not synced: after a power cut it may be missing or old, and one reading rebuilds it.
pub(crate) fn store(
    directory: &Directory,
    stream: StreamId,
    state: &State,
    note: &str,
    key: &TailKey,
) -> Result<(), FileError> {
    let mut bytes = print(stream, state, note);
    let mac = key.mac_of(&bytes);
    bytes.push(b'\n');
    bytes.extend_from_slice(STANDARD.encode(mac).as_bytes());
    bytes.push(b'\n');
    directory.replace_unsynced(&directory.cache(stream), &bytes)
}

/// Returns the kept state where it fits the directory and a checkpoint by one of our keys.
pub(crate) fn load(
    directory: &Directory,
    stream: StreamId,
    segments: &[SegmentName],
    verifier: &VerifierKey,
    key: &TailKey,
) -> Option<State> {
    let path = directory.cache(stream);
    // Whatever is wrong with it, reading the journal is right.
    let bytes = storage::read_file(&*directory.storage, &path, CACHE_BYTES_MAX).ok()?;
    let state = parse(&bytes, stream, verifier, key)?;
    fits(directory, &state, segments).then_some(state)
}

/// Says whether every kept segment is there, as long as it was; the last may have grown, and later ones may follow.
fn fits(directory: &Directory, state: &State, segments: &[SegmentName]) -> bool {
    let Some(last) = state.segments.last() else {
        return false;
    };
    let is_kept = |name: &SegmentName| state.segments.iter().any(|span| span.name == *name);
    let metadata = |name| directory.storage.metadata(&directory.segment(name)).ok();
    let is_long_enough = |span: &SegmentSpan| {
        metadata(span.name).is_some_and(|found| {
            let may_grow = span.name == last.name && found.len > span.len;
            found.kind == FileKind::File && (found.len == span.len || may_grow)
        })
    };
    // An empty segment counts as absent.
    let is_empty = |name: &SegmentName| metadata(*name).is_some_and(|found| found.len == 0);
    state.segments.iter().all(is_long_enough)
        && segments
            .iter()
            .filter(|name| **name < last.name)
            .all(|name| is_kept(name) || is_empty(name))
}

fn print(stream: StreamId, state: &State, note: &str) -> Vec<u8> {
    let subtrees = state
        .tree
        .subtrees()
        .iter()
        .map(|hash| quoted(&STANDARD.encode(hash)));
    let segments = state.segments.iter().map(|span| {
        let SegmentSpan {
            name,
            len,
            first_seq,
        } = span;
        format!("[\"{name}\",{len},{first_seq}]").into_bytes()
    });
    let begun = state.begun.iter().map(|(tag, place)| {
        let tag = STANDARD.encode(tag.0);
        format!("[\"{tag}\",\"{}\",{}]", place.segment, place.offset).into_bytes()
    });
    let keys = state
        .keys
        .iter()
        .map(|(usage, id)| event::array([quoted(usage), quoted(id)]));
    let others = state
        .others
        .iter()
        .map(|(stream, size)| format!("[\"{stream}\",{size}]").into_bytes());
    let recovered = state.recovered.iter().map(|name| quoted(name));
    let account = &state.account;
    Event::new()
        .number("v", VERSION)
        .text("stream", &stream.to_string())
        .number("size", state.next_seq)
        .text("prev", &state.prev.to_string())
        .number("day", u64::from(state.day))
        .raw("subtrees", &event::array(subtrees))
        .text("note", note)
        .ranges("taken", account.taken())
        .number("durable", account.durable())
        .number("dropped", account.dropped())
        .raw("segments", &event::array(segments))
        .raw("begun", &event::array(begun))
        .raw("settings", state.settings.as_deref().unwrap_or(b"null"))
        .raw("keys", &event::array(keys))
        .raw("recovered", &event::array(recovered))
        .raw("others", &event::array(others))
        .finish()
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_str(&mut out, text);
    out
}

fn parse(bytes: &[u8], stream: StreamId, verifier: &VerifierKey, key: &TailKey) -> Option<State> {
    let bytes = bytes.strip_suffix(b"\n")?;
    let end = bytes.iter().rposition(|byte| *byte == b'\n')?;
    let (object, mac) = (&bytes[..end], &bytes[end + 1..]);
    let mac = STANDARD.decode(mac).ok()?;
    if !key.fits_bytes(object, &mac) {
        return None;
    }
    let number = |name: &str| json::unsigned(json::member(object, name)?);
    let text = |name: &str| Some(json::text(json::member(object, name)?)?.into_owned());
    let is_ours = number("v")? == VERSION && text("stream")? == stream.to_string();
    let state = State {
        next_seq: number("size")?,
        prev: Leaf::parse(&text("prev")?)?,
        day: u32::try_from(number("day")?).ok()?,
        tree: Frontier::from_parts(number("size")?, list(object, "subtrees", hash)?)?,
        account: account(object)?,
        segments: list(object, "segments", span)?,
        begun: BTreeMap::from_iter(list(object, "begun", begun)?),
        settings: json::member(object, "settings")
            .filter(|settings| *settings != b"null")
            .map(<[u8]>::to_vec),
        keys: BTreeSet::from_iter(list(object, "keys", key_name)?),
        recovered: BTreeSet::from_iter(list(object, "recovered", owned_text)?),
        others: BTreeMap::from_iter(list(object, "others", other)?),
    };
    let head = Checkpoint::verify(&text("note")?, std::slice::from_ref(verifier), stream).ok()?;
    let is_signed = head.size == state.next_seq && head.root == state.tree.root();
    (is_ours && is_signed).then_some(state)
}

fn list<T>(object: &[u8], name: &str, item: fn(&[u8]) -> Option<T>) -> Option<Vec<T>> {
    let list = json::member(object, name)?;
    json::elements(list)
        .map(|value| item(value.ok()?))
        .collect()
}

fn account(object: &[u8]) -> Option<Account> {
    let number = |name: &str| json::unsigned(json::member(object, name)?);
    let mut taken = Ranges::default();
    taken.extend(entry::read_ranges(json::member(object, "taken")?)?);
    Some(Account::from_parts(
        taken,
        number("durable")?,
        number("dropped")?,
    ))
}

/// Returns the elements of an array of a known length.
fn parts<const COUNT: usize>(array: &[u8]) -> Option<[&[u8]; COUNT]> {
    let parts: Vec<&[u8]> = json::elements(array).collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}

fn owned_text(value: &[u8]) -> Option<String> {
    json::text(value).map(std::borrow::Cow::into_owned)
}

fn hash(value: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(owned_text(value)?).ok()?.try_into().ok()
}

fn span(value: &[u8]) -> Option<SegmentSpan> {
    let [name, len, first_seq] = parts(value)?;
    Some(SegmentSpan {
        name: owned_text(name)?.parse().ok()?,
        len: json::unsigned(len)?,
        first_seq: json::unsigned(first_seq)?,
    })
}

fn begun(value: &[u8]) -> Option<(RequestTag, Place)> {
    let [tag, segment, offset] = parts(value)?;
    let tag = STANDARD.decode(owned_text(tag)?).ok()?.try_into().ok()?;
    let place = Place {
        segment: owned_text(segment)?.parse().ok()?,
        offset: json::unsigned(offset)?,
    };
    Some((RequestTag(tag), place))
}

fn key_name(value: &[u8]) -> Option<(String, String)> {
    let [usage, id] = parts(value)?;
    Some((owned_text(usage)?, owned_text(id)?))
}

fn other(value: &[u8]) -> Option<(StreamId, u64)> {
    let [stream, size] = parts(value)?;
    Some((
        StreamId::parse(&owned_text(stream)?)?,
        json::unsigned(size)?,
    ))
}
