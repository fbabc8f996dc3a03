//! Provider libraries as they are, against the audit: nothing in here annotates a call unless it says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod async_openai;
mod examples;
mod genai;
mod middleware;
mod names;
mod otel;
mod rig;
mod rig_agent;
#[path = "../../examples/async_openai/service.rs"]
mod service;
mod support;
