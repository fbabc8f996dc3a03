//! A plain HTTP client for provider APIs, pointed at the replay server. Nothing in it knows of the audit.

use bytes::Bytes;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use thiserror::Error;

/// A provider's API at a base address.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
}

impl Api {
    /// Makes a client for the API at `base`.
    pub fn new(base: &str) -> Self {
        Self {
            client: Client::new(),
            base: base.to_owned(),
        }
    }

    /// Posts a request's body to the path.
    pub async fn post(&self, path: &str, request: &Request) -> Result<Response, CallError> {
        let post = self.client.post(format!("{}{path}", self.base));
        let post = post.header("content-type", "application/json");
        // Only the replay server looks at this header: it says which recording to answer with.
        let post = post.header("x-recording", &request.recording);
        Ok(post.body(request.body.clone()).send().await?)
    }
}

/// One request, ready to be sent.
pub struct Request {
    body: Bytes,
    model: String,
    recording: String,
}

impl Request {
    /// Makes a request of a JSON body and the name of the recording that answers it.
    pub fn new(recording: &str, body: impl Into<Bytes>) -> Result<Self, CallError> {
        let body = body.into();
        let parsed: Value = serde_json::from_slice(&body)?;
        let model = parsed["model"].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            body,
            model,
            recording: recording.to_owned(),
        })
    }

    /// Returns the model that is asked.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Returns the body as it is sent.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Why a call did not succeed.
#[derive(Debug, Error)]
pub enum CallError {
    /// The provider said no.
    #[error("the provider answered {0}: {1}")]
    Provider(StatusCode, String),
    /// A guard of this house refused to send it.
    #[error("not sent: {0}")]
    Blocked(&'static str),
    /// The network failed.
    #[error(transparent)]
    Network(#[from] reqwest::Error),
    /// A body was no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl CallError {
    /// Returns the body of a successful answer, else the provider's error.
    pub fn unless_success(status: StatusCode, body: Bytes) -> Result<Bytes, Self> {
        if status.is_success() {
            return Ok(body);
        }
        let parsed: Value = serde_json::from_slice(&body)?;
        let message = parsed["error"]["message"].as_str().unwrap_or_default();
        Err(Self::Provider(status, message.to_owned()))
    }
}
