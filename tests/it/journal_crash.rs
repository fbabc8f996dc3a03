//! Real processes that die by SIGKILL: at a random moment under load, and at each step of a segment's turn.
//!
//! A child is this test program itself, running one of the ignored tests below with its orders in the environment. It
//! notes what it acknowledged in a file; what was written before a SIGKILL is in the system's hands and stays.

#![allow(
    clippy::disallowed_methods,
    clippy::similar_names,
    clippy::format_collect,
    reason = "a test: its orders come by the environment"
)]

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tracing::{Dispatch, dispatcher, info_span};
use tracing_llm_audit::{
    LlmAudit, LlmCall, SystemEntropy,
    checkpoint::KeyName,
    entry::StreamId,
    journal::{Adopted, FileStorage, JournalOptions, JournalWriter, Opened, Seams},
};

use tracing_subscriber::layer::SubscriberExt as _;

use crate::{old_writer::OldWriter, storage::FaultStorage, support::*};

const CHILD: &str = "LLM_AUDIT_TEST_CHILD";
const THREADS: u64 = 8;

fn is_full_campaign() -> bool {
    env::var("LLM_AUDIT_CAMPAIGN").is_ok_and(|campaign| campaign == "full")
}

fn file_options(directory: &Path) -> JournalOptions {
    let name = KeyName::new(NAME).unwrap();
    let mut options = JournalOptions::new(directory.join("audit_logs"), name);
    options.checkpoint_delay_max = Duration::from_millis(20);
    options
}

fn spawn(test: &str, directory: &Path, order: u64) -> Child {
    let test = format!("journal_crash::{test}");
    Command::new(env::current_exe().unwrap())
        .args(["--exact", &test, "--ignored", "--nocapture"])
        .env(CHILD, directory)
        .env("LLM_AUDIT_TEST_ORDER", order.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The directory and the order, where this process is a child.
fn orders() -> Option<(PathBuf, u64)> {
    let order = env::var("LLM_AUDIT_TEST_ORDER").ok()?.parse().ok()?;
    Some((env::var_os(CHILD)?.into(), order))
}

/// Acknowledged numbers, noted as `<stream> <acc>` lines, several in one write.
struct Acks(File);

impl Acks {
    fn new(directory: &Path) -> Self {
        let path = directory.join("acks");
        Self(
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .unwrap(),
        )
    }

    fn note(&mut self, stream: StreamId, accs: &mut Vec<u64>) {
        let lines: String = accs
            .drain(..)
            .map(|acc| format!("{stream} {acc}\n"))
            .collect();
        self.0.write_all(lines.as_bytes()).unwrap();
    }

    fn read(directory: &Path) -> BTreeMap<StreamId, Vec<u64>> {
        let text = fs::read_to_string(directory.join("acks")).unwrap_or_default();
        let mut acks: BTreeMap<StreamId, Vec<u64>> = BTreeMap::new();
        // A write that SIGKILL cut short leaves a last line without end.
        for line in text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let (stream, acc) = line.trim().split_once(' ').unwrap();
            acks.entry(StreamId::parse(stream).unwrap())
                .or_default()
                .push(acc.parse().unwrap());
        }
        acks
    }
}

/// How many acknowledgements a thread lets come together before it waits for them.
const HELD_MAX: usize = 32;

/// Eight threads make calls as fast as the whole line takes them, and note what was acknowledged.
fn call_under_load(directory: &Path, records: u64) {
    let builder = LlmAudit::builder()
        .directory(directory.join("audit_logs"))
        .name(NAME);
    let builder = builder
        .segment_bytes_max(1 << 20)
        .queue_wait_max(Duration::from_secs(60));
    let (layer, guard) = builder.build().unwrap();
    let stream = StreamId::parse(&guard.health().stream.unwrap()).unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let acks = Mutex::new(Acks::new(directory));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                dispatcher::with_default(&dispatch, || {
                    make_calls(records / THREADS, stream, &acks);
                });
            });
        }
    });
}

fn make_calls(count: u64, stream: StreamId, acks: &Mutex<Acks>) {
    let (mut held, mut accs) = (Vec::new(), Vec::new());
    for number in 0..count {
        let span = info_span!("ask", gen_ai.operation.name = "chat", user.id = number);
        held.push(LlmCall::of(&span).input_text("question").ack());
        drop(span);
        if held.len() == HELD_MAX || number + 1 == count {
            let durable = held
                .drain(..)
                .map(|ack| ack.wait(Duration::from_secs(60)).unwrap().acc);
            accs.extend(durable);
            acks.lock().unwrap().note(stream, &mut accs);
        }
    }
}

/// Opens the journal, looks whether all is there, and closes it.
fn check_after(directory: &Path, what: &str) -> Opened {
    let (mut writer, opened) =
        JournalWriter::open(file_options(directory), Seams::default()).unwrap();
    let mut adoption = writer.adoption();
    while let Some(adopted) = adoption.next(|_, _| false).unwrap() {
        if let Adopted::Open(mut other, _) = adopted {
            other.close().unwrap();
        }
    }
    assert_eq!(adoption.refused(), [], "{what}");
    assert_eq!(opened.not_continued, [], "{what}");
    writer.close().unwrap();
    let root = directory.join("audit_logs");
    let found = check_on(
        Arc::new(FileStorage::default()),
        &root,
        &opened.verifier_key,
        Strictness::Segments,
    );
    for (stream, accs) in Acks::read(directory) {
        let written = &found[&stream].written;
        for acc in accs {
            assert!(
                written.contains(&acc),
                "{what}: acc {acc} was acknowledged and is gone"
            );
        }
    }
    assert!(
        found
            .values()
            .all(|found| found.is_closed() && !found.is_torn),
        "{what}"
    );
    opened
}

#[test]
#[ignore = "the child of killed_at_a_random_moment"]
fn child_under_load() {
    let Some((directory, records)) = orders() else {
        return;
    };
    call_under_load(&directory, records);
}

#[test]
fn killed_at_a_random_moment() {
    let (kills, records) = if is_full_campaign() {
        (200, 200_000)
    } else {
        (10, 10_000)
    };
    let mut state = u64::from(std::process::id()) << 20 | 1;
    eprintln!("killed_at_a_random_moment: seed {state}");
    for kill in 0..kills {
        let directory = tempfile::tempdir().unwrap();
        let mut child = spawn("child_under_load", directory.path(), records);
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // So many acknowledgements are noted before it is killed, and so many microseconds more.
        let bytes = (state >> 33) % (records * 38);
        wait_for(&mut child, || {
            fs::metadata(directory.path().join("acks")).is_ok_and(|file| file.len() >= bytes)
        });
        thread::sleep(Duration::from_micros((state >> 20) % 3000));
        let _ = child.kill();
        child.wait().unwrap();
        let opened = check_after(directory.path(), &format!("kill {kill}"));
        if kill % 10 == 9 {
            eprintln!("killed_at_a_random_moment: {} of {kills}", kill + 1);
        }
        if kill < 3 {
            verify_directory(
                &directory.path().join("audit_logs"),
                &opened.verifier_key,
                &format!("kill {kill}"),
            );
        }
    }
}

#[test]
#[ignore = "the child of killed_beside_a_process_of_the_release_before_macs"]
fn child_of_the_release_before_macs() {
    let Some((directory, records)) = orders() else {
        return;
    };
    let mut writer = OldWriter::begin(&directory);
    let mut acks = Acks::new(&directory);
    for _ in 0..records / 40 {
        let mut covered = writer.write(40);
        acks.note(writer.stream, &mut covered);
        writer.write_unsigned(7);
    }
}

/// During an upgrade a process that writes no macs shares the directory with newer ones: what its checkpoints cover is
/// continued, what it left unsigned is set aside, and nothing of the newer process is lost.
#[test]
fn killed_beside_a_process_of_the_release_before_macs() {
    let (kills, records) = if is_full_campaign() {
        (100, 50_000)
    } else {
        (4, 4000)
    };
    let mut state = u64::from(std::process::id()) << 20 | 1;
    eprintln!("killed_beside_a_process_of_the_release_before_macs: seed {state}");
    for kill in 0..kills {
        let directory = tempfile::tempdir().unwrap();
        // The keys are there, and a stream of the newer release.
        drop(JournalWriter::open(file_options(directory.path()), Seams::default()).unwrap());
        let mut children = [
            spawn("child_under_load", directory.path(), records),
            spawn(
                "child_of_the_release_before_macs",
                directory.path(),
                records,
            ),
        ];
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bytes = (state >> 33) % (records * 38);
        wait_for(&mut children[0], || {
            fs::metadata(directory.path().join("acks")).is_ok_and(|file| file.len() >= bytes)
        });
        thread::sleep(Duration::from_micros((state >> 20) % 3000));
        for child in &mut children {
            let _ = child.kill();
            child.wait().unwrap();
        }
        let what = format!("kill {kill}");
        let opened = check_after(directory.path(), &what);
        if kill < 3 {
            let root = directory.path().join("audit_logs");
            verify_directory(&root, &opened.verifier_key, &what);
        }
    }
}

fn wait_for(child: &mut Child, is_done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !is_done() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the child does nothing");
        thread::sleep(Duration::from_micros(500));
    }
}

#[test]
#[ignore = "the child of killed_at_each_step_of_a_turn"]
fn child_that_turns() {
    let Some((directory, nth)) = orders() else {
        return;
    };
    let storage = FaultStorage::new(FileStorage::default());
    let clock = TestClock::new();
    let mut options = file_options(&directory);
    options.checkpoint_delay_max = Duration::from_secs(3600);
    options.segment_bytes_max = 40_000;
    let seams = Seams {
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(SystemEntropy::default()),
        storage: Arc::new(storage.clone()),
    };
    let (mut writer, _) = JournalWriter::open(options, seams).unwrap();
    let mut acks = Acks::new(&directory);
    let mut accs = Vec::new();
    let mut write = |writer: &mut JournalWriter, count: u64| {
        for _ in 0..count {
            let acc = writer.next_acc();
            append(writer, acc);
            accs.push(acc);
        }
        writer.sync().unwrap();
        acks.note(writer.stream(), &mut accs);
    };
    write(&mut writer, 20);
    storage.kill_at(nth);
    // Over the day, twice over the size, and to the end.
    clock.advance(DAY_US);
    for _ in 0..6 {
        write(&mut writer, 8);
    }
    writer.close().unwrap();
    drop(writer);
    fs::write(directory.join("calls"), storage.calls().to_string()).unwrap();
}

#[test]
fn killed_at_each_step_of_a_turn() {
    let mut steps = 0;
    for nth in 1.. {
        let directory = tempfile::tempdir().unwrap();
        let mut child = spawn("child_that_turns", directory.path(), nth);
        wait_for(&mut child, || false);
        let status = child.wait().unwrap();
        let opened = check_after(directory.path(), &format!("step {nth}"));
        if nth % 6 == 1 {
            verify_directory(
                &directory.path().join("audit_logs"),
                &opened.verifier_key,
                &format!("step {nth}"),
            );
        }
        if directory.path().join("calls").exists() {
            assert!(status.success());
            break;
        }
        steps = nth;
    }
    assert!(steps > 25, "the turn has {steps} steps");
}

#[test]
fn two_processes_write_side_by_side() {
    let directory = tempfile::tempdir().unwrap();
    let mut children: Vec<Child> = (0..3)
        .map(|_| spawn("child_under_load", directory.path(), 800))
        .collect();
    for child in &mut children {
        wait_for(child, || false);
        assert!(child.wait().unwrap().success());
    }
    let opened = check_after(directory.path(), "side by side");
    let root = directory.path().join("audit_logs");
    let found = check_on(
        Arc::new(FileStorage::default()),
        &root,
        &opened.verifier_key,
        Strictness::Segments,
    );
    let written: usize = found.values().map(|found| found.written.len()).sum();
    assert_eq!(written, 2400);
}
