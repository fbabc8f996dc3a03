//! What a start takes for its own: what a checkpoint of ours covers, and what the tail key's mac shows. Nothing else is
//! continued or signed, however well it is formed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use llm_audit_journal::{
    checkpoint::KeyName,
    entry::{Kind, Leaf, Members, Position, StreamId, write_line},
    journal::{
        JournalOptions, JournalReader, JournalWriter, MemoryStorage, Opened, Refusal, Seams,
    },
};

use crate::{support::*, verifier};

const SEGMENT: &str = "/j/audit_logs/audit_2026-11-22.jsonl";

/// Lines as somebody writes them who knows the format and has no key: chained behind `prev`, from `seq` and `acc` on.
fn forged(stream: StreamId, prev: Leaf, seq: u64, acc: u64, count: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut prev = prev;
    for at in 0..count {
        let is_open = seq + at == 0;
        let (kind, members) = if is_open {
            (Kind::Open, open_members())
        } else {
            (Kind::Call, record(acc + at, "success"))
        };
        let position = Position {
            stream,
            seq: seq + at,
            acc: if is_open { 0 } else { acc + at },
            kind,
            day: 20_779,
            prev,
        };
        prev = write_line(&mut out, &members, &position, &[[3; 16]; 5], None).unwrap();
    }
    out
}

fn open_members() -> Members {
    let mut members = Members::new();
    members.push_str("timestamp", "2026-11-22T10:00:00.000000Z");
    members.push_null("user_id");
    let event =
        br#"{"software":"sample 1","signed":0,"streams":[],"not_continued":[],"adopted":0}"#;
    members.push_raw("event", event);
    members
}

fn last_leaf(storage: &MemoryStorage) -> Leaf {
    let bytes = storage.read(SEGMENT).unwrap();
    let line = bytes[..bytes.len() - 1]
        .rsplit(|byte| *byte == b'\n')
        .next();
    llm_audit_journal::entry::Entry::parse(line.unwrap())
        .unwrap()
        .leaf()
}

fn foreign_files(storage: &MemoryStorage, stream: StreamId) -> String {
    storage.write(format!("{DIRECTORY}/locks/{stream}"), b"");
    format!("{DIRECTORY}/audit_2026-11-22.{}.jsonl", stream.short())
}

/// 210 forged records in a new stream were continued at the next start, signed, and then verified clean.
#[test]
fn a_stream_that_somebody_made_is_left_alone_and_named() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    append(&mut writer, 1);
    writer.close().unwrap();
    drop(writer);
    // Before the journal's own stream in name order, so that it is met first.
    let stream = StreamId::from_bytes([0; 16]);
    let lines = forged(stream, Leaf::ZERO, 0, 0, 211);
    let path = foreign_files(&storage, stream);
    storage.write(&path, &lines);
    let (mut writer, again) = open(&storage);
    assert_ne!(writer.stream(), stream);
    assert_eq!(again.not_continued, [(stream, Refusal::Foreign)]);
    assert!(
        again.findings()[0].contains(&stream.to_string()),
        "{again:?}"
    );
    writer.close().unwrap();
    assert_eq!(storage.read(&path).unwrap(), lines, "not a byte is added");
    let note = format!("{DIRECTORY}/checkpoints/{stream}");
    assert!(storage.read(note).is_none(), "nobody signs it");
    storage.remove_all(&path);
    let events = &check(&storage, &opened.verifier_key)[&writer.stream()].events;
    let named = format!(r#""not_continued":[["{stream}","foreign"]]"#);
    assert!(
        events.iter().any(|event| event.contains(&named)),
        "{events:?}"
    );
}

/// 600 forged records behind a `close` that a checkpoint covers were continued in and signed.
#[test]
fn lines_behind_a_covered_close_are_set_aside_and_counted() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    append(&mut writer, 1);
    writer.close().unwrap();
    let (stream, entries) = (writer.stream(), writer.durable().next_seq());
    drop(writer);
    let lines = forged(stream, last_leaf(&storage), entries, 2, 600);
    let whole = storage.read(SEGMENT).unwrap();
    storage.write(SEGMENT, &[&whole[..], &lines].concat());
    let (mut writer, again) = open(&storage);
    assert_eq!(
        (writer.stream(), again.adopted, again.foreign, again.lost),
        (stream, 0, 600, 0)
    );
    assert!(again.findings()[0].starts_with("600 lines"), "{again:?}");
    assert_eq!(writer.next_acc(), 2, "their numbers count for nothing");
    append(&mut writer, 2);
    writer.close().unwrap();
    assert_eq!(
        check(&storage, &opened.verifier_key)[&stream].written.len(),
        2
    );
    verify_independently(&storage, &opened.verifier_key, "behind a close");
}

/// What this host's writer left unsigned is adopted by its mac, and told.
#[test]
fn our_own_unsigned_entries_are_adopted_and_told() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    append(&mut writer, 1);
    append(&mut writer, 2);
    writer.sync().unwrap();
    let stream = writer.stream();
    drop(writer);
    let (mut writer, again) = open(&storage);
    assert_eq!((again.adopted, again.signed, again.foreign), (5, 0, 0));
    assert!(again.findings().is_empty());
    writer.close().unwrap();
    let found = &check(&storage, &opened.verifier_key)[&stream];
    let mut open = found
        .events
        .iter()
        .filter(|event| event.starts_with("open"));
    assert!(
        open.next_back()
            .unwrap()
            .ends_with(r#""not_continued":[],"adopted":5}"#)
    );
}

/// Without its tail key a host knows nothing unsigned again: that is set aside, what is signed goes on.
#[test]
fn without_the_tail_key_nothing_unsigned_is_adopted() {
    for damage in [None, Some([7; 32])] {
        let storage = MemoryStorage::new();
        let (mut writer, opened) = open(&storage);
        append(&mut writer, 1);
        writer.close().unwrap();
        writer.resume().unwrap();
        append(&mut writer, 2);
        writer.sync().unwrap();
        let stream = writer.stream();
        drop(writer);
        match damage {
            None => storage.remove_all("/j/audit_logs.keys/tail"),
            Some(key) => storage.write("/j/audit_logs.keys/tail", &key),
        }
        let (mut writer, again) = open(&storage);
        assert_eq!(
            (writer.stream(), again.adopted, again.foreign),
            (stream, 0, 2)
        );
        assert_eq!(again.is_tail_key_new, damage.is_none());
        writer.close().unwrap();
        assert_eq!(
            check(&storage, &opened.verifier_key)[&stream].written,
            [1].into()
        );
    }
}

/// One bit of a mac, and of what it is over.
#[test]
fn a_mac_is_compared_whole() {
    for (edit, foreign, edited) in [
        ("\"mac\":\"", 1, 0),
        ("\"commit\":[\"", 1, 0),
        ("\"input_tokens\":100", 0, 1),
        ("\"salt\":[\"", 0, 1),
    ] {
        let storage = MemoryStorage::new();
        let (mut writer, _) = open(&storage);
        append(&mut writer, 1);
        writer.sync().unwrap();
        drop(writer);
        let mut bytes = storage.read(SEGMENT).unwrap();
        let last = bytes.len()
            - 1
            - bytes[..bytes.len() - 1]
                .iter()
                .rev()
                .position(|b| *b == b'\n')
                .unwrap();
        let line = &mut bytes[last..];
        let at = line
            .windows(edit.len())
            .position(|window| window == edit.as_bytes())
            .unwrap();
        let byte = &mut line[at + edit.len()];
        *byte = if *byte == b'4' { b'5' } else { b'4' };
        storage.write(SEGMENT, &bytes);
        let (_, again) = open(&storage);
        let found = (again.adopted, again.foreign, again.edited);
        assert_eq!(found, (3, foreign, edited), "{edit}");
        assert_eq!(again.findings().len(), 1, "{edit}");
    }
}

/// A one-line file in `quarantine/` with the greatest of all numbers ended the audit for good, without a word.
#[test]
fn a_planted_number_is_never_computed_with() {
    for acc in [u64::MAX, 1 << 53, (1 << 53) - 1, 1 << 40] {
        let storage = MemoryStorage::new();
        let (mut writer, opened) = open(&storage);
        append(&mut writer, 1);
        writer.close().unwrap();
        let stream = writer.stream();
        drop(writer);
        let text = String::from_utf8(forged(stream, Leaf::ZERO, 7, 77, 1)).unwrap();
        let planted = text.replace("\"acc\":77", &format!("\"acc\":{acc}"));
        let path = format!("{DIRECTORY}/quarantine/audit_2026-11-22.jsonl.9.0");
        storage.write(path, planted.as_bytes());
        let (mut writer, again) = open(&storage);
        assert_eq!(
            (writer.next_acc(), again.lost, again.foreign),
            (2, 0, 1),
            "{acc}"
        );
        append(&mut writer, 2);
        writer.close().unwrap();
        check(&storage, &opened.verifier_key);
    }
}

/// The same in the segment itself: ranges that claim everything, in a line that nothing signed.
#[test]
fn a_planted_range_is_set_aside() {
    for acc in [
        "[[1,9007199254740991]]",
        "[[1,18446744073709551615]]",
        "[[5,1]]",
        "[[0,0]]",
        "7",
        "[[1]]",
    ] {
        let storage = MemoryStorage::new();
        let (mut writer, _) = open(&storage);
        append(&mut writer, 1);
        writer.close().unwrap();
        let (stream, seq) = (writer.stream(), writer.durable().next_seq());
        drop(writer);
        let mut members = Members::new();
        members.push_str("timestamp", "2026-11-22T10:00:00.000000Z");
        members.push_null("user_id");
        let event = format!(r#"{{"acc":{acc},"count":1,"cause":"queue_full"}}"#);
        members.push_raw("event", event.as_bytes());
        let at = Position {
            stream,
            seq,
            acc: 1,
            kind: Kind::Gap,
            day: 20_779,
            prev: last_leaf(&storage),
        };
        let mut line = storage.read(SEGMENT).unwrap();
        write_line(&mut line, &members, &at, &[[3; 16]; 5], None).unwrap();
        storage.write(SEGMENT, &line);
        let (mut writer, again) = open(&storage);
        assert_eq!(
            (writer.next_acc(), again.foreign, again.lost),
            (2, 1, 0),
            "{acc}"
        );
        append(&mut writer, 2);
        writer.close().unwrap();
    }
}

/// One line of an unknown kind, by somebody without a key, kept the stream from being continued ever again.
#[test]
fn a_foreign_line_of_an_unknown_kind_is_set_aside() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    append(&mut writer, 1);
    writer.close().unwrap();
    let (stream, seq) = (writer.stream(), writer.durable().next_seq());
    drop(writer);
    let text = forged(stream, last_leaf(&storage), seq, 2, 1);
    let text = String::from_utf8(text)
        .unwrap()
        .replace("\"kind\":\"call\"", "\"kind\":\"x99\"");
    let whole = storage.read(SEGMENT).unwrap();
    storage.write(SEGMENT, &[&whole[..], text.as_bytes()].concat());
    let (writer, again) = open(&storage);
    assert_eq!((writer.stream(), again.foreign), (stream, 1));
}

fn without_macs() -> (tempfile::TempDir, JournalOptions) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/journal-without-macs");
    let folder = tempfile::tempdir().unwrap();
    copy(
        &source.join("audit_logs"),
        &folder.path().join("audit_logs"),
    );
    let keys = folder.path().join("audit_logs.keys");
    fs::create_dir(&keys).unwrap();
    for name in ["sign", "hash-bba232ed"] {
        fs::copy(source.join(name), keys.join(name)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(keys.join(name), mode).unwrap();
    }
    let name = KeyName::new(NAME).unwrap();
    let options = JournalOptions::new(folder.path().join("audit_logs"), name);
    (folder, options)
}

fn copy(from: &Path, to: &PathBuf) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A journal of the release before macs opens, is continued from its newest checkpoint, and verifies.
#[test]
fn a_journal_from_before_macs_is_continued_from_its_newest_checkpoint() {
    let (folder, options) = without_macs();
    let (mut writer, opened): (JournalWriter, Opened) =
        JournalWriter::open(options, Seams::default()).unwrap();
    assert_eq!(
        writer.stream().to_string(),
        "3d1ea04bf9aef9cb111b588378e2fda7"
    );
    assert_eq!(
        (
            opened.entries,
            opened.signed,
            opened.adopted,
            opened.foreign
        ),
        (11, 11, 0, 4)
    );
    assert_eq!(opened.not_continued, []);
    let acc = writer.next_acc();
    assert_eq!(acc, 6, "the gap named 5");
    append(&mut writer, acc);
    writer.close().unwrap();
    let journal = folder.path().join("audit_logs");
    let report = verifier::verify(&journal, &[&opened.verifier_key], &[]);
    if let Some(report) = report {
        assert_eq!(report["exit"], 2, "{report}");
        assert_eq!(verifier::codes(&report), ["no_anchor"], "{report}");
    }
    let reader = JournalReader::on(
        Arc::new(llm_audit_journal::journal::FileStorage::default()),
        &journal,
    );
    assert_eq!(reader.quarantined().unwrap().len(), 1);
}
