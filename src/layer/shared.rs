//! What the layer, its filter and its handles share: the sink, the bridge, the callsites.
//!
//! Promise: a record is judged on the caller only where a span shows the judgement, and then once.
//! Not here: the callbacks (`layer`), what the backend is shown (`bridge`).

use std::sync::{Arc, OnceLock, atomic::AtomicU64};

use tracing_core::{
    Dispatch,
    dispatcher::{self, WeakDispatch},
    span::Id,
};

use super::{
    Capture, SpanBridge, SpanTrace, SpanValue, bridge,
    callsite::{Callsite, Callsites},
};
use crate::{record::AuditRecord, submit::Submit};

/// What the layer, its filter and its handles share.
pub(crate) struct Shared {
    pub(crate) sink: Arc<dyn Submit>,
    pub(crate) bridge: Option<Box<dyn SpanBridge>>,
    pub(crate) callsites: Callsites,
    pub(crate) dispatch: OnceLock<WeakDispatch>,
    pub(crate) self_tests_seen: AtomicU64,
}

impl Shared {
    /// Returns the dispatcher that this layer is part of, where that can be told.
    pub(crate) fn dispatch(&self) -> Option<Dispatch> {
        if let Some(registered) = self.dispatch.get() {
            return registered.upgrade();
        }
        // `Option`, `Vec` and reloaded layers are never told; then it is the current one, unless that has another
        // layer of ours.
        let current = dispatcher::get_default(Clone::clone);
        let is_other = current
            .downcast_ref::<Capture>()
            .is_some_and(|capture| !std::ptr::eq(&raw const *capture.shared, self));
        (!is_other).then_some(current)
    }

    pub(crate) fn trace(&self, id: &Id) -> Option<SpanTrace> {
        let bridge = self.bridge.as_ref()?;
        bridge.trace(&self.dispatch()?, id)
    }

    /// Shows the record on its OpenTelemetry span, if there is one, and submits it.
    pub(crate) fn finish(&self, mut record: Box<AuditRecord>, id: &Id, callsite: &Callsite) {
        if let Some((bridge, dispatch)) = self.bridge.as_ref().zip(self.dispatch()) {
            bridge.show(&dispatch, id, &mut |trace| {
                record.trace = trace.into();
                if trace.is_recording {
                    self.shown(&mut record, callsite)
                } else {
                    Vec::new()
                }
            });
        }
        self.sink.submit(record);
    }

    /// Judges the record here and now, because a span shows it.
    fn shown(
        &self,
        record: &mut AuditRecord,
        callsite: &Callsite,
    ) -> Vec<(&'static str, SpanValue)> {
        let judged = self.sink.judge(record);
        let hashes = self.sink.hashes_on_span();
        let hashes = hashes.then(|| self.sink.hashes(record));
        let shown = bridge::attributes(record, &judged, hashes, callsite);
        record.outcome = Some(judged);
        shown
    }
}
