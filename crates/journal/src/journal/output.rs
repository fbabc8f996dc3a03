//! The way of a batch onto the disk: one write, one sync, and what is done when either fails.
//!
//! Promise: after each sync the segment's name is compared with the file that was written: other programs move, cut and
//! remove files. After a failure nothing is appended to that file again; its torn tail is cut where the disk lets us, and the
//! caller's same bytes go into the day's next segment. A file on which a sync failed is never synced again.
//! Not here: what the bytes are (`writer`), when to give up.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    directory::Directory,
    file_error::{At, FileError},
    refused::{PathChange, SyncError},
    segment::{Label, SegmentName},
    storage::{self, FileId, FileKind, StorageFile},
};

/// Where a stream's next bytes go.
pub(crate) struct Output {
    directory: Directory,
    label: Label,
    /// The segment that is appended to; none before the first batch, after a turn and after a failure.
    segment: Option<Segment>,
    /// The name to try next on its day.
    next: SegmentName,
}

/// A segment that nobody else appends to.
pub(crate) struct LockedSegment {
    pub(crate) name: SegmentName,
    pub(crate) file: Box<dyn StorageFile>,
}

struct Segment {
    name: SegmentName,
    path: PathBuf,
    file: Box<dyn StorageFile>,
    id: FileId,
    /// How many bytes are durable.
    synced_len: u64,
}

/// Which call failed: after a failed sync the file is left alone.
enum Failed {
    Write(FileError),
    Sync(FileError),
    /// The name stands for something else.
    Replaced(PathChange),
}

impl Output {
    /// Begins behind everything that the stream has.
    pub(crate) fn new(directory: &Directory, label: Label, last: Option<SegmentName>) -> Self {
        let next = last.map_or(
            SegmentName {
                label,
                day: 0,
                index: 0,
            },
            following,
        );
        Self {
            directory: directory.clone(),
            label,
            segment: None,
            next,
        }
    }

    /// Goes on in an existing segment, which is synced first: its end may only be in memory.
    pub(crate) fn resume(
        &mut self,
        name: SegmentName,
        locked: Option<LockedSegment>,
    ) -> Result<(), FileError> {
        let path = self.directory.segment(name);
        let mut file = match locked.filter(|locked| locked.name == name) {
            Some(locked) => locked.file,
            None => self.open_locked(&path)?,
        };
        file.sync().at("sync", &path)?;
        let synced_len = file.len().at("measure", &path)?;
        let id = file.id().at("identify", &path)?;
        self.segment = Some(Segment {
            name,
            path,
            file,
            id,
            synced_len,
        });
        Ok(())
    }

    /// Opens a segment that recovery made the last one.
    fn open_locked(&self, path: &Path) -> Result<Box<dyn StorageFile>, FileError> {
        let mut file = self.directory.storage.open_append(path).at("open", path)?;
        if file.try_lock().at("lock", path)? {
            Ok(file)
        } else {
            Err(io::Error::from(io::ErrorKind::WouldBlock)).at("lock", path)
        }
    }

    /// Returns the name and durable length of the segment that is appended to.
    pub(crate) fn segment(&self) -> Option<(SegmentName, u64)> {
        let segment = self.segment.as_ref()?;
        Some((segment.name, segment.synced_len))
    }

    /// Returns the day and durable length of the segment that is appended to.
    pub(crate) fn current(&self) -> Option<(u32, u64)> {
        let segment = self.segment.as_ref()?;
        Some((segment.name.day, segment.synced_len))
    }

    /// Says whether the segment's name is known to stand for something else than what was written.
    pub(crate) fn is_replaced(&self) -> bool {
        let compared = self.segment.as_ref().map(|segment| self.compare(segment));
        matches!(compared, Some(Err(Failed::Replaced(change))) if change != PathChange::Unknown)
    }

    /// Ends the segment: the next batch begins another.
    pub(crate) fn turn(&mut self) {
        self.segment = None;
    }

    /// Writes a batch of entries of `day`.
    ///
    /// # Durability
    /// Synced when this returns. On an error none of it counts as written, and the caller brings the same bytes again.
    pub(crate) fn write(&mut self, day: u32, bytes: &[u8]) -> Result<(), SyncError> {
        let mut segment = match self.segment.take() {
            Some(segment) if segment.name.day == day => segment,
            _ => self.begin(day)?,
        };
        let written = segment.write(bytes).and_then(|()| self.compare(&segment));
        match written {
            Ok(()) => {
                self.segment = Some(segment);
                Ok(())
            }
            Err(Failed::Write(error)) => {
                self.abandon(segment, true);
                Err(error.into())
            }
            Err(Failed::Sync(error)) => {
                self.abandon(segment, false);
                Err(error.into())
            }
            // Nothing is cut: what lies there now is somebody else's, and what was moved away is whole.
            Err(Failed::Replaced(change)) => {
                let path = segment.path;
                Err(SyncError::SegmentReplaced { path, change })
            }
        }
    }

    /// Compares what the segment's name stands for with the file that was written.
    fn compare(&self, segment: &Segment) -> Result<(), Failed> {
        let found = match self.directory.storage.metadata(&segment.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failed::Replaced(PathChange::Gone));
            }
            Err(_) => return Err(Failed::Replaced(PathChange::Unknown)),
        };
        if found.kind != FileKind::File || found.id != segment.id {
            return Err(Failed::Replaced(PathChange::OtherFile));
        }
        if found.len != segment.synced_len {
            return Err(Failed::Replaced(PathChange::Length {
                expected: segment.synced_len,
                found: found.len,
            }));
        }
        Ok(())
    }

    /// Makes the day's next segment; its name is durable before a byte is written.
    fn begin(&mut self, day: u32) -> Result<Segment, FileError> {
        if self.next.day != day {
            self.next = SegmentName {
                label: self.label,
                day,
                index: 0,
            };
        }
        loop {
            let name = self.next;
            let path = self.directory.segment(name);
            match self.directory.storage.create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.next = following(name);
                }
                created => {
                    let file = created.at("create", &path)?;
                    self.next = following(name);
                    return self.lock_new(name, path, file);
                }
            }
        }
    }

    /// Locks a segment that was just made, and makes its name last.
    fn lock_new(
        &mut self,
        name: SegmentName,
        path: PathBuf,
        mut file: Box<dyn StorageFile>,
    ) -> Result<Segment, FileError> {
        let id = file.try_lock().and_then(|_| file.id()).at("lock", &path);
        let made = id.and_then(|id| {
            self.directory.sync_dir(self.directory.root())?;
            Ok(id)
        });
        match made {
            Ok(id) => Ok(Segment {
                name,
                path,
                file,
                id,
                synced_len: 0,
            }),
            Err(error) => {
                self.give_back(name, &path);
                Err(error)
            }
        }
    }

    /// Removes a segment without a byte: it counts as absent, and a full disk shall not collect empty files.
    fn give_back(&mut self, name: SegmentName, path: &Path) -> bool {
        let is_gone = self.directory.storage.remove(path).is_ok();
        if is_gone {
            self.next = name;
        }
        is_gone
    }

    /// Leaves a segment as its readers should find it, as far as the disk still obeys.
    fn abandon(&mut self, mut segment: Segment, may_sync: bool) {
        // What bears its name may be somebody else's by now.
        let found = self.directory.storage.metadata(&segment.path);
        let is_ours = found.is_ok_and(|found| found.id == segment.id);
        if segment.synced_len == 0 && is_ours && self.give_back(segment.name, &segment.path) {
            return;
        }
        // Where this fails too, readers find an end that the next segment repeats.
        if segment.file.truncate(segment.synced_len).is_ok() && may_sync {
            let _ = segment.file.sync();
        }
    }
}

impl Segment {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        storage::append_all(&mut *self.file, bytes)
            .at("write", &self.path)
            .map_err(Failed::Write)?;
        self.file
            .sync()
            .at("sync", &self.path)
            .map_err(Failed::Sync)?;
        self.synced_len += bytes.len() as u64;
        Ok(())
    }
}

fn following(name: SegmentName) -> SegmentName {
    SegmentName {
        index: name.index + 1,
        ..name
    }
}
