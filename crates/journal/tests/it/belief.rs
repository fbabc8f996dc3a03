//! What somebody without a key can make opening believe: copies of the journal's own lines, old notes, edited events,
//! files of other days. Opening takes nothing from them, loses nothing for them, and says what it found.

use std::{
    collections::BTreeSet,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Barrier},
    thread,
};

use llm_audit_journal::{
    entry::{Entry, Kind, Leaf, Members, Position, StreamId, write_line},
    journal::{Adopted, FileStorage, JournalWriter, MemoryStorage, Refusal},
};

use crate::{storage::*, support::*};

const SEGMENT: &str = "/j/audit_logs/audit_2026-11-22.jsonl";
const DAY: u32 = 20_779;

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
        assert_eq!(opened.copied, 1);
        assert!(opened.findings()[0].starts_with("1 copies"), "{opened:?}");
        append(&mut writer, 7);
        writer.close().unwrap();
        let found = &check(&storage, &verifier_key)[&stream];
        assert_eq!((found.written.len(), found.named.len()), (7, 0));
        verify_independently(&storage, &verifier_key, "a copied line");
    }
}
/// One line as somebody writes it who has no key.
fn forge(at: &Position, members: &Members) -> String {
    let mut line = Vec::new();
    write_line(&mut line, members, at, &[[3; 16]; 5], None).unwrap();
    String::from_utf8(line).unwrap()
}

fn forged_call(stream: StreamId, seq: u64, acc: u64, day: u32, prev: Leaf) -> String {
    let kind = Kind::Call;
    let at = Position {
        stream,
        seq,
        acc,
        kind,
        day,
        prev,
    };
    forge(&at, &record(acc, "success"))
}

fn forged_own(at: &Position, event: &str) -> String {
    let mut members = Members::new();
    members.push_str("timestamp", "2026-11-22T10:00:00.000000Z");
    members.push_null("user_id");
    members.push_raw("event", event.as_bytes());
    forge(at, &members)
}

/// The line without its mac, which is no part of its leaf.
fn without_mac(line: &str) -> String {
    let at = line.find(",\"mac\":").unwrap();
    let end = at + line[at..].find('}').unwrap();
    format!("{}{}", &line[..at], &line[end..])
}

fn leaf_of(line: &str) -> Leaf {
    Entry::parse(line.trim_end().as_bytes()).unwrap().leaf()
}

/// Macs are not part of what is signed: without them, and with the note's file removed, a copy of an old note behind
/// forged entries passed for one over them, and they were adopted and signed.
#[test]
fn an_old_note_behind_forged_entries_does_not_vouch_for_them() {
    let (storage, stream, verifier_key) = closed_journal(3);
    let mut lines = lines_of(&storage, SEGMENT);
    // `close`, its checkpoint: the note in this one covers all entries before it.
    let note = Entry::parse(lines.last().unwrap().trim_end().as_bytes()).unwrap();
    let event = String::from_utf8(note.get("event").unwrap().to_vec()).unwrap();
    lines.pop();
    let signed = lines.len() as u64;
    lines = lines.iter().map(|line| without_mac(line)).collect();
    for acc in 4..24 {
        let prev = leaf_of(lines.last().unwrap());
        lines.push(forged_call(stream, lines.len() as u64, acc, DAY, prev));
    }
    let at = Position {
        stream,
        seq: lines.len() as u64,
        acc: 23,
        kind: Kind::Checkpoint,
        day: DAY,
        prev: leaf_of(lines.last().unwrap()),
    };
    lines.push(forged_own(&at, &event));
    write_lines(&storage, SEGMENT, &lines);
    storage.remove_all(format!("{DIRECTORY}/checkpoints/{stream}"));
    let (mut writer, opened) = open(&storage);
    assert_eq!(writer.stream(), stream, "{:?}", opened.not_continued);
    let found = (
        opened.entries,
        opened.signed,
        opened.adopted,
        opened.foreign,
    );
    assert_eq!(found, (signed, signed, 0, 21));
    append(&mut writer, 4);
    writer.close().unwrap();
    assert_eq!(check(&storage, &verifier_key)[&stream].written.len(), 4);
}

/// A file of a far day with two lines that look like the end of a closed stream made each start leave the journal's
/// stream, and without a word: a stream whose clock ran ahead is nothing wrong.
#[test]
fn an_end_that_anybody_can_write_does_not_end_a_stream() {
    let (storage, stream, verifier_key) = closed_journal(2);
    let lines = lines_of(&storage, SEGMENT);
    let at = |back: usize, kind, prev| Position {
        stream,
        seq: (lines.len() - back) as u64,
        acc: 2,
        kind,
        day: DAY + 9000,
        prev,
    };
    let close = forged_own(&at(2, Kind::Close, leaf_of(&lines[lines.len() - 3])), "{}");
    let last = forged_own(&at(1, Kind::Checkpoint, leaf_of(&close)), "{}");
    let far = "/j/audit_logs/audit_2051-07-15.jsonl";
    write_lines(&storage, far, &[close, last]);
    let (mut writer, opened) = open(&storage);
    assert_eq!(opened.not_continued, []);
    assert_eq!((writer.stream(), opened.foreign), (stream, 2));
    assert!(opened.findings()[0].starts_with("2 lines"), "{opened:?}");
    append(&mut writer, 3);
    writer.close().unwrap();
    assert_eq!(check(&storage, &verifier_key)[&stream].written.len(), 3);
}

/// A line of somebody with another key's note in it, behind entries of ours that no checkpoint covers yet, made the
/// stream count as another key's, and it was left.
#[test]
fn a_foreign_note_in_a_forged_line_does_not_take_a_stream_away() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    append(&mut writer, 1);
    writer.sync().unwrap();
    let stream = writer.stream();
    drop(writer);
    let mut lines = lines_of(&storage, SEGMENT);
    let other = MemoryStorage::new();
    let (mut writer, _) = open(&other);
    writer.close().unwrap();
    let note = other.read(format!("{DIRECTORY}/checkpoints/{}", writer.stream()));
    let note = String::from_utf8(note.unwrap()).unwrap();
    let at = Position {
        stream,
        seq: lines.len() as u64,
        acc: 1,
        kind: Kind::Checkpoint,
        day: DAY,
        prev: leaf_of(lines.last().unwrap()),
    };
    let event = format!(r#"{{"note":"{}"}}"#, note.replace('\n', "\\n"));
    lines.push(forged_own(&at, &event));
    write_lines(&storage, SEGMENT, &lines);
    let (mut writer, again) = open(&storage);
    assert_eq!(again.not_continued, []);
    assert_eq!(
        (writer.stream(), again.adopted, again.foreign),
        (stream, 4, 1)
    );
    writer.close().unwrap();
    assert_eq!(
        check(&storage, &opened.verifier_key)[&stream].written.len(),
        1
    );
}

/// A checkpoint covers commitments. What somebody writes in place of a committed event was believed: numbers came back
/// as lost, quarantined files were named anew, and the next `recovery` and `close` signed it.
#[test]
fn an_edited_event_is_not_believed_however_well_signed_it_was() {
    for (from, to) in [
        (r#""acc":[[2,2]]"#, r#""acc":[]"#),
        (r#""capture":"hashes""#, r#""capture":"all""#),
        (r#""use":"tail""#, r#""use":"seal""#),
    ] {
        let storage = MemoryStorage::new();
        let (mut writer, _) = open(&storage);
        append(&mut writer, 1);
        append(&mut writer, 3);
        // Its `close` names 2 as lost.
        writer.close().unwrap();
        let stream = writer.stream();
        drop(writer);
        storage.remove_all(format!("{DIRECTORY}/cache/{stream}"));
        let lines = lines_of(&storage, SEGMENT);
        let edited: Vec<String> = lines
            .iter()
            .map(|line| line.replacen(from, to, 1))
            .collect();
        let seq = (0..lines.len())
            .find(|at| edited[*at] != lines[*at])
            .unwrap() as u64;
        write_lines(&storage, SEGMENT, &edited);
        let (writer, opened) = open(&storage);
        assert_eq!(opened.not_continued, [(stream, Refusal::Damaged { seq })]);
        assert_ne!(writer.stream(), stream);
        assert_eq!(
            lines_of(&storage, SEGMENT),
            edited,
            "it is left as it stands"
        );
    }
}

/// The same copy with a forged line behind it: the forged line went and the copy stayed, so that all that was
/// acknowledged from then on stood behind a repetition that was cut short, and the next start called it damaged.
#[test]
fn nothing_is_appended_behind_a_copy_that_was_cut_short() {
    let (storage, stream, verifier_key) = closed_journal(6);
    let lines = lines_of(&storage, SEGMENT);
    let seq = lines.len() as u64;
    let forged = forged_call(stream, seq, 7, DAY, leaf_of(lines.last().unwrap()));
    let copy = "/j/audit_logs/audit_2026-11-22.1.jsonl";
    write_lines(&storage, copy, &[lines[3].clone(), forged]);
    let (mut writer, opened) = open(&storage);
    assert_eq!((writer.stream(), opened.foreign), (stream, 1));
    append(&mut writer, 7);
    writer.close().unwrap();
    drop(writer);
    storage.remove_all(format!("{DIRECTORY}/cache/{stream}"));
    let (writer, opened) = open(&storage);
    assert_eq!(opened.not_continued, []);
    assert_eq!(writer.stream(), stream);
    assert_eq!(check(&storage, &verifier_key)[&stream].written.len(), 7);
}

/// A copy of the last line in a file of a far day passed for a failed write, and the far file for the stream's last one.
#[test]
fn a_copy_in_a_file_of_another_day_is_no_failed_write() {
    let (storage, stream, verifier_key) = closed_journal(2);
    let lines = lines_of(&storage, SEGMENT);
    let far = "/j/audit_logs/audit_2051-07-15.jsonl";
    write_lines(&storage, far, &lines[lines.len() - 1..]);
    let (mut writer, opened) = open(&storage);
    assert_eq!(
        (writer.stream(), opened.quarantined_bytes > 0),
        (stream, true)
    );
    assert!(storage.read(far).is_none(), "it went to quarantine");
    append(&mut writer, 3);
    writer.close().unwrap();
    assert_eq!(check(&storage, &verifier_key)[&stream].written.len(), 3);
}

/// A journal whose first record began and never ended, closed in order.
fn begun_journal() -> (MemoryStorage, StreamId) {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    writer
        .append(1, Kind::Begin, &record(1, "started"))
        .unwrap();
    append(&mut writer, 2);
    writer.close().unwrap();
    (storage, writer.stream())
}

/// The members of an operation that began go into a new entry, which is signed. Where somebody had edited them, the
/// edited ones were: the cache says where they stand, and nobody looked at what stands there.
#[test]
fn an_edited_beginning_is_not_written_anew() {
    for strips_mac in [false, true] {
        let (storage, stream) = begun_journal();
        let mut lines = lines_of(&storage, SEGMENT);
        let at = lines
            .iter()
            .position(|line| line.contains("\"started\""))
            .unwrap();
        let length = lines[at].len();
        if strips_mac {
            // Another entry altogether, as long as the one that was there.
            let entry = Entry::parse(lines[at].trim_end().as_bytes()).unwrap();
            let position = *entry.position();
            let mut members = record(1, "started");
            let short = forge(&position, &members).len();
            members.push_str("x", &"y".repeat(length - short - r#","x":"""#.len()));
            lines[at] = forge(&position, &members);
        } else {
            lines[at] = lines[at].replace("\"user-1\"", "\"user-6\"");
        }
        assert_eq!(lines[at].len(), length, "its cache fits");
        write_lines(&storage, SEGMENT, &lines);
        let (mut writer, opened) = open(&storage);
        assert_eq!(writer.stream(), stream);
        assert_eq!((opened.interrupted, opened.begun_edited), (0, 1));
        assert!(
            opened.findings()[0].starts_with("1 operations"),
            "{opened:?}"
        );
        writer.close().unwrap();
        let text = lines_of(&storage, SEGMENT).concat();
        assert!(!text.contains("\"interrupted\""), "{strips_mac}");
    }
}

/// A cache is ours for ever: one from before a backup was put back fits by its lengths where the files have grown since,
/// and made a journal that is in order count as damaged.
#[test]
fn a_cache_that_never_was_of_these_files_costs_one_reading() {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    append(&mut writer, 1);
    writer.close().unwrap();
    let stream = writer.stream();
    drop(writer);
    let cache = format!("{DIRECTORY}/cache/{stream}");
    let backup: Vec<_> = storage
        .paths()
        .into_iter()
        .map(|path| (path.clone(), storage.read(&path).unwrap()))
        .collect();
    let go_on = |records: u64| {
        let (mut writer, again) = open(&storage);
        assert_eq!(again.not_continued, [], "{records}");
        assert_eq!(writer.stream(), stream);
        let first = writer.next_acc();
        for acc in first..first + records {
            append(&mut writer, acc);
        }
        writer.close().unwrap();
    };
    go_on(2);
    let old = storage.read(&cache).unwrap();
    for (path, bytes) in backup {
        storage.write(path, &bytes);
    }
    go_on(9);
    storage.write(&cache, &old);
    go_on(1);
    assert_eq!(
        check(&storage, &opened.verifier_key)[&stream].written.len(),
        11
    );
}

/// A stream whose clock ran ahead is recovered and closed, and another goes on: what stood behind its checkpoint was
/// told in that stream and to nobody who watches.
#[test]
fn what_a_stream_of_a_day_ahead_had_behind_its_checkpoint_is_told() {
    let storage = MemoryStorage::new();
    let clock = TestClock::new();
    clock.advance(5 * DAY_US);
    let (mut writer, _) = open_at(&storage, &clock, options()).unwrap();
    append(&mut writer, 1);
    writer.close().unwrap();
    let stream = writer.stream();
    drop(writer);
    let path = "/j/audit_logs/audit_2026-11-27.jsonl";
    let mut lines = lines_of(&storage, path);
    let (seq, prev) = (lines.len() as u64, leaf_of(lines.last().unwrap()));
    lines.push(forged_call(stream, seq, 2, DAY + 5, prev));
    write_lines(&storage, path, &lines);
    let (_writer, opened) = open(&storage);
    assert_eq!(opened.not_continued, [(stream, Refusal::DayAhead)]);
    assert_eq!(opened.foreign, 1);
    assert!(opened.findings()[0].starts_with("1 lines"), "{opened:?}");
}

/// A last segment that somebody renamed to the last number there is: the next one's name was another stream's, and what
/// was acknowledged in it was missing from the stream at the next start.
#[test]
fn a_file_with_the_last_number_is_not_followed_into_another_streams_name() {
    let (storage, stream, verifier_key) = closed_journal(2);
    let lines = lines_of(&storage, SEGMENT);
    storage.remove_all(SEGMENT);
    let renamed = "/j/audit_logs/audit_2026-11-22.9999999.jsonl";
    write_lines(&storage, renamed, &lines);
    let mut small = options();
    small.segment_bytes_max = 1000;
    let (mut writer, opened) = open_at(&storage, &TestClock::new(), small).unwrap();
    let first = writer.next_acc();
    for acc in first..first + 3 {
        append(&mut writer, acc);
        writer.sync().unwrap();
    }
    writer.close().unwrap();
    let written = check(&storage, &verifier_key);
    assert!(written[&writer.stream()].is_closed());
    assert_ne!(writer.stream(), stream);
    assert!(opened.findings()[0].contains("9999999"), "{opened:?}");
    // On another day its numbers begin again.
    drop(writer);
    let clock = TestClock::new();
    clock.advance(DAY_US);
    let (_writer, opened) = open_at(&storage, &clock, options()).unwrap();
    assert_eq!(opened.not_continued, []);
}

/// A file under the name of no stream, with entries of an id that somebody chose: the next start wrote its own stream
/// under that id, and the two were a fork of each other. Lines of a stream that is there were passed over in silence.
#[test]
fn a_file_under_a_wrong_name_chooses_no_stream() {
    let (storage, stream, _) = closed_journal(2);
    let chosen = StreamId::from_bytes([0; 16]);
    let files = [
        ("dead0000", forged_call(chosen, 0, 1, DAY, Leaf::ZERO)),
        ("dead0001", lines_of(&storage, SEGMENT).concat()),
    ];
    for (name, lines) in &files {
        storage.write(
            format!("/j/audit_logs/audit_2026-11-22.{name}.jsonl"),
            lines.as_bytes(),
        );
    }
    let (writer, opened) = open(&storage);
    assert_eq!(writer.stream(), stream);
    let findings = opened.findings();
    for ((name, _), finding) in files.iter().zip(&findings) {
        assert!(finding.contains(name), "{findings:?}");
    }
    assert_eq!(findings.len(), 2);
    // A second process finds none to take, and makes its own.
    let (second, _) = open(&storage);
    assert_ne!(second.stream(), chosen);
}

/// A directory in which everything has to be set right at once: a begun operation, unsigned entries, a copy, a forged
/// line, a torn end, a planted quarantined file, and a second stream that a process left.
fn untidy_journal() -> (MemoryStorage, StreamId, String) {
    let storage = MemoryStorage::new();
    let (mut writer, opened) = open(&storage);
    writer
        .append(1, Kind::Begin, &record(1, "started"))
        .unwrap();
    append(&mut writer, 2);
    writer.close().unwrap();
    writer.resume().unwrap();
    append(&mut writer, 3);
    writer.sync().unwrap();
    let (mut second, _) = open(&storage);
    append(&mut second, 1);
    second.sync().unwrap();
    let stream = writer.stream();
    drop((writer, second));
    let mut lines = lines_of(&storage, SEGMENT);
    let copy = "/j/audit_logs/audit_2026-11-22.1.jsonl";
    let forged = forged_call(
        stream,
        lines.len() as u64,
        4,
        DAY,
        leaf_of(&lines[lines.len() - 1]),
    );
    let planted = "/j/audit_logs/quarantine/audit_2026-11-22.jsonl.7.0";
    write_lines(&storage, planted, &[lines[1].clone(), forged.clone()]);
    write_lines(&storage, copy, &[lines[2].clone(), "{\"torn".to_owned()]);
    lines.push(forged);
    write_lines(&storage, SEGMENT, &lines);
    (storage, stream, opened.verifier_key)
}

/// Each storage call of such an opening fails once; the next opening, on a disk that works, has it all.
#[test]
fn an_opening_that_fails_half_way_is_done_by_the_next() {
    let (untidy, stream, verifier_key) = untidy_journal();
    for nth in 1.. {
        let storage = MemoryStorage::new();
        for path in untidy.paths() {
            storage.write(&path, &untidy.read(&path).unwrap());
        }
        let plan = FaultStorage::new(storage.clone()).fail(nth, 1, Failure::Io);
        let seams = seams(plan.clone(), &TestClock::new(), 900 + nth);
        drop(JournalWriter::open(options(), seams));
        let (mut writer, opened) = open(&storage);
        assert_eq!(opened.not_continued, [], "{nth}");
        finish_all(&mut writer);
        let found = check_on(
            Arc::new(storage.clone()),
            DIRECTORY.as_ref(),
            &verifier_key,
            Strictness::AfterFailures,
        );
        let written = &found[&stream].written;
        assert!(written.is_superset(&[1, 2, 3].into()), "{nth}");
        if plan.calls() < nth {
            break;
        }
    }
}

/// Several processes start in it at the same moment: each gets a stream of its own, and every stream is in order.
#[test]
fn starts_at_the_same_moment_recover_each_stream_once() {
    for round in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let (untidy, stream, verifier_key) = untidy_journal();
        for path in untidy.paths() {
            let copy = folder.path().join(path.strip_prefix("/j").unwrap());
            let (parent, bytes) = (copy.parent().unwrap(), untidy.read(&path).unwrap());
            make_private(parent);
            fs::write(&copy, bytes).unwrap();
            fs::set_permissions(&copy, Permissions::from_mode(0o600)).unwrap();
        }
        let directory = folder.path().join("audit_logs");
        let barrier = Barrier::new(4);
        let streams: Vec<StreamId> = thread::scope(|scope| {
            let starts = (0..4).map(|number| {
                let (barrier, directory) = (&barrier, directory.clone());
                scope.spawn(move || {
                    let mut options = options();
                    options.directory = directory;
                    let seed = 7000 + 10 * round + number;
                    let seams = seams(FileStorage::default(), &TestClock::new(), seed);
                    barrier.wait();
                    let (mut writer, opened) = JournalWriter::open(options, seams).unwrap();
                    assert_eq!(opened.not_continued, []);
                    finish_all(&mut writer);
                    barrier.wait();
                    writer.stream()
                })
            });
            let starts: Vec<_> = starts.collect();
            let joined = starts.into_iter().map(|start| start.join().unwrap());
            joined.collect()
        });
        assert_eq!(BTreeSet::from_iter(&streams).len(), 4, "{round}");
        let storage = Arc::new(FileStorage::default());
        let found = check_on(storage, &directory, &verifier_key, Strictness::Segments);
        assert!(found[&stream].written.is_superset(&[1, 2, 3].into()));
        assert!(streams.iter().all(|stream| found[stream].is_closed()));
    }
}

fn make_private(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
}

/// Appends one record, closes the stream, and brings those that nobody writes to their end.
fn finish_all(writer: &mut JournalWriter) {
    let acc = writer.next_acc();
    append(writer, acc);
    writer.close().unwrap();
    let mut adoption = writer.adoption();
    while let Some(adopted) = adoption.next(|_, _| false).unwrap() {
        if let Adopted::Open(mut other, _) = adopted {
            other.close().unwrap();
        }
    }
    assert_eq!(adoption.refused(), []);
}

/// A forged checkpoint entry with a true note in it: what the note covers is proven, the entry that carries it is not.
#[test]
fn a_true_note_does_not_vouch_for_the_entry_that_carries_it() {
    let (storage, stream, _) = closed_journal(3);
    let mut lines = lines_of(&storage, SEGMENT);
    let last = lines.pop().unwrap();
    let entry = Entry::parse(last.trim_end().as_bytes()).unwrap();
    let event = String::from_utf8(entry.get("event").unwrap().to_vec()).unwrap();
    let event = event.replacen('{', "{\"x\":\"planted\",", 1);
    let signed = lines.len() as u64;
    lines = lines.iter().map(|line| without_mac(line)).collect();
    lines.push(forged_own(entry.position(), &event));
    write_lines(&storage, SEGMENT, &lines);
    storage.remove_all(format!("{DIRECTORY}/checkpoints/{stream}"));
    let (writer, opened) = open(&storage);
    assert_eq!(writer.stream(), stream, "{:?}", opened.not_continued);
    let found = (opened.entries, opened.signed, opened.foreign);
    assert_eq!(found, (signed, signed, 1));
}

/// A true note far behind what it covers, where its root can no longer be compared: forged entries below its size were
/// cut, or adopted, though the note says that others were signed in their place.
#[test]
fn a_true_note_that_cannot_be_compared_proves_nothing() {
    let storage = MemoryStorage::new();
    let (mut writer, _) = open(&storage);
    append(&mut writer, 1);
    writer.close().unwrap();
    let stream = writer.stream();
    let true_lines = lines_of(&storage, SEGMENT);
    writer.resume().unwrap();
    for acc in 2..6 {
        append(&mut writer, acc);
    }
    writer.close().unwrap();
    drop(writer);
    let newest = lines_of(&storage, SEGMENT).pop().unwrap();
    let newest = Entry::parse(newest.trim_end().as_bytes()).unwrap();
    let event = String::from_utf8(newest.get("event").unwrap().to_vec()).unwrap();
    let mut lines: Vec<String> = true_lines.iter().map(|line| without_mac(line)).collect();
    for acc in 2..40 {
        let at = Position {
            stream,
            seq: lines.len() as u64,
            acc,
            kind: Kind::Call,
            day: DAY,
            prev: leaf_of(lines.last().unwrap()),
        };
        let mut members = record(acc, "success");
        members.push_str("x", &"y".repeat(1 << 20));
        lines.push(forge(&at, &members));
    }
    let at = Position {
        stream,
        seq: lines.len() as u64,
        acc: 39,
        kind: Kind::Checkpoint,
        day: DAY,
        prev: leaf_of(lines.last().unwrap()),
    };
    lines.push(forged_own(&at, &event));
    write_lines(&storage, SEGMENT, &lines);
    for folder in ["checkpoints", "cache"] {
        storage.remove_all(format!("{DIRECTORY}/{folder}/{stream}"));
    }
    let (writer, opened) = open(&storage);
    assert_ne!(writer.stream(), stream);
    let seq = true_lines.len() as u64 - 1;
    let refused = [(stream, Refusal::Damaged { seq })];
    assert_eq!(opened.not_continued, refused);
    assert_eq!(lines_of(&storage, SEGMENT), lines, "not a byte is cut");
}
