//! The example, run as a user runs it.

use serde_json::{Value, json};

use crate::examples::{command, entries};

#[test]
fn the_client_of_the_example_leaves_its_record() {
    let folder = tempfile::tempdir().unwrap();
    let output = command("http_client", folder.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let entries = entries(&folder.path().join("audit_logs"));
    let of_kind = |kind: &str| entries.iter().find(|entry| entry["audit"]["kind"] == kind);
    let (begin, call) = (of_kind("begin").unwrap(), of_kind("call").unwrap());
    assert_eq!(begin["request_id"], call["request_id"]);
    assert_eq!(call["user_id"], "user-1");
    assert_eq!(call["metadata"], json!({"ticket": 4711}));
    assert_eq!(
        (&call["status"], &call["stream"]),
        (&json!("success"), &json!(true))
    );
    assert!(call["output_tokens"].as_u64() > Some(0), "{call}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let shown = stdout.lines().find(|line| line.starts_with('{')).unwrap();
    assert_eq!(serde_json::from_str::<Value>(shown).unwrap(), *call);
}
