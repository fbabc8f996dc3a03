//! Other programs move, cut, replace and remove the journal's files while it is written: nothing is acknowledged into
//! a file that its name no longer stands for, what is lost is named, and two writers never write one stream.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use llm_audit_journal::{
    checkpoint::KeyName,
    entry::{Entry, Kind},
    journal::{FileStorage, JournalOptions, JournalWriter, Opened, Seams, SyncError},
    json,
};

use crate::{
    storage::{Failure, FaultStorage},
    support::*,
    verifier,
};

/// A journal on disk, its writer with two acknowledged records.
struct Running {
    folder: tempfile::TempDir,
    writer: JournalWriter,
    opened: Opened,
}

fn open_in(folder: &Path) -> (JournalWriter, Opened) {
    let name = KeyName::new(NAME).unwrap();
    let options = JournalOptions::new(folder.join("audit_logs"), name);
    JournalWriter::open(options, Seams::default()).unwrap()
}

impl Running {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, opened) = open_in(folder.path());
        append(&mut writer, 1);
        append(&mut writer, 2);
        writer.sync().unwrap();
        Self {
            folder,
            writer,
            opened,
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("audit_logs")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
            .collect();
        segments.sort_by_key(|path| (path.to_string_lossy().len(), path.clone()));
        segments
    }

    fn segment(&self) -> PathBuf {
        self.segments().pop().unwrap()
    }

    /// Appends a record after harm was done: the first try says what happened, the next one succeeds.
    fn goes_on(&mut self) -> SyncError {
        let acc = self.writer.next_acc();
        append(&mut self.writer, acc);
        let durable = self.writer.durable().next_seq();
        let error = self.writer.sync().unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(
            self.writer.durable().next_seq(),
            durable,
            "nothing is acknowledged"
        );
        self.writer.sync().unwrap();
        assert!(self.writer.durable().next_seq() > durable);
        error
    }

    /// The events of `gap` entries that are in the files.
    fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for segment in self.segments() {
            for line in fs::read(segment).unwrap().split(|byte| *byte == b'\n') {
                if let Ok(entry) = Entry::parse(line)
                    && entry.position().kind == Kind::Gap
                {
                    let event = entry.get("event").unwrap();
                    gaps.push(String::from_utf8_lossy(event).into_owned());
                }
            }
        }
        gaps
    }

    /// The journal names the entries from the first to the last as lost, and the verifier agrees: that is tampering.
    fn names_as_lost(&mut self, first: u64, last: u64) {
        let gap = self.gaps().pop().unwrap();
        let seq = format!("[[{first},{last}]]");
        assert_eq!(
            json::member(gap.as_bytes(), "seq"),
            Some(seq.as_bytes()),
            "{gap}"
        );
        let count = json::member(gap.as_bytes(), "count").and_then(json::unsigned);
        assert_eq!(count, Some(last - first + 1));
        assert!(gap.contains(r#""acc":[],"#) && gap.contains(r#""cause":"segment_lost""#));
        let findings = self.writer.take_findings();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].contains("are gone"), "{findings:?}");
        self.writer.close().unwrap();
        let key = &self.opened.verifier_key;
        if let Some(report) = verifier::verify(&self.root(), &[key], &[]) {
            assert_eq!(report["exit"], 1, "{report}");
            let findings = report["findings"].as_array().unwrap();
            let is_told = findings
                .iter()
                .any(|finding| finding["cause"] == "segment_lost");
            assert!(is_told, "{report}");
        }
    }

    /// Nothing is lost, and the verifier finds nothing worse than an end that is repeated.
    fn has_lost_nothing(&mut self) {
        assert_eq!(self.gaps(), Vec::<String>::new());
        assert_eq!(self.writer.take_findings(), Vec::<String>::new());
        self.writer.close().unwrap();
        verify_directory(&self.root(), &self.opened.verifier_key, "nothing is lost");
    }
}

/// `rm` of the segment, and an age-based `find -delete`: 2,000 records were acknowledged into the removed file.
#[test]
fn a_removed_segment_is_noticed_before_anything_is_acknowledged() {
    let mut running = Running::new();
    fs::remove_file(running.segment()).unwrap();
    let error = running.goes_on();
    assert!(
        error.to_string().contains("was removed or moved"),
        "{error}"
    );
    running.names_as_lost(0, 4);
}

/// `mv` of the segment, as a rotation by rename does it.
#[test]
fn a_moved_segment_is_noticed_before_anything_is_acknowledged() {
    let mut running = Running::new();
    fs::rename(running.segment(), running.root().join("rotated")).unwrap();
    running.goes_on();
    running.names_as_lost(0, 4);
}

/// logrotate's `create`: the segment is moved, and an empty file takes its name.
#[test]
fn a_segment_with_a_new_file_in_its_place_is_noticed() {
    let mut running = Running::new();
    let segment = running.segment();
    fs::rename(&segment, running.root().join("rotated")).unwrap();
    File::create(&segment).unwrap();
    let error = running.goes_on();
    assert!(error.to_string().contains("replaced"), "{error}");
    running.names_as_lost(0, 4);
}

/// logrotate's `copytruncate`: the segment is cut to nothing in place.
#[test]
fn a_segment_that_was_cut_in_place_is_noticed() {
    let mut running = Running::new();
    File::options()
        .write(true)
        .open(running.segment())
        .unwrap()
        .set_len(0)
        .unwrap();
    let error = running.goes_on();
    assert!(error.to_string().contains("bytes where"), "{error}");
    running.names_as_lost(0, 4);
}

/// A cut in the middle: what is still there is not named as lost.
#[test]
fn only_what_is_gone_is_named() {
    let mut running = Running::new();
    let bytes = fs::read(running.segment()).unwrap();
    let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let len: usize = lines[..3].iter().map(|line| line.len()).sum();
    let file = File::options().write(true).open(running.segment()).unwrap();
    file.set_len(len as u64 + 7).unwrap();
    running.goes_on();
    running.names_as_lost(3, 4);
}

/// Somebody appends to the segment: the entries are there, and nothing of it is cut.
#[test]
fn a_segment_that_somebody_appended_to_is_left_as_it_is() {
    use std::io::Write;

    let mut running = Running::new();
    let first = running.segment();
    let mut file = File::options().append(true).open(&first).unwrap();
    file.write_all(b"a line of somebody else\n").unwrap();
    running.goes_on();
    assert_eq!(running.gaps(), Vec::<String>::new());
    let text = fs::read_to_string(&first).unwrap();
    assert!(text.contains("a line of somebody else"));
    assert_eq!(running.segments().len(), 2);
}

/// The directory is moved away, or its volume is unmounted: entries wait, and go on when it is back.
#[test]
fn a_directory_that_is_away_is_waited_for() {
    let mut running = Running::new();
    let (root, away) = (running.root(), running.folder.path().join("away"));
    fs::rename(&root, &away).unwrap();
    append(&mut running.writer, 3);
    let durable = running.writer.durable().next_seq();
    for _ in 0..5 {
        let error = running.writer.sync().unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(
            !root.exists(),
            "it is not made anew where nothing is mounted"
        );
    }
    let error = running.writer.sync().unwrap_err().to_string();
    assert!(error.contains("is gone"), "{error}");
    assert_eq!(running.writer.durable().next_seq(), durable);
    fs::rename(&away, &root).unwrap();
    running.writer.sync().unwrap();
    assert!(!running.writer.is_lock_lost());
    running.has_lost_nothing();
    let (_, again) = open_in(running.folder.path());
    assert_eq!(again.findings(), Vec::<String>::new());
}

/// The directory is replaced by an empty one: a new stream begins there, with what was not durable yet.
#[test]
fn a_replaced_directory_gets_a_stream_of_its_own() {
    let mut running = Running::new();
    let (root, away) = (running.root(), running.folder.path().join("away"));
    fs::rename(&root, &away).unwrap();
    fs::create_dir(&root).unwrap();
    running
        .writer
        .append_gap(&[(3, 3)], llm_audit_journal::journal::GapCause::QueueFull)
        .unwrap();
    append(&mut running.writer, 4);
    append(&mut running.writer, 5);
    while running.writer.sync().is_err() && !running.writer.is_lock_lost() {}
    let error = running.writer.sync().unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    let old = running.writer.stream();
    let moved = running.writer.start_elsewhere().unwrap();
    assert_eq!((moved.old.stream(), moved.acc_shift), (old, 2));
    assert_ne!(running.writer.stream(), old);
    assert_eq!(moved.seqs.keys().copied().collect::<Vec<_>>(), [2, 3]);
    running.writer.sync().unwrap();
    assert_eq!(running.writer.next_acc(), 4);
    running.writer.close().unwrap();
    let found = check_on(
        std::sync::Arc::new(FileStorage::default()),
        &root,
        &running.opened.verifier_key,
        Strictness::Segments,
    );
    let found = &found[&running.writer.stream()];
    assert_eq!(
        (&found.written, &found.named),
        (&[2, 3].into(), &[1].into())
    );
    assert!(running.writer.take_findings()[0].contains("was removed or replaced"));
    verify_directory(&root, &running.opened.verifier_key, "a new directory");
}

/// `locks/` is removed: a second process took the stream while the first one went on with it.
#[test]
fn a_removed_lock_ends_the_stream_and_no_other_process_goes_on_with_it() {
    let mut running = Running::new();
    fs::remove_dir_all(running.root().join("locks")).unwrap();
    // A second process may come before the first one notices: the segment is locked too.
    let (mut second, _) = open_in(running.folder.path());
    assert_ne!(second.stream(), running.writer.stream());
    append(&mut second, 1);
    second.sync().unwrap();
    append(&mut running.writer, 3);
    running.writer.sync().unwrap();
    assert!(
        running.writer.is_lock_lost(),
        "what was written is durable, and the last"
    );
    let acc = running.writer.next_acc();
    let refused = running
        .writer
        .append(acc, Kind::Call, &record(acc, "success"));
    assert!(refused.is_err());
    let moved = running.writer.start_elsewhere().unwrap();
    assert_eq!(moved.seqs.len(), 0);
    append(&mut running.writer, 1);
    running.writer.close().unwrap();
    second.close().unwrap();
    drop((second, moved));
    // The stream that was left is recovered like any other.
    let (mut third, opened) = open_in(running.folder.path());
    assert_eq!(opened.findings(), Vec::<String>::new());
    third.close().unwrap();
    verify_directory(
        &running.root(),
        &running.opened.verifier_key,
        "locks were removed",
    );
}

/// An age-based `find -delete` takes the old segments first, which nobody writes any more.
#[test]
fn old_segments_that_were_removed_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let name = KeyName::new(NAME).unwrap();
    let mut options = JournalOptions::new(folder.path().join("audit_logs"), name);
    options.segment_bytes_max = 64 << 10;
    let (mut writer, opened) = JournalWriter::open(options, Seams::default()).unwrap();
    for acc in 1..=100 {
        append(&mut writer, acc);
    }
    writer.sync().unwrap();
    let mut running = Running {
        folder,
        writer,
        opened,
    };
    let first = running.segments().remove(0);
    let text = fs::read_to_string(&first).unwrap();
    let lines = text.lines().count() as u64;
    fs::remove_file(&first).unwrap();
    // It is found when the state for the next opening is kept: at the latest after a batch's bytes of lines.
    let mut acc = 100;
    while running.gaps().is_empty() && acc < 10_000 {
        for _ in 0..1000 {
            acc += 1;
            append(&mut running.writer, acc);
        }
        running.writer.sync().unwrap();
    }
    running.names_as_lost(0, lines - 1);
}

/// A journal whose disk fails on order, in segments of a few records, with ten records that wait in a replaced directory.
fn replaced_with_waiting() -> (tempfile::TempDir, FaultStorage, JournalWriter, Opened) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("audit_logs");
    let mut options = JournalOptions::new(&root, KeyName::new(NAME).unwrap());
    options.segment_bytes_max = 4 << 10;
    let storage = FaultStorage::new(FileStorage::default());
    let seams = Seams {
        storage: std::sync::Arc::new(storage.clone()),
        ..Seams::default()
    };
    let (mut writer, opened) = JournalWriter::open(options, seams).unwrap();
    append(&mut writer, 1);
    writer.sync().unwrap();
    fs::rename(&root, folder.path().join("away")).unwrap();
    fs::create_dir(&root).unwrap();
    append(&mut writer, 2);
    assert!(writer.sync().is_err());
    (3..=11).for_each(|acc| append(&mut writer, acc));
    while !writer.is_lock_lost() {
        assert!(writer.sync().is_err());
    }
    (folder, storage, writer, opened)
}

/// The disk failed while a new stream took over what had waited: the next attempt wrote it into a further stream, and
/// the records that had landed were in the journal twice.
#[test]
fn a_failure_on_the_way_into_a_new_stream_doubles_nothing() {
    for nth in 1..200 {
        let (folder, storage, mut writer, opened) = replaced_with_waiting();
        let calls = storage.calls();
        let storage = storage.fail(calls + nth, 1, Failure::Full);
        let has_failed = writer.start_elsewhere().is_err();
        if has_failed {
            writer.start_elsewhere().unwrap();
        }
        while writer.sync().is_err() {}
        while writer.close().is_err() {}
        let found = check_on(
            std::sync::Arc::new(FileStorage::default()),
            &folder.path().join("audit_logs"),
            &opened.verifier_key,
            Strictness::AfterFailures,
        );
        let written = found.values().map(|stream| stream.written.len());
        assert_eq!(written.sum::<usize>(), 10, "call {nth} fails");
        if !has_failed && storage.calls() < calls + nth {
            return;
        }
    }
    panic!("the way into a new stream has no end");
}

/// Records come out of order of their numbers: one that was durable had a greater number than one that waited, which
/// then had no number in the new stream. Each further attempt failed like the first.
#[test]
fn what_waits_may_have_lesser_numbers_than_what_is_durable() {
    let mut running = Running::new();
    append(&mut running.writer, 9);
    running.writer.sync().unwrap();
    fs::rename(running.root(), running.folder.path().join("away")).unwrap();
    fs::create_dir(running.root()).unwrap();
    append(&mut running.writer, 5);
    append(&mut running.writer, 10);
    while !running.writer.is_lock_lost() {
        assert!(running.writer.sync().is_err());
    }
    let moved = running.writer.start_elsewhere().unwrap();
    assert_eq!(moved.acc_shift, 4);
    assert_eq!(moved.seqs.keys().copied().collect::<Vec<_>>(), [1, 6]);
    running.writer.close().unwrap();
    verify_directory(
        &running.root(),
        &running.opened.verifier_key,
        "out of order",
    );
}

/// A writer with two acknowledged records on a disk that fails on order.
fn running_on_faults(change: impl FnOnce(&mut JournalOptions)) -> (FaultStorage, Running) {
    let folder = tempfile::tempdir().unwrap();
    let name = KeyName::new(NAME).unwrap();
    let mut options = JournalOptions::new(folder.path().join("audit_logs"), name);
    change(&mut options);
    let storage = FaultStorage::new(FileStorage::default());
    let seams = Seams {
        storage: std::sync::Arc::new(storage.clone()),
        ..Seams::default()
    };
    let (mut writer, opened) = JournalWriter::open(options, seams).unwrap();
    append(&mut writer, 1);
    append(&mut writer, 2);
    writer.sync().unwrap();
    let running = Running {
        folder,
        writer,
        opened,
    };
    (storage, running)
}

/// A full disk and a removed segment: the batch failed before its file was compared, and nobody looked any more.
#[test]
fn a_segment_that_was_removed_while_the_disk_was_full_is_named() {
    let (storage, mut running) = running_on_faults(|_| {});
    fs::remove_file(running.segment()).unwrap();
    append(&mut running.writer, 3);
    storage.set_full(true);
    for _ in 0..3 {
        assert!(running.writer.sync().is_err());
    }
    storage.set_full(false);
    running.writer.sync().unwrap();
    running.names_as_lost(0, 4);
}

/// After a failed write no segment is held. `locks/` was removed, another process went on with the stream, and this one
/// wrote its next segment beside it before it looked: a fork.
#[test]
fn nothing_is_appended_once_the_lock_is_lost_while_no_segment_is_held() {
    let (storage, mut running) = running_on_faults(|_| {});
    append(&mut running.writer, 3);
    storage.set_full(true);
    assert!(running.writer.sync().is_err());
    storage.set_full(false);
    fs::remove_dir_all(running.root().join("locks")).unwrap();
    let (mut second, _) = open_in(running.folder.path());
    assert_eq!(second.stream(), running.writer.stream(), "it is free");
    let segments = running.segments();
    let error = running.writer.sync().unwrap_err();
    assert!(running.writer.is_lock_lost(), "{error}");
    assert_eq!(running.segments(), segments);
    let moved = running.writer.start_elsewhere().unwrap();
    assert_eq!(moved.seqs.len(), 1);
    running.writer.close().unwrap();
    second.close().unwrap();
    verify_directory(&running.root(), &running.opened.verifier_key, "no fork");
}

/// The segment is removed, and the next record begins another one because of its size: the removed one was never
/// compared again.
#[test]
fn a_segment_is_compared_once_more_when_it_is_left() {
    let (_, mut running) = running_on_faults(|options| options.segment_bytes_max = 4 << 10);
    let text = fs::read_to_string(running.segment()).unwrap();
    assert!(text.len() > 4 << 10, "the next record begins a segment");
    let lines = text.lines().count() as u64;
    fs::remove_file(running.segment()).unwrap();
    append(&mut running.writer, 3);
    running.writer.sync().unwrap();
    running.names_as_lost(0, lines - 1);
}

/// The segment is removed, and the stream is closed before another record comes: what is lost was told behind `close`,
/// where nothing may stand.
#[test]
fn what_is_lost_is_told_before_the_stream_is_closed() {
    let mut running = Running::new();
    fs::remove_file(running.segment()).unwrap();
    running.writer.close().unwrap();
    let text = fs::read_to_string(running.segment()).unwrap();
    let kinds: Vec<Kind> = text
        .lines()
        .map(|line| Entry::parse(line.as_bytes()).unwrap().position().kind)
        .collect();
    let expected = [Kind::Checkpoint, Kind::Gap, Kind::Close, Kind::Checkpoint];
    assert_eq!(kinds, expected);
    running.names_as_lost(0, 4);
}

/// Another file takes the segment's place, and is longer: by its length nothing was missing.
#[test]
fn a_longer_file_in_the_place_of_a_segment_hides_no_loss() {
    let mut running = Running::new();
    let segment = running.segment();
    let len = fs::metadata(&segment).unwrap().len() as usize;
    fs::remove_file(&segment).unwrap();
    fs::write(&segment, "\n".repeat(len + 10)).unwrap();
    running.goes_on();
    let gap = running.gaps().pop().unwrap();
    assert!(gap.contains(r#""seq":[[0,4]]"#), "{gap}");
    assert!(running.writer.take_findings()[0].contains("are gone"));
}

/// One checkpoint made the next one due, for ever.
#[test]
fn a_checkpoint_asks_for_no_other_one_however_few_entries_are_allowed() {
    for entries in [0, 1, 2] {
        let (_, mut running) =
            running_on_faults(|options| options.checkpoint_entries_max = entries);
        running.writer.tick().unwrap();
        let durable = running.writer.durable().next_seq();
        for _ in 0..10 {
            running.writer.tick().unwrap();
        }
        assert_eq!(running.writer.durable().next_seq(), durable, "{entries}");
        running.has_lost_nothing();
    }
}

/// A link takes the place of a folder: notes and kept states were written to where it leads.
#[test]
fn a_link_in_the_place_of_a_folder_is_not_followed() {
    for folder in ["checkpoints", "cache"] {
        let mut running = Running::new();
        let (path, host) = (
            running.root().join(folder),
            running.folder.path().join("host"),
        );
        fs::create_dir(&host).unwrap();
        fs::remove_dir_all(&path).unwrap();
        std::os::unix::fs::symlink(&host, &path).unwrap();
        append(&mut running.writer, 3);
        running.writer.sync().unwrap();
        let _ = running.writer.close();
        assert_eq!(fs::read_dir(&host).unwrap().count(), 0, "{folder}");
    }
}

/// The same of `quarantine/`, where a record that a destination refuses is put while the journal is written.
#[test]
fn a_dead_letter_follows_no_link_and_finds_its_folder_again() {
    let running = Running::new();
    let (path, host) = (
        running.root().join("quarantine"),
        running.folder.path().join("host"),
    );
    fs::create_dir(&host).unwrap();
    fs::remove_dir_all(&path).unwrap();
    let handle = running.writer.handle();
    let put = || handle.put_dead_letter("otlp", 1, b"{}", "too large");
    std::os::unix::fs::symlink(&host, &path).unwrap();
    assert!(put().is_err());
    assert_eq!(fs::read_dir(&host).unwrap().count(), 0);
    fs::remove_file(&path).unwrap();
    assert!(path.join(put().unwrap()).exists());
}
