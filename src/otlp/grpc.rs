//! OTLP over gRPC, with its own runtime: the host's may be single-threaded, shutting down, or absent.
//!
//! Promise: everything runs on whichever thread calls `send`, while it does; nothing is spawned on a runtime of the host.
//! Not here: what a status means (`status`), retries (`follower`).
//!
//! A connection that did not answer in time is thrown away: on a half-open one, every later request would hang too.

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::{Message as _, bytes::BufMut};
use tokio::runtime::{Builder, Runtime};
use tonic::{
    Status,
    client::Grpc,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use ureq::http::uri::PathAndQuery;

use super::{
    http::{USER_AGENT, certificates},
    settings::{OtlpSettings, OtlpSettingsError},
    split, status,
};
use crate::follower::{ExportError, Exported, Reason};

/// The protocol's only method.
const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// One connection to one server; made when first used, so that it lives on the Follower's thread.
pub(super) struct GrpcTransport {
    endpoint: Endpoint,
    metadata: MetadataMap,
    gzip: bool,
    timeout: Duration,
    connected: Option<Connected>,
}

struct Connected {
    runtime: Runtime,
    client: Grpc<Channel>,
}

impl GrpcTransport {
    pub(super) fn new(settings: &OtlpSettings) -> Result<Self, OtlpSettingsError> {
        Ok(Self {
            endpoint: endpoint(settings)?,
            metadata: metadata(settings)?,
            gzip: settings.gzip,
            timeout: settings.timeout,
            connected: None,
        })
    }

    /// Sends one request.
    pub(super) fn send(
        &mut self,
        message: split::Request,
        timeout: Duration,
    ) -> Result<Exported, ExportError> {
        let timeout = timeout.min(self.timeout);
        let entries = message.entries;
        let mut request = tonic::Request::new(message.bytes);
        *request.metadata_mut() = self.metadata.clone();
        let Connected { runtime, client } = self.connected()?;
        let call = async {
            client
                .ready()
                .await
                .map_err(|error| Status::from_error(error.into()))?;
            client
                .unary(request, PathAndQuery::from_static(EXPORT), AsEncoded)
                .await
        };
        let answer = runtime.block_on(async { tokio::time::timeout(timeout, call).await });
        match answer {
            Ok(Ok(response)) => Ok(status::acknowledged(response.into_inner(), entries)),
            Ok(Err(refused)) => Err(status::judge_grpc(&refused)),
            Err(_) => {
                self.disconnect();
                Err(ExportError::Unreachable(Reason::new("no answer in time")))
            }
        }
    }

    fn connected(&mut self) -> Result<&mut Connected, ExportError> {
        if self.connected.is_none() {
            self.connected = Some(self.connect()?);
        }
        Ok(self.connected.as_mut().expect("set above"))
    }

    fn disconnect(&mut self) {
        if let Some(connected) = self.connected.take() {
            // Whatever thread this is, possibly inside the host's runtime: dropping a runtime there would panic.
            connected.runtime.shutdown_background();
        }
    }

    fn connect(&self) -> Result<Connected, ExportError> {
        let failed =
            |error: std::io::Error| ExportError::Unreachable(Reason::new(&error.to_string()));
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let channel = {
            let _inside = runtime.enter();
            self.endpoint.connect_lazy()
        };
        let mut client = Grpc::new(channel);
        if self.gzip {
            // The Collector answers in the encoding in which it was asked.
            client = client
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        Ok(Connected { runtime, client })
    }
}

impl Drop for GrpcTransport {
    fn drop(&mut self) {
        self.disconnect();
    }
}

fn endpoint(settings: &OtlpSettings) -> Result<Endpoint, OtlpSettingsError> {
    let endpoint = Endpoint::from(settings.endpoint.clone())
        .connect_timeout(settings.timeout)
        .user_agent(USER_AGENT)
        .map_err(|_| OtlpSettingsError::Endpoint)?;
    if settings.endpoint.scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let mut tls = ClientTlsConfig::new();
    tls = match &settings.ca_certificate {
        Some(pem) => {
            // tonic takes anything, and then trusts nobody.
            certificates(pem)?;
            tls.ca_certificate(Certificate::from_pem(pem))
        }
        None => tls.with_enabled_roots(),
    };
    if let Some(identity) = &settings.identity {
        tls = tls.identity(Identity::from_pem(&identity.certificate, &identity.key.0));
    }
    endpoint.tls_config(tls).map_err(|_| OtlpSettingsError::Pem)
}

fn metadata(settings: &OtlpSettings) -> Result<MetadataMap, OtlpSettingsError> {
    let mut map = MetadataMap::new();
    for (name, value) in &settings.headers {
        let refused = || OtlpSettingsError::Header { name: name.clone() };
        let key: MetadataKey<Ascii> = name.parse().map_err(|_| refused())?;
        let mut value: MetadataValue<Ascii> = value.0.parse().map_err(|_| refused())?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

/// Sends a message that is encoded already.
struct AsEncoded;

impl Codec for AsEncoded {
    type Encode = Vec<u8>;
    type Decode = ExportLogsServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsEncoded {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(message.len());
        out.put_slice(&message);
        Ok(())
    }
}

impl Decoder for AsEncoded {
    type Item = ExportLogsServiceResponse;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        let decoded = ExportLogsServiceResponse::decode(bytes);
        decoded
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
