//! The whole line, from a span to a durable line: acknowledgements, early guards, hung and full storage.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::{Dispatch, dispatcher, info_span};
use tracing_llm_audit::{
    AckError, LlmAudit, LlmCall,
    journal::{FileId, FileStorage, MemoryStorage, Metadata, Storage, StorageFile, StorageLock},
    testing,
};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::{DAY_US, TestClock};

const TIMEOUT: Duration = Duration::from_secs(20);

fn call() -> LlmCall {
    let span = info_span!(
        "ask",
        gen_ai.operation.name = "chat",
        gen_ai.request.model = "m",
        user.id = "ada"
    );
    LlmCall::of(&span)
}

#[test]
fn a_call_is_a_record_with_the_seventeen_keys() {
    let (layer, audit) = testing::in_memory();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    dispatcher::with_default(&dispatch, || {
        call().input_text("question").output_text("answer");
    });
    let records = audit.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].get("user_id"), "ada");
    assert_eq!(records[0].get("status"), "success");
    assert!(
        records[0]
            .get("input_hash")
            .as_str()
            .unwrap()
            .starts_with("hmac-sha256:")
    );
    let line: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&records[0].line()).unwrap();
    for key in [
        "request_id",
        "timestamp",
        "system_prompt_hash",
        "cost_usd",
        "metadata",
        "output_hash",
    ] {
        assert!(line.contains_key(key), "{key} is missing in {line:?}");
    }
}

#[test]
fn an_acknowledgement_is_waited_for_by_a_runtime_of_one_thread() {
    let (layer, audit) = testing::in_memory();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let ack = dispatcher::with_default(&dispatch, || call().ack());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(ack).is_ok());
    assert_eq!(audit.guard().health().durable, 1);
}

/// A host that drops its guard at the wrong place, and goes on: the stream was closed, and is opened again.
#[test]
fn a_guard_that_is_dropped_early_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("audit_logs");
    let (layer, guard) = LlmAudit::builder().directory(&directory).build().unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    dispatcher::with_default(&dispatch, call);
    let key = guard.verifier_key().to_owned();
    drop(guard);
    assert_eq!(calls(&directory), 1);
    let acks: Vec<_> = (0..3)
        .map(|_| dispatcher::with_default(&dispatch, || call().ack()))
        .collect();
    for ack in acks {
        assert!(ack.wait(TIMEOUT).is_ok());
    }
    assert_eq!(calls(&directory), 4);
    drop(dispatch);
    wait_until(|| is_unlocked(&directory));
    verify(&directory, &key);
}

#[test]
fn a_second_start_goes_on_in_the_same_stream() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("audit_logs");
    let mut key = String::new();
    for _ in 0..3 {
        let (layer, guard) = LlmAudit::builder().directory(&directory).build().unwrap();
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        dispatcher::with_default(&dispatch, call);
        key = guard.verifier_key().to_owned();
        drop((dispatch, guard));
        wait_until(|| is_unlocked(&directory));
    }
    assert_eq!(
        std::fs::read_dir(directory.join("checkpoints"))
            .unwrap()
            .count(),
        1
    );
    assert_eq!(calls(&directory), 3);
    verify(&directory, &key);
}

#[test]
fn two_audits_of_one_directory_have_a_stream_each() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("audit_logs");
    let audits: Vec<_> = (0..2)
        .map(|_| LlmAudit::builder().directory(&directory).build().unwrap())
        .collect();
    let key = audits[0].1.verifier_key().to_owned();
    for (layer, guard) in audits {
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
        dispatcher::with_default(&dispatch, call);
        drop(guard);
    }
    assert_eq!(
        std::fs::read_dir(directory.join("checkpoints"))
            .unwrap()
            .count(),
        2
    );
    assert_eq!(calls(&directory), 2);
    verify(&directory, &key);
}

#[test]
fn a_read_only_directory_is_an_error_that_says_where() {
    let error = LlmAudit::builder()
        .directory("/proc/audit_logs")
        .build::<tracing_subscriber::Registry>();
    let error = error.map(|_| ()).unwrap_err();
    let text = format!("{error}: {}", std::error::Error::source(&error).unwrap());
    assert!(text.contains("/proc/audit_logs"), "{text}");
}

/// The power goes while a call is open: with begin records on, the next start says that it was interrupted.
#[test]
fn a_call_that_the_power_cut_interrupts_is_named_at_the_next_start() {
    let storage = MemoryStorage::with_power_loss();
    let build = |storage: MemoryStorage| {
        let builder = LlmAudit::builder()
            .directory("/audit_logs")
            .storage(storage);
        builder.begin_records(true).build().unwrap()
    };
    let (layer, guard) = build(storage.clone());
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let open = dispatcher::with_default(&dispatch, || {
        info_span!("ask", gen_ai.operation.name = "chat", user.id = "ada").entered()
    });
    guard.flush(TIMEOUT).unwrap();
    let left = storage.power_cut(7);
    drop((open, dispatch, guard));
    let (_layer, guard) = build(left.clone());
    guard.flush(TIMEOUT).unwrap();
    let lines = lines_of(&left);
    let begun = lines
        .iter()
        .find(|line| line["audit"]["kind"] == "begin")
        .unwrap();
    let call = lines
        .iter()
        .find(|line| line["audit"]["kind"] == "call")
        .unwrap();
    assert_eq!(
        (&begun["status"], &call["status"]),
        (&"started".into(), &"interrupted".into())
    );
    assert_eq!(call["request_id"], begun["request_id"]);
    assert_eq!(call["user_id"], "ada");
}

fn lines_of(storage: &MemoryStorage) -> Vec<serde_json::Value> {
    let segments = storage
        .paths()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let texts = segments.map(|path| String::from_utf8(storage.read(path).unwrap()).unwrap());
    texts
        .flat_map(|text| {
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Eight threads call while the clock passes midnight, is set back over it, passes it again, and a whole day after.
#[test]
fn midnight_under_load_and_a_clock_that_is_set_back() {
    const THREADS: usize = 8;
    const CALLS: usize = 200;
    const HOUR_US: i64 = DAY_US / 24;
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("audit_logs");
    let clock = TestClock::new();
    let builder = LlmAudit::builder()
        .directory(&directory)
        .clock(clock.clone());
    let (layer, guard) = builder.queue_wait_max(TIMEOUT).build().unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CALLS {
                    let ack = dispatcher::with_default(&dispatch, || call().ack());
                    assert!(ack.wait(TIMEOUT).is_ok());
                }
            });
        }
        for step in [15 * HOUR_US, -2 * HOUR_US, 2 * HOUR_US, DAY_US] {
            std::thread::sleep(Duration::from_millis(30));
            clock.advance(step);
        }
    });
    let key = guard.verifier_key().to_owned();
    drop((dispatch, guard));
    wait_until(|| is_unlocked(&directory));
    assert_eq!(calls(&directory), THREADS * CALLS);
    for day in ["22", "23", "24"] {
        assert!(
            directory
                .join(format!("audit_2026-11-{day}.jsonl"))
                .exists(),
            "{day}"
        );
    }
    verify(&directory, &key);
}

/// A disk that hangs for seconds: the runtime stalls once, at most for `queue_wait_max`, and then keeps ticking.
#[test]
fn hung_storage_stalls_a_runtime_once() {
    const WAIT_MAX: Duration = Duration::from_millis(300);
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::default();
    let (layer, guard) = LlmAudit::builder()
        .directory(folder.path().join("audit_logs"))
        .storage(Hanging {
            disk: FileStorage::default(),
            gate: gate.clone(),
        })
        .queue(10, 1 << 20)
        .queue_wait_max(WAIT_MAX)
        .build()
        .unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    gate.hang(true);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let stalls = runtime.block_on(async {
        let mut stalls = Vec::new();
        for _ in 0..100 {
            let start = Instant::now();
            dispatcher::with_default(&dispatch, || drop(call()));
            stalls.push(start.elapsed());
            tokio::task::yield_now().await;
        }
        stalls
    });
    let total: Duration = stalls.iter().sum();
    assert!(total < WAIT_MAX * 3, "{total:?}");
    let health = guard.health();
    assert_eq!(health.accepted, 100);
    assert_eq!(
        health.accepted,
        health.durable + health.dropped + health.queued
    );
    assert!(health.dropped > 0 && !health.is_good, "{health:?}");
    gate.hang(false);
    guard.flush(TIMEOUT).unwrap();
    let health = guard.health();
    assert_eq!((health.queued, health.durable + health.dropped), (0, 100));
    let key = guard.verifier_key().to_owned();
    drop((dispatch, guard));
    let directory = folder.path().join("audit_logs");
    wait_until(|| is_unlocked(&directory));
    verify(&directory, &key);
}

/// A full disk: nothing is torn, nobody hangs, and when there is room again the gap is named.
#[test]
fn a_full_disk_is_survived_and_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicBool::new(false));
    let (layer, guard) = LlmAudit::builder()
        .directory(folder.path().join("audit_logs"))
        .storage(Full {
            disk: FileStorage::default(),
            is_full: Arc::clone(&full),
        })
        .queue(10, 1 << 20)
        .queue_wait_max(Duration::from_millis(50))
        .build()
        .unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    dispatcher::with_default(&dispatch, || drop(call()));
    guard.flush(TIMEOUT).unwrap();
    full.store(true, Ordering::SeqCst);
    let ack = dispatcher::with_default(&dispatch, || call().ack());
    (0..50).for_each(|_| dispatcher::with_default(&dispatch, || drop(call())));
    assert_eq!(
        ack.wait(Duration::from_millis(100)),
        Err(AckError::TimedOut)
    );
    assert!(guard.health().last_error.is_some());
    full.store(false, Ordering::SeqCst);
    assert!(ack.wait(TIMEOUT).is_ok());
    guard.flush(TIMEOUT).unwrap();
    let health = guard.health();
    assert_eq!((health.accepted, health.queued), (52, 0));
    let key = guard.verifier_key().to_owned();
    drop((dispatch, guard));
    let directory = folder.path().join("audit_logs");
    wait_until(|| is_unlocked(&directory));
    assert_eq!(calls(&directory) as u64, health.durable);
    verify(&directory, &key);
}

/// The independent verifier finds nothing but what a sole stream without an anchor always leaves open.
fn verify(directory: &Path, verifier_key: &str) {
    if let Some(report) = crate::verifier::verify(directory, &[verifier_key], &[]) {
        assert!(report["exit"] == 0 || report["exit"] == 2, "{report}");
        assert_eq!(crate::verifier::codes(&report), ["no_anchor"], "{report}");
    }
}

fn calls(directory: &Path) -> usize {
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segments = files.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    let lines = segments.map(|path| std::fs::read_to_string(path).unwrap());
    lines
        .map(|text| {
            text.lines()
                .filter(|line| line.contains("\"kind\":\"call\""))
                .count()
        })
        .sum()
}

fn is_unlocked(directory: &Path) -> bool {
    let locks = std::fs::read_dir(directory.join("locks"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    locks
        .filter(|path| !path.ends_with("first"))
        .all(|path| std::fs::File::open(path).unwrap().try_lock().is_ok())
}

fn wait_until(mut is_done: impl FnMut() -> bool) {
    let deadline = Instant::now() + TIMEOUT;
    while !is_done() {
        assert!(Instant::now() < deadline, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[derive(Clone, Debug, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn hang(&self, on: bool) {
        *self.0.0.lock().unwrap() = on;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let hung = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(hung, |hung| *hung).unwrap());
    }
}

/// A disk whose `fdatasync` does not come back while the gate hangs.
#[derive(Debug)]
struct Hanging {
    disk: FileStorage,
    gate: Gate,
}

/// A disk that takes no more bytes while it is full.
#[derive(Debug)]
pub(crate) struct Full {
    pub(crate) disk: FileStorage,
    pub(crate) is_full: Arc<AtomicBool>,
}

struct HangingFile(Box<dyn StorageFile>, Gate);
struct FullFile(Box<dyn StorageFile>, Arc<AtomicBool>);

/// The calls that both disks pass on.
macro_rules! pass_on {
    ($storage:ty, $file:ident, $seam:ident) => {
        impl Storage for $storage {
            fn create_dir(&self, path: &Path) -> io::Result<()> {
                self.disk.create_dir(path)
            }
            fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
                self.disk.list(directory)
            }
            fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
                self.disk.open_read(path)
            }
            fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
                Ok(Box::new($file(
                    self.disk.open_append(path)?,
                    self.$seam.clone(),
                )))
            }
            fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
                Ok(Box::new($file(self.disk.create(path)?, self.$seam.clone())))
            }
            fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
                self.disk.rename(from, to)
            }
            fn remove(&self, path: &Path) -> io::Result<()> {
                self.disk.remove(path)
            }
            fn sync_dir(&self, directory: &Path) -> io::Result<()> {
                self.disk.sync_dir(directory)
            }
            fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
                self.disk.try_lock(path)
            }
            fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
                self.disk.rename_new(from, to)
            }
            fn metadata(&self, path: &Path) -> io::Result<Metadata> {
                self.disk.metadata(path)
            }
            fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
                self.disk.absolute(path)
            }
            fn user(&self) -> u32 {
                self.disk.user()
            }
        }
    };
}
pass_on!(Hanging, HangingFile, gate);
pass_on!(Full, FullFile, is_full);

impl StorageFile for HangingFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, bytes)
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes)
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.1.pass();
        self.0.sync()
    }
    fn id(&self) -> io::Result<FileId> {
        self.0.id()
    }
    fn try_lock(&mut self) -> io::Result<bool> {
        self.0.try_lock()
    }
}

impl StorageFile for FullFile {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, bytes)
    }
    /// Takes half of it, as a disk does that runs full in the middle of a write.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.1.load(Ordering::SeqCst) && bytes.len() < 2 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = if self.1.load(Ordering::SeqCst) {
            bytes.len() / 2
        } else {
            bytes.len()
        };
        self.0.append(&bytes[..taken])
    }
    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.truncate(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
    fn id(&self) -> io::Result<FileId> {
        self.0.id()
    }
    fn try_lock(&mut self) -> io::Result<bool> {
        self.0.try_lock()
    }
}
