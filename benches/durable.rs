//! Durable records per second, everything included, beside what people have today; each variant in a process of its own.
//!
//! Ours: an annotated span, 6 KiB of content hashed, salts, commitments, leaf, JSON, `fdatasync`.
//! Peers: `serde_json` + SHA-256 + `BufWriter` under a mutex, no fsync at all; the plain Python logger beside this file.
//! Run with `cargo bench --bench durable`; `-- RECORDS` sets how many.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tracing_llm_audit::{LlmAudit, LlmCall};
use tracing_subscriber::layer::SubscriberExt as _;

/// The peers' and our emitting threads.
const THREADS: usize = 2;
const PROMPT_BYTES: usize = 4096;
const ANSWER_BYTES: usize = 2048;

fn main() {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["variant", name, records, directory] => {
            run_variant(name, records.parse().unwrap(), Path::new(directory));
        }
        [records] => table(records.parse().unwrap()),
        _ => table(200_000),
    }
}

fn table(records: usize) {
    println!(
        "{:<34} {:>12} {:>12} {:>10}",
        "variant", "records/s", "CPU us/rec", "peak MB"
    );
    for name in ["ours", "mutex", "hash-only"] {
        let directory = scratch(name);
        let output = Command::new(env::current_exe().unwrap())
            .args([
                "variant",
                name,
                &records.to_string(),
                directory.to_str().unwrap(),
            ])
            .output()
            .unwrap();
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint_failure(&output.stderr, output.status.success());
        let _ = fs::remove_dir_all(&directory);
        let _ = fs::remove_dir_all(directory.with_extension("keys"));
    }
    python(records / 20);
}

fn eprint_failure(stderr: &[u8], success: bool) {
    if !success {
        println!("failed: {}", String::from_utf8_lossy(stderr));
    }
}

fn scratch(name: &str) -> PathBuf {
    // Beside the build, so that it is a disk and not a memory file system.
    let target = env::current_exe().unwrap().parent().unwrap().to_path_buf();
    target.join(format!("bench-durable-{name}-{}", std::process::id()))
}

fn python(records: usize) {
    let directory = scratch("python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/seed_logger.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(&directory)
        .arg(records.to_string())
        .output();
    let _ = fs::remove_dir_all(&directory);
    let Ok(output) = output else {
        return println!("python3 is not here: left out");
    };
    let Ok(report) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
        return;
    };
    let number = |key: &str| report[key].as_f64().unwrap_or(0.0);
    println!(
        "{:<34} {:>12.0} {:>12.1} {:>10}",
        "plain Python logger, no fsync",
        number("per_second"),
        number("cpu_us"),
        ""
    );
}

fn run_variant(name: &str, records: usize, directory: &Path) {
    let start = Instant::now();
    let label = match name {
        "ours" => ours(records, directory),
        "mutex" => mutex(records, directory),
        _ => hash_only(records),
    };
    let seconds = start.elapsed().as_secs_f64();
    let per_second = records as f64 / seconds;
    let cpu_us = cpu_seconds() * 1e6 / records as f64;
    println!(
        "{label:<34} {per_second:>12.0} {cpu_us:>12.1} {:>10.1}",
        peak_mb()
    );
}

/// Runs `work` for each record's number, split over the emitting threads.
fn emit(records: usize, work: impl Fn(usize) + Send + Sync + 'static) {
    let work = Arc::new(work);
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let work = Arc::clone(&work);
            thread::spawn(move || {
                (0..records / THREADS).for_each(|number| work(number * THREADS + thread));
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn ours(records: usize, directory: &Path) -> &'static str {
    let (audit, guard) = LlmAudit::builder()
        .directory(directory)
        .queue_wait_max(Duration::from_secs(60))
        .build()
        .unwrap();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(audit));
    emit(records, move |number| {
        tracing::dispatcher::with_default(&dispatch, || {
            let span = tracing::info_span!(
                "chat",
                gen_ai.operation.name = "chat",
                gen_ai.provider.name = "anthropic",
                gen_ai.request.model = "claude-sonnet-4-5",
                user.id = "user-1",
                gen_ai.usage.input_tokens = 1200_i64,
                gen_ai.usage.output_tokens = 300_i64,
            );
            let call = LlmCall::of(&span);
            call.system("Answer briefly.");
            call.input_text("p".repeat(PROMPT_BYTES + (number & 1)));
            call.output_text("a".repeat(ANSWER_BYTES));
        });
    });
    guard.shutdown(Duration::from_secs(60)).unwrap();
    let health = guard.health();
    assert_eq!((health.durable, health.dropped), (records as u64, 0));
    "ours, two threads, fdatasync"
}

#[derive(Serialize)]
struct Row<'a> {
    request_id: String,
    timestamp: u64,
    user_id: &'a str,
    model: &'a str,
    action: &'a str,
    system_prompt_hash: String,
    input_tokens: u64,
    output_tokens: u64,
    thinking_tokens: u64,
    latency_ms: u64,
    cost_usd: f64,
    status: &'a str,
    error_message: &'a str,
    sanitization_count: u64,
    input_hash: String,
    output_hash: String,
    metadata: Option<()>,
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn row(number: usize) -> Vec<u8> {
    let row = Row {
        request_id: format!("01a202b2-c8e8-7000-8000-{number:012x}"),
        timestamp: 1_795_341_599_000_001,
        user_id: "user-1",
        model: "claude-sonnet-4-5",
        action: "messages.create",
        system_prompt_hash: hex(b"Answer briefly."),
        input_tokens: 1200,
        output_tokens: 300,
        thinking_tokens: 0,
        latency_ms: 812,
        cost_usd: 0.008_1,
        status: "success",
        error_message: "",
        sanitization_count: 0,
        input_hash: hex("p".repeat(PROMPT_BYTES + (number & 1)).as_bytes()),
        output_hash: hex("a".repeat(ANSWER_BYTES).as_bytes()),
        metadata: None,
    };
    let mut line = serde_json::to_vec(&row).unwrap();
    line.push(b'\n');
    line
}

fn mutex(records: usize, directory: &Path) -> &'static str {
    fs::create_dir_all(directory).unwrap();
    let file = fs::File::create(directory.join("audit.jsonl")).unwrap();
    let writer = Arc::new(Mutex::new(std::io::BufWriter::new(file)));
    emit(records, move |number| {
        let mut writer = writer.lock().unwrap();
        writer.write_all(&row(number)).unwrap();
    });
    "serde_json+SHA-256+mutex, no fsync"
}

fn hash_only(records: usize) -> &'static str {
    emit(records, |number| {
        std::hint::black_box(Sha256::digest(
            "p".repeat(PROMPT_BYTES + ANSWER_BYTES + (number & 1))
                .as_bytes(),
        ));
    });
    "SHA-256 of the 6 KiB alone"
}

/// User and system time of this process, in seconds.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or("");
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}

fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap_or("");
    line.split_whitespace()
        .nth(1)
        .and_then(|kb| kb.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}
