//! The state of one call, from its beginning to its record: shared by its span and its handles.
//!
//! Promise: a panic, a cancellation and a call about which nothing was recorded are told apart as far as they can be.
//! One short lock of the call's own guards it; nothing is read, hashed or written under it.
//! Not here: reading fields (`visit`), the spans around it (`context`), the handle's public face (`handle`).
//!
//! # Telling ends apart
//! Returning and being dropped look alike to a layer: an instrumented future enters its span once more to be dropped.
//! A panic shows, because the span is exited while its thread unwinds. A cancellation shows by its handle: a future
//! that finishes drops its locals in its last poll, before that last entry; a future that is dropped, within it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{SpanValue, callsite::Callsite, detached::Detached, visit};
use crate::{
    ack::Ack,
    facts::{FactValue, Facts},
    judge::operation_name,
    operation::{RequestId, TraceIds, is_inference},
    record::{AuditRecord, CallData, Capture, End, Stage},
    semconv::{Slot, ValueType},
    submit::Submit,
    who::Who,
};

/// One call.
pub(crate) struct CallCell {
    pub(crate) request_id: RequestId,
    pub(crate) started: Instant,
    /// The span's callsite; a detached call has none.
    pub(crate) callsite: Option<&'static Callsite>,
    /// What a detached call needs to be written by its last handle.
    detached: Option<Box<Detached>>,
    /// Weak: a thread remembers its last call, which must not keep the writer running behind the host's back.
    pub(super) sink: Weak<dyn Submit>,
    state: Mutex<CallState>,
    is_closed: AtomicBool,
}

/// What changes while the call lasts.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and every combination occurs"
)]
pub(crate) struct CallState {
    /// The record as far as it is known; `None` once it was submitted.
    record: Option<Box<AuditRecord>>,
    last_exit: Option<Instant>,
    /// When the last handle was dropped so far.
    let_go: Option<Instant>,
    entries: u32,
    depth: u32,
    /// The period in which the first handle was made.
    made_in: Option<u32>,
    /// The period in which the last handle was dropped so far.
    dropped_in: Option<u32>,
    /// The thread was unwinding already when the call began: a destructor makes calls too.
    opened_unwinding: bool,
    exited_unwinding: bool,
    /// A stream was dropped before its end.
    pub(crate) is_cut: bool,
    /// It was refused because the queue is full: its record does not wait for room.
    pub(crate) gives_way: bool,
    /// There was a span of ours around it when it began.
    has_around: bool,
    /// Resolved when the entry that says that it began is durable; `None` where none was submitted.
    pub(super) begun: Option<Ack>,
}

/// What a call is made of.
pub(crate) struct Beginning {
    pub(crate) name: &'static str,
    pub(crate) facts: Facts,
    pub(crate) capture: Capture,
    pub(crate) parent: Option<RequestId>,
    pub(crate) trace_id: Option<[u8; 16]>,
    pub(crate) has_around: bool,
}

impl CallCell {
    /// Begins a call now: gives it its ids, in the trace of the operation around it.
    pub(crate) fn begin(sink: &Arc<dyn Submit>, beginning: Beginning) -> Self {
        let mut random = [0; 34];
        sink.random(&mut random);
        let (at, started) = (sink.now(), Instant::now());
        let request_id = RequestId::new(at, &part(&random, 0));
        let trace = TraceIds {
            trace_id: beginning.trace_id.unwrap_or_else(|| part(&random, 10)),
            span_id: part(&random, 26),
            flags: 1,
        };
        let who = Who::current();
        let mut facts = beginning.facts;
        if let Some(who) = &who {
            who.fill(&mut facts);
        }
        let record = Box::new(AuditRecord {
            stage: Stage::Ended,
            request_id,
            started_at: at,
            latency_ns: 0,
            first_chunk_ns: None,
            name: beginning.name,
            facts,
            call: who.and_then(|who| CallData::of(&who)),
            trace,
            parent_request_id: beginning.parent,
            end: End::Closed,
            capture: beginning.capture,
            usage_is_nested: false,
            outcome: None,
            ack: None,
        });
        Self {
            request_id,
            started,
            callsite: None,
            detached: None,
            sink: Arc::downgrade(sink),
            state: Mutex::new(CallState::new(record, beginning.has_around)),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn of_callsite(mut self, callsite: &'static Callsite) -> Self {
        self.callsite = Some(callsite);
        self
    }

    pub(crate) fn of_no_span(mut self, detached: Detached) -> Self {
        self.detached = Some(Box::new(detached));
        self
    }

    // Whoever panicked while holding it left a value that is whole: fields are set one by one.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, CallState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets an attribute.
    #[inline]
    pub(crate) fn set(&self, slot: Slot, value: FactValue<'_>) {
        if let Some(record) = self.lock().record() {
            record.facts.set(slot, value);
        }
    }

    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed.load(Ordering::Acquire)
    }

    /// Ends the call: returns its record, and whether there was a span of ours around it; `None` where that was done
    /// before.
    pub(crate) fn close(&self) -> Option<(Box<AuditRecord>, bool)> {
        self.is_closed.store(true, Ordering::Release);
        let mut state = self.lock();
        Some((state.close(self.started)?, state.has_around))
    }
}

impl Drop for CallCell {
    fn drop(&mut self) {
        if let Some(detached) = self.detached.take()
            && let Some((record, _)) = self.close()
        {
            let gives_way = self.lock().gives_way;
            detached.write(record, gives_way);
        }
    }
}

fn part<const N: usize>(random: &[u8; 34], from: usize) -> [u8; N] {
    std::array::from_fn(|at| random[from + at])
}

impl CallState {
    fn new(record: Box<AuditRecord>, has_around: bool) -> Self {
        Self {
            record: Some(record),
            last_exit: None,
            let_go: None,
            entries: 0,
            depth: 0,
            made_in: None,
            dropped_in: None,
            opened_unwinding: std::thread::panicking(),
            exited_unwinding: false,
            is_cut: false,
            gives_way: false,
            has_around,
            begun: None,
        }
    }

    #[inline]
    pub(crate) fn record(&mut self) -> Option<&mut AuditRecord> {
        self.record.as_deref_mut()
    }

    /// Returns what the handles tell, to be added to.
    pub(crate) fn data(&mut self) -> Option<&mut CallData> {
        Some(self.record()?.call.get_or_insert_default())
    }

    /// Keeps an attribute that the conventions know, and any other as metadata.
    pub(crate) fn set_attribute(&mut self, name: &str, value: &SpanValue) {
        let Some(slot) = Slot::of(name) else {
            self.set_metadata(name.to_owned(), value.to_json());
            return;
        };
        if let Some(record) = self.record() {
            match slot.attribute().value {
                ValueType::Members => {
                    let member = visit::member(name, value.as_fact());
                    record.facts.set(slot, FactValue::Text(&member));
                }
                _ => record.facts.set(slot, value.as_fact()),
            }
        }
    }

    /// Keeps a member of the metadata; the last value of a key wins.
    pub(crate) fn set_metadata(&mut self, key: String, json: String) {
        if let Some(data) = self.data() {
            data.metadata.retain(|(known, _)| *known != key);
            data.metadata.push((key, json));
        }
    }

    /// Notes an entry; says whether it is the first.
    pub(crate) fn enter(&mut self) -> bool {
        self.depth += 1;
        self.exited_unwinding = false;
        if self.depth == 1 {
            self.entries += 1;
        }
        self.entries == 1 && self.depth == 1
    }

    pub(crate) fn exit(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.last_exit = Some(Instant::now());
        self.exited_unwinding = std::thread::panicking();
    }

    /// A number that only grows, odd while the span is entered.
    fn period(&self) -> u32 {
        self.entries * 2 + u32::from(self.depth > 0)
    }

    pub(crate) fn handle_made(&mut self) {
        let period = self.period();
        self.made_in.get_or_insert(period);
    }

    /// Notes that a handle is gone: the call lasted at least until now.
    pub(crate) fn handle_dropped(&mut self) {
        self.let_go = Some(Instant::now());
        self.dropped_in = Some(self.period());
    }

    /// Says whether a call of this operation and model can be this very one, which has no answer yet; an empty name
    /// is one that the caller does not know.
    pub(crate) fn is_call(&self, operation: &str, model: &str) -> bool {
        self.record.as_ref().is_some_and(|record| {
            let said = |slot| record.facts.said(slot);
            !record.is_answered()
                && said(Slot::OperationName).is_none_or(|said| can_be_same(said, operation))
                && said(Slot::RequestModel).is_none_or(|said| model.is_empty() || said == model)
        })
    }

    fn close(&mut self, started: Instant) -> Option<Box<AuditRecord>> {
        let mut record = self.record.take()?;
        let unwinds = self.exited_unwinding || std::thread::panicking();
        if unwinds && !self.opened_unwinding {
            record.end = End::Panicked;
        } else if self.is_cut || (self.was_dropped() && !record.is_concluded()) {
            record.end = End::Cancelled;
        }
        let ended = self.last_exit.max(self.let_go).unwrap_or_else(Instant::now);
        record.latency_ns = nanos(started, ended);
        Some(record)
    }

    /// Says whether the handle went in the span's last entry, and had been made in an earlier one.
    fn was_dropped(&self) -> bool {
        let last = self.entries * 2 + 1;
        let made_before = self
            .made_in
            .is_some_and(|made| made % 2 == 1 && made < last);
        made_before && self.dropped_in == Some(last)
    }
}

/// What is recorded when a call has ended.
const ENDS: [Slot; 6] = [
    Slot::OutputTokens,
    Slot::FinishReasons,
    Slot::ResponseId,
    Slot::ErrorMessage,
    Slot::ErrorType,
    Slot::OutputMessages,
];

/// Says whether two names can be of one operation: what one emitter calls a chat, another calls generating content.
pub(super) fn can_be_same(said: &str, operation: &str) -> bool {
    let said = operation_name(said);
    operation.is_empty() || said == operation || (is_inference(&said) && is_inference(operation))
}

impl AuditRecord {
    /// Makes the record that says that the call began.
    pub(crate) fn begun(&self) -> Box<Self> {
        Box::new(Self {
            stage: Stage::Begun,
            facts: self.facts.clone(),
            call: None,
            outcome: None,
            ack: None,
            ..*self
        })
    }

    /// Says who asks, as one request does: before all else that was said.
    pub(crate) fn set_who(&mut self, who: &Who) {
        who.set(&mut self.facts);
        let metadata = &mut self.call.get_or_insert_default().metadata;
        metadata.extend(who.metadata_members().iter().cloned());
    }

    /// Says whether anything was recorded about how it ended.
    fn is_concluded(&self) -> bool {
        let told = self.call.as_ref().is_some_and(|call| {
            !call.responses.is_empty()
                || call.usage.is_some()
                || call.output.is_some()
                || call.error.is_some()
                || call.blocked.is_some()
        });
        told || self.facts.has_any(&ENDS)
    }

    /// Says whether there is nothing more to come: a provider's refusal of one attempt may be followed by another.
    fn is_answered(&self) -> bool {
        let was_refused = |data: &CallData| {
            let refused = |status: u16| status >= 400;
            !data.responses.is_empty()
                && data
                    .responses
                    .iter()
                    .all(|body| body.http_status.is_some_and(refused))
                && data.usage.is_none()
                && data.output.is_none()
                && data.error.is_none()
                && data.blocked.is_none()
        };
        let is_told = !self.call.as_deref().is_some_and(was_refused);
        (is_told && self.is_concluded()) || self.facts.has_any(&ENDS)
    }

    /// Says whether this operation reported usage, as far as can be told without reading bodies.
    pub(crate) fn reports_usage(&self) -> bool {
        let told = self.call.as_ref().is_some_and(|call| {
            let is_good = |status: Option<u16>| status.is_none_or(|status| status < 400);
            call.usage.is_some() || call.responses.iter().any(|body| is_good(body.http_status))
        });
        told || self.facts.has_any(&[Slot::InputTokens, Slot::OutputTokens])
    }
}

/// Nanoseconds between two moments, 0 where they stand the other way round.
pub(crate) fn nanos(from: Instant, to: Instant) -> u64 {
    let passed = to.saturating_duration_since(from);
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}
