//! The strict gate: a durable entry that says that the call began, before it is sent.
//!
//! Promise: it never blocks and is never counted as dropped where it was refused; whoever asks twice waits for the same
//! entry.
//! Not here: what is refused when it does not come (`http_capture`, or the host).

use super::call::{CallCell, CallState};
use crate::{
    ack::{Ack, AckError},
    record::AuditRecord,
};

impl CallCell {
    /// Submits the entry that says that the call began, unless that was done, and returns its acknowledgement.
    pub(crate) fn gate(&self) -> Ack {
        let (begun, ack) = {
            let mut state = self.lock();
            let begun = state.begun_with_content();
            let Some(ack) = &state.begun else {
                return Ack::ready(Err(AckError::NotAudited));
            };
            (begun, ack.clone())
        };
        let submitted = self
            .sink
            .upgrade()
            .ok_or(AckError::ShutDown)
            .and_then(|sink| {
                begun.map_or(Ok(()), |begun| sink.try_submit(begun))?;
                // What began before is on its way, and nobody has waited for it yet.
                sink.hurry()
            });
        match submitted {
            Ok(()) => ack,
            Err(refused) => {
                self.lock().begun = None;
                Ack::ready(Err(refused))
            }
        }
    }
}

impl CallState {
    /// Makes the record that says that the call began; `None` where that was done before.
    pub(super) fn begun(&mut self) -> Option<Box<AuditRecord>> {
        if self.begun.is_some() {
            return None;
        }
        let (ack, resolver) = Ack::pair();
        let mut begun = self.record()?.begun();
        begun.ack = Some(resolver);
        self.begun = Some(ack);
        Some(begun)
    }

    /// As [`CallState::begun`], with what the handles told: it may be all that is left of the call.
    fn begun_with_content(&mut self) -> Option<Box<AuditRecord>> {
        let mut begun = self.begun()?;
        begun.call.clone_from(&self.record()?.call);
        Some(begun)
    }
}
