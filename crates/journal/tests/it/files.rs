//! Names in the journal's directory that are not what they say: pipes, links, directories, other users' files.
//!
//! Each is left as it is, never followed, never waited for, and named; it costs its stream at most, never the audit.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use llm_audit_journal::{
    checkpoint::KeyName,
    entry::StreamId,
    journal::{Cursor, FileStorage, JournalOptions, JournalWriter, OpenError, Opened, Storage},
};
use tempfile::TempDir;

use crate::{left_out::left_out, storage::FaultStorage, support::*};

const SEGMENT: &str = "audit_2026-11-22.jsonl";
const HOST_TEXT: &[u8] = b"root:x:0:0:what the host must keep\n";
/// A user who is neither root nor anybody else here.
const SOMEBODY: u32 = 65_534;

/// How long anything may take before it counts as hung.
const DEADLINE: Duration = Duration::from_secs(30);

/// A directory with a journal in it, and a file of the host beside it.
struct Scene {
    folder: TempDir,
    /// The stream that the journal has, closed in order.
    stream: StreamId,
}

type OpenResult = Result<(JournalWriter, Opened), OpenError>;

fn options_in(folder: &Path) -> JournalOptions {
    JournalOptions::new(folder.join("audit_logs"), KeyName::new(NAME).unwrap())
}

/// Works on a thread of its own, so that a call that hangs fails the test.
fn within_deadline<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(DEADLINE)
        .expect("a call hangs or panicked")
}

fn open_in(folder: &Path, storage: impl Storage, seed: u64) -> OpenResult {
    let (options, seams) = (options_in(folder), seams(storage, &TestClock::new(), seed));
    within_deadline(|| JournalWriter::open(options, seams))
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("host"), HOST_TEXT).unwrap();
        let (mut writer, _) = open_in(folder.path(), FileStorage::default(), 1).unwrap();
        append(&mut writer, 1);
        writer.close().unwrap();
        let stream = writer.stream();
        Self { folder, stream }
    }

    fn host(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    fn path(&self, name: &str) -> PathBuf {
        let name = name.replace("{stream}", &self.stream.to_string());
        self.folder.path().join("audit_logs").join(name)
    }

    /// Opens, writes a record, reads it back, closes; returns what the opening said and the stream that it took.
    fn audit_on(&self, storage: impl Storage) -> (Opened, StreamId) {
        let (writer, opened) = open_in(self.folder.path(), storage, 2).unwrap();
        let stream = writer.stream();
        within_deadline(|| Self::write_one(writer));
        (opened, stream)
    }

    fn write_one(mut writer: JournalWriter) {
        let acc = writer.next_acc();
        append(&mut writer, acc);
        writer.sync().unwrap();
        let mut reader = writer.handle().reader(&Cursor::START);
        let entries = std::iter::from_fn(|| reader.next().unwrap());
        let is_ours = |at: &llm_audit_journal::entry::Position| at.acc == acc;
        let found = entries.filter(|entry| is_ours(entry.as_entry().position()));
        assert!(found.count() > 0, "the record is in the journal");
        writer.tick().unwrap();
        writer.close().unwrap();
    }

    fn audit(&self) -> (Opened, StreamId) {
        self.audit_on(FileStorage::default())
    }

    /// Puts something in a file's place.
    fn plant(&self, name: &str, kind: &str) {
        let path = self.path(name);
        if path.is_file() {
            fs::remove_file(&path).unwrap();
        }
        match kind {
            "pipe" => make_pipe(&path),
            "link" => symlink(self.host(), &path).unwrap(),
            "loop" => symlink(&path, &path).unwrap(),
            "directory" => fs::create_dir(&path).unwrap(),
            _ => panic!("{kind}"),
        }
    }

    fn assert_untouched(&self, name: &str, kind: &str) {
        let found = fs::symlink_metadata(self.path(name)).unwrap().file_type();
        let is_there = match kind {
            "pipe" => found.is_fifo(),
            "directory" => found.is_dir(),
            _ => found.is_symlink(),
        };
        assert!(is_there, "{kind} as {name} is {found:?} afterwards");
        let host = fs::read(self.host()).unwrap();
        assert_eq!(host, HOST_TEXT, "{kind} as {name}: the host's file changed");
    }
}

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

fn is_named(opened: &Opened, path: &Path) -> bool {
    let path = path.display().to_string();
    opened.strangers.iter().any(|text| text.starts_with(&path))
}

/// A pipe in a file's place held `build()` for ever, in `open(2)`; a link as `locks/first` cut the file that it led to,
/// `/etc/passwd` where the service ran as root, to nothing; and any of them ended the audit where it did not hang.
#[test]
fn whatever_has_a_files_name_is_left_alone_and_named() {
    let places = [
        SEGMENT,
        "audit_2026-11-22.1.jsonl",
        "audit_2026-11-22.0123abcd.jsonl",
        "locks/first",
        "locks/{stream}",
        "checkpoints/{stream}",
        "checkpoints/{stream}.tmp",
        "cursors/otlp.{stream}",
        "quarantine/audit_2026-11-22.jsonl.0.0",
        "cache/{stream}",
    ];
    for name in places {
        for kind in ["pipe", "link", "loop", "directory"] {
            let scene = Scene::new();
            scene.plant(name, kind);
            let (opened, _) = scene.audit();
            scene.assert_untouched(name, kind);
            let path = scene.path(name);
            let named = &opened.strangers;
            assert!(is_named(&opened, &path), "{kind} as {name}: {named:?}");
        }
    }
}

/// What the journal checks first may be exchanged before it is opened: the opening itself is what must be safe.
#[test]
fn no_call_of_the_disk_follows_a_link_or_waits_for_a_pipe() {
    for kind in ["pipe", "link", "loop", "directory"] {
        let scene = Scene::new();
        let name = "cache/planted";
        scene.plant(name, kind);
        let path = scene.path(name);
        let said = kind.replace("pipe", "named pipe").replace("loop", "link");
        let errors = within_deadline(move || {
            let disk = FileStorage::default();
            let opened = [
                disk.open_read(&path).err(),
                disk.open_append(&path).err(),
                disk.try_lock(&path).err(),
            ];
            let taken = [
                disk.create(&path).err(),
                disk.create_dir(&path.join("below")).err(),
            ];
            (opened, taken)
        });
        for error in errors.0 {
            let error = error.expect(kind).to_string();
            assert!(error.contains(&said), "{kind}: {error}");
        }
        let [created, made] = errors.1;
        let created = created.expect(kind).kind();
        assert_eq!(created, std::io::ErrorKind::AlreadyExists, "{kind}");
        assert_eq!(made.is_none(), kind == "directory", "{kind}");
        scene.assert_untouched(name, kind);
    }
}

/// The same in a directory that has no stream yet: the names are there before the first start.
#[test]
fn a_first_start_meets_strangers_too() {
    for name in [SEGMENT, "locks/first"] {
        for kind in ["pipe", "link", "directory"] {
            let scene = Scene::new();
            fs::remove_dir_all(scene.path("")).unwrap();
            fs::create_dir_all(scene.path("locks")).unwrap();
            scene.plant(name, kind);
            let (opened, stream) = scene.audit();
            scene.assert_untouched(name, kind);
            assert!(is_named(&opened, &scene.path(name)), "{kind} as {name}");
            // Whose the files without an id are cannot be told.
            let id = &stream.to_string()[..8];
            let own = scene.path(&format!("audit_2026-11-22.{id}.jsonl"));
            assert!(own.is_file(), "{kind} as {name}: a stream with its id");
        }
    }
}

/// A stream goes on only where all its files can be used: one that is missing would be written a second time.
#[test]
fn a_stranger_costs_its_own_stream_and_no_other() {
    for (name, is_continued) in [
        (SEGMENT, false),
        ("audit_2026-11-22.1.jsonl", false),
        ("locks/{stream}", false),
        ("checkpoints/{stream}", false),
        ("audit_2026-11-22.0123abcd.jsonl", true),
        ("cursors/otlp.{stream}", true),
        ("quarantine/audit_2026-11-22.jsonl.0.0", true),
        // The first stream is known by its lines too.
        ("locks/first", true),
    ] {
        let scene = Scene::new();
        scene.plant(name, "pipe");
        let (_, stream) = scene.audit();
        assert_eq!(stream == scene.stream, is_continued, "{name}");
    }
}

#[test]
fn a_journal_without_strangers_names_none() {
    let scene = Scene::new();
    let (opened, stream) = scene.audit();
    assert_eq!((opened.strangers, stream), (Vec::new(), scene.stream));
}

/// A cursor's file is replaced by rename, which would put a regular file over the link or the pipe.
#[test]
fn a_cursor_does_not_replace_what_is_no_file() {
    for kind in ["pipe", "link", "directory"] {
        for name in ["cursors/otlp.{stream}", "cursors/otlp.{stream}.tmp"] {
            let scene = Scene::new();
            scene.plant(name, kind);
            let opened = open_in(scene.folder.path(), FileStorage::default(), 2);
            let (writer, _) = opened.unwrap();
            let cursor = writer.handle().cursor_file("otlp");
            let (loaded, stored) =
                within_deadline(move || (cursor.load(), cursor.store(&Cursor::START)));
            assert_eq!(loaded.unwrap(), None, "the follower begins anew");
            let error = stored.unwrap_err().to_string();
            let file = scene.path(name).file_name().unwrap().to_owned();
            assert!(error.contains(file.to_str().unwrap()), "{error}");
            assert!(error.contains("not a regular file"), "{error}");
            scene.assert_untouched(name, kind);
        }
    }
}

/// Another user's file in a shared directory was read, locked and continued as if it were the service's own.
#[test]
fn another_users_file_is_left_alone() {
    let scene = Scene::new();
    if chown(scene.path(SEGMENT), Some(SOMEBODY), None).is_err() {
        left_out("another user's file: only root can give files away");
        return;
    }
    for name in [SEGMENT, "locks/{stream}", "checkpoints/{stream}"] {
        let scene = Scene::new();
        let path = scene.path(name);
        chown(&path, Some(SOMEBODY), None).unwrap();
        let before = fs::read(&path).unwrap();
        let (opened, stream) = scene.audit();
        assert_ne!(stream, scene.stream, "{name}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
        assert_eq!(fs::metadata(&path).unwrap().uid(), SOMEBODY, "{name}");
        let named = opened.strangers.join("\n");
        assert!(named.contains("belongs to user 65534"), "{name}: {named}");
    }
    // The files of the directory's owner are those of the journal.
    let scene = Scene::new();
    for path in [scene.path(""), scene.path(SEGMENT)] {
        chown(path, Some(SOMEBODY), None).unwrap();
    }
    let (opened, stream) = scene.audit();
    assert_eq!((opened.strangers, stream), (Vec::new(), scene.stream));
}

/// One file that the service may not read, copied there by root perhaps, kept it from starting.
#[test]
fn an_unreadable_file_costs_its_stream_and_not_the_audit() {
    for (name, is_continued) in [
        (SEGMENT, false),
        ("locks/{stream}", false),
        ("checkpoints/{stream}", false),
        ("cursors/otlp.{stream}", true),
        ("locks/first", true),
    ] {
        let scene = Scene::new();
        let path = scene.path(name);
        fs::write(scene.path("cursors/otlp.{stream}"), "").unwrap();
        let before = fs::read(&path).unwrap();
        let storage = FaultStorage::new(FileStorage::default()).deny(&path);
        let (opened, stream) = scene.audit_on(storage);
        assert_eq!(stream == scene.stream, is_continued, "{name}");
        assert!(is_named(&opened, &path), "{name}: {:?}", opened.strangers);
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
    }
}

/// A failing disk is not a stranger: were a segment skipped for it, its entries would be written a second time.
#[test]
fn a_failing_disk_is_an_error_and_hides_no_segment() {
    let scene = Scene::new();
    let storage = FaultStorage::new(FileStorage::default());
    open_in(scene.folder.path(), storage.clone(), 2).unwrap();
    for nth in 1..=storage.calls() {
        let storage = FaultStorage::new(FileStorage::default());
        let storage = storage.fail(nth, 1, crate::storage::Failure::Io);
        // Either the opening fails, or it finds everything.
        if let Ok((writer, _)) = open_in(scene.folder.path(), storage.clone(), 2 + nth) {
            if storage.calls() < nth {
                // The first opening had more to do: this one is over before its failure comes.
                break;
            }
            let mut reader = writer.handle().reader(&Cursor::START);
            let mut count = 0;
            while let Some(entry) = reader.next().unwrap() {
                assert_eq!(entry.as_entry().position().seq, count, "call {nth}");
                count += 1;
            }
        }
        let (writer, _) = open_in(scene.folder.path(), FileStorage::default(), 900 + nth).unwrap();
        drop(writer);
    }
    let reader = llm_audit_journal::journal::JournalReader::new(scene.path(""));
    let mut seqs = std::collections::BTreeSet::new();
    for segment in reader.segments().unwrap() {
        for line in reader.lines(&segment).unwrap() {
            if let llm_audit_journal::journal::LineContent::Entry(entry) = line.unwrap().content {
                let at = *entry.as_entry().position();
                assert!(seqs.insert((at.stream, at.seq)), "{} twice", at.seq);
            }
        }
    }
}

/// A file in a folder's place was an error without a word on what to do, and a link led the writes to where it pointed.
#[test]
fn a_folder_that_is_none_is_an_error_that_names_it() {
    for name in [
        "checkpoints",
        "cursors",
        "locks",
        "requests",
        "quarantine",
        "cache",
    ] {
        for kind in ["file", "pipe", "link", "link to a directory"] {
            let scene = Scene::new();
            let path = scene.path(name);
            fs::remove_dir_all(&path).unwrap();
            match kind {
                "file" => fs::write(&path, "mine").unwrap(),
                "link to a directory" => {
                    let elsewhere = scene.folder.path().join("elsewhere");
                    fs::create_dir(&elsewhere).unwrap();
                    symlink(elsewhere, &path).unwrap();
                }
                kind => scene.plant(name, kind),
            }
            let opened = open_in(scene.folder.path(), FileStorage::default(), 2);
            let error = opened.err().expect("an error").to_string();
            let place = path.display().to_string();
            assert!(error.contains(&place), "{kind} as {name}: {error}");
            assert!(error.contains("move it away"), "{kind} as {name}: {error}");
            assert_eq!(fs::read(scene.host()).unwrap(), HOST_TEXT);
        }
    }
}

#[test]
fn a_journal_that_is_a_file_is_an_error_that_names_it() {
    for kind in ["file", "pipe"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit_logs");
        match kind {
            "file" => fs::write(&path, "mine").unwrap(),
            _ => make_pipe(&path),
        }
        let opened = open_in(folder.path(), FileStorage::default(), 1);
        let error = opened.err().expect("an error").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert!(error.contains("not a directory"), "{error}");
    }
}

/// Operators move a journal to a larger disk and leave a link.
#[test]
fn the_journal_itself_may_be_reached_through_a_link() {
    let scene = Scene::new();
    let moved = scene.folder.path().join("larger_disk");
    fs::rename(scene.path(""), &moved).unwrap();
    symlink(&moved, scene.folder.path().join("audit_logs")).unwrap();
    let (opened, stream) = scene.audit();
    assert_eq!((opened.strangers, stream), (Vec::new(), scene.stream));
}

/// A command that root ran in a service's journal left files of root's with mode 0600, and the service's next start
/// could not read its own journal any more.
#[test]
fn what_root_makes_belongs_to_the_directorys_owner() {
    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(SOMEBODY), Some(SOMEBODY)).is_err() {
        left_out("root's files in a service's journal: only root can make them");
        return;
    }
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let (mut writer, opened) = open_in(folder.path(), FileStorage::default(), 1).unwrap();
    append(&mut writer, 1);
    let handle = writer.handle();
    handle
        .put_dead_letter("otlp", 1, b"{}", "too large")
        .unwrap();
    handle.cursor_file("otlp").store(&Cursor::START).unwrap();
    writer.close().unwrap();
    assert_eq!(opened.strangers, Vec::<String>::new());
    let mut paths = vec![folder.path().to_owned()];
    let mut count = 0;
    while let Some(path) = paths.pop() {
        let found = fs::symlink_metadata(&path).unwrap();
        let owner = (found.uid(), found.gid());
        assert_eq!(owner, (SOMEBODY, SOMEBODY), "{}", path.display());
        count += 1;
        if found.is_dir() {
            let inside = fs::read_dir(&path).unwrap();
            paths.extend(inside.map(|entry| entry.unwrap().path()));
        }
    }
    assert!(count >= 16, "{count} files and directories");
}

/// A reader left out what is no regular file without a word, so a journal with a directory in a segment's place looked
/// whole. It is named, and nothing of it is opened: a pipe would hold the reader.
#[test]
fn a_reader_is_told_what_is_no_regular_file() {
    let scene = Scene::new();
    let names = [
        ("audit_2026-11-23.jsonl", "pipe"),
        ("audit_2026-11-24.jsonl", "directory"),
        ("cursors/otlp.{stream}", "link"),
    ];
    for (name, kind) in names {
        scene.plant(name, kind);
    }
    let reader = llm_audit_journal::journal::JournalReader::new(scene.path(""));
    let (sender, receiver) = mpsc::channel();
    let looked = reader.clone();
    thread::spawn(move || sender.send((looked.strangers(), looked.segments())));
    let (strangers, segments) = receiver.recv_timeout(DEADLINE).expect("reading hangs");
    let found: Vec<_> = strangers
        .into_iter()
        .map(|stranger| stranger.path)
        .collect();
    assert_eq!(found, names.map(|(name, _)| scene.path(name)));
    let segments = segments.unwrap();
    assert_eq!(segments.len(), 1);
    assert_eq!(
        segments[0].bytes,
        fs::metadata(scene.path(SEGMENT)).unwrap().len()
    );
    assert_eq!(reader.lock_file(scene.stream), scene.path("locks/{stream}"));
}
