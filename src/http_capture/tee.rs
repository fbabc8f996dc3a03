//! The body of one response as it passes by: the client reads it as before, the record gets a copy.
//!
//! Promise: a chunk costs its copy, and nothing is held back. End, error and a body that is dropped are told apart; how
//! much is kept is bounded.
//! Not here: what the bytes mean (`provider`), what of a long body is kept (`ends`).

use std::{fmt, time::Instant};

use super::{call::HttpCall, ends::Ends};
use crate::{
    layer::nanos,
    record::{CallError, ResponseBody},
};

/// What one response's body is given to. Dropped before its end, it says that the body was.
#[must_use = "dropped at once, it says that nobody read the body"]
pub struct BodyTee(Option<Open>);

struct Open {
    call: HttpCall,
    attempt: u64,
    head: ResponseBody,
    kept: Ends,
    is_first: bool,
}

impl BodyTee {
    pub(super) fn new(call: HttpCall, attempt: u64, head: ResponseBody, bytes_max: usize) -> Self {
        Self(Some(Open {
            call,
            attempt,
            head,
            kept: Ends::new(bytes_max),
            is_first: true,
        }))
    }

    /// Makes one that records nothing.
    pub(super) fn off() -> Self {
        Self(None)
    }

    /// Tells how many bytes there will be, so that they are kept in one piece.
    pub fn expect_bytes(&mut self, bytes: u64) {
        if let Some(open) = &mut self.0 {
            open.kept.reserve(bytes);
        }
    }

    /// Takes the next chunk.
    pub fn chunk(&mut self, chunk: &[u8]) {
        let Some(open) = &mut self.0 else { return };
        if std::mem::take(&mut open.is_first) {
            open.first_chunk();
        }
        open.kept.push(chunk);
    }

    /// Tells that the body ended in the ordinary way; told again, it does nothing.
    pub fn end(&mut self) {
        self.close(true, None);
    }

    /// Tells that the body broke: by a word for `error.type`, such as `connection_cut` or `timeout`, and a text.
    pub fn failed(&mut self, error_type: &str, message: String) {
        let error_type = Some(error_type.to_owned());
        self.close(
            false,
            Some(CallError {
                error_type,
                message,
            }),
        );
    }

    fn close(&mut self, complete: bool, error: Option<CallError>) {
        let Some(open) = self.0.take() else { return };
        let is_coded = open
            .head
            .headers
            .iter()
            .any(|(name, value)| name == "content-encoding" && value != "identity");
        let (bytes, omitted_bytes) = open.kept.join(!is_coded);
        let body = ResponseBody {
            bytes,
            complete,
            omitted_bytes,
            ..open.head
        };
        open.call.tell_response(body, open.attempt, error);
    }
}

impl Open {
    fn first_chunk(&self) {
        let Some(cell) = self.call.handle().cell() else {
            return;
        };
        let first = nanos(cell.started, Instant::now());
        if let Some(record) = cell.lock().record() {
            record.first_chunk_ns.get_or_insert(first);
        }
    }
}

impl Drop for BodyTee {
    fn drop(&mut self) {
        self.close(false, None);
    }
}

impl fmt::Debug for BodyTee {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.0.is_some() {
            "BodyTee(open)"
        } else {
            "BodyTee(closed)"
        })
    }
}
