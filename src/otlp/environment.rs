//! The standard variables: `OTEL_EXPORTER_OTLP_*`, their `_LOGS_` forms, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`.
//!
//! Promise: a `_LOGS_` form replaces the general one; empty is unset; nothing else of the environment is read, but
//! the proxy variables by the HTTP client. `OTEL_SDK_DISABLED` is not obeyed: an audit is not switched off by accident.
//!
//! # Source
//! OpenTelemetry specification, "OpenTelemetry Protocol Exporter" and "Environment Variable Specification", 1.55.

use std::{borrow::Cow, path::PathBuf};

use ureq::http::Uri;

use super::settings::{OtlpProtocol, OtlpSettings, OtlpSettingsError, Secret, parse_url};
use crate::otlp::settings::Identity;

impl OtlpSettings {
    /// Reads the standard variables; what is unset has the specification's default.
    ///
    /// # Errors
    /// [`OtlpSettingsError`] where a variable has a value that it cannot have, or names an unreadable file.
    pub fn from_env() -> Result<Self, OtlpSettingsError> {
        let settings = Environment::real().settings()?;
        Ok(Self {
            proxy_from_env: true,
            ..settings
        })
    }

    /// Reads the standard variables where one of them names an endpoint for logs; else there is nothing to send to.
    ///
    /// # Errors
    /// As [`OtlpSettings::from_env`].
    pub fn from_env_if_set() -> Result<Option<Self>, OtlpSettingsError> {
        let set = Environment::real().find("ENDPOINT").is_some();
        set.then(Self::from_env).transpose()
    }
}

/// The variables, through a function that tests can own.
struct Environment<'a> {
    read: &'a dyn Fn(&str) -> Option<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "called by `from_env` constructors alone"
)]
fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Environment<'_> {
    fn real() -> Self {
        Self {
            read: &read_variable,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        let value = (self.read)(name)?.trim().to_owned();
        (!value.is_empty()).then_some(value)
    }

    /// Finds `OTEL_EXPORTER_OTLP_LOGS_<option>`, else `OTEL_EXPORTER_OTLP_<option>`, with the name that had it.
    fn find(&self, option: &str) -> Option<(String, String)> {
        [
            format!("OTEL_EXPORTER_OTLP_LOGS_{option}"),
            format!("OTEL_EXPORTER_OTLP_{option}"),
        ]
        .into_iter()
        .find_map(|name| self.variable(&name).map(|value| (name, value)))
    }

    fn settings(&self) -> Result<OtlpSettings, OtlpSettingsError> {
        let protocol = self.protocol()?;
        let mut settings = OtlpSettings::new(protocol, self.endpoint(protocol)?);
        if let Some((name, value)) = self.find("TIMEOUT") {
            let millis = value.parse().map_err(|_| refused(&name, "milliseconds"))?;
            settings = settings.timeout(std::time::Duration::from_millis(millis));
        }
        settings.gzip = self.gzip()?;
        if let Some((variable, pairs)) = self.find("HEADERS") {
            for (name, value) in parse_pairs(&variable, &pairs)? {
                settings.add_header(&name, &value)?;
            }
        }
        settings.ca_certificate = self.file("CERTIFICATE")?;
        settings.identity = self.identity()?;
        self.resource(settings)
    }

    fn protocol(&self) -> Result<OtlpProtocol, OtlpSettingsError> {
        match self.find("PROTOCOL") {
            None => Ok(OtlpProtocol::default()),
            Some((_, value)) if value.eq_ignore_ascii_case("grpc") => Ok(OtlpProtocol::Grpc),
            Some((_, value)) if value.eq_ignore_ascii_case("http/protobuf") => {
                Ok(OtlpProtocol::HttpProtobuf)
            }
            Some((name, _)) => Err(refused(&name, "`http/protobuf` or `grpc`")),
        }
    }

    fn endpoint(&self, protocol: OtlpProtocol) -> Result<Uri, OtlpSettingsError> {
        if protocol == OtlpProtocol::Grpc {
            return self.endpoint_grpc();
        }
        if let Some(url) = self.variable("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") {
            return parse_url(&url);
        }
        let base = self.variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        let base = base.as_deref().unwrap_or("http://localhost:4318");
        parse_url(&format!("{}/v1/logs", base.trim_end_matches('/')))
    }

    /// A gRPC endpoint may lack a scheme: then `..._INSECURE` says whether TLS is used, and it is by default.
    fn endpoint_grpc(&self) -> Result<Uri, OtlpSettingsError> {
        let url = self.find("ENDPOINT").map(|(_, url)| url);
        let url = url.unwrap_or_else(|| "http://localhost:4317".to_owned());
        if url.contains("://") {
            return parse_url(&url);
        }
        let insecure = self.find("INSECURE").map(|(_, value)| value);
        let insecure = insecure.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        parse_url(&format!("http{}://{url}", if insecure { "" } else { "s" }))
    }

    fn gzip(&self) -> Result<bool, OtlpSettingsError> {
        match self.find("COMPRESSION") {
            None => Ok(false),
            Some((_, value)) if value.eq_ignore_ascii_case("none") => Ok(false),
            Some((_, value)) if value.eq_ignore_ascii_case("gzip") => Ok(true),
            Some((name, _)) => Err(refused(&name, "`gzip` or `none`")),
        }
    }

    fn identity(&self) -> Result<Option<Identity>, OtlpSettingsError> {
        let certificate = self.file("CLIENT_CERTIFICATE")?;
        match (certificate, self.file("CLIENT_KEY")?) {
            (Some(certificate), Some(key)) => Ok(Some(Identity {
                certificate,
                key: Secret(key),
            })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(refused(
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                "a file, beside the client certificate",
            )),
            (None, Some(_)) => Err(refused(
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                "a file, beside the client key",
            )),
        }
    }

    fn file(&self, option: &str) -> Result<Option<Vec<u8>>, OtlpSettingsError> {
        let Some((variable, path)) = self.find(option) else {
            return Ok(None);
        };
        let path = PathBuf::from(path);
        // The one file access outside the journal: certificates that the operator names.
        let bytes = std::fs::read(&path).map_err(|source| OtlpSettingsError::File {
            variable,
            path,
            source,
        })?;
        Ok(Some(bytes))
    }

    fn resource(&self, mut settings: OtlpSettings) -> Result<OtlpSettings, OtlpSettingsError> {
        let variable = "OTEL_RESOURCE_ATTRIBUTES";
        if let Some(pairs) = self.variable(variable) {
            for (name, value) in parse_pairs(variable, &pairs)? {
                settings = settings.resource(name, value);
            }
        }
        if let Some(name) = self.variable("OTEL_SERVICE_NAME") {
            settings = settings.resource("service.name", name);
        }
        Ok(settings)
    }
}

fn refused(variable: &str, expected: &'static str) -> OtlpSettingsError {
    OtlpSettingsError::Variable {
        variable: variable.to_owned(),
        expected,
    }
}

/// Parses `key=value,key=value` with percent-encoded values, W3C Baggage without properties.
fn parse_pairs(variable: &str, pairs: &str) -> Result<Vec<(String, String)>, OtlpSettingsError> {
    pairs
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or(("", ""));
            let decoded = percent_decode(value.trim()).filter(|_| !key.trim().is_empty());
            match decoded {
                Some(value) => Ok((key.trim().to_owned(), value.into_owned())),
                None => Err(refused(
                    variable,
                    "`key=value` pairs, percent-encoded, with commas",
                )),
            }
        })
        .collect()
}

/// Decodes `%` with two hex digits; anything else after `%` stands for itself. `None` where the result is not UTF-8.
fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let decoded = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        out.push(decoded.unwrap_or(*first));
        rest = &tail[if decoded.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<OtlpSettings, OtlpSettingsError> {
        let read = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Environment { read: &read }.settings()
    }

    fn endpoint(variables: &[(&str, &str)]) -> String {
        settings(variables).expect("valid").endpoint.to_string()
    }

    #[test]
    fn nothing_set_is_the_specification_s_default() {
        let settings = settings(&[]).expect("valid");
        assert_eq!(settings.protocol, OtlpProtocol::HttpProtobuf);
        assert_eq!(
            settings.endpoint.to_string(),
            "http://localhost:4318/v1/logs"
        );
        assert_eq!(settings.timeout, Duration::from_secs(10));
        assert!(!settings.gzip && settings.headers.is_empty());
    }

    #[test]
    fn a_base_endpoint_gets_the_signal_s_path_and_a_signal_s_own_is_used_as_it_is() {
        let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
        let own = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
        assert_eq!(
            endpoint(&[(base, "http://c:4318")]),
            "http://c:4318/v1/logs"
        );
        assert_eq!(endpoint(&[(base, "http://c/my/")]), "http://c/my/v1/logs");
        assert_eq!(
            endpoint(&[(base, "http://c/"), (own, "https://d/x")]),
            "https://d/x"
        );
        assert_eq!(endpoint(&[(own, "https://d")]), "https://d/");
        assert_eq!(endpoint(&[(base, "")]), "http://localhost:4318/v1/logs");
    }

    #[test]
    fn a_grpc_endpoint_without_a_scheme_is_secure_unless_said_otherwise() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317");
        let insecure = ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "TRUE");
        assert_eq!(endpoint(&[grpc]), "http://localhost:4317/");
        assert_eq!(endpoint(&[grpc, base]), "https://c:4317/");
        assert_eq!(endpoint(&[grpc, base, insecure]), "http://c:4317/");
        let explicit = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4317");
        assert_eq!(endpoint(&[grpc, explicit, insecure]), "https://c:4317/");
    }

    #[test]
    fn headers_are_percent_decoded_replaced_by_the_signal_s_own_and_never_printed() {
        let general = (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "api-key=a%20b%2Cc, X-Team = blue,,",
        );
        let read = settings(&[general]).expect("valid");
        let pairs: Vec<_> = read
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.0.as_str()))
            .collect();
        assert_eq!(pairs, [("api-key", "a b,c"), ("x-team", "blue")]);
        assert!(!format!("{read:?}").contains("a b,c"));
        let own = ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "only=me");
        assert_eq!(settings(&[general, own]).expect("valid").headers.len(), 1);
    }

    #[test]
    fn timeout_and_compression() {
        let read = settings(&[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
        ]);
        let read = read.expect("valid");
        assert_eq!(
            (read.timeout, read.gzip),
            (Duration::from_millis(2500), true)
        );
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_that_names_the_variable() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-secret"),
            ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/does/not/exist.pem"),
        ] {
            let error = settings(&[(name, value)]).expect_err(name).to_string();
            assert!(error.contains(name) && !error.contains("secret"), "{error}");
        }
        assert!(settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]).is_err());
    }

    #[test]
    fn the_service_name_s_own_variable_wins() {
        let attributes = (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=a,deployment.environment.name=prod%2Feu",
        );
        let read = settings(&[attributes, ("OTEL_SERVICE_NAME", "b")]).expect("valid");
        let expected = [
            ("deployment.environment.name", "prod/eu"),
            ("service.name", "b"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read.resource, expected);
    }
}
