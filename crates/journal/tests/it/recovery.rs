//! What a crash, a disk or a hand can leave behind, made by hand: what is cut, what is never cut, what is said.

use std::path::Path;

use llm_audit_journal::{
    entry::{Kind, StreamId},
    journal::{Adopted, JournalReader, JournalWriter, MemoryStorage, Opened, Refusal},
};

use crate::{
    storage::{Failure, FaultStorage},
    support::*,
};

const SEGMENT: &str = "/j/audit_logs/audit_2026-11-22.jsonl";

/// A journal whose writer died after `count` records, the last of them beyond every checkpoint.
fn crashed(count: u64) -> (MemoryStorage, StreamId, String) {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    for acc in 1..=count {
        append(&mut writer, acc);
    }
    writer.sync().unwrap();
    (storage, writer.stream(), opened.verifier_key)
}

/// A journal that was closed in order after `count` records.
fn closed(count: u64) -> (MemoryStorage, StreamId, String) {
    let (storage, stream, key) = crashed(count);
    open(&storage).0.close().unwrap();
    (storage, stream, key)
}

fn lines(storage: &MemoryStorage) -> Vec<Vec<u8>> {
    let bytes = storage.read(SEGMENT).unwrap();
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

fn quarantine(storage: &MemoryStorage) -> Vec<String> {
    let folder = Path::new("/j/audit_logs/quarantine");
    let paths = storage
        .paths()
        .into_iter()
        .filter(|path| path.starts_with(folder));
    paths
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

fn events(storage: &MemoryStorage, stream: StreamId, key: &str, kind: &str) -> Vec<String> {
    let events = check(storage, key).remove(&stream).unwrap().events;
    events
        .into_iter()
        .filter_map(|event| Some(event.strip_prefix(kind)?.trim().to_owned()))
        .collect()
}

fn reopen(storage: &MemoryStorage) -> (JournalWriter, Opened) {
    open(storage)
}

/// Opens with nothing kept from before, so that all is read.
fn reread(storage: &MemoryStorage) -> (JournalWriter, Opened) {
    for path in storage.paths() {
        if path.starts_with("/j/audit_logs/cache") {
            storage.write(path, b"");
        }
    }
    open(storage)
}

#[test]
fn a_torn_tail_is_set_aside_and_told() {
    let (storage, stream, key) = crashed(3);
    let mut bytes = storage.read(SEGMENT).unwrap();
    let whole = bytes.len();
    bytes.extend_from_slice(b"{\"request_id\":\"01a2");
    storage.write(SEGMENT, &bytes);
    let (writer, opened) = reopen(&storage);
    assert_eq!(
        (writer.stream(), opened.quarantined_bytes, opened.lost),
        (stream, 19, 0)
    );
    let name = format!("audit_2026-11-22.jsonl.{whole}.0");
    assert_eq!(quarantine(&storage), std::slice::from_ref(&name));
    assert_eq!(
        storage
            .read(format!("/j/audit_logs/quarantine/{name}"))
            .unwrap(),
        b"{\"request_id\":\"01a2"
    );
    let recovery = format!(r#"{{"file":"{name}","bytes":19,"lines":1,"acc":[],"foreign":0}}"#);
    assert_eq!(events(&storage, stream, &key, "recovery"), [recovery]);
}

/// After power loss zeros can stand where a sector did not arrive, with good lines behind them.
#[test]
fn zeros_before_good_lines_take_them_along() {
    let (storage, stream, key) = crashed(5);
    let mut lines = lines(&storage);
    let middle = lines.len() - 3;
    lines[middle].fill(0);
    let cut: usize = lines[middle..].iter().map(Vec::len).sum();
    storage.write(SEGMENT, &lines.concat());
    let (writer, opened) = reopen(&storage);
    assert_eq!(
        (opened.quarantined_bytes, opened.lost),
        (cut as u64, 3),
        "{:?}",
        quarantine(&storage)
    );
    assert_eq!(writer.next_acc(), 6);
    let recoveries = events(&storage, stream, &key, "recovery");
    // The zeros are no line, but run into the next one; 4 is a hole that nothing names but the next number.
    assert_eq!(recoveries.len(), 2, "{recoveries:?}");
    assert!(
        recoveries[0].contains(r#""lines":2,"acc":[[5,5]]"#),
        "{recoveries:?}"
    );
    assert!(
        recoveries[1].contains(r#""file":"","bytes":0,"lines":0,"acc":[[3,4]]"#),
        "{recoveries:?}"
    );
}

#[test]
fn a_line_that_does_not_chain_is_cut_with_all_behind_it() {
    let (storage, stream, key) = crashed(5);
    let mut lines = lines(&storage);
    let last = lines.len() - 1;
    lines.swap(last - 1, last - 2);
    storage.write(SEGMENT, &lines.concat());
    reopen(&storage);
    let found = &check(&storage, &key)[&stream];
    assert_eq!(
        (found.written.iter().max(), &found.named),
        (Some(&2), &[3, 4, 5].into())
    );
}

#[test]
fn an_edit_beyond_the_checkpoint_is_never_signed() {
    let (storage, stream, key) = crashed(3);
    let edited = String::from_utf8(storage.read(SEGMENT).unwrap())
        .unwrap()
        .replace("\"input_tokens\":1003", "\"input_tokens\":1");
    storage.write(SEGMENT, edited.as_bytes());
    reopen(&storage);
    assert_eq!(check(&storage, &key)[&stream].named, [3].into());
}

#[test]
fn damage_below_a_checkpoint_is_left_alone_and_a_new_stream_says_so() {
    for edit in [
        ("\"seq\":3", "\"seq\":4"),
        ("\"provider\"", "\0provider\""),
        ("\"prev\":\"", "\"prev\":\"A"),
    ] {
        let (storage, stream, key) = closed(3);
        let mut lines = lines(&storage);
        lines[3] = String::from_utf8(lines[3].clone())
            .unwrap()
            .replace(edit.0, edit.1)
            .into_bytes();
        let damaged = lines.concat();
        storage.write(SEGMENT, &damaged);
        let (writer, opened) = reread(&storage);
        assert_ne!(writer.stream(), stream);
        assert_eq!(
            opened.not_continued,
            [(stream, Refusal::Damaged { seq: 3 })],
            "{edit:?}"
        );
        assert_eq!(storage.read(SEGMENT).unwrap(), damaged);
        assert!(quarantine(&storage).is_empty());
        // The damaged one cannot be checked; the new one is whole, and names it.
        storage.write(SEGMENT, b"");
        let head = format!("/j/audit_logs/checkpoints/{stream}");
        assert!(
            events(
                &storage_without(&storage, &head),
                writer.stream(),
                &key,
                "open"
            )[0]
            .contains(&format!(r#"[["{stream}","damaged"]]"#))
        );
    }
}

/// The same files, one of them gone.
fn storage_without(storage: &MemoryStorage, gone: &str) -> MemoryStorage {
    let copy = MemoryStorage::new();
    llm_audit_journal::journal::Storage::create_dir(&copy, "/j/audit_logs/checkpoints".as_ref())
        .unwrap();
    for path in storage
        .paths()
        .into_iter()
        .filter(|path| path != Path::new(gone))
    {
        copy.write(&path, &storage.read(&path).unwrap());
    }
    copy
}

/// A checkpoint entry behind the damage vouches for it too, when the file in `checkpoints/` is gone.
#[test]
fn a_checkpoint_entry_behind_the_damage_counts() {
    let (storage, stream, _) = closed(3);
    let head = format!("/j/audit_logs/checkpoints/{stream}");
    let mut lines = lines(&storage);
    lines[3][5] ^= 1;
    storage.write(SEGMENT, &lines.concat());
    let (writer, opened) = reread(&storage_without(&storage, &head));
    assert_ne!(writer.stream(), stream);
    assert_eq!(
        opened.not_continued,
        [(stream, Refusal::Damaged { seq: 3 })]
    );
}

#[test]
fn a_restored_backup_is_not_written_to() {
    let (storage, stream, _) = closed(3);
    let lines = lines(&storage);
    let backup = lines[..lines.len() - 4].concat();
    storage.write(SEGMENT, &backup);
    let (writer, opened) = reopen(&storage);
    assert_ne!(writer.stream(), stream);
    let (entries, signed) = (lines.len() as u64 - 4, lines.len() as u64);
    assert_eq!(
        opened.not_continued,
        [(stream, Refusal::RolledBack { entries, signed })]
    );
    assert_eq!(storage.read(SEGMENT).unwrap(), backup);
}

#[test]
fn a_later_versions_stream_is_not_written_to() {
    for (from, to) in [
        ("\"v\":1", "\"v\":2"),
        ("\"kind\":\"close\"", "\"kind\":\"x77\""),
    ] {
        let (storage, stream, _) = closed(1);
        let later = String::from_utf8(storage.read(SEGMENT).unwrap())
            .unwrap()
            .replace(from, to);
        storage.write(SEGMENT, later.as_bytes());
        let (writer, opened) = reread(&storage);
        assert_ne!(writer.stream(), stream);
        assert!(
            matches!(opened.not_continued[..], [(_, Refusal::Unknown { .. })]),
            "{:?}",
            opened.not_continued
        );
        assert_eq!(storage.read(SEGMENT).unwrap(), later.as_bytes());
    }
}

#[test]
fn another_key_does_not_go_on_with_the_stream() {
    let (storage, stream, _) = closed(1);
    let copy = MemoryStorage::new();
    for path in storage
        .paths()
        .into_iter()
        .filter(|path| !path.starts_with("/j/audit_logs.keys"))
    {
        copy.write(&path, &storage.read(&path).unwrap());
    }
    let seams = seams(copy.clone(), &TestClock::new(), 77);
    let (writer, opened) = JournalWriter::open(options(), seams).unwrap();
    assert_ne!(writer.stream(), stream);
    assert_eq!(opened.not_continued, [(stream, Refusal::OtherKey)]);
}

#[test]
fn numbers_that_never_came_are_named() {
    let (storage, stream, key) = crashed(0);
    let (mut writer, _) = reopen(&storage);
    append(&mut writer, 2);
    append(&mut writer, 7);
    writer.sync().unwrap();
    drop(writer);
    let (writer, opened) = reopen(&storage);
    assert_eq!((opened.lost, writer.next_acc()), (5, 8));
    let recovery = r#"{"file":"","bytes":0,"lines":0,"acc":[[1,1],[3,6]],"foreign":0}"#;
    assert_eq!(events(&storage, stream, &key, "recovery"), [recovery]);
    drop(writer);
    assert_eq!(reopen(&storage).1.lost, 0);
}

/// A crash between setting aside and telling: the next open finds the file and tells.
#[test]
fn a_quarantined_file_that_nobody_named_is_named() {
    let (storage, stream, key) = crashed(3);
    let mut lines = lines(&storage);
    let cut = lines.pop().unwrap();
    let offset: usize = lines.iter().map(Vec::len).sum();
    storage.write(SEGMENT, &lines.concat());
    storage.write(
        format!("/j/audit_logs/quarantine/audit_2026-11-22.jsonl.{offset}.0"),
        &cut,
    );
    let dead = format!("/j/audit_logs/quarantine/dead.otlp.{stream}.2.0");
    storage.write(dead, b"{}\n{}\n");
    let (writer, _) = reopen(&storage);
    assert_eq!(writer.next_acc(), 4);
    let recoveries = events(&storage, stream, &key, "recovery");
    assert_eq!(recoveries.len(), 1);
    assert!(
        recoveries[0].contains(r#""lines":1,"acc":[[3,3]]"#),
        "{recoveries:?}"
    );
}

/// A write failed, the truncation after it too: the next segment repeats what stands at the end of the first.
#[test]
fn a_repeated_end_comes_once() {
    let (storage, stream, key) = crashed(4);
    let all = lines(&storage);
    let (kept, repeated) = all.split_at(all.len() - 2);
    let second = "/j/audit_logs/audit_2026-11-22.1.jsonl";
    for torn in [&b""[..], &repeated[1][..40], b"\0\0\0\0\0\0\0"] {
        let mut first = [kept.concat(), repeated[0].clone()].concat();
        first.extend_from_slice(torn);
        storage.write(SEGMENT, &first);
        storage.write(second, &repeated.concat());
        let copy = storage_without(&storage, "");
        llm_audit_journal::journal::Storage::create_dir(&copy, "/j/audit_logs/locks".as_ref())
            .unwrap();
        let (mut writer, opened) = reopen(&copy);
        // What is not even the beginning of an entry is set aside, and told.
        assert_eq!(
            (writer.stream(), opened.quarantined_bytes, writer.next_acc()),
            (stream, torn.len() as u64, 5)
        );
        append(&mut writer, 5);
        writer.close().unwrap();
        let reader = std::sync::Arc::new(copy.clone());
        let found = &check_on(reader, DIRECTORY.as_ref(), &key, Strictness::AfterFailures)[&stream];
        assert_eq!((found.repeats, &found.written), (1, &(1..=5).collect()));
        verify_independently(&copy, &key, "repeated");
    }
}

/// The same, and then the power was cut before the repetition was whole: what only the first segment has was never
/// acknowledged, and what the second has may be.
#[test]
fn an_end_that_is_repeated_in_part_is_set_aside() {
    let (storage, stream, key) = crashed(4);
    let all = lines(&storage);
    let (_, repeated) = all.split_at(all.len() - 2);
    let second = "/j/audit_logs/audit_2026-11-22.1.jsonl";
    storage.write(second, &[&repeated[0][..], &repeated[1][..40]].concat());
    let (mut writer, opened) = reopen(&storage);
    assert_eq!(
        (writer.stream(), writer.next_acc(), opened.lost),
        (stream, 5, 1)
    );
    append(&mut writer, 5);
    writer.close().unwrap();
    let reader = std::sync::Arc::new(storage.clone());
    let found = &check_on(reader, DIRECTORY.as_ref(), &key, Strictness::AfterFailures)[&stream];
    assert_eq!((found.repeats, &found.named), (0, &[4].into()));
    assert_eq!(quarantine(&storage).len(), 2);
}

/// A line from somewhere else stands at a segment's end, where nothing is signed yet: it is set aside with all behind
/// it, and the entry that it pushed out is named.
#[test]
fn a_foreign_line_where_nothing_is_signed_is_set_aside_and_counted() {
    let (storage, stream, key) = crashed(4);
    let (other, _, _) = crashed(4);
    let all = lines(&storage);
    let forked = String::from_utf8(lines(&other).pop().unwrap()).unwrap();
    let reader = JournalReader::on(std::sync::Arc::new(other.clone()), DIRECTORY);
    let other_stream = reader.first_stream().unwrap().unwrap();
    let forked = forked.replace(&other_stream.to_string(), &stream.to_string());
    let (kept, moved) = all.split_at(all.len() - 1);
    storage.write(SEGMENT, &[kept.concat(), forked.into_bytes()].concat());
    storage.write("/j/audit_logs/audit_2026-11-22.1.jsonl", &moved.concat());
    let (writer, opened) = reopen(&storage);
    assert_eq!(
        (writer.stream(), opened.lost, opened.foreign),
        (stream, 1, 1),
        "{opened:?}"
    );
    assert_eq!(check(&storage, &key)[&stream].named, [4].into());
}

#[test]
fn an_empty_segment_counts_as_absent() {
    let (storage, stream, key) = crashed(1);
    storage.write("/j/audit_logs/audit_2026-11-22.1.jsonl", b"");
    storage.write("/j/audit_logs/audit_2026-11-23.jsonl", b"");
    let (mut writer, _) = reopen(&storage);
    assert_eq!(writer.stream(), stream);
    append(&mut writer, 2);
    writer.close().unwrap();
    assert_eq!(check(&storage, &key)[&stream].files.len(), 1);
    assert!(
        storage
            .read("/j/audit_logs/audit_2026-11-23.jsonl")
            .is_none()
    );
}

#[test]
fn streams_that_were_left_are_adopted_once() {
    let storage = MemoryStorage::new();
    let (mut first, opened) = open(&storage);
    let (mut second, _) = open(&storage);
    let (mut third, _) = open(&storage);
    for writer in [&mut first, &mut second, &mut third] {
        append(writer, 1);
        writer.sync().unwrap();
    }
    second.close().unwrap();
    let (live, in_order, left) = (first, second.stream(), third.stream());
    drop((second, third));

    let mut adoption = live.adoption();
    let Some(Adopted::Open(mut adopted, _)) = adoption.next(|_, _| false).unwrap() else {
        panic!("the stream that was left needs an end");
    };
    assert_eq!(adopted.stream(), left);
    assert_eq!(adopted.handle().durable().unwrap().next_seq(), 4);
    adopted.close().unwrap();
    assert!(adoption.next(|_, _| false).unwrap().is_none());
    drop(adopted);

    // Later both are in order; who lacks something gets them held, and they are not written to.
    let entries = check(&storage, &opened.verifier_key)[&in_order].kinds.len();
    let mut adoption = live.adoption();
    let Some(Adopted::Closed(held)) = adoption
        .next(|stream, _| stream.stream() == in_order)
        .unwrap()
    else {
        panic!("its followers lack something");
    };
    assert_eq!(
        (held.handle().stream(), held.next_seq()),
        (in_order, entries as u64)
    );
    assert!(adoption.next(|_, _| false).unwrap().is_none());
    let (other, _) = open(&storage);
    assert!(other.stream() != in_order, "it is held");
    assert_eq!(
        check(&storage, &opened.verifier_key)[&in_order].kinds.len(),
        entries
    );
    assert_eq!(
        check(&storage, &opened.verifier_key)[&left].count(Kind::Close),
        1
    );
}

#[test]
fn the_first_streams_name_can_be_found_again() {
    let (storage, stream, _) = closed(1);
    let copy = storage_without(&storage, "/j/audit_logs/locks/first");
    llm_audit_journal::journal::Storage::create_dir(&copy, "/j/audit_logs/locks".as_ref()).unwrap();
    let (writer, _) = reopen(&copy);
    assert_eq!(writer.stream(), stream);
    let (other, _) = open(&copy);
    assert_eq!(
        copy.read("/j/audit_logs/locks/first").unwrap(),
        stream.to_string().as_bytes()
    );
    assert!(
        copy.read(format!(
            "/j/audit_logs/audit_2026-11-22.{}.jsonl",
            other.stream().short()
        ))
        .is_some()
    );
}

/// The disk failed once while the line of an operation that had begun was read: its end was never written.
#[test]
fn what_was_interrupted_is_told_whichever_call_of_the_opening_fails() {
    for nth in 1..1000 {
        let memory = MemoryStorage::new();
        let (mut writer, opened) = open(&memory);
        writer
            .append(1, Kind::Begin, &record(1, "started"))
            .unwrap();
        writer.sync().unwrap();
        drop(writer);
        let storage = FaultStorage::new(memory.clone()).fail(nth, 1, Failure::Io);
        let again = JournalWriter::open(options(), seams(storage.clone(), &TestClock::new(), 77));
        let has_failed = storage.calls() >= nth;
        let _works = storage.fail(u64::MAX, 0, Failure::Io);
        let (mut last, _) = again.unwrap_or_else(|_| open(&memory));
        let mut adoption = last.adoption();
        while let Some(Adopted::Open(mut other, _)) = adoption.next(|_, _| false).unwrap() {
            other.close().unwrap();
        }
        last.close().unwrap();
        let found = check(&memory, &opened.verifier_key);
        let statuses = found
            .values()
            .find_map(|one| one.statuses.get(&request_id(1)));
        assert_eq!(statuses.unwrap(), &["started", "interrupted"], "call {nth}");
        if !has_failed {
            return;
        }
    }
    panic!("opening has no end");
}
