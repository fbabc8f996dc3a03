//! Lines that break one rule each, and what is said of them.

use super::{
    Class, CommitmentState, Damage, Entry, Flaw, Kind, Leaf, Members, Position, StreamId,
    write_line,
};
use crate::json::Misspelling;

fn members(kind: Kind) -> Members {
    let mut members = Members::new();
    if !kind.is_record() {
        members.push_str("timestamp", "2026-11-22T10:00:01.000001Z");
        members.push_null("user_id");
        members.push_raw("event", br#"{"note":1}"#);
        return members;
    }
    for key in super::schema::SEED_KEYS.iter().map(|key| key.name) {
        match key {
            "request_id" => members.push_str(key, "01a202b2-c8e8-7000-8000-000000000001"),
            "timestamp" => members.push_str(key, "2026-11-22T10:00:01.000001Z"),
            "user_id" => members.push_str(key, "user-1"),
            _ => members.push_null(key),
        }
    }
    members.push_str("provider", "anthropic");
    members.push_raw("stream", b"false");
    members
}

fn line_of(kind: Kind) -> String {
    let stream = StreamId::from_bytes([0x11; 16]);
    let at = Position {
        stream,
        seq: 7,
        acc: 3,
        kind,
        day: 20_779,
        prev: Leaf::ZERO,
    };
    let mut line = Vec::new();
    write_line(&mut line, &members(kind), &at, &[[9; 16]; 5], None).expect("short");
    assert_eq!(line.pop(), Some(b'\n'));
    String::from_utf8(line).expect("UTF-8")
}

fn flaw_after(kind: Kind, from: &str, to: &str) -> Flaw {
    let line = line_of(kind);
    assert!(line.contains(from), "{from}");
    let harmed = line.replacen(from, to, 1);
    Entry::parse(harmed.as_bytes())
        .err()
        .map_or_else(|| panic!("{harmed} passed"), |damage| damage.flaw)
}

#[test]
fn each_broken_rule_of_a_record_is_named() {
    let spelling = Flaw::Spelling;
    for (from, to, flaw) in [
        ("{\"request", " {\"request", spelling(Misspelling::Syntax)),
        (":false", ": false", spelling(Misspelling::Syntax)),
        (":false", ":False", spelling(Misspelling::Syntax)),
        (":false", ":1.0", spelling(Misspelling::Number)),
        (":false", ":-0", spelling(Misspelling::Number)),
        (":false", ":1e3", spelling(Misspelling::Number)),
        (":false", ":\"\\/\"", spelling(Misspelling::Escape)),
        (":false", ":\"\\u0041\"", spelling(Misspelling::Escape)),
        (":false", ":\"\\u000A\"", spelling(Misspelling::Escape)),
        (":false", ":\"\t\"", spelling(Misspelling::Escape)),
        (":false", ":\"\u{85}\"", spelling(Misspelling::Escape)),
        (
            ":false",
            ":{\"a\":1,\"a\":2}",
            spelling(Misspelling::DuplicateKey),
        ),
        (
            "\"stream\":f",
            "\"provider\":f",
            spelling(Misspelling::DuplicateKey),
        ),
        ("\"stream\":f", "\"model\":f", Flaw::KeyOrder),
        ("\"provider\"", "\"output\"", Flaw::KeyOrder),
        ("\"model\":null,", "", Flaw::Missing("model")),
        ("\"metadata\":null,", "", Flaw::Missing("metadata")),
        (
            "\"metadata\":null",
            "\"metadata\":1",
            Flaw::Value("metadata"),
        ),
        ("-7000-", "-4000-", Flaw::Value("request_id")),
        ("01a202b2", "01A202B2", Flaw::Value("request_id")),
        (".000001Z", ".001Z", Flaw::Value("timestamp")),
        ("2026-11-22", "2026-11-31", Flaw::Value("timestamp")),
        ("10:00:01", "10:00:60", Flaw::Value("timestamp")),
        ("\"seq\":7", "\"seq\":07", Flaw::Envelope),
        ("\"seq\":7", "\"seq\":18446744073709551616", Flaw::Envelope),
        ("\"day\":20779", "\"day\":4294967296", Flaw::Envelope),
        ("\"kind\":\"call\"", "\"kind\":\"x1\"", Flaw::Kind),
        ("\"kind\":\"call\"", "\"kind\":\"other\"", Flaw::Kind),
        ("AAA=\",\"commit\"", "AAB=\",\"commit\"", Flaw::Envelope),
        ("\"v\":1,", "\"v\":1,\"w\":1,", Flaw::Envelope),
        ("\"v\":1", "\"v\":2", Flaw::UnknownVersion(2)),
        (
            "\"kind\":\"call\"",
            "\"kind\":\"open\"",
            Flaw::Missing("timestamp"),
        ),
    ] {
        assert_eq!(flaw_after(Kind::Call, from, to), flaw, "{from} -> {to}");
    }
}

/// The first reader compared only the place of `event` in the line, which every further fact shares: any fact passed for it.
#[test]
fn own_entries_have_their_three_members_and_no_other() {
    assert_eq!(
        flaw_after(Kind::Open, "\"event\"", "\"eve\""),
        Flaw::Missing("event")
    );
    assert_eq!(
        flaw_after(Kind::Open, "\"user_id\":null,", ""),
        Flaw::Missing("user_id")
    );
    assert_eq!(
        flaw_after(Kind::Open, "{\"note\":1}", "[]"),
        Flaw::Value("event")
    );
    assert_eq!(
        flaw_after(Kind::Open, "},\"audit\"", "},\"more\":1,\"audit\""),
        Flaw::Unexpected
    );
    assert_eq!(
        flaw_after(Kind::Open, "\"kind\":\"open\"", "\"kind\":\"call\""),
        Flaw::Missing("request_id")
    );
}

#[test]
fn what_is_no_line_says_where() {
    assert_eq!(
        Entry::parse(b"").err(),
        Some(Damage::at(0, Misspelling::Syntax))
    );
    assert_eq!(
        Entry::parse(b"\0\0").err(),
        Some(Damage::at(0, Misspelling::Syntax))
    );
    assert_eq!(
        Entry::parse(b"{\"a\xff\":1}").err(),
        Some(Damage::at(3, Misspelling::NotUtf8))
    );
    let twice = format!("{0}{0}", line_of(Kind::Call));
    let damage = Entry::parse(twice.as_bytes()).err();
    assert_eq!(
        damage,
        Some(Damage::at(twice.len() / 2, Misspelling::Syntax))
    );
    let line = line_of(Kind::Call);
    for end in 0..line.len() {
        assert!(
            Entry::parse(&line.as_bytes()[..end]).is_err(),
            "torn at {end}"
        );
    }
}

#[test]
fn commitments_tell_edit_absence_and_planting() {
    let line = line_of(Kind::Call);
    let states = |line: &str| {
        Entry::parse(line.as_bytes())
            .expect("a line")
            .check_commitments()
    };
    let mut expected = [CommitmentState::Holds; 5];
    assert_eq!(states(&line), expected);
    expected[Class::Actor.index()] = CommitmentState::Differs;
    assert_eq!(states(&line.replace("user-1", "user-2")), expected);
    let entry = Entry::parse(line.as_bytes()).expect("a line");
    let salt = "\"CQkJCQkJCQkJCQkJCQkJCQ==\"";
    let unsalted = line.replace(
        &[salt; 5].join(","),
        &[salt, "null", salt, "null", salt].join(","),
    );
    expected[Class::Actor.index()] = CommitmentState::Planted;
    expected[Class::Content.index()] = CommitmentState::Absent;
    assert_eq!(states(&unsalted), expected);
    expected[Class::Actor.index()] = CommitmentState::Absent;
    let erased = unsalted.replace("\"user-1\"", "null");
    assert_eq!(states(&erased), expected);
    let erased = Entry::parse(erased.as_bytes()).expect("a line");
    assert_eq!(erased.leaf(), entry.leaf());
}

#[test]
fn members_come_in_any_order_and_the_later_of_a_key_stays() {
    let mut members = Members::new();
    members.push_u64("input", 1);
    members.push_u64("z", 18_446_744_073_709_551_615);
    members.push_str("actor.a", "x");
    members.push_u64("z", 0);
    members.push_bool("audit", true);
    members.push_str("user_id", "u");
    assert!(members.push_json("bad", b"{").is_err());
    let at = Position {
        stream: StreamId::from_bytes([0; 16]),
        seq: 0,
        acc: 0,
        kind: Kind::Other(200),
        day: 0,
        prev: Leaf::ZERO,
    };
    let mut line = Vec::new();
    write_line(&mut line, &members, &at, &[[0; 16]; 5], None).expect("short");
    let text = String::from_utf8(line).expect("UTF-8");
    assert!(
        text.starts_with(r#"{"user_id":"u","actor.a":"x","z":0,"input":1,"audit":{"v":1,"#),
        "{text}"
    );
    members.clear();
    assert!(members.is_empty());
}
