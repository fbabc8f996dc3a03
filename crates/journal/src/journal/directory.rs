//! Where everything lies in the journal's directory.
//!
//! Promise: the only file of this crate that spells these paths. A writer is shown regular files of the users whom it
//! trusts; what else bears such a name is left alone, costs its own stream at most, and is named as a stranger.
//! Not here: what stands in the files.

use std::{
    collections::BTreeSet,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    file_error::{At, FileError},
    lines::Lines,
    owner::Owners,
    segment::{Label, SegmentName},
    storage::{self, FileKind, Storage, StorageLock},
};
use crate::entry::{Entry, StreamId};

/// One journal's directory on its storage.
#[derive(Clone)]
pub(crate) struct Directory {
    pub(crate) storage: Arc<dyn Storage>,
    root: PathBuf,
    takes_any_owner: bool,
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

/// The folders that hold files and nothing else.
const FOLDERS_OF_FILES: [&str; 5] = ["checkpoints", "cursors", "locks", "quarantine", "cache"];

/// Something that bears the name of a journal's file and is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stranger {
    /// Where it is.
    pub path: PathBuf,
    /// Why it is not used.
    pub what: String,
}

impl fmt::Display for Stranger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.path.display(), self.what)
    }
}

/// The stream in the files under a label, as far as it can be read.
struct Found {
    stream: Option<StreamId>,
    /// Whether every file under the label could be read.
    is_whole: bool,
}

impl Directory {
    /// The directory as a writer sees it: other users' files are not used.
    pub(crate) fn new(storage: Arc<dyn Storage>, root: impl Into<PathBuf>) -> Self {
        Self {
            storage,
            root: root.into(),
            takes_any_owner: false,
        }
    }

    /// The directory as a reader sees it, who may be anybody and trusts no file: whoever owns it, it is shown.
    pub(crate) fn to_read(storage: Arc<dyn Storage>, root: impl Into<PathBuf>) -> Self {
        Self {
            takes_any_owner: true,
            ..Self::new(storage, root)
        }
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

    /// Replaces a file in one of the folders: by rename, whole or old.
    ///
    /// # Durability
    /// The content is synced before it gets the name.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        self.replace_with(path, || storage::replace(&*self.storage, path, bytes))
    }

    /// Replaces a file that may be lost: by rename, whole or old, and without a sync.
    pub(crate) fn replace_unsynced(&self, path: &Path, bytes: &[u8]) -> Result<(), FileError> {
        self.replace_with(path, || {
            storage::replace_unsynced(&*self.storage, path, bytes)
        })
    }

    /// Makes the file's folder anew where another program removed it, and follows no link in its place; the journal's directory itself is never made anew.
    fn replace_with(
        &self,
        path: &Path,
        replace: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), FileError> {
        let folder = path.parent().unwrap_or(&self.root);
        self.keep_folder(folder)?;
        replace().at("write", path)
    }

    /// Makes a folder anew where the journal's directory is there; an error where something else has its name.
    pub(crate) fn keep_folder(&self, folder: &Path) -> Result<(), FileError> {
        if self.storage.metadata(&self.root).is_ok() {
            self.make_folder(folder).at("make directory", folder)?;
        }
        Ok(())
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
            self.make_folder(&path).at("make directory", &path)?;
        }
        self.sync_dir(&self.root)
    }

    /// A link in a folder's place would lead what is written out of the journal.
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match self.storage.metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.storage.create_dir(path),
            Ok(found) if found.kind == FileKind::Directory => Ok(()),
            Ok(found) => Err(storage::not_a_directory(found.kind.describe())),
            Err(error) => Err(error),
        }
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

    /// Takes a stream's lock; `None` while another holds it, and where its lock or its note cannot be used.
    pub(crate) fn try_lock(
        &self,
        stream: StreamId,
    ) -> Result<Option<Box<dyn StorageLock>>, FileError> {
        let (path, note) = (self.lock(stream), self.checkpoint(stream));
        let owners = self.owners();
        for path in [&path, &note, &storage::temporary(&note)] {
            if self.is_stranger(path, owners)? {
                return Ok(None);
            }
        }
        let locked = self.storage.try_lock(&path).at("lock", &path);
        match locked {
            // Without a file there, it is the folder that cannot be written.
            Err(error) if error.is_about_one_file() && self.storage.metadata(&path).is_ok() => {
                Ok(None)
            }
            locked => locked,
        }
    }

    /// Returns the names in one of the folders, none where it is missing.
    pub(crate) fn names(&self, path: &Path) -> Result<Vec<String>, FileError> {
        match self.storage.list(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.at("list", path),
        }
    }

    /// Returns the names of the files in one of the folders that may be used.
    pub(crate) fn files(&self, folder: &Path) -> Result<Vec<String>, FileError> {
        let owners = self.owners();
        let mut files = self.names(folder)?;
        let mut failed = Ok(());
        files.retain(|name| {
            let usable = self.is_usable(&folder.join(name), owners);
            usable.unwrap_or_else(|error| {
                failed = Err(error);
                false
            })
        });
        failed.map(|()| files)
    }

    /// Returns all segments, each stream's in its order.
    pub(crate) fn segments(&self) -> Result<Vec<SegmentName>, FileError> {
        self.usable(self.segment_names()?)
    }

    /// Returns the segments under one label, in order.
    pub(crate) fn segments_of(&self, label: Label) -> Result<Vec<SegmentName>, FileError> {
        let mut names = self.segment_names()?;
        names.retain(|segment| segment.label == label);
        self.usable(names)
    }

    /// Returns whatever bears a segment's name.
    fn segment_names(&self) -> Result<Vec<SegmentName>, FileError> {
        let names = self.names(&self.root)?;
        let mut segments: Vec<SegmentName> =
            names.iter().filter_map(|name| name.parse().ok()).collect();
        segments.sort_unstable();
        Ok(segments)
    }

    fn usable(&self, names: Vec<SegmentName>) -> Result<Vec<SegmentName>, FileError> {
        let owners = self.owners();
        let mut segments = Vec::with_capacity(names.len());
        for name in names {
            if self.is_usable(&self.segment(name), owners)? {
                segments.push(name);
            }
        }
        Ok(segments)
    }

    /// Says whether there is a regular file of somebody whom we trust.
    ///
    /// A failing disk is an error and no answer: a segment must not be missing from its stream for that.
    fn is_usable(&self, path: &Path, owners: Owners) -> Result<bool, FileError> {
        match self.storage.metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => {
                let found = found.at("look at", path)?;
                Ok(found.kind == FileKind::File && owners.accepts(found.owner))
            }
        }
    }

    /// Says whether something has that name that is not used.
    fn is_stranger(&self, path: &Path, owners: Owners) -> Result<bool, FileError> {
        let is_there = self.storage.metadata(path).is_ok();
        Ok(is_there && !self.is_usable(path, owners)?)
    }

    fn owners(&self) -> Owners {
        if self.takes_any_owner {
            Owners::Anyone
        } else {
            Owners::of_files(&*self.storage, &self.root)
        }
    }

    /// Returns what bears the name of a journal's file and is not used: what it is, whose it is, or why it is unreadable.
    pub(crate) fn strangers(&self) -> Vec<Stranger> {
        let owners = self.owners();
        // What cannot be listed fails elsewhere.
        let segments = self.segment_names().unwrap_or_default();
        let segments = segments.into_iter().map(|name| self.segment(name));
        let files = FOLDERS_OF_FILES.iter().flat_map(|folder| {
            let folder = self.folder(folder);
            let names = self.names(&folder).unwrap_or_default();
            names.into_iter().map(move |name| folder.join(name))
        });
        segments
            .chain(files)
            .filter_map(|path| {
                let what = self.why_unused(&path, owners)?;
                Some(Stranger { path, what })
            })
            .collect()
    }

    fn why_unused(&self, path: &Path, owners: Owners) -> Option<String> {
        let found = match self.storage.metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(format!("cannot be looked at: {error}")),
            Ok(found) => found,
        };
        if found.kind != FileKind::File {
            return Some(format!("is {}", found.kind.describe()));
        }
        if !owners.accepts(found.owner) {
            return Some(format!("belongs to user {}", found.owner));
        }
        match self.storage.open_read(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Some(format!("cannot be read: {error}"))
            }
            _ => None,
        }
    }

    /// Returns the stream that `locks/first` names, or else the one whose lines are in the first stream's files.
    pub(crate) fn first_stream(&self) -> Result<Option<StreamId>, FileError> {
        match self.named_first()? {
            Some(stream) => Ok(Some(stream)),
            None => self.stream_in(Label::First),
        }
    }

    /// Returns the stream that `locks/first` names; `None` where it is missing or cannot be used.
    pub(crate) fn named_first(&self) -> Result<Option<StreamId>, FileError> {
        let path = self.first();
        if !self.is_usable(&path, self.owners())? {
            return Ok(None);
        }
        // A stream's files name it too.
        let bytes = storage::read_file(&*self.storage, &path, 64).unwrap_or_default();
        Ok(std::str::from_utf8(&bytes).ok().and_then(StreamId::parse))
    }

    /// Says whether a new stream may become the first: not where somebody's file may be the first's and cannot be read.
    pub(crate) fn may_name_first(&self) -> Result<bool, FileError> {
        let path = self.first();
        let is_there = self.storage.metadata(&path).is_ok();
        if is_there && self.why_unused(&path, self.owners()).is_some() {
            return Ok(false);
        }
        Ok(self.find_stream(Label::First)?.is_whole)
    }

    /// Returns the stream whose lines are in the files under a label.
    pub(crate) fn stream_in(&self, label: Label) -> Result<Option<StreamId>, FileError> {
        Ok(self.find_stream(label)?.stream)
    }

    fn find_stream(&self, label: Label) -> Result<Found, FileError> {
        let owners = self.owners();
        let mut is_whole = true;
        let mut segments = self.segment_names()?;
        segments.retain(|segment| segment.label == label);
        for segment in segments {
            let path = self.segment(segment);
            if !self.is_usable(&path, owners)? {
                is_whole = false;
                continue;
            }
            match self.stream_of(segment) {
                Ok(None) => {}
                Ok(stream) => return Ok(Found { stream, is_whole }),
                Err(_unreadable) => is_whole = false,
            }
        }
        let stream = None;
        Ok(Found { stream, is_whole })
    }

    /// Returns the stream of the first line that is an entry.
    fn stream_of(&self, segment: SegmentName) -> Result<Option<StreamId>, FileError> {
        let path = self.segment(segment);
        let file = self.storage.open_read(&path).at("open", &path)?;
        let mut lines = Lines::few(file, 0);
        while let Some(line) = lines.next().at("read", &path)? {
            if let Ok(entry) = Entry::parse(line.bytes) {
                return Ok(Some(entry.position().stream));
            }
        }
        Ok(None)
    }

    /// Returns every stream that left a trace: a lock, a checkpoint or a segment that can be read.
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
            let named = self.stream_in(*label)?;
            // A file under another stream's name says nothing: its lines must not choose the id that is written next.
            streams.extend(named.filter(|stream| Label::short(*stream) == *label));
        }
        Ok(streams)
    }

    /// Returns the segments under the name of no stream that is there, whose lines are of a stream of another name.
    pub(crate) fn misnamed(&self) -> Result<Vec<Stranger>, FileError> {
        let streams = self.streams()?;
        let known: BTreeSet<Label> = streams.iter().map(|id| Label::short(*id)).collect();
        let mut segments = self.segments()?;
        segments.retain(|name| name.label != Label::First && !known.contains(&name.label));
        let strangers = segments.into_iter().filter_map(|name| {
            let stream = self.stream_of(name).ok()??;
            let what = format!("has entries of stream {stream}, whose files have another name");
            let path = self.segment(name);
            Some(Stranger { path, what })
        });
        Ok(strangers.collect())
    }

    /// Returns the label of a stream's files; `None` where one of those that may be its own cannot be used.
    pub(crate) fn label(&self, stream: StreamId) -> Result<Option<Label>, FileError> {
        let short = Label::short(stream);
        let label = match self.named_first()? {
            Some(first) if first == stream => Label::First,
            Some(_) => short,
            None => {
                let first = self.find_stream(Label::First)?;
                if first.stream == Some(stream) {
                    Label::First
                } else if first.stream.is_some() || first.is_whole || self.has_segments(short)? {
                    short
                } else {
                    return Ok(None);
                }
            }
        };
        Ok(self.is_whole(label)?.then_some(label))
    }

    fn has_segments(&self, label: Label) -> Result<bool, FileError> {
        Ok(!self.segments_of(label)?.is_empty())
    }

    /// Says whether no stranger has the name of a segment under a label: what is missing from a stream must not be
    /// written a second time.
    fn is_whole(&self, label: Label) -> Result<bool, FileError> {
        let owners = self.owners();
        for segment in self.segment_names()? {
            if segment.label == label && self.is_stranger(&self.segment(segment), owners)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
