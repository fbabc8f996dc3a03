//! A writer as the release before macs had it, as far as a directory shared with newer processes can tell: its own
//! stream under its own lock, lines without macs, checkpoints by the journal's key.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use llm_audit_journal::{
    checkpoint::{Checkpoint, KeyName, SigningKey},
    entry::{Kind, Leaf, Members, Position, StreamId, write_line},
    journal::{FileStorage, Storage, StorageLock},
    random::{Entropy, SystemEntropy},
    tree::Frontier,
};

use crate::support::{NAME, record};

pub(crate) struct OldWriter {
    root: PathBuf,
    key: SigningKey,
    pub(crate) stream: StreamId,
    file: File,
    #[expect(dead_code, reason = "held, never read")]
    lock: Box<dyn StorageLock>,
    tree: Frontier,
    prev: Leaf,
    acc: u64,
    buffer: Vec<u8>,
}

impl OldWriter {
    /// Begins a new stream in a directory that has its keys already.
    pub(crate) fn begin(directory: &Path) -> Self {
        let root = directory.join("audit_logs");
        let seed = fs::read(directory.join("audit_logs.keys/sign")).unwrap();
        let key = SigningKey::from_seed(KeyName::new(NAME).unwrap(), &seed.try_into().unwrap());
        let stream = StreamId::from_bytes(random());
        let lock = root.join("locks").join(stream.to_string());
        let lock = FileStorage::default().try_lock(&lock).unwrap().unwrap();
        let segment = root.join(format!("audit_2026-11-22.{}.jsonl", stream.short()));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(segment)
            .unwrap();
        let mut writer = Self {
            root,
            key,
            stream,
            file,
            lock,
            tree: Frontier::new(),
            prev: Leaf::ZERO,
            acc: 0,
            buffer: Vec::new(),
        };
        writer.own(
            Kind::Open,
            r#"{"software":"sample 0","signed":0,"streams":[]}"#,
        );
        writer.own(Kind::Config, r#"{"settings":{}}"#);
        writer
    }

    /// Writes records and a checkpoint over them; returns the numbers that it covers.
    pub(crate) fn write(&mut self, count: u64) -> Vec<u64> {
        let first = self.acc + 1;
        for acc in first..first + count {
            self.acc = acc;
            self.line(Kind::Call, &record(acc, "success"));
        }
        self.flush();
        let note = self.note();
        let text = serde_json::to_string(&note).unwrap();
        self.own(Kind::Checkpoint, &format!("{{\"note\":{text}}}"));
        self.flush();
        let path = self.root.join("checkpoints").join(self.stream.to_string());
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, self.note()).unwrap();
        fs::rename(temporary, path).unwrap();
        (first..first + count).collect()
    }

    /// Writes records that nothing signs.
    pub(crate) fn write_unsigned(&mut self, count: u64) {
        for _ in 0..count {
            self.acc += 1;
            self.line(Kind::Call, &record(self.acc, "success"));
        }
        self.flush();
    }

    fn note(&self) -> String {
        let (size, root) = (self.tree.size(), self.tree.root());
        Checkpoint::new(&self.key, self.stream, size, root).sign(&self.key)
    }

    fn own(&mut self, kind: Kind, event: &str) {
        let mut members = Members::new();
        members.push_str("timestamp", "2026-11-22T10:00:01.000001Z");
        members.push_null("user_id");
        members.push_raw("event", event.as_bytes());
        self.line(kind, &members);
    }

    fn line(&mut self, kind: Kind, members: &Members) {
        let at = Position {
            stream: self.stream,
            seq: self.tree.size(),
            acc: self.acc,
            kind,
            day: 20_779,
            prev: self.prev,
        };
        let salts = [random(), random(), random(), random(), random()];
        let leaf = write_line(&mut self.buffer, members, &at, &salts, None).unwrap();
        self.prev = leaf;
        self.tree.push(leaf);
    }

    fn flush(&mut self) {
        self.file.write_all(&self.buffer).unwrap();
        self.file.sync_data().unwrap();
        self.buffer.clear();
    }
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    SystemEntropy::default().fill(&mut bytes);
    bytes
}
