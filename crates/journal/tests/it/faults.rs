//! A journal's whole life, again and again: with each storage call failing once, and with the power cut after each sync.
//!
//! Afterwards the journal is opened on a disk that works, and read: every acknowledged record is there, the chain holds,
//! every commitment and head is right, every acceptance number is written or named.

#![allow(
    clippy::disallowed_methods,
    reason = "a test: its orders come by the environment"
)]

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use llm_audit_journal::{
    entry::{Kind, StreamId},
    journal::{Adopted, GapCause, JournalOptions, JournalWriter, MemoryStorage, Storage},
};

use crate::{storage::*, support::*};

/// The acceptance numbers that were acknowledged, stream by stream.
type Acked = BTreeMap<StreamId, Vec<u64>>;

fn small() -> JournalOptions {
    let mut options = options();
    options.segment_bytes_max = 6000;
    options.checkpoint_entries_max = 5;
    options.checkpoint_delay_max = Duration::from_secs(3600);
    options.with_hash_key = true;
    options
}

/// A host that tries everything three times and then goes on.
struct Host<S> {
    storage: S,
    clock: TestClock,
    acked: Acked,
    pending: Vec<(StreamId, u64)>,
    verifier_key: String,
    seed: u64,
    error: String,
}

impl<S: Storage + Clone> Host<S> {
    fn new(storage: S) -> Self {
        let (acked, pending) = (Acked::new(), Vec::new());
        Self {
            storage,
            clock: TestClock::new(),
            acked,
            pending,
            verifier_key: String::new(),
            seed: 0,
            error: String::new(),
        }
    }

    fn open(&mut self) -> Option<JournalWriter> {
        for _ in 0..3 {
            self.seed += 1;
            let seams = seams(self.storage.clone(), &self.clock, self.seed);
            match JournalWriter::open(small(), seams) {
                Ok((writer, opened)) => {
                    self.verifier_key = opened.verifier_key;
                    return Some(writer);
                }
                Err(error) => self.error = error.to_string(),
            }
        }
        None
    }

    fn append(&mut self, writer: &mut JournalWriter, kind: Kind, id: u64) {
        let acc = writer.next_acc();
        let status = if kind == Kind::Begin {
            "started"
        } else {
            "success"
        };
        for _ in 0..3 {
            if writer
                .append(acc, kind, &record_of(acc, &request_id(id), status))
                .is_ok()
            {
                self.pending.push((writer.stream(), acc));
                return;
            }
        }
    }

    fn sync(&mut self, writer: &mut JournalWriter) {
        for _ in 0..3 {
            if writer.sync().is_ok() {
                self.acknowledge(writer.stream());
                return;
            }
        }
    }

    fn acknowledge(&mut self, stream: StreamId) {
        let acked = self.acked.entry(stream).or_default();
        acked.extend(
            self.pending
                .iter()
                .filter(|(own, _)| *own == stream)
                .map(|(_, acc)| acc),
        );
        self.pending.retain(|(own, _)| *own != stream);
    }

    fn close(&mut self, writer: &mut JournalWriter) {
        for _ in 0..3 {
            if writer.close().is_ok() {
                self.acknowledge(writer.stream());
                return;
            }
        }
    }

    /// Rotation by size and by day, checkpoints, begin records, gaps, a crash with open ends, a second writer, adoption.
    fn live(&mut self) -> Option<()> {
        let mut writer = self.open()?;
        for id in 1..=6 {
            self.append(&mut writer, Kind::Call, id);
            self.sync(&mut writer);
        }
        let lost = writer.next_acc();
        let _ = writer.append_gap(&[(lost, lost + 2)], GapCause::QueueFull);
        self.append(&mut writer, Kind::Begin, 20);
        self.append(&mut writer, Kind::Begin, 21);
        self.append(&mut writer, Kind::Call, 21);
        self.clock.advance(DAY_US);
        self.append(&mut writer, Kind::Call, 7);
        self.sync(&mut writer);
        let _ = writer.tick();
        let mut other = self.open()?;
        for id in 30..34 {
            self.append(&mut other, Kind::Call, id);
        }
        self.sync(&mut other);
        self.append(&mut other, Kind::Begin, 34);
        // Both processes die with something in memory.
        drop((writer, other));
        self.pending.clear();
        let mut writer = self.open()?;
        for id in 40..49 {
            self.append(&mut writer, Kind::Call, id);
        }
        self.sync(&mut writer);
        let mut adoption = writer.adoption();
        for _ in 0..3 {
            if let Ok(Some(Adopted::Open(mut other, _))) = adoption.next(|_, _| false) {
                self.close(&mut other);
            }
        }
        self.close(&mut writer);
        Some(())
    }
}

fn nth_check() -> u64 {
    static CHECKS: AtomicU64 = AtomicU64::new(0);
    CHECKS.fetch_add(1, Ordering::Relaxed)
}

/// Opens the journal on a disk that works, twice, and reads it.
fn check_after(storage: &MemoryStorage, acked: &Acked, what: &str) {
    let mut host = Host::new(storage.clone());
    host.seed = 1000;
    host.clock.advance(DAY_US);
    for _ in 0..2 {
        let Some(mut writer) = host.open() else {
            panic!(
                "{what}: it does not open on a disk that works: {}",
                host.error
            );
        };
        host.append(&mut writer, Kind::Call, 900);
        let mut adoption = writer.adoption();
        while let Some(adopted) = adoption.next(|_, _| false).unwrap() {
            if let Adopted::Open(mut other, _) = adopted {
                other.close().unwrap();
            }
        }
        assert_eq!(
            adoption.refused(),
            [],
            "{what}: nothing that was signed is damaged"
        );
        host.close(&mut writer);
    }
    let streams = std::panic::catch_unwind(|| {
        let storage = std::sync::Arc::new(storage.clone());
        check_on(
            storage,
            DIRECTORY.as_ref(),
            &host.verifier_key,
            Strictness::AfterFailures,
        )
    });
    let streams = streams.unwrap_or_else(|_| panic!("{what}: see above"));
    // It starts an interpreter, so it sees one journal in eight.
    if nth_check().is_multiple_of(8) {
        verify_independently(storage, &host.verifier_key, what);
    }
    for (stream, accs) in acked {
        let found = streams
            .get(stream)
            .unwrap_or_else(|| panic!("{what}: stream {stream} is gone"));
        for acc in accs {
            assert!(
                found.written.contains(acc),
                "{what}: acc {acc} of {stream} was acknowledged and is gone"
            );
        }
    }
    for (stream, found) in &streams {
        assert!(
            found.is_closed() && !found.is_torn,
            "{what}: stream {stream} is not at rest"
        );
        for statuses in found.statuses.values() {
            assert_ne!(
                statuses.as_slice(),
                ["started"],
                "{what}: an operation without end"
            );
        }
    }
}

/// One point in twenty, each kind its own; all of them in the full campaign.
fn points(last: u64, offset: u64) -> impl Iterator<Item = u64> {
    let is_full = std::env::var("LLM_AUDIT_CAMPAIGN").is_ok_and(|campaign| campaign == "full");
    (1..=last).filter(move |point| is_full || point % 20 == offset % 20)
}

#[test]
fn the_life_itself() {
    let storage = FaultStorage::new(MemoryStorage::with_power_loss());
    let mut host = Host::new(storage.clone());
    host.live().unwrap();
    let acked: usize = host.acked.values().map(Vec::len).sum();
    assert_eq!(acked, 6 + 4 + 4 + 9, "{:?}", host.acked);
}

fn fail_each_call(count: u64, failure: Failure) {
    let whole = FaultStorage::new(MemoryStorage::with_power_loss());
    Host::new(whole.clone()).live().unwrap();
    for nth in points(whole.calls(), count + u64::from(failure == Failure::Full)) {
        let disk = MemoryStorage::with_power_loss();
        let mut host = Host::new(FaultStorage::new(disk.clone()).fail(nth, count, failure));
        host.live();
        check_after(
            &disk,
            &host.acked,
            &format!("{failure:?} at call {nth}, {count} times"),
        );
    }
}

#[test]
fn each_call_fails_once() {
    fail_each_call(1, Failure::Io);
}

#[test]
fn each_call_fails_once_for_want_of_space() {
    fail_each_call(1, Failure::Full);
}

#[test]
fn each_two_calls_fail_so_that_what_failed_cannot_be_undone() {
    fail_each_call(2, Failure::Io);
}

#[test]
fn each_six_calls_fail() {
    fail_each_call(6, Failure::Full);
}

#[test]
fn the_power_is_cut_after_each_sync() {
    let whole = FaultStorage::new(MemoryStorage::with_power_loss());
    Host::new(whole.clone()).live().unwrap();
    for nth in 1..=whole.syncs() {
        for seed in points(20, nth) {
            let disk = MemoryStorage::with_power_loss();
            let mut host = Host::new(FaultStorage::new(disk.clone()).cut_power_after_sync(nth));
            host.live();
            let survivor = disk.power_cut(seed * 1_000_003 + nth);
            check_after(
                &survivor,
                &host.acked,
                &format!("power cut after sync {nth}, seed {seed}"),
            );
        }
    }
}

#[test]
fn each_call_fails_and_then_the_power_is_cut() {
    let whole = FaultStorage::new(MemoryStorage::with_power_loss());
    Host::new(whole.clone()).live().unwrap();
    for nth in points(whole.calls(), 1) {
        for cut in points(whole.syncs(), nth / 20) {
            let disk = MemoryStorage::with_power_loss();
            let plan = FaultStorage::new(disk.clone()).fail(nth, 2, Failure::Io);
            let mut host = Host::new(plan.cut_power_after_sync(cut));
            host.live();
            let survivor = disk.power_cut(nth * 31 + cut);
            check_after(
                &survivor,
                &host.acked,
                &format!("call {nth} fails, power cut after sync {cut}"),
            );
        }
    }
}
