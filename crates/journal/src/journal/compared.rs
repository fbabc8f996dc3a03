//! What a writer finds when it compares names with the files that it holds: other programs move, cut, replace and remove
//! the journal's files while they are written.
//!
//! Promise: what is acknowledged is in the file that its name stands for; entries that are gone are named in a `gap`, and
//! whoever watches is told. Nothing that somebody else put there is touched.
//! Not here: comparing the segment after each sync (`output`), which entries are gone (`lost`), where a writer goes on
//! without its lock (`elsewhere`).

use super::{
    event::Event,
    lost,
    ranges::Ranges,
    refused::{GapCause, SyncError},
    segment::SegmentName,
    writer::{Doubt, JournalWriter},
};
use crate::entry::Kind;

impl JournalWriter {
    /// Waits for the journal's directory where it was moved away or is not mounted: it is never made anew here.
    pub(super) fn check_directory(&self) -> Result<(), SyncError> {
        let root = self.directory.root();
        match self.seams.storage.metadata(root) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let path = root.to_owned();
                Err(SyncError::DirectoryGone { path })
            }
            _ => Ok(()),
        }
    }

    /// Compares the lock with what its name stands for.
    pub(super) fn check_lock(&mut self) {
        let path = self.directory.lock(self.stream);
        let is_ours = match (self.seams.storage.metadata(&path), self.lock.id()) {
            (Ok(found), Ok(id)) => found.id == id,
            (Err(error), _) if error.kind() == std::io::ErrorKind::NotFound => false,
            // What cannot be looked at is no proof.
            _ => true,
        };
        if !is_ours && !self.is_lock_lost {
            // A directory that is away takes the lock along, and brings it back.
            self.is_lock_lost = self.check_directory().is_ok();
            if self.is_lock_lost {
                self.findings.push(self.lock_replaced().to_string());
            }
        }
    }

    pub(super) fn lock_replaced(&self) -> SyncError {
        let path = self.directory.lock(self.stream);
        SyncError::LockReplaced { path }
    }

    /// Looks whether the segment's name still stands for the file that is written; where not, the file is left.
    pub(super) fn check_current(&mut self) -> Result<(), SyncError> {
        if !self.output.is_replaced() {
            return Ok(());
        }
        self.output.turn();
        self.tell_lost(true)
    }

    /// Looks whether the segments are as they were written: age-based cleaning takes the old ones first.
    pub(super) fn check_segments(&mut self) -> Result<(), SyncError> {
        // What cannot be looked at now is looked at the next time.
        let is_harmed =
            lost::is_whole(&self.directory, &self.state).is_ok_and(|is_whole| !is_whole);
        if is_harmed {
            self.tell_lost(false)?;
        }
        Ok(())
    }

    /// Says which acknowledged entries are gone: a checkpoint over what there was, then a `gap`.
    ///
    /// Where the last segment was replaced, its length says nothing: what stands in it is read.
    pub(super) fn tell_lost(&mut self, is_replaced: bool) -> Result<(), SyncError> {
        let end = self.mark.next_seq();
        let replaced = self.replaced().filter(|_| is_replaced);
        let found = lost::find(&self.directory, self.stream, &mut self.state, end, replaced);
        let lost = match found {
            Ok(lost) => lost,
            Err(error) => {
                let text =
                    "files of the journal changed, and what is lost with them cannot be told";
                self.findings.push(format!("{text}: {error}"));
                return Ok(());
            }
        };
        if lost.is_empty() {
            return Ok(());
        }
        self.findings.push(format!(
            "{} acknowledged entries of stream {} are gone: another program removed, moved or cut their files; \
             restore them from a backup, and leave the journal's files to this program",
            lost.count(),
            self.stream
        ));
        self.push_checkpoint();
        let event = Event::new()
            .ranges("acc", &Ranges::default())
            .number("count", lost.count())
            .text("cause", GapCause::SegmentLost.as_str())
            .ranges("seq", &lost);
        self.push_on(Kind::Gap, self.state.day, event);
        self.flush()
    }

    /// Returns the segment before the one that is written.
    fn replaced(&self) -> Option<SegmentName> {
        let current = self.output.segment().map(|(name, _)| name);
        let names = self.state.segments.iter().map(|span| span.name);
        names.rev().find(|name| Some(*name) != current)
    }

    /// Ends the segment, after a last look at what its name stands for.
    pub(super) fn turn(&mut self) {
        if self.output.is_replaced() {
            self.doubt = Doubt::Replaced;
        }
        self.output.turn();
    }
}
