//! What the tests share: an audit in memory around a future, and the comparison with a recording's index.

use std::future::Future;

use interop::{recording::Recording, replay::Provider};
use serde_json::Value;
use tracing_llm_audit::{
    Clock, LlmAudit, LlmCall, Timestamp,
    testing::{Recorded, in_memory_with},
};
use tracing_subscriber::prelude::*;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-11-22T12:00:00.000000Z").unwrap()
    }
}

/// Runs a future on a runtime of one thread with an audit in memory, and returns the records.
pub(crate) fn audited<T>(future: impl Future<Output = T>) -> (T, Vec<Recorded>) {
    let (layer, audit) = in_memory_with(LlmAudit::builder().clock(Noon)).unwrap();
    let subscriber = tracing_subscriber::registry().with(layer);
    let output = tracing::subscriber::with_default(subscriber, || block_on(future));
    (output, audit.records())
}

/// Runs a future on a runtime of one thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
}

pub(crate) fn recording(id: &str) -> Recording {
    Recording::read(id).unwrap_or_else(|error| panic!("{id}: {error}"))
}

/// A provider that answers with these recordings, in order.
pub(crate) fn provider(ids: &[&str]) -> Provider {
    Provider::answering(ids.iter().map(|id| recording(id)).collect()).unwrap()
}

/// Asserts that a record has these members.
#[track_caller]
pub(crate) fn assert_has(record: &Recorded, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(record.get(key), *value, "{key} of {record:?}");
    }
}

/// Recordings whose price depends on something that no span tells.
const PRICED_BY_MORE: [(&str, &str); 19] = [
    ("anthropic-advisor-iterations", "the models of iterations"),
    (
        "anthropic-cache-write-1h",
        "for how long the cache is written",
    ),
    ("anthropic-compaction-iterations", "iterations"),
    ("anthropic-pause-turn", "searches"),
    ("anthropic-server-tool-websearch", "searches"),
    (
        "anthropic-stream-cache-1h",
        "for how long the cache is written",
    ),
    (
        "bedrock-converse-cache-write",
        "for how long the cache is written",
    ),
    ("cohere-v1-chat", "billed units, which are not the tokens"),
    ("cohere-v2-chat", "billed units, which are not the tokens"),
    ("cohere-v2-stream", "billed units, which are not the tokens"),
    ("gemini-audio-modality", "tokens of audio"),
    ("gemini-openai-compat", "who really answered"),
    ("mistral-audio", "tokens of audio"),
    ("openai-chat-audio", "tokens of audio"),
    ("openai-chat-priority-flex", "the service tier"),
    ("openai-responses-websearch", "searches"),
    ("openrouter-cost", "the price that the provider reports"),
    ("perplexity-cost", "the price that the provider reports"),
    ("xai-responses", "the price that the provider reports"),
];

/// Asserts that a record has the counts that the index gives for a recording, and the cost that its body has.
///
/// A span may leave out a count that is zero.
#[track_caller]
pub(crate) fn assert_counts(record: &Recorded, recording: &Recording) {
    let (id, expected) = (&recording.index["id"], &recording.index["expected"]);
    for (key, name) in [
        ("input_tokens", "input_tokens_total"),
        ("output_tokens", "output_tokens_total"),
        ("thinking_tokens", "reasoning_tokens"),
        ("cache_read_tokens", "cache_read_tokens"),
        ("cache_write_tokens", "cache_write_tokens"),
    ] {
        let (counted, expected) = (record.get(key), &expected[name]);
        let is_unsaid_zero = counted.is_null() && *expected == 0;
        assert!(
            counted == *expected || is_unsaid_zero,
            "{key} of {id}: {counted}, and not {expected}"
        );
    }
    let cost = by_body(recording).get("cost_usd");
    let is_priced_by_more = PRICED_BY_MORE.iter().any(|(other, _)| id == other);
    if !is_priced_by_more && !cost.is_null() {
        assert_eq!(record.get("cost_usd"), cost, "cost of {id}");
    }
}

/// The record that a recording's body yields, told to a handle.
pub(crate) fn by_body(recording: &Recording) -> Recorded {
    let ((), mut records) = audited(async {
        let provider = recording.index["provider"].as_str().unwrap();
        let span = tracing::info_span!(
            "ask",
            gen_ai.provider.name = provider,
            gen_ai.request.model = recording.request_model()
        );
        let status = recording.index["http_status"].as_u64().unwrap();
        span.in_scope(|| {
            LlmCall::current().response(recording.response.clone(), status as u16);
        });
    });
    records.pop().unwrap()
}

/// The records of an operation.
pub(crate) fn of<'a>(records: &'a [Recorded], operation: &str) -> Vec<&'a Recorded> {
    let is_of = |record: &&Recorded| record.get("operation") == operation;
    records.iter().filter(is_of).collect()
}
