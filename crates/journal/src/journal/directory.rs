//! Where everything lies in the journal's directory.
//!
//! Promise: the only file of this crate that spells these paths.
//! Not here: what stands in the files.

use std::{
    collections::BTreeSet,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    lines::Lines,
    segment::{Label, SegmentName},
    storage::{self, Storage, StorageLock},
};
use crate::entry::{Entry, StreamId};

/// An operation on a file or directory failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried.
    pub operation: &'static str,
    /// On which file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Adds to an I/O error where it happened.
pub(crate) trait At<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, operation: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError {
            operation,
            path: path.to_owned(),
            source,
        })
    }
}

/// One journal's directory on its storage.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) storage: Arc<dyn Storage>,
    root: PathBuf,
}

impl fmt::Debug for Directory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Directory({})", self.root.display())
    }
}

/// What every journal's directory has.
const FOLDERS: [&str; 6] = [
    "checkpoints",
    "cursors",
    "locks",
    "requests",
    "quarantine",
    "cache",
];

impl Directory {
    pub(crate) fn new(storage: Arc<dyn Storage>, root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { storage, root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(crate) fn segment(&self, name: SegmentName) -> PathBuf {
        self.root.join(name.to_string())
    }

    pub(crate) fn checkpoint(&self, stream: StreamId) -> PathBuf {
        self.folder("checkpoints").join(stream.to_string())
    }

    pub(crate) fn cursor(&self, follower: &str, stream: StreamId) -> PathBuf {
        self.folder("cursors").join(format!("{follower}.{stream}"))
    }

    pub(crate) fn cache(&self, stream: StreamId) -> PathBuf {
        self.folder("cache").join(stream.to_string())
    }

    /// Replaces a file that may be lost: by rename, whole or old, and without a sync.
    pub(crate) fn replace_unsynced(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        storage::replace_unsynced(&*self.storage, path, bytes).at("write", path)
    }

    pub(crate) fn lock(&self, stream: StreamId) -> PathBuf {
        self.folder("locks").join(stream.to_string())
    }

    pub(crate) fn first(&self) -> PathBuf {
        self.folder("locks").join("first")
    }

    pub(crate) fn requests(&self, stream: StreamId) -> PathBuf {
        self.folder("requests").join(stream.to_string())
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.folder("quarantine")
    }

    /// Makes the directory and its folders, and makes them last.
    pub(crate) fn make(&self) -> Result<(), FileError> {
        self.make_dir(&self.root)?;
        for folder in FOLDERS {
            let path = self.folder(folder);
            self.storage.create_dir(&path).at("make directory", &path)?;
        }
        self.sync_dir(&self.root)
    }

    /// Makes a directory, and makes its name last, and those of its parents that it may have made.
    pub(crate) fn make_dir(&self, path: &Path) -> Result<(), FileError> {
        self.storage.create_dir(path).at("make directory", path)?;
        let mut above = path.ancestors().skip(1);
        match above.next() {
            Some(parent) if parent.as_os_str().is_empty() => return self.sync_dir(Path::new(".")),
            Some(parent) => self.sync_dir(parent)?,
            None => {}
        }
        for ancestor in above.filter(|ancestor| !ancestor.as_os_str().is_empty()) {
            // What is not ours to open was there before.
            let _ = self.storage.sync_dir(ancestor);
        }
        Ok(())
    }

    pub(crate) fn sync_dir(&self, path: &Path) -> Result<(), FileError> {
        self.storage.sync_dir(path).at("sync directory", path)
    }

    pub(crate) fn try_lock(
        &self,
        stream: StreamId,
    ) -> Result<Option<Box<dyn StorageLock>>, FileError> {
        let path = self.lock(stream);
        self.storage.try_lock(&path).at("lock", &path)
    }

    /// Returns the names in one of the folders, none where it is missing.
    pub(crate) fn names(&self, path: &Path) -> Result<Vec<String>, FileError> {
        match self.storage.list(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.at("list", path),
        }
    }

    /// Returns all segments, each stream's in its order.
    pub(crate) fn segments(&self) -> Result<Vec<SegmentName>, FileError> {
        let names = self.names(&self.root)?;
        let mut segments: Vec<SegmentName> =
            names.iter().filter_map(|name| name.parse().ok()).collect();
        segments.sort_unstable();
        Ok(segments)
    }

    /// Returns the segments under one label, in order.
    pub(crate) fn segments_of(&self, label: Label) -> Result<Vec<SegmentName>, FileError> {
        let mut segments = self.segments()?;
        segments.retain(|segment| segment.label == label);
        Ok(segments)
    }

    /// Returns the stream that `locks/first` names, or else the one whose lines stand in the first stream's files.
    pub(crate) fn first_stream(&self) -> Result<Option<StreamId>, FileError> {
        match self.named_first()? {
            Some(stream) => Ok(Some(stream)),
            None => self.stream_in(Label::First),
        }
    }

    /// Returns the stream that `locks/first` names.
    pub(crate) fn named_first(&self) -> Result<Option<StreamId>, FileError> {
        let path = self.first();
        match storage::read_file(&*self.storage, &path, 64) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => {
                let bytes = read.at("read", &path)?;
                Ok(std::str::from_utf8(&bytes).ok().and_then(StreamId::parse))
            }
        }
    }

    /// Returns the stream whose lines stand in the files under a label.
    pub(crate) fn stream_in(&self, label: Label) -> Result<Option<StreamId>, FileError> {
        for segment in self.segments_of(label)? {
            if let Some(stream) = self.stream_of(segment)? {
                return Ok(Some(stream));
            }
        }
        Ok(None)
    }

    /// Returns the stream of the first line that is an entry.
    fn stream_of(&self, segment: SegmentName) -> Result<Option<StreamId>, FileError> {
        let path = self.segment(segment);
        let file = self.storage.open_read(&path).at("open", &path)?;
        let mut lines = Lines::new(file, 0);
        while let Some(line) = lines.next().at("read", &path)? {
            if let Ok(entry) = Entry::parse(line.bytes) {
                return Ok(Some(entry.position().stream));
            }
        }
        Ok(None)
    }

    /// Returns every stream that left a trace: a lock, a checkpoint or a segment.
    pub(crate) fn streams(&self) -> Result<BTreeSet<StreamId>, FileError> {
        let mut streams = BTreeSet::new();
        for folder in ["locks", "checkpoints"] {
            let names = self.names(&self.folder(folder))?;
            streams.extend(names.iter().filter_map(|name| StreamId::parse(name)));
        }
        streams.extend(self.first_stream()?);
        let known: BTreeSet<Label> = streams.iter().map(|id| Label::short(*id)).collect();
        let segments = self.segments()?;
        let labels: BTreeSet<Label> = segments.iter().map(|segment| segment.label).collect();
        for label in labels
            .difference(&known)
            .filter(|label| **label != Label::First)
        {
            streams.extend(self.stream_in(*label)?);
        }
        Ok(streams)
    }

    /// Returns the label under which a stream's files stand.
    pub(crate) fn label(&self, stream: StreamId) -> Result<Label, FileError> {
        let is_first = self.first_stream()? == Some(stream);
        Ok(if is_first {
            Label::First
        } else {
            Label::short(stream)
        })
    }
}
