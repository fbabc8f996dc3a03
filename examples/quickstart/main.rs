//! The audit trail in one command: `cargo run --example quickstart`. No key, no server, no network.
//!
//! Recorded provider traffic is served on loopback; annotated calls go against it through a real HTTP client; then this
//! prints what was recorded. `calls.rs` is the file to copy from, `telemetry.rs` is the set-up, the rest is scenery.
//!
//! The journal lies in `audit_logs/` under the current folder, or where `LLM_AUDIT_DIR` says. With
//! `OTEL_EXPORTER_OTLP_ENDPOINT` set, traces and audit records are shipped there too.

#![allow(
    unreachable_pub,
    reason = "a program of its own, whose modules read better with `pub`"
)]

mod calls;
mod client;
mod replay;
mod report;
mod scenario;
mod telemetry;

use std::{
    env,
    error::Error,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tracing_llm_audit::{Clock, SystemClock};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let started_at = SystemClock::default().now().to_string();
    let directory = env::var_os("LLM_AUDIT_DIR").map_or("audit_logs".into(), PathBuf::from);
    let telemetry = telemetry::install(&directory)?;

    let recordings = Arc::new(replay::Recordings::open()?);
    let base = replay::serve(Arc::clone(&recordings)).await?;
    scenario::run(&client::Api::new(&base), &recordings).await?;

    let left = telemetry.audit.shutdown(Duration::from_secs(10));
    telemetry.flush_traces()?;

    let records = report::read(&directory, &started_at)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "Recorded, one line per operation (an agent's turn is three):\n"
    )?;
    report::table(&mut out, &records)?;
    writeln!(out, "\nBy user:\n")?;
    report::totals(&mut out, &records)?;
    if let Some(line) = report::sample(&records) {
        writeln!(
            out,
            "\nOne whole line of the journal, as it stands:\n\n{line}"
        )?;
    }
    let key = telemetry.audit.verifier_key();
    next_steps(&mut out, &directory.display().to_string(), key)?;
    Ok(left?)
}

fn next_steps(out: &mut impl Write, directory: &str, verifier_key: &str) -> io::Result<()> {
    writeln!(
        out,
        "
The journal is in {directory}/, its keys are in {directory}.keys/. Try next:

  # these records, readable; and the journal's health
  cargo run -q -p llm-audit -- cat --dir {directory}
  cargo run -q -p llm-audit -- status --dir {directory}

  # was it changed? an independent check, with the public key (2 means: no copy of a checkpoint outside was given)
  python3 tests/verify.py {directory} '{verifier_key}'

  # the same to a Collector, with traces in Jaeger (collector-config/README.md: without Docker too)
  docker compose -f collector-config/compose.yaml up -d
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 cargo run --example quickstart

  # the annotated calls, to copy from
  examples/quickstart/calls.rs"
    )
}
