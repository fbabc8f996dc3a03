//! What a crash leaves behind, and what is done about it before anything is appended.
//!
//! A crash can leave: a torn last line; zeros or garbage where bytes were not synced; whole lines behind those; a
//! segment's end that the next one repeats; an empty segment; numbers that were accepted and never written; operations
//! that began and never ended. Everything behind the newest checkpoint that does not chain goes to `quarantine/`, whole;
//! then the file is cut and synced. Nothing at or below a checkpoint is ever cut, and nothing is guessed.
//! Promise: done twice, it does the rest; a crash here loses no byte.
//! Not here: deciding whether the stream may be appended to (`scan`), the entries that tell of it (`opening`).

use super::{
    directory::Directory,
    file_error::{At, FileError},
    lines::{LineEnd, Lines},
    quarantine,
    ranges::Ranges,
    scan::Cut,
    segment::{Label, SegmentName},
    state::State,
    storage::StorageFile,
    walk::Place,
};
use crate::entry::{Entry, StreamId, TailKey};

/// One quarantined file, for its `recovery` entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quarantined {
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// Lines, a torn one included.
    pub(crate) lines: u64,
    /// Acceptance numbers that stood in it and nowhere else, in lines that this host's writer wrote.
    pub(crate) acc: Ranges,
    /// Whole lines that somebody else wrote, or that no longer are what was written.
    pub(crate) foreign: u64,
    /// Entries by this host's writer whose members are not what was committed.
    pub(crate) edited: u64,
    /// Entries by this host's writer that a checkpoint covers: somebody wrote them here a second time.
    pub(crate) copied: u64,
}

/// Cuts what must go.
pub(crate) fn cut(directory: &Directory, label: Label, cut: Cut) -> Result<(), FileError> {
    match cut {
        Cut::Overlap(place) => cut_segment(directory, place),
        Cut::Tail(place) => {
            let segments = directory.segments_of(label)?;
            let behind = segments.iter().filter(|segment| **segment > place.segment);
            // From the end, so that a crash between leaves a cut chain and no hole in it.
            for segment in behind.rev() {
                cut_segment(
                    directory,
                    Place {
                        segment: *segment,
                        offset: 0,
                    },
                )?;
            }
            cut_segment(directory, place)
        }
    }
}

/// Sets aside what stands behind a place in one segment.
pub(crate) fn cut_segment(directory: &Directory, place: Place) -> Result<(), FileError> {
    let path = directory.segment(place.segment);
    let mut file = directory.storage.open_append(&path).at("open", &path)?;
    if file.len().at("measure", &path)? == place.offset {
        return Ok(());
    }
    quarantine::put_tail(directory, place.segment, place.offset)?;
    file.truncate(place.offset).at("truncate", &path)?;
    file.sync().at("sync", &path)
}

/// Returns the quarantined tails of a stream that no `recovery` entry names, each with what stood in it.
pub(crate) fn unnamed(
    directory: &Directory,
    stream: StreamId,
    label: Label,
    state: &State,
    signed: u64,
    tail_key: &TailKey,
) -> Result<Vec<Quarantined>, FileError> {
    let mut found = Vec::new();
    let mut known = Ranges::default();
    for name in directory.files(&directory.quarantine())? {
        let is_ours = quarantine::tail_segment(&name).is_some_and(|segment| segment.label == label);
        if is_ours && !state.recovered.contains(&name) {
            let mut file = inspect(directory, stream, name, signed, tail_key)?;
            let numbers: Vec<_> = file.acc.iter().collect();
            file.acc = Ranges::default();
            for acc in numbers.into_iter().flat_map(|(first, last)| first..=last) {
                if !state.account.has(acc) && known.insert(acc) {
                    file.acc.insert(acc);
                }
            }
            found.push(file);
        }
    }
    Ok(found)
}

fn inspect(
    directory: &Directory,
    stream: StreamId,
    name: String,
    signed: u64,
    tail_key: &TailKey,
) -> Result<Quarantined, FileError> {
    let path = directory.quarantine().join(&name);
    let file = directory.storage.open_read(&path).at("open", &path)?;
    let bytes = file.len().at("measure", &path)?;
    let mut lines = Lines::new(file, 0);
    let mut found = Quarantined {
        file: name,
        bytes,
        lines: 0,
        acc: Ranges::default(),
        foreign: 0,
        edited: 0,
        copied: 0,
    };
    while let Some(line) = lines.next().at("read", &path)? {
        found.lines += 1;
        if line.end != LineEnd::Newline {
            continue;
        }
        // A number counts only where this host's writer wrote it: anybody can put a file here.
        let ours = Entry::parse(line.bytes)
            .ok()
            .filter(|entry| entry.position().stream == stream && entry.is_by(tail_key));
        found.edited += u64::from(ours.as_ref().is_some_and(|entry| !entry.is_whole()));
        let is_signed = |entry: &Entry<'_>| entry.position().seq < signed;
        found.copied += u64::from(ours.as_ref().is_some_and(is_signed));
        match ours {
            Some(entry) if entry.position().kind.is_record() => {
                found.acc.insert(entry.position().acc);
            }
            Some(_) => {}
            None => found.foreign += 1,
        }
    }
    Ok(found)
}

/// Returns the line of an entry whose place a scan remembered.
pub(crate) fn read_line(directory: &Directory, place: Place) -> Result<Vec<u8>, FileError> {
    let path = directory.segment(place.segment);
    let file = directory.storage.open_read(&path).at("open", &path)?;
    let mut lines = Lines::few(file, place.offset);
    let line = lines.next().at("read", &path)?;
    Ok(line.map(|line| line.bytes.to_vec()).unwrap_or_default())
}

/// Removes segments that are empty: they count as absent, and a crash or a full disk leaves them.
pub(crate) fn remove_empty(
    directory: &Directory,
    label: Label,
    kept: &[SegmentName],
) -> Result<(), FileError> {
    for segment in directory.segments_of(label)? {
        let path = directory.segment(segment);
        let is_empty = |file: Box<dyn StorageFile>| file.is_empty();
        if !kept.contains(&segment)
            && directory
                .storage
                .open_read(&path)
                .and_then(is_empty)
                .at("measure", &path)?
        {
            directory.storage.remove(&path).at("remove", &path)?;
        }
    }
    Ok(())
}
