//! 200 canary secrets in prompts, answers, headers, URLs and errors: none in the journal, an exporter or a `Debug` text.

use serde_json::json;
use tracing_llm_audit::{
    LlmAudit, LlmCall, SanitizationEvent,
    testing::{InMemoryExporter, in_memory_with},
};
use tracing_subscriber::prelude::*;

/// Where a credential stands in an error's text.
const ERRORS: [&str; 10] = [
    "401 Unauthorized: Authorization: Bearer {}",
    "request failed: {\"headers\": {\"x-api-key\": \"{}\"}}",
    "error sending request for url (https://api.example.com/v1/chat?key={})",
    "connect to https://user:{}@proxy.example.com:3128 refused",
    "Incorrect API key provided: {}.",
    "HeaderMap { (\"api-key\", \"{}\") }",
    "bad credentials: client_secret={}&grant_type=x",
    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
    "Cookie: session={}; path=/",
    "AUTHORIZATION=BASIC {}",
];

fn canaries() -> Vec<String> {
    (0..200)
        .map(|number| format!("sk-canary{number:03}{}", "x7Q".repeat(8)))
        .collect()
}

/// One call that has the canary wherever a host might put it, but who asked.
fn call_with(canary: &str, number: usize) {
    let error = ERRORS[number % ERRORS.len()].replace("{}", canary);
    let span = tracing::info_span!(
        "ask",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "openai",
        gen_ai.request.model = "gpt-4o",
        gen_ai.tool.description = canary,
        gen_ai.skill.source.uri = format!("https://u:{canary}@example.com/"),
        server.address = format!("https://api.example.com/?api_key={canary}"),
        gen_ai.input.messages = canary,
    );
    span.in_scope(|| {
        let call = LlmCall::current();
        match number % 4 {
            0 => call.system(canary).input_text(canary).output_text(canary),
            1 => {
                let request =
                    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": canary}]});
                call.request_json(request.to_string())
            }
            2 => call
                .input(&json!([{"role": "user", "content": canary}]))
                .output_json(json!([canary]).to_string()),
            _ => call.response(
                json!({"error": {"message": error, "code": "invalid_api_key"}}).to_string(),
                401,
            ),
        };
        match number % 3 {
            0 => call.failed("auth", error.clone()),
            1 => call.error(&std::io::Error::other(error.clone())),
            _ => call.response(error.clone(), 502),
        };
        call.sanitized(
            SanitizationEvent::new("api_key", 1).pointer(format!("/messages/0/{canary}")),
        );
        assert!(!format!("{call:?}").contains(canary));
    });
}

#[test]
fn no_canary_leaves_under_default_settings() {
    let exporter = InMemoryExporter::new();
    let (layer, audit) = in_memory_with(LlmAudit::builder().exporter(exporter.clone())).unwrap();
    let canaries = canaries();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for (number, canary) in canaries.iter().enumerate() {
            call_with(canary, number);
        }
    });
    let records = audit.records();
    assert_eq!(records.len(), canaries.len());
    audit
        .guard()
        .flush(std::time::Duration::from_secs(10))
        .unwrap();
    assert!(exporter.entries().len() >= canaries.len());
    let lines = audit.entries().into_iter().chain(exporter.entries());
    let said: String = lines.map(|entry| entry.line()).collect();
    let health = format!("{:?} {:?}", audit.guard().health(), audit);
    for (canary, record) in canaries.iter().zip(&records) {
        // Its middle alone would be enough to recognise it by.
        assert!(
            !said.contains(&canary[3..15]) && !health.contains(&canary[3..15]),
            "{canary} in {}",
            record.line()
        );
        assert!(
            record
                .get("error_message")
                .as_str()
                .unwrap()
                .contains("[redacted:"),
            "{}",
            record.line()
        );
    }
}

/// The search above finds what is there: content that was asked for.
#[test]
fn content_in_plain_is_found() {
    let builder = LlmAudit::builder().content(tracing_llm_audit::Content::Plain);
    let (layer, audit) = in_memory_with(builder).unwrap();
    let canary = &canaries()[0];
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        call_with(canary, 0);
    });
    assert!(audit.records()[0].line().contains(&canary[3..15]));
}
