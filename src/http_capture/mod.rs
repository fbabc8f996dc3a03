//! Auditing calls as they pass an HTTP client: which requests are calls, one call's attempts, its teed body, the gate.
//!
//! Promise: of no client and no runtime: bytes and words go in, a record comes out. Nothing here parses, hashes or waits
//! on the caller's thread; what a body says is read where the record is written. URLs, request headers and credentials
//! are never recorded: of a URL, the host, the port and what its path promises.
//! Not here: a client (`reqwest_middleware_0_5` is one's adapter), reading bodies (`provider`).
//!
//! An adapter asks [`HttpCapture::begin`] whether a request is a call, waits for [`HttpCall::permit`] where that is
//! asked for, opens an [`Attempt`] for each time the request is sent, and hands the response's chunks to its
//! [`BodyTee`]. Whatever is dropped before its end tells so: a future that was cancelled, a body that nobody read on.

mod base;
mod call;
mod ends;
mod tee;

use std::{fmt, time::Duration};

use self::{base::Base, call::Limits};
pub use self::{
    base::BaseUrlError,
    call::{Attempt, HttpCall, NotSent},
    tee::BodyTee,
};
use crate::{
    ack::AckError,
    layer::{Capture, Exchange, LlmCall},
    provider::{self, provider_name},
    who::Who,
};

/// Bytes of one body that are kept until its record is written: half of what the queue holds by default, so that one
/// body cannot close it to the others.
const BODY_BYTES_MAX: usize = 4 << 20;
/// How long the gate waits for the disk.
const PERMIT_WAIT_MAX: Duration = Duration::from_secs(5);

/// A request as it is about to be sent.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// The method; only a `POST` to a known host is a call.
    pub method: &'a str,
    /// `https`, `http`.
    pub scheme: &'a str,
    /// The host, without a port and without credentials.
    pub host: &'a str,
    /// The port, where it is not the scheme's own.
    pub port: Option<u16>,
    /// The path, as it is spelled; no query.
    pub path: &'a str,
    /// The body; `None` where it is a stream, which is left alone.
    pub body: Option<&'a [u8]>,
}

/// Which requests are calls, and what is done about them.
#[derive(Clone, Debug)]
#[must_use = "nothing is captured before an adapter uses it"]
pub struct HttpCapture {
    capture: Option<Capture>,
    bases: Vec<Base>,
    permit_wait_max: Option<Duration>,
    body_bytes_max: usize,
}

impl Default for HttpCapture {
    fn default() -> Self {
        Self {
            capture: None,
            bases: Vec::new(),
            permit_wait_max: None,
            body_bytes_max: BODY_BYTES_MAX,
        }
    }
}

impl HttpCapture {
    /// Captures for the audit layer of the dispatcher that is current where a request is sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Captures for this audit layer, also where no dispatcher is current.
    pub fn of(capture: &Capture) -> Self {
        Self {
            capture: Some(capture.clone()),
            ..Self::default()
        }
    }

    /// Makes every request below a URL a call to `provider`, a name as the conventions have it, such as `openai`.
    ///
    /// # Errors
    /// [`BaseUrlError`] where the URL is none of `http` or `https`.
    pub fn base_url(mut self, url: &str, provider: &str) -> Result<Self, BaseUrlError> {
        self.bases.push(Base::new(url, &provider_name(provider))?);
        Ok(self)
    }

    /// Refuses a call that cannot be audited: nothing is sent before its beginning is durable.
    pub fn fail_closed(self) -> Self {
        self.fail_closed_within(PERMIT_WAIT_MAX)
    }

    /// As [`HttpCapture::fail_closed`], waiting at most this long for the disk; five seconds when not set.
    pub fn fail_closed_within(mut self, wait_max: Duration) -> Self {
        self.permit_wait_max = Some(wait_max);
        self
    }

    /// Sets how many bytes of a body are kept until its record is written: 4 MiB when not set.
    ///
    /// Of a longer response the beginning and the end are kept: enough for usage, model and finish, not for the output's
    /// hash. A longer request is not kept. `capture` in the record says `response_partial`, `request_unread`.
    pub fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Returns how long the gate waits at most; `None` where calls go through whatever becomes of the audit.
    pub fn permit_wait_max(&self) -> Option<Duration> {
        self.permit_wait_max
    }

    /// Begins a call, if the request is one: the inference around the caller, else one of its own.
    ///
    /// Where the request says so itself, it is the call of its handle, and its [`Who`] asks; else a [`Who::scope`] or the
    /// spans around say who. Without an audit layer there is a call too, which records nothing.
    pub fn begin(
        &self,
        request: &Outgoing<'_>,
        who: Option<&Who>,
        handle: Option<&LlmCall>,
    ) -> Option<HttpCall> {
        let exchange = self.exchange(request)?;
        let handle = if let Some(handle) = handle {
            handle.tell_exchange(&exchange);
            handle.clone()
        } else {
            LlmCall::of_exchange(self.capture.as_ref(), &exchange)
        };
        let limits = Limits {
            permit_wait_max: self.permit_wait_max,
            body_bytes_max: self.body_bytes_max,
        };
        let call = HttpCall::new(handle, exchange.flavour, limits, request);
        if let Some(who) = who {
            call.set_who(who);
        }
        Some(call)
    }

    /// What host and path promise; `None` where the request is no call.
    fn exchange<'a>(&'a self, request: &Outgoing<'a>) -> Option<Exchange<'a>> {
        let base = self.bases.iter().find(|base| base.holds(request));
        let (provider, flavour, model) = match base {
            Some(base) => {
                let route = provider::route_path(request.path);
                let (flavour, model) = route.map(|route| (route.flavour, route.model)).unzip();
                (base.provider(), flavour, model.flatten())
            }
            None if request.method == "POST" => {
                let route = provider::route(request.host, request.path)?;
                (route.provider, Some(route.flavour), route.model)
            }
            None => return None,
        };
        Some(Exchange {
            provider,
            flavour,
            model,
            host: request.host,
            port: request.port,
        })
    }
}

/// The code under which a refusal stands in the record.
fn reason(error: AckError) -> &'static str {
    match error {
        AckError::Dropped => "audit_dropped",
        AckError::Forked => "audit_forked",
        AckError::NotAudited => "audit_absent",
        AckError::QueueFull => "audit_queue_full",
        AckError::ShutDown => "audit_shut_down",
        AckError::TimedOut => "audit_timeout",
        AckError::WriterEnded => "audit_writer_ended",
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Outgoing({} {})", self.method, self.host)
    }
}
