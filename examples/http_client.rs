//! A plain HTTP client whose calls are audited, with nothing to annotate: one streamed answer, one record.
//!
//! `cargo run --example http_client --features reqwest-middleware` needs no key: recorded traffic is served on loopback.

#![allow(
    clippy::print_stdout,
    unreachable_pub,
    reason = "it shows what comes; a program of its own, whose module reads better with `pub`"
)]

#[path = "quickstart/replay.rs"]
mod replay;

use std::{error::Error, fs, sync::Arc, time::Duration};

use reqwest_middleware::ClientBuilder;
use tracing_llm_audit::{LlmAudit, Who, reqwest_middleware_0_5::AuditMiddleware};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

const DIRECTORY: &str = "audit_logs";
const RECORDING: &str = "anthropic-stream-text";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (audit, guard) = LlmAudit::builder().directory(DIRECTORY).build()?;
    tracing_subscriber::registry().with(audit).init();
    let recordings = Arc::new(replay::Recordings::open()?);
    let base = replay::serve(Arc::clone(&recordings)).await?;

    // api.anthropic.com and the like are known; a server of one's own is registered.
    let audit = AuditMiddleware::new().base_url(&base, "anthropic")?;
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(audit.fail_closed()) // what cannot be audited is not sent
        .build();

    let mut response = client
        .post(format!("{base}/v1/messages"))
        .with_extension(Who::new().user("user-1").metadata("ticket", &4711))
        .header("x-recording", RECORDING)
        .body(recordings.request(RECORDING)?)
        .send()
        .await?;
    while let Some(chunk) = response.chunk().await? {
        println!("{} bytes came", chunk.len());
    }
    drop(response);

    guard.shutdown(Duration::from_secs(5))?;
    for file in fs::read_dir(DIRECTORY)?
        .flatten()
        .filter(|file| file.path().is_file())
    {
        let journal = fs::read_to_string(file.path())?;
        for record in journal
            .lines()
            .filter(|line| line.contains("\"kind\":\"call\""))
        {
            println!("{record}");
        }
    }
    Ok(())
}
