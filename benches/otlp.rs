//! Records into an OTLP server: ours, and the SDK's own OTLP log pipeline, with the same facts; each variant in a
//! process of its own, the server in another.
//!
//! Four things are asked: how fast 200,000 records arrive when they come at full speed, how many are lost, what it costs
//! in memory, and what a server that is away for five of fifteen seconds does to 2,000 records a second.
//! `ours at rest` exports a journal that was written before: the follower alone.
//! Run with `cargo bench --bench otlp`; `-- RECORDS` sets how many, `-- RECORDS VARIANT...` which variants.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    missing_docs
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry_otlp::{LogExporter, WithExportConfig};
use opentelemetry_sdk::logs::{
    BatchConfigBuilder, BatchLogProcessor, SdkLogger, SdkLoggerProvider,
};
use tracing_llm_audit::{LlmAudit, LlmCall, OtlpSettings};
use tracing_subscriber::layer::SubscriberExt as _;

#[path = "../tests/it/proxy/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the benchmark needs less of it than the tests"
)]
mod proxy;

use proxy::{Ledger, OtlpServer, Script, Wire};

const RECORDS: usize = 200_000;
const OUTAGE_RATE: usize = 2000;
const OUTAGE_SECONDS: usize = 15;
/// Longer than any variant takes.
const PATIENCE: Duration = Duration::from_secs(300);
const VARIANTS: [&str; 12] = [
    "ours-http",
    "ours-grpc",
    "ours-rest-http",
    "ours-rest-grpc",
    "sdk-http",
    "sdk-grpc",
    "sdk-wide-http",
    "sdk-wide-grpc",
    "sdk-simple-http",
    "ours-http-outage",
    "ours-grpc-outage",
    "sdk-http-outage",
];

fn main() {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["variant", name, url, records, directory] => {
            variant(name, url, records.parse().unwrap(), Path::new(directory));
        }
        [] => table(RECORDS, &VARIANTS),
        [records] => table(records.parse().unwrap(), &VARIANTS),
        [records, names @ ..] => table(records.parse().unwrap(), names),
    }
}

fn table(records: usize, names: &[&str]) {
    println!(
        "{:<18} {:>9} {:>9} {:>7} {:>11} {:>10} {:>9} {:>8}",
        "variant", "emitted", "lost", "lost %", "emit /s", "arrive /s", "CPU us", "peak MB"
    );
    for name in names {
        let records = match *name {
            name if name.ends_with("outage") => OUTAGE_RATE * OUTAGE_SECONDS,
            // One request for each record: fewer of them tell as much.
            "sdk-simple-http" => records / 20,
            _ => records,
        };
        row(name, records);
    }
}

fn row(name: &str, records: usize) {
    let wire = if name.contains("grpc") {
        Wire::Grpc
    } else {
        Wire::Http
    };
    let (ledger, script) = (Arc::<Ledger>::default(), Arc::<Script>::default());
    let mut server = Some(OtlpServer::local(wire, &ledger, &script));
    let address = server.as_ref().unwrap().address;
    let directory = scratch(name);
    if name.starts_with("ours-rest") {
        let written = child("write", "-", records, &directory).wait().unwrap();
        assert!(written.success());
    }
    let url = match wire {
        Wire::Http => format!("http://{address}/v1/logs"),
        Wire::Grpc => format!("http://{address}"),
    };
    let child = child(name, &url, records, &directory);
    if name.ends_with("outage") {
        let seconds = |part: usize| Duration::from_secs((OUTAGE_SECONDS / part) as u64);
        thread::sleep(seconds(3));
        drop(server.take());
        thread::sleep(seconds(3));
        server = Some(OtlpServer::start(wire, address, &ledger, &script));
    }
    let output = child.wait_with_output().unwrap();
    let _ = fs::remove_dir_all(&directory);
    let _ = fs::remove_dir_all(directory.with_extension("keys"));
    let report = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<f64> = report
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let [entries, emit_seconds, seconds, cpu_us, peak_mb] = numbers[..] else {
        println!("{name:<18} failed: {report}");
        return;
    };
    drop(server);
    let lost = ledger.missing(entries as u64).len();
    println!(
        "{name:<18} {records:>9} {lost:>9} {:>7.1} {:>11.0} {:>10.0} {cpu_us:>9.1} {peak_mb:>8.1}",
        lost as f64 * 100.0 / records as f64,
        records as f64 / emit_seconds,
        ledger.counts().0 as f64 / seconds,
    );
}

fn child(name: &str, url: &str, records: usize, directory: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "variant",
            name,
            url,
            &records.to_string(),
            directory.to_str().unwrap(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn scratch(name: &str) -> PathBuf {
    // Beside the build, so that it is a disk and not a memory file system.
    let beside = env::current_exe().unwrap().parent().unwrap().to_path_buf();
    beside.join(format!("bench-otlp-{name}-{}", std::process::id()))
}

/// What a child reports: entries by which nothing may be missing, seconds until emitted, seconds until all arrived.
struct Ran {
    entries: u64,
    emitted: Duration,
    arrived: Duration,
}

fn variant(name: &str, url: &str, records: usize, directory: &Path) {
    let pace = name.ends_with("outage").then_some(OUTAGE_RATE);
    let ran = match name {
        "write" => write(records, directory),
        name if name.starts_with("ours-rest") => ours_at_rest(url, name, directory),
        name if name.starts_with("ours") => ours(url, name, records, pace, directory),
        name => sdk(url, name, records, pace),
    };
    let cpu_us = cpu_seconds() * 1e6 / records as f64;
    println!(
        "{} {} {} {cpu_us} {}",
        ran.entries,
        ran.emitted.as_secs_f64(),
        ran.arrived.as_secs_f64(),
        peak_mb()
    );
}

fn settings(url: &str, name: &str) -> OtlpSettings {
    let settings = if name.contains("grpc") {
        OtlpSettings::grpc(url)
    } else {
        OtlpSettings::http(url)
    };
    settings.unwrap().resource("service.name", "bench")
}

/// Calls `emit` for each record, in time where there is a pace.
fn paced(records: usize, pace: Option<usize>, emit: impl Fn(usize)) {
    let begun = Instant::now();
    for number in 0..records {
        if let Some(pace) = pace {
            let due = Duration::from_secs_f64(number as f64 / pace as f64);
            thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        emit(number);
    }
}

fn call(number: usize) {
    let span = tracing::info_span!(
        "chat",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "anthropic",
        gen_ai.request.model = "claude-sonnet-4-5",
        gen_ai.response.model = "claude-sonnet-4-5-20250929",
        gen_ai.response.id = "msg_01XFDUDYJgAACzvnptvVoYEL",
        gen_ai.response.finish_reasons = "end_turn",
        gen_ai.conversation.id = "conversation-7",
        user.id = "user-1",
        server.address = "api.anthropic.com",
        gen_ai.usage.input_tokens = 1000 + number as i64,
        gen_ai.usage.output_tokens = 300_i64,
        gen_ai.usage.cache_read.input_tokens = 800_i64,
    );
    let call = LlmCall::of(&span);
    call.system("Answer briefly.")
        .input_text("What is left?")
        .output_text("Nothing.");
}

fn ours(url: &str, name: &str, records: usize, pace: Option<usize>, directory: &Path) -> Ran {
    let (audit, guard) = LlmAudit::builder()
        .directory(directory)
        .queue_wait_max(Duration::from_secs(60))
        .otlp(settings(url, name))
        .unwrap()
        .build()
        .unwrap();
    let begun = Instant::now();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(audit));
    tracing::dispatcher::with_default(&dispatch, || paced(records, pace, call));
    let emitted = begun.elapsed();
    guard.flush(PATIENCE).unwrap();
    let arrived = begun.elapsed();
    let health = guard.health();
    assert_eq!((health.accepted, health.dropped), (records as u64, 0));
    let followers = guard.followers();
    let entries = followers[0].streams[0].next_seq;
    assert_eq!((followers[0].dead_letters, followers[0].rejected), (0, 0));
    guard.shutdown(PATIENCE).unwrap();
    Ran {
        entries,
        emitted,
        arrived,
    }
}

fn write(records: usize, directory: &Path) -> Ran {
    let builder = LlmAudit::builder().directory(directory);
    let (audit, guard) = builder
        .queue_wait_max(Duration::from_secs(60))
        .build()
        .unwrap();
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(audit));
    tracing::dispatcher::with_default(&dispatch, || paced(records, None, call));
    guard.shutdown(PATIENCE).unwrap();
    Ran {
        entries: 0,
        emitted: Duration::ZERO,
        arrived: Duration::ZERO,
    }
}

fn ours_at_rest(url: &str, name: &str, directory: &Path) -> Ran {
    let builder = LlmAudit::builder()
        .directory(directory)
        .otlp(settings(url, name))
        .unwrap();
    let (_audit, guard) = builder.build::<tracing_subscriber::Registry>().unwrap();
    // Opening reads the journal once, to go on with its tree; that is not the follower's.
    let begun = Instant::now();
    guard.flush(PATIENCE).unwrap();
    let arrived = begun.elapsed();
    let entries = guard.followers()[0].streams[0].next_seq;
    guard.shutdown(PATIENCE).unwrap();
    Ran {
        entries,
        emitted: arrived,
        arrived,
    }
}

fn sdk(url: &str, name: &str, records: usize, pace: Option<usize>) -> Ran {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let exporter = if name.contains("grpc") {
        LogExporter::builder()
            .with_tonic()
            .with_endpoint(url)
            .build()
            .unwrap()
    } else {
        LogExporter::builder()
            .with_http()
            .with_endpoint(url)
            .build()
            .unwrap()
    };
    let provider = SdkLoggerProvider::builder();
    let provider = if name.contains("simple") {
        provider.with_simple_exporter(exporter).build()
    } else if name.contains("wide") {
        let config = BatchConfigBuilder::default()
            .with_max_queue_size(2 * records)
            .build();
        let processor = BatchLogProcessor::builder(exporter)
            .with_batch_config(config)
            .build();
        provider.with_log_processor(processor).build()
    } else {
        provider.with_batch_exporter(exporter).build()
    };
    let logger = provider.logger("bench");
    let begun = Instant::now();
    paced(records, pace, |number| emit(&logger, number));
    let emitted = begun.elapsed();
    let _ = provider.force_flush();
    let arrived = begun.elapsed();
    let _ = provider.shutdown();
    Ran {
        entries: records as u64,
        emitted,
        arrived,
    }
}

/// The facts that our log record has, without the journal's.
fn emit(logger: &SdkLogger, number: usize) {
    const HASH: &str =
        "hmac-sha256:0a1b2c3d:abababababababababababababababababababababababababababababababab";
    let mut record = logger.create_log_record();
    record.set_event_name("gen_ai.client.inference.operation.details");
    record.set_timestamp(SystemTime::now());
    record.set_observed_timestamp(SystemTime::now());
    record.set_severity_number(Severity::Info);
    record.set_severity_text("INFO");
    let texts = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "anthropic"),
        ("gen_ai.request.model", "claude-sonnet-4-5"),
        ("gen_ai.response.model", "claude-sonnet-4-5-20250929"),
        ("gen_ai.response.id", "msg_01XFDUDYJgAACzvnptvVoYEL"),
        ("gen_ai.response.finish_reasons", "end_turn"),
        ("gen_ai.conversation.id", "conversation-7"),
        ("user.id", "user-1"),
        ("server.address", "api.anthropic.com"),
        (
            "llm_audit.request_id",
            "01a202b2-c8e8-7000-8000-000000000001",
        ),
        ("llm_audit.action", "messages.create"),
        ("llm_audit.status", "success"),
        ("llm_audit.capture", "span"),
        (
            "llm_audit.pricing",
            "{\"source\":\"genai-prices\",\"version\":\"2026-08-21\"}",
        ),
        ("llm_audit.system_prompt_hash", HASH),
        ("llm_audit.input_hash", HASH),
        ("llm_audit.output_hash", HASH),
    ];
    for (name, value) in texts {
        record.add_attribute(name, AnyValue::String(value.to_owned().into()));
    }
    let numbers = [
        ("llm_audit.seq", number as i64),
        ("gen_ai.usage.input_tokens", 1000 + number as i64),
        ("gen_ai.usage.output_tokens", 300),
        ("gen_ai.usage.cache_read.input_tokens", 800),
        ("llm_audit.latency_ms", 812),
        ("llm_audit.sanitization_count", 0),
    ];
    for (name, value) in numbers {
        record.add_attribute(name, value);
    }
    record.add_attribute("llm_audit.cost_usd", 0.003_303);
    logger.emit(record);
}

fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or("");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}
