//! The handle on one call's record: what the host tells of it, beside its span's fields.
//!
//! Promise: telling moves bytes under one short lock of the call's own: no I/O, no hashing, and no JSON but what a
//! typed value costs to serialise. A handle of a span that is not audited does nothing, and says so.
//! Not here: where the told ends up (`told`, `span`), calls without a span (`detached`).

use std::{error::Error, fmt, ops::ControlFlow, sync::Arc};

use serde::Serialize;
use tracing::Span;
use tracing_core::{Dispatch, dispatcher, span::Id};
use tracing_subscriber::Registry;

use super::{
    Capture, SpanValue,
    call::{CallCell, CallState},
    context::{LlmSpan, Walk, walk},
};
use crate::{
    ack::{Ack, AckError},
    operation::{RequestId, SanitizationEvent, Usage},
    record::{CallData, CallError, Payload, ResponseBody},
};

/// A span that is kept open.
pub(crate) struct OpenSpan {
    pub(crate) dispatch: Dispatch,
    pub(crate) id: Id,
}

impl OpenSpan {
    pub(crate) fn hold(dispatch: &Dispatch, id: &Id) -> Self {
        Self {
            dispatch: dispatch.clone(),
            id: dispatch.clone_span(id),
        }
    }
}

impl Clone for OpenSpan {
    fn clone(&self) -> Self {
        Self::hold(&self.dispatch, &self.id)
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        self.dispatch.try_close(self.id.clone());
    }
}

/// A handle on the record of one LLM call.
///
/// It keeps the call's span open until it and its clones are dropped, so that a function that returns a stream is one
/// record. Cheap to clone, and may go to other threads and tasks.
///
/// Nothing told here is ever a span field, so it is in no other layer's output.
///
/// # Examples
/// ```
/// use tracing_llm_audit::{LlmCall, Usage};
/// let call = LlmCall::current(); // in a function with `#[instrument]` and GenAI fields
/// call.system("You are helpful.").input_text("Why is the sky blue?");
/// call.usage(Usage { input_tokens: Some(12), ..Usage::default() });
/// ```
#[derive(Clone)]
pub struct LlmCall {
    cell: Option<Arc<CallCell>>,
    /// Held, never read.
    _open: Option<OpenSpan>,
}

/// A found operation: what its handles share, and its span.
struct Found {
    cell: Arc<CallCell>,
    id: Id,
}

impl LlmCall {
    /// Returns the handle of the nearest operation around the caller.
    pub fn current() -> Self {
        dispatcher::get_default(|dispatch| match dispatch.current_span().id() {
            Some(id) => Self::around(dispatch, id, |_| true),
            None => Self::off(),
        })
    }

    /// Returns the handle of a span, or of the nearest operation around it.
    ///
    /// A disabled span has no record: its handle does nothing. [`LlmCall::start`] makes a record without a span.
    pub fn of(span: &Span) -> Self {
        span.with_subscriber(|(id, dispatch)| Self::around(dispatch, id, |_| true))
            .unwrap_or_else(Self::off)
    }

    /// Returns the current operation's handle if it is this very call, else starts a record of its own.
    ///
    /// It is this call where its span says the same operation and model, or does not say, and no answer was told yet.
    /// So a call whose own span is disabled is never merged into the operation around it.
    pub fn current_or_start(operation: &str, provider: &str, model: &str) -> Self {
        let current = dispatcher::get_default(|dispatch| match dispatch.current_span().id() {
            Some(id) => Self::around(dispatch, id, |call| call.is_call(operation, model)),
            None => Self::off(),
        });
        if current.is_recording() {
            current
        } else {
            Self::start(operation, provider, model)
        }
    }

    /// Returns a handle that records nothing.
    pub fn off() -> Self {
        Self {
            cell: None,
            _open: None,
        }
    }

    pub(crate) fn detached(cell: CallCell) -> Self {
        Self {
            cell: Some(Arc::new(cell)),
            _open: None,
        }
    }

    pub(super) fn around(
        dispatch: &Dispatch,
        id: &Id,
        is_it: impl Fn(&mut CallState) -> bool,
    ) -> Self {
        let mut found = None;
        walk_of(dispatch)(dispatch, id, &mut |id, state| {
            let Some(LlmSpan(cell)) = state.get_mut() else {
                return ControlFlow::Continue(());
            };
            let mut state = cell.lock();
            if is_it(&mut state) {
                state.handle_made();
                found = Some(Found {
                    cell: Arc::clone(cell),
                    id: id.clone(),
                });
            }
            ControlFlow::Break(())
        });
        // Outside the walk: no lock is held where the span is kept open.
        match found {
            Some(Found { cell, id }) => Self {
                cell: Some(cell),
                _open: Some(OpenSpan::hold(dispatch, &id)),
            },
            None => Self::off(),
        }
    }

    /// Says whether there will be a record.
    pub fn is_recording(&self) -> bool {
        self.cell.is_some()
    }

    /// Returns our id of the call, or `None` where it is not audited.
    pub fn request_id(&self) -> Option<RequestId> {
        self.cell.as_ref().map(|cell| cell.request_id)
    }

    /// Returns the acknowledgement that the call's record is durable.
    ///
    /// It resolves after the call has ended: wait for it outside of its span, with all handles dropped.
    pub fn ack(&self) -> Ack {
        let Some(cell) = &self.cell else {
            return Ack::ready(Err(AckError::NotAudited));
        };
        match cell.lock().record() {
            Some(record) => Ack::of(record.ack.get_or_insert_default()),
            None => Ack::ready(Err(AckError::NotAudited)),
        }
    }

    /// Writes a `begin` entry now, and returns the acknowledgement that it is durable: the gate before sending.
    ///
    /// A host that may not call unaudited waits for it, and sends nothing where it fails. The entry has what was told
    /// so far, the hash of the request included; the call's own entry follows when it ends, and where the process ends
    /// first, the next start records the call as `interrupted`. Asked again, it returns the same acknowledgement.
    ///
    /// Never blocks: a full queue refuses at once. [`Ack`] is a future for any runtime and has no timeout of its own;
    /// [`Ack::wait`] blocks and has one.
    ///
    /// # Errors
    /// The acknowledgement resolves to [`AckError::NotAudited`] without an audit layer, [`AckError::QueueFull`],
    /// [`AckError::ShutDown`] once the guard was shut down or dropped, [`AckError::WriterEnded`] once the writing thread
    /// has ended, [`AckError::Forked`] in a forked child, and [`AckError::Dropped`].
    ///
    /// # Examples
    /// ```
    /// # async fn send(_: &str) -> Result<(), Box<dyn std::error::Error>> { Ok(()) }
    /// use tracing_llm_audit::LlmCall;
    /// # async fn ask(request: String) -> Result<(), Box<dyn std::error::Error>> {
    /// let call = LlmCall::current();
    /// call.request_json(request.as_bytes());
    /// call.begin().await?; // the provider hears nothing before this is on disk
    /// send(&request).await
    /// # }
    /// ```
    pub fn begin(&self) -> Ack {
        match &self.cell {
            Some(cell) => cell.gate(),
            None => Ack::ready(Err(AckError::NotAudited)),
        }
    }

    pub(crate) fn cell(&self) -> Option<&CallCell> {
        self.cell.as_deref()
    }

    pub(crate) fn tell(&self, tell: impl FnOnce(&mut CallData)) -> &Self {
        if let Some(cell) = &self.cell {
            cell.lock().data().map(tell);
        }
        self
    }

    /// Tells the system prompt.
    pub fn system(&self, text: impl Into<String>) -> &Self {
        self.tell(|data| data.system = Some(Payload::Text(text.into())))
    }

    /// Tells the input, a typed value: the messages as they are sent.
    pub fn input(&self, messages: &(impl Serialize + ?Sized)) -> &Self {
        self.tell_value(messages, |data, payload| data.input = Some(payload))
    }

    /// Tells the input, a single text.
    pub fn input_text(&self, text: impl Into<String>) -> &Self {
        self.tell(|data| data.input = Some(Payload::Text(text.into())))
    }

    /// Tells the input, JSON text as it is sent.
    pub fn input_json(&self, json: impl Into<Vec<u8>>) -> &Self {
        self.tell(|data| data.input = Some(Payload::Json(json.into())))
    }

    /// Tells the output, a typed value.
    pub fn output(&self, value: &(impl Serialize + ?Sized)) -> &Self {
        self.tell_value(value, |data, payload| data.output = Some(payload))
    }

    /// Tells the output, a single text.
    pub fn output_text(&self, text: impl Into<String>) -> &Self {
        self.tell(|data| data.output = Some(Payload::Text(text.into())))
    }

    /// Tells the output, JSON text as it was received.
    pub fn output_json(&self, json: impl Into<Vec<u8>>) -> &Self {
        self.tell(|data| data.output = Some(Payload::Json(json.into())))
    }

    /// Tells the whole request body as it is sent: its model, messages and system prompt are read from it.
    pub fn request_json(&self, body: impl Into<Vec<u8>>) -> &Self {
        self.tell(|data| data.request = Some(body.into()))
    }

    /// Tells a whole response body as it was received; a second one adds its usage to the first's.
    pub fn response_json(&self, body: impl Into<Vec<u8>>) -> &Self {
        self.tell_response(body.into(), None)
    }

    /// Tells a whole response body, with its HTTP status.
    pub fn response(&self, body: impl Into<Vec<u8>>, http_status: u16) -> &Self {
        self.tell_response(body.into(), Some(http_status))
    }

    /// Tells a response that was parsed already.
    ///
    /// What its type does not know of the provider's body is not in the record's hash.
    pub fn response_value(&self, response: &(impl Serialize + ?Sized)) -> &Self {
        if !self.is_recording() {
            return self;
        }
        match serde_json::to_vec(response) {
            Ok(body) => self.tell_response(body, None),
            Err(error) => self.failed("unserializable_response", error.to_string()),
        }
    }

    fn tell_response(&self, bytes: Vec<u8>, http_status: Option<u16>) -> &Self {
        self.tell(|data| {
            data.responses.push(ResponseBody {
                bytes,
                http_status,
                complete: true,
                ..ResponseBody::default()
            });
        })
    }

    /// Tells token counts; told twice, they are summed.
    pub fn usage(&self, usage: Usage) -> &Self {
        self.tell(|data| data.usage.get_or_insert_default().add(&usage))
    }

    /// Tells the error that ended the call.
    pub fn error(&self, error: &(dyn Error + 'static)) -> &Self {
        self.tell(|data| {
            data.error = Some(CallError {
                error_type: None,
                message: error.to_string(),
            });
        })
    }

    /// Tells an error by its type, as `error.type` means it, and its text.
    pub fn failed(&self, error_type: impl Into<String>, message: impl Into<String>) -> &Self {
        self.tell(|data| {
            let error_type = Some(error_type.into());
            data.error = Some(CallError {
                error_type,
                message: message.into(),
            });
        })
    }

    /// Tells that a guard refused the call, with the code of its reason; never the text that it found.
    pub fn blocked(&self, reason: impl Into<String>) -> &Self {
        self.tell(|data| data.blocked = Some(reason.into()))
    }

    /// Tells what a sanitizer did before the call was sent.
    pub fn sanitized(&self, event: SanitizationEvent) -> &Self {
        self.tell(|data| data.sanitization.push(event))
    }

    /// Tells a member of the record's `metadata`; the last value of a key wins.
    pub fn metadata(&self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> &Self {
        if !self.is_recording() {
            return self;
        }
        let Ok(json) = serde_json::to_string(value) else {
            return self;
        };
        if let Some(cell) = &self.cell {
            cell.lock().set_metadata(key.into(), json);
        }
        self
    }

    /// Tells an attribute by its name, without a declared field; one that nobody knows becomes `metadata`.
    pub fn attribute(&self, name: &str, value: impl Into<SpanValue>) -> &Self {
        if let Some(cell) = &self.cell {
            cell.lock().set_attribute(name, &value.into());
        }
        self
    }

    /// Tells how many times the request was sent, retries included.
    pub fn attempts(&self, attempts: u64) -> &Self {
        self.tell(|data| data.attempts = Some(attempts))
    }

    fn tell_value(
        &self,
        value: &(impl Serialize + ?Sized),
        put: impl FnOnce(&mut CallData, Payload),
    ) -> &Self {
        if !self.is_recording() {
            return self;
        }
        match serde_json::to_vec(value) {
            Ok(json) => self.tell(|data| put(data, payload(json))),
            Err(error) => self.failed("unserializable_content", error.to_string()),
        }
    }
}

/// A JSON string is a single text, and is hashed as one.
fn payload(json: Vec<u8>) -> Payload {
    if json.first() == Some(&b'"')
        && let Ok(text) = serde_json::from_slice(&json)
    {
        return Payload::Text(text);
    }
    Payload::Json(json)
}

/// Returns how to walk the spans of a dispatcher; a layer behind `reload` cannot be asked, its registry can.
fn walk_of(dispatch: &Dispatch) -> Walk {
    match dispatch.downcast_ref::<Capture>() {
        Some(capture) => capture.walk,
        None => walk::<Registry>,
    }
}

impl Drop for LlmCall {
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            cell.lock().handle_dropped();
        }
    }
}

impl fmt::Debug for LlmCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.request_id() {
            Some(id) => write!(out, "LlmCall({id})"),
            None => out.write_str("LlmCall(off)"),
        }
    }
}
