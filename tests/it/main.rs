//! The integration tests, one module per subject: one program, so that they link once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod canary;
mod collector_config;
mod directory_harm;
#[cfg(all(feature = "otlp", feature = "opentelemetry"))]
mod examples;
#[cfg(feature = "reqwest-middleware")]
mod http_capture;
mod journal_crash;
#[path = "../../crates/journal/tests/it/left_out.rs"]
mod left_out;
mod line;
mod missing_keys;
mod old_writer;
#[cfg(feature = "otlp")]
mod otlp_journal;
mod price;
mod provider;
mod provider_ends;
#[cfg(feature = "otlp")]
#[allow(
    dead_code,
    unused_imports,
    reason = "the library's own tests use the rest"
)]
mod proxy;
#[cfg(feature = "otlp")]
mod real_collector;
#[cfg(all(feature = "otlp", feature = "opentelemetry"))]
mod real_quickstart;
#[cfg(all(feature = "otlp", feature = "opentelemetry"))]
mod real_stack;
mod recorder_end;
mod recordings;
mod sanitize;
mod second_opinion;
mod seed_reader;
mod services;
mod tidy;
mod truncated;

// What the journal's own tests have and these need as well.
#[path = "../../crates/journal/tests/it/storage.rs"]
#[allow(dead_code, reason = "the journal's own tests use the rest")]
mod storage;
#[path = "../../crates/journal/tests/it/support.rs"]
#[allow(dead_code, reason = "the journal's own tests use the rest")]
mod support;
#[path = "../../crates/journal/tests/it/verifier.rs"]
#[allow(dead_code, reason = "the journal's own tests use the rest")]
mod verifier;
