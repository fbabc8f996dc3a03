//! `llm-audit status` beside a process that writes the journal: it must see it, and must not be in its way.
//!
//! One test at a time: a child process that another test starts would hold this one's locks for a moment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod made;

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use made::{Made, said::status_in};
use tracing_llm_audit::{
    checkpoint::KeyName,
    journal::{JournalOptions, JournalWriter, Seams},
};

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a writer as a process does that starts.
fn open_writer(directory: &Path) -> JournalWriter {
    let name = KeyName::new("example.com/audit").unwrap();
    let options = JournalOptions::new(directory, name);
    JournalWriter::open(options, Seams::default()).unwrap().0
}

/// Whether the system tells who holds a lock; where it does not, the answer must be "unknown".
fn has_list_of_locks() -> bool {
    fs::read_to_string("/proc/locks").is_ok_and(|list| list.contains("FLOCK"))
}

/// The command looks for a living writer while one lives: it says which process it is, and finds nothing.
#[test]
fn a_live_writer_is_named_by_its_pid() {
    let _alone = alone();
    let folder = Made::new();
    let directory = folder.path("audit_logs");
    let mut writer = open_writer(&directory);
    writer.sync().unwrap();
    let said = status_in(&directory, &[]);
    said.assert_findings(&[]);
    let writing = &said.json["streams"][0]["writer"];
    if has_list_of_locks() {
        let pid = std::process::id();
        assert_eq!(*writing, serde_json::json!({"state": "alive", "pid": pid}));
    } else {
        assert_eq!(writing["state"], "unknown");
    }
    writer.close().unwrap();
    drop(writer);
    let said = status_in(&directory, &[]);
    said.assert_findings(&[]);
    assert_ne!(said.json["streams"][0]["writer"]["state"], "alive");
    assert_eq!(said.json["streams"][0]["is_closed"], true);
}

/// Processes start and end while the command looks: notes and entries that come meanwhile are no findings, and every
/// process gets the stream that it would have got without the command.
#[test]
fn processes_that_start_and_end_are_no_findings() {
    let _alone = alone();
    let folder = Made::new();
    let directory = folder.path("audit_logs");
    let mut writer = open_writer(&directory);
    writer.close().unwrap();
    let first = writer.stream();
    drop(writer);
    // A shell starts the command over and over: a child of this process would hold the writer's lock until it is the
    // command, for a lock goes with the open file.
    let script = r#"until [ -e "$3" ]; do "$1" status --dir "$2" > "$4"; echo $? >> "$5"; done"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_llm-audit")]);
    shell.arg(&directory);
    shell.args(["stop", "said", "exits"].map(|name| folder.path(name)));
    let mut shell = shell.spawn().unwrap();
    let exits = || fs::read_to_string(folder.path("exits")).unwrap_or_default();
    let mut streams = BTreeSet::new();
    while exits().lines().count() < 40 && exits().lines().all(|exit| exit == "0") {
        let mut writer = open_writer(&directory);
        streams.insert(writer.stream());
        writer.close().unwrap();
    }
    folder.write("stop", "");
    shell.wait().unwrap();
    let said = fs::read_to_string(folder.path("said")).unwrap();
    assert!(exits().lines().all(|exit| exit == "0"), "{}{said}", exits());
    assert_eq!(streams.into_iter().collect::<Vec<_>>(), [first]);
}

/// The end of a file that is being written looks like one that a crash tore: which it is, the writer's lock tells.
#[test]
fn a_torn_tail_is_a_finding_only_when_no_process_writes_it() {
    let _alone = alone();
    let folder = Made::new();
    let directory = folder.path("audit_logs");
    let mut writer = open_writer(&directory);
    writer.sync().unwrap();
    let names = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    let segment = names.filter(is_segment).max().unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(&segment).unwrap();
    file.write_all(b"{\"request_id\":").unwrap();
    if has_list_of_locks() {
        let said = status_in(&directory, &[]);
        said.assert_findings(&[]);
        assert!(said.information()[0].starts_with("being written "));
    }
    drop(writer);
    let said = status_in(&directory, &[]);
    assert!(said.findings()[0].starts_with("torn tail "));
    assert_eq!((said.findings().len(), said.exit), (1, 2));
}
