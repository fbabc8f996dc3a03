//! What a user types and sees, as data: each file in `cmd/` has the arguments, the exit status and both outputs.
//!
//! The command runs in `journals/`, where there is a journal for each thing that can be wrong. With `LLM_AUDIT_BLESS=1`
//! the files are written anew from what the command does; read the difference before you keep it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod made;

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use made::{Made, Maker, stream};

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn command(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-audit"));
    command.current_dir(tests().join("journals"));
    command.env_remove("LLM_AUDIT_DIR").env_remove("NO_COLOR");
    command.env("COLUMNS", "100");
    command.args(args.split_whitespace());
    command
}

/// The text of a case: `args:`, `env:` lines as given, then what came of it.
fn shown(given: &str, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let status = output.status.code().unwrap();
    format!("{given}\nstatus: {status}\n--- stdout\n{stdout}--- stderr\n{stderr}")
}

fn run(path: &Path) -> (String, String) {
    let case = fs::read_to_string(path).unwrap();
    let given = case.split("\nstatus:").next().unwrap().trim_end();
    let args = given.lines().find_map(|line| line.strip_prefix("args:"));
    let mut command = command(args.unwrap());
    for variable in given.lines().filter_map(|line| line.strip_prefix("env: ")) {
        let (name, value) = variable.split_once('=').unwrap();
        command.env(name, value);
    }
    let shown = shown(given, &command.output().unwrap());
    (case, shown)
}

#[test]
fn every_case_shows_what_its_file_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(tests().join("cmd")).unwrap() {
        let path = entry.unwrap().path();
        let (case, shown) = run(&path);
        count += 1;
        if std::env::var_os("LLM_AUDIT_BLESS").is_some() {
            fs::write(&path, shown).unwrap();
        } else if case != shown {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            wrong.push(format!("{name}, expected:\n{case}\nbut it shows:\n{shown}"));
        }
    }
    assert!(count >= 20, "the cases are not where they should be");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// `llm-audit cat | head -1` is an everyday thing: no complaint, no failure.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    for _ in 1..2000 {
        maker.call();
    }
    maker.save(&made);
    for format in ["table", "json", "jsonl", "csv"] {
        let mut command = command(&format!("cat --format {format} --dir"));
        command.arg(made.root());
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}

/// A line is half written when the command comes by: it waits a moment instead of calling it torn.
#[test]
fn a_line_that_is_being_written_is_waited_for() {
    let lines = tests().join("journals/two_streams/audit_2026-11-22.jsonl");
    let lines = fs::read(lines).unwrap();
    let last = lines.split_inclusive(|byte| *byte == b'\n').next_back();
    // This thread may be stalled for longer than the command's patience; not ten times.
    let is_waited_for = || {
        let output = cat_while_writing(&lines);
        output.stderr.is_empty() && Some(output.stdout.as_slice()) == last
    };
    assert!((0..10).any(|_| is_waited_for()));
}

fn cat_while_writing(lines: &[u8]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let (begin, rest) = lines.split_at(lines.len() - 30);
    let mut file = fs::File::create(folder.path().join("audit_2026-11-22.jsonl")).unwrap();
    file.write_all(begin).unwrap();
    let mut cat = command("cat --json --dir");
    cat.arg(folder.path());
    let child = cat.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    thread::sleep(Duration::from_millis(10));
    file.write_all(rest).unwrap();
    child.unwrap().wait_with_output().unwrap()
}
