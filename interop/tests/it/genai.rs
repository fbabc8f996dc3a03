//! genai 0.7.2 with its `otel` spans, as it is.

use futures::StreamExt as _;
use genai::{
    Client, ModelIden,
    adapter::AdapterKind,
    chat::{ChatMessage, ChatOptions, ChatRequest},
    resolver::{AuthData, Endpoint},
};
use interop::recording::Recording;

use serde_json::json;

use crate::support::{assert_counts, assert_has, audited, provider, recording};

fn adapter(recording: &Recording) -> Option<AdapterKind> {
    let text = |key: &str| recording.index[key].as_str().unwrap_or_default().to_owned();
    Some(match (text("provider").as_str(), text("api").as_str()) {
        (_, "anthropic.messages") => AdapterKind::Anthropic,
        ("gemini", "gemini.generateContent" | "gemini.streamGenerateContent") => {
            AdapterKind::Gemini
        }
        ("openai", "openai.chat_completions") => AdapterKind::OpenAI,
        ("openai", "openai.responses") => AdapterKind::OpenAIResp,
        ("mistral", "openai.chat_completions") => AdapterKind::Mistral,
        ("deepseek", "openai.chat_completions") => AdapterKind::DeepSeek,
        ("groq", "openai.chat_completions") => AdapterKind::Groq,
        (_, "bedrock.converse" | "bedrock.converse-stream") => AdapterKind::BedrockApi,
        (_, "cohere.v1.chat") => AdapterKind::Cohere,
        (_, "ollama.api.chat") => AdapterKind::Ollama,
        _ => return None,
    })
}

/// Recordings of which genai does not tell its span a count that the body has.
const LOST: [(&str, &str); 3] = [
    ("anthropic-stream-thinking", "thinking in streams"),
    ("anthropic-stream-cache", "thinking in streams"),
    ("mistral-audio", "input that is audio"),
];

pub(crate) fn client(adapter: AdapterKind, base: &str) -> Client {
    let endpoint = Endpoint::from_owned(format!("{base}/v1/"));
    let config = (endpoint, AuthData::from_single("key"));
    let builder = Client::builder().append_provider_config(adapter, config);
    builder
        .with_reqwest(reqwest::Client::new())
        .build()
        .unwrap()
}

/// Calls or streams; of a stream genai tells the usage where that is asked for.
pub(crate) async fn ask(client: &Client, model: ModelIden, is_stream: bool) -> genai::Result<()> {
    let request = ChatRequest::new(vec![ChatMessage::user("hello")]);
    if !is_stream {
        return client.exec_chat(model, request, None).await.map(drop);
    }
    let options = ChatOptions::default().with_capture_usage(true);
    let answer = client
        .exec_chat_stream(model, request, Some(&options))
        .await?;
    let mut stream = answer.stream;
    while let Some(item) = stream.next().await {
        item?;
    }
    Ok(())
}

#[test]
fn every_recording_that_genai_reads_has_its_counts_and_its_cost() {
    let (mut read, mut failed) = (0, Vec::new());
    for id in Recording::ids().unwrap() {
        let recording = recording(&id);
        let Some(adapter) = adapter(&recording) else {
            continue;
        };
        let server = provider(&[&id]);
        let client = client(adapter, &server.base_url());
        let model = ModelIden::new(adapter, recording.request_model().to_owned());
        let is_stream = recording.index["stream"] == true;
        let (answer, records) = audited(ask(&client, model, is_stream));
        let [record] = &records[..] else {
            panic!("{id}: {records:?}")
        };
        assert_has(
            record,
            &json!({
                "operation": "chat", "provider": genai::otel::provider_name(adapter), "stream": is_stream,
                "request_model": recording.request_model(), "server_address": "127.0.0.1",
            }),
        );
        if answer.is_err() {
            assert_eq!(record.get("status"), "error", "{id}");
            assert!(record.get("cost_usd").is_null());
            failed.push((id, record.get("error_type")));
            continue;
        }
        read += 1;
        let is_refused = record.get("finish_reasons")[0] == "guardrail_intervened";
        assert_eq!(
            record.get("status"),
            if is_refused { "blocked" } else { "success" },
            "{id}"
        );
        if !LOST.iter().any(|(other, _)| *other == id) {
            assert_counts(record, &recording);
        }
    }
    assert!(read >= 55, "{read} read, {failed:?} not");
    let refused = |id: &str| {
        failed
            .iter()
            .find(|(failed, _)| failed == id)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(refused("anthropic-error-400"), "400");
    assert_eq!(refused("mistral-error"), "401");
}

/// genai copies Bedrock's input count, which leaves out what was read from the cache and written to it.
#[test]
fn counts_of_bedrock_are_completed_and_the_record_says_so() {
    let server = provider(&["bedrock-converse-cache-read"]);
    let recording = recording("bedrock-converse-cache-read");
    let client = client(AdapterKind::BedrockApi, &server.base_url());
    let model = ModelIden::new(
        AdapterKind::BedrockApi,
        recording.request_model().to_owned(),
    );
    let (answer, records) = audited(ask(&client, model, false));
    answer.unwrap();
    assert_counts(&records[0], &recording);
    assert!(
        records[0]
            .get("pricing")
            .to_string()
            .contains("they were added")
    );
}

#[test]
fn embeddings_are_counted_and_priced() {
    let server = provider(&["openai-embeddings"]);
    let client = client(AdapterKind::OpenAI, &server.base_url());
    let model = ModelIden::new(AdapterKind::OpenAI, "text-embedding-ada-002");
    let (_, records) = audited(client.embed(model, "Tell me a joke about opentelemetry", None));
    assert_has(
        &records[0],
        &json!({"operation": "embeddings", "provider": "openai", "output_tokens": null}),
    );
    assert_eq!(records.len(), 1);
}
