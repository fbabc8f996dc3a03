//! Explains one exchange with a provider: what the response says, what the audit's record of it says, and the bill.
//!
//! Promise: the record's part is found out by the very judge that writes records; nothing is computed a second time.
//! What the response says is given as the provider counts it, beside the record's canonical totals.
//! Not here: files, and telling framings that only files have (`llm-audit usage`); hashes of content.

mod seen;
mod spelled;
#[cfg(test)]
mod tests;
mod verdict;

pub use seen::{Iterations, OtherIteration, Seen, SeenError};
pub use verdict::Verdict;

pub use crate::price::CostLine;

use crate::{
    facts::{FactValue, Facts},
    flavour::Flavour,
    judge::judge,
    operation::{RequestId, TraceIds},
    price::PriceTable,
    provider::{self, Body, PathRoute, Want, read_request},
    record::{AuditRecord, CallData, Capture, End, ResponseBody, Stage},
    semconv::Slot,
};
use llm_audit_journal::clock::Timestamp;

/// One exchange with a provider, as far as it is known.
///
/// Only the response is needed; what else is told makes the answer surer. The flavour is that which was given, else
/// that of the path, else what the body looks like.
///
/// # Examples
/// ```
/// use tracing_llm_audit::{Flavour, PriceTable, Timestamp, explain::Exchange};
///
/// let body = br#"{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-2024-08-06",
///     "choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],
///     "usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}"#;
/// let told = Exchange::new(body)
///     .provider("openai")
///     .flavour(Flavour::OpenAiChat)
///     .http_status(200)
///     .at(Timestamp::parse("2026-08-01T00:00:00.000000Z").unwrap())
///     .explain(&PriceTable::embedded());
///
/// assert_eq!(told.seen.input_tokens_reported, Some(1000));
/// assert_eq!(told.record.status.as_str(), "success");
/// assert_eq!(told.record.cost_usd.unwrap().to_string(), "0.0035");
/// ```
#[derive(Clone)]
#[must_use = "an exchange says nothing until it is explained"]
pub struct Exchange<'a> {
    response: &'a [u8],
    request: Option<&'a [u8]>,
    provider: Option<&'a str>,
    flavour: Option<Flavour>,
    host: Option<&'a str>,
    path: Option<&'a str>,
    model: Option<&'a str>,
    tenant: Option<&'a str>,
    http_status: Option<u16>,
    headers: Vec<(String, String)>,
    is_whole: bool,
    at: Timestamp,
}

/// What there is to say about one exchange.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// What the response says, in the provider's own counting beside the canonical one.
    pub seen: Seen,
    /// What the audit's record of this exchange says.
    pub record: Verdict,
}

impl<'a> Exchange<'a> {
    /// Makes an exchange of a response's body: whole, or the bytes of its stream.
    pub fn new(response: &'a [u8]) -> Self {
        Self {
            response,
            request: None,
            provider: None,
            flavour: None,
            host: None,
            path: None,
            model: None,
            tenant: None,
            http_status: None,
            headers: Vec::new(),
            is_whole: true,
            at: Timestamp::default(),
        }
    }

    /// Gives the request's body.
    pub fn request(mut self, body: &'a [u8]) -> Self {
        self.request = Some(body);
        self
    }

    /// Names the provider, by the conventions' name or one that emitters use.
    pub fn provider(mut self, name: &'a str) -> Self {
        self.provider = Some(name);
        self
    }

    /// Says which API it was.
    pub fn flavour(mut self, flavour: Flavour) -> Self {
        self.flavour = Some(flavour);
        self
    }

    /// Names the host that was asked: it tells the provider where none is named.
    pub fn host(mut self, host: &'a str) -> Self {
        self.host = Some(host);
        self
    }

    /// Gives the request's path, which names the model where the bodies do not (Gemini, Bedrock, Azure).
    pub fn path(mut self, path: &'a str) -> Self {
        self.path = Some(path);
        self
    }

    /// Names the model that was asked for, where neither request nor path are there to tell.
    pub fn model(mut self, model: &'a str) -> Self {
        self.model = Some(model);
        self
    }

    /// Names the tenant, for whom other prices may have been negotiated.
    pub fn tenant(mut self, tenant: &'a str) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Gives the status of the HTTP response; without it nothing but the body tells an error.
    pub fn http_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }

    /// Gives one of the response's headers.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Says that the body was cut: its connection broke, or its reader went away.
    pub fn cut(mut self) -> Self {
        self.is_whole = false;
        self
    }

    /// Says when the request started, which decides the prices; the epoch where it is not said.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.at = time;
        self
    }

    /// Explains the exchange at these prices.
    pub fn explain(&self, prices: &PriceTable) -> Explanation {
        let (provider, route) = self.route();
        let told = route.as_ref().map(|route| route.flavour);
        let flavour = self.flavour.or(told);
        let body = Body {
            bytes: self.response,
            http_status: self.http_status,
            is_whole: self.is_whole,
            flavour,
            headers: &self.headers,
        };
        let model = route.and_then(|route| route.model);
        let record = self.record(flavour, self.facts(provider, model.as_deref()));
        let outcome = judge(&record, prices);
        let reading = provider::read(&body, Want::Facts);
        Explanation {
            seen: Seen::of(&reading, &body, &outcome),
            record: Verdict::of(outcome),
        }
    }

    /// What host and path promise: the provider, where the host is known, and the rest.
    fn route(&self) -> (Option<&'static str>, Option<PathRoute>) {
        let Some(path) = self.path else {
            return (None, None);
        };
        match provider::route(self.host.unwrap_or_default(), path) {
            Some(route) => {
                let rest = PathRoute {
                    flavour: route.flavour,
                    model: route.model,
                    stream: route.stream,
                };
                (Some(route.provider), Some(rest))
            }
            None => (None, provider::route_path(path)),
        }
    }

    /// The record that the audit would have of this exchange.
    fn record(&self, flavour: Option<Flavour>, facts: Facts) -> AuditRecord {
        AuditRecord {
            stage: Stage::Ended,
            request_id: RequestId::new(self.at, &[0; 10]),
            started_at: self.at,
            latency_ns: 0,
            first_chunk_ns: None,
            name: "exchange",
            facts,
            call: Some(Box::new(CallData {
                request: self.request.map(<[u8]>::to_vec),
                responses: vec![ResponseBody {
                    bytes: self.response.to_vec(),
                    http_status: self.http_status,
                    complete: self.is_whole,
                    flavour,
                    headers: self.headers.clone(),
                    ..ResponseBody::default()
                }],
                ..CallData::default()
            })),
            trace: TraceIds::default(),
            parent_request_id: None,
            end: End::Closed,
            capture: Capture::Span,
            usage_is_nested: false,
            outcome: None,
            ack: None,
        }
    }

    /// What the audit would be told; provider and model of the route where nobody names them.
    fn facts(&self, provider: Option<&str>, model: Option<&str>) -> Facts {
        let asked = self.request.and_then(|body| read_request(body).model);
        let told = [
            (Slot::ProviderName, self.provider.or(provider)),
            (Slot::ServerAddress, self.host),
            (Slot::TenantId, self.tenant),
            (
                Slot::RequestModel,
                self.model.or(asked.as_deref()).or(model),
            ),
        ];
        let mut facts = Facts::default();
        for (slot, text) in told {
            if let Some(text) = text {
                facts.set(slot, FactValue::Text(text));
            }
        }
        facts
    }
}

/// Writes no content.
impl std::fmt::Debug for Exchange<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Exchange")
            .field("provider", &self.provider)
            .field("flavour", &self.flavour)
            .field("http_status", &self.http_status)
            .field("response_bytes", &self.response.len())
            .finish_non_exhaustive()
    }
}
