//! Calls without a span: written by the last handle, never merged into the operation around them.
//!
//! Promise: a call that is named to the handle is recorded even where its span is disabled, compiled out or absent;
//! its record says `detached`.
//! Not here: the handle itself (`handle`).

use std::sync::Arc;

use tracing_core::{Dispatch, dispatcher};

use super::{
    Capture, Shared,
    call::{Beginning, CallCell},
    context::{Around, Walk, Who, mark_nested},
    handle::{LlmCall, OpenSpan},
};
use crate::{
    facts::{FactValue, Facts},
    record::{AuditRecord, Capture as CaptureKind},
    semconv::Slot,
};

/// What a call without a span has beside its state.
pub(crate) struct Detached {
    shared: Arc<Shared>,
    walk: Walk,
    /// The span in which it was started, kept open: who asked may be recorded there later.
    around: Option<OpenSpan>,
}

impl LlmCall {
    /// Starts a record without a span: it ends when the handle and its clones are dropped.
    ///
    /// `operation` is a `gen_ai.operation.name` such as `chat`. The operation around the caller becomes its parent.
    /// Where no audit layer is in the current dispatcher, nothing is recorded, and [`LlmCall::is_recording`] says so.
    pub fn start(operation: &str, provider: &str, model: &str) -> Self {
        dispatcher::get_default(|dispatch| match dispatch.downcast_ref::<Capture>() {
            Some(capture) => capture.start_in(dispatch, operation, provider, model),
            None => Self::off(),
        })
    }
}

impl Capture {
    /// Starts a record without a span, as [`LlmCall::start`], where the dispatcher cannot be asked for its layers.
    pub fn start(&self, operation: &str, provider: &str, model: &str) -> LlmCall {
        dispatcher::get_default(|dispatch| self.start_in(dispatch, operation, provider, model))
    }

    fn start_in(
        &self,
        dispatch: &Dispatch,
        operation: &str,
        provider: &str,
        model: &str,
    ) -> LlmCall {
        let facts = named(operation, provider, model);
        self.start_as(CaptureKind::Detached, dispatch, facts)
    }

    /// Starts a record without a span, by what captured it.
    pub(super) fn start_as(
        &self,
        capture: CaptureKind,
        dispatch: &Dispatch,
        facts: Facts,
    ) -> LlmCall {
        let open = dispatch
            .current_span()
            .id()
            .map(|id| OpenSpan::hold(dispatch, id));
        let mut around = Around::default();
        if let Some(open) = &open {
            (self.walk)(dispatch, &open.id, &mut |_, state| around.look(state));
        }
        let trace = open.as_ref().and_then(|open| self.shared.trace(&open.id));
        let beginning = Beginning {
            name: match capture {
                CaptureKind::Http => "http",
                _ => "detached",
            },
            facts,
            capture,
            parent: around.request_id,
            trace_id: trace.map(|trace| trace.trace_id).or(around.trace_id),
            has_around: around.is_any,
        };
        let cell = CallCell::begin(&self.shared.sink, beginning);
        if let (Some(trace), Some(record)) = (trace, cell.lock().record()) {
            record.trace.flags = trace.flags;
        }
        let shared = Arc::clone(&self.shared);
        LlmCall::detached(cell.of_no_span(Detached {
            shared,
            walk: self.walk,
            around: open,
        }))
    }
}

fn named(operation: &str, provider: &str, model: &str) -> Facts {
    let mut facts = Facts::default();
    let names = [
        (Slot::OperationName, operation),
        (Slot::ProviderName, provider),
        (Slot::RequestModel, model),
    ];
    for (slot, name) in names {
        if !name.is_empty() {
            facts.set(slot, FactValue::Text(name));
        }
    }
    facts
}

impl Detached {
    /// Submits the record, now that the last handle is gone: with who asked, from the spans around it.
    pub(crate) fn write(self, mut record: Box<AuditRecord>, gives_way: bool) {
        if let Some(OpenSpan { dispatch, id }) = &self.around {
            let mut who = Who::of(&mut record.facts);
            (self.walk)(dispatch, id, &mut |_, state| who.inherit(state));
            if record.reports_usage() {
                (self.walk)(dispatch, id, &mut |_, state| mark_nested(state));
            }
        }
        if gives_way {
            // The caller was told, and so was the health.
            let _ = self.shared.sink.try_submit(record);
        } else {
            self.shared.sink.submit(record);
        }
    }
}
