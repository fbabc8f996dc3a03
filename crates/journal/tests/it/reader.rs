//! Following a stream while it is written, turned, failed and recovered; cursors, and what does not fit them.

use std::{sync::Arc, thread, time::Duration};

use llm_audit_journal::{
    entry::{Kind, Leaf},
    journal::{
        Cursor, JournalReader, LineContent, MemoryStorage, ReadError, StreamHandle, StreamReader,
    },
};

use crate::{storage::*, support::*};

const SEGMENT: &str = "/j/audit_logs/audit_2026-11-22.jsonl";

/// Reads on to where nothing more is durable; returns the seqs that came.
fn drain(reader: &mut StreamReader) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let Some(entry) = reader.next().unwrap() {
        seqs.push(entry.as_entry().position().seq);
    }
    seqs
}

#[test]
fn only_what_is_durable_comes_and_all_of_it() {
    let storage = MemoryStorage::new();
    let mut options = options();
    options.segment_bytes_max = 4000;
    let (mut writer, _) = open_at(&storage, &TestClock::new(), options).unwrap();
    let mut reader = writer.handle().reader(&Cursor::START);
    assert_eq!(drain(&mut reader), [0, 1, 2]);
    let mut expected = 3;
    for acc in 1..=20 {
        append(&mut writer, acc);
        // A turn of the segment makes durable what was before it; the record itself is not.
        let durable = writer.durable().next_seq();
        for seq in drain(&mut reader) {
            assert_eq!(seq, expected);
            expected += 1;
        }
        assert_eq!(expected, durable);
        writer.sync().unwrap();
    }
    writer.close().unwrap();
    expected += drain(&mut reader).len() as u64;
    let mark = writer.durable();
    assert_eq!((expected, mark.is_closed()), (mark.next_seq(), false));
    drop(writer);
    assert!(mark.is_closed());
}

#[test]
fn a_cursor_goes_on_where_it_was_with_its_hint_and_without() {
    let storage = MemoryStorage::new();
    let mut options = options();
    options.segment_bytes_max = 4000;
    let (mut writer, _) = open_at(&storage, &TestClock::new(), options).unwrap();
    for acc in 1..=20 {
        append(&mut writer, acc);
        writer.sync().unwrap();
    }
    let end = writer.durable().next_seq();
    let handle = writer.handle();
    let file = handle.cursor_file("otlp");
    assert_eq!(file.load().unwrap(), None);
    let mut reader = handle.reader(&Cursor::START);
    for seq in 0..end {
        assert_eq!(
            reader.next().unwrap().unwrap().as_entry().position().seq,
            seq
        );
        file.store(&reader.cursor()).unwrap();
        let cursor = file.load().unwrap().unwrap();
        assert_eq!(cursor, reader.cursor());
        assert_eq!(
            drain(&mut handle.reader(&cursor)),
            (seq + 1..end).collect::<Vec<_>>()
        );
        // The segment's name is a hint: without it the entry is searched for.
        let text = String::from_utf8(
            storage
                .read(format!("{DIRECTORY}/cursors/otlp.{}", writer.stream()))
                .unwrap(),
        )
        .unwrap();
        let hintless = text.replace("audit_", "other_");
        storage.write(
            format!("{DIRECTORY}/cursors/otlp.{}", writer.stream()),
            hintless.as_bytes(),
        );
        let searched = file.load().unwrap().unwrap();
        assert_eq!(
            drain(&mut handle.reader(&searched)),
            (seq + 1..end).collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_cursor_of_another_past_is_told_once() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    append(&mut writer, 1);
    writer.sync().unwrap();
    let handle = writer.handle();
    let mut other = Cursor::START;
    (other.next_seq, other.leaf_before) = (2, Leaf::from_bytes([9; 32]));
    let mut reader = handle.reader(&other);
    assert!(matches!(reader.next(), Err(ReadError::Diverged { seq: 2 })));
    assert_eq!(drain(&mut reader), [2, 3]);
    let mut ahead = other;
    ahead.next_seq = 99;
    let mut reader = handle.reader(&ahead);
    assert!(matches!(
        reader.next(),
        Err(ReadError::Diverged { seq: 99 })
    ));
    assert!(reader.next().unwrap().is_none());
}

#[test]
fn a_damaged_entry_is_told_and_passed_over() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    for acc in 1..=4 {
        append(&mut writer, acc);
    }
    writer.sync().unwrap();
    let mut bytes = storage.read(SEGMENT).unwrap();
    let third = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(3)
        .map(<[u8]>::len)
        .sum::<usize>();
    bytes[third + 2] = 0;
    storage.write(SEGMENT, &bytes);
    let mut reader = writer.handle().reader(&Cursor::START);
    for seq in 0..3 {
        assert_eq!(
            reader.next().unwrap().unwrap().as_entry().position().seq,
            seq
        );
    }
    match reader.next() {
        Err(ReadError::Damaged { seq: 3, offset, .. }) => assert_eq!(offset, third as u64),
        other => panic!("{:?}", other.map(|entry| entry.is_some())),
    }
    assert_eq!(drain(&mut reader), [4, 5, 6]);
}

#[test]
fn entries_that_are_gone_are_told_and_reading_goes_on() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    for acc in 1..=4 {
        append(&mut writer, acc);
    }
    writer.sync().unwrap();
    let bytes = storage.read(SEGMENT).unwrap();
    let lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    storage.write(SEGMENT, &[&lines[..2], &lines[4..]].concat().concat());
    let mut reader = writer.handle().reader(&Cursor::START);
    assert_eq!(
        reader
            .next()
            .unwrap()
            .map(|entry| entry.as_entry().position().seq),
        Some(0)
    );
    assert_eq!(
        reader
            .next()
            .unwrap()
            .map(|entry| entry.as_entry().position().seq),
        Some(1)
    );
    assert!(matches!(
        reader.next(),
        Err(ReadError::Missing { first: 2, last: 3 })
    ));
    assert_eq!(drain(&mut reader), [4, 5, 6]);
    storage.write(SEGMENT, &lines[..3].concat());
    let mut reader = writer.handle().reader(&Cursor::START);
    for _ in 0..3 {
        reader.next().unwrap().unwrap();
    }
    assert!(matches!(
        reader.next(),
        Err(ReadError::Missing { first: 3, last: 6 })
    ));
    assert!(reader.next().unwrap().is_none());
}

/// A batch fails again and again and lands in a later segment: its reader sees each entry once, in order.
#[test]
fn a_reader_follows_through_failed_writes() {
    for count in 1..4 {
        for nth in 1..40 {
            let storage = FaultStorage::new(MemoryStorage::new());
            let clock = TestClock::new();
            let seams = seams(storage.clone(), &clock, nth);
            let (mut writer, _) =
                llm_audit_journal::journal::JournalWriter::open(options(), seams).unwrap();
            let mut reader = writer.handle().reader(&Cursor::START);
            let mut seqs = drain(&mut reader);
            let _ = storage
                .clone()
                .fail(storage.calls() + nth, count, Failure::Io);
            for acc in 1..=4 {
                append(&mut writer, acc);
                while writer.sync().is_err() {}
                while let Ok(Some(entry)) = reader.next() {
                    seqs.push(entry.as_entry().position().seq);
                }
            }
            // A read that failed is tried again.
            for _ in 0..8 {
                while let Ok(Some(entry)) = reader.next() {
                    seqs.push(entry.as_entry().position().seq);
                }
            }
            assert_eq!(
                seqs,
                (0..7).collect::<Vec<_>>(),
                "{count} calls fail from {nth} on"
            );
        }
    }
}

#[test]
fn a_thread_can_follow() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    let handle: StreamHandle = writer.handle();
    let mark = Arc::clone(handle.durable().unwrap());
    let follower = thread::spawn(move || {
        let (mut reader, mut calls) = (handle.reader(&Cursor::START), 0);
        loop {
            let next = reader.cursor().next_seq;
            let is_over = mark.is_closed();
            if mark.wait(next, Duration::from_secs(60)) <= next && is_over {
                return calls;
            }
            while let Some(entry) = reader.next().unwrap() {
                calls += u64::from(entry.as_entry().position().kind == Kind::Call);
            }
        }
    });
    for acc in 1..=300 {
        append(&mut writer, acc);
        writer.sync().unwrap();
    }
    writer.close().unwrap();
    drop(writer);
    assert_eq!(follower.join().unwrap(), 300);
}

#[test]
fn a_survey_shows_every_line_whatever_it_is() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    append(&mut writer, 1);
    writer.close().unwrap();
    let mut bytes = storage.read(SEGMENT).unwrap();
    let entries = bytes.split_inclusive(|byte| *byte == b'\n').count();
    bytes.extend_from_slice(b"{}\n{\"torn");
    storage.write(SEGMENT, &bytes);
    let reader = JournalReader::on(Arc::new(storage), DIRECTORY);
    let segment = reader.segments().unwrap().remove(0);
    assert_eq!(segment.bytes, bytes.len() as u64);
    let lines: Vec<_> = reader
        .lines(&segment)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let what: String = lines
        .iter()
        .map(|line| match line.content {
            LineContent::Entry(_) => 'e',
            LineContent::Damaged(..) => 'd',
            LineContent::Torn(_) => 't',
            _ => '?',
        })
        .collect();
    assert_eq!(what, "e".repeat(entries) + "dt");
    assert_eq!(lines[entries].number, entries as u64 + 1);
    let head = reader.heads().unwrap().remove(0);
    assert_eq!(
        (head.stream, head.claim.unwrap().checkpoint.size),
        (writer.stream(), entries as u64)
    );
    assert_eq!(reader.streams().unwrap(), [writer.stream()]);
    assert_eq!(reader.first_stream().unwrap(), Some(writer.stream()));
    assert!(
        JournalReader::on(Arc::new(MemoryStorage::new()), "/nowhere")
            .segments()
            .is_err()
    );
}
