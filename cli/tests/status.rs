//! `llm-audit status` on journals to which something was done: each test is one thing that must not go unnoticed.
//!
//! The journals are made line by line with the library (`made`), so that only what a test does to them is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod made;

use std::{fs, process::Command};

use made::{
    Made, Maker, SEGMENT,
    said::{Said, status_in},
    signing_key, stream,
};
use serde_json::Value;
use tracing_llm_audit::{checkpoint::Checkpoint, entry::Kind};

fn status(made: &Made) -> Said {
    status_with(made, &[])
}

fn status_with(made: &Made, more: &[&str]) -> Said {
    status_in(made.root(), more)
}

/// A stream as it should be, in a directory.
fn whole() -> (Made, Maker) {
    let (made, maker) = (Made::new(), Maker::whole(stream(1)));
    maker.save(&made);
    (made, maker)
}

/// A stream that should be whole and has these lines instead.
fn with_lines(change: impl FnOnce(&mut Vec<String>)) -> Said {
    let (made, maker) = whole();
    let mut lines = maker.lines.clone();
    change(&mut lines);
    made.write(SEGMENT, lines.concat());
    status(&made)
}

#[test]
fn an_untouched_journal_has_no_finding_and_says_what_was_checked() {
    let (made, maker) = whole();
    let said = status(&made);
    said.assert_findings(&[]);
    assert_eq!(said.information(), [""; 0]);
    assert_eq!(said.json["signatures"], Value::Null);
    let key = maker.verifier_key();
    let said = status_with(&made, &["--key", &key]);
    said.assert_findings(&[]);
    assert_eq!(said.json["signatures"], 2);
}

/// The first file was removed: what is left chains, and used to be called fine.
#[test]
fn a_stream_that_begins_late_is_not_whole() {
    with_lines(|lines| {
        lines.drain(..2);
    })
    .assert_findings(&["missing entries audit_2026-11-22.jsonl:1"]);
}

/// A line in the middle was removed: the numbers show it.
#[test]
fn a_removed_line_is_missing() {
    let said = with_lines(|lines| drop(lines.remove(2)));
    said.assert_findings(&["missing entries audit_2026-11-22.jsonl:3"]);
}

/// The newest lines were removed: what is left chains, and only the signed head knows that there were more.
#[test]
fn a_cut_tail_is_known_by_the_newest_note() {
    let said = with_lines(|lines| lines.truncate(3));
    let note = format!("cut tail checkpoints/{}", stream(1));
    said.assert_findings(&[&note]);
}

/// The newest lines and the note were removed together: another stream's `open` still knows.
#[test]
fn a_cut_tail_is_known_by_another_streams_open() {
    let (made, cut) = whole();
    let mut other = Maker::new(stream(2));
    let known = format!(r#"[["{}",{},"AAAA"]]"#, cut.id, cut.size());
    other.open(&known, "[]");
    other.save_as(&made, &other.own_segment());
    status(&made).assert_findings(&[]);

    made.write(SEGMENT, cut.lines[..3].concat());
    fs::remove_file(made.path(&format!("checkpoints/{}", cut.id))).unwrap();
    let place = format!("cut tail {}:1", other.own_segment());
    status(&made).assert_findings(&[&place]);
}

/// All files of a stream were removed: the streams that are left chain.
#[test]
fn a_missing_stream_is_known_by_another_streams_open() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    let gone = stream(2);
    maker.open(&format!(r#"[["{gone}",5,"AAAA"]]"#), "[]");
    maker.save(&made);
    status(&made).assert_findings(&["missing stream audit_2026-11-22.jsonl:1"]);
}

/// The segments of a stream were removed and its note was forgotten. Nothing else is there, so this is no empty journal.
#[test]
fn a_note_without_entries_is_a_missing_stream() {
    let (made, maker) = whole();
    fs::remove_file(made.path(SEGMENT)).unwrap();
    let note = format!("missing stream checkpoints/{}", maker.id);
    status(&made).assert_findings(&[&note]);
}

/// The signed head alone was removed, so that a cut of the end would go unnoticed.
#[test]
fn a_missing_note_is_found_where_the_entries_carry_some() {
    let (made, maker) = whole();
    let note = format!("checkpoints/{}", maker.id);
    fs::remove_file(made.path(&note)).unwrap();
    status(&made).assert_findings(&[&format!("missing note {note}")]);
}

/// The number of tokens in a line was changed: the chain is still right, because it is over the commitments.
#[test]
fn an_edited_entry_does_not_match_its_commitment() {
    let said = with_lines(|lines| {
        lines[1] = lines[1].replace("\"input_tokens\":10", "\"input_tokens\":11");
    });
    said.assert_findings(&["edited audit_2026-11-22.jsonl:2"]);
    assert_eq!(
        said.json["findings"][0]["detail"],
        "class meta of entry 1 is not what was committed"
    );
}

/// The user was erased, and another name was put in its place; then the same with nothing in its place, which is how
/// a lawful erasure looks: whether it was one is not checked, and the count says so.
#[test]
fn what_is_planted_in_an_erased_place_is_found() {
    let erased = |lines: &mut Vec<String>| {
        let salt = "\"salt\":[";
        let (head, tail) = lines[1].split_once(salt).unwrap();
        let mut salts: Vec<&str> = tail.splitn(3, ',').collect();
        salts[1] = "null";
        lines[1] = [head, salt, &salts.join(",")].concat();
    };
    with_lines(erased).assert_findings(&["planted audit_2026-11-22.jsonl:2"]);
    let said = with_lines(|lines| {
        erased(lines);
        lines[1] = lines[1].replace("\"user_id\":\"user-1\"", "\"user_id\":null");
    });
    said.assert_findings(&[]);
    assert_eq!(said.json["classes_removed"], 1);
}

/// An entry was rewritten with commitments of its own: the next one names another entry before it, and no root fits.
#[test]
fn a_rewritten_entry_breaks_the_chain_and_the_roots() {
    let mut other = Maker::new(stream(1));
    other.open("[]", "[]");
    other.call();
    other.own(Kind::Config, r#"{"settings":{}}"#);
    let said = with_lines(|lines| lines[2].clone_from(&other.lines[2]));
    let note = format!("wrong root checkpoints/{}", stream(1));
    said.assert_findings(&[
        "broken chain audit_2026-11-22.jsonl:4",
        "wrong root audit_2026-11-22.jsonl:5",
        &note,
    ]);
}

/// A line was replaced by one that cannot be read. The entry behind it names the leaf of the one that is gone, so the
/// roots still fit and the damage is the only finding.
#[test]
fn one_damaged_line_is_one_finding() {
    let said = with_lines(|lines| lines[2] = "{}\n".to_owned());
    said.assert_findings(&["damaged line audit_2026-11-22.jsonl:3"]);
}

/// A line was copied to the end of the file.
#[test]
fn a_copied_line_is_a_duplicate() {
    let said = with_lines(|lines| lines.push(lines[2].clone()));
    said.assert_findings(&["duplicate audit_2026-11-22.jsonl:7"]);
}

/// A line of another stream was put into the file.
#[test]
fn a_line_of_another_stream_is_a_stray() {
    let other = Maker::whole(stream(2));
    let said = with_lines(|lines| lines.push(other.lines[1].clone()));
    said.assert_findings(&["stray line audit_2026-11-22.jsonl:7"]);
}

/// The file was renamed to another day.
#[test]
fn a_renamed_file_has_the_wrong_day() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    maker.open("[]", "[]");
    maker.save_as(&made, "audit_2026-11-23.jsonl");
    status(&made).assert_findings(&["wrong day audit_2026-11-23.jsonl:1"]);
}

/// A checkpoint entry's note has a root that the entries do not have: they were replaced by others that chain.
#[test]
fn a_note_with_another_root_is_found() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    maker.open("[]", "[]");
    let key = signing_key("example.com/audit", 7);
    let wrong = Checkpoint::new(&key, maker.id, 1, [5; 32]).sign(&key);
    maker.checkpoint_of(&wrong);
    maker.save(&made);
    status(&made).assert_findings(&["wrong root audit_2026-11-22.jsonl:2"]);
}

#[test]
fn what_is_no_note_is_damaged() {
    let (made, maker) = whole();
    let note = format!("checkpoints/{}", maker.id);
    made.write(&note, "not a note\n");
    let (damaged, missing) = (
        format!("damaged note {note}"),
        format!("missing note {note}"),
    );
    status(&made).assert_findings(&[&damaged, &missing]);
}

/// With a key from outside, a head that another key signed, that another name has, or whose signature was made over
/// another text is found; without one, nothing is said of signatures.
#[test]
fn signatures_are_checked_with_a_key_from_outside() {
    let (made, maker) = whole();
    let note = format!("checkpoints/{}", maker.id);
    let by_other_key = maker.note_by(&signing_key("example.com/audit", 8));
    let by_other_name = maker.note_by(&signing_key("example.com/other", 7));
    let mut later = Maker::whole(stream(1));
    later.call();
    let (text, _) = maker.note().split_once("\n\n").map(owned).unwrap();
    let (_, signature) = later.note().split_once("\n\n").map(owned).unwrap();
    let by_other_text = format!("{text}\n\n{signature}");
    let key = maker.verifier_key();
    for (text, code) in [
        (by_other_key, "missing signature"),
        (by_other_name, "other key"),
        (by_other_text, "wrong signature"),
    ] {
        made.write(&note, text);
        let said = status_with(&made, &["--key", &key]);
        said.assert_findings(&[&format!("{code} {note}")]);
        status(&made).assert_findings(&[]);
    }
}

fn owned((a, b): (&str, &str)) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

/// The note in a checkpoint entry is checked as the one in `checkpoints/` is.
#[test]
fn signatures_within_the_stream_are_checked_too() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    maker.open("[]", "[]");
    let note = maker.note_by(&signing_key("example.com/audit", 8));
    maker.checkpoint_of(&note);
    maker.save(&made);
    let key = maker.verifier_key();
    let said = status_with(&made, &["--key", &key]);
    said.assert_findings(&["missing signature audit_2026-11-22.jsonl:2"]);
}

/// A process could not append to a stream and began another: it said so in its `open`, every time, and is heard once.
#[test]
fn streams_that_were_not_continued_are_findings() {
    let (made, left) = whole();
    let mut maker = Maker::new(stream(2));
    for reason in ["foreign", "foreign", "day_ahead"] {
        maker.open("[]", &format!(r#"[["{}","{reason}"]]"#, left.id));
    }
    maker.save_as(&made, &maker.own_segment());
    let said = status(&made);
    said.assert_findings(&[&format!("not continued {}:1", maker.own_segment())]);
    let day_ahead = format!("day ahead {}:3", maker.own_segment());
    assert_eq!(said.information(), [day_ahead]);
}

/// The writer noticed that acknowledged entries were gone, and recovery that lines were not the writer's.
#[test]
fn what_the_writer_noticed_is_a_finding() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    maker.open("[]", "[]");
    maker.call();
    maker.own(
        Kind::Gap,
        r#"{"acc":[],"count":1,"cause":"segment_lost","seq":[[1,1]]}"#,
    );
    maker.own(
        Kind::Recovery,
        r#"{"file":"x","bytes":10,"lines":1,"acc":[],"foreign":1}"#,
    );
    maker.own(
        Kind::Gap,
        r#"{"acc":[[1,1]],"count":1,"cause":"queue_full"}"#,
    );
    maker.save(&made);
    let said = status(&made);
    said.assert_findings(&[
        "segment lost audit_2026-11-22.jsonl:3",
        "foreign lines audit_2026-11-22.jsonl:4",
    ]);
    assert_eq!(said.json["dropped"], 1);
}

/// A process of an older version shares the directory: its entries have no mac, which is told once and is no finding.
#[test]
fn entries_without_a_mac_behind_others_are_told_once() {
    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    maker.open("[]", "[]");
    maker.has_macs = false;
    maker.call();
    maker.call();
    maker.save(&made);
    let said = status(&made);
    said.assert_findings(&[]);
    assert_eq!(said.information(), ["no mac audit_2026-11-22.jsonl:2"]);
}

/// A pipe under a segment's name would hold whoever opens it, a link would lead elsewhere: they are named, not opened.
#[test]
fn what_is_no_regular_file_is_named_and_never_opened() {
    let (made, maker) = whole();
    let pipe = made.path("audit_2026-11-23.jsonl");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let cursor = format!("cursors/otlp.{}", maker.id);
    fs::create_dir_all(made.path(&cursor)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", made.path("audit_2026-11-24.jsonl")).unwrap();
    status(&made).assert_findings(&[
        "stranger audit_2026-11-23.jsonl",
        "stranger audit_2026-11-24.jsonl",
        &format!("stranger {cursor}"),
    ]);
}

/// A later version wrote a line, or a kind of entry: the answer is not whole, which is another exit than a finding's.
#[test]
fn what_a_later_version_wrote_was_not_read() {
    let said = with_lines(|lines| lines[5] = lines[5].replace("{\"v\":1,", "{\"v\":2,"));
    assert_eq!(
        said.findings(),
        ["unknown version audit_2026-11-22.jsonl:6"]
    );
    assert_eq!(said.exit, 3);

    let made = Made::new();
    let mut maker = Maker::new(stream(1));
    maker.open("[]", "[]");
    maker.own(Kind::Other(99), "{}");
    maker.save(&made);
    let said = status(&made);
    assert_eq!(said.findings(), ["unknown kind audit_2026-11-22.jsonl:2"]);
    assert_eq!(said.exit, 3);
}

/// A follower's cursor points beyond the end: it was sent entries that are no longer here.
#[test]
fn a_cursor_beyond_the_end_is_found() {
    let (made, maker) = whole();
    let cursor = format!("cursors/otlp.{}", maker.id);
    let text = |next_seq| {
        format!(
            "{{\"next_seq\":{next_seq},\"leaf_before\":\"{}\"}}\n",
            "A".repeat(43) + "="
        )
    };
    made.write(&cursor, text(maker.size()));
    status(&made).assert_findings(&[]);
    made.write(&cursor, text(maker.size() + 1));
    status(&made).assert_findings(&[&format!("cursor ahead {cursor}")]);
}

/// A follower that never began with a stream has no cursor there, and used to lack nothing.
#[test]
fn a_follower_without_a_cursor_lacks_the_whole_stream() {
    let (made, first) = whole();
    let second = Maker::whole(stream(2));
    second.save_as(&made, &second.own_segment());
    let cursor = format!(
        "{{\"next_seq\":4,\"leaf_before\":\"{}=\"}}\n",
        "A".repeat(43)
    );
    made.write(&format!("cursors/otlp.{}", first.id), cursor);
    let json = status(&made).json;
    let sum = serde_json::json!({"name": "otlp", "lag": 2 + second.size(), "streams": 2});
    assert_eq!(json["followers"][0], sum);
    let follower = &json["streams"][1]["followers"][0];
    assert_eq!(follower["lag"], second.size());
    assert_eq!(follower["is_known"], false);
}

/// A folder that cannot be listed: what it would have told is not known, and no all-clear may be given.
#[test]
fn what_cannot_be_read_makes_the_answer_incomplete() {
    let (made, maker) = whole();
    fs::remove_file(made.path(&format!("checkpoints/{}", maker.id))).unwrap();
    fs::remove_dir(made.path("checkpoints")).unwrap();
    made.write("checkpoints", "not a folder");
    let said = status(&made);
    assert_eq!(said.exit, 3);
    assert!(
        said.findings()
            .contains(&"unreadable checkpoints".to_owned())
    );
}

/// No segment, no note: there is nothing to find anything in, which is not the same as no finding.
#[test]
fn an_empty_journal_has_an_exit_of_its_own() {
    let said = status(&Made::new());
    assert_eq!((said.findings().len(), said.exit), (0, 1));
}
