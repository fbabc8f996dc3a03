//! Spans, handles and the middleware: one call is one record, and everybody's word finds its place.

use serde_json::{Value, json};
use tracing::{Dispatch, Instrument as _, info_span};
use tracing_llm_audit::{
    LlmAudit, LlmCall, Who,
    reqwest_middleware_0_5::AuditMiddleware,
    testing::{TestAudit, in_memory_with},
};
use tracing_subscriber::layer::SubscriberExt as _;

use super::{
    ANSWER, PATH, REQUEST, assert_members, block_on, client, one,
    server::{Reply, Server},
};

/// Runs a future where an audit layer is current, and returns what it recorded.
fn audited<F: Future>(make: impl FnOnce(Server, AuditMiddleware) -> F) -> TestAudit {
    let (layer, audit) = in_memory_with(LlmAudit::builder()).unwrap();
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(layer));
    let server = Server::always(Reply::json(200, ANSWER));
    let middleware = AuditMiddleware::new()
        .base_url(&server.url(""), "anthropic")
        .unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        block_on(make(server, middleware));
    });
    audit
}

async fn send(server: &Server, client: &reqwest_middleware::ClientWithMiddleware) -> String {
    let response = client
        .post(server.url(PATH))
        .body(REQUEST)
        .send()
        .await
        .unwrap();
    response.text().await.unwrap()
}

macro_rules! chat {
    () => {
        info_span!(
            "ask",
            gen_ai.operation.name = "chat",
            gen_ai.request.model = "claude-sonnet-4-5",
            user.id = "ada"
        )
    };
}

#[test]
fn a_request_within_an_inference_span_is_its_record() {
    let audit = audited(|server, middleware| async move {
        send(&server, &client(middleware)).instrument(chat!()).await;
    });
    assert_members(
        &one(&audit),
        &[
            ("status", json!("success")),
            ("user_id", json!("ada")),
            ("output_tokens", json!(5)),
            ("capture", json!("span+http")),
            ("parent_request_id", Value::Null),
        ],
    );
}

/// The body outlives the span: its record waits for it.
#[test]
fn a_span_that_ends_before_the_body_is_still_one_record() {
    let audit = audited(|server, middleware| async move {
        let client = client(middleware);
        let response = async {
            client
                .post(server.url(PATH))
                .body(REQUEST)
                .send()
                .await
                .unwrap()
        };
        let response = response.instrument(chat!()).await;
        response.bytes().await.unwrap();
    });
    assert_members(
        &one(&audit),
        &[("status", json!("success")), ("output_tokens", json!(5))],
    );
}

#[test]
fn an_agent_keeps_its_own_record_and_its_calls_theirs() {
    let audit = audited(|server, middleware| async move {
        let agent = info_span!(
            "agent",
            gen_ai.operation.name = "invoke_agent",
            user.id = "ada"
        );
        let client = client(middleware);
        async { drop((send(&server, &client).await, send(&server, &client).await)) }
            .instrument(agent)
            .await;
    });
    let records = audit.records();
    assert_eq!(records.len(), 3);
    let agent = &records[2];
    assert_members(
        agent,
        &[
            ("operation", json!("invoke_agent")),
            ("input_tokens", Value::Null),
            ("cost_usd", Value::Null),
        ],
    );
    for call in &records[..2] {
        let parent = agent.get("request_id");
        assert_members(
            call,
            &[
                ("user_id", json!("ada")),
                ("output_tokens", json!(5)),
                ("parent_request_id", parent),
                ("capture", json!("http")),
            ],
        );
    }
}

#[test]
fn two_answers_in_one_span_are_summed_and_said_so() {
    let audit = audited(|server, middleware| async move {
        let client = client(middleware);
        async { drop((send(&server, &client).await, send(&server, &client).await)) }
            .instrument(chat!())
            .await;
    });
    // Both have the id of the one recording, and are two answers all the same.
    assert_members(
        &one(&audit),
        &[("output_tokens", json!(10)), ("responses_summed", json!(2))],
    );
}

/// The host tells the handle what the middleware has seen as well.
#[test]
fn what_was_captured_and_told_counts_once() {
    let audit = audited(|server, middleware| async move {
        let client = client(middleware);
        async {
            let call = LlmCall::current();
            call.request_json(REQUEST);
            let answer = send(&server, &client).await;
            call.response_json(answer.as_bytes());
            let typed: Value = serde_json::from_str(&answer).unwrap();
            call.response_value(&typed);
        }
        .instrument(chat!())
        .await;
    });
    assert_members(
        &one(&audit),
        &[
            ("output_tokens", json!(5)),
            ("responses_summed", Value::Null),
            ("http_status", json!(200)),
            ("status", json!("success")),
        ],
    );
}

#[test]
fn the_same_call_has_the_same_hashes_by_handle_and_by_middleware() {
    let audit = audited(|server, middleware| async move {
        let client = client(middleware);
        send(&server, &client).await;
        chat!().in_scope(|| {
            LlmCall::current()
                .request_json(REQUEST)
                .response(ANSWER, 200);
        });
    });
    let records = audit.records();
    for hash in ["input_hash", "output_hash"] {
        assert_eq!(records[0].get(hash), records[1].get(hash));
        assert_ne!(records[0].get(hash), "");
    }
}

#[test]
fn who_asks_by_request_by_task_and_by_span() {
    let audit = audited(|server, middleware| async move {
        let client = client(middleware);
        let span = info_span!("handler", user.id = "by span", tenant.id = "acme");
        async {
            send(&server, &client).await;
            let scope = Who::new().user("by task").metadata("ticket", &7);
            scope.scope(send(&server, &client)).await;
            let who = Who::new()
                .user("by request")
                .conversation("c-1")
                .client_address("192.0.2.7");
            let by_request = client
                .post(server.url(PATH))
                .with_extension(who)
                .body(REQUEST)
                .send();
            let scope = Who::new().user("by task");
            scope
                .scope(async { by_request.await.unwrap().bytes().await.unwrap() })
                .await;
        }
        .instrument(span)
        .await;
    });
    let records = audit.records();
    let users: Vec<Value> = records.iter().map(|record| record.get("user_id")).collect();
    assert_eq!(users, ["by span", "by task", "by request"]);
    assert_members(
        &records[1],
        &[
            ("metadata", json!({"ticket": 7})),
            ("tenant_id", json!("acme")),
        ],
    );
    assert_members(
        &records[2],
        &[
            ("conversation_id", json!("c-1")),
            ("client_address", json!("192.0.2.7")),
        ],
    );
}

/// A stack of spans whose innermost is disabled for us never gets the call of another.
#[test]
fn a_call_of_another_kind_is_a_record_of_its_own() {
    let audit = audited(|server, middleware| async move {
        let embeddings = info_span!("embed", gen_ai.operation.name = "embeddings");
        send(&server, &client(middleware))
            .instrument(embeddings)
            .await;
    });
    assert_eq!(audit.records().len(), 2);
}

#[test]
fn a_request_says_itself_which_call_it_is_part_of() {
    let audit = audited(|server, middleware| async move {
        let client = client(middleware);
        let call = LlmCall::start("chat", "anthropic", "claude-sonnet-4-5");
        call.metadata("ticket", &7);
        let sent = client.post(server.url(PATH)).with_extension(call.clone());
        sent.body(REQUEST)
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
    });
    assert_members(
        &one(&audit),
        &[
            ("output_tokens", json!(5)),
            ("metadata", json!({"ticket": 7})),
            ("capture", json!("detached+http")),
        ],
    );
}
