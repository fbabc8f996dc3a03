//! The recorded provider traffic, each recording as one audited call in memory.

use std::{fs, path::Path};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use tracing_llm_audit::{
    Clock, LlmAudit, LlmCall, Timestamp,
    testing::{Recorded, in_memory_with},
};
use tracing_subscriber::prelude::*;

/// One recording, and what the index says about it.
pub(crate) struct Recording {
    pub(crate) id: String,
    pub(crate) index: Value,
    pub(crate) request: Option<Vec<u8>>,
    pub(crate) response: Vec<u8>,
}

/// The folder of the recordings.
pub(crate) fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/provider-traffic")
}

/// Reads all recordings.
pub(crate) fn all() -> Vec<Recording> {
    let file = |name: &str| fs::read(folder().join(name)).unwrap();
    // A binary body is kept as text.
    let body = |name: &str| match name.strip_suffix(".b64") {
        Some(_) => from_base64(&file(name)),
        None => file(name),
    };
    let index: Value = serde_json::from_slice(&file("index.json")).unwrap();
    let read = |entry: &Value| Recording {
        id: entry["id"].as_str().unwrap().to_owned(),
        request: entry["request_file"].as_str().map(file),
        response: body(entry["response_file"].as_str().unwrap()),
        index: entry.clone(),
    };
    let entries = index["fixtures"].as_array().unwrap().iter();
    entries.map(read).collect()
}

fn from_base64(text: &[u8]) -> Vec<u8> {
    let lines = text.split(|byte| *byte == b'\n');
    let text = lines.collect::<Vec<_>>().concat();
    BASE64_STANDARD.decode(text).unwrap()
}

/// The day on which the calls are made.
pub(crate) const DATE: &str = "2026-11-22";

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-11-22T12:00:00.000000Z").unwrap()
    }
}

/// The model, where the request's body does not name it: a deployment's name, say, is in the URL.
fn model_of_url(recording: &Recording) -> Option<&str> {
    let request = recording.request.as_deref()?;
    let request: Value = serde_json::from_slice(request).unwrap();
    let is_in_body = request.get("model").is_some() && recording.index["provider"] != "azure";
    recording.index["expected"]["request_model"]
        .as_str()
        .filter(|_| !is_in_body)
}

/// Makes each recording a call with its provider, request and response, and returns their records in order.
pub(crate) fn audited(recordings: &[Recording]) -> Vec<Recorded> {
    let (layer, audit) = in_memory_with(LlmAudit::builder().clock(Noon)).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for recording in recordings {
            let provider = recording.index["provider"].as_str().unwrap();
            let span = tracing::info_span!(
                "ask",
                gen_ai.operation.name = "chat",
                gen_ai.provider.name = provider,
                gen_ai.request.model = model_of_url(recording)
            );
            span.in_scope(|| {
                let call = LlmCall::current();
                if let Some(request) = &recording.request {
                    call.request_json(request.clone());
                }
                let status = recording.index["http_status"].as_u64().unwrap() as u16;
                call.response(recording.response.clone(), status);
            });
        }
    });
    audit.records()
}
