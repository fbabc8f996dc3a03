//! How much of a labelled corpus the redactor finds, and how much of what it finds is labelled, type by type.
//!
//! `testdata/sanitize/*.jsonl` has a text a line, with the places of what is to be found in it, in bytes.
//! `blind.jsonl` there is of another hand, and its table stands apart; see the README there.
//! `LLM_AUDIT_SANITIZE_CORPUS` names another file of that form, which is then measured beside them.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tracing_llm_audit::sanitize::{Builtin, Redactor};

/// What each type has to reach, in recall and in precision.
const SHARE_MIN: f64 = 0.95;

#[derive(Deserialize)]
struct Line {
    text: String,
    #[serde(default)]
    spans: Vec<Span>,
    /// The type that a text without places of it is meant to mislead.
    #[serde(default)]
    #[allow(dead_code, reason = "counted by `the_corpus_is_large_enough`")]
    hard: Option<String>,
}

#[derive(Deserialize)]
struct Span {
    r#type: String,
    start: usize,
    end: usize,
}

/// What was labelled, found and both, by exact place; and bytes likewise.
#[derive(Clone, Copy, Default)]
struct Score {
    labelled: usize,
    found: usize,
    both: usize,
    bytes_labelled: usize,
    bytes_found: usize,
    bytes_both: usize,
}

impl Score {
    fn add(&mut self, labelled: &[Range<usize>], found: &[Range<usize>]) {
        self.labelled += labelled.len();
        self.found += found.len();
        self.both += found.iter().filter(|one| labelled.contains(one)).count();
        let bytes = |places: &[Range<usize>]| places.iter().map(Range::len).sum::<usize>();
        self.bytes_labelled += bytes(labelled);
        self.bytes_found += bytes(found);
        let meet = |one: &Range<usize>, other: &Range<usize>| {
            one.end
                .min(other.end)
                .saturating_sub(one.start.max(other.start))
        };
        self.bytes_both += labelled
            .iter()
            .flat_map(|one| found.iter().map(move |other| meet(one, other)))
            .sum::<usize>();
    }

    fn recall(&self) -> f64 {
        share(self.both, self.labelled)
    }

    fn precision(&self) -> f64 {
        share(self.both, self.found)
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

fn corpus(path: &Path) -> Vec<Line> {
    let text = fs::read_to_string(path).unwrap();
    let line = |(at, line): (usize, &str)| {
        serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{}:{}: {error}", path.display(), at + 1))
    };
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .map(line)
        .collect()
}

/// The corpus that was written without sight of the detectors.
const BLIND: &str = "blind.jsonl";

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata")
}

fn own_corpus() -> Vec<Line> {
    let folder = testdata().join("sanitize");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
            && !path.ends_with(BLIND)
    });
    paths.sort();
    paths.iter().flat_map(|path| corpus(path)).collect()
}

fn measure(lines: &[Line], misses: &mut String) -> BTreeMap<&'static str, Score> {
    let redactor = Redactor::default();
    let mut scores = BTreeMap::new();
    for line in lines {
        let findings = redactor.text(&line.text).findings;
        for kind in Builtin::DEFAULT.map(Builtin::as_str) {
            let labelled = line.spans.iter().filter(|span| span.r#type == kind);
            let labelled: Vec<_> = labelled.map(|span| span.start..span.end).collect();
            let found = findings.iter().filter(|finding| finding.kind == kind);
            let found: Vec<_> = found.map(|finding| finding.place.clone()).collect();
            let score: &mut Score = scores.entry(kind).or_default();
            score.add(&labelled, &found);
            note(misses, kind, line, &labelled, &found);
        }
    }
    scores
}

fn note(
    misses: &mut String,
    kind: &str,
    line: &Line,
    labelled: &[Range<usize>],
    found: &[Range<usize>],
) {
    let unseen = labelled
        .iter()
        .filter(|one| !found.contains(one))
        .map(|one| ("missed", one));
    let wrong = found
        .iter()
        .filter(|one| !labelled.contains(one))
        .map(|one| ("wrong", one));
    for (what, place) in unseen.chain(wrong) {
        let value = &line.text[place.clone()];
        let from = place.start.saturating_sub(48);
        let from = (from..=place.start)
            .find(|at| line.text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = &line.text[from..place.start];
        writeln!(misses, "{kind} {what}: {value:?} behind {before:?}").unwrap();
    }
}

fn table(scores: &BTreeMap<&str, Score>) -> String {
    let mut table =
        "type          labelled  found  recall  precision  by bytes: recall  precision\n"
            .to_owned();
    for (kind, score) in scores {
        writeln!(
            table,
            "{kind:<12} {:>9} {:>6} {:>7.3} {:>10.3} {:>17.3} {:>10.3}",
            score.labelled,
            score.found,
            score.recall(),
            score.precision(),
            share(score.bytes_both, score.bytes_labelled),
            share(score.bytes_both, score.bytes_found),
        )
        .unwrap();
    }
    table
}

fn say(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

#[test]
fn every_type_is_found_and_little_else() {
    holds("own", &own_corpus());
}

#[test]
fn a_corpus_of_another_hand_is_found_too() {
    holds("blind", &corpus(&testdata().join("sanitize").join(BLIND)));
}

/// Prints a corpus's table, and holds each type to its share.
fn holds(name: &str, lines: &[Line]) {
    let mut misses = String::new();
    let scores = measure(lines, &mut misses);
    say(&format!(
        "{name}: {} texts\n{}{misses}",
        lines.len(),
        table(&scores)
    ));
    for (kind, score) in scores {
        assert!(
            score.recall() >= SHARE_MIN,
            "{kind}: recall {}",
            score.recall()
        );
        assert!(
            score.precision() >= SHARE_MIN,
            "{kind}: precision {}",
            score.precision()
        );
    }
}

#[test]
fn another_corpus_is_measured_where_one_is_named() {
    let Some(path) = std::env::var_os("LLM_AUDIT_SANITIZE_CORPUS") else {
        return;
    };
    let mut misses = String::new();
    let lines = corpus(Path::new(&path));
    let scores = measure(&lines, &mut misses);
    say(&format!(
        "{}: {} texts\n{}{misses}",
        path.display(),
        lines.len(),
        table(&scores)
    ));
}

/// What providers really send holds nothing of a person: their ids, signatures, encrypted reasoning and times were
/// taken for telephones once (`"created": 1709033850` below a line that was read as a table's head).
#[test]
fn recorded_traffic_holds_nothing_to_redact() {
    let redactor = Redactor::default();
    let (mut files, mut wrong) = (0, String::new());
    for entry in fs::read_dir(testdata().join("provider-traffic")).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("index.json") {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        files += 1;
        for finding in redactor.text(&text).findings.iter() {
            let value = &text[finding.place.clone()];
            writeln!(wrong, "{}: {} {value:?}", path.display(), finding.kind).unwrap();
        }
    }
    assert!(files > 100 && wrong.is_empty(), "{wrong}");
}

#[test]
fn what_only_looks_like_it_is_left_alone() {
    let texts = [
        "call_yFpMb7zjk2R8vTq1LxWn0aDs and toolu_01A09q90qw90lq917835lq9",
        "msg_01XFDUDYJgAACzvnptvVoYEL, chatcmpl-9nKpX2mQvB4sLzR7tYwE1aJc, resp_67ccd2bed1ec8190b14f964abc054267",
        "\"system_fingerprint\":\"fp_44709d6fcb\", \"created\":1709033850",
        "\"signature\":\"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds53HzUqM\"",
        "2026-07-14T09:59:59.999999Z and +10000-12-31",
        "claude-sonnet-4@20250514 and https://arxiv.org/pdf/quant-ph/0512209",
        "gem 'ledger', '~> 7.1.3.1' and OID 2.5.29.35",
        "toolkit.dll, Version=6.4.17.194, PublicKeyToken=b77a5c561934e089",
        "scores = q@k.transpose(-2, -1)",
        "git clone git@github.com:org/repo.git, CEP 01310-100",
        "pub const RING: u32 = 2147483648; total 1,234,567.89",
        "api_key_file=/etc/secrets/Prod2024/key1",
    ];
    for text in texts {
        let findings = Redactor::default().text(text).findings;
        let found: Vec<_> = findings
            .iter()
            .map(|one| &text[one.place.clone()])
            .collect();
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}
