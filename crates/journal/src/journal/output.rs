//! The way of a batch onto the disk: one write, one sync, and what is done when either fails.
//!
//! Promise: after a failure nothing is appended to that file again; its torn tail is cut where the disk lets us, and the
//! caller's same bytes go into the day's next segment. A file on which a sync failed is never synced again.
//! Not here: what the bytes are (`writer`), when to give up.

use std::path::PathBuf;

use super::{
    directory::{At, Directory, FileError},
    segment::{Label, SegmentName},
    storage::{self, StorageFile},
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

struct Segment {
    name: SegmentName,
    path: PathBuf,
    file: Box<dyn StorageFile>,
    /// How many bytes are durable.
    synced_len: u64,
}

/// Which call failed: after a failed sync the file is left alone.
enum Failed {
    Write(FileError),
    Sync(FileError),
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
    pub(crate) fn resume(&mut self, name: SegmentName) -> Result<(), FileError> {
        let path = self.directory.segment(name);
        let mut file = self
            .directory
            .storage
            .open_append(&path)
            .at("open", &path)?;
        file.sync().at("sync", &path)?;
        let synced_len = file.len().at("measure", &path)?;
        self.segment = Some(Segment {
            name,
            path,
            file,
            synced_len,
        });
        Ok(())
    }

    /// Returns the day and durable length of the segment that is appended to.
    pub(crate) fn current(&self) -> Option<(u32, u64)> {
        let segment = self.segment.as_ref()?;
        Some((segment.name.day, segment.synced_len))
    }

    /// Ends the segment: the next batch begins another.
    pub(crate) fn turn(&mut self) {
        self.segment = None;
    }

    /// Writes a batch of entries of `day`.
    ///
    /// # Durability
    /// Synced when this returns. On an error none of it counts as written, and the caller brings the same bytes again.
    pub(crate) fn write(&mut self, day: u32, bytes: &[u8]) -> Result<(), FileError> {
        let mut segment = match self.segment.take() {
            Some(segment) if segment.name.day == day => segment,
            _ => self.begin(day)?,
        };
        match segment.write(bytes) {
            Ok(()) => {
                self.segment = Some(segment);
                Ok(())
            }
            Err(Failed::Write(error)) => {
                self.abandon(segment, true);
                Err(error)
            }
            Err(Failed::Sync(error)) => {
                self.abandon(segment, false);
                Err(error)
            }
        }
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
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    self.next = following(name);
                }
                created => {
                    let file = created.at("create", &path)?;
                    let segment = Segment {
                        name,
                        path,
                        file,
                        synced_len: 0,
                    };
                    self.next = following(name);
                    return match self.directory.sync_dir(self.directory.root()) {
                        Ok(()) => Ok(segment),
                        Err(error) => {
                            self.abandon(segment, false);
                            Err(error)
                        }
                    };
                }
            }
        }
    }

    /// Leaves a segment as its readers should find it, as far as the disk still obeys.
    fn abandon(&mut self, mut segment: Segment, may_sync: bool) {
        if segment.synced_len == 0 && self.directory.storage.remove(&segment.path).is_ok() {
            // An empty segment counts as absent, so its name is free: a full disk does not collect empty files.
            self.next = segment.name;
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
