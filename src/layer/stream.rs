//! A streamed response, teed: the host reads its stream as before, the record gets the body.
//!
//! Promise: items pass unchanged and undelayed; the record knows the first chunk's time and the true end. A stream
//! that is dropped before its end makes the record `incomplete`, unless its body says that it was done.
//! Not here: reading the body (`provider`).
//!
//! `Stream` is `futures_core`'s, the one trait that HTTP clients and runtimes share; that crate has no dependencies,
//! and nothing else of it is used.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use futures_core::Stream;
use serde::Serialize;

use super::{call::nanos, handle::LlmCall};
use crate::record::{CallError, ResponseBody};

/// Adds one item's bytes to the body, or says what broke the stream.
type Read<T> = fn(&T, &mut Vec<u8>) -> Result<(), String>;

/// A stream whose items the call's record gets too; it keeps the call's span open until its end.
#[must_use = "a stream does nothing until it is read"]
pub struct AuditedStream<S: Stream> {
    stream: Pin<Box<S>>,
    read: Read<S::Item>,
    tee: Tee,
}

/// What was gathered of a body; the call is told when it ends, or is dropped.
struct Tee {
    /// `None` once the call was told.
    call: Option<LlmCall>,
    body: ResponseBody,
    error: Option<String>,
}

impl LlmCall {
    /// Tees the byte stream of a response body, such as `reqwest`'s `bytes_stream()`.
    pub fn stream<S, B, E>(&self, stream: S) -> AuditedStream<S>
    where
        S: Stream<Item = Result<B, E>>,
        B: AsRef<[u8]>,
        E: fmt::Display,
    {
        self.stream_with(stream, |item, body| {
            let chunk = item.as_ref().map_err(ToString::to_string)?;
            body.extend_from_slice(chunk.as_ref());
            Ok(())
        })
    }

    /// Tees a stream of events that a client library parsed already: each is recorded as a server-sent event.
    pub fn stream_events<S, T, E>(&self, stream: S) -> AuditedStream<S>
    where
        S: Stream<Item = Result<T, E>>,
        T: Serialize,
        E: fmt::Display,
    {
        self.stream_with(stream, |item, body| {
            let event = item.as_ref().map_err(ToString::to_string)?;
            body.extend_from_slice(b"data: ");
            serde_json::to_writer(&mut *body, event).map_err(|error| error.to_string())?;
            body.extend_from_slice(b"\n\n");
            Ok(())
        })
    }

    /// Tees any stream: `read` adds an item's bytes to the body, or returns the text of an error.
    pub fn stream_with<S: Stream>(
        &self,
        stream: S,
        read: fn(&S::Item, &mut Vec<u8>) -> Result<(), String>,
    ) -> AuditedStream<S> {
        let call = self.is_recording().then(|| self.clone());
        let tee = Tee {
            call,
            body: ResponseBody::default(),
            error: None,
        };
        AuditedStream {
            stream: Box::pin(stream),
            read,
            tee,
        }
    }
}

impl<S: Stream> AuditedStream<S> {
    /// Tells the response's HTTP status.
    pub fn http_status(mut self, http_status: u16) -> Self {
        self.tee.body.http_status = Some(http_status);
        self
    }
}

impl<S: Stream> Stream for AuditedStream<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = &mut *self;
        let polled = this.stream.as_mut().poll_next(context);
        match &polled {
            Poll::Ready(Some(item)) => this.tee.item(item, this.read),
            Poll::Ready(None) => this.tee.end(true),
            Poll::Pending => {}
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl Tee {
    fn item<T>(&mut self, item: &T, read: Read<T>) {
        let Some(cell) = self.call.as_ref().and_then(LlmCall::cell) else {
            return;
        };
        if self.body.bytes.is_empty() {
            let first = nanos(cell.started, Instant::now());
            if let Some(record) = cell.lock().record() {
                record.first_chunk_ns.get_or_insert(first);
            }
        }
        if let Err(error) = read(item, &mut self.body.bytes) {
            self.error.get_or_insert(error);
        }
    }

    fn end(&mut self, is_complete: bool) {
        let Some(handle) = self.call.take() else {
            return;
        };
        let mut body = std::mem::take(&mut self.body);
        body.complete = is_complete && self.error.is_none();
        let error = self.error.take();
        let Some(cell) = handle.cell() else {
            return;
        };
        let mut state = cell.lock();
        state.is_cut |= !is_complete && error.is_none();
        if let Some(data) = state.data() {
            data.responses.push(body);
            if let Some(message) = error {
                data.error.get_or_insert(CallError {
                    error_type: None,
                    message,
                });
            }
        }
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.end(false);
    }
}

// The stream is boxed, and items are handed on at once: nothing of `S` is pinned in here.
impl<S: Stream> Unpin for AuditedStream<S> {}

impl<S: Stream> fmt::Debug for AuditedStream<S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "AuditedStream({} bytes so far)",
            self.tee.body.bytes.len()
        )
    }
}
