//! OTLP over HTTP/protobuf, with a blocking client: no runtime, and status, `Retry-After` and body are ours to see.
//!
//! Promise: one request, one answer, in at most the given time; no retry and no redirect inside.
//! Not here: what a status means (`status`), retries (`follower`).

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message as _;
use ureq::{
    Agent, Body,
    http::{Request, Response, header},
    tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, parse_pem},
};

use super::{
    settings::{Identity, OtlpSettings, OtlpSettingsError},
    split::Request as Message,
    status,
};
use crate::follower::{ExportError, Exported, Reason};

/// Bytes of an answer that are read: a status message needs few.
const RESPONSE_BYTES_MAX: u64 = 64 * 1024;
const PROTOBUF: &str = "application/x-protobuf";
pub(super) const USER_AGENT: &str = concat!("tracing-llm-audit/", env!("CARGO_PKG_VERSION"));

/// One connection to one URL.
pub(super) struct HttpTransport {
    agent: Agent,
    settings: OtlpSettings,
}

impl HttpTransport {
    pub(super) fn new(settings: OtlpSettings) -> Result<Self, OtlpSettingsError> {
        let proxy = settings.proxy_from_env.then(ureq::Proxy::try_from_env);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(proxy.flatten())
            .user_agent(USER_AGENT);
        if settings.endpoint.scheme_str() == Some("https") {
            config = config.tls_config(tls(&settings)?);
        }
        let agent = config.build().new_agent();
        Ok(Self { agent, settings })
    }

    /// Sends one request.
    pub(super) fn send(
        &mut self,
        message: Message,
        timeout: Duration,
    ) -> Result<Exported, ExportError> {
        let timeout = timeout.min(self.settings.timeout);
        let entries = message.entries;
        let request = self
            .request(message.bytes)
            .map_err(|error| unreachable(&error.into()))?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(timeout));
        let response = self
            .agent
            .run(request.build())
            .map_err(|error| unreachable(&error))?;
        answer(response, entries)
    }

    fn request(&self, plain: Vec<u8>) -> Result<Request<Vec<u8>>, ureq::http::Error> {
        let mut request =
            Request::post(&self.settings.endpoint).header(header::CONTENT_TYPE, PROTOBUF);
        for (name, value) in &self.settings.headers {
            request = request.header(name, &value.0);
        }
        if self.settings.gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
            return request.body(gzip(&plain));
        }
        request.body(plain)
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    out.write_all(plain)
        .expect("writing into memory does not fail");
    out.finish().expect("writing into memory does not fail")
}

fn answer(mut response: Response<Body>, entries: usize) -> Result<Exported, ExportError> {
    let http_status = response.status().as_u16();
    let text = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let retry_after = text(header::RETRY_AFTER)
        .and_then(|value| status::parse_retry_after(value, text(header::DATE)));
    let is_protobuf = text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with(PROTOBUF));
    let body = response
        .body_mut()
        .with_config()
        .limit(RESPONSE_BYTES_MAX)
        .read_to_vec();
    if !(200..300).contains(&http_status) {
        let body = body.ok().filter(|_| is_protobuf).unwrap_or_default();
        return Err(status::judge_http(http_status, retry_after, &body));
    }
    // An acknowledgement that breaks off may have been a partial success: ask again, the far side knows duplicates.
    let body = body.map_err(|error| unreachable(&error))?;
    // A success whose body is not the protocol's is a success all the same; some gateways answer with JSON or nothing.
    let response = ExportLogsServiceResponse::decode(body.as_slice()).unwrap_or_default();
    Ok(status::acknowledged(response, entries))
}

fn unreachable(error: &ureq::Error) -> ExportError {
    ExportError::Unreachable(Reason::new(&error.to_string()))
}

fn tls(settings: &OtlpSettings) -> Result<TlsConfig, OtlpSettingsError> {
    let roots = match &settings.ca_certificate {
        Some(pem) => certificates(pem)?,
        None => system_certificates(),
    };
    let roots = if roots.is_empty() {
        RootCerts::WebPki
    } else {
        RootCerts::new_with_certs(&roots)
    };
    let client = settings
        .identity
        .as_ref()
        .map(client_certificate)
        .transpose()?;
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(client)
        .build())
}

/// Reads at least one certificate.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, OtlpSettingsError> {
    let mut found = Vec::new();
    for item in parse_pem(pem) {
        if let ureq::tls::PemItem::Certificate(certificate) =
            item.map_err(|_| OtlpSettingsError::Pem)?
        {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        Err(OtlpSettingsError::Pem)
    } else {
        Ok(found)
    }
}

/// The system's certificates; empty where there are none to find, as in a bare container.
fn system_certificates() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs().certs;
    found
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect()
}

fn client_certificate(identity: &Identity) -> Result<ClientCert, OtlpSettingsError> {
    let key = PrivateKey::from_pem(&identity.key.0).map_err(|_| OtlpSettingsError::Pem)?;
    Ok(ClientCert::new_with_certs(
        &certificates(&identity.certificate)?,
        key,
    ))
}
