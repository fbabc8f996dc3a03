//! The examples, run as a user runs them: each prints the records of its calls.

use std::{env, process::Command};

use serde_json::{Value, json};

fn records(example: &str) -> Vec<Value> {
    let tests = env::current_exe().unwrap();
    let folder = tests.ancestors().nth(2).unwrap().join("examples");
    let program = folder.join(example);
    if !program.exists() {
        // `cargo test --test it` builds no examples.
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "-p", "interop", "--example", example]);
        assert!(build.status().unwrap().success());
    }
    let output = Command::new(program)
        .env_remove("RUST_LOG")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn all(records: &[Value], key: &str) -> Value {
    records.iter().map(|record| record[key].clone()).collect()
}

#[test]
fn rig_agent() {
    let records = records("rig_agent");
    assert_eq!(
        all(&records, "operation"),
        json!(["generate_content", "execute_tool", "generate_content"])
    );
    assert_eq!(
        all(&records, "capture"),
        json!(["span+http", "span", "span+http"])
    );
    assert_eq!(all(&records, "user_id"), json!(["ada", "ada", "ada"]));
    assert_eq!(
        all(&records, "status"),
        json!(["success", "success", "success"])
    );
    assert_eq!(all(&records, "input_tokens"), json!([67, null, 8]));
    assert!(records[0]["cost_usd"].is_number());
}

#[test]
fn async_openai() {
    let records = records("async_openai");
    assert_eq!(
        all(&records, "status"),
        json!(["success", "success", "error"])
    );
    assert_eq!(all(&records, "stream"), json!([false, true, false]));
    assert_eq!(all(&records, "input_tokens"), json!([1149, 16, null]));
    assert_eq!(all(&records, "user_id"), json!(["ada", "ada", "ada"]));
    assert_eq!(records[2]["error_type"], "decimal_above_max_value");
}
