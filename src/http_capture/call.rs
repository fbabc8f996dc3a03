//! One call over HTTP: its handle, the attempts at it, and the gate before the first.
//!
//! Promise: however often a request is sent, it is one call: what an attempt that was made again had failed with is
//! taken back, and the record says how many there were. An attempt that is dropped before it has an answer was
//! cancelled.
//! Not here: the body of the answer (`tee`).

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{BodyTee, Outgoing, reason};
use crate::{
    ack::{Ack, AckError},
    flavour::Flavour,
    layer::LlmCall,
    operation::RequestId,
    provider::KEPT_HEADERS,
    record::{CallError, ResponseBody},
    who::Who,
};

/// Statuses from here on say that an attempt failed.
const FAILED_FROM: u16 = 400;

/// The call was not sent, because it could not be audited.
///
/// Nothing reached the provider. What to do: see the reason; a call that may go unaudited is sent by a client without
/// `fail_closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// There is no audit layer where the request was sent.
    #[error(
        "the call was not sent: no audit layer is in the current tracing dispatcher; install one, or give the \
         middleware its handle with `of`"
    )]
    NoLayer,
    /// The guard was shut down or dropped.
    #[error(
        "the call was not sent: the audit was shut down; hold the guard until the last call is done"
    )]
    ShutDown,
    /// The beginning was not durable in time, or could not be written.
    #[error(
        "the call was not sent: its audit entry could not be made durable ({0}); see `AuditGuard::health`, and free the \
         disk under the journal"
    )]
    NotDurable(#[source] AckError),
}

impl From<AckError> for NotSent {
    fn from(error: AckError) -> Self {
        match error {
            AckError::NotAudited => Self::NoLayer,
            AckError::ShutDown => Self::ShutDown,
            other => Self::NotDurable(other),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) permit_wait_max: Option<Duration>,
    pub(super) body_bytes_max: usize,
}

/// One call: cheap to clone; its record is written when all clones, attempts and bodies are gone.
#[derive(Clone)]
pub struct HttpCall {
    handle: LlmCall,
    shared: Arc<Shared>,
}

struct Shared {
    /// Tells this call's responses from others of the same record.
    exchange: u64,
    flavour: Option<Flavour>,
    limits: Limits,
    path: String,
    /// The request, where the record has another one's.
    request: Option<Vec<u8>>,
    attempts: Mutex<Attempts>,
}

/// How the attempts stand.
#[derive(Default)]
struct Attempts {
    /// How often the request was sent.
    count: u64,
    /// Attempts that an inner middleware counted.
    seen_within: u64,
    is_running: bool,
    /// The error of the record is an attempt's.
    has_told_error: bool,
    has_told_cut: bool,
}

impl HttpCall {
    pub(super) fn new(
        handle: LlmCall,
        flavour: Option<Flavour>,
        limits: Limits,
        request: &Outgoing<'_>,
    ) -> Self {
        static EXCHANGES: AtomicU64 = AtomicU64::new(1);
        let body = request
            .body
            .filter(|body| body.len() <= limits.body_bytes_max);
        let mut again = None;
        handle.tell(|data| {
            data.captured.is_http = true;
            match body {
                Some([]) => {}
                // Of several requests in one call, the first is its input.
                Some(body) if data.request.is_some() => again = Some(body.to_vec()),
                Some(body) => data.request = Some(body.to_vec()),
                None => data.captured.request_unread |= data.request.is_none(),
            }
        });
        Self {
            handle,
            shared: Arc::new(Shared {
                exchange: EXCHANGES.fetch_add(1, Ordering::Relaxed),
                flavour,
                limits,
                path: request.path.to_owned(),
                request: again,
                attempts: Mutex::default(),
            }),
        }
    }

    /// Says whether there will be a record.
    pub fn is_recording(&self) -> bool {
        self.handle.is_recording()
    }

    /// Returns the handle on the call's record.
    pub fn handle(&self) -> &LlmCall {
        &self.handle
    }

    /// Returns our id of the call, or `None` where it is not audited.
    pub fn request_id(&self) -> Option<RequestId> {
        self.handle.request_id()
    }

    /// Returns how long to wait for [`HttpCall::permit`]; `None` where the call may go at once.
    pub fn permit_wait_max(&self) -> Option<Duration> {
        self.shared.limits.permit_wait_max
    }

    /// Has the call's beginning written, and returns the acknowledgement to wait for before sending.
    ///
    /// Where it fails, or does not come in time, [`HttpCall::refused`] makes the error, and nothing is sent.
    pub fn permit(&self) -> Ack {
        self.handle.begin()
    }

    /// Says in the record that the call was not sent, and makes the error that says so to the caller.
    pub fn refused(self, error: AckError) -> NotSent {
        self.handle.blocked(reason(error));
        if let Some(cell) = self.handle.cell() {
            cell.lock().gives_way = error == AckError::QueueFull;
        }
        NotSent::from(error)
    }

    /// Says whether this request is the call's own, sent once more.
    pub fn is_again(&self, request: &Outgoing<'_>) -> bool {
        let is_same = |call: &LlmCall| {
            let Some(cell) = call.cell() else { return true };
            let mut state = cell.lock();
            let told = state.data().and_then(|data| data.request.as_deref());
            let known = self.shared.request.as_deref().or(told);
            known.is_none_or(|known| request.body == Some(known))
        };
        self.shared.path == request.path && is_same(&self.handle)
    }

    /// Says whether an attempt is under way: a request seen now comes from within it.
    pub fn is_running(&self) -> bool {
        self.attempts().is_running
    }

    /// Counts an attempt that was seen from within: by a middleware inside of the one that sends again.
    pub fn count_within(&self) {
        let count = {
            let mut attempts = self.attempts();
            attempts.seen_within += 1;
            attempts.seen_within
        };
        if count > 1 {
            self.tell_again();
        }
    }

    /// Begins an attempt: the request is about to be sent.
    pub fn attempt(&self) -> Attempt {
        let (count, had_error, had_cut) = {
            let mut attempts = self.attempts();
            attempts.count += 1;
            attempts.is_running = true;
            let had_error = std::mem::take(&mut attempts.has_told_error);
            let had_cut = std::mem::take(&mut attempts.has_told_cut);
            (attempts.count, had_error, had_cut)
        };
        if count > 1 {
            self.take_back(had_error, had_cut);
            self.tell_again();
        }
        Attempt {
            call: Some(self.clone()),
            number: count,
        }
    }

    pub(super) fn set_who(&self, who: &Who) {
        if let Some(cell) = self.handle.cell()
            && let Some(record) = cell.lock().record()
        {
            record.set_who(who);
        }
    }

    fn tell_again(&self) {
        self.handle
            .tell(|data| data.attempts = Some(data.attempts.unwrap_or(1) + 1));
    }

    /// Forgets what the attempts before ended with; what was answered, and so paid for, stays.
    fn take_back(&self, had_error: bool, had_cut: bool) {
        let Some(cell) = self.handle.cell() else {
            return;
        };
        let mut state = cell.lock();
        if had_cut {
            state.is_cut = false;
        }
        let Some(data) = state.data() else { return };
        if had_error {
            data.error = None;
        }
        let exchange = Some(self.shared.exchange);
        data.responses
            .retain(|body| body.exchange != exchange || is_answer(body));
    }

    /// Adds an attempt's response to the record, unless it failed and was sent again since.
    pub(super) fn tell_response(
        &self,
        mut body: ResponseBody,
        attempt: u64,
        error: Option<CallError>,
    ) {
        let is_last = {
            let mut attempts = self.attempts();
            let is_last = attempts.count == attempt;
            attempts.has_told_error |= is_last && error.is_some();
            is_last
        };
        if !is_last && !is_answer(&body) {
            return;
        }
        body.exchange = Some(self.shared.exchange);
        self.handle.tell(|data| {
            data.captured.response_partial |= body.omitted_bytes > 0;
            data.responses.push(body);
            if let Some(error) = error.filter(|_| is_last) {
                data.error.get_or_insert(error);
            }
        });
    }

    fn ended(&self) {
        self.attempts().is_running = false;
    }

    // Nothing that panics runs under it.
    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.shared
            .attempts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whether a provider answered with something that may be paid for.
fn is_answer(body: &ResponseBody) -> bool {
    let is_good = body.http_status.is_none_or(|status| status < FAILED_FROM);
    is_good && !body.bytes.is_empty()
}

impl fmt::Debug for HttpCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HttpCall({:?})", self.handle)
    }
}

/// One time that the request is sent. Dropped without an outcome, it was cancelled.
#[must_use = "dropped at once, it says that the call was cancelled"]
pub struct Attempt {
    /// `None` once there was an outcome.
    call: Option<HttpCall>,
    number: u64,
}

impl Attempt {
    /// Tells that no response came: by a word for `error.type`, such as `connect` or `timeout`, and a text.
    pub fn failed(mut self, error_type: &str, message: String) {
        let Some(call) = self.call.take() else { return };
        call.ended();
        call.attempts().has_told_error = true;
        call.handle.tell(|data| {
            data.error.get_or_insert_with(|| CallError {
                error_type: Some(error_type.to_owned()),
                message,
            });
        });
    }

    /// Tells that a response came, and returns what its body is given to.
    ///
    /// Of the headers, those that readers of bodies use are kept.
    pub fn response<'h>(
        mut self,
        status: u16,
        headers: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) -> BodyTee {
        let Some(call) = self.call.take() else {
            return BodyTee::off();
        };
        call.ended();
        let kept = |(name, value): (&'h str, &'h [u8])| {
            let name = KEPT_HEADERS.iter().find(|kept| **kept == name)?;
            let value = std::str::from_utf8(value).ok()?;
            Some(((*name).to_owned(), value.to_owned()))
        };
        let head = ResponseBody {
            http_status: Some(status),
            flavour: call.shared.flavour,
            headers: headers.filter_map(kept).collect(),
            ..ResponseBody::default()
        };
        let bytes_max = call.shared.limits.body_bytes_max;
        BodyTee::new(call, self.number, head, bytes_max)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        call.ended();
        call.attempts().has_told_cut = true;
        if let Some(cell) = call.handle.cell() {
            cell.lock().is_cut = true;
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Attempt({}, {:?})", self.number, self.call)
    }
}
