//! Runs `llm-audit status` on a directory and keeps what it said.
//!
//! Promise: a command that hangs fails the test.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

/// How long the command may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the command said.
pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) json: Value,
}

impl Said {
    /// The findings as `code file:line`.
    pub(crate) fn findings(&self) -> Vec<String> {
        listed(&self.json["findings"])
    }

    pub(crate) fn information(&self) -> Vec<String> {
        listed(&self.json["information"])
    }

    /// Checks that these are the findings, that each says what to do, and that the exit says so too.
    #[track_caller]
    pub(crate) fn assert_findings(&self, expected: &[&str]) {
        assert_eq!(self.findings(), expected, "{:#}", self.json["findings"]);
        for finding in self.json["findings"].as_array().unwrap() {
            assert_ne!(finding["advice"], "", "{finding}");
            assert_ne!(finding["detail"], "", "{finding}");
        }
        assert_eq!(self.exit, if expected.is_empty() { 0 } else { 2 });
    }
}

fn listed(findings: &Value) -> Vec<String> {
    let text = |finding: &Value| {
        let (code, file) = (finding["code"].as_str()?, finding["file"].as_str()?);
        let line = finding["line"].as_u64();
        let line = line.map_or(String::new(), |line| format!(":{line}"));
        Some(format!("{code} {file}{line}"))
    };
    let findings = findings.as_array().unwrap();
    findings.iter().map(|one| text(one).unwrap()).collect()
}

/// Runs the command, which must end by itself.
pub(crate) fn status_in(directory: &Path, more: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-audit"));
    command.args(["status", "--json", "--dir"]).arg(directory);
    command.args(more).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        sender.send(text)
    });
    let Ok(text) = receiver.recv_timeout(DEADLINE) else {
        child.kill().unwrap();
        panic!("the command hangs");
    };
    let exit = child.wait().unwrap().code().unwrap();
    let json = serde_json::from_str(&text).unwrap();
    Said { exit, json }
}
