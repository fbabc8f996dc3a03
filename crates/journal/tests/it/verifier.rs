//! The independent verifier (`tests/verify.py` of the workspace's root), asked about a directory.
//!
//! It is written from the format document alone and shares nothing with the library; every test that makes a journal
//! asks it.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::left_out::left_out;

/// What the verifier says: the exit status is under `exit`, then `findings` and `streams`. `None` after saying so where
/// there is no Python.
pub(crate) fn verify(directory: &Path, verifier_keys: &[&str], anchors: &[&Path]) -> Option<Value> {
    verify_with(directory, verifier_keys, anchors, &[])
}

/// The same with files of tail keys, so that it checks the `mac` of each entry too.
pub(crate) fn verify_with(
    directory: &Path,
    verifier_keys: &[&str],
    anchors: &[&Path],
    tail_keys: &[&Path],
) -> Option<Value> {
    let mut command = script();
    for anchor in anchors {
        command.arg("--anchor").arg(anchor);
    }
    for tail_key in tail_keys {
        command.arg("--tail-key").arg(tail_key);
    }
    command.arg(directory).args(verifier_keys);
    report(command)
}

/// What the verifier says of a receipt, or of its text sibling, for the answer in a file.
pub(crate) fn verify_receipt(token: &str, answer: &Path, verifier_key: &str) -> Option<Value> {
    let mut command = script();
    command.arg("--receipt").arg(token).arg("--answer");
    command.arg(answer).arg(verifier_key);
    report(command)
}

fn script() -> Command {
    // The tests of the workspace's root use this module too.
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let script = folders.find_map(|folder| {
        let script = folder.join("tests/verify.py");
        script.is_file().then_some(script)
    });
    let mut command = Command::new("python3");
    command.arg(script.expect("the verifier in tests/"));
    command
}

fn report(mut command: Command) -> Option<Value> {
    let Ok(said) = command.output() else {
        left_out("the verifier in Python: there is no python3");
        return None;
    };
    let report = serde_json::from_slice::<Value>(&said.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&said.stderr)));
    assert_eq!(report["exit"], said.status.code().expect("a status"));
    Some(report)
}

/// The codes of a report's findings, sorted, each once.
pub(crate) fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    let code = |finding: &Value| finding["code"].as_str().expect("a code").to_owned();
    let mut codes: Vec<String> = findings.iter().map(code).collect();
    codes.sort();
    codes.dedup();
    codes
}
