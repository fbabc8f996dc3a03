//! The end of a stream that was closed in order, found without reading the rest.
//!
//! Promise: bounded reading; what is not plainly closed counts as left, and so does an end that has no right mac: anybody
//! can write two lines that look like one.
//! Not here: whether what stands before the end is as it was written (`scan`, verification).

use super::{
    directory::Directory,
    file_error::{At, FileError},
    lines::{LineEnd, Lines},
    notes::{self, StoredNote},
    scan::ScanKeys,
    segment::{Label, SegmentName},
};
use crate::entry::{EntryBuf, Kind, StreamId};

/// Entries at the end of a closed stream: `close`, and the checkpoint over it.
const TAIL_BYTES: u64 = 64 << 10;

/// The end of a stream that was closed in order.
pub(crate) struct ClosedEnd {
    pub(crate) next_seq: u64,
    pub(crate) day: u32,
}

/// Looks at the end alone: `close`, one checkpoint, and the checkpoint file over both.
pub(crate) fn closed_end(
    directory: &Directory,
    stream: StreamId,
    label: Label,
    keys: ScanKeys<'_>,
) -> Result<Option<ClosedEnd>, FileError> {
    let head = notes::load(directory, stream, keys.verifier)?;
    let StoredNote::Verified(head) = head else {
        return Ok(None);
    };
    let segments = directory.segments_of(label)?;
    let mut tail: Vec<EntryBuf> = Vec::new();
    for segment in segments.into_iter().rev() {
        let Some(mut entries) = last_entries(directory, segment)? else {
            return Ok(None);
        };
        entries.append(&mut tail);
        tail = entries;
        if tail.len() >= 2 {
            break;
        }
    }
    let [.., close, checkpoint] = tail.as_slice() else {
        return Ok(None);
    };
    let (close, last) = (close.as_entry(), checkpoint.as_entry());
    let is_ours = close.is_by(keys.tail) && last.is_by(keys.tail);
    let (close, last_at) = (close.position(), last.position());
    let is_closed = is_ours
        && close.kind == Kind::Close
        && last_at.kind == Kind::Checkpoint
        && last_at.stream == stream
        && last_at.seq + 1 == head.size
        && close.seq + 1 == last_at.seq;
    let end = ClosedEnd {
        next_seq: head.size,
        day: last_at.day,
    };
    Ok(is_closed.then_some(end))
}

/// Returns the last entries of a segment; none where its end is torn or damaged.
fn last_entries(
    directory: &Directory,
    segment: SegmentName,
) -> Result<Option<Vec<EntryBuf>>, FileError> {
    let path = directory.segment(segment);
    let file = directory.storage.open_read(&path).at("open", &path)?;
    let len = file.len().at("measure", &path)?;
    let start = len.saturating_sub(TAIL_BYTES);
    let mut lines = Lines::new(file, start);
    let mut entries = Vec::new();
    let mut is_partial = start > 0;
    while let Some(line) = lines.next().at("read", &path)? {
        // In the middle of a line, most likely.
        if std::mem::take(&mut is_partial) {
            continue;
        }
        match EntryBuf::parse(line.bytes) {
            Ok(entry) if line.end == LineEnd::Newline => entries.push(entry),
            _ => return Ok(None),
        }
    }
    Ok(Some(entries))
}
