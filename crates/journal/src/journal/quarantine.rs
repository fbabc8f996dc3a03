//! What does not belong into the journal and must not be thrown away: cut tails, and records no destination takes.
//!
//! Promise: nothing here is ever overwritten; a name says where its bytes came from.
//! Not here: what the journal says about it (`recovery` entries), erasure.

use std::{io, path::PathBuf};

use super::{
    directory::Directory,
    event::Event,
    file_error::{At, FileError},
    segment::SegmentName,
    storage,
};
use crate::entry::StreamId;

/// Bytes copied at once.
const COPY_BYTES: usize = 1 << 20;

/// Puts the bytes of a segment from `offset` on into `quarantine/`, and returns the file's name.
///
/// The segment itself is not touched. # Durability: the copy and its name are synced.
pub(crate) fn put_tail(
    directory: &Directory,
    segment: SegmentName,
    offset: u64,
) -> Result<String, FileError> {
    let source_path = directory.segment(segment);
    let mut source = directory
        .storage
        .open_read(&source_path)
        .at("open", &source_path)?;
    let (name, path) = free_name(directory, &format!("{segment}.{offset}"))?;
    let mut copy = directory.storage.create(&path).at("create", &path)?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut at = offset;
    loop {
        let read = storage::read_full(&mut *source, at, &mut buffer).at("read", &source_path)?;
        if read == 0 {
            break;
        }
        storage::append_all(&mut *copy, &buffer[..read]).at("write", &path)?;
        at += read as u64;
    }
    copy.sync().at("sync", &path)?;
    directory.sync_dir(&directory.quarantine())?;
    Ok(name)
}

/// Returns the segment that a cut tail's file name says it comes from.
pub(crate) fn tail_segment(name: &str) -> Option<SegmentName> {
    let (rest, _count) = name.rsplit_once('.')?;
    let (segment, offset) = rest.rsplit_once('.')?;
    offset.parse::<u64>().ok()?;
    segment.parse().ok()
}

/// Puts a record that its destination will never take into `quarantine/`, and returns the file's name.
///
/// The first line says why, the second is the entry.
pub(crate) fn put_dead_letter(
    directory: &Directory,
    follower: &str,
    stream: StreamId,
    seq: u64,
    line: &[u8],
    why: &str,
) -> Result<String, FileError> {
    directory.keep_folder(&directory.quarantine())?;
    let (name, path) = free_name(directory, &format!("dead.{follower}.{stream}.{seq}"))?;
    let head = Event::new().text("follower", follower).number("seq", seq);
    let mut bytes = head.text("why", why).finish();
    bytes.push(b'\n');
    bytes.extend_from_slice(line);
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    let mut file = directory.storage.create(&path).at("create", &path)?;
    storage::append_all(&mut *file, &bytes).at("write", &path)?;
    file.sync().at("sync", &path)?;
    directory.sync_dir(&directory.quarantine())?;
    Ok(name)
}

/// Returns a name with that beginning that is not taken yet.
fn free_name(directory: &Directory, stem: &str) -> Result<(String, PathBuf), FileError> {
    let folder = directory.quarantine();
    let taken = directory.names(&folder)?;
    for count in 0..=taken.len() {
        let name = format!("{stem}.{count}");
        if taken.binary_search(&name).is_err() {
            let path = folder.join(&name);
            return Ok((name, path));
        }
    }
    // One more name than there are files: one of them is free.
    Err(io::Error::from(io::ErrorKind::AlreadyExists)).at("name", &folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tails_name_says_where_it_comes_from() {
        for (name, segment) in [
            (
                "audit_2026-11-22.jsonl.123.0",
                Some("audit_2026-11-22.jsonl"),
            ),
            (
                "audit_2026-11-22.deadbeef.1.jsonl.0.2",
                Some("audit_2026-11-22.deadbeef.1.jsonl"),
            ),
            ("dead.otlp.0123456789abcdef0123456789abcdef.7.0", None),
        ] {
            let found = tail_segment(name).map(|segment| segment.to_string());
            assert_eq!(found.as_deref(), segment);
        }
    }
}
