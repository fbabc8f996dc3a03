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

use std::time::Duration;

pub use self::settings::{OtlpProtocol, OtlpSettings, OtlpSettingsError};
use self::{grpc::GrpcTransport, http::HttpTransport, split::Requests};
use crate::{
    entry::EntryBuf,
    follower::{ExportError, Exported, Exporter},
};

/// The smallest request size that a destination's refusal brings us to.
const REQUEST_BYTES_MIN: usize = 64 * 1024;

/// Sends entries as OTLP log records.
pub struct OtlpExporter {
    transport: Transport,
    requests: Requests,
}

enum Transport {
    Http(Box<HttpTransport>),
    Grpc(Box<GrpcTransport>),
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
        })
    }
}

impl Exporter for OtlpExporter {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn export(&mut self, batch: &[EntryBuf], timeout: Duration) -> Result<Exported, ExportError> {
        let request = self.requests.first(batch);
        let result = match &mut self.transport {
            Transport::Http(http) => http.send(request, timeout),
            Transport::Grpc(grpc) => grpc.send(request, timeout),
        };
        if let Err(ExportError::TooLarge(_)) = &result {
            self.requests.shrink(REQUEST_BYTES_MIN);
        }
        result
    }
}

impl std::fmt::Debug for OtlpExporter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("OtlpExporter").finish_non_exhaustive()
    }
}
