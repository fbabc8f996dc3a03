//! Which acknowledged entries are no longer there: other programs remove, move and cut segments while they are written.
//!
//! Promise: names an entry as lost only where its segment is gone, is another file, or ends before it.
//! Not here: when to look (`writer`); whether what is there is what was written (verification).

use super::{
    directory::Directory,
    file_error::{At, FileError},
    lines::{LineEnd, Lines},
    ranges::Ranges,
    segment::SegmentName,
    state::{SegmentSpan, State},
    storage::FileKind,
};
use crate::entry::{Entry, StreamId};

/// Returns the numbers of the durable entries that are gone, and forgets the segments that held nothing else.
///
/// `end` is the first entry that is not durable in a segment that was compared with its name; `replaced` is a segment in
/// whose place another file was found, however long it is.
pub(crate) fn find(
    directory: &Directory,
    stream: StreamId,
    state: &mut State,
    end: u64,
    replaced: Option<SegmentName>,
) -> Result<Ranges, FileError> {
    let mut lost = Ranges::default();
    let mut kept = Vec::with_capacity(state.segments.len());
    let ends = state.segments.iter().skip(1).map(|next| next.first_seq);
    let ends: Vec<u64> = ends.chain([end]).collect();
    for (span, span_end) in state.segments.iter().zip(ends) {
        match left(directory, *span)? {
            Left::Whole if replaced != Some(span.name) => kept.push(*span),
            Left::Nothing => add(&mut lost, span.first_seq, span_end),
            left => {
                let present = present(directory, stream, *span)?;
                for (first, next) in missing(&present, span.first_seq, span_end) {
                    add(&mut lost, first, next);
                }
                let len = match left {
                    Left::Bytes(len) => len,
                    _ => span.len,
                };
                kept.push(SegmentSpan { len, ..*span });
            }
        }
    }
    state.segments = kept;
    Ok(lost)
}

/// Says whether every segment is there, as long as it was written.
pub(crate) fn is_whole(directory: &Directory, state: &State) -> Result<bool, FileError> {
    for span in &state.segments {
        if !matches!(left(directory, *span)?, Left::Whole) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is left of a segment.
enum Left {
    Whole,
    Bytes(u64),
    Nothing,
}

fn left(directory: &Directory, span: SegmentSpan) -> Result<Left, FileError> {
    let path = directory.segment(span.name);
    Ok(match directory.storage.metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Left::Nothing,
        found => match found.at("identify", &path)? {
            found if found.kind != FileKind::File => Left::Nothing,
            found if found.len < span.len => Left::Bytes(found.len),
            _ => Left::Whole,
        },
    })
}

/// Adds the entries from `first` up to, not including, `end`.
fn add(lost: &mut Ranges, first: u64, end: u64) {
    if let Some(last) = end.checked_sub(1) {
        lost.insert_range(first, last);
    }
}

/// Returns the numbers from `first` up to `end` that are not `present`, as half-open ranges.
fn missing(present: &Ranges, first: u64, end: u64) -> Vec<(u64, u64)> {
    let mut next = first;
    let mut missing = Vec::new();
    for (low, high) in present.iter().filter(|(_, high)| *high >= first) {
        if low > next {
            missing.push((next, low.min(end)));
        }
        next = next.max(high.saturating_add(1));
    }
    if next < end {
        missing.push((next, end));
    }
    missing.retain(|(first, end)| first < end);
    missing
}

/// Returns the numbers of the stream's entries that a segment still has.
fn present(
    directory: &Directory,
    stream: StreamId,
    span: SegmentSpan,
) -> Result<Ranges, FileError> {
    let path = directory.segment(span.name);
    let file = directory.storage.open_read(&path).at("open", &path)?;
    let mut lines = Lines::new(file, 0);
    let mut present = Ranges::default();
    while let Some(line) = lines.next().at("read", &path)? {
        if line.end == LineEnd::Newline
            && let Ok(entry) = Entry::parse(line.bytes)
            && entry.position().stream == stream
        {
            present.insert(entry.position().seq);
        }
    }
    Ok(present)
}
