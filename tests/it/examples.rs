//! The examples, run as a user runs them: what they record is what the recordings say, and what README says of them holds.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tracing_llm_audit::checkpoint::{KeyName, SigningKey};

use crate::{
    seed_reader,
    services::{http, left_out},
    verifier,
};

const EXIT_WAIT_MAX: Duration = Duration::from_secs(60);

/// Returns the built example, which lies beside the folder of this test program.
pub(crate) fn program(name: &str) -> PathBuf {
    let tests = env::current_exe().unwrap();
    let path = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(name);
    if !path.exists() {
        // `cargo test --test it` builds no examples.
        let cargo = env!("CARGO");
        let built = Command::new(cargo)
            .args(["build", "--example", name])
            // A test that runs an example of a feature was built with it.
            .args(cfg!(feature = "reqwest-middleware").then_some("--features=reqwest-middleware"))
            .status();
        assert!(built.unwrap().success(), "{name} cannot be built");
    }
    path
}

/// A command for an example that sees none of this machine's telemetry settings.
pub(crate) fn command(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(program(name));
    command.current_dir(folder);
    let foreign = env::vars_os().map(|(name, _)| name);
    for name in foreign.filter(|name| name.to_string_lossy().starts_with("OTEL_")) {
        command.env_remove(name);
    }
    command.env_remove("LLM_AUDIT_DIR").env_remove("RUST_LOG");
    command
}

struct Run {
    folder: TempDir,
    output: Output,
}

fn run(name: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let output = command(name, folder.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
    Run { folder, output }
}

impl Run {
    fn journal(&self) -> PathBuf {
        self.folder.path().join("audit_logs")
    }

    fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }
}

/// Returns the journal's entries, by the order in which they stand.
pub(crate) fn entries(journal: &Path) -> Vec<Value> {
    let mut files: Vec<PathBuf> = fs::read_dir(journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();
    let texts = files.iter().map(|path| fs::read_to_string(path).unwrap());
    let parse = |text: String| -> Vec<Value> {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    texts.flat_map(parse).collect()
}

/// Returns the records by the time at which their calls started.
pub(crate) fn records(journal: &Path) -> Vec<Value> {
    let mut records = entries(journal);
    records.retain(|entry| entry["audit"]["kind"] == "call");
    records.sort_by_key(|record| record["timestamp"].as_str().unwrap().to_owned());
    records
}

/// What each recording's own numbers are, by its name.
fn expected() -> BTreeMap<String, Value> {
    let index =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/provider-traffic/index.json");
    let index: Value = serde_json::from_slice(&fs::read(index).unwrap()).unwrap();
    let recordings = index["fixtures"].as_array().unwrap().iter();
    recordings
        .map(|recording| {
            (
                recording["id"].as_str().unwrap().to_owned(),
                recording["expected"].clone(),
            )
        })
        .collect()
}

/// The quickstart's records in order: user, action, status, and the recording whose numbers they must have.
const QUICKSTART: [(&str, &str, &str, Option<&str>); 12] = [
    (
        "user-1",
        "chat.completions.create",
        "success",
        Some("openai-chat-text"),
    ),
    (
        "user-1",
        "messages.create",
        "success",
        Some("anthropic-stream-text"),
    ),
    (
        "user-2",
        "messages.create",
        "success",
        Some("anthropic-cache-write-5m"),
    ),
    (
        "user-2",
        "messages.create",
        "success",
        Some("anthropic-stream-cache"),
    ),
    (
        "user-2",
        "chat.completions.create",
        "success",
        Some("openai-chat-cached"),
    ),
    (
        "user-1",
        "messages.create",
        "success",
        Some("anthropic-thinking-tokens"),
    ),
    ("user-2", "invoke_agent", "success", None),
    (
        "user-2",
        "messages.create",
        "success",
        Some("anthropic-tool-use"),
    ),
    ("user-2", "execute_tool", "success", None),
    (
        "user-1",
        "messages.create",
        "error",
        Some("anthropic-error-400"),
    ),
    ("user-1", "messages.create", "incomplete", None),
    ("user-2", "chat", "blocked", None),
];

/// Keys of a record and of a recording's expectation that mean the same.
const SAME: [(&str, &str); 6] = [
    ("input_tokens", "input_tokens_total"),
    ("output_tokens", "output_tokens_total"),
    ("thinking_tokens", "reasoning_tokens"),
    ("cache_read_tokens", "cache_read_tokens"),
    ("cache_write_tokens", "cache_write_tokens"),
    ("finish_reasons", "finish_reasons"),
];

fn check_quickstart(records: &[Value]) {
    let expected = expected();
    assert_eq!(records.len(), QUICKSTART.len(), "{records:#?}");
    for (record, (user, action, status, recording)) in records.iter().zip(QUICKSTART) {
        assert_eq!(record["user_id"], user, "{record}");
        assert_eq!(record["action"], action, "{record}");
        assert_eq!(record["status"], status, "{record}");
        let known = recording.map_or(&Value::Null, |recording| &expected[recording]);
        for (ours, theirs) in SAME {
            assert_eq!(
                record[ours], known[theirs],
                "{ours} of {recording:?}: {record}"
            );
        }
        if known["response_model"].is_string() {
            assert_eq!(record["model"], known["response_model"], "{record}");
            assert!(record["cost_usd"].is_number(), "{record}");
        }
    }
}

/// Holds the journal against the independent verifier, with the public key and its own newest checkpoint as anchor.
fn check_verified(journal: &Path) {
    let notes = fs::read_dir(journal.join("checkpoints")).unwrap();
    let note = notes.map(|entry| entry.unwrap().path()).next().unwrap();
    let text = fs::read_to_string(&note).unwrap();
    let (name, _) = text.lines().next().unwrap().rsplit_once('/').unwrap();
    let seed = fs::read(journal.with_extension("keys").join("sign")).unwrap();
    let key = SigningKey::from_seed(KeyName::new(name).unwrap(), &seed.try_into().unwrap());
    let key = key.verifier_key().to_string();
    if let Some(report) = verifier::verify(journal, &[&key], &[&note]) {
        assert_eq!(report["exit"], 0, "{report:#}");
    }
}

#[test]
fn quickstart_records_what_the_recordings_say() {
    let run = run("quickstart");
    let records = records(&run.journal());
    check_quickstart(&records);
    check_verified(&run.journal());

    let stdout = run.stdout();
    for record in &records {
        let id = record["request_id"].as_str().unwrap();
        assert!(stdout.contains(id), "{id} is not shown:\n{stdout}");
    }
    let shown = stdout.lines().find(|line| line.starts_with('{')).unwrap();
    let shown: Value = serde_json::from_str(shown).unwrap();
    assert!(
        records.contains(&shown),
        "the line shown is none of the file's"
    );
    if let Some(read) = seed_reader::read::<&str>(&run.journal(), &[]) {
        assert_eq!(read["users"], serde_json::json!(["user-1", "user-2"]));
    }
}

/// The script of README's "Check a journal without this tool" finds nothing in a good journal, and an edit in a bad one.
#[test]
fn the_script_in_the_readme_checks_a_journal() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, script) = readme.split_once("```python\n").unwrap();
    let (script, _) = script.split_once("```").unwrap();
    let run = run("quickstart");
    let check = || {
        Command::new("python3")
            .args(["-c", script])
            .arg(run.journal())
            .output()
    };
    let Ok(said) = check() else {
        return left_out("README's script: there is no python3");
    };
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.ends_with(" entries read\n") && said.lines().count() == 1,
        "{said}"
    );

    let segment = fs::read_dir(run.journal())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.is_file()).unwrap();
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(
        &segment,
        text.replacen("\"status\":\"error\"", "\"status\":\"success\"", 1),
    )
    .unwrap();
    let said = String::from_utf8(check().unwrap().stdout).unwrap();
    assert!(said.contains("class 1 was changed"), "{said}");
}

#[test]
fn annotated_writes_one_record() {
    let run = run("annotated");
    let records = records(&run.journal());
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["input_tokens"], 19);
    assert_eq!(records[0]["status"], "success");
    check_verified(&run.journal());
}

/// A service that was started, and is killed where the test fails.
struct Service {
    child: Child,
    port: u16,
}

impl Service {
    fn start(folder: &Path) -> Self {
        let mut command = command("axum_service", folder);
        command.env("LISTEN", "127.0.0.1:0");
        command.env_remove("LLM_BASE_URL").env_remove("LLM_API_KEY");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let port = line.trim_end().rsplit(':').next().unwrap().parse().unwrap();
        // Its pipe is read to the end, so that it never waits for us.
        std::thread::spawn(move || stdout.read_to_string(&mut String::new()));
        Self { child, port }
    }

    fn ask(&self, user: &str, question: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(EXIT_WAIT_MAX)).unwrap();
        let len = question.len();
        write!(
            stream,
            "POST /ask HTTP/1.0\r\nx-user: {user}\r\ncontent-length: {len}\r\n\r\n{question}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// Asks it to stop, as an orchestrator does, and waits until it has.
    #[cfg(unix)]
    fn terminate(mut self) -> Option<i32> {
        let killed = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(killed.unwrap().success());
        let deadline = Instant::now() + EXIT_WAIT_MAX;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it does not stop");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[cfg(unix)]
fn a_service_that_is_told_to_stop_has_written_everything() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(folder.path());
    let replies: Vec<String> = (0..5)
        .map(|n| service.ask(&format!("user-{n}"), "Is Berlin the capital?"))
        .collect();
    let health = http::get(service.port, "/health").unwrap();
    assert_eq!(health.status, 200);
    let health: Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!(health["accepted"], 5, "{health}");
    assert_eq!(service.terminate(), Some(0));

    let journal = folder.path().join("audit_logs");
    let records = records(&journal);
    assert_eq!(records.len(), 5);
    for (n, (record, reply)) in records.iter().zip(&replies).enumerate() {
        assert!(reply.starts_with("HTTP/1.0 200"), "{reply}");
        assert_eq!(record["user_id"], format!("user-{n}"));
        assert_eq!(record["status"], "success");
        let id = record["request_id"].as_str().unwrap();
        assert!(reply.contains(id), "{id} is not in the reply: {reply}");
    }
    let kinds: Vec<Value> = entries(&journal)
        .iter()
        .map(|entry| entry["audit"]["kind"].clone())
        .collect();
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["close", "checkpoint"],
        "the stream was not closed in order"
    );
    check_verified(&journal);
}
