//! The spans around a call: who asked, which operation it is part of, and whose usage is counted already.
//!
//! Promise: a person is inherited whole from the nearest span that names one, never mixed of two.
//! Not here: what a span around means to the host's other layers; `follows_from` is no span around.

use std::{ops::ControlFlow, sync::Arc};

use tracing_core::{Dispatch, Subscriber, span::Id};
use tracing_subscriber::registry::{ExtensionsMut, LookupSpan, SpanRef};

use super::call::CallCell;
use crate::{
    facts::{FactValue, Facts},
    operation::RequestId,
    semconv::Slot,
    who::PERSON,
};

/// The call of an LLM span, in its extensions.
pub(crate) struct LlmSpan(pub(crate) Arc<CallCell>);

/// The state of a context span, in its extensions.
pub(crate) struct ContextSpan(pub(crate) Facts);

/// Visits the state of a span and of those around it, from the inside out, until told to stop.
///
/// A function of the subscriber's type, so that handles need not name it.
pub(crate) type Walk =
    fn(&Dispatch, &Id, &mut dyn FnMut(&Id, &mut ExtensionsMut<'_>) -> ControlFlow<()>);

/// Walks over the spans of a subscriber of type `S`.
pub(crate) fn walk<S>(
    dispatch: &Dispatch,
    id: &Id,
    each: &mut dyn FnMut(&Id, &mut ExtensionsMut<'_>) -> ControlFlow<()>,
) where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = dispatch
        .downcast_ref::<S>()
        .and_then(|registry| registry.span(id));
    for span in span.iter().flat_map(SpanRef::scope) {
        if each(&span.id(), &mut span.extensions_mut()).is_break() {
            return;
        }
    }
}

/// Visits the state of the spans around one, which itself is left out.
pub(crate) fn walk_around<'a, S: LookupSpan<'a>>(
    span: &SpanRef<'a, S>,
    mut each: impl FnMut(&mut ExtensionsMut<'_>) -> ControlFlow<()>,
) {
    let mut around = span.parent();
    while let Some(span) = around {
        if each(&mut span.extensions_mut()).is_break() {
            return;
        }
        around = span.parent();
    }
}

/// The operation around a call.
#[derive(Clone, Copy, Default)]
pub(crate) struct Around {
    pub(crate) request_id: Option<RequestId>,
    pub(crate) trace_id: Option<[u8; 16]>,
    /// There is a span that we see, be it an operation or not.
    pub(crate) is_any: bool,
}

impl Around {
    /// Looks at one span around; stops at the nearest operation.
    pub(crate) fn look(&mut self, state: &mut ExtensionsMut<'_>) -> ControlFlow<()> {
        self.is_any = true;
        let Some(LlmSpan(call)) = state.get_mut() else {
            return ControlFlow::Continue(());
        };
        self.request_id = Some(call.request_id);
        self.trace_id = call.lock().record().map(|record| record.trace.trace_id);
        ControlFlow::Break(())
    }
}

/// Notes in one span around that its usage is reported below it already.
pub(crate) fn mark_nested(state: &mut ExtensionsMut<'_>) -> ControlFlow<()> {
    let Some(LlmSpan(call)) = state.get_mut() else {
        return ControlFlow::Continue(());
    };
    match call.lock().record() {
        // Those around it were told when it was.
        Some(record) if record.usage_is_nested => ControlFlow::Break(()),
        Some(record) => {
            record.usage_is_nested = true;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Continue(()),
    }
}

/// What is inherited each by itself.
const PLACE: [Slot; 3] = [Slot::TenantId, Slot::ConversationId, Slot::ClientAddress];

/// Who asked, as far as a call does not say so itself.
pub(crate) struct Who<'a> {
    facts: &'a mut Facts,
    person_is_missing: bool,
}

impl<'a> Who<'a> {
    pub(crate) fn of(facts: &'a mut Facts) -> Self {
        let person_is_missing = !facts.has_any(&PERSON);
        Self {
            facts,
            person_is_missing,
        }
    }

    /// Takes from one span around what is missing still.
    pub(crate) fn inherit(&mut self, state: &mut ExtensionsMut<'_>) -> ControlFlow<()> {
        if let Some(LlmSpan(call)) = state.get_mut() {
            if let Some(record) = call.lock().record() {
                self.inherit_from(&record.facts);
            }
        } else if let Some(ContextSpan(facts)) = state.get_mut() {
            self.inherit_from(facts);
        }
        ControlFlow::Continue(())
    }

    fn inherit_from(&mut self, around: &Facts) {
        if self.person_is_missing {
            let found = PERSON
                .into_iter()
                .filter(|slot| self.take(*slot, around))
                .count();
            self.person_is_missing = found == 0;
        }
        for slot in PLACE {
            if self.facts.get(slot).is_none() {
                self.take(slot, around);
            }
        }
    }

    fn take(&mut self, slot: Slot, around: &Facts) -> bool {
        let value: Option<FactValue<'_>> = around.get(slot);
        if let Some(value) = value {
            self.facts.set(slot, value);
        }
        value.is_some()
    }
}
