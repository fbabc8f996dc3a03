//! Calls that an HTTP client was seen to make: the inference around them, else one of their own.
//!
//! Promise: an inference span and the request within it are one record, whichever ends first; below an agent or a tool,
//! and where there is no span, the request is a record of its own, with the operation around as its parent.
//! Not here: what is an LLM request, and what becomes of it (`http_capture`).

use tracing_core::dispatcher;

use super::{
    Capture, LlmCall,
    call::{CallState, can_be_same},
};
use crate::{
    facts::{FactValue, Facts},
    flavour::Flavour,
    judge,
    operation::is_model_call,
    record::{AuditRecord, Capture as CaptureKind},
    semconv::Slot,
};

/// What is known of a request without reading it.
pub(crate) struct Exchange<'a> {
    pub(crate) provider: &'a str,
    pub(crate) flavour: Option<Flavour>,
    /// The model, where the URL names it.
    pub(crate) model: Option<String>,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
}

impl Exchange<'_> {
    /// Says whether a call can be this request's: a model's, of the same kind, and of no other model.
    fn is_of(&self, record: &AuditRecord) -> bool {
        let operation = record.facts.said(Slot::OperationName);
        let is_kind = match (operation, self.flavour) {
            (Some(said), Some(flavour)) => can_be_same(said, flavour.operation()),
            (Some(said), None) => is_model_call(&judge::operation_name(said)),
            (None, _) => true,
        };
        let model = record.facts.said(Slot::RequestModel);
        is_kind && is_same_model(model, self.model.as_deref())
    }

    /// Tells a record what it does not know yet.
    fn tell(&self, facts: &mut Facts) {
        let operation = self.flavour.map(Flavour::operation);
        let texts = [
            (Slot::OperationName, operation),
            (Slot::ProviderName, Some(self.provider)),
            (Slot::RequestModel, self.model.as_deref()),
        ];
        for (slot, text) in texts {
            if let Some(text) = text.filter(|_| facts.said(slot).is_none()) {
                facts.set(slot, FactValue::Text(text));
            }
        }
        if facts.get(Slot::ServerAddress).is_none() {
            facts.set(Slot::ServerAddress, FactValue::Text(self.host));
            if let Some(port) = self.port {
                facts.set(Slot::ServerPort, FactValue::UInt(port.into()));
            }
        }
    }
}

/// Says whether two names may mean one model: gateways and clients put a prefix before it.
fn is_same_model(span: Option<&str>, url: Option<&str>) -> bool {
    match (span, url) {
        (Some(span), Some(url)) => span.ends_with(url) || url.ends_with(span),
        _ => true,
    }
}

impl LlmCall {
    /// Returns the handle of the inference around the caller if it makes this request, else starts a record.
    ///
    /// `capture` is asked for where no dispatcher has a layer of ours; with neither, the handle records nothing.
    pub(crate) fn of_exchange(capture: Option<&Capture>, exchange: &Exchange<'_>) -> Self {
        let is_it =
            |call: &mut CallState| call.record().is_some_and(|record| exchange.is_of(record));
        let call = dispatcher::get_default(|dispatch| {
            let around = dispatch
                .current_span()
                .id()
                .map(|id| Self::around(dispatch, id, is_it));
            let found = around.filter(Self::is_recording);
            let capture = || dispatch.downcast_ref::<Capture>().or(capture);
            let start = || {
                let capture = capture()?;
                Some(capture.start_as(CaptureKind::Http, dispatch, Facts::default()))
            };
            found.or_else(start).unwrap_or_else(Self::off)
        });
        call.tell_exchange(exchange);
        call
    }

    /// Tells what is known of a request that makes this call.
    pub(crate) fn tell_exchange(&self, exchange: &Exchange<'_>) {
        if let Some(cell) = self.cell()
            && let Some(record) = cell.lock().record()
        {
            exchange.tell(&mut record.facts);
        }
    }
}
