//! `llm-audit usage` over every recording: all that the index expects is there, with the same type.
//!
//! The recordings' index gives what each response says; where it leaves out what the body does say, the difference is
//! listed here, and that is all that may differ.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// Recording and key of which the index says nothing, and what the body says: Claude on Bedrock names model and id.
const BEYOND_THE_INDEX: [(&str, &str, &str); 3] = [
    (
        "bedrock-invoke-anthropic",
        "response_model",
        "claude-3-sonnet-20240229",
    ),
    (
        "bedrock-invoke-stream-anthropic-tooluse",
        "response_id",
        "msg_bdrk_01KDXVrZohbHE2pHPdzVFfC7",
    ),
    (
        "bedrock-invoke-stream-anthropic",
        "response_id",
        "msg_bdrk_014eJfxWXNnxFKhmuiT8FYf7",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/testdata/provider-traffic")
}

fn index() -> Vec<Value> {
    let index = fs::read(folder().join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    index["fixtures"].as_array().unwrap().clone()
}

/// The command with what anybody who has the recording's files can type.
fn usage(entry: &Value) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-audit"));
    command.current_dir(folder()).arg("usage");
    for (flag, key) in [("--provider", "provider"), ("--api", "api")] {
        command.args([flag, entry[key].as_str().unwrap()]);
    }
    command.args(["--status", &entry["http_status"].to_string()]);
    command.args(["--at", "2026-11-22"]);
    if let Some(request) = entry["request_file"].as_str() {
        command.args(["--request", request]);
    }
    command
}

/// The same with what only the connection told.
fn usage_on_the_wire(entry: &Value) -> Command {
    let mut command = usage(entry);
    command.args(["--path", entry["endpoint"].as_str().unwrap()]);
    if let Some(host) = entry["host"].as_str() {
        command.args(["--host", host]);
    }
    for (name, value) in entry["response_headers"].as_object().unwrap() {
        command.args(["--header", &format!("{name}: {}", value.as_str().unwrap())]);
    }
    command
}

fn told(output: &Output, id: &str) -> Value {
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{id}");
    assert_eq!(output.status.code(), Some(0), "{id}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn told_of_file(mut command: Command, entry: &Value) -> Value {
    let output = command
        .arg(entry["response_file"].as_str().unwrap())
        .output();
    told(&output.unwrap(), entry["id"].as_str().unwrap())
}

/// What the index expects, and what may stand there in its place.
fn expected(entry: &Value) -> Vec<(String, Value)> {
    let id = entry["id"].as_str().unwrap();
    let expected = entry["expected"].as_object().unwrap().iter();
    let corrected = |(key, value): (&String, &Value)| {
        let found = BEYOND_THE_INDEX
            .iter()
            .find(|(recording, known, _)| *recording == id && known == key);
        let value = found.map_or_else(|| value.clone(), |(_, _, text)| json!(text));
        (key.clone(), value)
    };
    expected.map(corrected).collect()
}

fn differences(entry: &Value, told: &Value, skip: &[&str]) -> Vec<String> {
    let expected = expected(entry).into_iter();
    let wrong =
        expected.filter(|(key, value)| !skip.contains(&key.as_str()) && told[key] != *value);
    wrong
        .map(|(key, value)| format!("{}: {key}: {} and not {value}", entry["id"], told[&key]))
        .collect()
}

#[test]
fn every_number_of_every_recording_is_told() {
    let mut wrong = Vec::new();
    let entries = index();
    assert_eq!(entries.len(), 96);
    for entry in &entries {
        let told = told_of_file(usage(entry), entry);
        // Who was asked may be in the URL alone, and an error's type in a header.
        let skip: &[&str] = if told["request_model"].is_null() {
            &["request_model", "error"]
        } else {
            &[]
        };
        wrong.extend(differences(entry, &told, skip));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn with_path_and_headers_all_that_was_recorded_is_told() {
    let mut wrong = Vec::new();
    for entry in &index() {
        let told = told_of_file(usage_on_the_wire(entry), entry);
        // One request was too large to be kept.
        let skip: &[&str] = match entry["request_file"].as_str() {
            None => &["request_model"],
            Some(_) => &[],
        };
        wrong.extend(differences(entry, &told, skip));
        let record = &told["record"];
        for (ours, theirs) in [
            ("input_tokens", "input_tokens_total"),
            ("output_tokens", "output_tokens_total"),
            ("thinking_tokens", "reasoning_tokens"),
            ("cache_read_tokens", "cache_read_tokens"),
            ("cache_write_tokens", "cache_write_tokens"),
            ("finish_reasons", "finish_reasons"),
        ] {
            if record[ours] != told[theirs] {
                wrong.push(format!(
                    "{}: record's {ours}: {}",
                    entry["id"], record[ours]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The second set has shapes that the first has not; what may differ is listed in its README.
#[test]
fn the_second_set_is_told() {
    let folder = folder().with_file_name("provider-traffic-2");
    let index: Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let entries = index["fixtures"].as_array().unwrap();
    assert_eq!(entries.len(), 101);
    let mut wrong = Vec::new();
    for entry in entries {
        let mut command = usage_on_the_wire(entry);
        command.current_dir(&folder);
        let output = command
            .arg(entry["response_file"].as_str().unwrap())
            .output()
            .unwrap();
        // Of some of these bodies there is nothing known to say: then the command ends with 1.
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}",
            entry["id"]
        );
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Without its request the path may name the model all the same.
        let skip: &[&str] = if entry["request_file"].is_null() {
            &["request_model"]
        } else {
            &[]
        };
        wrong.extend(differences(entry, &told, skip));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Without `--api` the content tells the flavour, and the numbers are the same.
#[test]
fn content_tells_the_flavour() {
    let mut wrong = Vec::new();
    for entry in &index() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-audit"));
        command.current_dir(folder()).arg("usage");
        let output = command
            .arg(entry["response_file"].as_str().unwrap())
            .output();
        let told: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        let skip = ["request_model", "error"];
        wrong.extend(differences(entry, &told, &skip));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A binary event stream is read as it is, its base64 as it is kept, and both from standard input.
#[test]
fn every_framing_is_read_from_standard_input() {
    let framings = ["response.sse", "response.ndjson", "response.json", ".b64"];
    for framing in framings {
        let entries = index();
        let entry = entries
            .iter()
            .find(|entry| entry["response_file"].as_str().unwrap().ends_with(framing))
            .unwrap();
        let file = fs::read(folder().join(entry["response_file"].as_str().unwrap())).unwrap();
        let of_file = told_of_file(usage(entry), entry);
        assert_eq!(piped(entry, &file), of_file, "{framing}");
        if framing == ".b64" {
            let text: Vec<u8> = file
                .into_iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect();
            assert_eq!(piped(entry, &STANDARD.decode(text).unwrap()), of_file);
        }
    }
}

fn piped(entry: &Value, body: &[u8]) -> Value {
    let mut command = usage(entry);
    command.arg("-");
    told(&output_of(command, body), "piped")
}

fn output_of(mut command: Command, body: &[u8]) -> Output {
    if !command.get_args().any(|arg| arg == "-") {
        command.arg("-");
    }
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap();
    child.stdin.take().unwrap().write_all(body).unwrap();
    child.wait_with_output().unwrap()
}

/// What nobody recorded, or what is told by one header: the bodies of `variants.json`.
#[test]
fn what_else_providers_send_is_told() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/variants.json");
    let variants: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for variant in variants.as_array().unwrap() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-audit"));
        command.args(["usage", "--at", "2026-08-01"]);
        for flag in ["provider", "api"] {
            command.args([&format!("--{flag}"), variant[flag].as_str().unwrap()]);
        }
        command.args(["--status", &variant["status"].to_string()]);
        for arg in variant["args"].as_array().into_iter().flatten() {
            command.arg(arg.as_str().unwrap());
        }
        let output = output_of(command, variant["body"].as_str().unwrap().as_bytes());
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let name = &variant["name"];
        for (told, expected) in [(&told, "expected"), (&told["record"], "record")] {
            let expected = variant[expected].as_object().into_iter().flatten();
            let different = expected.filter(|(key, value)| told[key.as_str()] != **value);
            wrong.extend(different.map(|(key, value)| {
                format!("{name}: {key}: {} and not {value}", told[key.as_str()])
            }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bill's lines add up to the record's cost, and both are the spelled numbers of the table.
#[test]
fn the_lines_add_up_to_the_cost() {
    let mut priced = 0;
    for entry in &index() {
        let told = told_of_file(usage_on_the_wire(entry), entry);
        let record = &told["record"];
        let lines = record["cost_lines"].as_array().unwrap().iter();
        let sum: f64 = lines.map(|line| line["cost_usd"].as_f64().unwrap()).sum();
        match record["cost_usd"].as_f64() {
            Some(cost) if record["pricing"]["source"] == "table" => {
                assert!((cost - sum).abs() <= 1e-12 + cost * 1e-9, "{}", entry["id"]);
                priced += 1;
            }
            Some(_) => {}
            None => assert!(record["cost_lines"] == json!([]), "{}", entry["id"]),
        }
    }
    assert!(priced >= 60, "{priced} were priced");
}
