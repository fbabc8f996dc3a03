//! That the independent verifier sees what was done to a journal: the worked one, harmed in one way at a time, and small
//! signed journals that each have one fault (`testdata/verifier`).
//!
//! Each test asks for the exit status and for every code, so an extra finding fails it like a missing one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::verifier::{codes, verify, verify_receipt, verify_with};

const KEY: &str = "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const STREAM: &str = "0123456789abcdef0123456789abcdef";
const FIRST: &str = "audit_2026-11-22.jsonl";
const SECOND: &str = "audit_2026-11-22.1.jsonl";
const THIRD: &str = "audit_2026-11-22.2.jsonl";

/// The `call` of `user-1` with a price, and the one whose person and content were erased, in the first segment.
const CALL: usize = 4;
const ERASED: usize = 5;

/// The lines of each segment, each with its newline, and the newest note.
struct Journal {
    segments: BTreeMap<&'static str, Vec<Vec<u8>>>,
    note: String,
}

impl Journal {
    fn worked() -> Self {
        let folder = worked();
        let lines = |name| {
            let bytes = fs::read(folder.join(name)).expect("a segment");
            let lines = bytes.split_inclusive(|&byte| byte == b'\n');
            (name, lines.map(<[u8]>::to_vec).collect())
        };
        let note = fs::read_to_string(folder.join("checkpoints").join(STREAM)).expect("a note");
        Self {
            segments: [FIRST, SECOND, THIRD].map(lines).into(),
            note,
        }
    }

    fn of(&mut self, segment: &'static str) -> &mut Vec<Vec<u8>> {
        self.segments.get_mut(segment).expect("a segment")
    }

    fn replace(&mut self, line: usize, from: &str, to: &str) {
        let line = &mut self.of(FIRST)[line];
        let text = String::from_utf8(line.clone()).expect("UTF-8");
        assert!(text.contains(from), "{from}");
        *line = text.replace(from, to).into_bytes();
    }

    fn write(&self, folder: &Path) {
        fs::create_dir(folder.join("checkpoints")).expect("a folder");
        fs::write(folder.join("checkpoints").join(STREAM), &self.note).expect("a note");
        for (name, lines) in &self.segments {
            fs::write(folder.join(name), lines.concat()).expect("a segment");
        }
    }
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata")
}

fn worked() -> PathBuf {
    testdata().join("journal-v1/audit_logs")
}

fn anchor() -> PathBuf {
    worked().join("checkpoints").join(STREAM)
}

#[track_caller]
fn check_report(report: &Value, exit: u64, expected: &[&str], what: &str) {
    assert_eq!(codes(report), expected, "{what}: {report:#}");
    assert_eq!(report["exit"], exit, "{what}: {report:#}");
}

/// The verifier must say this of the worked journal after `harm`, when it has key and anchor.
#[track_caller]
fn check(harm: impl FnOnce(&mut Journal), exit: u64, expected: &[&str]) {
    let mut journal = Journal::worked();
    harm(&mut journal);
    let folder = tempfile::tempdir().expect("a folder");
    journal.write(folder.path());
    if let Some(report) = verify(folder.path(), &[KEY], &[&anchor()]) {
        check_report(&report, exit, expected, "the worked journal");
    }
}

/// The same of a journal in `testdata/verifier`, with the anchor that lies in it; returns the report.
#[track_caller]
fn check_case(name: &str, exit: u64, expected: &[&str]) -> Option<Value> {
    let folder = testdata().join("verifier").join(name);
    let report = verify(&folder, &[KEY], &[&folder.join("anchor")])?;
    check_report(&report, exit, expected, name);
    Some(report)
}

/// The verifier must say this of a directory that `make` fills, when it has no anchor.
#[track_caller]
fn check_made(make: impl FnOnce(&Path), exit: u64, expected: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    make(folder.path());
    if let Some(report) = verify(folder.path(), &[KEY], &[]) {
        check_report(&report, exit, expected, "a made directory");
    }
}

#[test]
fn the_worked_journal_is_right_and_wants_an_anchor() {
    let Some(report) = verify(&worked(), &[KEY], &[]) else {
        return;
    };
    check_report(&report, 2, &["no_anchor"], "without an anchor");
    check(|_| (), 0, &[]);
}

#[test]
fn an_edit_is_told_by_its_class() {
    check(
        |journal| journal.replace(CALL, "user-1", "user-2"),
        1,
        &["edited"],
    );
    check(
        |journal| journal.replace(ERASED, "\"user_id\":null", "\"user_id\":\"x\""),
        1,
        &["planted"],
    );
    let unsalted = |journal: &mut Journal| {
        journal.replace(CALL, "\"user-1\"", "null");
        journal.replace(CALL, "\"lQaVtAZZJqvF17k/HlEJcw==\"", "null");
    };
    check(unsalted, 1, &["absent_without_authority"]);
}

#[test]
fn another_spelling_is_damage() {
    for (from, to) in [
        ("0.003303", "0.0033030"),
        ("\"seq\":4", "\"seq\": 4"),
        ("user-1", "user\\u002d1"),
        ("\"metadata\":null", "\"metadata\":[]"),
        ("\"action\":\"messages.create\",", ""),
        ("\"provider\":\"anthropic\"", "\"trace_id\":\"anthropic\""),
        ("],\"mac\"", "],\"mac\":null,\"mac\""),
    ] {
        check(
            |journal| journal.replace(CALL, from, to),
            1,
            &["damaged", "missing_entries"],
        );
    }
}

#[test]
fn moved_lines_are_told() {
    check(
        |journal| drop(journal.of(FIRST).remove(CALL)),
        1,
        &["missing_entries"],
    );
    let twice = |journal: &mut Journal| {
        let line = journal.of(FIRST)[CALL].clone();
        journal.of(FIRST).insert(CALL, line);
    };
    check(twice, 1, &["duplicate"]);
    check(
        |journal| journal.of(FIRST).swap(CALL, CALL + 1),
        1,
        &["reordered"],
    );
    check(
        |journal| journal.of(FIRST).insert(2, b"garbage\n".to_vec()),
        1,
        &["damaged"],
    );
    check(|journal| drop(journal.of(THIRD).pop()), 1, &["cut_tail"]);
    check(
        |journal| drop(journal.segments.remove(SECOND)),
        1,
        &["absent_without_authority", "missing_entries"],
    );
}

#[test]
fn what_a_crash_leaves_is_no_tampering() {
    for torn in [b"{\"timestamp\":\"20".to_vec(), b"\0\0\0\0\n".to_vec()] {
        check(|journal| journal.of(THIRD).push(torn), 2, &["torn_tail"]);
    }
    check(
        |journal| journal.replace(CALL, "{\"v\":1", "{\"v\":2"),
        3,
        &["unknown_version"],
    );
}

/// A writer whose truncation failed begins the next segment with the bytes that the last one ends with. Old lines in
/// other places were taken for such a repeat too, and so gave exit 2.
#[test]
fn only_the_end_of_the_segment_before_is_a_repeat() {
    let again = |bytes| {
        move |journal: &mut Journal| {
            let line = journal.of(SECOND)[0][..bytes].to_vec();
            journal.of(FIRST).push(line);
        }
    };
    check(again(99), 2, &["repeat"]);
    let whole = Journal::worked().of(SECOND)[0].len();
    check(again(whole), 2, &["repeat"]);
    let one_of_two = |journal: &mut Journal| {
        let lines = journal.of(SECOND)[..2].to_vec();
        journal.of(FIRST).extend(lines);
        journal.of(SECOND).remove(1);
    };
    check(one_of_two, 1, &["duplicate", "reordered"]);
    let old = |journal: &mut Journal| {
        let line = journal.of(FIRST)[CALL].clone();
        journal.of(SECOND).insert(0, line);
    };
    check(old, 1, &["duplicate", "reordered"]);
    let far = |journal: &mut Journal| {
        let line = journal.of(FIRST)[8].clone();
        journal.of(THIRD).insert(0, line);
    };
    check(far, 1, &["duplicate", "reordered"]);
}

#[test]
fn a_forged_note_is_told() {
    check(
        |journal| journal.note = journal.note.replace("sJqBSFos", "sJqBSFot"),
        1,
        &["wrong_signature"],
    );
    check(
        |journal| journal.note = journal.note.replace("\n17\n", "\n18\n"),
        1,
        &["wrong_signature"],
    );
    check(|journal| journal.note.clear(), 1, &["wrong_signature"]);
    check(
        |journal| journal.note = journal.note.replace("sJqBSF", "tJqBSF"),
        1,
        &["missing_signature"],
    );
}

/// One line of garbage behind the first checkpoint made everything after it a torn tail, whatever the later notes said:
/// a rewrite of all records there was exit 2. The second journal has the last note inside a damaged line, and no other.
#[test]
fn a_damaged_line_hides_no_rewrite() {
    check_case(
        "rewritten_behind_damage",
        1,
        &["chain", "damaged", "wrong_root"],
    );
    check_case("rewritten_note_in_damage", 1, &["cut_tail", "damaged"]);
    let half = |journal: &mut Journal| {
        let line = &mut journal.of(SECOND)[0];
        line.truncate(99);
        line.push(b'\n');
    };
    check(half, 1, &["damaged", "missing_entries"]);
}

/// Deleting the whole journal gave exit 0: anchors of streams that were gone were ignored, and an empty directory was
/// taken for a journal without faults.
#[test]
fn a_deleted_journal_is_noticed() {
    check_made(|_| (), 2, &["empty"]);
    check_made(
        |folder| fs::write(folder.join(FIRST), "").expect("a file"),
        2,
        &["empty"],
    );
    let empty = tempfile::tempdir().expect("a folder");
    let missing = empty.path().join("audit_logs");
    for (folder, anchors, exit, expected) in [
        (empty.path(), true, 1, vec!["empty", "missing_stream"]),
        (&missing, true, 1, vec!["empty", "io", "missing_stream"]),
        (&missing, false, 3, vec!["empty", "io"]),
    ] {
        let anchor = anchor();
        let anchors: &[&Path] = if anchors { &[&anchor] } else { &[] };
        if let Some(report) = verify(folder, &[KEY], anchors) {
            check_report(&report, exit, &expected, "no journal");
        }
    }
}

/// A planted line with a seq of ten to the eighteenth filled the memory, and a `gap` that named as many numbers never
/// came to an end. A number above 2^53-1 is damage; one below costs no more than the bytes that claim it.
#[test]
fn a_claimed_number_costs_nothing() {
    let planted = |seq: &'static str| {
        move |journal: &mut Journal| {
            let line = String::from_utf8(journal.of(FIRST)[CALL].clone()).expect("UTF-8");
            let line = line.replace("\"seq\":4", &format!("\"seq\":{seq}"));
            journal.of(FIRST).insert(CALL, line.into_bytes());
        }
    };
    check(planted("1000000000000000000"), 1, &["damaged"]);
    check(
        planted("9007199254740991"),
        1,
        &["missing_entries", "reordered", "unsigned_entries"],
    );
    check_case("range_far", 0, &[]);
}

/// Events with a number where a list is expected, with ranges that go backwards or beyond the entry's own acc, made the
/// verifier fail instead of the journal.
#[test]
fn a_range_that_breaks_its_rule_is_damage() {
    for name in ["range_backwards", "range_beyond_acc", "range_of_words"] {
        check_case(name, 1, &["damaged"]);
    }
    for event in ["7", "null", "[]", "\"x\"", "{}", "[[[[]]]]"] {
        let garbage = |journal: &mut Journal| {
            journal.replace(0, "\"event\":{", &format!("\"x\":{event},\"event\":{{"));
        };
        check(garbage, 1, &["damaged", "missing_entries"]);
        let inside = |journal: &mut Journal| {
            journal.replace(0, "\"streams\":[]", &format!("\"streams\":{event}"));
        };
        let is_same = event == "[]";
        let expected: &[&str] = if is_same { &[] } else { &["edited"] };
        check(inside, u64::from(!is_same), expected);
    }
}

/// Entries that another program appended before the writer opened its journal again were taken for the writer's own.
/// With the tail key the verifier sees that they are foreign; without it, it cannot judge a `mac`.
#[test]
fn a_tail_key_shows_whose_entries_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let [right, wrong] = [0x20, 0x40].map(|first: u8| {
        let path = folder.path().join(first.to_string());
        let key: Vec<u8> = (first..).take(32).collect();
        fs::write(&path, key).expect("a key");
        path
    });
    let journal = folder.path().join("audit_logs");
    let mut harmed = Journal::worked();
    harmed.replace(CALL, "b/kvKbywnFZk9JDSPv01zQ==", "c/kvKbywnFZk9JDSPv01zQ==");
    fs::create_dir(&journal).expect("a folder");
    harmed.write(&journal);
    // A `key` entry names the tail key, so that the verifier knows which one it lacks.
    for (directory, keys, exit, expected, foreign) in [
        (&worked(), vec![right.as_path()], 0, vec![], 0),
        (&worked(), vec![&wrong, &right], 0, vec![], 0),
        (&worked(), vec![&wrong], 0, vec![], 17),
        (&journal, vec![], 0, vec![], 0),
        (&journal, vec![&right], 1, vec!["foreign"], 1),
    ] {
        if let Some(report) = verify_with(directory, &[KEY], &[&anchor()], &keys) {
            check_report(&report, exit, &expected, "macs");
            let count = report["foreign"][0]["count"].as_u64().unwrap_or(0);
            assert_eq!(count, foreign, "{report:#}");
        }
    }
}

/// The report did not say which entries a writer had adopted without a checkpoint.
#[test]
fn what_was_adopted_is_told() {
    if let Some(report) = verify(&worked(), &[KEY], &[&anchor()]) {
        let adopted = &report["adopted"][0];
        assert_eq!(adopted["stream"], STREAM);
        let members = ["open", "count", "first", "last"].map(|name| adopted[name].as_u64());
        assert_eq!(members, [14, 2, 12, 13].map(Some));
    }
    check_case("authority_adopted", 1, &["absent_without_authority"]);
}

/// A writer that finds its segment replaced names the acknowledged entries that are gone: they are missing entries, and
/// the finding has the cause.
#[test]
fn lost_entries_are_missing_with_their_cause() {
    if let Some(report) = check_case("segment_lost", 1, &["missing_entries"]) {
        let finding = &report["findings"][0];
        assert_eq!(finding["cause"], "segment_lost", "{report:#}");
        assert_eq!(
            (finding["seq"].as_u64(), finding["count"].as_u64()),
            (Some(4), Some(2))
        );
    }
}

/// A stream that another key signed is only unsigned if a verified `open` names it; otherwise a signature is missing.
#[test]
fn keys_of_others_and_later_keys_are_known_from_verified_entries() {
    check_case("another_key", 2, &["no_anchor", "unsigned_entries"]);
    check_case(
        "another_key_unnamed",
        1,
        &["missing_signature", "no_anchor", "unsigned_entries"],
    );
    check_case("rotated_key", 0, &[]);
}

#[test]
fn what_entries_say_of_each_other_is_checked() {
    check_case("begin_without_call", 1, &["begin_without_call"]);
    check_case("number_unnamed", 1, &["unnamed_holes"]);
    check_case("call_after_close", 1, &["grammar"]);
    check_case("account_wrong", 1, &["account"]);
    check_case("kind_unknown", 3, &["unknown_kind"]);
}

/// Segments that retention had removed were reported as missing entries, and removals under a hold were not noticed.
#[test]
fn removal_needs_authority_and_must_be_done() {
    check_case("segments_removed", 0, &[]);
    check_case("segments_removed_anchor_within", 2, &["size_in_removed"]);
    check_case("segments_removed_and_more", 1, &["missing_entries"]);
    check_case("segments_still_there", 4, &["still_there"]);
    check_case("erased_still_there", 4, &["still_there"]);
    check_case("erased_under_hold", 4, &["gone_too_early"]);
    // Each of two forged streams removes the entries that would show the other's forgery.
    let expected = ["missing_entries", "no_anchor", "unsigned_entries"];
    check_case("removed_by_each_other", 1, &expected);
}

/// Releases that wrote no `mac` gave a `gap` the greatest number before those that it names; such a journal has no fault.
#[test]
fn journals_from_before_macs_have_no_fault() {
    check_case("numbers_before_macs", 0, &[]);
}

/// A receipt in either form is valid for its own answer only, and no longer once a character of it is changed.
#[test]
fn a_receipt_is_right_for_its_answer_only() {
    let worked = fs::read(testdata().join("journal-v1/worked.json")).expect("a file");
    let worked: Value = serde_json::from_slice(&worked).expect("JSON");
    let receipt = |name: &str| worked["receipt"][name].as_str().expect("text").to_owned();
    let folder = tempfile::tempdir().expect("a folder");
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    fs::write(&right, receipt("answer")).expect("an answer");
    fs::write(&wrong, receipt("answer") + ".").expect("an answer");
    let changed = receipt("token").replace("ASQB", "ASQC");
    for (token, answer, exit) in [
        (receipt("token"), &right, 0),
        (receipt("tlog_proof"), &right, 0),
        (receipt("token"), &wrong, 1),
        (receipt("tlog_proof"), &wrong, 1),
        (changed, &right, 1),
    ] {
        if let Some(report) = verify_receipt(&token, answer, KEY) {
            assert_eq!(report["exit"], exit, "{token}: {report:#}");
        }
    }
}

/// A directory or a link under a segment's name ended the verification, and a pipe blocked it for ever.
#[cfg(unix)]
#[test]
fn what_is_not_a_regular_file_is_reported_and_not_opened() {
    let make = |folder: &Path| {
        Journal::worked().write(folder);
        fs::create_dir(folder.join("audit_2026-11-23.jsonl")).expect("a folder");
        let link = folder.join("audit_2026-11-24.jsonl");
        std::os::unix::fs::symlink(folder.join(FIRST), link).expect("a link");
        let pipe = folder.join("audit_2026-11-25.jsonl");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
    };
    check_made(make, 3, &["io", "no_anchor"]);
    let instead = |folder: &Path| {
        Journal::worked().write(folder);
        fs::remove_file(folder.join(THIRD)).expect("a segment");
        fs::create_dir(folder.join(THIRD)).expect("a folder");
    };
    check_made(instead, 1, &["cut_tail", "io", "no_anchor"]);
}
