//! What a handle was told: shared between the handles of one call and the span's state.
//!
//! Promise: telling takes one short lock of this call's own, and moves bytes; nothing is read, hashed or written here.
//! Not here: the handle's public face (`handle`), the record that this becomes part of (`span`, `detached`).

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use super::{SpanValue, detached::Detached};
use crate::{
    ack::AckCell,
    facts::{FactValue, Facts},
    operation::RequestId,
    record::CallData,
    semconv::Slot,
};

/// What happened so far, as the handles know it.
#[derive(Default)]
pub(crate) struct Told {
    /// Made when the first thing is told.
    data: Option<Box<CallData>>,
    /// Attributes told by name; they win over the span's fields.
    pub(crate) facts: Facts,
    pub(crate) first_chunk: Option<Instant>,
    /// When the last handle was dropped so far, or its stream ended.
    pub(crate) ended: Option<Instant>,
    /// A stream was dropped before its end.
    pub(crate) is_cut: bool,
    /// The span's period in which the last handle was dropped so far.
    pub(crate) dropped_in: Option<u32>,
    pub(crate) ack: Option<Arc<AckCell>>,
}

impl Told {
    /// Returns what was told, to be added to.
    pub(crate) fn data(&mut self) -> &mut CallData {
        self.data.get_or_insert_default()
    }

    /// Keeps an attribute that the conventions know, and any other as metadata.
    pub(crate) fn set_attribute(&mut self, name: &str, value: &SpanValue) {
        let fact = match value {
            SpanValue::Text(text) => FactValue::Text(text),
            SpanValue::Int(int) => FactValue::Int(*int),
            SpanValue::Double(double) => FactValue::Double(*double),
            SpanValue::Bool(bool) => FactValue::Bool(*bool),
        };
        if let Some(slot) = Slot::of(name) {
            self.facts.set(slot, fact);
            return;
        }
        let json = match value {
            SpanValue::Text(text) => serde_json::to_string(text),
            SpanValue::Int(int) => serde_json::to_string(int),
            SpanValue::Double(double) => serde_json::to_string(double),
            SpanValue::Bool(bool) => serde_json::to_string(bool),
        };
        self.set_metadata(name.to_owned(), json.unwrap_or_else(|_| "null".to_owned()));
    }

    /// Keeps a member of the metadata; the last value of a key wins.
    pub(crate) fn set_metadata(&mut self, key: String, json: String) {
        let metadata = &mut self.data().metadata;
        metadata.retain(|(known, _)| *known != key);
        metadata.push((key, json));
    }

    pub(crate) fn known(&self) -> Option<&CallData> {
        self.data.as_deref()
    }

    pub(crate) fn take_data(&mut self) -> Option<Box<CallData>> {
        self.data.take()
    }
}

/// One call as its handles see it.
pub(crate) struct CallCell {
    pub(crate) request_id: RequestId,
    pub(crate) started: Instant,
    /// Odd while the span is entered; it only grows.
    period: AtomicU32,
    /// The period in which the first handle was made.
    pub(crate) made_in: u32,
    told: Mutex<Told>,
    /// What a call without a span needs to be written by the last handle.
    detached: Option<Box<Detached>>,
}

impl CallCell {
    pub(crate) fn new(request_id: RequestId, started: Instant, period: u32) -> Self {
        Self {
            request_id,
            started,
            period: AtomicU32::new(period),
            made_in: period,
            told: Mutex::default(),
            detached: None,
        }
    }

    pub(crate) fn detached(request_id: RequestId, started: Instant, detached: Detached) -> Self {
        let mut cell = Self::new(request_id, started, 0);
        cell.detached = Some(Box::new(detached));
        cell
    }

    pub(crate) fn set_period(&self, period: u32) {
        self.period.store(period, Ordering::Relaxed);
    }

    // Whoever panicked while holding it left a value that is whole: fields are set one by one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a handle is gone: the call lasted at least until now.
    pub(crate) fn let_go(&self) {
        let mut told = self.lock();
        told.ended = Some(Instant::now());
        told.dropped_in = Some(self.period.load(Ordering::Relaxed));
    }
}

impl Drop for CallCell {
    fn drop(&mut self) {
        if let Some(detached) = self.detached.take() {
            let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
            detached.write(self.request_id, self.started, told);
        }
    }
}
