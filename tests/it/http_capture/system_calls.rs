//! Fail closed, as the operating system sees it: `fdatasync` of the beginning returned before anything was done about
//! the provider. `strace` watches a process of its own, whose calls go to the server in this one.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
};

use tracing_llm_audit::{LlmAudit, reqwest_middleware_0_5::AuditMiddleware};
use tracing_subscriber::Registry;

use super::{
    ANSWER, PATH, REQUEST, block_on, client,
    server::{Reply, Server},
};
use crate::services::left_out;

/// Names the server to the traced process, and tells it to be one.
const URL: &str = "LLM_AUDIT_TRACED_URL";
/// Where the traced process keeps its journal.
const DIRECTORY: &str = "LLM_AUDIT_TRACED_DIRECTORY";
const CALLS: usize = 3;

/// The traced process: as a test it does nothing.
#[test]
fn traced() {
    let (Some(url), Some(directory)) = (env::var_os(URL), env::var_os(DIRECTORY)) else {
        return;
    };
    let url = url.into_string().unwrap();
    let builder = LlmAudit::builder().directory(directory);
    let (layer, guard) = builder.build::<Registry>().unwrap();
    drop(layer);
    let middleware = AuditMiddleware::of(guard.capture())
        .base_url(&url, "anthropic")
        .unwrap();
    let client = client(middleware.fail_closed());
    block_on(async {
        for _ in 0..CALLS {
            let sent = client.post(format!("{url}{PATH}")).body(REQUEST).send();
            let answer = sent.await.unwrap().text().await.unwrap();
            assert_eq!(answer, ANSWER);
        }
    });
}

fn trace(url: &str, folder: &Path) -> Option<String> {
    let output = folder.join("trace");
    let status = Command::new("strace")
        .args(["-f", "-yy", "-s", "100000", "-o"])
        .arg(&output)
        .args([
            "-e",
            "trace=fdatasync,write,writev,pwrite64,sendto,sendmsg,connect",
        ])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "http_capture::system_calls::traced"])
        .env(URL, url)
        .env(DIRECTORY, folder.join("audit_logs"))
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) => {
            assert!(status.success(), "the traced process failed");
            Some(fs::read_to_string(output).unwrap())
        }
        Err(error) => {
            left_out(&format!("strace: {error}"));
            None
        }
    }
}

#[test]
fn the_beginning_is_durable_before_the_provider_hears_anything() {
    // A connection for each call: the first byte of each is a `connect`.
    let server = Server::always(Reply::json(200, ANSWER).header("connection", "close"));
    let folder = tempfile::tempdir().unwrap();
    let Some(trace) = trace(&server.url(""), folder.path()) else {
        return;
    };
    let port = server.address.port().to_string();
    let (mut written, mut synced, mut heard) = (0, 0, 0);
    // The thread that has the journal synced.
    let mut syncing = None;
    for line in trace.lines() {
        let is_write = line.contains("write") && line.contains(".jsonl>");
        written += if is_write {
            line.matches(r#"\"status\":\"started\""#).count()
        } else {
            0
        };
        let thread = line.split(' ').next().unwrap_or_default();
        if line.contains("fdatasync(") {
            syncing = line.contains(".jsonl>").then_some(thread);
        }
        let is_synced = line.contains("fdatasync") && line.ends_with(" = 0");
        if is_synced && syncing == Some(thread) {
            synced = written;
        }
        let connects = line.contains("connect(") && line.contains(&format!("htons({port})"));
        let sends = ["sendto(", "write(", "writev(", "sendmsg("]
            .iter()
            .any(|call| line.contains(call))
            && line.contains(&format!(":{port}]>"));
        heard += usize::from(connects);
        if connects || sends {
            assert!(
                synced >= heard,
                "call {heard} was on its way with {synced} durable beginnings: {line}"
            );
        }
    }
    assert_eq!((written, heard), (CALLS, CALLS), "{trace}");
    assert_eq!(server.requests(), CALLS as u64);
}
