//! Streams that others left: brought to an order, shipped, closed.
//!
//! Promise: a stream that was closed in order and that nobody waits for is not touched.
//! Not here: shipping (`follower`).

use std::collections::BTreeSet;

use super::{
    handle::StreamHandle,
    opening::{OpenError, Opened, Opener, Taken},
    scan::Refusal,
    storage::StorageLock,
    writer::JournalWriter,
};
use crate::entry::StreamId;

/// A stream that another process left.
pub enum Adopted {
    /// It needed recovery and was opened: ship what its followers lack, then close it.
    Open(Box<JournalWriter>, Opened),
    /// It is in order: ship what its followers lack, then drop it.
    Closed(HeldStream),
}

/// A stream in order, under its lock until this is dropped.
pub struct HeldStream {
    handle: StreamHandle,
    next_seq: u64,
    #[expect(dead_code, reason = "held, never read")]
    lock: Box<dyn StorageLock>,
}

impl HeldStream {
    /// Returns what followers need of it, on any thread.
    pub fn handle(&self) -> StreamHandle {
        self.handle.clone()
    }

    /// Returns how many entries it has.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }
}

/// Goes once over the streams that a directory has beside the writer's own.
pub struct Adoption {
    opener: Opener,
    own: StreamId,
    seen: BTreeSet<StreamId>,
    refused: Vec<(StreamId, Refusal)>,
}

impl JournalWriter {
    /// Begins to go over the directory's other streams.
    pub fn adoption(&self) -> Adoption {
        Adoption {
            opener: self.opener(),
            own: self.stream,
            seen: BTreeSet::new(),
            refused: Vec::new(),
        }
    }
}

impl Adoption {
    /// Takes the next unlocked stream that needs recovery, or whose entries up to a size somebody `lacks`.
    ///
    /// # Errors
    /// [`OpenError`]: that stream stays as it is, and the next call goes on behind it.
    pub fn next(
        &mut self,
        mut lacks: impl FnMut(&StreamHandle, u64) -> bool,
    ) -> Result<Option<Adopted>, OpenError> {
        for stream in self.opener.directory.streams()? {
            if stream == self.own || !self.seen.insert(stream) {
                continue;
            }
            match self.take(stream, &mut lacks) {
                Ok(Some(adopted)) => return Ok(Some(adopted)),
                Ok(None) => {}
                // One file that cannot be read costs its stream, not the others.
                Err(OpenError::File(error)) if error.costs_one_stream() => {
                    let why = error.to_string();
                    self.refused.push((stream, Refusal::Unreadable { why }));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn take(
        &mut self,
        stream: StreamId,
        lacks: &mut impl FnMut(&StreamHandle, u64) -> bool,
    ) -> Result<Option<Adopted>, OpenError> {
        match self.opener.take(stream)? {
            Some(taken) => self.adopt(taken, lacks),
            None => Ok(None),
        }
    }

    /// Returns the streams that were met and that nothing may be appended to.
    pub fn refused(&self) -> &[(StreamId, Refusal)] {
        &self.refused
    }

    fn adopt(
        &mut self,
        taken: Taken,
        lacks: &mut impl FnMut(&StreamHandle, u64) -> bool,
    ) -> Result<Option<Adopted>, OpenError> {
        if let Some(end) = self.opener.closed_end(taken.stream, taken.label)? {
            let Taken {
                stream,
                label,
                lock,
                ..
            } = taken;
            let next_seq = end.next_seq;
            let handle = StreamHandle::new(&self.opener.directory, stream, label, None);
            let held = HeldStream {
                handle,
                next_seq,
                lock,
            };
            return Ok(lacks(&held.handle, next_seq).then_some(Adopted::Closed(held)));
        }
        match self.opener.recover(&taken)? {
            Err(refusal) => {
                self.refused.push((taken.stream, refusal));
                Ok(None)
            }
            // A lock without entries: its process never came to write one.
            Ok(scan) if scan.state.next_seq == 0 => Ok(None),
            Ok(scan) => {
                let mut report = Opened::default();
                let writer = self.opener.begin(taken, scan, &mut report)?;
                Ok(Some(Adopted::Open(Box::new(writer), report)))
            }
        }
    }
}
