//! Base URLs that the host registered: gateways and servers that nobody else knows.
//!
//! Promise: a request is below a base by whole path segments, on the same scheme, host and port.
//! Not here: hosts that everybody knows (`provider`).

use super::Outgoing;

/// Why a base URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// It does not begin with `http://` or `https://`.
    #[error("a base URL begins with http:// or https://")]
    Scheme,
    /// It names no host, or a port that is no number.
    #[error("a base URL names a host, and a port only as a number")]
    Authority,
    /// It has credentials, a query or a fragment, none of which a base has.
    #[error("a base URL is scheme, host, port and path alone")]
    Rest,
}

/// A registered base URL, and who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    scheme: String,
    host: String,
    port: u16,
    /// Without a slash at its end.
    path: String,
    provider: String,
}

impl Base {
    pub(super) fn new(url: &str, provider: &str) -> Result<Self, BaseUrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(BaseUrlError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        let own_port = port_of(&scheme).ok_or(BaseUrlError::Scheme)?;
        if rest.contains(['@', '?', '#']) {
            return Err(BaseUrlError::Rest);
        }
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = authority_of(authority, own_port).ok_or(BaseUrlError::Authority)?;
        Ok(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
            path: path.trim_end_matches('/').to_owned(),
            provider: provider.to_owned(),
        })
    }

    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    pub(super) fn holds(&self, request: &Outgoing<'_>) -> bool {
        let port = request.port.or_else(|| port_of(request.scheme));
        let is_below = |path: &str| path.is_empty() || path.starts_with('/');
        request.scheme.eq_ignore_ascii_case(&self.scheme)
            && request.host.eq_ignore_ascii_case(&self.host)
            && port == Some(self.port)
            && request.path.strip_prefix(&self.path).is_some_and(is_below)
    }
}

fn port_of(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}

/// Splits `host:port`; the colons of an IPv6 address stand in brackets.
fn authority_of(authority: &str, own_port: u16) -> Option<(&str, u16)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (authority, own_port),
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(
        scheme: &'a str,
        host: &'a str,
        port: Option<u16>,
        path: &'a str,
    ) -> Outgoing<'a> {
        Outgoing {
            method: "POST",
            scheme,
            host,
            port,
            path,
            body: None,
        }
    }

    #[test]
    fn a_request_is_below_a_base_by_whole_segments() {
        let base = Base::new("https://LLM.internal/v1/", "openai").expect("a good URL");
        let cases = [
            ("https", "llm.internal", None, "/v1/chat/completions", true),
            ("https", "llm.internal", Some(443), "/v1", true),
            ("https", "llm.internal", None, "/v10/chat", false),
            ("http", "llm.internal", None, "/v1/chat", false),
            ("https", "llm.internal", Some(8443), "/v1/chat", false),
            ("https", "other.internal", None, "/v1/chat", false),
        ];
        for (scheme, host, port, path, expected) in cases {
            let request = request(scheme, host, port, path);
            assert_eq!(base.holds(&request), expected, "{path}");
        }
        let local = Base::new("http://[::1]:11434", "ollama").expect("a good URL");
        assert!(local.holds(&request("http", "[::1]", Some(11434), "/api/chat")));
    }

    #[test]
    fn what_is_no_base_is_refused() {
        let cases = [
            ("llm.internal/v1", BaseUrlError::Scheme),
            ("ftp://llm.internal", BaseUrlError::Scheme),
            ("https://", BaseUrlError::Authority),
            ("https://llm.internal:http/", BaseUrlError::Authority),
            ("https://key@llm.internal/", BaseUrlError::Rest),
            ("https://llm.internal/?key=1", BaseUrlError::Rest),
        ];
        for (url, expected) in cases {
            assert_eq!(Base::new(url, "x"), Err(expected), "{url}");
        }
    }
}
