//! `checkpoints/<stream>`: the newest signed head of each stream.
//!
//! Promise: replaced by rename, so that it is whole whenever it is read.
//! Not here: checkpoint entries.

use std::io;

use super::{
    directory::{At, Directory, FileError},
    event, storage,
};
use crate::{
    checkpoint::{Checkpoint, NoteError, VerifierKey},
    entry::{Leaf, StreamId},
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
    let path = directory.checkpoint(stream);
    let bytes = match storage::read_file(&*directory.storage, &path, NOTE_FILE_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(StoredNote::None),
        read => read.at("read", &path)?,
    };
    let Ok(note) = String::from_utf8(bytes) else {
        return Ok(StoredNote::None);
    };
    Ok(verify(&note, stream, key))
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
    storage::replace(&*directory.storage, &path, note.as_bytes()).at("write", &path)
}

/// Writes `[[stream,size,root],...]` of every stream but `own` that has a checkpoint of ours.
pub(crate) fn others(
    directory: &Directory,
    own: StreamId,
    key: &VerifierKey,
) -> Result<Vec<u8>, FileError> {
    let mut heads = Vec::new();
    for name in directory.files(&directory.folder("checkpoints"))? {
        let Some(stream) = StreamId::parse(&name).filter(|stream| *stream != own) else {
            continue;
        };
        let note = match load(directory, stream, key) {
            // Another stream's note that cannot be read must not keep this one from its `open`.
            Err(error) if error.is_about_one_file() => continue,
            loaded => loaded?,
        };
        if let StoredNote::Verified(head) = note {
            let root = Leaf::from_bytes(head.root);
            heads.push(format!("[\"{stream}\",{},\"{root}\"]", head.size).into_bytes());
        }
    }
    Ok(event::array(heads))
}
