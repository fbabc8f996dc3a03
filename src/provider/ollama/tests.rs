//! Chat and generate whole, as lines, cut, failed, loaded and unloaded.

use serde_json::{Value, json};

use crate::{
    flavour::Flavour,
    provider::attack::{cut_everywhere, output, stream, whole},
};

fn lines(lines: &[Value]) -> String {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    lines.join("\n") + "\n"
}

fn chat() -> Vec<Value> {
    let piece = |message: Value| json!({"model": "qwen3", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false});
    vec![
        piece(json!({"role": "assistant", "content": "", "thinking": "Hm"})),
        piece(json!({"role": "assistant", "content": "", "thinking": "m."})),
        piece(json!({"role": "assistant", "content": "Hel"})),
        piece(json!({"role": "assistant", "content": "lö"})),
        piece(
            json!({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "ping", "arguments": {"a": 1}}}]}),
        ),
        json!({"model": "qwen3", "created_at": "x", "message": {"role": "assistant", "content": ""}, "done": true,
            "done_reason": "stop", "total_duration": 9, "prompt_eval_count": 17, "eval_count": 50}),
    ]
}

#[test]
fn the_lines_of_a_chat_are_its_message() {
    let reading = stream(&lines(&chat()), true);
    assert_eq!(reading.flavour, Some(Flavour::OllamaChat));
    let message: Value = serde_json::from_str(&output(&reading)).expect("JSON");
    assert_eq!(
        message,
        json!({"role": "assistant", "content": "Hellö", "thinking": "Hmm.",
            "tool_calls": [{"function": {"name": "ping", "arguments": {"a": 1}}}]})
    );
    assert_eq!(reading.tool_calls, ["ping"]);
    assert_eq!(reading.finish_reasons, ["stop"]);
    assert_eq!(
        (reading.usage.input_tokens, reading.usage.output_tokens),
        (Some(17), Some(50))
    );
    assert!(reading.is_complete && reading.is_stream);
    cut_everywhere(&lines(&chat()), Flavour::OllamaChat);
}

#[test]
fn a_cut_chat_has_no_counts() {
    let reading = stream(&lines(&chat()[..4]), false);
    assert!(!reading.is_complete && reading.usage.is_empty());
    assert!(output(&reading).contains("Hellö"));
}

#[test]
fn an_error_line_ends_a_stream() {
    let mut all = chat()[..3].to_vec();
    all.push(json!({"error": "an error was encountered while running the model"}));
    let reading = stream(&lines(&all), true);
    assert_eq!(
        reading.error.and_then(|error| error.message).as_deref(),
        Some("an error was encountered while running the model")
    );
    assert!(!reading.is_complete);
}

/// What follows the last line is another answer's, or nobody's.
#[test]
fn lines_behind_the_end_are_left_alone() {
    let mut twice = chat();
    twice.extend(chat());
    let (once, twice) = (stream(&lines(&chat()), true), stream(&lines(&twice), true));
    assert!(once == twice);
}

#[test]
fn generate_is_its_response() {
    let all = [
        json!({"model": "llama3", "response": "Hel", "done": false}),
        json!({"model": "llama3", "response": "lö", "done": false}),
        json!({"model": "llama3", "response": "", "done": true, "done_reason": "length", "context": [1, 2], "eval_count": 38}),
    ];
    let reading = stream(&lines(&all), true);
    assert_eq!(reading.flavour, Some(Flavour::OllamaGenerate));
    assert_eq!(output(&reading), "\"Hellö\"");
    // A prompt that was cached whole is not counted.
    assert_eq!(
        (reading.usage.input_tokens, reading.usage.output_tokens),
        (None, Some(38))
    );
    let body =
        r#"{"model":"llama3","response":"Hellö","done":true,"done_reason":"stop","eval_count":38}"#;
    assert_eq!(output(&whole(body, 200)), "\"Hellö\"");
}

#[test]
fn loading_a_model_is_an_ordinary_end() {
    for reason in ["load", "unload"] {
        let body =
            json!({"model": "m", "response": "", "done": true, "done_reason": reason}).to_string();
        let reading = whole(&body, 200);
        assert!(reading.is_complete && reading.usage.is_empty() && reading.error.is_none());
        assert_eq!(reading.finish_reasons, [reason]);
    }
}

#[test]
fn embeddings_count_their_prompt() {
    let new = r#"{"model":"m","embeddings":[[0.1,0.2]],"total_duration":1,"load_duration":1,"prompt_eval_count":8}"#;
    let reading = whole(new, 200);
    assert_eq!(reading.flavour, Some(Flavour::OllamaEmbed));
    assert_eq!(reading.usage.input_tokens, Some(8));
    assert!(reading.is_complete);
    assert_eq!(output(&whole(r#"{"embedding":[0.1]}"#, 200)), "[0.1]");
}
