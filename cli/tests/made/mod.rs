//! Journals that a test makes up, line by line, as a writer would have written them.
//!
//! Promise: an untouched one is without a finding. Not here: what is then done to it.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod said;

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tracing_llm_audit::{
    checkpoint::{Checkpoint, KeyName, SigningKey},
    entry::{Kind, Leaf, Members, Position, StreamId, TailKey, write_line},
    tree::Frontier,
};

/// 2026-11-22.
pub(crate) const DAY: u32 = 20_779;
pub(crate) const SEGMENT: &str = "audit_2026-11-22.jsonl";
const NAME: &str = "example.com/audit";

/// A journal's directory, removed in the end.
pub(crate) struct Made(TempDir);

impl Made {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// One stream in the making.
pub(crate) struct Maker {
    pub(crate) id: StreamId,
    pub(crate) lines: Vec<String>,
    pub(crate) has_macs: bool,
    key: SigningKey,
    acc: u64,
    prev: Leaf,
    tree: Frontier,
}

pub(crate) fn signing_key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), &[seed; 32])
}

pub(crate) fn stream(byte: u8) -> StreamId {
    StreamId::from_bytes([byte; 16])
}

impl Maker {
    pub(crate) fn new(id: StreamId) -> Self {
        Self {
            id,
            lines: Vec::new(),
            has_macs: true,
            key: signing_key(NAME, 7),
            acc: 0,
            prev: Leaf::ZERO,
            tree: Frontier::new(),
        }
    }

    /// A stream as a process writes it that starts, records three calls and ends in order.
    pub(crate) fn whole(id: StreamId) -> Self {
        let mut made = Self::new(id);
        made.open("[]", "[]");
        for _ in 0..3 {
            made.call();
        }
        made.checkpoint();
        made.own(Kind::Close, r#"{"accepted":3,"durable":3,"dropped":0}"#);
        made
    }

    pub(crate) fn verifier_key(&self) -> String {
        self.key.verifier_key().to_string()
    }

    pub(crate) fn size(&self) -> u64 {
        self.tree.size()
    }

    pub(crate) fn append(&mut self, kind: Kind, members: &Members) {
        let at = Position {
            stream: self.id,
            seq: self.tree.size(),
            acc: self.acc,
            kind,
            day: DAY,
            prev: self.prev,
        };
        let tail = TailKey::from_bytes(&[9; 32]);
        let salts = [[at.seq as u8; 16]; 5];
        let mut line = Vec::new();
        let key = self.has_macs.then_some(&tail);
        self.prev = write_line(&mut line, members, &at, &salts, key).unwrap();
        self.tree.push(self.prev);
        self.lines.push(String::from_utf8(line).unwrap());
    }

    /// An entry of the journal's own.
    pub(crate) fn own(&mut self, kind: Kind, event: &str) {
        let mut members = Members::new();
        members.push_str("timestamp", "2026-11-22T10:00:00.000000Z");
        members.push_null("user_id");
        members.push_raw("event", event.as_bytes());
        self.append(kind, &members);
    }

    pub(crate) fn open(&mut self, streams: &str, not_continued: &str) {
        self.own(
            Kind::Open,
            &format!(
                r#"{{"software":"sample 1","signed":0,"streams":{streams},"not_continued":{not_continued},"adopted":0}}"#
            ),
        );
    }

    pub(crate) fn call(&mut self) {
        self.acc += 1;
        let mut members = Members::new();
        let id = format!("01a202b2-c8e8-7000-8000-{:012x}", self.acc);
        members.push_str("request_id", &id);
        members.push_str("timestamp", "2026-11-22T10:00:01.000000Z");
        members.push_str("user_id", "user-1");
        members.push_str("model", "gpt-4o-mini");
        members.push_str("action", "chat.completions.create");
        members.push_str("system_prompt_hash", "");
        members.push_u64("input_tokens", 10);
        members.push_u64("output_tokens", 5);
        members.push_null("thinking_tokens");
        members.push_u64("latency_ms", 12);
        members.push_null("cost_usd");
        members.push_str("status", "success");
        members.push_str("error_message", "");
        members.push_u64("sanitization_count", 0);
        members.push_str("input_hash", "");
        members.push_str("output_hash", "");
        members.push_null("metadata");
        self.append(Kind::Call, &members);
    }

    /// The signed head as it is now.
    pub(crate) fn note(&self) -> String {
        self.note_by(&self.key)
    }

    pub(crate) fn note_by(&self, key: &SigningKey) -> String {
        Checkpoint::new(key, self.id, self.tree.size(), self.tree.root()).sign(key)
    }

    pub(crate) fn checkpoint(&mut self) {
        let note = self.note();
        self.checkpoint_of(&note);
    }

    pub(crate) fn checkpoint_of(&mut self, note: &str) {
        let note = note.replace('\n', "\\n");
        self.own(Kind::Checkpoint, &format!(r#"{{"note":"{note}"}}"#));
    }

    /// Writes the lines as the first stream's one segment, and the note that covers them.
    pub(crate) fn save(&self, made: &Made) {
        self.save_as(made, SEGMENT);
    }

    pub(crate) fn save_as(&self, made: &Made, segment: &str) {
        made.write(segment, self.lines.concat());
        made.write(&format!("checkpoints/{}", self.id), self.note());
    }

    /// The segment's name of a stream that is not the first.
    pub(crate) fn own_segment(&self) -> String {
        format!("audit_2026-11-22.{}.jsonl", self.id.short())
    }
}
