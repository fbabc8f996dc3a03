//! Places in a request's body: what may be said of them, and which strings a provider's API fixes.

use std::fmt::Write as _;

use llm_audit_journal::json::{Place, Step};

/// Members of the known request shapes: their names are the API's, and tell nothing of the host.
#[rustfmt::skip]
const KNOWN: [&str; 116] = [
    "annotations", "arguments", "args", "audio", "cache_control", "call_id", "citations", "code", "config", "content", "contents",
    "context", "contexts", "conversation", "data", "description", "document", "documents", "encoding_format", "error",
    "file", "file_data", "file_id", "filename", "format", "function", "functionCall", "functionCallingConfig", "functionDeclarations", "functionResponse",
    "function_call", "function_declarations", "function_response", "functions", "generationConfig", "generation_config",
    "guardrailConfig", "id", "image", "image_url", "images", "inferenceConfig", "inlineData", "inline_data", "input",
    "inputSchema", "inputText", "input_audio", "input_schema", "input_text", "input_type", "inputs", "instances", "instruction",
    "instructions", "json", "json_schema", "labels", "max_tokens", "media_type", "message", "messages", "metadata", "mimeType", "mime_type",
    "model", "name", "options", "output", "outputs", "parameters", "params", "parts", "preamble", "prediction", "prefix", "prompt", "properties",
    "query", "reasoning", "reasoning_content", "refusal", "requests", "response", "response_format", "result", "results", "role",
    "safetySettings", "schema", "search_results", "session_id", "source", "stop", "stop_sequences", "suffix", "summary", "system",
    "systemInstruction", "system_instruction", "template", "text", "texts", "thinking", "title", "toolConfig", "toolResult",
    "toolSpec", "toolUse", "tool_call_id", "tool_calls", "tool_choice", "tool_results", "tool_use_id", "tools", "url",
];
/// Members under which everything is the host's.
#[rustfmt::skip]
const FREE: [&str; 14] = [
    "args", "arguments", "properties", "metadata", "labels", "parameters", "params", "options", "json", "output", "outputs", "result", "results", "response",
];
/// Members whose strings the API fixes, or made itself.
#[rustfmt::skip]
const FIXED: [&str; 30] = [
    "call_id", "encoding_format", "encrypted_content", "encrypted_index", "file_id", "id", "media_type", "mimeType", "mime_type",
    "model", "object", "previous_response_id", "reasoning_effort", "role", "service_tier", "signature", "status", "stop_reason",
    "thoughtSignature", "thought_signature", "toolUseId", "tool_call_id", "tool_use_id", "tool_choice", "type", "format", "detail", "modelId",
    "anthropic_version", "finish_reason",
];
/// A shorter string without spaces is no picture.
const ENCODED_BYTES_MIN: usize = 256;

/// Returns the JSON Pointer (RFC 6901) to a place, with the host's own names as `*`.
pub(super) fn pointer(path: &[Step<'_>]) -> String {
    let mut pointer = String::new();
    for step in path {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::Member(name) if KNOWN.contains(&name.as_ref()) => write!(pointer, "/{name}"),
            Step::Member(_) => write!(pointer, "/*"),
            Step::Element(at) => write!(pointer, "/{at}"),
        };
    }
    pointer
}

/// Says whether a string is none that a host's user could have put there, or one that must stay for the call to work.
pub(super) fn is_fixed(place: Place<'_, '_>, text: &str) -> bool {
    let Some(Step::Member(name)) = place.path.last() else {
        return is_encoded(text);
    };
    if place.is_name {
        return KNOWN.contains(&name.as_ref()) || FIXED.contains(&name.as_ref());
    }
    let is_host = |step: &Step<'_>| match step {
        Step::Member(name) => FREE.contains(&name.as_ref()) || !KNOWN.contains(&name.as_ref()),
        Step::Element(_) => false,
    };
    let above = &place.path[..place.path.len() - 1];
    let is_tool_input = above
        .iter()
        .skip(1)
        .any(|step| matches!(step, Step::Member(name) if name == "input"));
    FIXED.contains(&name.as_ref()) && !is_tool_input && !above.iter().any(is_host)
        || is_encoded(text)
}

/// Says whether a string is encoded bytes: a picture, a sound, a file.
fn is_encoded(text: &str) -> bool {
    if text.len() < ENCODED_BYTES_MIN {
        return false;
    }
    let body = match text.split_once(";base64,") {
        Some((head, body)) if head.starts_with("data:") && head.len() < 128 => body,
        _ => text,
    };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-\r\n".contains(byte);
    // A key or a token has dots or a prefix, and is short; a PEM block has spaces in its label.
    body.len() >= ENCODED_BYTES_MIN && body.as_bytes().iter().all(is_part)
}
