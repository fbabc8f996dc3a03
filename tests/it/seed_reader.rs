//! A reader that knows plain audit files and nothing of this library (`tests/seed_reader.py`) reads a journal.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::services::left_out;

/// What the reader makes of the journal in `directory`; `None` after saying so where there is no Python.
pub(crate) fn read<S: AsRef<OsStr>>(directory: &Path, filter: &[S]) -> Option<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seed_reader.py");
    let Ok(said) = Command::new("python3")
        .arg(script)
        .arg(directory)
        .args(filter)
        .output()
    else {
        left_out("needs python3");
        return None;
    };
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    Some(serde_json::from_slice(&said.stdout).unwrap())
}

fn worked_journal() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("crates/journal/tests/testdata/journal-v1/audit_logs")
}

#[test]
fn a_plain_reader_reads_every_line_and_every_call() {
    let Some(read) = read::<&str>(&worked_journal(), &[]) else {
        return;
    };
    let expected = json!({
        "lines": 17,
        "request_ids": [
            "01a202b2-dc70-7000-8000-000000000006",
            "01a202b2-c8e8-7000-8000-000000000001",
            "01a202b2-ccd0-7000-8000-000000000002",
            "01a202b2-d0b8-7000-8000-000000000003",
            "01a202b2-d4a0-7000-8000-000000000004",
            "01a202b2-d888-7000-8000-000000000005",
        ],
        "users": ["user-0", "user-1"],
        "statuses": ["error", "success"],
        "input_tokens": 6021,
        "cost_usd": "0.006609",
    });
    assert_eq!(read, expected);
}

#[test]
fn a_plain_reader_selects_by_time_and_user() {
    let filter = ["2026-11-22T10:00:01", "2026-11-22T10:00:02", "user-1"];
    let Some(read) = read(&worked_journal(), &filter) else {
        return;
    };
    assert_eq!(
        read["request_ids"],
        json!(["01a202b2-c8e8-7000-8000-000000000001"])
    );
    assert_eq!(read["lines"], 17);
}
