//! Fail closed: nothing is sent that cannot be audited, the error says what to do, and no runtime is blocked.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tracing_llm_audit::{
    AckError, AuditGuard, Builder, LlmAudit, LlmCall, http_capture::NotSent, journal::FileStorage,
    reqwest_middleware_0_5::AuditMiddleware,
};
use tracing_subscriber::Registry;

use super::{
    ANSWER, PATH, REQUEST, assert_members, audit, block_on, client, middleware,
    server::{Reply, Server},
};
use crate::line::Full;

fn server() -> Server {
    Server::always(Reply::json(200, ANSWER))
}

/// Sends once, and returns why it was not.
fn refused(middleware: AuditMiddleware, server: &Server) -> NotSent {
    let client = client(middleware);
    let error = block_on(client.post(server.url(PATH)).body(REQUEST).send()).unwrap_err();
    assert!(error.is_middleware());
    let reqwest_middleware::Error::Middleware(error) = error else {
        panic!("{error}");
    };
    let reason = *error.downcast_ref::<NotSent>().unwrap();
    assert_eq!(server.counts.connections.load(Ordering::SeqCst), 0);
    reason
}

#[test]
fn a_beginning_stands_before_the_call_with_what_was_asked() {
    let audit = audit();
    let server = server();
    let client = client(middleware(audit.guard(), &server).fail_closed());
    block_on(async {
        let response = client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        assert_eq!(response.text().await.unwrap(), ANSWER);
    });
    let mut entries = audit.entries();
    entries.retain(|entry| entry.get("request_id").is_string());
    assert_eq!(entries.len(), 2);
    assert_members(
        &entries[0],
        &[
            ("status", json!("started")),
            ("provider", json!("anthropic")),
            ("capture", json!("http")),
        ],
    );
    assert_members(
        &entries[1],
        &[("status", json!("success")), ("output_tokens", json!(5))],
    );
    for same in ["request_id", "input_hash", "request_model", "action"] {
        assert_eq!(entries[0].get(same), entries[1].get(same), "{same}");
    }
}

#[test]
fn without_a_layer_nothing_is_sent() {
    let server = server();
    let open = AuditMiddleware::new()
        .base_url(&server.url(""), "anthropic")
        .unwrap();
    let reason = refused(open.clone().fail_closed(), &server);
    assert_eq!(reason, NotSent::NoLayer);
    assert!(reason.to_string().contains("install one"), "{reason}");
    // One that does not fail closed goes through.
    block_on(async {
        client(open)
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap()
    });
    assert_eq!(server.requests(), 1);
}

#[test]
fn after_the_guard_was_shut_down_nothing_is_sent() {
    let audit = audit();
    let server = server();
    let strict = middleware(audit.guard(), &server).fail_closed();
    audit.guard().shutdown(Duration::from_secs(10)).unwrap();
    assert_eq!(refused(strict, &server), NotSent::ShutDown);
    // The refusal is a record: the guard's end is no end of the journal.
    let records = audit.records();
    assert_members(
        &records[0],
        &[
            ("status", json!("blocked")),
            ("blocked_reason", json!("audit_shut_down")),
        ],
    );
}

/// An audit on a disk that can be filled, in a folder that goes when it does.
struct OnDisk {
    is_full: Arc<AtomicBool>,
    guard: AuditGuard,
    _folder: tempfile::TempDir,
}

fn on_disk(limit: impl FnOnce(Builder) -> Builder) -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    let storage = Full {
        disk: FileStorage::default(),
        is_full: Arc::clone(&is_full),
    };
    let builder = LlmAudit::builder().directory(folder.path().join("audit_logs"));
    let (layer, guard) = limit(builder.storage(storage)).build::<Registry>().unwrap();
    drop(layer);
    OnDisk {
        is_full,
        guard,
        _folder: folder,
    }
}

/// The waiting is the task's and not the thread's: another task of the same thread goes on meanwhile.
#[test]
fn on_a_full_disk_nothing_is_sent_and_the_runtime_goes_on() {
    let OnDisk {
        is_full,
        guard,
        _folder,
    } = on_disk(|builder| builder);
    is_full.store(true, Ordering::SeqCst);
    let server = server();
    let strict = middleware(&guard, &server).fail_closed_within(Duration::from_millis(400));
    let client = client(strict);
    let start = Instant::now();
    let (error, ticks) = block_on(async {
        let ticking = async {
            let mut ticks = 0;
            while start.elapsed() < Duration::from_millis(300) {
                tokio::time::sleep(Duration::from_millis(10)).await;
                ticks += 1;
            }
            ticks
        };
        tokio::join!(client.post(server.url(PATH)).body(REQUEST).send(), ticking)
    });
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("not durable yet") && error.contains("free the disk"),
        "{error}"
    );
    assert!(ticks >= 10, "the runtime stood still: {ticks}");
    assert_eq!(server.counts.connections.load(Ordering::SeqCst), 0);
    assert!(!guard.health().is_good);
    // With room again, the same client's calls go through.
    is_full.store(false, Ordering::SeqCst);
    block_on(async {
        let deadline = Instant::now() + Duration::from_secs(20);
        while client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .is_err()
        {
            assert!(Instant::now() < deadline);
        }
    });
}

#[test]
fn a_full_queue_refuses_at_once() {
    let OnDisk {
        is_full,
        guard,
        _folder,
    } = on_disk(|builder| {
        builder
            .queue(1, 1 << 20)
            .queue_wait_max(Duration::from_secs(600))
    });
    is_full.store(true, Ordering::SeqCst);
    let server = server();
    // One record is in the writer's hands, one in the queue; the guard's handle makes them.
    let fill = || drop(guard.capture().start("chat", "anthropic", "m"));
    fill();
    while guard.health().queued_bytes > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    fill();
    let start = Instant::now();
    let reason = refused(middleware(&guard, &server).fail_closed(), &server);
    assert_eq!(reason, NotSent::NotDurable(AckError::QueueFull));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "it waited for room"
    );
    is_full.store(false, Ordering::SeqCst);
}

#[test]
fn the_gate_of_a_handle_is_a_future_and_can_be_waited_for() {
    let audit = audit();
    let call = audit
        .guard()
        .capture()
        .start("chat", "anthropic", "claude-sonnet-4-5");
    call.request_json(REQUEST);
    assert!(call.begin().wait(Duration::from_secs(10)).is_ok());
    assert!(block_on(call.begin()).is_ok());
    call.response(ANSWER, 200);
    drop(call);
    assert_eq!(block_on(LlmCall::off().begin()), Err(AckError::NotAudited));
    let kinds: Vec<_> = audit
        .entries()
        .iter()
        .map(|entry| entry.get("status"))
        .filter(|status| !status.is_null())
        .collect();
    assert_eq!(kinds, ["started", "success"]);
}
