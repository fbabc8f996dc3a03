//! The middleware for `reqwest-middleware` 0.5, which is of `reqwest` 0.13: every LLM call through a client is audited.
//!
//! Promise: the client sees what it would see without it: status, version, headers, URL, extensions, and the body frame
//! by frame, with its size hint and its back-pressure. Nothing is held back. An error of the body has one more
//! `reqwest::Error` around its source; its kind, and what `is_timeout` says, stay.
//! Not here: what is a call, its attempts, what is kept of bodies ([`http_capture`](crate::http_capture)).
//!
//! # Order
//! Around the middleware that sends again, or within it: both give one record. Within (added after it), each attempt is
//! seen; around (added before it), the last answer is, and [`AttemptCounter`], added after it, counts the attempts.
//! A middleware that reads or changes bodies stands before this one, or its work is not what is recorded.
//!
//! # Who asks
//! By a [`Who`] among the request's extensions, else by the scope of the task ([`Who::scope`]), else by the spans. A
//! call outside of any LLM span for which none of them speaks has the user that its body names (`user`,
//! `safety_identifier`, `metadata.user_id`), if it names one.
//!
//! An [`LlmCall`] among the extensions makes the request part of that call: of one that was started without a span.
//!
//! # Examples
//! ```
//! use reqwest_middleware::ClientBuilder;
//! use tracing_llm_audit::{Who, reqwest_middleware_0_5::AuditMiddleware};
//!
//! # async fn ask(request: String) -> Result<(), Box<dyn std::error::Error>> {
//! let audit = AuditMiddleware::new().base_url("https://llm.internal/v1", "openai")?.fail_closed();
//! let client = ClientBuilder::new(reqwest::Client::new()).with(audit).build();
//! let response = client
//!     .post("https://api.anthropic.com/v1/messages")
//!     .with_extension(Who::new().user("ada"))
//!     .body(request)
//!     .send()
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod failure;

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_types_1::{self as http, Extensions};
use reqwest::{Body, Request, Response, ResponseBuilderExt as _};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::{
    ack::AckError,
    http_capture::{BaseUrlError, BodyTee, HttpCall, HttpCapture, NotSent, Outgoing},
    layer::{Capture, LlmCall},
    who::Who,
};

/// The middleware: add it with `ClientBuilder::with`.
#[derive(Clone, Debug, Default)]
#[must_use = "it audits nothing before it is part of a client"]
pub struct AuditMiddleware(HttpCapture);

/// Counts the attempts at a call whose [`AuditMiddleware`] stands around the middleware that sends again.
///
/// It stands within that one: `.with(audit).with(retry).with(AttemptCounter)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptCounter;

impl AuditMiddleware {
    /// Audits for the layer of the dispatcher that is current where a request is sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Audits for this layer, also on tasks where no dispatcher is current; see [`crate::AuditGuard::capture`].
    pub fn of(capture: &Capture) -> Self {
        Self(HttpCapture::of(capture))
    }

    /// Audits every request below a URL, as a call to `provider`; hosts that everybody knows need no such word.
    ///
    /// # Errors
    /// [`BaseUrlError`] where the URL is none of `http` or `https`.
    pub fn base_url(self, url: &str, provider: &str) -> std::result::Result<Self, BaseUrlError> {
        Ok(Self(self.0.base_url(url, provider)?))
    }

    /// Refuses a call that cannot be audited: nothing is sent before an entry that says so is durable.
    ///
    /// The error is [`Error::Middleware`] with a [`NotSent`] inside; it is not one that is sent again. Waits at most five
    /// seconds for the disk, and does not block the runtime meanwhile.
    pub fn fail_closed(self) -> Self {
        Self(self.0.fail_closed())
    }

    /// As [`AuditMiddleware::fail_closed`], waiting at most this long.
    pub fn fail_closed_within(self, wait_max: Duration) -> Self {
        Self(self.0.fail_closed_within(wait_max))
    }

    /// Sets how many bytes of a body are kept until its record is written; see [`HttpCapture::body_bytes_max`].
    pub fn body_bytes_max(self, bytes: usize) -> Self {
        Self(self.0.body_bytes_max(bytes))
    }

    /// Returns the call that a request is: one that is sent again, or a new one.
    fn call(&self, request: &Request, extensions: &mut Extensions) -> Option<HttpCall> {
        let outgoing = outgoing(request)?;
        let known = extensions.get::<InFlight>();
        if let Some(InFlight(call)) = known.filter(|InFlight(call)| call.is_again(&outgoing)) {
            return Some(call.clone());
        }
        let (who, handle) = (extensions.get::<Who>(), extensions.get::<LlmCall>());
        let call = self.0.begin(&outgoing, who, handle)?;
        extensions.insert(InFlight(call.clone()));
        Some(call)
    }
}

/// The call among the extensions of its request, which every attempt shares.
#[derive(Clone)]
struct InFlight(HttpCall);

#[async_trait::async_trait]
impl Middleware for AuditMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Some(call) = self.call(&request, extensions) else {
            return next.run(request, extensions).await;
        };
        if call.is_running() {
            call.count_within();
            return next.run(request, extensions).await;
        }
        let call = permitted(call).await?;
        if !call.is_recording() {
            return next.run(request, extensions).await;
        }
        let attempt = call.attempt();
        drop(call);
        match next.run(request, extensions).await {
            Ok(response) => {
                let headers = response.headers().iter();
                let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
                let tee = attempt.response(response.status().as_u16(), headers);
                Ok(teed(response, tee))
            }
            Err(error) => {
                let (error_type, message) = failure::of(&error);
                attempt.failed(error_type, message);
                Err(error)
            }
        }
    }
}

#[async_trait::async_trait]
impl Middleware for AttemptCounter {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        if let Some(InFlight(call)) = extensions.get::<InFlight>()
            && call.is_running()
        {
            call.count_within();
        }
        next.run(request, extensions).await
    }
}

/// Waits until the call may be sent, where that was asked for.
async fn permitted(call: HttpCall) -> Result<HttpCall> {
    let Some(wait_max) = call.permit_wait_max() else {
        return Ok(call);
    };
    let permit = tokio::time::timeout(wait_max, call.permit()).await;
    match permit.unwrap_or(Err(AckError::TimedOut)) {
        Ok(_) => Ok(call),
        Err(error) => Err(Error::middleware::<NotSent>(call.refused(error))),
    }
}

/// What of a request bears on the audit; `None` for a URL without a host.
fn outgoing(request: &Request) -> Option<Outgoing<'_>> {
    let url = request.url();
    Some(Outgoing {
        method: request.method().as_str(),
        scheme: url.scheme(),
        host: url.host_str()?,
        port: url.port(),
        path: url.path(),
        body: match request.body() {
            Some(body) => body.as_bytes(),
            None => Some(&[]),
        },
    })
}

/// Puts the tee around a response's body, and leaves the rest as it is.
fn teed(response: Response, mut tee: BodyTee) -> Response {
    let url = response.url().clone();
    let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
    // The one way to hand a URL back: its type is reqwest's own.
    if let Ok(carrier) = http::Response::builder().url(url).body(()) {
        parts.extensions.extend(carrier.into_parts().0.extensions);
    }
    if let Some(bytes) = body.size_hint().exact() {
        tee.expect_bytes(bytes);
    }
    let body = Body::wrap(TeedBody { body, tee });
    Response::from(http::Response::from_parts(parts, body))
}

/// A response's body that tells what passes.
struct TeedBody {
    body: Body,
    tee: BodyTee,
}

impl http_body::Body for TeedBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, reqwest::Error>>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(chunk) = frame.data_ref() {
                    this.tee.chunk(chunk);
                }
                // A client that knows the length does not ask for more.
                if this.body.is_end_stream() {
                    this.tee.end();
                }
            }
            Poll::Ready(Some(Err(error))) => {
                let (error_type, message) = failure::of_body(error);
                this.tee.failed(error_type, message);
            }
            Poll::Ready(None) => this.tee.end(),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for TeedBody {
    fn drop(&mut self) {
        // An empty body is at its end before anybody asks.
        if self.body.is_end_stream() {
            self.tee.end();
        }
    }
}

impl fmt::Debug for TeedBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TeedBody({:?})", self.tee)
    }
}
