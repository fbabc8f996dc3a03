//! The layer: from a host's spans to audit records.
//!
//! Promise: every span that is an LLM operation becomes one record when it closes, whatever `RUST_LOG` and sampling
//! say. The layer never panics, never emits `tracing`, and does no I/O and no hashing on the caller's thread.
//! Not here: what a record means (`judge`), what becomes of it (`recorder`), any OpenTelemetry type (`bridge`).

mod bridge;
mod call;
mod callsite;
mod context;
mod detached;
mod exchange;
mod gate;
mod handle;
mod install;
mod recent;
mod self_test;
mod shared;
mod stream;
mod visit;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing_core::{
    Dispatch, Event, Interest, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    filter::Filtered,
    layer::{Context, Filter, Layer},
    registry::{LookupSpan, SpanRef},
};

pub use self::{
    bridge::{SpanBridge, SpanTrace, SpanValue},
    handle::LlmCall,
    install::{InstallError, Installation},
    self_test::Blinded,
    stream::AuditedStream,
};
pub(crate) use self::{call::nanos, exchange::Exchange};
use self::{
    call::{Beginning, CallCell},
    callsite::{Callsite, Callsites, Kind, Names},
    context::{Around, ContextSpan, LlmSpan, Walk, Who},
    shared::Shared,
    visit::Reader,
};
use crate::{
    record::{AuditRecord, Capture as CaptureKind},
    semconv::Slot,
    submit::Submit,
};

/// The audit layer, already behind its own filter: `registry().with(audit)` needs nothing else.
///
/// `Filtered` shows the registry its marker, so that an interest of `never` from us leaves a callsite to the others;
/// a wrapper of our own could not without unsafe code.
///
/// Add it with `with` to the registry itself, not with `Layer::and_then`, whose level hint over a registry is wrong.
/// Add it before a `tracing-opentelemetry` layer: the layer that is added first is told first that a span closes, and
/// after the other one was told, the ids are gone.
pub type AuditLayer<S> = Filtered<Capture, CaptureFilter, S>;

/// How spans are captured.
#[derive(Default)]
pub(crate) struct CaptureOptions {
    names: Names,
    bridge: Option<Box<dyn SpanBridge>>,
}

impl CaptureOptions {
    /// Reads the field `name` as the attribute `meaning`; says whether that attribute is known.
    pub(crate) fn field(&mut self, name: impl Into<String>, meaning: &str) -> bool {
        let slot = Slot::of(meaning);
        self.names
            .fields
            .extend(slot.map(|slot| (name.into(), slot)));
        slot.is_some()
    }

    /// Records every span of a target, or of a module below it, as an operation.
    pub(crate) fn target(&mut self, target: impl Into<String>) {
        self.names.targets.push(target.into());
    }

    /// Links records to spans where the host said nothing else: through the newest bridge that was built.
    #[cfg(feature = "opentelemetry")]
    pub(crate) fn link_by_default(&mut self, bridge: impl SpanBridge) {
        self.bridge.get_or_insert_with(|| Box::new(bridge));
    }

    pub(crate) fn bridge(&mut self, bridge: impl SpanBridge) {
        self.bridge = Some(Box::new(bridge));
    }
}

/// The layer itself, inside [`AuditLayer`]; a clone is another handle on the same one.
#[derive(Clone)]
pub struct Capture {
    shared: Arc<Shared>,
    walk: Walk,
}

/// Lets through the callsites that the audit reads, and no other.
///
/// It answers `sometimes` for these: after `log::log_enabled!`, a filter that answers `always` loses the next span
/// (tokio-rs/tracing#2519).
pub struct CaptureFilter(Arc<Shared>);

impl Capture {
    /// Makes the layer that submits to `sink`.
    pub(crate) fn layer<S>(sink: Arc<dyn Submit>, options: CaptureOptions) -> AuditLayer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let shared = Arc::new(Shared {
            sink,
            bridge: options.bridge,
            callsites: Callsites::new(options.names),
            dispatch: OnceLock::new(),
            self_tests_seen: AtomicU64::new(0),
        });
        let filter = CaptureFilter(Arc::clone(&shared));
        Filtered::new(
            Self {
                shared,
                walk: context::walk::<S>,
            },
            filter,
        )
    }

    /// Where a thread remembers a call of this layer.
    fn key(&self, id: &Id) -> recent::Key {
        (Arc::as_ptr(&self.shared).addr(), id.into_u64())
    }

    fn open<'a, S: LookupSpan<'a>>(
        &self,
        callsite: &'static Callsite,
        attributes: &Attributes<'_>,
        span: &SpanRef<'a, S>,
    ) {
        // Before any lock: the host's own `Debug` runs here.
        let facts = visit::opened(callsite, attributes);
        if callsite.kind == Kind::Context {
            span.extensions_mut().replace(ContextSpan(facts));
            return;
        }
        let mut around = Around::default();
        context::walk_around(span, |state| around.look(state));
        let beginning = Beginning {
            name: callsite.metadata.name(),
            facts,
            capture: CaptureKind::Span,
            parent: around.request_id,
            trace_id: around.trace_id,
            has_around: around.is_any,
        };
        let call = CallCell::begin(&self.shared.sink, beginning);
        let call = Arc::new(call.of_callsite(callsite));
        span.extensions_mut().replace(LlmSpan(Arc::clone(&call)));
        recent::put(self.key(&span.id()), call);
    }

    /// Runs `then` on the call of a span: where this thread touched it last, else from the registry.
    #[inline]
    fn with_call<S, T>(
        &self,
        id: &Id,
        context: &Context<'_, S>,
        then: impl FnOnce(&CallCell) -> T,
    ) -> Option<T>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let key = self.key(id);
        match recent::with(key, then) {
            Ok(done) => Some(done),
            Err(then) => {
                let call = find_call(id, context)?;
                let done = then(&call);
                recent::put(key, call);
                Some(done)
            }
        }
    }

    /// Asks OpenTelemetry for the ids now that the span has started there, and tells the recorder that it began.
    fn first_entered(&self, id: &Id, call: &CallCell) {
        let trace = self.shared.trace(id);
        let begun = {
            let mut state = call.lock();
            let Some(record) = state.record() else {
                return;
            };
            if let Some(trace) = trace {
                record.trace = trace.into();
            }
            self.shared.sink.begins().then(|| state.begun()).flatten()
        };
        if let Some(begun) = begun {
            self.shared.sink.submit(begun);
        }
    }
}

impl<S> Layer<S> for Capture
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        // Never strongly: the dispatcher owns us.
        let _ = self.shared.dispatch.set(dispatch.downgrade());
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        let Some(callsite) = self.shared.callsites.find_or_register(metadata) else {
            return;
        };
        if callsite.kind == Kind::SelfTest {
            self.shared.self_tests_seen.fetch_add(1, Ordering::SeqCst);
        } else if let Some(span) = context.span(id) {
            self.open(callsite, attributes, &span);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let recorded = self.with_call(id, &context, |call| {
            values.record(&mut Reader::new(call.callsite, |slot, value| {
                call.set(slot, value);
            }));
        });
        if recorded.is_none() {
            self.record_context(id, values, &context);
        }
    }

    /// Sees the events of `#[instrument(err)]` alone: the body of that very span returned an error.
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let callsite = self.shared.callsites.find_or_register(event.metadata());
        let current = context.current_span();
        let id = if event.is_contextual() {
            current.id()
        } else {
            event.parent()
        };
        let Some(id) = id.filter(|_| callsite.is_some()) else {
            return;
        };
        self.with_call(id, &context, |call| {
            if call
                .callsite
                .is_some_and(|span| is_of(event.metadata(), span.metadata))
            {
                event.record(&mut Reader::new(callsite, |slot, value| {
                    call.set(slot, value);
                }));
            }
        });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.with_call(id, &context, |call| {
            let is_first = call.lock().enter();
            if is_first {
                self.first_entered(id, call);
            }
        });
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.with_call(id, &context, |call| call.lock().exit());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let closed = self.with_call(&id, &context, |call| (call.close(), call.callsite));
        let Some((Some((mut record, has_around)), Some(callsite))) = closed else {
            return;
        };
        callsite.learn_text_bytes(record.facts.text_bytes());
        if has_around && let Some(span) = context.span(&id) {
            look_around(&mut record, &span);
        }
        self.shared.finish(record, &id, callsite);
    }
}

impl Capture {
    fn record_context<S>(&self, id: &Id, values: &Record<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = context.span(id) else {
            return;
        };
        if let Some(callsite) = self.shared.callsites.find(span.metadata()) {
            values.record(&mut Reader::new(Some(callsite), |slot, value| {
                if let Some(ContextSpan(facts)) = span.extensions_mut().get_mut() {
                    facts.set(slot, value);
                }
            }));
        }
    }
}

/// Finds the call of a span in the registry.
#[cold]
fn find_call<S>(id: &Id, context: &Context<'_, S>) -> Option<Arc<CallCell>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let span = context.span(id)?;
    let mut state = span.extensions_mut();
    state
        .get_mut::<LlmSpan>()
        .map(|LlmSpan(call)| Arc::clone(call))
}

/// Takes who asked from the spans around, and tells them that their usage is counted here.
fn look_around<'a, S: LookupSpan<'a>>(record: &mut AuditRecord, span: &SpanRef<'a, S>) {
    let mut who = Who::of(&mut record.facts);
    context::walk_around(span, |state| who.inherit(state));
    if record.reports_usage() {
        context::walk_around(span, context::mark_nested);
    }
}

/// Says whether an event comes from the attribute that made the span.
///
/// A function called within may return an error that is handled; its own span may be disabled, so that ours is the
/// current one. What `#[instrument]` emits stands where its span does.
fn is_of(event: &Metadata<'_>, span: &Metadata<'_>) -> bool {
    event.line() == span.line() && event.file() == span.file()
}

impl<S> Filter<S> for CaptureFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.callsites.is_wanted(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.0.callsites.register(metadata) {
            Some(_) => Interest::sometimes(),
            None => Interest::never(),
        }
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Capture")
    }
}

impl fmt::Debug for CaptureFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CaptureFilter")
    }
}
