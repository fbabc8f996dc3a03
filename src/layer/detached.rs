//! Calls without a span: written by the last handle, never merged into the operation around them.
//!
//! Promise: a call that is named to the handle is recorded even where its span is disabled, compiled out or absent;
//! its record says `detached`.
//! Not here: the handle itself (`handle`).

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use tracing_core::{Dispatch, dispatcher};

use super::{
    Capture, Shared,
    context::{Around, Walk, Who, mark_nested},
    handle::{LlmCall, OpenSpan},
    span::{Birth, nanos},
    told::{CallCell, Told},
};
use crate::{
    clock::Timestamp,
    facts::{FactValue, Facts},
    operation::{RequestId, TraceIds},
    record::{AuditRecord, Capture as CaptureKind, End, Stage},
    semconv::Slot,
};

/// What a call without a span has beside what its handles are told.
pub(crate) struct Detached {
    shared: Arc<Shared>,
    walk: Walk,
    started_at: Timestamp,
    trace: TraceIds,
    facts: Facts,
    parent: Option<RequestId>,
    opened_unwinding: bool,
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
        let around = dispatch
            .current_span()
            .id()
            .map(|id| OpenSpan::hold(dispatch, id));
        let mut operation_around = Around::default();
        if let Some(open) = &around {
            (self.walk)(dispatch, &open.id, &mut |_, state| {
                operation_around.look(state)
            });
        }
        let mut birth = Birth::new(&*self.shared.sink, operation_around.trace_id);
        if let Some(trace) = around.as_ref().and_then(|open| self.shared.trace(&open.id)) {
            birth.trace.trace_id = trace.trace_id;
            birth.trace.flags = trace.flags;
        }
        let detached = Detached {
            shared: Arc::clone(&self.shared),
            walk: self.walk,
            started_at: birth.at,
            trace: birth.trace,
            facts: named(operation, provider, model),
            parent: operation_around.request_id,
            opened_unwinding: std::thread::panicking(),
            around,
        };
        LlmCall::detached(CallCell::detached(
            birth.request_id,
            birth.instant,
            detached,
        ))
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
    /// Writes the record, now that the last handle is gone.
    pub(crate) fn write(self, request_id: RequestId, started: Instant, told: &mut Told) {
        let ended = told.ended.unwrap_or_else(Instant::now);
        let mut record = Box::new(AuditRecord {
            stage: Stage::Ended,
            request_id,
            started_at: self.started_at,
            latency_ns: nanos(started, ended),
            first_chunk_ns: None,
            name: "detached",
            facts: self.facts,
            call: None,
            trace: self.trace,
            parent_request_id: self.parent,
            end: End::Closed,
            capture: CaptureKind::Detached,
            usage_is_nested: false,
            outcome: None,
            ack: None,
        });
        record.take_told(told, started);
        if std::thread::panicking() && !self.opened_unwinding {
            record.end = End::Panicked;
        }
        if let Some(open) = &self.around {
            look_around(&mut record, self.walk, open);
        }
        self.shared.sink.submit(record);
    }
}

/// Takes who asked from the spans around, and tells them of the usage.
fn look_around(record: &mut AuditRecord, walk: Walk, open: &OpenSpan) {
    let reports = record.reports_usage();
    let mut who = Who::of(&mut record.facts);
    walk(&open.dispatch, &open.id, &mut |_, state| who.inherit(state));
    if reports {
        walk(&open.dispatch, &open.id, &mut |_,
                                             state|
         -> ControlFlow<()> {
            mark_nested(state)
        });
    }
}
