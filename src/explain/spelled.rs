//! What is shown as the provider spelled it: errors, and members of the usage object.
//!
//! Promise: nothing is computed; what is kept is JSON.
//! Not here: what any of it means (`provider`).

use crate::provider::{InvocationMetrics, ProviderError, Reading};
use llm_audit_journal::json;

/// A member of the usage object, as it is spelled; `None` where it is null.
pub(super) fn of_usage(reading: &Reading<'_>, key: &str) -> Option<String> {
    let usage = reading.raw_usage.as_deref()?;
    text(not_null(json::member(usage, key)?)?)
}

/// A count in the usage object.
pub(super) fn count_of_usage(reading: &Reading<'_>, key: &str) -> Option<u64> {
    json::unsigned(json::member(reading.raw_usage.as_deref()?, key)?)
}

/// The error that a whole body is, where it stands in a member of its own.
pub(super) fn error_of_body(body: &[u8]) -> Option<&[u8]> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let body = body.trim_ascii();
    let first = || json::elements(body).next()?.ok();
    let object = if body.first() == Some(&b'[') {
        first()?
    } else {
        body
    };
    error_of(object)
}

/// Says whether a body has no error or message, but a detail: the form of web frameworks, and not of a provider's API.
pub(super) fn is_detail(body: &[u8]) -> bool {
    let has = |key| json::member(body, key).is_some();
    has("detail") && !has("error") && !has("message")
}

/// The last error inside a stream, where its events are lines of text.
pub(super) fn error_of_stream(body: &[u8]) -> Option<String> {
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    let data = lines.map(|line| line.strip_prefix(b"data:").unwrap_or(line).trim_ascii());
    let mut objects = data.filter(|data| data.first() == Some(&b'{')).rev();
    text(objects.find_map(error_of)?)
}

/// An error as the reader found it, where the body has no object of its own for it.
pub(super) fn error_in_words(error: &ProviderError) -> String {
    let members = [
        ("type", &error.kind),
        ("code", &error.code),
        ("status", &error.status),
        ("message", &error.message),
    ];
    let members = members
        .into_iter()
        .filter_map(|(key, value)| Some((key, quoted(value.as_deref()?))));
    object(members)
}

/// Bedrock's own counts, by its own names.
pub(super) fn metrics(metrics: &InvocationMetrics) -> String {
    let usage = &metrics.usage;
    let members = [
        ("inputTokenCount", metrics.input_tokens_reported),
        ("outputTokenCount", usage.output_tokens),
        ("invocationLatency", metrics.latency_ms),
        ("firstByteLatency", metrics.first_byte_latency_ms),
        ("cacheReadInputTokenCount", usage.cache_read_tokens),
        ("cacheWriteInputTokenCount", usage.cache_write_tokens),
    ];
    object(
        members
            .into_iter()
            .filter_map(|(key, count)| Some((key, count?.to_string()))),
    )
}

fn error_of(object: &[u8]) -> Option<&[u8]> {
    let nested = || json::member(json::member(object, "response")?, "error");
    let found = json::member(object, "error").and_then(not_null);
    found.or_else(|| not_null(nested()?))
}

fn not_null(value: &[u8]) -> Option<&[u8]> {
    (value != b"null").then_some(value)
}

fn object<'k>(members: impl Iterator<Item = (&'k str, String)>) -> String {
    let members = members.map(|(key, value)| format!("\"{key}\":{value}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn quoted(value: &str) -> String {
    let mut out = Vec::new();
    json::write_str(&mut out, value);
    text(&out).unwrap_or_default()
}

fn text(value: &[u8]) -> Option<String> {
    String::from_utf8(value.to_vec()).ok()
}
