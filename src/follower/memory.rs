//! A stream of made-up entries in memory, for tests: as long as wanted, each entry made when it is read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use super::source::{Mark, Source, SourceError};
use llm_audit_journal::entry::{
    EntryBuf, Kind, Leaf, Members, Position, StreamId, schema::key, write_line,
};

/// What outlives the Follower: the journal's length, the cursor, the dead letters.
#[derive(Default)]
pub(crate) struct Stream {
    pub(crate) durable: AtomicU64,
    pub(crate) cursor: AtomicU64,
    /// Seqs that were removed: said once, then passed over.
    pub(crate) missing: Mutex<BTreeSet<u64>>,
    pub(crate) dead: Mutex<BTreeMap<u64, String>>,
}

impl Mark for Stream {
    fn next_seq(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }
}

impl Stream {
    pub(crate) fn new(entries: u64) -> Arc<Self> {
        let stream = Self::default();
        stream.durable.store(entries, Ordering::Release);
        Arc::new(stream)
    }

    pub(crate) fn source(self: &Arc<Self>) -> Box<dyn Source> {
        let next_seq = self.cursor.load(Ordering::Acquire);
        let stream = Arc::clone(self);
        Box::new(MemorySource { stream, next_seq })
    }

    pub(crate) fn dead_seqs(&self) -> Vec<u64> {
        self.dead.lock().unwrap().keys().copied().collect()
    }
}

struct MemorySource {
    stream: Arc<Stream>,
    next_seq: u64,
}

impl Source for MemorySource {
    fn stream(&self) -> StreamId {
        STREAM
    }

    fn mark(&self) -> Arc<dyn Mark> {
        Arc::clone(&self.stream) as Arc<dyn Mark>
    }

    fn first_seq(&self) -> u64 {
        self.next_seq
    }

    fn read_seq(&self) -> u64 {
        self.next_seq
    }

    fn next(&mut self) -> Result<Option<EntryBuf>, SourceError> {
        if self.next_seq >= self.stream.next_seq() {
            return Ok(None);
        }
        self.next_seq += 1;
        if self
            .stream
            .missing
            .lock()
            .unwrap()
            .contains(&(self.next_seq - 1))
        {
            return Err(SourceError(
                format!("entry {} is missing", self.next_seq - 1).into(),
            ));
        }
        Ok(Some(entry(self.next_seq - 1)))
    }

    fn store_cursor(&mut self, last: &EntryBuf) -> Result<(), SourceError> {
        let next = last.as_entry().position().seq + 1;
        self.stream.cursor.store(next, Ordering::Release);
        Ok(())
    }

    fn put_dead_letter(&mut self, entry: &EntryBuf, why: &str) -> Result<(), SourceError> {
        let seq = entry.as_entry().position().seq;
        self.stream.dead.lock().unwrap().insert(seq, why.to_owned());
        Ok(())
    }
}

pub(crate) const STREAM: StreamId = StreamId::from_bytes([7; 16]);

/// Makes the `seq`-th entry: a call like those of the worked journal, some 1.3 KiB long.
pub(crate) fn entry(seq: u64) -> EntryBuf {
    call(seq, &[])
}

/// Makes a call with some members changed or added, each as it is spelled.
pub(crate) fn call(seq: u64, changes: &[(&str, &str)]) -> EntryBuf {
    record(seq, Kind::Call, changes)
}

pub(crate) fn record(seq: u64, kind: Kind, changes: &[(&str, &str)]) -> EntryBuf {
    let mut members = Members::with_capacity(1024);
    let request_id = format!("\"01a202b2-c8e8-7000-8000-{seq:012x}\"");
    let input_tokens = (1000 + seq).to_string();
    let own = [
        (key::REQUEST_ID, request_id.as_str()),
        (key::INPUT_TOKENS, &input_tokens),
    ];
    let replaced = |key: &str| changes.iter().chain(&own).find(|(name, _)| *name == key);
    for (key, raw) in CALL {
        let raw = replaced(key).map_or(raw, |(_, raw)| raw);
        members.push_raw(key, raw.as_bytes());
    }
    for (key, raw) in changes {
        if CALL.iter().all(|(known, _)| known != key) {
            members.push_raw(key, raw.as_bytes());
        }
    }
    entry_of(&members, seq, kind)
}

pub(crate) fn entry_of(members: &Members, seq: u64, kind: Kind) -> EntryBuf {
    let at = Position {
        stream: STREAM,
        seq,
        acc: seq + 1,
        kind,
        day: 20_779,
        prev: Leaf::ZERO,
    };
    let mut line = Vec::new();
    write_line(&mut line, members, &at, &[[9; 16]; 5], None).expect("short");
    line.pop();
    EntryBuf::parse(line).expect("well formed")
}

const HASH: &str =
    "\"hmac-sha256:0a1b2c3d:abababababababababababababababababababababababababababababababab\"";

const CALL: [(&str, &str); 25] = [
    (key::REQUEST_ID, ""),
    (key::TIMESTAMP, "\"2026-11-22T10:00:01.000001Z\""),
    (key::USER_ID, "\"user-1\""),
    (key::MODEL, "\"claude-sonnet-4-5-20250929\""),
    (key::ACTION, "\"messages.create\""),
    (key::SYSTEM_PROMPT_HASH, HASH),
    (key::INPUT_TOKENS, ""),
    (key::OUTPUT_TOKENS, "20"),
    (key::THINKING_TOKENS, "0"),
    (key::LATENCY_MS, "812"),
    (key::COST_USD, "0.003303"),
    (key::STATUS, "\"success\""),
    (key::ERROR_MESSAGE, "\"\""),
    (key::SANITIZATION_COUNT, "0"),
    (key::INPUT_HASH, HASH),
    (key::OUTPUT_HASH, HASH),
    (key::METADATA, "{\"feature\":\"search\",\"weight\":1.5}"),
    (key::PROVIDER, "\"anthropic\""),
    (key::OPERATION, "\"chat\""),
    (key::REQUEST_MODEL, "\"claude-sonnet-4-5\""),
    (key::FINISH_REASONS, "[\"end_turn\"]"),
    (key::TRACE_ID, "\"4bf92f3577b34da6a3ce929d0e0e4736\""),
    (key::SPAN_ID, "\"00f067aa0ba902b7\""),
    (key::TRACE_FLAGS, "1"),
    (key::TIME_TO_FIRST_CHUNK_MS, "250"),
];
