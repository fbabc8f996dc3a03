//! The spans around a call: who asked, which operation it is part of, and whose usage is counted already.
//!
//! Promise: a person is inherited whole from the nearest span that names one, never mixed of two.
//! Not here: what a span around means to the host's other layers; `follows_from` is no span around.

use std::ops::ControlFlow;

use tracing_core::{Dispatch, Subscriber, span::Id};
use tracing_subscriber::registry::{ExtensionsMut, LookupSpan, SpanRef};

use super::span::LlmSpan;
use crate::{
    facts::{FactValue, Facts},
    operation::RequestId,
    semconv::Slot,
};

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
}

impl Around {
    /// Looks at one span around; stops at the nearest operation.
    pub(crate) fn look(&mut self, state: &mut ExtensionsMut<'_>) -> ControlFlow<()> {
        let Some(llm) = state.get_mut::<LlmSpan>() else {
            return ControlFlow::Continue(());
        };
        self.request_id = Some(llm.birth.request_id);
        self.trace_id = Some(llm.birth.trace.trace_id);
        ControlFlow::Break(())
    }
}

/// Notes in one span around that its usage is reported below it already.
pub(crate) fn mark_nested(state: &mut ExtensionsMut<'_>) -> ControlFlow<()> {
    match state.get_mut::<LlmSpan>() {
        // Those around it were told when it was.
        Some(llm) if llm.usage_is_nested => ControlFlow::Break(()),
        Some(llm) => {
            llm.usage_is_nested = true;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Continue(()),
    }
}

const PERSON: [Slot; 6] = [
    Slot::UserId,
    Slot::UserHash,
    Slot::UserEmail,
    Slot::UserFullName,
    Slot::UserName,
    Slot::UserRoles,
];
/// What is inherited each by itself.
const PLACE: [Slot; 3] = [Slot::TenantId, Slot::ConversationId, Slot::ClientAddress];

/// Who asked, as far as a call does not say so itself.
pub(crate) struct Who<'a> {
    facts: &'a mut Facts,
    person_is_missing: bool,
}

impl<'a> Who<'a> {
    pub(crate) fn of(facts: &'a mut Facts) -> Self {
        let person_is_missing = !PERSON.iter().any(|slot| facts.get(*slot).is_some());
        Self {
            facts,
            person_is_missing,
        }
    }

    /// Takes from one span around what is missing still.
    pub(crate) fn inherit(&mut self, state: &mut ExtensionsMut<'_>) -> ControlFlow<()> {
        let around = match state.get_mut::<LlmSpan>() {
            Some(llm) => Some(&llm.facts),
            None => state.get_mut::<ContextSpan>().map(|context| &context.0),
        };
        let Some(around) = around else {
            return ControlFlow::Continue(());
        };
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
        ControlFlow::Continue(())
    }

    fn take(&mut self, slot: Slot, around: &Facts) -> bool {
        let value: Option<FactValue<'_>> = around.get(slot);
        if let Some(value) = value {
            self.facts.set(slot, value);
        }
        value.is_some()
    }
}
