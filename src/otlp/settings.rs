//! Where OTLP log records are sent and how: by code, or from the standard `OTEL_EXPORTER_OTLP_*` variables.
//!
//! Promise: a setting that cannot be understood is an error at start, never a silent default; header values and
//! keys are never printed.
//! Not here: reading the variables (`environment`), sending (`http`, `grpc`).

use std::{fmt, path::PathBuf, time::Duration};

use ureq::http::Uri;

/// How long one request may take, unless configured: the OTLP specification's default.
pub(crate) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// The longest that one request may take: the specification's "no limit" would hang on a half-open connection.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Request bytes before compression: below the 4 MiB that a gRPC server accepts by default.
pub(crate) const REQUEST_BYTES_MAX: usize = 3 * 1024 * 1024 + 512 * 1024;

/// The way a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// Protobuf in HTTP/1.1 POST requests, `http/protobuf`.
    #[default]
    HttpProtobuf,
    /// gRPC over HTTP/2, `grpc`.
    Grpc,
}

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret<T>(pub(crate) T);

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[not shown]")
    }
}

/// The client's certificate chain and private key, both PEM.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Secret<Vec<u8>>,
}

/// Where audit records are sent as OTLP log records, and how.
///
/// `Debug` shows header names, never their values.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own, set by its own method"
)]
pub struct OtlpSettings {
    pub(crate) protocol: OtlpProtocol,
    pub(crate) endpoint: Uri,
    pub(crate) headers: Vec<(String, Secret<String>)>,
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
    pub(crate) ca_certificate: Option<Vec<u8>>,
    pub(crate) identity: Option<Identity>,
    pub(crate) proxy_from_env: bool,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) content: bool,
    pub(crate) line_body: bool,
    pub(crate) request_bytes_max: usize,
}

impl OtlpSettings {
    /// Sends protobuf over HTTP to exactly `url`, such as `http://localhost:4318/v1/logs`.
    ///
    /// # Errors
    /// [`OtlpSettingsError::Endpoint`] where `url` has no `http` or `https` scheme, or no host.
    pub fn http(url: &str) -> Result<Self, OtlpSettingsError> {
        Ok(Self::new(OtlpProtocol::HttpProtobuf, parse_url(url)?))
    }

    /// Sends over gRPC to the server at `url`, such as `http://localhost:4317`.
    ///
    /// # Errors
    /// [`OtlpSettingsError::Endpoint`] where `url` has no `http` or `https` scheme, or no host.
    pub fn grpc(url: &str) -> Result<Self, OtlpSettingsError> {
        Ok(Self::new(OtlpProtocol::Grpc, parse_url(url)?))
    }

    pub(crate) fn new(protocol: OtlpProtocol, endpoint: Uri) -> Self {
        Self {
            protocol,
            endpoint,
            headers: Vec::new(),
            timeout: TIMEOUT_DEFAULT,
            gzip: false,
            ca_certificate: None,
            identity: None,
            proxy_from_env: false,
            resource: vec![("service.name".to_owned(), "unknown_service".to_owned())],
            content: false,
            line_body: false,
            request_bytes_max: REQUEST_BYTES_MAX,
        }
    }

    /// Adds a header (gRPC: metadata) to every request.
    ///
    /// # Errors
    /// [`OtlpSettingsError::Header`] where the name or the value cannot stand in a header.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, OtlpSettingsError> {
        self.add_header(name, value)?;
        Ok(self)
    }

    pub(crate) fn add_header(&mut self, name: &str, value: &str) -> Result<(), OtlpSettingsError> {
        let refused = || OtlpSettingsError::Header {
            name: name.to_owned(),
        };
        let name = ureq::http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        ureq::http::HeaderValue::from_str(value).map_err(|_| refused())?;
        let name = name.as_str().to_owned();
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, Secret(value.to_owned())));
        Ok(())
    }

    /// Sets how long one request may take; zero and more than five minutes mean five minutes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        let bounded = !timeout.is_zero() && timeout < TIMEOUT_MAX;
        self.timeout = if bounded { timeout } else { TIMEOUT_MAX };
        self
    }

    /// Compresses requests with gzip.
    #[must_use]
    pub fn gzip(mut self, on: bool) -> Self {
        self.gzip = on;
        self
    }

    /// Trusts the certificates in `pem` and no others; without it, the system's.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificate = Some(pem.into());
        self
    }

    /// Presents a client certificate; both are PEM.
    #[must_use]
    pub fn identity(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some(Identity {
            certificate: certificate.into(),
            key: Secret(key.into()),
        });
        self
    }

    /// Sets an attribute of the resource, such as `service.name`.
    #[must_use]
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.resource.retain(|(known, _)| *known != name);
        self.resource.push((name, value.into()));
        self
    }

    /// Sends content too, where the journal has any: as structured values.
    ///
    /// Off by default: what a Collector receives is seen by whoever sees its backend.
    #[must_use]
    pub fn content(mut self, on: bool) -> Self {
        self.content = on;
        self
    }

    /// Sends the journal's line as the body, so that the far side can check every commitment without us.
    ///
    /// The line holds the salts, and content where the journal has any: for a destination trusted like the journal.
    #[must_use]
    pub fn line_body(mut self, on: bool) -> Self {
        self.line_body = on;
        self
    }

    /// Sets the largest request in bytes before compression; one record larger than it still goes, alone.
    #[must_use]
    pub fn request_bytes_max(mut self, bytes: usize) -> Self {
        self.request_bytes_max = bytes.max(1);
        self
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OtlpSettingsError {
    /// The endpoint is no URL with scheme `http` or `https` and a host.
    #[error("the OTLP endpoint is no http or https URL with a host")]
    Endpoint,
    /// A header has a name or a value that cannot stand in a header; the value is not shown.
    #[error("the OTLP header {name:?} cannot be sent")]
    Header {
        /// The header's name.
        name: String,
    },
    /// A variable's value is not one that it can have.
    #[error("{variable} has a value that it cannot have: {expected} expected")]
    Variable {
        /// The variable's name.
        variable: String,
        /// What it can have.
        expected: &'static str,
    },
    /// A certificate or key file could not be read.
    #[error("{variable} names a file that cannot be read: {}", path.display())]
    File {
        /// The variable's name.
        variable: String,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A certificate or key is not PEM that can be used.
    #[error("an OTLP certificate or key is not usable PEM")]
    Pem,
}

/// Parses a URL that has a scheme and a host; an empty path becomes `/`.
pub(crate) fn parse_url(url: &str) -> Result<Uri, OtlpSettingsError> {
    let uri: Uri = url
        .trim()
        .parse()
        .map_err(|_| OtlpSettingsError::Endpoint)?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(uri),
        _ => Err(OtlpSettingsError::Endpoint),
    }
}
