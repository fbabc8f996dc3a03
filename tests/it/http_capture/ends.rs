//! How an exchange ends, told apart: whole, cut, dropped, failed, never answered.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use super::{
    ANSWER, PATH, REQUEST, assert_members, audit, block_on, client, middleware, one, plain,
    server::{Framing, Reply, Server},
};

const MODEL: &str = "claude-sonnet-4-5-20250929";
/// The same answer, streamed.
const STREAM: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_2\",\"type\":\"message\",",
    "\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[],\"stop_reason\":null,",
    "\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"It scatters.\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn streamed(framing: Framing, piece: usize) -> Reply {
    Reply::new(200, "text/event-stream", STREAM).framing(framing, piece)
}

#[test]
fn a_whole_answer_is_a_success_with_all_that_it_says() {
    let audit = audit();
    let server = Server::always(Reply::json(200, ANSWER).header("request-id", "req_7"));
    let client = client(middleware(audit.guard(), &server));
    let body = block_on(async {
        let response = client
            .post(server.url(PATH))
            .header("x-api-key", "sk-secret")
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        assert_eq!(response.url().as_str(), server.url(PATH));
        assert_eq!(response.content_length(), Some(ANSWER.len() as u64));
        assert!(response.remote_addr().is_some());
        response.text().await.unwrap()
    });
    assert_eq!(body, ANSWER);
    let record = one(&audit);
    assert_members(
        &record,
        &[
            ("status", json!("success")),
            ("provider", json!("anthropic")),
            ("model", json!("claude-sonnet-4-5-20250929")),
            ("request_model", json!("claude-sonnet-4-5")),
            ("action", json!("messages.create")),
            ("input_tokens", json!(12)),
            ("output_tokens", json!(5)),
            ("http_status", json!(200)),
            ("capture", json!("http")),
            ("server_address", json!("127.0.0.1")),
            ("server_port", json!(server.address.port())),
            ("provider_request_id", json!("req_7")),
            ("attempts", Value::Null),
        ],
    );
    assert!(record.get("cost_usd").is_number(), "{record:?}");
    assert!(!record.line().contains("secret") && !record.line().contains("sky"));
}

#[test]
fn a_stream_has_a_first_chunk_and_a_true_end() {
    let audit = audit();
    let reply = streamed(Framing::Chunked, 40).pause(Duration::from_millis(10));
    let server = Server::always(reply);
    let client = client(middleware(audit.guard(), &server));
    block_on(async {
        let response = client.post(server.url(PATH)).body(REQUEST).send().await;
        let mut chunks = response.unwrap().bytes_stream();
        let mut body = Vec::new();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(body, STREAM.as_bytes());
    });
    let record = one(&audit);
    assert_members(
        &record,
        &[
            ("status", json!("success")),
            ("stream", json!(true)),
            ("output_tokens", json!(5)),
        ],
    );
    let (first, all) = (
        record.get("time_to_first_chunk_ms"),
        record.get("latency_ms"),
    );
    assert!(
        first.as_u64().unwrap() + 50 < all.as_u64().unwrap(),
        "{record:?}"
    );
}

/// The same answer hashes the same, streamed or whole.
#[test]
fn a_stream_has_the_hash_of_the_whole_answer() {
    let audit = audit();
    for reply in [Reply::json(200, ANSWER), streamed(Framing::Chunked, 7)] {
        let server = Server::always(reply);
        let client = client(middleware(audit.guard(), &server));
        block_on(async {
            let response = client.post(server.url(PATH)).body(REQUEST).send().await;
            response.unwrap().bytes().await.unwrap();
        });
    }
    let records = audit.records();
    assert_eq!(records[0].get("output_hash"), records[1].get("output_hash"));
    assert_eq!(records[0].get("input_hash"), records[1].get("input_hash"));
    assert!(records[0].get("output_hash").as_str().unwrap().len() > 64);
}

/// Wherever the connection breaks, what came before it is known, and nothing is invented.
#[test]
fn a_connection_that_is_cut_keeps_what_is_known() {
    let audit = audit();
    let points: Vec<usize> = (0..STREAM.len()).step_by(37).collect();
    for (framing, point) in points
        .iter()
        .flat_map(|point| [(Framing::Chunked, *point), (Framing::Length, *point)])
    {
        let server = Server::always(streamed(framing, 64).cut_after(point));
        let client = client(middleware(audit.guard(), &server));
        let failed = block_on(async {
            let response = client.post(server.url(PATH)).body(REQUEST).send().await;
            response.unwrap().bytes().await
        });
        assert!(failed.is_err(), "cut after {point}");
    }
    let records = audit.records();
    assert_eq!(records.len(), 2 * points.len());
    for (record, point) in records
        .iter()
        .zip(points.iter().flat_map(|point| [point, point]))
    {
        assert_members(
            record,
            &[
                ("status", json!("error")),
                ("error_type", json!("connection_cut")),
            ],
        );
        let knows_usage = STREAM[..*point].contains("message_delta\",");
        let output = record.get("output_tokens");
        assert!(
            output.is_null() || output == 5 && knows_usage || output == 1,
            "{point}: {record:?}"
        );
        // The line of the first event has ended.
        let is_told = STREAM[..*point].contains("1}}}\n");
        assert_eq!(record.get("model") == MODEL, is_told, "{point}: {record:?}");
    }
}

#[test]
fn a_body_that_is_dropped_is_incomplete_unless_it_said_that_it_was_done() {
    let audit = audit();
    let server = Server::always(streamed(Framing::Chunked, STREAM.len() / 3));
    let client = client(middleware(audit.guard(), &server));
    block_on(async {
        let response = client.post(server.url(PATH)).body(REQUEST).send().await;
        let mut chunks = response.unwrap().bytes_stream();
        chunks.next().await.unwrap().unwrap();
    });
    assert_members(
        &one(&audit),
        &[
            ("status", json!("incomplete")),
            ("error_message", json!("")),
        ],
    );

    // A client that reads to the last event and no further, as they do.
    let done = super::audit();
    let server =
        Server::always(streamed(Framing::Chunked, STREAM.len()).pause(Duration::from_millis(1)));
    let client = super::client(middleware(done.guard(), &server));
    block_on(async {
        let response = client.post(server.url(PATH)).body(REQUEST).send().await;
        let mut chunks = response.unwrap().bytes_stream();
        let mut body = String::new();
        while !body.contains("message_stop\"}") {
            body += std::str::from_utf8(&chunks.next().await.unwrap().unwrap()).unwrap();
        }
    });
    assert_members(
        &one(&done),
        &[("status", json!("success")), ("output_tokens", json!(5))],
    );
}

#[test]
fn a_response_that_nobody_reads_is_recorded() {
    let audit = audit();
    for status in [200, 500] {
        let server = Server::always(Reply::json(status, ANSWER));
        let client = client(middleware(audit.guard(), &server));
        block_on(async { drop(client.post(server.url(PATH)).body(REQUEST).send().await) });
    }
    let records = audit.records();
    assert_members(
        &records[0],
        &[("status", json!("incomplete")), ("http_status", json!(200))],
    );
    assert_members(
        &records[1],
        &[("status", json!("error")), ("error_type", json!("500"))],
    );
}

#[test]
fn a_call_that_is_cancelled_before_its_answer_is_incomplete() {
    let audit = audit();
    let server = Server::always(Reply::json(200, ANSWER));
    // Nobody answers there.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let middleware = middleware(audit.guard(), &server)
        .base_url(&url, "anthropic")
        .unwrap();
    let client = client(middleware);
    block_on(async {
        let sent = client.post(format!("{url}{PATH}")).body(REQUEST).send();
        assert!(
            tokio::time::timeout(Duration::from_millis(50), sent)
                .await
                .is_err()
        );
    });
    assert_members(
        &one(&audit),
        &[
            ("status", json!("incomplete")),
            ("http_status", Value::Null),
        ],
    );
}

#[test]
fn a_host_that_cannot_be_reached_and_one_that_is_too_slow() {
    let audit = audit();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{closed}");
    let server = Server::always(Reply::json(200, ANSWER).pause(Duration::from_secs(30)));
    let middleware = middleware(audit.guard(), &server)
        .base_url(&url, "openai")
        .unwrap();
    let client = client(middleware);
    block_on(async {
        // The key in the query, as Gemini wants it, is in every text of the client's errors.
        let url = format!("http://user:password@{closed}/v1/chat/completions?key=AIzaSecret");
        let error = client.post(url).body(REQUEST).send().await.unwrap_err();
        assert!(error.is_connect());
        let slow = client
            .post(server.url(PATH))
            .timeout(Duration::from_millis(100))
            .body(REQUEST)
            .send()
            .await;
        let error = slow.unwrap().bytes().await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
    });
    let records = audit.records();
    assert_members(
        &records[0],
        &[
            ("status", json!("error")),
            ("error_type", json!("connect")),
            ("provider", json!("openai")),
        ],
    );
    assert_members(
        &records[1],
        &[
            ("status", json!("error")),
            ("error_type", json!("timeout")),
            ("http_status", json!(200)),
        ],
    );
    for record in records {
        let line = record.line();
        assert!(
            !line.contains("Secret") && !line.contains("password") && !line.contains("http://"),
            "{line}"
        );
    }
}

#[test]
fn what_is_no_call_is_left_alone() {
    let audit = audit();
    let server = Server::always(Reply::json(200, "{}"));
    let other = Server::always(Reply::new(404, "text/html", "<html>Not here</html>"));
    let client = client(middleware(audit.guard(), &server));
    let text = block_on(async {
        let response = client
            .post(other.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        response.text().await.unwrap()
    });
    assert_eq!(text, "<html>Not here</html>");
    assert_eq!(audit.records().len(), 0);

    // A page where an answer was meant to be is an error, whatever it says.
    let page = Server::always(Reply::new(404, "text/html", "<html>Not here</html>"));
    let client = super::client(middleware(audit.guard(), &page));
    block_on(async {
        let response = client.post(page.url(PATH)).body(REQUEST).send().await;
        response.unwrap().text().await.unwrap();
    });
    assert_members(
        &one(&audit),
        &[
            ("status", json!("error")),
            ("error_type", json!("404")),
            ("input_tokens", Value::Null),
        ],
    );
}

#[test]
fn a_redirect_is_followed_within_one_call() {
    let audit = audit();
    let server = Server::start(|asked| {
        if asked.target == PATH {
            Reply::json(307, "").header("location", "/elsewhere")
        } else {
            Reply::json(200, ANSWER)
        }
    });
    let client = client(middleware(audit.guard(), &server));
    block_on(async {
        let response = client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        assert_eq!(response.url().path(), "/elsewhere");
        response.bytes().await.unwrap();
    });
    assert_eq!(server.requests(), 2);
    assert_members(
        &one(&audit),
        &[("status", json!("success")), ("output_tokens", json!(5))],
    );
}

/// A client that reads slowly holds the server back, as it does without us.
#[test]
fn back_pressure_reaches_the_server() {
    const BODY: usize = 64 << 20;
    let audit = audit();
    let server = Server::always(Reply::new(200, "application/json", vec![b' '; BODY]));
    let client = client(middleware(audit.guard(), &server));
    let written = || server.counts.body_bytes_written.load(Ordering::SeqCst);
    let settled = async || {
        let mut last = u64::MAX;
        while last != written() {
            last = written();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        last
    };
    block_on(async {
        let mut response = plain().post(server.url(PATH)).send().await.unwrap();
        response.chunk().await.unwrap().unwrap();
        let without = settled().await;
        drop(response);
        let before = settled().await;
        let mut response = client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        response.chunk().await.unwrap().unwrap();
        let with = settled().await - before;
        assert!(
            with < BODY as u64 / 2,
            "the server wrote {with} bytes that nobody read"
        );
        assert!(
            with < 2 * without + (4 << 20),
            "{with} bytes with us, {without} without"
        );
    });
}
