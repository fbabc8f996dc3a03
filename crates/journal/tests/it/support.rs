//! What the journal's tests share: records to write, disks that fail, and a check of everything that was written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use llm_audit_journal::{
    Clock, Entropy, Timestamp,
    checkpoint::{Checkpoint, KeyName, VerifierKey},
    entry::{CommitmentState, Entry, EntryBuf, Kind, Leaf, Members, StreamId},
    journal::{
        JournalOptions, JournalReader, JournalWriter, LineContent, MemoryStorage, OpenError,
        Opened, Seams, SegmentName, Storage,
    },
    json,
    tree::Frontier,
};

/// 2026-11-22T10:00:00Z.
pub(crate) const NOON: i64 = 1_795_341_600_000_000;
pub(crate) const DAY_US: i64 = 86_400_000_000;
pub(crate) const DIRECTORY: &str = "/j/audit_logs";
pub(crate) const NAME: &str = "example.com/audit";

/// A clock that a test sets.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOON)))
    }

    pub(crate) fn advance(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// Bytes that are the same in every run.
pub(crate) struct TestEntropy(Mutex<u64>);

impl TestEntropy {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap();
        for byte in bytes {
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (*state >> 56) as u8;
        }
    }
}

pub(crate) fn options() -> JournalOptions {
    let mut options = JournalOptions::new(DIRECTORY, KeyName::new(NAME).unwrap());
    options.settings = vec![("capture".to_owned(), "\"hashes\"".to_owned())];
    options
}

pub(crate) fn seams(storage: impl Storage, clock: &TestClock, seed: u64) -> Seams {
    Seams {
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(TestEntropy::new(seed)),
        storage: Arc::new(storage),
    }
}

pub(crate) fn open(storage: &MemoryStorage) -> (JournalWriter, Opened) {
    open_at(storage, &TestClock::new(), options()).unwrap()
}

pub(crate) fn open_at(
    storage: &MemoryStorage,
    clock: &TestClock,
    options: JournalOptions,
) -> Result<(JournalWriter, Opened), OpenError> {
    JournalWriter::open(options, seams(storage.clone(), clock, next_seed()))
}

/// Streams and salts differ from open to open, and are the same in every run of one test.
fn next_seed() -> u64 {
    std::thread_local! { static SEED: AtomicU64 = const { AtomicU64::new(1) }; }
    SEED.with(|seed| seed.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn request_id(acc: u64) -> String {
    format!("01a202b2-c8e8-7000-8000-{acc:012x}")
}

/// A record as seal would write it.
pub(crate) fn record(acc: u64, status: &str) -> Members {
    record_of(acc, &request_id(acc), status)
}

pub(crate) fn record_of(acc: u64, request_id: &str, status: &str) -> Members {
    let mut members = Members::new();
    members.push_str("request_id", request_id);
    members.push_str("timestamp", "2026-11-22T10:00:01.000001Z");
    members.push_str("user_id", &format!("user-{}", acc % 7));
    members.push_str("model", "claude-sonnet-4-5-20250929");
    members.push_str("action", "messages.create");
    members.push_str(
        "system_prompt_hash",
        "sha256:97dd3b604bbdd384a65068c64b6e130c0a1b28c206cc82982b9703774702f24b",
    );
    members.push_u64("input_tokens", 1000 + acc);
    members.push_u64("output_tokens", 20);
    members.push_null("thinking_tokens");
    members.push_u64("latency_ms", 812);
    members.push_raw("cost_usd", b"0.003303");
    members.push_str("status", status);
    members.push_str("error_message", "");
    members.push_u64("sanitization_count", 0);
    members.push_str("input_hash", "");
    members.push_str("output_hash", "");
    members.push_null("metadata");
    members.push_str("provider", "anthropic");
    members
}

pub(crate) fn append(writer: &mut JournalWriter, acc: u64) {
    writer
        .append(acc, Kind::Call, &record(acc, "success"))
        .unwrap();
}

/// What a stream was found to hold.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Acceptance numbers of `call` and `begin` entries.
    pub(crate) written: BTreeSet<u64>,
    /// Numbers that `gap` and `recovery` entries name.
    pub(crate) named: BTreeSet<u64>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) files: BTreeSet<String>,
    pub(crate) events: Vec<String>,
    pub(crate) statuses: BTreeMap<String, Vec<String>>,
    /// Lines that the next segment repeats.
    pub(crate) repeats: u64,
    /// The files end in a torn line.
    pub(crate) is_torn: bool,
    next_seq: u64,
    prev: Option<Leaf>,
    tree: Frontier,
    leaves: Vec<Leaf>,
    day: u32,
    heads: BTreeMap<u64, [u8; 32]>,
}

impl Found {
    pub(crate) fn is_closed(&self) -> bool {
        matches!(
            self.kinds.as_slice(),
            [.., Kind::Close] | [.., Kind::Close, Kind::Checkpoint]
        )
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.kinds.iter().filter(|known| **known == kind).count()
    }
}

/// Reads a directory and checks all that format.md says about the lines, their chain, their numbers and their heads.
pub(crate) fn check(storage: &MemoryStorage, verifier_key: &str) -> BTreeMap<StreamId, Found> {
    check_on(
        Arc::new(storage.clone()),
        Path::new(DIRECTORY),
        verifier_key,
        Strictness::Segments,
    )
}

/// Whether every segment after a stream's first must begin with `open` or a checkpoint: after a failed write the same
/// bytes go into the next one, whatever they begin with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strictness {
    Segments,
    AfterFailures,
}

pub(crate) fn check_on(
    storage: Arc<dyn Storage>,
    directory: &Path,
    verifier_key: &str,
    strictness: Strictness,
) -> BTreeMap<StreamId, Found> {
    let reader = JournalReader::on(storage, directory);
    let key = VerifierKey::parse(verifier_key).unwrap();
    let mut streams: BTreeMap<StreamId, Found> = BTreeMap::new();
    let mut labels: BTreeMap<Option<String>, StreamId> = BTreeMap::new();
    let mut torn: BTreeMap<Option<String>, String> = BTreeMap::new();
    for segment in reader.segments().unwrap() {
        let label = segment.name.stream_short();
        let mut is_first = true;
        for line in reader.lines(&segment).unwrap() {
            let line = line.unwrap();
            let place = format!("{} line {}", segment.name, line.number);
            match line.content {
                LineContent::Entry(entry) => {
                    assert!(
                        !torn.contains_key(&label) || is_first,
                        "{place}: behind a torn line"
                    );
                    let stream = entry.as_entry().position().stream;
                    assert_eq!(
                        *labels.entry(label.clone()).or_insert(stream),
                        stream,
                        "{place}"
                    );
                    let must_begin = is_first && strictness == Strictness::Segments;
                    streams.entry(stream).or_default().line(
                        &entry,
                        segment.name,
                        must_begin,
                        &key,
                        &place,
                    );
                    torn.remove(&label);
                    is_first = false;
                }
                LineContent::Torn(_) => drop(torn.insert(label.clone(), place)),
                LineContent::Damaged(damage, _) => panic!("{place}: {damage}"),
                _ => panic!("{place}: no line"),
            }
        }
    }
    for label in torn.keys() {
        streams.entry(labels[label]).or_default().is_torn = true;
    }
    check_heads(&reader, &streams, &key);
    streams
}

fn check_heads(reader: &JournalReader, streams: &BTreeMap<StreamId, Found>, key: &VerifierKey) {
    for head in reader.heads().unwrap() {
        let found = &streams[&head.stream];
        let signed =
            Checkpoint::verify(&head.note, std::slice::from_ref(key), head.stream).unwrap();
        assert!(
            signed.size <= found.next_seq,
            "{}: the head is newer than the journal",
            head.stream
        );
        let mut tree = Frontier::new();
        found.leaves[..signed.size as usize]
            .iter()
            .for_each(|leaf| tree.push(*leaf));
        assert_eq!(tree.root(), signed.root);
    }
}

impl Found {
    /// Takes a line in, which goes on with the chain or repeats it.
    fn line(
        &mut self,
        entry: &EntryBuf,
        segment: SegmentName,
        must_begin: bool,
        key: &VerifierKey,
        place: &str,
    ) {
        let entry = entry.as_entry();
        let at = *entry.position();
        self.files.insert(segment.to_string());
        if at.seq < self.next_seq {
            assert_eq!(entry.leaf(), self.leaves[at.seq as usize], "{place}: fork");
            self.repeats += 1;
            return;
        }
        assert_eq!(at.seq, self.next_seq, "{place}: hole in seq");
        assert_eq!(at.prev, self.prev.unwrap_or(Leaf::ZERO), "{place}: chain");
        assert_eq!(at.day, segment.day(), "{place}: day of the file");
        assert!(at.day >= self.day, "{place}: day goes back");
        assert_eq!(
            entry.check_commitments(),
            [CommitmentState::Holds; 5],
            "{place}"
        );
        let may_begin = at.seq == 0 || matches!(at.kind, Kind::Open | Kind::Checkpoint);
        assert!(
            !must_begin || may_begin,
            "{place}: a segment begins with {}",
            at.kind
        );
        self.own(&entry, key, place);
        self.kinds.push(at.kind);
        self.day = at.day;
        self.prev = Some(entry.leaf());
        self.leaves.push(entry.leaf());
        self.tree.push(entry.leaf());
        self.next_seq += 1;
    }

    fn own(&mut self, entry: &Entry<'_>, key: &VerifierKey, place: &str) {
        let at = entry.position();
        if at.kind.is_record() {
            assert!(at.acc > 0, "{place}: acc");
            assert!(self.written.insert(at.acc), "{place}: acc {} twice", at.acc);
            assert!(
                !self.named.contains(&at.acc),
                "{place}: acc {} was named as lost",
                at.acc
            );
            let statuses = self
                .statuses
                .entry(entry.text("request_id").unwrap())
                .or_default();
            statuses.push(entry.text("status").unwrap());
            return;
        }
        let event = entry.get("event").unwrap();
        self.events
            .push(format!("{} {}", at.kind, String::from_utf8_lossy(event)));
        match at.kind {
            Kind::Gap | Kind::Recovery => {
                let ranges: Vec<(u64, u64)> =
                    serde_json::from_slice(json::member(event, "acc").unwrap()).unwrap();
                for acc in ranges.into_iter().flat_map(|(first, last)| first..=last) {
                    assert!(self.named.insert(acc), "{place}: acc {acc} named twice");
                    assert!(
                        !self.written.contains(&acc),
                        "{place}: acc {acc} was written"
                    );
                }
            }
            Kind::Checkpoint => {
                let note = json::text(json::member(event, "note").unwrap()).unwrap();
                let head = Checkpoint::verify(&note, std::slice::from_ref(key), at.stream).unwrap();
                assert_eq!(head.size, at.seq, "{place}: size of the checkpoint");
                assert_eq!(
                    head.root,
                    self.tree.root(),
                    "{place}: root of the checkpoint"
                );
                self.heads.insert(head.size, head.root);
            }
            Kind::Close => {
                let greatest = self.greatest();
                let number = |name| json::unsigned(json::member(event, name).unwrap()).unwrap();
                assert_eq!(number("accepted"), greatest, "{place}");
                assert_eq!(number("durable"), self.written.len() as u64, "{place}");
                assert_eq!(number("dropped"), self.named.len() as u64, "{place}");
                assert_eq!(
                    greatest,
                    number("durable") + number("dropped"),
                    "{place}: holes at close"
                );
            }
            _ => {}
        }
        assert_eq!(at.acc, self.greatest(), "{place}: acc of an own kind");
    }

    /// The greatest number that was written or named.
    fn greatest(&self) -> u64 {
        let numbers = self.written.iter().chain(&self.named);
        numbers.max().copied().unwrap_or(0)
    }
}

/// Lets the independent verifier judge a journal in memory: consistent, at worst with something that a crash leaves.
pub(crate) fn verify_independently(storage: &MemoryStorage, verifier_key: &str, what: &str) {
    let directory = tempfile::tempdir().unwrap();
    for path in storage.paths() {
        if let Ok(relative) = path.strip_prefix(DIRECTORY) {
            let copy = directory.path().join(relative);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::write(copy, storage.read(&path).unwrap()).unwrap();
        }
    }
    verify_directory(directory.path(), verifier_key, what);
}

/// The same of a journal on disk.
pub(crate) fn verify_directory(directory: &Path, verifier_key: &str, what: &str) {
    if let Some(report) = crate::verifier::verify(directory, &[verifier_key], &[]) {
        let is_consistent = matches!(report["exit"].as_u64(), Some(0 | 2));
        assert!(is_consistent, "{what}: {}", report["findings"]);
    }
}
