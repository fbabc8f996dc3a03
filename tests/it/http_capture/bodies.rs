//! Bodies of any size: what is kept of them is bounded, and the call goes on whatever they are.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    ANSWER, PATH, REQUEST, assert_members, audit, block_on, client, middleware, one,
    server::{Framing, Reply, Server},
};

const HUGE: usize = 64 << 20;

/// An answer whose text makes it as long as asked for.
fn answer(bytes: usize) -> Vec<u8> {
    ANSWER
        .replace("It scatters.", &"It scatters. ".repeat(bytes / 13))
        .into_bytes()
}

fn resident_bytes_max() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[test]
fn an_answer_of_64_mib_has_its_usage_and_no_hash() {
    let audit = audit();
    let server = Server::always(Reply::json(200, answer(HUGE)).framing(Framing::Chunked, 60_000));
    let client = client(middleware(audit.guard(), &server));
    let before = resident_bytes_max();
    let read = block_on(async {
        let mut response = client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        let mut read = 0;
        while let Some(chunk) = response.chunk().await.unwrap() {
            read += chunk.len();
        }
        read
    });
    assert!(read > HUGE - 13);
    let record = one(&audit);
    let grown = resident_bytes_max().saturating_sub(before);
    assert!(grown < 48 << 20, "{grown} bytes more, of other tests too");
    assert_members(
        &record,
        &[
            ("status", json!("success")),
            ("input_tokens", json!(12)),
            ("output_tokens", json!(5)),
            ("finish_reasons", json!(["end_turn"])),
            ("response_id", json!("msg_1")),
            ("output_hash", json!("")),
            ("capture", json!("http+response_partial")),
        ],
    );
}

#[test]
fn a_stream_of_64_mib_has_its_usage_and_no_hash() {
    let delta = |n: usize| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{n} {}\"}}}}\n\n",
            "x".repeat(1000)
        )
    };
    let mut body = String::from(concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_2\",\"type\":\"message\",",
        "\"role\":\"assistant\",\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[],",
        "\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    ));
    (0..HUGE / 1100).for_each(|n| body += &delta(n));
    body += concat!(
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":65536}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    let audit = audit();
    let server =
        Server::always(Reply::new(200, "text/event-stream", body).framing(Framing::Chunked, 8000));
    let client = client(middleware(audit.guard(), &server));
    block_on(async {
        let mut response = client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        while response.chunk().await.unwrap().is_some() {}
    });
    assert_members(
        &one(&audit),
        &[
            ("status", json!("success")),
            ("input_tokens", json!(12)),
            ("output_tokens", json!(65_536)),
            ("output_hash", json!("")),
            ("capture", json!("http+response_partial")),
        ],
    );
}

#[test]
fn a_request_of_64_mib_and_one_that_streams_go_through_and_are_not_kept() {
    let audit = audit();
    let server = Server::start(|asked| {
        let length = asked.body.len().to_string();
        Reply::json(200, ANSWER).header("x-length", &length)
    });
    let client = client(middleware(audit.guard(), &server));
    block_on(async {
        let long = format!(r#"{{"model":"m","messages":"{}"}}"#, "x".repeat(HUGE));
        let length = long.len().to_string();
        let response = client
            .post(server.url(PATH))
            .body(long)
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["x-length"], length.as_str());
        response.bytes().await.unwrap();

        let pieces =
            futures_util::stream::iter(REQUEST.as_bytes().chunks(10).map(Ok::<_, std::io::Error>));
        let body = reqwest::Body::wrap_stream(pieces);
        let response = client
            .post(server.url(PATH))
            .body(body)
            .send()
            .await
            .unwrap();
        response.bytes().await.unwrap();
    });
    for record in audit.records() {
        assert_members(
            &record,
            &[
                ("status", json!("success")),
                ("output_tokens", json!(5)),
                ("input_hash", json!("")),
                ("capture", json!("http+request_unread")),
            ],
        );
    }
    assert_eq!(audit.records().len(), 2);
}

#[test]
fn what_nobody_understands_breaks_nothing() {
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect();
    let audit = audit();
    let replies = [
        Reply::new(200, "application/octet-stream", noise.clone()).framing(Framing::Chunked, 1000),
        Reply::new(200, "application/json", noise.clone()).header("content-encoding", "br"),
        Reply::new(200, "text/event-stream", noise).header("content-encoding", "gzip"),
        Reply::new(204, "application/json", ""),
    ];
    for reply in replies {
        let body = reply.body.clone();
        let server = Server::always(reply);
        let client = client(middleware(audit.guard(), &server));
        block_on(async {
            let response = client
                .post(server.url(PATH))
                .body("no JSON")
                .send()
                .await
                .unwrap();
            assert_eq!(response.bytes().await.unwrap(), body);
        });
    }
    let records = audit.records();
    assert_eq!(records.len(), 4);
    for record in &records {
        assert_members(
            record,
            &[
                ("input_tokens", Value::Null),
                ("output_tokens", Value::Null),
            ],
        );
    }
}

/// A chunk is handed on when it comes, and not when the next one does.
#[test]
fn no_chunk_is_held_back() {
    let audit = audit();
    let reply = Reply::json(200, ANSWER)
        .framing(Framing::Chunked, 60)
        .pause(Duration::from_millis(150));
    let server = Server::always(reply);
    let client = client(middleware(audit.guard(), &server));
    block_on(async {
        let mut response = client
            .post(server.url(PATH))
            .body(REQUEST)
            .send()
            .await
            .unwrap();
        let first = response.chunk().await.unwrap().unwrap();
        assert_eq!(first, &ANSWER.as_bytes()[..60]);
        let written = server
            .counts
            .body_bytes_written
            .load(std::sync::atomic::Ordering::SeqCst);
        assert!(
            written <= 120,
            "{written} bytes were written before the first was handed on"
        );
        while response.chunk().await.unwrap().is_some() {}
    });
    assert_members(&one(&audit), &[("status", json!("success"))]);
}
