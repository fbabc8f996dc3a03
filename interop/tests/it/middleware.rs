//! The same call seen by a library's span and by the middleware in its transport is one record, read from the body.

use futures::StreamExt as _;
use interop::{recording::Recording, replay::Provider};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use rig_core::completion::CompletionRequest;
use rig_reqwest::ReqwestMiddlewareClient;
use serde_json::json;
use tracing::Instrument as _;
use tracing_llm_audit::{
    Hashing, LlmAudit, LlmCall,
    reqwest_middleware_0_5::AuditMiddleware,
    testing::{Recorded, in_memory_with},
};
use tracing_subscriber::prelude::*;

use crate::{
    rig,
    support::{assert_counts, assert_has, audited, block_on, by_body, provider, recording},
};

/// A client that is audited as calls to the provider of a recording.
pub(crate) fn audited_client(recording: &Recording, server: &Provider) -> ClientWithMiddleware {
    let name = recording.index["provider"].as_str().unwrap();
    let middleware = AuditMiddleware::new()
        .base_url(&server.base_url(), name)
        .unwrap();
    ClientBuilder::new(reqwest::Client::new())
        .with(middleware)
        .build()
}

/// What the body alone says of a call, however rig's span calls it.
const OF_BODIES: [&str; 12] = [
    "status",
    "model",
    "input_tokens",
    "output_tokens",
    "thinking_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "response_id",
    "finish_reasons",
    "error_type",
    "cost_usd",
];

#[test]
fn rig_over_the_middleware_is_one_record_with_what_the_body_says() {
    let (mut read, mut wrong) = (0, Vec::new());
    for id in Recording::ids().unwrap() {
        let recording = recording(&id);
        let server = provider(&[&id]);
        let http = ReqwestMiddlewareClient::from(audited_client(&recording, &server));
        let Some(model) = rig::model(&recording, &server.base_url(), http) else {
            continue;
        };
        let (_, records) = audited(rig::ask(&model, recording.index["stream"] == true));
        let [record] = &records[..] else {
            panic!("{id}: {records:?}")
        };
        let body = by_body(&recording);
        for key in OF_BODIES {
            let is_other_price = key == "cost_usd" && id == "gemini-openai-compat";
            if record.get(key) != body.get(key) && !is_other_price {
                wrong.push(format!(
                    "{key} of {id}: {}, not {}",
                    record.get(key),
                    body.get(key)
                ));
            }
        }
        let name = rig::provider_name(&recording);
        assert_has(record, &json!({"provider": name, "capture": "span+http"}));
        read += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(read >= 70, "{read}");
}

/// rig tells its span nothing of a stream that is only iterated; the body was read all the same.
#[test]
fn a_stream_that_is_not_finished_is_still_counted() {
    let id = "anthropic-stream-cache";
    let (recording, server) = (recording(id), provider(&[id]));
    let http = ReqwestMiddlewareClient::from(audited_client(&recording, &server));
    let model = rig::model(&recording, &server.base_url(), http).unwrap();
    let ((), records) = audited(async {
        let mut stream = model
            .stream(CompletionRequest::new("hello").max_tokens(9))
            .unwrap();
        while let Some(item) = stream.next().await {
            item.unwrap();
        }
    });
    assert_eq!(records.len(), 1);
    assert_has(
        &records[0],
        &json!({"status": "success", "finish_reasons": ["end_turn"]}),
    );
}

/// The span ends with the stream that is dropped, the body with it: whichever is first, it is one record.
#[test]
fn a_stream_that_is_dropped_is_one_incomplete_record() {
    let recording = recording("openai-chat-stream-nousage").stalled();
    let server = Provider::answering(vec![recording.clone()]).unwrap();
    let http = ReqwestMiddlewareClient::from(audited_client(&recording, &server));
    let model = rig::model(&recording, &server.base_url(), http).unwrap();
    let ((), records) = audited(async {
        let mut stream = model
            .stream(CompletionRequest::new("hello").max_tokens(9))
            .unwrap();
        stream.next().await.unwrap().unwrap();
    });
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0].get("status"), "incomplete");
}

/// A host's own span around a call through the middleware: it may end before the body is read, or tell more after.
#[test]
fn whichever_ends_first_it_is_one_record() {
    let id = "openai-chat-stream-usage";
    for is_span_first in [true, false] {
        let (recording, server) = (recording(id), provider(&[id]));
        let client = audited_client(&recording, &server);
        let ((), records) = audited(async {
            let span = tracing::info_span!(
                "ask",
                gen_ai.operation.name = "chat",
                gen_ai.request.model = recording.request_model(),
                gen_ai.usage.output_tokens = tracing::field::Empty,
            );
            let request = client.post(format!("{}/chat/completions", server.base_url()));
            let request = request.body(recording.request.clone().unwrap());
            let response = request.send().instrument(span.clone()).await.unwrap();
            if is_span_first {
                drop(span);
                response.bytes().await.unwrap();
            } else {
                response.bytes().await.unwrap();
                // The host's own count is not what the body says.
                span.record("gen_ai.usage.output_tokens", 1);
            }
        });
        assert_eq!(records.len(), 1, "{records:?}");
        assert_counts(&records[0], &recording);
        assert_has(
            &records[0],
            &json!({"capture": "span+http", "status": "success"}),
        );
    }
}

/// The records of one exchange: through the middleware, and told to a handle as JSON and as a value.
fn three_ways(id: &str) -> Vec<Recorded> {
    let recording = recording(id);
    let server = provider(&[id]);
    let hashing = LlmAudit::builder().hashing(Hashing::Sha256);
    let (layer, audit) = in_memory_with(hashing).unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || {
        let client = audited_client(&recording, &server);
        let request = recording.request.clone().unwrap();
        let url = format!(
            "{}{}",
            server.base_url(),
            recording.index["endpoint"].as_str().unwrap()
        );
        block_on(async {
            let response = client.post(url).body(request.clone()).send().await.unwrap();
            response.bytes().await.unwrap();
        });
        let call = LlmCall::start("chat", "", "");
        call.request_json(request.clone())
            .response(recording.response.clone(), 200);
        drop(call);
        let value: serde_json::Value = serde_json::from_slice(&request).unwrap();
        let call = LlmCall::start("chat", "", "");
        let key = ["messages", "input", "contents"]
            .into_iter()
            .find(|key| !value[key].is_null());
        call.input(&value[key.unwrap()])
            .response(recording.response.clone(), 200);
    });
    audit.records()
}

#[test]
fn the_same_call_by_handle_and_by_middleware_has_the_same_hashes() {
    for id in [
        "openai-chat-text",
        "openai-responses-reasoning",
        "anthropic-text",
        "gemini-nothoughts",
    ] {
        let records = three_ways(id);
        let [middleware, json, value] = &records[..] else {
            panic!("{id}: {records:?}")
        };
        for key in ["input_hash", "output_hash"] {
            let hash = middleware.get(key);
            assert!(
                hash.as_str().unwrap().starts_with("sha256:"),
                "{key} of {id}"
            );
            assert_eq!(json.get(key), hash, "{key} of {id}");
            assert_eq!(value.get(key), hash, "{key} of {id}");
        }
        assert_eq!(
            json.get("system_prompt_hash"),
            middleware.get("system_prompt_hash"),
            "{id}"
        );
    }
}
