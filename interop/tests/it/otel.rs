//! Beside a `tracing-opentelemetry` layer: what a backend shows of a library's own spans.

use genai::{ModelIden, adapter::AdapterKind};
use opentelemetry::{Value as Attribute, trace::TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use std::future::Future;
use tracing_llm_audit::testing::{Recorded, in_memory};
use tracing_subscriber::prelude::*;

use crate::{
    genai as with_genai, rig,
    support::{block_on, provider, recording},
};

/// Runs a future under both layers.
fn seen(future: impl Future) -> (Vec<SpanData>, Vec<Recorded>) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let (audit, records) = in_memory();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing_subscriber::registry().with(audit).with(otel);
    tracing::subscriber::with_default(subscriber, || block_on(future));
    (exporter.get_finished_spans().unwrap(), records.records())
}

fn attribute<'a>(span: &'a SpanData, name: &str) -> &'a Attribute {
    let mut named = span
        .attributes
        .iter()
        .filter(|found| found.key.as_str() == name);
    let found = named
        .next()
        .unwrap_or_else(|| panic!("{name} is not on {span:?}"));
    &found.value
}

/// What we set on the span of a call is what its record says, and the record has the span's ids.
#[track_caller]
fn assert_shown(span: &SpanData, record: &Recorded) {
    assert_eq!(
        record.get("span_id"),
        span.span_context.span_id().to_string()
    );
    assert_eq!(
        record.get("trace_id"),
        span.span_context.trace_id().to_string()
    );
    let said = |key: &str| record.get(key).as_str().unwrap().to_owned();
    assert_eq!(
        attribute(span, "llm_audit.request_id").as_str(),
        said("request_id")
    );
    assert_eq!(attribute(span, "llm_audit.status").as_str(), said("status"));
    let Attribute::F64(cost) = attribute(span, "llm_audit.cost_usd") else {
        panic!("no cost on {span:?}")
    };
    assert_eq!(record.get("cost_usd").as_f64(), Some(*cost));
}

#[test]
fn rigs_span_gets_request_id_status_and_cost() {
    let server = provider(&["anthropic-cache-read"]);
    let http = rig_reqwest::ReqwestClient::from(reqwest::Client::new());
    let model = rig::model(&recording("anthropic-cache-read"), &server.base_url(), http).unwrap();
    let (spans, records) = seen(rig::ask(&model, false));
    let span = spans.iter().find(|span| span.name == "chat").unwrap();
    assert_shown(span, &records[0]);
    // rig records its counts as unsigned integers, which OpenTelemetry shows as texts: ours is a number.
    let counts = span
        .attributes
        .iter()
        .filter(|found| found.key.as_str() == "gen_ai.usage.input_tokens");
    let input: Vec<_> = counts.map(|found| found.value.clone()).collect();
    assert!(input.contains(&Attribute::I64(1167)), "{input:?}");
}

#[test]
fn genais_span_gets_request_id_status_and_cost() {
    let server = provider(&["bedrock-converse-cache-read"]);
    let recording = recording("bedrock-converse-cache-read");
    let client = with_genai::client(AdapterKind::BedrockApi, &server.base_url());
    let model = ModelIden::new(
        AdapterKind::BedrockApi,
        recording.request_model().to_owned(),
    );
    let (spans, records) = seen(with_genai::ask(&client, model, false));
    let span = spans
        .iter()
        .find(|span| span.name.starts_with("chat "))
        .unwrap();
    assert_shown(span, &records[0]);
    // genai's own count leaves out what was cached; the completed one is set after it.
    let mut counts = span
        .attributes
        .iter()
        .filter(|found| found.key.as_str() == "gen_ai.usage.input_tokens");
    let expected = records[0].get("input_tokens").as_i64().unwrap();
    assert_eq!(counts.next_back().unwrap().value, Attribute::I64(expected));
}
