//! Retries inside one logical call are one record, wherever the middleware stands.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
use serde_json::{Value, json};
use tracing::{Dispatch, Instrument as _};
use tracing_llm_audit::{
    LlmAudit,
    reqwest_middleware_0_5::{AttemptCounter, AuditMiddleware},
    testing::{Recorded, in_memory_with},
};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{
    ANSWER, PATH, REQUEST, assert_members, audit, block_on, middleware, one, plain,
    server::{Reply, Server},
};

const OVERLOADED: &str =
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;

fn retry() -> RetryTransientMiddleware<ExponentialBackoff> {
    let policy = ExponentialBackoff::builder()
        .retry_bounds(Duration::from_millis(1), Duration::from_millis(2))
        .build_with_max_retries(3);
    RetryTransientMiddleware::new_with_policy(policy)
}

/// Fails `times`, then answers.
fn failing(times: u64) -> Server {
    Server::start(move |asked| {
        if asked.number < times {
            Reply::json(529, OVERLOADED)
        } else {
            Reply::json(200, ANSWER)
        }
    })
}

fn recorded(
    server: &Server,
    build: impl FnOnce(AuditMiddleware) -> ClientWithMiddleware,
) -> Recorded {
    let audit = audit();
    let client = build(middleware(audit.guard(), server));
    block_on(async {
        let response = client.post(server.url(PATH)).body(REQUEST).send().await;
        response.unwrap().bytes().await.unwrap();
    });
    one(&audit)
}

fn success(attempts: &Value) -> [(&'static str, Value); 6] {
    [
        ("status", json!("success")),
        ("attempts", attempts.clone()),
        ("error_message", json!("")),
        ("output_tokens", json!(5)),
        ("http_status", json!(200)),
        ("responses_summed", Value::Null),
    ]
}

#[test]
fn within_the_retries_each_attempt_is_seen() {
    let server = failing(2);
    let record = recorded(&server, |audit| {
        ClientBuilder::new(plain())
            .with(retry())
            .with(audit)
            .build()
    });
    assert_eq!(server.requests(), 3);
    assert_members(&record, &success(&json!(3)));
}

#[test]
fn around_the_retries_a_counter_within_counts() {
    let server = failing(2);
    let record = recorded(&server, |audit| {
        ClientBuilder::new(plain())
            .with(audit)
            .with(retry())
            .with(AttemptCounter)
            .build()
    });
    assert_members(&record, &success(&json!(3)));
    // The middleware itself counts there as well: it is one call all the same.
    let server = failing(1);
    let record = recorded(&server, |audit| {
        ClientBuilder::new(plain())
            .with(audit.clone())
            .with(retry())
            .with(audit)
            .build()
    });
    assert_members(&record, &success(&json!(2)));
    // Without one the attempts are not known, and not made up.
    let server = failing(2);
    let record = recorded(&server, |audit| {
        ClientBuilder::new(plain())
            .with(audit)
            .with(retry())
            .build()
    });
    assert_members(&record, &success(&Value::Null));
}

#[test]
fn a_call_that_fails_to_the_end_has_the_last_failure() {
    let server = failing(99);
    let record = recorded(&server, |audit| {
        ClientBuilder::new(plain())
            .with(retry())
            .with(audit)
            .build()
    });
    assert_members(
        &record,
        &[
            ("status", json!("error")),
            ("attempts", json!(4)),
            ("error_type", json!("overloaded_error")),
            ("http_status", json!(529)),
            ("responses_summed", Value::Null),
        ],
    );
}

/// Stands within, and sends the first attempt where nobody listens.
struct Misled {
    is_first: AtomicBool,
    nobody: u16,
    server: u16,
}

#[async_trait::async_trait]
impl Middleware for Misled {
    async fn handle(
        &self,
        mut request: reqwest::Request,
        extensions: &mut axum::http::Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        let port = if self.is_first.swap(false, Ordering::SeqCst) {
            self.nobody
        } else {
            self.server
        };
        request.url_mut().set_port(Some(port)).unwrap();
        next.run(request, extensions).await
    }
}

/// The error of the first attempt is not the call's.
#[test]
fn an_attempt_that_found_nobody_is_forgotten_when_the_next_one_succeeds() {
    let audit = audit();
    let server = Server::always(Reply::json(200, ANSWER));
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let misled = Misled {
        is_first: AtomicBool::new(true),
        nobody: nobody.port(),
        server: server.address.port(),
    };
    let client = ClientBuilder::new(plain())
        .with(retry())
        .with(middleware(audit.guard(), &server))
        .with(misled)
        .build();
    block_on(async {
        let response = client.post(server.url(PATH)).body(REQUEST).send().await;
        response.unwrap().bytes().await.unwrap();
    });
    assert_members(&one(&audit), &success(&json!(2)));
}

/// Extensions that a host uses for one request after another do not make them one call.
#[test]
fn two_requests_with_the_same_extensions_are_two_calls() {
    let audit = audit();
    let server = Server::always(Reply::json(200, ANSWER));
    let client = super::client(middleware(audit.guard(), &server));
    block_on(async {
        let mut extensions = axum::http::Extensions::new();
        for question in ["one", "two"] {
            let request = REQUEST.replace("sky", question);
            let request = client.post(server.url(PATH)).body(request).build().unwrap();
            let response = client
                .execute_with_extensions(request, &mut extensions)
                .await;
            response.unwrap().bytes().await.unwrap();
        }
    });
    assert_eq!(audit.records().len(), 2);
}

/// In one span two calls, the second of which is sent again: its attempts are known by its own request.
#[test]
fn the_second_call_of_a_span_is_sent_again() {
    let (layer, audit) = in_memory_with(LlmAudit::builder()).unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let server = Server::start(|asked| match asked.number {
        1 => Reply::json(529, OVERLOADED),
        _ => Reply::json(200, ANSWER),
    });
    let middleware = AuditMiddleware::new().base_url(&server.url(""), "anthropic");
    let client = ClientBuilder::new(plain())
        .with(retry())
        .with(middleware.unwrap())
        .build();
    tracing::dispatcher::with_default(&dispatch, || {
        let span = tracing::info_span!("ask", gen_ai.operation.name = "chat");
        block_on(
            async {
                for question in ["one", "two"] {
                    let request = REQUEST.replace("sky", question);
                    let sent = client.post(server.url(PATH)).body(request).send().await;
                    sent.unwrap().bytes().await.unwrap();
                }
            }
            .instrument(span),
        );
    });
    assert_members(
        &one(&audit),
        &[
            ("status", json!("success")),
            ("attempts", json!(2)),
            ("output_tokens", json!(10)),
            ("responses_summed", json!(2)),
        ],
    );
}
