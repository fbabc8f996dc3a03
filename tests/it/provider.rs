//! Recorded provider traffic through the whole line: what each record says is what the recording's index expects.

use serde_json::{Value, json};

use crate::recordings::{all, audited};

/// Keys of a record and what they are called in the index.
const KEYS: [(&str, &str); 8] = [
    ("input_tokens", "input_tokens_total"),
    ("output_tokens", "output_tokens_total"),
    ("thinking_tokens", "reasoning_tokens"),
    ("cache_read_tokens", "cache_read_tokens"),
    ("cache_write_tokens", "cache_write_tokens"),
    ("cache_write_1h_tokens", "cache_write_1h_tokens"),
    ("response_id", "response_id"),
    ("request_model", "request_model"),
];

#[test]
fn records_say_what_the_recordings_expect() {
    let recordings = all();
    let records = audited(&recordings);
    assert_eq!(records.len(), recordings.len());
    for (recording, record) in recordings.iter().zip(&records) {
        let expected = &recording.index["expected"];
        for (key, name) in KEYS {
            let is_unsent = key == "request_model" && recording.request.is_none();
            // The index has null where these bodies do name their id.
            let is_more = key == "response_id" && recording.id.starts_with("bedrock-invoke");
            if !is_unsent && !is_more {
                assert_eq!(record.get(key), expected[name], "{}: {key}", recording.id);
            }
        }
        let reasons = expected
            .get("finish_reasons")
            .filter(|reasons| **reasons != json!([]));
        assert_eq!(
            record.get("finish_reasons"),
            reasons.cloned().unwrap_or_default(),
            "{}",
            recording.id
        );
        let failed = expected["error"] != Value::Null || expected.get("mid_stream_error").is_some();
        let status = match recording.id.as_str() {
            "openai-chat-refusal"
            | "azure-content-filter"
            | "gemini-blocked"
            | "bedrock-converse-guardrail" => "blocked",
            _ if failed => "error",
            _ => "success",
        };
        assert_eq!(record.get("status"), status, "{}", recording.id);
        assert_eq!(
            record.get("stream"),
            recording.index["stream"],
            "{}",
            recording.id
        );
        let action = match recording.index["api"].as_str().unwrap() {
            "bedrock.converse" | "bedrock.converse-stream" if !failed => "converse",
            // Told by content alone, some of these bodies are another flavour's.
            api if api.starts_with("bedrock.") => continue,
            "anthropic.messages" => "messages.create",
            "openai.responses" if expected["response_id"].is_string() => "responses.create",
            // The span says another operation, and counts.
            "openai.completions" => continue,
            "cohere.v2.chat" => "v2.chat",
            _ if expected["response_id"].is_null() => continue,
            api if api.starts_with("gemini.") => "models.generate_content",
            _ => "chat.completions.create",
        };
        assert_eq!(record.get("action"), action, "{}", recording.id);
    }
}

#[test]
fn content_is_hashed_and_nowhere_else() {
    let recordings = all();
    for (recording, record) in recordings.iter().zip(audited(&recordings)) {
        let has_input = recording.request.is_some();
        assert_eq!(
            record.get("input_hash") != "",
            has_input,
            "{}",
            recording.id
        );
        for key in ["input", "output", "system_prompt"] {
            assert_eq!(record.get(key), Value::Null, "{}", recording.id);
        }
        assert_eq!(record.get("capture"), "span", "{}", recording.id);
    }
}
