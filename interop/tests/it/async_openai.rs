//! async-openai 0.43: it emits no spans, and takes a client with our middleware.

use async_openai::{
    Client,
    config::OpenAIConfig,
    types::{
        chat::{
            ChatCompletionRequestUserMessageArgs, CreateChatCompletionRequest,
            CreateChatCompletionRequestArgs,
        },
        embeddings::{CreateEmbeddingRequestArgs, EncodingFormat},
        responses::CreateResponseArgs,
    },
};
use futures::StreamExt as _;
use interop::{recording::Recording, replay::Provider};
use serde_json::json;

use crate::{
    middleware::audited_client,
    service::WithMiddleware,
    support::{assert_counts, assert_has, audited, by_body, provider, recording},
};

fn config(server: &Provider) -> OpenAIConfig {
    OpenAIConfig::new()
        .with_api_base(server.base_url())
        .with_api_key("key")
}

fn client(recording: &Recording, server: &Provider) -> Client<OpenAIConfig> {
    let http = audited_client(recording, server);
    Client::with_config(config(server)).with_http_service(WithMiddleware(http))
}

fn request(model: &str) -> CreateChatCompletionRequest {
    let message = ChatCompletionRequestUserMessageArgs::default()
        .content("hello")
        .build()
        .unwrap();
    let mut request = CreateChatCompletionRequestArgs::default();
    request
        .model(model)
        .messages([message.into()])
        .build()
        .unwrap()
}

#[test]
fn without_the_middleware_nothing_is_seen() {
    let server = provider(&["openai-chat-text"]);
    let client = Client::with_config(config(&server));
    let (answer, records) = audited(async { client.chat().create(request("gpt-4o")).await });
    answer.unwrap();
    assert!(records.is_empty(), "it emits spans now: {records:?}");
}

#[test]
fn chats_streams_and_errors_are_records_of_the_middleware() {
    for id in [
        "openai-chat-text",
        "openai-chat-cached",
        "openai-chat-reasoning",
        "openai-chat-refusal",
        "openai-chat-stream-usage",
        "openai-chat-stream-tools",
        "openai-chat-error",
    ] {
        let (recording, server) = (recording(id), provider(&[id]));
        let client = client(&recording, &server);
        let request = request(recording.request_model());
        let ((), records) = audited(async {
            if recording.index["stream"] == true {
                let mut stream = client.chat().create_stream(request).await.unwrap();
                while let Some(chunk) = stream.next().await {
                    chunk.unwrap();
                }
            } else {
                let answer = client.chat().create(request).await;
                assert_eq!(
                    answer.is_ok(),
                    recording.index["http_status"] == 200,
                    "{id}"
                );
            }
        });
        assert_eq!(records.len(), 1, "{id}");
        assert_counts(&records[0], &recording);
        let body = by_body(&recording);
        assert_has(
            &records[0],
            &json!({
                "operation": "chat", "action": "chat.completions.create", "provider": "openai",
                "request_model": recording.request_model(), "model": body.get("model"), "capture": "http",
                "status": body.get("status"), "error_type": body.get("error_type"),
                "finish_reasons": body.get("finish_reasons"),
            }),
        );
        assert!(!records[0].get("input_hash").as_str().unwrap().is_empty());
    }
}

#[test]
fn responses_are_records_too() {
    for id in ["openai-responses-text", "openai-responses-stream"] {
        let (recording, server) = (recording(id), provider(&[id]));
        let client = client(&recording, &server);
        let request = CreateResponseArgs::default()
            .model(recording.request_model())
            .input("hello")
            .build()
            .unwrap();
        let ((), records) = audited(async {
            // The recordings lack members that async-openai wants; what it made of them is its own affair.
            if recording.index["stream"] == true {
                let mut stream = client.responses().create_stream(request).await.unwrap();
                while stream.next().await.is_some() {}
            } else {
                let _ = client.responses().create(request).await;
            }
        });
        assert_eq!(records.len(), 1, "{id}");
        assert_counts(&records[0], &recording);
        assert_has(
            &records[0],
            &json!({"action": "responses.create", "status": "success"}),
        );
    }
}

#[test]
fn embeddings_are_records_too() {
    let (recording, server) = (
        recording("openai-embeddings"),
        provider(&["openai-embeddings"]),
    );
    let client = client(&recording, &server);
    let mut request = CreateEmbeddingRequestArgs::default();
    let request = request
        .model("text-embedding-ada-002")
        .input("hello")
        .encoding_format(EncodingFormat::Base64)
        .build()
        .unwrap();
    let (_, records) = audited(async { client.embeddings().create_base64(request).await });
    assert_eq!(records.len(), 1);
    assert_has(
        &records[0],
        &json!({
            "operation": "embeddings", "action": "embeddings.create", "input_tokens": 8, "status": "success",
        }),
    );
}
