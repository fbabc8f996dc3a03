//! OTLP: the journal's entries as log records, to any Collector, over HTTP/protobuf or gRPC.
//!
//! Promise: the request is ours to the byte: its size, the status of its answer, `Retry-After` and a partial success are
//! plain values, so that the Follower can decide.
//! Not here: when to send, and what to do when it fails (`follower`).

mod encode;
mod environment;
mod grpc;
mod http;
mod settings;
mod split;
mod status;
#[cfg(test)]
mod tests;

use std::{thread, time::Duration};

pub use self::settings::{OtlpProtocol, OtlpSettings, OtlpSettingsError};
use self::{
    grpc::GrpcTransport,
    http::HttpTransport,
    split::{Request, Requests},
};
use crate::follower::{ExportError, Exported, Exporter, Reason, quietly};
use llm_audit_journal::entry::{EntryBuf, StreamId};

/// The smallest request size that a destination's refusal brings us to.
const REQUEST_BYTES_MIN: usize = 64 * 1024;

/// Sends entries as OTLP log records.
///
/// Where it is given more than one request's entries, it prepares the next request while it waits for an answer.
pub struct OtlpExporter {
    transport: Transport,
    requests: Requests,
    prepared: Option<Prepared>,
}

/// A request made ahead, and where its first entry stands.
struct Prepared {
    stream: StreamId,
    seq: u64,
    request: Request,
}

enum Transport {
    Http(Box<HttpTransport>),
    Grpc(Box<GrpcTransport>),
}

impl Transport {
    fn send(&mut self, request: Request, timeout: Duration) -> Result<Exported, ExportError> {
        match self {
            Self::Http(http) => http.send(request, timeout),
            Self::Grpc(grpc) => grpc.send(request, timeout),
        }
    }
}

impl OtlpExporter {
    /// Makes an exporter; nothing is connected yet.
    ///
    /// # Errors
    /// [`OtlpSettingsError`] where a certificate, a key or a header cannot be used.
    pub fn new(settings: OtlpSettings) -> Result<Self, OtlpSettingsError> {
        let requests = Requests::new(&settings);
        let transport = match settings.protocol {
            OtlpProtocol::HttpProtobuf => Transport::Http(Box::new(HttpTransport::new(settings)?)),
            OtlpProtocol::Grpc => Transport::Grpc(Box::new(GrpcTransport::new(&settings)?)),
        };
        Ok(Self {
            transport,
            requests,
            prepared: None,
        })
    }

    /// Takes the prepared request, where it is about the first entries of `batch`.
    fn take_prepared(&mut self, batch: &[EntryBuf]) -> Option<Request> {
        let Prepared {
            stream,
            seq,
            request,
        } = self.prepared.take()?;
        let at = *batch.first()?.as_entry().position();
        let fits = (at.stream, at.seq) == (stream, seq) && request.entries <= batch.len();
        fits.then_some(request)
    }

    /// Sends on a thread of its own, and prepares the next request meanwhile.
    fn send_and_prepare(
        &mut self,
        request: Request,
        rest: &[EntryBuf],
        timeout: Duration,
    ) -> Result<Exported, ExportError> {
        let transport = &mut self.transport;
        let sender = thread::Builder::new().name("llm-audit-otlp-send".to_owned());
        let failed = |text: &str| Err(ExportError::Unreachable(Reason::new(text)));
        thread::scope(|scope| {
            let send = move || quietly(|| transport.send(request, timeout));
            let sending = match sender.spawn_scoped(scope, send) {
                Ok(sending) => sending,
                Err(error) => return failed(&error.to_string()),
            };
            let at = *rest[0].as_entry().position();
            self.prepared = Some(Prepared {
                stream: at.stream,
                seq: at.seq,
                request: self.requests.first(rest),
            });
            sending
                .join()
                .unwrap_or_else(|_| failed("the transport panicked"))
        })
    }
}

impl Exporter for OtlpExporter {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn export(&mut self, batch: &[EntryBuf], timeout: Duration) -> Result<Exported, ExportError> {
        let prepared = self.take_prepared(batch);
        let request = prepared.unwrap_or_else(|| self.requests.first(batch));
        let rest = &batch[request.entries..];
        let result = if rest.is_empty() {
            self.transport.send(request, timeout)
        } else {
            self.send_and_prepare(request, rest, timeout)
        };
        if let Err(ExportError::TooLarge(_)) = &result {
            self.requests.shrink(REQUEST_BYTES_MIN);
            self.prepared = None;
        }
        result
    }
}

impl std::fmt::Debug for OtlpExporter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OtlpExporter").finish_non_exhaustive()
    }
}
