//! One journal, one verdict: every kind of harm is shown to opening, to a follower's reader, to `llm-audit status` and
//! to the independent verifier, and they must agree.
//!
//! Each of the four once knew the chain's rules by itself, and they disagreed: one passed any number that it had seen
//! before, a fork too; one allowed a repetition anywhere.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tracing_llm_audit::{
    checkpoint::KeyName,
    entry::{Kind, Members},
    journal::{JournalOptions, JournalReader, JournalWriter, ReadError, Seams, Step},
};

/// What is wrong with a journal, for all that look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    /// What a crash leaves.
    Crash,
    Tampering,
    /// A later version wrote there.
    Unknown,
}

use Verdict::{Clean, Crash, Tampering, Unknown};

/// A journal of four segments on disk: three that are signed to their end, and one with entries that nothing signs yet.
struct Journal {
    folder: tempfile::TempDir,
    verifier_key: String,
    anchor: PathBuf,
}

impl Journal {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, opened) = open(folder.path());
        let mut first = 1;
        for last in [6, 12, 18] {
            (first..=last).for_each(|acc| append(&mut writer, acc));
            first = last + 1;
            writer.sync().unwrap();
        }
        writer.close().unwrap();
        let note = fs::read(note_of(folder.path(), &writer)).unwrap();
        writer.resume().unwrap();
        (19..=22).for_each(|acc| append(&mut writer, acc));
        writer.sync().unwrap();
        drop(writer);
        let anchor = folder.path().join("anchor");
        fs::write(&anchor, note).unwrap();
        let journal = Self {
            folder,
            verifier_key: opened.verifier_key,
            anchor,
        };
        // Opening shall read everything, as after a power cut.
        fs::remove_dir_all(journal.root().join("cache")).unwrap();
        journal
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("audit_logs")
    }

    fn path(&self, segment: usize) -> PathBuf {
        let reader = JournalReader::new(self.root());
        reader.segments().unwrap()[segment].path.clone()
    }

    fn last(&self) -> usize {
        let reader = JournalReader::new(self.root());
        reader.segments().unwrap().len() - 1
    }

    fn lines(&self, segment: usize) -> Vec<String> {
        let text = fs::read_to_string(self.path(segment)).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn edit(&self, segment: usize, edit: impl FnOnce(&mut Vec<String>)) {
        let mut lines = self.lines(segment);
        edit(&mut lines);
        fs::write(self.path(segment), lines.concat()).unwrap();
    }
}

fn open(folder: &Path) -> (JournalWriter, tracing_llm_audit::journal::Opened) {
    let name = KeyName::new("example.com/audit").unwrap();
    let mut options = JournalOptions::new(folder.join("audit_logs"), name);
    options.segment_bytes_max = 8000;
    JournalWriter::open(options, Seams::default()).unwrap()
}

fn note_of(folder: &Path, writer: &JournalWriter) -> PathBuf {
    let notes = folder.join("audit_logs/checkpoints");
    notes.join(writer.stream().to_string())
}

fn append(writer: &mut JournalWriter, acc: u64) {
    let mut members = Members::new();
    members.push_str("request_id", &format!("01a202b2-c8e8-7000-8000-{acc:012x}"));
    members.push_str("timestamp", "2026-11-22T10:00:01.000001Z");
    members.push_str("user_id", "user-1");
    for key in ["model", "action", "system_prompt_hash"] {
        members.push_str(key, "");
    }
    for key in [
        "input_tokens",
        "output_tokens",
        "thinking_tokens",
        "latency_ms",
        "cost_usd",
    ] {
        members.push_null(key);
    }
    members.push_str("status", "success");
    members.push_str("error_message", "");
    members.push_u64("sanitization_count", 0);
    for key in ["input_hash", "output_hash"] {
        members.push_str(key, "");
    }
    members.push_null("metadata");
    writer.append(acc, Kind::Call, &members).unwrap();
}

/// One kind of harm: what is done, what each line is then to the chain, and what is to be made of it.
struct Case {
    name: &'static str,
    harm: fn(&Journal),
    steps: &'static [&'static str],
    verdict: Verdict,
}

const CASES: &[Case] = &[
    Case {
        name: "nothing",
        harm: |_| (),
        steps: &[],
        verdict: Clean,
    },
    Case {
        name: "a torn line behind the checkpoint",
        harm: |journal| {
            journal.edit(journal.last(), |lines| {
                lines.push("{\"request_id\":\"01".into());
            });
        },
        steps: &["torn tail"],
        verdict: Crash,
    },
    Case {
        name: "garbage behind the checkpoint",
        harm: |journal| journal.edit(journal.last(), |lines| lines.push("garbage\n".into())),
        steps: &["damaged line"],
        verdict: Crash,
    },
    Case {
        name: "a damaged line behind the checkpoint, good ones behind it",
        harm: |journal| {
            journal.edit(journal.last(), |lines| {
                let at = lines.len() - 2;
                lines[at] = lines[at].replace("\"user_id\"", "user_id\"");
            });
        },
        steps: &["damaged line"],
        verdict: Crash,
    },
    Case {
        name: "a damaged line below it",
        harm: |journal| {
            journal.edit(0, |lines| {
                lines[3] = lines[3].replace("\"user_id\"", "user_id\"");
            });
        },
        steps: &["damaged line"],
        verdict: Tampering,
    },
    Case {
        name: "a line that is gone",
        harm: |journal| journal.edit(0, |lines| drop(lines.remove(4))),
        steps: &["missing entries"],
        verdict: Tampering,
    },
    Case {
        name: "a segment that is gone",
        harm: |journal| fs::remove_file(journal.path(1)).unwrap(),
        steps: &["missing entries"],
        verdict: Tampering,
    },
    Case {
        name: "the first segment that is gone",
        harm: |journal| fs::remove_file(journal.path(0)).unwrap(),
        steps: &["missing entries"],
        verdict: Tampering,
    },
    Case {
        name: "a line that stands twice",
        harm: |journal| journal.edit(0, |lines| lines.insert(5, lines[4].clone())),
        steps: &["duplicate"],
        verdict: Tampering,
    },
    Case {
        name: "a line of long ago at a segment's beginning",
        harm: |journal| {
            let line = journal.lines(0)[1].clone();
            journal.edit(1, |lines| lines.insert(0, line));
        },
        steps: &["broken chain", "repeat"],
        verdict: Tampering,
    },
    Case {
        name: "a fork",
        harm: |journal| {
            journal.edit(0, |lines| {
                let other = lines[4].replace("\"acc\":2", "\"acc\":7");
                assert_ne!(other, lines[4]);
                lines.insert(5, other);
            });
        },
        steps: &["fork"],
        verdict: Tampering,
    },
    Case {
        name: "an envelope that was edited",
        harm: |journal| {
            journal.edit(0, |lines| {
                lines[4] = lines[4].replace("\"acc\":2", "\"acc\":7");
            });
        },
        steps: &["broken chain"],
        verdict: Tampering,
    },
    Case {
        name: "a number that was planted",
        harm: |journal| {
            journal.edit(0, |lines| {
                let far = lines[4].replace("\"seq\":4", "\"seq\":900719925474099");
                assert_ne!(far, lines[4]);
                lines.insert(5, far);
            });
        },
        steps: &["missing entries"],
        verdict: Tampering,
    },
    Case {
        name: "a line of another stream",
        harm: |journal| {
            journal.edit(0, |lines| {
                let at = lines[4].find("\"stream\":\"").unwrap() + 10;
                let mut other = lines[4].clone();
                other.replace_range(at..at + 32, "00000000000000000000000000000000");
                lines.insert(5, other);
            });
        },
        steps: &["stray line"],
        verdict: Tampering,
    },
    Case {
        name: "a line of a later version",
        harm: |journal| journal.edit(0, |lines| lines[4] = lines[4].replace("\"v\":1", "\"v\":2")),
        steps: &["unknown version"],
        verdict: Unknown,
    },
    Case {
        name: "an end that the next segment repeats",
        harm: |journal| {
            let lines = journal.lines(1);
            journal.edit(0, |first| first.extend(lines[..2].iter().cloned()));
        },
        steps: &["repeat"],
        verdict: Crash,
    },
    Case {
        name: "an end that the next segment repeats, torn",
        harm: |journal| {
            let lines = journal.lines(1);
            journal.edit(0, |first| {
                first.extend([lines[0].clone(), lines[1][..99].to_owned()]);
            });
        },
        steps: &["repeat"],
        verdict: Crash,
    },
    Case {
        name: "garbage at a segment's end, below the checkpoint",
        harm: |journal| journal.edit(0, |lines| lines.push("garbage\n".into())),
        steps: &["damaged line"],
        verdict: Tampering,
    },
    Case {
        name: "an end that was cut off",
        harm: |journal| {
            let has_close = |at: &usize| journal.lines(*at).concat().contains("\"kind\":\"close\"");
            let closed = (0..=journal.last()).find(has_close).unwrap();
            for later in (closed + 1..=journal.last()).rev() {
                fs::remove_file(journal.path(later)).unwrap();
            }
            journal.edit(closed, |lines| {
                let at = lines
                    .iter()
                    .position(|line| line.contains("\"kind\":\"close\""));
                lines.truncate(at.unwrap());
            });
        },
        steps: &[],
        verdict: Tampering,
    },
];

#[test]
fn opening_reader_command_and_verifier_agree() {
    let mut wrong = Vec::new();
    for case in CASES {
        let journal = Journal::new();
        (case.harm)(&journal);
        let expected: BTreeSet<String> = case.steps.iter().map(|step| (*step).to_owned()).collect();
        let mut check = |who: &str, is_right: bool, said: String| {
            if !is_right {
                wrong.push(format!("{}: {who} says {said}", case.name));
            }
        };
        let read = reader_steps(&journal);
        // A repetition is no trouble of a reader's, and a torn end is where it waits.
        let told: BTreeSet<String> = expected
            .iter()
            .filter(|step| !matches!(step.as_str(), "repeat" | "torn tail"))
            .cloned()
            .collect();
        check("the reader", read == told, format!("{read:?}"));
        let (steps, is_clean) = status(&journal);
        check("the command", steps == expected, format!("{steps:?}"));
        let says = format!("clean: {is_clean}");
        check("the command", is_clean == (case.verdict == Clean), says);
        if let Some(verdict) = verifier(&journal) {
            check(
                "the verifier",
                verdict == case.verdict,
                format!("{verdict:?}"),
            );
        }
        // Last, because it cuts what must go.
        let verdict = opening(&journal);
        // Of an end that is repeated whole nothing is left to say.
        let may_be_clean = case.steps == ["repeat"] && verdict == Clean;
        check(
            "opening",
            verdict == case.verdict || may_be_clean,
            format!("{verdict:?}"),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a follower's reader tells, as the steps' words.
fn reader_steps(journal: &Journal) -> BTreeSet<String> {
    let reader = JournalReader::new(journal.root());
    let stream = reader.streams().unwrap()[0];
    let mut entries = reader.entries(stream).unwrap().unwrap();
    let mut steps = BTreeSet::new();
    loop {
        let step = match entries.next() {
            Ok(Some(_)) => continue,
            Ok(None) => return steps,
            Err(ReadError::Missing { first, last }) => Step::Missing { first, last },
            Err(ReadError::Misplaced { step, .. }) => step,
            Err(ReadError::Damaged { seq, damage, .. }) => match damage {
                None => Step::Unknown,
                Some(damage) if damage.unknown_version().is_some() => Step::Unknown,
                damage => Step::Damaged { seq, damage },
            },
            Err(error) => panic!("{error}"),
        };
        steps.extend(step.code().map(str::to_owned));
    }
}

/// What the command finds: the words of the steps among its findings, and whether it finds nothing at all. A crash from
/// tampering only a verifier can tell.
fn status(journal: &Journal) -> (BTreeSet<String>, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llm-audit"));
    command.args(["status", "--json", "--key", &journal.verifier_key, "--dir"]);
    let output = command.arg(journal.root()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let codes = findings.map(|one| one["code"].as_str().unwrap().to_owned());
    let steps = codes.filter(|code| STEPS.contains(&code.as_str()));
    (steps.collect(), output.status.code() == Some(0))
}

/// The words for what a line is to the chain.
const STEPS: [&str; 10] = [
    "torn tail",
    "damaged line",
    "missing entries",
    "duplicate",
    "repeat",
    "broken chain",
    "fork",
    "stray line",
    "unknown version",
    "wrong day",
];

/// What the independent verifier says; `None` where there is no Python.
fn verifier(journal: &Journal) -> Option<Verdict> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/verify.py");
    let mut command = Command::new("python3");
    command.arg(script).arg("--anchor").arg(&journal.anchor);
    command.arg(journal.root()).arg(&journal.verifier_key);
    let Ok(output) = command.output() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI leaves nothing out: there is no python3"
        );
        return None;
    };
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let code = |one: &Value| one["code"].as_str().unwrap().to_owned();
    let codes: BTreeSet<String> = findings.map(code).collect();
    Some(match report["exit"].as_u64().unwrap() {
        1 => Tampering,
        3 => Unknown,
        // Entries that nothing signs yet are no fault.
        2 if codes.iter().all(|code| code == "unsigned_entries") => Clean,
        2 => Crash,
        _ => Clean,
    })
}

/// What a writer makes of it when it starts.
fn opening(journal: &Journal) -> Verdict {
    let keys = journal.folder.path().join("audit_logs.keys");
    assert_eq!(
        fs::metadata(keys).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let (_, opened) = open(journal.folder.path());
    match opened
        .not_continued
        .first()
        .map(|(_, refusal)| refusal.as_str())
    {
        Some("unknown_version") => Unknown,
        Some(_) => Tampering,
        None if opened.quarantined_bytes > 0 => Crash,
        None => Clean,
    }
}
