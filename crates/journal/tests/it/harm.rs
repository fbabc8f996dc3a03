//! That the independent verifier sees what was done to a journal: the worked one, harmed in one way at a time.

use std::{fs, path::Path};

use crate::verifier::{codes, verify};

const KEY: &str = "example.com/audit+29b87bfc+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const STREAM: &str = "0123456789abcdef0123456789abcdef";
const FIRST: &str = "audit_2026-11-22.jsonl";
const SECOND: &str = "audit_2026-11-22.1.jsonl";

/// The lines of both segments, each with its newline, and the newest note.
struct Journal {
    first: Vec<Vec<u8>>,
    second: Vec<Vec<u8>>,
    note: String,
}

impl Journal {
    fn worked() -> Self {
        let folder = worked();
        let lines = |name: &str| {
            let bytes = fs::read(folder.join(name)).expect("a segment");
            bytes
                .split_inclusive(|&byte| byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect()
        };
        let note = fs::read_to_string(folder.join("checkpoints").join(STREAM)).expect("a note");
        Self {
            first: lines(FIRST),
            second: lines(SECOND),
            note,
        }
    }

    fn replace(&mut self, line: usize, from: &str, to: &str) {
        let text = String::from_utf8(self.first[line].clone()).expect("UTF-8");
        assert!(text.contains(from), "{from}");
        self.first[line] = text.replace(from, to).into_bytes();
    }

    fn write(&self, folder: &Path) {
        fs::create_dir(folder.join("checkpoints")).expect("a folder");
        fs::write(folder.join("checkpoints").join(STREAM), &self.note).expect("a note");
        for (name, lines) in [(FIRST, &self.first), (SECOND, &self.second)] {
            fs::write(folder.join(name), lines.concat()).expect("a segment");
        }
    }
}

fn worked() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/journal-v1/audit_logs")
}

/// What the verifier says of the worked journal after `harm`: its status and the codes of its findings.
fn after(harm: impl FnOnce(&mut Journal)) -> Option<(u64, Vec<String>)> {
    let mut journal = Journal::worked();
    harm(&mut journal);
    let folder = tempfile::tempdir().expect("a folder");
    journal.write(folder.path());
    let report = verify(
        folder.path(),
        &[KEY],
        &[&worked().join("checkpoints").join(STREAM)],
    )?;
    Some((report["exit"].as_u64().expect("a status"), codes(&report)))
}

#[track_caller]
fn check(harm: impl FnOnce(&mut Journal), exit: u64, expected: &[&str]) {
    if let Some((status, codes)) = after(harm) {
        assert_eq!(status, exit, "{codes:?}");
        assert_eq!(codes, expected);
    }
}

#[test]
fn the_worked_journal_is_right_and_wants_an_anchor() {
    let Some(report) = verify(&worked(), &[KEY], &[]) else {
        return;
    };
    assert_eq!(
        (report["exit"].as_u64(), codes(&report)),
        (Some(2), vec!["no_anchor".to_owned()])
    );
    check(|_| (), 0, &[]);
}

#[test]
fn an_edit_is_told_by_its_class() {
    check(
        |journal| journal.replace(2, "user-1", "user-2"),
        1,
        &["edited"],
    );
    check(
        |journal| journal.replace(3, "\"user_id\":null", "\"user_id\":\"x\""),
        1,
        &["planted"],
    );
    let unsalted = |journal: &mut Journal| {
        journal.replace(2, "\"user-1\"", "null");
        journal.replace(2, "\"CM7bPwPekjd/cg1SISaX7Q==\"", "null");
    };
    check(unsalted, 1, &["absent_without_authority"]);
}

#[test]
fn another_spelling_is_damage() {
    for (from, to) in [
        ("0.003303", "0.0033030"),
        ("\"seq\":2", "\"seq\": 2"),
        ("user-1", "user\\u002d1"),
        ("\"metadata\":null", "\"metadata\":[]"),
        ("\"action\":\"messages.create\",", ""),
        ("\"provider\":\"anthropic\"", "\"trace_id\":\"anthropic\""),
    ] {
        check(
            |journal| journal.replace(2, from, to),
            1,
            &["damaged", "missing_entries"],
        );
    }
}

#[test]
fn moved_lines_are_told() {
    check(
        |journal| drop(journal.first.remove(2)),
        1,
        &["missing_entries"],
    );
    check(
        |journal| journal.first.insert(3, journal.first[2].clone()),
        1,
        &["duplicate"],
    );
    check(
        |journal| journal.first.insert(2, b"garbage\n".to_vec()),
        1,
        &["damaged"],
    );
    check(|journal| drop(journal.second.pop()), 1, &["cut_tail"]);
}

#[test]
fn what_a_crash_leaves_is_no_tampering() {
    check(
        |journal| journal.second.push(b"{\"timestamp\":\"20".to_vec()),
        2,
        &["torn_tail"],
    );
    check(
        |journal| journal.second.push(b"\0\0\0\0\n".to_vec()),
        2,
        &["torn_tail"],
    );
    check(
        |journal| journal.first.push(journal.second[0].clone()),
        2,
        &["repeat"],
    );
    check(
        |journal| journal.first.push(journal.second[0][..99].to_vec()),
        2,
        &["repeat"],
    );
    check(
        |journal| journal.replace(2, "{\"v\":1", "{\"v\":2"),
        3,
        &["unknown_version"],
    );
}

#[test]
fn a_forged_note_is_told() {
    check(
        |journal| journal.note = journal.note.replace("sJqBSFex", "sJqBSFey"),
        1,
        &["wrong_signature"],
    );
    check(
        |journal| journal.note = journal.note.replace("\n8\n", "\n9\n"),
        1,
        &["wrong_signature"],
    );
    check(|journal| journal.note.clear(), 1, &["wrong_signature"]);
}
