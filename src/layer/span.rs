//! The state of one LLM span, from its opening to its record.
//!
//! Promise: a panic, a cancellation and a span about which nothing was recorded are told apart as far as they can be.
//! Not here: reading fields (`visit`), the spans around it (`context`).
//!
//! # Telling ends apart
//! Returning and being dropped look alike to a layer: an instrumented future enters its span once more to be dropped.
//! A panic shows, because the span is exited while its thread unwinds. A cancellation shows by its handle: a future
//! that finishes drops its locals in its last poll, before that last entry; a future that is dropped, within it.

use std::{sync::Arc, time::Instant};

use super::told::{CallCell, Told};
use crate::{
    clock::Timestamp,
    facts::Facts,
    operation::{RequestId, TraceIds},
    record::{AuditRecord, CallData, Capture, End, Stage},
    semconv::Slot,
    submit::Submit,
};

/// What an operation has from its first moment.
pub(crate) struct Birth {
    pub(crate) request_id: RequestId,
    pub(crate) at: Timestamp,
    pub(crate) instant: Instant,
    pub(crate) trace: TraceIds,
}

impl Birth {
    /// Makes the ids of an operation that starts now, in the trace of the operation around it.
    pub(crate) fn new(sink: &dyn Submit, around: Option<[u8; 16]>) -> Self {
        let mut random = [0; 34];
        sink.random(&mut random);
        let (at, instant) = (sink.now(), Instant::now());
        let part = |from: usize| random[from..].iter().copied();
        let mut trace = TraceIds {
            flags: 1,
            ..TraceIds::default()
        };
        let mut id = [0; 10];
        id.iter_mut().zip(part(0)).for_each(|(to, byte)| *to = byte);
        trace
            .span_id
            .iter_mut()
            .zip(part(10))
            .for_each(|(to, byte)| *to = byte);
        match around {
            Some(trace_id) => trace.trace_id = trace_id,
            None => trace
                .trace_id
                .iter_mut()
                .zip(part(18))
                .for_each(|(to, byte)| *to = byte),
        }
        Self {
            request_id: RequestId::new(at, &id),
            at,
            instant,
            trace,
        }
    }
}

/// The state of one LLM span, in its extensions.
pub(crate) struct LlmSpan {
    pub(crate) birth: Birth,
    name: &'static str,
    pub(crate) facts: Facts,
    pub(crate) parent: Option<RequestId>,
    cell: Option<Arc<CallCell>>,
    last_exit: Option<Instant>,
    entries: u32,
    depth: u32,
    /// The thread was unwinding already when the span was opened: a destructor makes calls too.
    opened_unwinding: bool,
    exited_unwinding: bool,
    /// A span below reported usage.
    pub(crate) usage_is_nested: bool,
}

impl LlmSpan {
    pub(crate) fn new(
        birth: Birth,
        name: &'static str,
        facts: Facts,
        parent: Option<RequestId>,
    ) -> Self {
        Self {
            birth,
            name,
            facts,
            parent,
            cell: None,
            last_exit: None,
            entries: 0,
            depth: 0,
            opened_unwinding: std::thread::panicking(),
            exited_unwinding: false,
            usage_is_nested: false,
        }
    }

    /// Notes an entry; says whether it is the first.
    pub(crate) fn enter(&mut self) -> bool {
        self.depth += 1;
        self.exited_unwinding = false;
        if self.depth == 1 {
            self.entries += 1;
            self.tell_period();
        }
        self.entries == 1 && self.depth == 1
    }

    pub(crate) fn exit(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.last_exit = Some(Instant::now());
        self.exited_unwinding = std::thread::panicking();
        if self.depth == 0 {
            self.tell_period();
        }
    }

    /// Odd while entered.
    fn period(&self) -> u32 {
        self.entries * 2 + u32::from(self.depth > 0)
    }

    fn tell_period(&self) {
        if let Some(cell) = &self.cell {
            cell.set_period(self.period());
        }
    }

    /// Returns what its handles share.
    pub(crate) fn cell(&mut self) -> Arc<CallCell> {
        if let Some(cell) = &self.cell {
            return Arc::clone(cell);
        }
        let cell = CallCell::new(self.birth.request_id, self.birth.instant, self.period());
        Arc::clone(self.cell.insert(Arc::new(cell)))
    }

    /// Says whether a call of this operation and model can be this very span, which has no answer yet.
    pub(crate) fn is_call(&self, operation: &str, model: &str) -> bool {
        let says = |slot, name| self.facts.text(slot).is_none_or(|said| said == name);
        let told = self.cell.as_ref().map(|cell| cell.lock());
        let is_answered = is_concluded(&self.facts, told.as_deref().and_then(Told::known));
        !is_answered && says(Slot::OperationName, operation) && says(Slot::RequestModel, model)
    }

    /// Makes the record that says that it began.
    pub(crate) fn begun(&self) -> Box<AuditRecord> {
        let mut record = self.blank(self.facts.clone());
        record.stage = Stage::Begun;
        Box::new(record)
    }

    /// Makes the record of the closed span.
    pub(crate) fn close(mut self) -> Box<AuditRecord> {
        let closed = Instant::now();
        let panicked = self.exited_unwinding || std::thread::panicking();
        let facts = std::mem::take(&mut self.facts);
        let mut record = Box::new(self.blank(facts));
        let mut ended = self.last_exit;
        if let Some(cell) = self.cell.take() {
            let mut told = cell.lock();
            ended = ended.max(told.ended);
            record.take_told(&mut told, self.birth.instant);
            if self.was_dropped(cell.made_in, told.dropped_in) && !record.is_concluded() {
                record.end = End::Cancelled;
            }
        }
        if panicked && !self.opened_unwinding {
            record.end = End::Panicked;
        }
        let ended = ended.unwrap_or(closed);
        record.latency_ns = nanos(self.birth.instant, ended);
        record
    }

    /// Says whether the handle went in the span's last entry, and had been made in an earlier one.
    fn was_dropped(&self, made_in: u32, dropped_in: Option<u32>) -> bool {
        let last = self.entries * 2 + 1;
        let was_entered = made_in % 2 == 1;
        was_entered && made_in < last && dropped_in == Some(last)
    }

    fn blank(&self, facts: Facts) -> AuditRecord {
        AuditRecord {
            stage: Stage::Ended,
            request_id: self.birth.request_id,
            started_at: self.birth.at,
            latency_ns: 0,
            first_chunk_ns: None,
            name: self.name,
            facts,
            call: None,
            trace: self.birth.trace,
            parent_request_id: self.parent,
            end: End::Closed,
            capture: Capture::Span,
            usage_is_nested: self.usage_is_nested,
            outcome: None,
            ack: None,
        }
    }
}

impl AuditRecord {
    /// Takes over what the handles were told of a call that started at `started`.
    pub(crate) fn take_told(&mut self, told: &mut Told, started: Instant) {
        self.first_chunk_ns = told.first_chunk.map(|first| nanos(started, first));
        self.ack = told.ack.take();
        self.call = told.take_data();
        self.facts.merge(&told.facts);
        if told.is_cut {
            self.end = End::Cancelled;
        }
    }

    /// Says whether anything was recorded about how it ended.
    fn is_concluded(&self) -> bool {
        is_concluded(&self.facts, self.call.as_deref())
    }

    /// Says whether this operation reported usage, as far as can be told without reading bodies.
    pub(crate) fn reports_usage(&self) -> bool {
        let told = self.call.as_ref().is_some_and(|call| {
            let good = |status: Option<u16>| status.is_none_or(|status| status < 400);
            call.usage.is_some() || call.responses.iter().any(|body| good(body.http_status))
        });
        told || [Slot::InputTokens, Slot::OutputTokens]
            .iter()
            .any(|slot| self.facts.get(*slot).is_some())
    }
}

fn is_concluded(facts: &Facts, call: Option<&CallData>) -> bool {
    const ENDS: [Slot; 6] = [
        Slot::OutputTokens,
        Slot::FinishReasons,
        Slot::ResponseId,
        Slot::ErrorMessage,
        Slot::ErrorType,
        Slot::OutputMessages,
    ];
    let told = call.is_some_and(|call| {
        !call.responses.is_empty()
            || call.usage.is_some()
            || call.output.is_some()
            || call.error.is_some()
            || call.blocked.is_some()
    });
    told || ENDS.iter().any(|slot| facts.get(*slot).is_some())
}

/// Nanoseconds between two moments, 0 where they stand the other way round.
pub(crate) fn nanos(from: Instant, to: Instant) -> u64 {
    let passed = to.saturating_duration_since(from);
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}
