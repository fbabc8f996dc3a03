//! Disks as they are: full, limited, read-only, hung. No torn line stays, nothing acknowledged is lost, and it goes on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use llm_audit_journal::{
    checkpoint::KeyName,
    entry::Kind,
    journal::{
        AppendError, FileStorage, JournalOptions, JournalWriter, MemoryStorage, OpenError, Seams,
    },
};

use crate::{left_out::left_out, storage::*, support::*};

const SEGMENT: &str = "/j/audit_logs/audit_2026-11-22.jsonl";

fn file_options(directory: &Path) -> JournalOptions {
    JournalOptions::new(directory.join("audit_logs"), KeyName::new(NAME).unwrap())
}

/// Writes until the disk says no, keeps on trying, makes room, and goes on: every record is there once.
#[test]
fn a_full_disk_holds_up_and_loses_nothing() {
    let disk = MemoryStorage::new();
    let storage = FaultStorage::new(disk.clone());
    let seams = seams(storage.clone(), &TestClock::new(), 1);
    let (mut writer, opened) = JournalWriter::open(options(), seams).unwrap();
    let mut refused = 0;
    for acc in 1..=3000 {
        if acc == 500 {
            storage.set_full(true);
        }
        if acc % 10 == 0 {
            let _ = writer.sync();
        }
        while let Err(error) = writer.append(acc, Kind::Call, &record(acc, "success")) {
            assert!(error.is_retryable(), "{error}");
            refused += 1;
            if refused == 5 {
                storage.set_full(false);
            }
        }
    }
    assert_eq!(
        refused, 5,
        "a full batch is all that is taken while the disk is full"
    );
    writer.close().unwrap();
    let found = check_on(
        Arc::new(disk),
        DIRECTORY.as_ref(),
        &opened.verifier_key,
        Strictness::AfterFailures,
    );
    let found = &found[&writer.stream()];
    assert_eq!(
        (found.written.len(), found.repeats, found.files.len()),
        (3000, 0, 2)
    );
}

#[test]
fn a_full_disk_leaves_no_torn_line_and_no_empty_files() {
    let disk = MemoryStorage::new();
    let storage = FaultStorage::new(disk.clone());
    let seams = seams(storage.clone(), &TestClock::new(), 1);
    let (mut writer, _) = JournalWriter::open(options(), seams).unwrap();
    append(&mut writer, 1);
    writer.sync().unwrap();
    let before = disk.paths().len();
    append(&mut writer, 2);
    // Each second call fails: the write, and not the truncation after it.
    for _ in 0..50 {
        let call = storage.calls() + 1;
        let _ = storage.clone().fail(call, 1, Failure::Full);
        let _ = writer.tick();
    }
    assert!(disk.read(SEGMENT).unwrap().ends_with(b"\n"));
    assert!(disk.paths().len() <= before + 2, "{:?}", disk.paths());
}

/// A sync that hangs holds the writer's thread and nobody else: a reader goes on, and so does the mark afterwards.
#[test]
fn a_hung_sync_holds_nobody_else() {
    let storage = FaultStorage::new(MemoryStorage::new());
    let seams = seams(storage.clone(), &TestClock::new(), 1);
    let (mut writer, _) = JournalWriter::open(options(), seams).unwrap();
    let (mark, handle) = (writer.durable(), writer.handle());
    storage.hang(true);
    let hung = thread::spawn(move || {
        append(&mut writer, 1);
        writer.sync().unwrap();
        writer
    });
    assert_eq!(
        mark.wait(3, Duration::from_millis(50)),
        3,
        "nothing is said to be durable"
    );
    let mut reader = handle.reader(&llm_audit_journal::journal::Cursor::START);
    assert_eq!(std::iter::from_fn(|| reader.next().unwrap()).count(), 3);
    storage.hang(false);
    assert_eq!(mark.wait(3, Duration::from_secs(60)), 4);
    hung.join().unwrap();
}

#[test]
fn a_read_only_directory_is_an_error_that_says_where() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    // A file where the directory should be is refused to root too.
    let error = JournalWriter::open(file_options(&file), Seams::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("file/audit_logs"), "{error}");
    // Permissions do not bind root; a file system mounted read-only does.
    let mounted = is_writable_nowhere(directory.path())
        .then_some(None)
        .or_else(|| Mounted::tmpfs(directory.path(), "ro").map(Some));
    let Some(_mounted) = mounted else {
        left_out("a read-only directory: this user may write everywhere and may not mount");
        return;
    };
    let error = JournalWriter::open(file_options(directory.path()), Seams::default())
        .err()
        .unwrap();
    assert!(matches!(error, OpenError::File(_)), "{error}");
}

fn is_writable_nowhere(directory: &Path) -> bool {
    let mut permissions = fs::metadata(directory).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(directory, permissions).unwrap();
    fs::write(directory.join("probe"), "").is_err()
}

#[cfg(unix)]
#[test]
fn files_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let mut options = file_options(directory.path());
    options.with_hash_key = true;
    let (mut writer, _) = JournalWriter::open(options, Seams::default()).unwrap();
    append(&mut writer, 1);
    writer
        .handle()
        .put_dead_letter("otlp", 2, b"{}", "too large")
        .unwrap();
    writer.close().unwrap();
    let mut folders = vec![
        directory.path().join("audit_logs"),
        directory.path().join("audit_logs.keys"),
    ];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700,
            "{folder:?}"
        );
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                assert_eq!(
                    entry.metadata().unwrap().permissions().mode() & 0o777,
                    0o600,
                    "{entry:?}"
                );
                files += 1;
            }
        }
    }
    assert!(files >= 6, "{files} files");
}

/// Runs the child below; the shell line may set a limit or mount something first.
fn run_child(shell: &str, directory: &Path) -> bool {
    let exe = env::current_exe().unwrap();
    let line = format!(
        "{shell} exec \"$0\" --exact disk::child_that_fills_the_disk --ignored --nocapture"
    );
    let status = Command::new("sh")
        .args(["-c", &line])
        .arg(exe)
        .env("LLM_AUDIT_TEST_CHILD", directory)
        .stdout(Stdio::null())
        .status();
    status.unwrap().success()
}

#[test]
#[ignore = "the child of the two tests below"]
fn child_that_fills_the_disk() {
    let Some(directory) = env::var_os("LLM_AUDIT_TEST_CHILD") else {
        return;
    };
    let (mut writer, _) =
        JournalWriter::open(file_options(directory.as_ref()), Seams::default()).unwrap();
    let mut accs = Vec::new();
    let mut acked = String::new();
    for acc in 1..=5000 {
        match writer.append(acc, Kind::Call, &record(acc, "success")) {
            Ok(_) => accs.push(acc),
            Err(AppendError::Sync(_)) => break,
            Err(error) => panic!("{error}"),
        }
        if acc % 50 == 0 && writer.sync().is_ok() {
            acked.extend(accs.drain(..).map(|acc| format!("{acc}\n")));
        }
    }
    let is_limited = env::var_os("LLM_AUDIT_TEST_ORDER").is_some();
    assert!(is_limited || !accs.is_empty(), "the disk was not filled");
    // Told outside the limited disk.
    fs::write(format!("{}.acked", directory.to_string_lossy()), acked).unwrap_or_default();
    std::process::exit(0);
}

fn check_filled(directory: &Path) {
    let root = directory.join("audit_logs");
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            let bytes = fs::read(&path).unwrap();
            assert!(
                bytes.is_empty() || bytes.ends_with(b"\n"),
                "{}: torn",
                path.display()
            );
        }
    }
    // Elsewhere there is room.
    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp")
        .arg("-a")
        .arg(directory)
        .arg(copy.path().join("copy"))
        .status();
    assert!(status.unwrap().success());
    let copied = copy.path().join("copy");
    let (mut writer, opened) =
        JournalWriter::open(file_options(&copied), Seams::default()).unwrap();
    assert_eq!(opened.quarantined_bytes, 0);
    writer.close().unwrap();
    let root = copied.join("audit_logs");
    let found = check_on(
        Arc::new(FileStorage::default()),
        &root,
        &opened.verifier_key,
        Strictness::AfterFailures,
    );
    let acked = fs::read_to_string(format!("{}.acked", directory.display())).unwrap_or_default();
    assert!(acked.lines().count() >= 50, "something was acknowledged");
    for acc in acked.lines().map(|acc| acc.parse::<u64>().unwrap()) {
        assert!(
            found.values().any(|found| found.written.contains(&acc)),
            "acc {acc} is gone"
        );
    }
}

#[test]
fn a_file_size_limit_leaves_no_torn_line() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("disk");
    fs::create_dir(&inside).unwrap();
    // In units of 512 bytes. A shell ignores the signal that comes with the limit, and so do its children.
    let limit =
        "trap '' XFSZ; ulimit -f 600; LLM_AUDIT_TEST_ORDER=limited; export LLM_AUDIT_TEST_ORDER;";
    assert!(run_child(limit, &inside));
    // The limit is each file's own: what one does not take goes into the next.
    let names = fs::read_dir(inside.join("audit_logs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let segments = names
        .filter(|name| name.to_string_lossy().ends_with(".jsonl"))
        .count();
    assert!(segments > 5, "{segments} segments");
    check_filled(&inside);
}

#[test]
fn a_full_tmpfs_leaves_no_torn_line() {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("disk");
    fs::create_dir(&inside).unwrap();
    let Some(_mounted) = Mounted::tmpfs(&inside, "size=512k") else {
        left_out("a full tmpfs: this user may not mount");
        return;
    };
    assert!(run_child("", &inside));
    check_filled(&inside);
}

/// A file system in memory over a folder, until the value goes.
struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(folder: &Path, options: &str) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(folder.to_path_buf()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
