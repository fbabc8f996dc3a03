//! Generated journals: lines of every kind with hostile content, written, read, harmed, and judged twice.
//!
//! The generator makes each value together with the spelling that the format asks for, so what is compared is the format
//! and not the library with itself; every line, whole or harmed, is also shown to the independent verifier.

use std::{collections::BTreeSet, fmt::Write, fs, process::Command};

use llm_audit_journal::{
    Timestamp,
    entry::{
        Class, CommitmentState, Entry, EntryBuf, Flaw, Kind, LINE_BYTES_MAX, Leaf, Members,
        NUMBER_MAX, Position, StreamId, write_line,
    },
};

use crate::left_out::left_out;

const JOURNALS: usize = 10_000;
/// So many lines go to the independent verifier at once: few starts of Python, little memory.
const SHOWN_MAX: usize = 4000;

/// How many of `all` this run does.
fn campaign(all: usize) -> usize {
    let is_full = std::env::var_os("LLM_AUDIT_CAMPAIGN").is_some_and(|value| value == "full");
    if is_full { all } else { all / 20 }
}

/// Splitmix64: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn bytes<const BYTES: usize>(&mut self) -> [u8; BYTES] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

/// How the format spells a text.
fn spell(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                write!(out, "\\u{:04x}", u32::from(character)).expect("a string takes all");
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A text that has harmed somebody's log before.
fn hostile_text(random: &mut Random, line: &str) -> String {
    const PIECES: [&str; 22] = [
        "",
        "a",
        "\0",
        "\n",
        "\r\n",
        "\u{2028}",
        "\u{2029}",
        "\u{202e}txt.exe",
        "\u{7f}",
        "\u{85}",
        "\u{9f}",
        "\u{a0}",
        "\u{feff}",
        "\u{ffff}",
        "😀",
        "\\",
        "\"",
        "\\u0000",
        "},\"audit\":{",
        "https://example.com/?key=1",
        "züge",
        "\t\u{8}\u{c}\u{1b}[31m",
    ];
    match random.below(12) {
        0 => line.to_owned(),
        1 => "long ".repeat(random.below(300)),
        _ => (0..random.below(8)).map(|_| random.pick(&PIECES)).collect(),
    }
}

/// A JSON string as some host spells it, and its spelling in the journal.
fn host_string(random: &mut Random, line: &str) -> (String, String) {
    let (mut host, mut meant) = (String::from("\""), hostile_text(random, line));
    for character in meant.chars() {
        let must = character < ' ' || matches!(character, '"' | '\\');
        if must || random.one_in(6) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let upper = random.one_in(2);
                let escape = if upper {
                    format!("\\u{unit:04X}")
                } else {
                    format!("\\u{unit:04x}")
                };
                host.push_str(&escape);
            }
        } else {
            host.push(character);
        }
    }
    if random.one_in(10) {
        host.push_str(random.pick(&["\\ud800", "\\uDFFF", "\\udc00\\ud800"]));
        let halves = if host.ends_with("\\udc00\\ud800") {
            2
        } else {
            1
        };
        meant.extend(std::iter::repeat_n('\u{fffd}', halves));
    }
    host.push('"');
    (host, spell(&meant))
}

/// A number as some host spells it, and its spelling in the journal.
fn host_number(random: &mut Random) -> (String, String) {
    if random.one_in(8) {
        let text = random.pick(&[
            "1e400",
            "-2E+99",
            "1e-400",
            "123456789012345678901234567890123456789012",
        ]);
        return (text.to_owned(), format!("\"{text}\""));
    }
    let digits = (random.next() >> random.below(63)).max(1).to_string();
    let digits = digits.trim_end_matches('0').to_owned();
    let digits = if digits.is_empty() {
        "1".to_owned()
    } else {
        digits
    };
    let places = random.below(8);
    let sign = random.pick(&["", "-"]);
    let spelled = match digits.len().checked_sub(places) {
        _ if places == 0 => format!("{sign}{digits}"),
        Some(whole @ 1..) => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
        _ => format!("{sign}0.{}{digits}", "0".repeat(places - digits.len())),
    };
    let host = match random.below(4) {
        0 => format!("{sign}{digits}e-{places}"),
        1 => format!(
            "{sign}{}.{}0E{}",
            &digits[..1],
            &digits[1..],
            digits.len() as i64 - 1 - places as i64
        ),
        2 => format!("{sign}{digits}00e-{:03}", places + 2),
        _ => spelled.clone(),
    };
    (host, spelled)
}

/// A JSON value as some host spells it, and its spelling in the journal where it stands at `depth`.
fn host_value(random: &mut Random, depth: usize, line: &str) -> (String, String) {
    match random.below(if depth > 5 { 6 } else { 10 }) {
        0 => ("null".into(), "null".into()),
        1 => ("true".into(), "true".into()),
        2 => host_number(random),
        3 | 4 => host_string(random, line),
        5 => nested(depth, 60 + random.below(8)),
        6 | 7 => host_array(random, depth, line),
        _ => host_object(random, depth, line),
    }
}

/// Arrays in arrays; those beyond the deepest level become the string of what they are.
fn nested(depth: usize, levels: usize) -> (String, String) {
    let host = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let room = (65 - depth).min(levels);
    let rest = levels - room;
    let inner = if rest == 0 {
        String::new()
    } else {
        spell(&format!("{}{}", "[".repeat(rest), "]".repeat(rest)))
    };
    (
        host,
        format!("{}{inner}{}", "[".repeat(room), "]".repeat(room)),
    )
}

fn space(random: &mut Random) -> &'static str {
    random.pick(&["", "", " ", "\n\t", "\r\n"])
}

fn host_array(random: &mut Random, depth: usize, line: &str) -> (String, String) {
    let items: Vec<_> = (0..random.below(4))
        .map(|_| host_value(random, depth + 1, line))
        .collect();
    let host: Vec<_> = items
        .iter()
        .map(|item| format!("{}{}{}", space(random), item.0, space(random)))
        .collect();
    let spelled: Vec<_> = items.into_iter().map(|item| item.1).collect();
    (
        format!("[{}]", host.join(",")),
        format!("[{}]", spelled.join(",")),
    )
}

fn host_object(random: &mut Random, depth: usize, line: &str) -> (String, String) {
    let mut members: Vec<((String, String), (String, String))> = Vec::new();
    for _ in 0..random.below(20) {
        let key = if random.one_in(3) {
            host_string(random, line)
        } else {
            let key = spell(random.pick(&["a", "b", "c", "audit"]));
            (key.clone(), key)
        };
        members.push((key, host_value(random, depth + 1, line)));
    }
    let part =
        |random: &mut Random, text: &str| format!("{}{text}{}", space(random), space(random));
    let host: Vec<_> = members
        .iter()
        .map(|(key, value)| format!("{}:{}", part(random, &key.0), part(random, &value.0)))
        .collect();
    let last = |at: usize| {
        members[at + 1..]
            .iter()
            .all(|later| later.0.1 != members[at].0.1)
    };
    let spelled: Vec<_> = (0..members.len())
        .filter(|&at| last(at))
        .map(|at| format!("{}:{}", members[at].0.1, members[at].1.1))
        .collect();
    (
        format!("{{{}}}", host.join(",")),
        format!("{{{}}}", spelled.join(",")),
    )
}

const SEED: [&str; 17] = [
    "request_id",
    "timestamp",
    "user_id",
    "model",
    "action",
    "system_prompt_hash",
    "input_tokens",
    "output_tokens",
    "thinking_tokens",
    "latency_ms",
    "cost_usd",
    "status",
    "error_message",
    "sanitization_count",
    "input_hash",
    "output_hash",
    "metadata",
];
const TAIL: [&str; 6] = [
    "conversation_id",
    "tenant_id",
    "client_address",
    "system_prompt",
    "input",
    "output",
];
const FACTS: [&str; 12] = [
    "provider",
    "event",
    "trace_id",
    "actor.email",
    "hash.other",
    "content.more",
    "error.stack",
    "actors",
    "a\"b\\c",
    "",
    "audit ",
    "\u{2028}\n",
];

/// Where the format puts a key.
fn rank(key: &str) -> usize {
    let seed = SEED.iter().position(|seed| *seed == key);
    let tail = TAIL.iter().position(|tail| *tail == key);
    seed.or(tail.map(|at| 100 + at)).unwrap_or(50)
}

/// The class that the format gives a key, from 1.
fn class(key: &str) -> usize {
    match key {
        "user_id" | "metadata" | "conversation_id" | "tenant_id" | "client_address" => 2,
        "system_prompt_hash" | "input_hash" | "output_hash" => 3,
        "system_prompt" | "input" | "output" => 4,
        "error_message" => 5,
        _ => {
            1 + ["actor.", "hash.", "content.", "error."]
                .iter()
                .position(|prefix| key.starts_with(prefix))
                .map_or(0, |at| at + 1)
        }
    }
}

/// Members as they are pushed, and what the line must say: key and spelling.
struct Made {
    members: Members,
    expected: Vec<(String, String)>,
}

impl Made {
    fn new() -> Self {
        Self {
            members: Members::new(),
            expected: Vec::new(),
        }
    }

    fn push(&mut self, random: &mut Random, key: &str, value: (String, String)) {
        match random.below(2) {
            0 => self.members.push_raw(key, value.1.as_bytes()),
            _ => self
                .members
                .push_json(key, value.0.as_bytes())
                .expect("valid JSON"),
        }
        self.expected.retain(|(earlier, _)| earlier != key);
        self.expected.push((key.to_owned(), value.1));
    }

    fn text(&mut self, key: &str, text: &str) {
        self.members.push_str(key, text);
        self.expected.push((key.to_owned(), spell(text)));
    }
}

fn timestamp(random: &mut Random) -> String {
    Timestamp::from_micros((random.next() % (1 << 52)) as i64).to_string()
}

fn seed_value(random: &mut Random, made: &mut Made, key: &str, line: &str) {
    match key {
        "request_id" => {
            let id = u128::from_be_bytes(random.bytes());
            let version = (id & !(0xf << 76) & !(3 << 62)) | 7 << 76 | 2 << 62;
            let hex = format!("{version:032x}");
            made.text(
                key,
                &format!(
                    "{}-{}-{}-{}-{}",
                    &hex[..8],
                    &hex[8..12],
                    &hex[12..16],
                    &hex[16..20],
                    &hex[20..]
                ),
            );
        }
        "timestamp" => made.text(key, &timestamp(random)),
        "metadata" => {
            let value = if random.one_in(2) {
                host_object(random, 2, line)
            } else {
                ("null".into(), "null".into())
            };
            made.push(random, key, value);
        }
        "status" => made.text(key, random.pick(&["success", "error", "blocked"])),
        _ => {
            let value = host_value(random, 2, line);
            made.push(random, key, value);
        }
    }
}

/// The members of an entry of this kind, in an order that may not be the line's.
fn make(random: &mut Random, kind: Kind, line: &str) -> Made {
    let mut made = Made::new();
    if kind.is_record() {
        let mut keys: Vec<&str> = SEED.into_iter().chain(TAIL).chain(FACTS).collect();
        keys.retain(|key| SEED.contains(key) || random.one_in(2));
        if random.one_in(3) {
            keys.sort_by_cached_key(|_| random.next());
        }
        for key in keys {
            seed_value(random, &mut made, key, line);
            if random.one_in(9) && rank(key) == 50 {
                seed_value(random, &mut made, key, line);
            }
        }
        if kind == Kind::Begin {
            made.expected.retain(|(key, _)| key != "status");
            made.text("status", "started");
        }
        return made;
    }
    made.text("timestamp", &timestamp(random));
    let user = if random.one_in(2) {
        host_string(random, line)
    } else {
        ("null".into(), "null".into())
    };
    made.push(random, "user_id", user);
    let event = host_object(random, 2, line);
    made.push(random, "event", event);
    if !kind.is_known() {
        let more = host_value(random, 2, line);
        let key = random.pick(&["later", "content.later", "output"]);
        made.push(random, key, more);
    }
    made
}

fn kind(random: &mut Random) -> Kind {
    let names = "call call call begin open close gap recovery checkpoint retention erasure hold key config access heartbeat";
    let names: Vec<&str> = names.split(' ').collect();
    let name = if random.one_in(4) {
        format!("x{}", 15 + random.below(241))
    } else {
        random.pick(&names).to_owned()
    };
    Kind::parse(&name).expect("a kind")
}

/// Checks a line against what it was made of.
fn check(line: &[u8], made: &Made, at: &Position, leaf: Leaf, salts: &[[u8; 16]; 5]) {
    let entry = Entry::parse(line)
        .unwrap_or_else(|damage| panic!("{damage}: {}", String::from_utf8_lossy(line)));
    assert_eq!(entry.position(), at);
    assert_eq!(entry.leaf(), leaf);
    assert_eq!(entry.salts(), &salts.map(Some));
    assert_eq!(entry.check_commitments(), [CommitmentState::Holds; 5]);
    let mut expected = made.expected.clone();
    expected.sort_by_key(|(key, _)| rank(key));
    let read: Vec<_> = entry
        .members()
        .map(|(key, value)| {
            (
                key.into_owned(),
                String::from_utf8(value.to_vec()).expect("UTF-8"),
            )
        })
        .collect();
    assert_eq!(read, expected);
    for wanted in Class::ALL {
        let of_class = expected
            .iter()
            .filter(|(key, _)| class(key) == usize::from(wanted.number()));
        let raw: Vec<_> = of_class
            .map(|(key, value)| format!("{}:{value}", spell(key)))
            .collect();
        assert_eq!(
            String::from_utf8(entry.raw(wanted)).expect("UTF-8"),
            raw.join(",")
        );
    }
    let owned = EntryBuf::parse(line).expect("as before");
    assert_eq!(owned.as_entry().line(), line);
    assert_eq!(owned.as_entry().leaf(), leaf);
}

/// What a line alone shows, in the words of the independent verifier's `--lines`.
fn describe(line: &[u8]) -> String {
    let entry = match Entry::parse(line) {
        Ok(entry) => entry,
        Err(damage) if damage.unknown_version().is_some() => return "unknown".to_owned(),
        Err(_) => return "damaged".to_owned(),
    };
    let states = entry.check_commitments().map(|state| match state {
        CommitmentState::Holds => "holds",
        CommitmentState::Differs => "edited",
        CommitmentState::Planted => "planted",
        _ => "absent",
    });
    format!("{} {}", entry.leaf(), states.join(" "))
}

/// Replaces, removes, or puts in one byte.
fn harm(random: &mut Random, line: &[u8], at: usize) -> Vec<u8> {
    let mut harmed = line.to_vec();
    let byte = if random.one_in(2) {
        random.pick(b"\"\\{}[],:.0123456789eE-+ abnulAB=/\0\xff\xc2\x80")
    } else {
        random.next() as u8
    };
    match random.below(8) {
        0 => drop(harmed.remove(at)),
        1 => harmed.insert(at, byte),
        _ => harmed[at] = byte,
    }
    harmed
}

/// Compares the two opinions on each of the lines.
fn compare_with_verifier(lines: &[Vec<u8>]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lines");
    fs::write(&file, lines.join(&b'\n')).expect("a file");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verify.py");
    let Ok(said) = Command::new("python3")
        .arg(script)
        .arg("--lines")
        .arg(&file)
        .output()
    else {
        return left_out("the second opinion on generated lines: there is no python3");
    };
    let said = String::from_utf8(said.stdout).expect("UTF-8");
    assert_eq!(said.lines().count(), lines.len());
    for (theirs, line) in said.lines().zip(lines) {
        assert_eq!(describe(line), theirs, "{}", String::from_utf8_lossy(line));
    }
}

#[test]
fn generated_journals_round_trip_and_harm_is_seen() {
    let mut random = Random(20_261_122);
    let mut shown: Vec<Vec<u8>> = Vec::new();
    let mut kinds = BTreeSet::new();
    for journal in 0..campaign(JOURNALS) {
        let stream = StreamId::from_bytes(random.bytes());
        let (mut prev, mut last) = (Leaf::ZERO, String::new());
        for seq in 0..=random.below(4) as u64 {
            let kind = kind(&mut random);
            kinds.insert(kind.number());
            let made = make(&mut random, kind, &last);
            let day = random.below(40_000) as u32;
            let acc = (random.next() >> random.below(64)).min(NUMBER_MAX);
            let at = Position {
                stream,
                seq,
                acc,
                kind,
                day,
                prev,
            };
            let salts = [(); 5].map(|()| random.bytes());
            let mut line = Vec::new();
            prev = write_line(&mut line, &made.members, &at, &salts, None).expect("short");
            assert_eq!(line.pop(), Some(b'\n'));
            check(&line, &made, &at, prev, &salts);
            // Every place of some lines, some places of every line.
            let places: Vec<usize> = if journal % 250 == 0 {
                (0..line.len().min(4000)).collect()
            } else {
                (0..8).map(|_| random.below(line.len())).collect()
            };
            for (number, place) in places.into_iter().enumerate() {
                let harmed = harm(&mut random, &line, place);
                if harmed == line {
                    continue;
                }
                let seen = Entry::parse(&harmed).map_or(true, |entry| {
                    entry.leaf() != prev || entry.check_commitments() != [CommitmentState::Holds; 5]
                });
                assert!(seen, "{}", String::from_utf8_lossy(&harmed));
                if number % 8 < 2 && !harmed.contains(&b'\n') && !harmed.is_empty() {
                    shown.push(harmed);
                }
            }
            // Lines within lines within lines grow without end.
            if line.len() < 3000 {
                last = String::from_utf8(line.clone()).expect("UTF-8");
            }
            shown.push(line);
        }
        if shown.len() > SHOWN_MAX {
            compare_with_verifier(&shown);
            shown.clear();
        }
    }
    assert!(kinds.len() > 100, "of all 255 kinds only {}", kinds.len());
    compare_with_verifier(&shown);
}

#[test]
fn every_kind_is_written_and_read() {
    let mut random = Random(255);
    for number in 1..=255 {
        let names = (1..=14)
            .map(|known| NAMES[known - 1].to_owned())
            .chain((15..=255).map(|later| format!("x{later}")));
        let name = names.into_iter().nth(number - 1).expect("255 kinds");
        let kind = Kind::parse(&name).expect("a kind");
        assert_eq!((kind.number() as usize, kind.to_string()), (number, name));
        let made = make(&mut random, kind, "");
        let at = Position {
            stream: StreamId::from_bytes([7; 16]),
            seq: 1,
            acc: 2,
            kind,
            day: 3,
            prev: Leaf::ZERO,
        };
        let mut line = Vec::new();
        let leaf = write_line(&mut line, &made.members, &at, &[[1; 16]; 5], None).expect("short");
        check(&line[..line.len() - 1], &made, &at, leaf, &[[1; 16]; 5]);
    }
    for wrong in [
        "", "x", "x1", "x14", "x015", "x256", "X15", "x+15", "Call", "call ",
    ] {
        assert_eq!(Kind::parse(wrong), None, "{wrong}");
    }
}

const NAMES: [&str; 14] = [
    "call",
    "begin",
    "open",
    "close",
    "gap",
    "recovery",
    "checkpoint",
    "retention",
    "erasure",
    "hold",
    "key",
    "config",
    "access",
    "heartbeat",
];

#[test]
fn the_longest_line_is_written_and_a_longer_one_refused() {
    let mut random = Random(64);
    let mut made = make(&mut random, Kind::Call, "");
    let room = LINE_BYTES_MAX - made.members.len() - 900;
    let text = "\u{2030}\n\\ 64 MiB ".repeat(room / 16);
    made.expected.retain(|(key, _)| key != "output");
    made.text("output", &text);
    let at = Position {
        stream: StreamId::from_bytes([7; 16]),
        seq: 1,
        acc: 2,
        kind: Kind::Call,
        day: 3,
        prev: Leaf::ZERO,
    };
    let mut line = Vec::new();
    write_line(&mut line, &made.members, &at, &[[1; 16]; 5], None).expect("short enough");
    assert!(line.len() > LINE_BYTES_MAX * 9 / 10);
    let entry = Entry::parse(&line[..line.len() - 1]).expect("a line");
    assert_eq!(entry.check_commitments(), [CommitmentState::Holds; 5]);
    assert!(entry.text("output").as_deref() == Some(text.as_str()));
    made.members.push_str("input", &text);
    let before = line.len();
    assert!(write_line(&mut line, &made.members, &at, &[[1; 16]; 5], None).is_err());
    assert_eq!(line.len(), before);
    let long = vec![b' '; LINE_BYTES_MAX];
    assert_eq!(
        Entry::parse(&long).err().map(|damage| damage.flaw),
        Some(Flaw::LineTooLong)
    );
}
