//! Opening reads what lies behind the kept state, and not everything ever written: 1.3 GB took nine seconds of every start.

#![allow(
    clippy::disallowed_methods,
    reason = "a test: its size comes by the environment"
)]

use llm_audit_journal::journal::{Adopted, Cursor, JournalWriter, MemoryStorage, Opened, Seams};

use crate::{storage::FaultStorage, support::*};

/// What a batch in flight and the lines behind the kept state take, and the small files beside them.
const OPENING_BYTES_MAX: u64 = (16 << 20) + (64 << 10);

/// Entries of the larger journal: two and a half times the bound, in a campaign far more.
fn many() -> u64 {
    match std::env::var("LLM_AUDIT_CAMPAIGN").as_deref() {
        Ok("full") => 1_000_000,
        _ => 30_000,
    }
}

/// Writes that many records, with a sync now and then, and returns the writer as it then is.
fn write(storage: &MemoryStorage, records: u64) -> JournalWriter {
    let (mut writer, _) = open(storage);
    for acc in 1..=records {
        append(&mut writer, acc);
        if acc % 700 == 0 {
            writer.sync().unwrap();
        }
    }
    writer.sync().unwrap();
    writer
}

/// Opens, and returns how many bytes that read.
fn opening_bytes(storage: &MemoryStorage) -> (u64, Opened, JournalWriter) {
    let counting = FaultStorage::new(storage.clone());
    let seams = seams(counting.clone(), &TestClock::new(), 77);
    let (writer, opened) = JournalWriter::open(options(), seams).unwrap();
    (counting.bytes_read(), opened, writer)
}

#[test]
fn opening_reads_the_same_whatever_was_written_before() {
    let mut closed = Vec::new();
    for records in [10_000, many()] {
        let storage = MemoryStorage::new();
        write(&storage, records).close().unwrap();
        let (bytes, opened, _) = opening_bytes(&storage);
        assert!(opened.entries > records);
        closed.push(bytes);
    }
    // The end of a closed stream, the kept state, the notes.
    assert!(closed.iter().all(|bytes| *bytes <= 80 << 10), "{closed:?}");
    assert!(closed[0].abs_diff(closed[1]) < 8 << 10, "{closed:?}");
}

/// A process that was killed leaves no `close`, and lines behind the last kept state.
#[test]
fn opening_after_a_kill_reads_at_most_what_was_not_kept() {
    for records in [10_000, many(), many() + 3_000] {
        let storage = MemoryStorage::new();
        drop(write(&storage, records));
        let (bytes, opened, writer) = opening_bytes(&storage);
        assert!(bytes <= OPENING_BYTES_MAX, "{records}: {bytes}");
        assert_eq!(writer.next_acc(), records + 1);
        assert_eq!((opened.foreign, opened.lost), (0, 0));
    }
}

/// After a power cut the kept state may be missing, old or torn: then one reading rebuilds it.
#[test]
fn a_kept_state_that_does_not_fit_is_rebuilt_by_one_reading() {
    type Cut = fn(&[u8]) -> Vec<u8>;
    let cuts: [Cut; 6] = [
        |_| Vec::new(),
        |kept| kept[..kept.len() / 2].to_vec(),
        |kept| vec![0; kept.len()],
        |kept| {
            let mut kept = kept.to_vec();
            let middle = kept.len() / 3;
            kept[middle] ^= 1;
            kept
        },
        |kept| [kept, b"\n"].concat(),
        |kept| {
            String::from_utf8_lossy(kept)
                .replacen("\"v\":1", "\"v\":2", 1)
                .into_bytes()
        },
    ];
    for (number, cut) in cuts.into_iter().enumerate() {
        let storage = MemoryStorage::new();
        let mut writer = write(&storage, 3_000);
        writer.close().unwrap();
        let stream = writer.stream();
        drop(writer);
        let path = format!("{DIRECTORY}/cache/{stream}");
        let kept = storage.read(&path).unwrap();
        storage.write(&path, &cut(&kept));
        let segment = storage
            .read(format!("{DIRECTORY}/audit_2026-11-22.jsonl"))
            .unwrap();
        let (bytes, opened, mut writer) = opening_bytes(&storage);
        assert!(bytes >= segment.len() as u64, "{number}: {bytes}");
        assert_eq!(
            (writer.stream(), opened.findings().len()),
            (stream, 0),
            "{number}"
        );
        writer.close().unwrap();
        drop(writer);
        let (bytes, ..) = opening_bytes(&storage);
        assert!(bytes < 128 << 10, "{number}: it was kept again, {bytes}");
    }
}

/// An older segment that was cut, or that is longer than it was, or that is new, shows in its length.
#[test]
fn an_older_segment_of_another_length_makes_opening_read_everything() {
    let edits: [fn(&MemoryStorage, &str); 3] = [
        |storage, path| {
            let bytes = storage.read(path).unwrap();
            storage.write(path, &bytes[..bytes.len() - 9]);
        },
        |storage, path| {
            let bytes = storage.read(path).unwrap();
            storage.write(path, &[&bytes[..], b"x\n"].concat());
        },
        |storage, path| storage.remove_all(path),
    ];
    for edit in edits {
        let storage = MemoryStorage::new();
        let mut options = options();
        options.segment_bytes_max = 64 << 10;
        let (mut writer, _) = open_at(&storage, &TestClock::new(), options).unwrap();
        for acc in 1..=200 {
            append(&mut writer, acc);
        }
        writer.close().unwrap();
        let stream = writer.stream();
        drop(writer);
        edit(&storage, &format!("{DIRECTORY}/audit_2026-11-22.jsonl"));
        let (_, opened, writer) = opening_bytes(&storage);
        assert_ne!(writer.stream(), stream);
        assert_eq!(opened.not_continued.len(), 1, "{opened:?}");
        assert_eq!(opened.not_continued[0].1.as_str(), "damaged");
    }
}

/// What is kept holds nothing of any record: an erasure need not reach it.
#[test]
fn what_is_kept_has_no_member_of_a_record() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    let begun = record_of(1, &request_id(77), "started");
    writer
        .append(1, llm_audit_journal::entry::Kind::Begin, &begun)
        .unwrap();
    append(&mut writer, 2);
    writer.close().unwrap();
    let kept = storage
        .read(format!("{DIRECTORY}/cache/{}", writer.stream()))
        .unwrap();
    let kept = String::from_utf8(kept).unwrap();
    assert!(kept.contains("\"begun\":[[\""), "{kept}");
    for member in [
        &request_id(77)[..],
        "user-1",
        "claude-sonnet",
        "messages.create",
        "0.003303",
    ] {
        assert!(!kept.contains(member), "{member}");
    }
    drop(writer);
    let (mut writer, opened) = open(&storage);
    assert_eq!(opened.interrupted, 1, "it is found by its place");
    writer.close().unwrap();
}

/// A follower that has everything listed the directory every 50 ms, and looked into the next segments.
#[test]
fn a_reader_that_has_everything_asks_the_disk_for_nothing() {
    let storage = FaultStorage::new(MemoryStorage::new());
    let seams = seams(storage.clone(), &TestClock::new(), 1);
    let (mut writer, _) = JournalWriter::open(options(), seams).unwrap();
    append(&mut writer, 1);
    writer.close().unwrap();
    let mut live = writer.handle().reader(&Cursor::START);
    while live.next().unwrap().is_some() {}
    let calls = storage.calls();
    for _ in 0..100 {
        assert!(live.next().unwrap().is_none());
    }
    assert_eq!(storage.calls(), calls, "while it is written");
    // The same of a stream that nobody writes.
    let (other, _) = JournalWriter::open(options(), other_seams(&storage)).unwrap();
    drop(writer);
    let mut adoption = other.adoption();
    let Some(Adopted::Closed(held)) = adoption.next(|_, _| true).unwrap() else {
        panic!("the closed stream is held for its followers");
    };
    let mut reader = held.handle().reader(&Cursor::START);
    while reader.next().unwrap().is_some() {}
    let calls = storage.calls();
    for _ in 0..100 {
        assert!(reader.next().unwrap().is_none());
    }
    assert_eq!(storage.calls(), calls, "of a closed stream");
}

fn other_seams(storage: &FaultStorage) -> Seams {
    seams(storage.clone(), &TestClock::new(), 2)
}
