//! rig-core 0.44 as it is.

use futures::StreamExt as _;
use interop::{recording::Recording, replay::Provider};
use rig_core::{
    DynModel,
    completion::CompletionRequest,
    error::ProviderError,
    http_client::HttpClientExt,
    operation::Completion,
    providers::{
        anthropic::AnthropicConfig,
        cohere::{ChatRoute, CohereConfig},
        gemini::GeminiConfig,
        ollama::OllamaConfig,
        openai::{
            OpenAIConfig,
            wire::{AZURE, DEEPSEEK, GROQ, MISTRAL, OPENAI, OPENROUTER, PERPLEXITY},
        },
    },
};
use rig_reqwest::ReqwestClient;

use serde_json::{Value, json};

use crate::support::{assert_counts, assert_has, audited, provider, recording};

/// The model of the provider that the recording is of, at `base`.
pub(crate) fn model(
    recording: &Recording,
    base: &str,
    http: impl HttpClientExt + 'static,
) -> Option<DynModel<Completion>> {
    let text = |key: &str| recording.index[key].as_str().unwrap_or_default().to_owned();
    let (name, api) = (recording.request_model(), text("api"));
    let dialect = match text("provider").as_str() {
        "mistral" => &MISTRAL,
        "deepseek" => &DEEPSEEK,
        "groq" => &GROQ,
        "openrouter" => &OPENROUTER,
        "perplexity" => &PERPLEXITY,
        "azure" => &AZURE,
        "xai" => &rig_core::providers::xai::DIALECT,
        _ => &OPENAI,
    };
    let openai = || OpenAIConfig::with_key(dialect, "key").with_base_url(base);
    Some(match api.as_str() {
        "anthropic.messages" => {
            let config = AnthropicConfig::new("key").with_base_url(base);
            config.connect(http).completion(name).into()
        }
        "gemini.generateContent" | "gemini.streamGenerateContent" => {
            let config = GeminiConfig::new("key").with_base_url(base);
            config.connect(http).completion(name).into()
        }
        "openai.chat_completions" => openai().connect(http).chat(name).into(),
        "openai.responses" => openai().connect(http).responses(name).into(),
        "cohere.v2.chat" => {
            let config = CohereConfig::new("key").with_base_url(base);
            let mut model = config.connect(http).completion(name);
            model.wire = model.wire.with_route(ChatRoute::Native);
            model.into()
        }
        "ollama.api.chat" => {
            let config = OllamaConfig::new().with_base_url(base);
            config.connect(http).native_completion(name).into()
        }
        _ => return None,
    })
}

/// What rig calls a provider where the conventions have another name, and whose host it is told.
pub(crate) fn provider_name(recording: &Recording) -> &str {
    match recording.index["provider"].as_str().unwrap() {
        "azure" => "azure.ai.openai",
        "mistral" => "mistral_ai",
        "xai" => "x_ai",
        // rig was told to ask these by another's API.
        "gemini" if recording.index["api"] == "openai.chat_completions" => "openai",
        "llamacpp" => "openai",
        "gemini" | "vertex" => "gcp.gemini",
        other => other,
    }
}

/// Calls or streams; rig tells its span what a stream used where the stream is finished.
pub(crate) async fn ask(
    model: &DynModel<Completion>,
    is_stream: bool,
) -> Result<(), ProviderError> {
    let request = CompletionRequest::new("hello").max_tokens(100);
    if !is_stream {
        return model.call(request).await.map(drop);
    }
    let mut stream = model.stream(request)?;
    while let Some(item) = stream.next().await {
        item?;
    }
    stream.finish().await.map(drop)
}

fn http() -> ReqwestClient {
    ReqwestClient::from(reqwest::Client::new())
}

#[test]
fn every_recording_that_rig_reads_has_its_counts_and_its_cost() {
    let (mut read, mut failed) = (0, Vec::new());
    for id in Recording::ids().unwrap() {
        let recording = recording(&id);
        let server = provider(&[&id]);
        let Some(model) = model(&recording, &server.base_url(), http()) else {
            continue;
        };
        let is_stream = recording.index["stream"] == true;
        let (answer, records) = audited(ask(&model, is_stream));
        let [record] = &records[..] else {
            panic!("{id}: {records:?}")
        };
        assert_eq!(record.get("provider"), provider_name(&recording), "{id}");
        assert_eq!(
            record.get("request_model"),
            recording.request_model(),
            "{id}"
        );
        assert_eq!(record.get("stream"), is_stream, "{id}");
        if answer.is_err() {
            failed.push(id);
            // rig tells its span nothing of an error: all that is known is that no answer was recorded.
            assert_eq!(record.get("status"), "incomplete");
            assert!(record.get("cost_usd").is_null());
            continue;
        }
        read += 1;
        assert_eq!(record.get("status"), "success", "{id}");
        assert_counts(record, &recording);
    }
    assert!(read >= 60, "{read} read, {failed:?} not");
    assert!(failed.iter().any(|id| id == "anthropic-error-400"));
}

/// A price on a count of which a part may cost more is a price, and says so.
#[test]
fn a_span_that_hides_what_the_price_depends_on_is_priced_with_a_word_of_caution() {
    let server = provider(&["anthropic-cache-write-1h"]);
    let model = model(
        &recording("anthropic-cache-write-1h"),
        &server.base_url(),
        http(),
    )
    .unwrap();
    let (answer, records) = audited(ask(&model, false));
    answer.unwrap();
    assert!(
        records[0]
            .get("pricing")
            .to_string()
            .contains("five minutes")
    );
}

#[test]
fn embeddings_are_counted_and_priced() {
    let mut recording = recording("openai-embeddings");
    // It was asked for in base64, which rig does not read.
    let mut body: Value = serde_json::from_slice(&recording.response).unwrap();
    body["data"][0]["embedding"] = json!([0.5, 0.25]);
    recording.response = body.to_string().into_bytes();
    let server = Provider::answering(vec![recording]).unwrap();
    let config = OpenAIConfig::new("key").with_base_url(server.base_url());
    let model = config
        .connect(http())
        .embedding("text-embedding-ada-002", None);
    let (_, records) = audited(model.call(vec!["Tell me a joke about opentelemetry".to_owned()]));
    assert_has(
        &records[0],
        &json!({
            "operation": "embeddings", "action": "embeddings.create", "provider": "openai",
            "model": "text-embedding-ada-002-v2", "input_tokens": 8, "status": "success",
        }),
    );
    assert_eq!(records.len(), 1);
}
