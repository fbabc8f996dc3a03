//! The journal's bytes against the worked journal: a writer fed with its values and salts makes it, a reader takes it.

mod generated;

use std::{fs, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use llm_audit_journal::{
    checkpoint::{Checkpoint, KeyName, SigningKey, VerifierKey},
    entry::{
        Class, CommitmentState, Entry, Kind, Leaf, Members, Position, StreamId, TailKey, write_line,
    },
    json,
    tree::Frontier,
};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/journal-v1")
}

fn worked() -> Value {
    let text = fs::read_to_string(folder().join("worked.json")).expect("worked.json");
    serde_json::from_str(&text).expect("JSON")
}

/// All lines of the worked journal, without their newlines, in the order of seq.
fn lines() -> Vec<Vec<u8>> {
    let names = [
        "audit_2026-11-22.jsonl",
        "audit_2026-11-22.1.jsonl",
        "audit_2026-11-22.2.jsonl",
    ];
    let mut lines = Vec::new();
    for name in names {
        let bytes = fs::read(folder().join("audit_logs").join(name)).expect("a segment");
        assert_eq!(bytes.last(), Some(&b'\n'));
        lines.extend(
            bytes[..bytes.len() - 1]
                .split(|&byte| byte == b'\n')
                .map(<[u8]>::to_vec),
        );
    }
    lines
}

fn stream() -> StreamId {
    StreamId::parse("0123456789abcdef0123456789abcdef").expect("hex")
}

fn signing_key(worked: &Value) -> SigningKey {
    let name = KeyName::new(worked["origin"].as_str().expect("an origin")).expect("a name");
    SigningKey::from_seed(name, &hex(&worked["private_key_seed_hex"]))
}

fn base64<const BYTES: usize>(value: &Value) -> [u8; BYTES] {
    let text = value.as_str().expect("base64");
    STANDARD
        .decode(text)
        .expect("base64")
        .try_into()
        .expect("as many bytes")
}

fn hex<const BYTES: usize>(value: &Value) -> [u8; BYTES] {
    let hex = value.as_str().expect("hex");
    let byte = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex");
    assert_eq!(hex.len(), BYTES * 2);
    std::array::from_fn(byte)
}

fn tail_key(worked: &Value) -> TailKey {
    let key = TailKey::from_bytes(&hex(&worked["tail_key_hex"]));
    assert_eq!(worked["tail_key_id"], key.id());
    key
}

fn salts(entry: &Value) -> [[u8; 16]; 5] {
    ["1", "2", "3", "4", "5"].map(|class| base64(&entry["salt"][class]))
}

/// The members of all classes as worked.json has them: class by class, so that their order in the line is the writer's.
fn members(entry: &Value) -> Members {
    let mut members = Members::new();
    for class in ["1", "2", "3", "4", "5"] {
        let object = format!("{{{}}}", entry["raw"][class].as_str().expect("raw members"));
        for member in json::members(object.as_bytes()) {
            let (key, value) = member.expect("valid members");
            members.push_raw(&key, value);
        }
    }
    members
}

#[test]
fn writer_reproduces_the_worked_journal() {
    let (worked, lines) = (worked(), lines());
    let entries = worked["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), lines.len());
    let tail_key = tail_key(&worked);
    let (mut prev, mut tree) = (Leaf::ZERO, Frontier::new());
    for (entry, line) in entries.iter().zip(&lines) {
        let read = Entry::parse(line).expect("a line");
        let at = Position {
            prev,
            ..*read.position()
        };
        let mut written = Vec::new();
        let leaf = write_line(
            &mut written,
            &members(entry),
            &at,
            &salts(entry),
            Some(&tail_key),
        )
        .expect("short");
        // One call lost two classes later; its line of before is told by commitments, leaf and mac.
        if entry["seq"] == 5 {
            let before = Entry::parse(&written[..written.len() - 1]).expect("a line");
            assert_eq!(before.commitments(), read.commitments());
            assert_eq!(before.mac(), read.mac());
            assert_eq!(
                before.raw(Class::Actor),
                entry["raw"]["2"].as_str().expect("raw").as_bytes()
            );
            assert_eq!(
                before.raw(Class::Content),
                entry["raw"]["4"].as_str().expect("raw").as_bytes()
            );
        } else {
            assert_eq!(written, [line.as_slice(), b"\n"].concat());
        }
        tree.push(leaf);
        prev = leaf;
        assert_eq!(leaf.as_bytes(), &base64::<32>(&entry["leaf"]));
        assert_eq!(tail_key.mac(leaf), base64::<16>(&entry["mac"]));
        assert_eq!(tree.root(), base64::<32>(&entry["root"]));
        assert_eq!(entry["size"], tree.size());
    }
}

#[test]
fn reader_takes_the_worked_journal() {
    let worked_all = worked();
    let mut prev = Leaf::ZERO;
    for (seq, line) in (0..).zip(lines()) {
        let entry = Entry::parse(&line).expect("a line");
        let worked = &worked_all["entries"][seq];
        assert_eq!(entry.position().stream, stream());
        assert_eq!(entry.position().seq, seq as u64);
        assert_eq!(entry.position().prev, prev);
        assert_eq!(worked["kind"], entry.position().kind.to_string());
        assert!(entry.is_by(&tail_key(&worked_all)), "entry {seq}");
        prev = entry.leaf();
        assert_eq!(prev.as_bytes(), &base64::<32>(&worked["leaf"]));
        let mut expected = [CommitmentState::Holds; 5];
        if seq == 5 {
            expected[Class::Actor.index()] = CommitmentState::Absent;
            expected[Class::Content.index()] = CommitmentState::Absent;
        }
        assert_eq!(entry.check_commitments(), expected, "entry {seq}");
        for class in Class::ALL {
            if entry.salts()[class.index()].is_some() {
                let raw = worked["raw"][class.number().to_string()]
                    .as_str()
                    .expect("raw");
                assert_eq!(String::from_utf8(entry.raw(class)).expect("UTF-8"), raw);
            }
        }
    }
}

#[test]
fn reader_tells_what_a_line_says() {
    let lines = lines();
    let entry = Entry::parse(&lines[5]).expect("a line");
    assert_eq!(entry.position().kind, Kind::Call);
    assert_eq!(
        entry.text("error_message").as_deref(),
        Some("overloaded_error: try\u{2028}again \"later\"")
    );
    assert_eq!(entry.unsigned("input_tokens"), Some(1002));
    assert_eq!(entry.get("user_id"), Some(b"null".as_slice()));
    assert_eq!(entry.get("conversation_id"), None);
}

#[test]
fn signer_reproduces_the_notes() {
    let (worked, lines) = (worked(), lines());
    let key = signing_key(&worked);
    let printed = worked["verifier_key"].as_str().expect("a key");
    assert_eq!(key.verifier_key().to_string(), printed);
    let verifier = VerifierKey::parse(printed).expect("a key");
    let mut notes: Vec<String> = [9, 11, 16].map(|at| note(&lines[at])).into();
    let newest = folder()
        .join("audit_logs/checkpoints")
        .join(stream().to_string());
    notes.push(fs::read_to_string(newest).expect("a note"));
    for (note, size) in notes.iter().zip([9, 11, 16, 17]) {
        let checkpoint = Checkpoint::verify(note, std::slice::from_ref(&verifier), stream())
            .expect("a good note");
        let root = base64::<32>(&worked["entries"][size - 1]["root"]);
        assert_eq!(
            checkpoint,
            Checkpoint::new(&key, stream(), size as u64, root)
        );
        assert_eq!(&checkpoint.sign(&key), note);
    }
}

fn note(line: &[u8]) -> String {
    let entry = Entry::parse(line).expect("a line");
    let event = entry.get("event").expect("an event");
    json::text(json::member(event, "note").expect("a note"))
        .expect("a text")
        .into_owned()
}
