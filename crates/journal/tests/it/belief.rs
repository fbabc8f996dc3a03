//! What somebody without a key can make opening believe: copies of the journal's own lines, old notes, edited events,
//! files of other days. Opening takes nothing from them, loses nothing for them, and says what it found.

use llm_audit_journal::{entry::StreamId, journal::MemoryStorage};

use crate::support::*;

const SEGMENT: &str = "/j/audit_logs/audit_2026-11-22.jsonl";

/// Lines of a file, each with its newline.
fn lines_of(storage: &MemoryStorage, path: &str) -> Vec<String> {
    let text = String::from_utf8(storage.read(path).unwrap()).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn write_lines(storage: &MemoryStorage, path: &str, lines: &[String]) {
    storage.write(path, lines.concat().as_bytes());
}

/// A journal with so many records that was closed in order; its cache is gone, as anybody may have it.
fn closed_journal(records: u64) -> (MemoryStorage, StreamId, String) {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    for acc in 1..=records {
        append(&mut writer, acc);
    }
    writer.close().unwrap();
    let stream = writer.stream();
    storage.remove_all(format!("{DIRECTORY}/cache/{stream}"));
    (storage, stream, opened.verifier_key)
}

/// A file with a copy of one signed line passed for a failed write that was repeated in part: all signed entries from
/// that one on were moved to `quarantine/`, and the stream counted as rolled back for ever.
#[test]
fn a_copied_line_never_cuts_what_was_signed() {
    for copied in [0, 3, 5] {
        let (storage, stream, verifier_key) = closed_journal(6);
        let lines = lines_of(&storage, SEGMENT);
        let copy = "/j/audit_logs/audit_2026-11-22.1.jsonl";
        write_lines(&storage, copy, &lines[copied..=copied]);
        let (mut writer, opened) = open(&storage);
        assert_eq!(writer.stream(), stream, "{:?}", opened.not_continued);
        assert_eq!(lines_of(&storage, SEGMENT)[..lines.len()], lines[..]);
        append(&mut writer, 7);
        writer.close().unwrap();
        let found = &check(&storage, &verifier_key)[&stream];
        assert_eq!((found.written.len(), found.named.len()), (7, 0));
        verify_independently(&storage, &verifier_key, "a copied line");
    }
}
