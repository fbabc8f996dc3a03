//! `checkpoints/<stream>`: the newest signed head of each stream.
//!
//! Promise: replaced by rename, so that it is whole whenever it is read.
//! Not here: checkpoint entries.

use std::io;

use super::{
    directory::Directory,
    event,
    file_error::{At, FileError},
    storage,
};
use crate::{
    checkpoint::{Checkpoint, Note, NoteError, VerifierKey},
    entry::{Leaf, NUMBER_MAX, StreamId},
};

const NOTE_FILE_BYTES_MAX: usize = 64 << 10;

/// What stands in a stream's checkpoint file.
pub(crate) enum StoredNote {
    /// Nothing, or nothing that is a note.
    None,
    /// A note that our key does not vouch for.
    Foreign,
    Verified(Checkpoint),
}

pub(crate) fn load(
    directory: &Directory,
    stream: StreamId,
    key: &VerifierKey,
) -> Result<StoredNote, FileError> {
    let note = read(directory, stream)?;
    Ok(note.map_or(StoredNote::None, |note| verify(&note, stream, key)))
}

/// Returns the text of a stream's note.
fn read(directory: &Directory, stream: StreamId) -> Result<Option<String>, FileError> {
    let path = directory.checkpoint(stream);
    match storage::read_file(&*directory.storage, &path, NOTE_FILE_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(String::from_utf8(read.at("read", &path)?).ok()),
    }
}

pub(crate) fn verify(note: &str, stream: StreamId, key: &VerifierKey) -> StoredNote {
    match Checkpoint::verify(note, std::slice::from_ref(key), stream) {
        Ok(checkpoint) => StoredNote::Verified(checkpoint),
        Err(NoteError::Form | NoteError::TooLong) => StoredNote::None,
        Err(_) => StoredNote::Foreign,
    }
}

pub(crate) fn store(directory: &Directory, stream: StreamId, note: &str) -> Result<(), FileError> {
    let path = directory.checkpoint(stream);
    directory.replace(&path, note.as_bytes())
}

/// The newest head of another stream in the directory.
pub(crate) struct OtherHead {
    pub(crate) stream: StreamId,
    size: u64,
    root: [u8; 32],
    /// None of our keys vouches for it: size and root are what it claims.
    pub(crate) is_foreign: bool,
}

/// Returns the newest head of every stream but `own`; one without a readable note is left out.
pub(crate) fn others(
    directory: &Directory,
    own: StreamId,
    key: &VerifierKey,
) -> Result<Vec<OtherHead>, FileError> {
    let names = directory.files(&directory.folder("checkpoints"))?;
    let streams = names.iter().filter_map(|name| StreamId::parse(name));
    let heads = streams.filter(|stream| *stream != own);
    Ok(heads
        .filter_map(|stream| other(directory, stream, key))
        .collect())
}

fn other(directory: &Directory, stream: StreamId, key: &VerifierKey) -> Option<OtherHead> {
    let text = read(directory, stream).ok()??;
    let claim = Note::parse(&text).ok()?.checkpoint;
    if claim.size > NUMBER_MAX {
        return None;
    }
    let is_foreign = !matches!(verify(&text, stream, key), StoredNote::Verified(_));
    Some(OtherHead {
        stream,
        size: claim.size,
        root: claim.root,
        is_foreign,
    })
}

/// Writes `[[stream,size,root],...]`.
pub(crate) fn print_others(others: &[OtherHead]) -> Vec<u8> {
    event::array(others.iter().map(|other| {
        let root = Leaf::from_bytes(other.root);
        format!("[\"{}\",{},\"{root}\"]", other.stream, other.size).into_bytes()
    }))
}
