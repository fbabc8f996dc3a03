//! The configurations of collector-config/, held against the real Collector and the real Jaeger.
//!
//! What goes in is OTLP that this file spells itself, so that a mistake of the library's exporter cannot hide here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::services::{
    Collector, Jaeger, PATIENCE, attribute, config, free_port, http, loopback, program, tag,
    wait_for,
};

#[test]
fn each_configuration_is_valid() {
    for (service, name) in [
        ("otelcol", "dev"),
        ("otelcol", "jaeger"),
        ("otelcol", "agent"),
        ("jaeger", "jaeger-v2"),
    ] {
        let Some(program) = program(service) else {
            return;
        };
        let path = config(&format!("{name}.yaml"));
        let said = Command::new(program)
            .arg("validate")
            .arg("--config")
            .arg(path)
            .output()
            .unwrap();
        assert!(
            said.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&said.stderr)
        );
    }
}

/// The images of compose.yaml are the versions that the other tests here run, built from source.
#[test]
fn compose_names_the_versions_that_are_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compose = fs::read_to_string(config("compose.yaml")).unwrap();
    assert!(compose.contains("jaegertracing/jaeger:2.13.0"));
    let Ok(manifest) = fs::read_to_string(root.join(".ci/otelcol-builder.yaml")) else {
        return;
    }; // Not in the package.
    let version = manifest
        .lines()
        .find_map(|line| line.trim().strip_prefix("version: "))
        .unwrap();
    assert!(compose.contains(&format!("otel/opentelemetry-collector-contrib:{version}")));
    for port in compose
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- \""))
    {
        assert!(
            port.starts_with("127.0.0.1:"),
            "{port} listens beyond loopback"
        );
    }
}

#[test]
fn dev_prints_and_keeps_what_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let Some(collector) = Collector::start("dev.yaml", folder.path(), &[]) else {
        return;
    };
    post(&collector, "/v1/logs", &logs(0..3, "shown"));
    post(
        &collector,
        "/v1/traces",
        &traces("dev", &[json!({"name": "one span"})]),
    );
    let records = wait_for("three records", PATIENCE, || {
        Some(collector.log_records()).filter(|all| all.len() == 3)
    });
    assert_eq!(attribute(&records[2], "llm_audit.seq"), Some(&json!("2")));
    let spans = wait_for("a span", PATIENCE, || {
        Some(collector.spans()).filter(|all| !all.is_empty())
    });
    assert_eq!(spans[0]["name"], "one span");
    wait_for("readable output", PATIENCE, || {
        collector
            .printed()
            .contains("llm_audit.seq: Int(2)")
            .then_some(())
    });
}

/// A client that this project did not write, over gRPC.
#[test]
fn dev_takes_what_a_stranger_sends() {
    let folder = tempfile::tempdir().unwrap();
    let Some(collector) = Collector::start("dev.yaml", folder.path(), &[]) else {
        return;
    };
    let Some(telemetrygen) = program("telemetrygen") else {
        return;
    };
    let said = Command::new(telemetrygen)
        .args([
            "logs",
            "--logs=7",
            "--workers=1",
            "--otlp-insecure",
            "--otlp-endpoint",
        ])
        .arg(loopback(collector.grpc_port))
        .output()
        .unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    wait_for("seven records", PATIENCE, || {
        (collector.log_records().len() == 7).then_some(())
    });
}

#[test]
fn jaeger_gets_the_traces_and_the_file_gets_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let Some(jaeger) = Jaeger::start(folder.path()) else {
        return;
    };
    let upstream = [("JAEGER_OTLP_ENDPOINT", loopback(jaeger.otlp_port))];
    let Some(collector) = Collector::start("jaeger.yaml", folder.path(), &upstream) else {
        return;
    };
    let span = json!({"name": "ask", "attributes": [integer("gen_ai.usage.input_tokens", 21)]});
    post(&collector, "/v1/traces", &traces("both", &[span]));
    post(&collector, "/v1/logs", &logs(0..1, "kept"));
    let spans = wait_for("the trace", PATIENCE, || {
        Some(jaeger.spans(&trace_id(0))).filter(|all| !all.is_empty())
    });
    assert_eq!(spans[0]["operationName"], "ask");
    assert_eq!(
        tag(&spans[0], "gen_ai.usage.input_tokens"),
        Some(&json!(21))
    );
    wait_for("the record", PATIENCE, || {
        (collector.log_records().len() == 1).then_some(())
    });
}

/// The next hop is down; the agent accepts, is killed, starts again, and delivers all of it unaltered.
#[test]
fn agent_keeps_what_it_accepted() {
    const RECORDS: u64 = 500;
    let folder = tempfile::tempdir().unwrap();
    let next_hop = free_port();
    let env = [
        ("AUDIT_ENDPOINT", loopback(next_hop)),
        ("UPSTREAM_INSECURE", "true".into()),
        ("RETRY_INITIAL", "100ms".into()),
        ("RETRY_MAX", "1s".into()),
    ];
    let Some(agent) = Collector::start("agent.yaml", &folder.path().join("agent"), &env) else {
        return;
    };
    let text = "Authorization: Bearer sk-0123456789abcdef, to be kept: the record is evidence";
    for first in (0..RECORDS).step_by(50) {
        post(&agent, "/v1/logs", &logs(first..first + 50, text));
    }
    drop(agent); // SIGKILL.
    let _agent = Collector::start("agent.yaml", &folder.path().join("agent"), &env).unwrap();
    let gateway_env = [("OTLP_GRPC_ENDPOINT", loopback(next_hop))];
    let gateway =
        Collector::start("jaeger.yaml", &folder.path().join("gateway"), &gateway_env).unwrap();
    let records = wait_for("every record", PATIENCE, || {
        let records = gateway.log_records();
        seqs(&records).eq(0..RECORDS).then_some(records)
    });
    assert!(
        records
            .iter()
            .all(|record| record["body"]["stringValue"] == text)
    );
}

/// What the agent cannot keep it does not accept: the answer is one that a sender tries again.
#[test]
fn agent_with_a_full_queue_refuses_for_now() {
    const REQUESTS_MAX: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let env = [
        ("AUDIT_ENDPOINT", loopback(free_port())), // Nobody there.
        ("AUDIT_QUEUE_BYTES", "4000000".into()),
        ("RETRY_INITIAL", "1h".into()),
        ("RETRY_MAX", "1h".into()),
    ];
    let Some(agent) = Collector::start("agent.yaml", folder.path(), &env) else {
        return;
    };
    let request = logs(0..1, &"x".repeat(100_000));
    let send = |_| {
        http::post_json(agent.http_port, "/v1/logs", &request)
            .unwrap()
            .status
    };
    let refused = (0..REQUESTS_MAX).map(send).find(|&status| status != 200);
    assert_eq!(refused, Some(503));
}

/// The distinct seqs in ascending order: delivery is at least once.
fn seqs(records: &[Value]) -> impl Iterator<Item = u64> {
    let seq = |record| {
        attribute(record, "llm_audit.seq")
            .and_then(Value::as_str)
            .unwrap()
            .parse()
            .unwrap()
    };
    records
        .iter()
        .map(seq)
        .collect::<BTreeSet<u64>>()
        .into_iter()
}

/// Where a canary is put, and the text around it (`{}` is the canary). One span each.
const HIDING_PLACES: &[(&str, &str)] = &[
    // Prompts and answers, by the names that emitters give them.
    (
        "span gen_ai.input.messages",
        r#"[{"role":"user","parts":[{"type":"text","content":"{}"}]}]"#,
    ),
    ("span gen_ai.output.messages", "{}"),
    ("span gen_ai.system_instructions", "Be kind to {}"),
    ("span gen_ai.prompt.0.content", "{}"),
    ("span gen_ai.completion", "{}"),
    ("span gen_ai.tool.call.arguments", r#"{"city":"{}"}"#),
    ("span gen_ai.tool.call.result", "{}"),
    ("span gen_ai.tool.definitions", "{}"),
    ("span gen_ai.retrieval.query.text", "{}"),
    ("span gen_ai.prompt.variable.name", "{}"),
    ("span llm.input_messages.0.message.content", "{}"),
    ("span input.value", "{}"),
    ("span traceloop.entity.output", "{}"),
    ("span prompt", "an argument that `instrument` captured: {}"),
    ("span messages", "[Message { role: User, content: \"{}\" }]"),
    ("list gen_ai.input.messages", "{}"),
    ("map gen_ai.output.messages", "{}"),
    ("event gen_ai.input.messages", "{}"),
    ("event name", "sending {} to the model"),
    ("event content", "{}"),
    // Headers.
    ("span http.request.header.authorization", "Bearer {}"),
    ("list http.request.header.x-api-key", "{}"),
    ("span headers", "{\"x-whatever\": \"{}\"}"),
    ("span note", "sent with Authorization: Bearer {}"),
    ("span note", "sent with 'authorization': 'Basic {}='"),
    ("span note", "x-api-key: {}"),
    ("span note", "\"api_key\": \"{}\""),
    ("span x-api-key", "{}"),
    ("span note", "key sk-ant-api03-{}"),
    ("list note", "AIzaSy{}0123456789"),
    ("map note", "AKIA{}00"),
    ("span note", "eyJhbGciOi.eyJ{}.c2lnbmF0dXJl"),
    (
        "span note",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n{}\n-----END PRIVATE KEY-----",
    ),
    ("resource note", "token=1; password={}"),
    ("resource process.command_line", "serve --key {}"),
    ("event note", "Bearer {}"),
    ("span name", "call with sk-{}00000000"),
    // URLs.
    (
        "span url.full",
        "https://generativelanguage.googleapis.com/v1beta/models?key={}",
    ),
    (
        "span http.url",
        "https://api.example.com/v1/chat?unheard_of={}&x=1",
    ),
    ("span url.query", "alt=sse&q={}"),
    ("span http.target", "/v1/chat?session={}"),
    ("span server", "postgres://app:{}@db/app"),
    ("span note", "GET https://user:{}@proxy/ failed"),
    ("span name", "GET https://api.example.com/v1?key={}"),
    ("event url.full", "https://api.example.com/v1?key={}"),
    // Errors.
    ("event exception.message", "the model refused: {}"),
    ("event exception.stacktrace", "0: app::ask({})"),
    ("event error", "{}"),
    ("event name", "call failed: {}"),
    ("span exception.message", "{}"),
    ("span exception.stacktrace", "[\"{}\"]"),
    ("span error", "{}"),
    ("span error.message", "{}"),
    ("span err", "Api { body: \"{}\" }"),
    ("list cause.chain", "{}"),
    ("status", "400: {}"),
];
const CANARIES: usize = 200;

/// 200 secrets in prompts, headers, URLs and errors: through the production agent none of them is found in Jaeger, and
/// what an operator needs is. Without the agent all of them are found, so the search itself works.
///
/// Most hiding places are on spans without events: with its statements in one list, the transform processor ran all of
/// them once per event, so that a span without one passed as it was.
#[test]
fn agent_lets_no_canary_into_jaeger() {
    let folder = tempfile::tempdir().unwrap();
    let Some(jaeger) = Jaeger::start(folder.path()) else {
        return;
    };
    let agent_env = [
        ("TRACES_ENDPOINT", loopback(jaeger.otlp_port)),
        ("UPSTREAM_INSECURE", "true".into()),
    ];
    let agent = Collector::start("agent.yaml", &folder.path().join("agent"), &agent_env).unwrap();
    let plain_env = [("JAEGER_OTLP_ENDPOINT", loopback(jaeger.otlp_port))];
    let plain = Collector::start("jaeger.yaml", &folder.path().join("plain"), &plain_env).unwrap();
    for (collector, service) in [(&agent, "guarded"), (&plain, "open")] {
        for number in 0..CANARIES {
            post(collector, "/v1/traces", &hide(service, number));
        }
    }
    let guarded = everything_of(&jaeger, "guarded");
    let through: BTreeSet<_> = (0..CANARIES)
        .filter(|&number| guarded.contains(&canary(number)))
        .map(place)
        .collect();
    assert!(
        through.is_empty(),
        "canaries in Jaeger, hidden in {through:?}"
    );
    for passes in [
        "PASSES-ID",
        "PASSES-HASH",
        "PASSES-MODEL",
        "PASSES-NAME",
        "PASSES-TYPE",
    ] {
        assert_eq!(guarded.matches(passes).count(), CANARIES, "{passes}");
    }
    let open = everything_of(&jaeger, "open");
    let lost: BTreeSet<_> = (0..CANARIES)
        .filter(|&number| !open.contains(&canary(number)))
        .map(place)
        .collect();
    assert!(
        lost.is_empty(),
        "the search does not find what is there, hidden in {lost:?}"
    );
}

fn place(number: usize) -> (&'static str, &'static str) {
    HIDING_PLACES[number % HIDING_PLACES.len()]
}

fn canary(number: usize) -> String {
    format!("CANARY{number:03}X")
}

/// All traces of a service, once all have arrived, as the query API tells them.
fn everything_of(jaeger: &Jaeger, service: &str) -> String {
    wait_for(&format!("all traces of {service}"), PATIENCE, || {
        std::thread::sleep(Duration::from_millis(200));
        let all = jaeger.raw(&format!(
            "/api/traces?service={service}&limit=1000&lookback=1h"
        ));
        (all.matches("PASSES-ID").count() >= CANARIES).then_some(all)
    })
}

/// One trace with one span that hides one canary, and carries what must pass.
fn hide(service: &str, number: usize) -> Value {
    let (place, template) = place(number);
    let text = template.replace("{}", &canary(number));
    let (part, key) = place.split_once(' ').unwrap_or((place, ""));
    let mut attributes = vec![
        string("llm_audit.request_id", "PASSES-ID"),
        string("llm_audit.input_hash", "hmac-sha256:0a1b2c3d:PASSES-HASH"),
        string("gen_ai.request.model", "PASSES-MODEL"),
        string("gen_ai.prompt.name", "PASSES-NAME"),
        string("error.type", "PASSES-TYPE"),
    ];
    match part {
        "span" if key != "name" => attributes.push(string(key, &text)),
        "list" => attributes.push(
            json!({"key": key, "value": {"arrayValue": {"values": [{"stringValue": text}]}}}),
        ),
        "map" => attributes.push(
            json!({"key": key, "value": {"kvlistValue": {"values": [string("content", &text)]}}}),
        ),
        _ => {}
    }
    let event = match place {
        "event name" => json!([{"name": text, "timeUnixNano": now_ns()}]),
        _ if part == "event" => {
            json!([{"name": "exception", "timeUnixNano": now_ns(), "attributes": [string(key, &text)]}])
        }
        _ => json!([]),
    };
    let name = if place == "span name" {
        text.as_str()
    } else {
        "chat"
    };
    let status = if part == "status" {
        json!({"code": 2, "message": text})
    } else {
        json!({"code": 2})
    };
    let mut span =
        json!({"name": name, "attributes": attributes, "events": event, "status": status});
    span["traceId"] = json!(trace_id(
        number + if service == "open" { 100_000 } else { 1000 }
    ));
    let mut request = traces(service, &[span]);
    let resource = &mut request["resourceSpans"][0];
    if part == "resource" {
        let attributes = &mut resource["resource"]["attributes"];
        attributes.as_array_mut().unwrap().push(string(key, &text));
    }
    request
}

fn string(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn integer(key: &str, value: u64) -> Value {
    json!({"key": key, "value": {"intValue": value.to_string()}})
}

fn trace_id(number: usize) -> String {
    format!("{:032x}", number + 1)
}

fn now_ns() -> String {
    // Jaeger searches by time, and takes only what is recent.
    #[allow(
        clippy::disallowed_methods,
        reason = "a real service compares it with the real clock"
    )]
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_nanos()
        .to_string()
}

/// An OTLP JSON request for `spans`; ids and times are filled in where a span has none.
fn traces(service: &str, spans: &[Value]) -> Value {
    let filled = |(number, span): (usize, &Value)| {
        let mut all = json!({
            "traceId": trace_id(number), "spanId": format!("{:016x}", number + 1), "kind": 3,
            "startTimeUnixNano": now_ns(), "endTimeUnixNano": now_ns(),
        });
        all.as_object_mut()
            .unwrap()
            .extend(span.as_object().unwrap().clone());
        all
    };
    let spans: Vec<_> = spans.iter().enumerate().map(filled).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [string("service.name", service)]},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
    }]})
}

/// An OTLP JSON request with one log record per seq.
fn logs(seqs: std::ops::Range<u64>, body: &str) -> Value {
    let record = |seq| {
        json!({"timeUnixNano": now_ns(), "observedTimeUnixNano": now_ns(), "severityNumber": 9,
            "body": {"stringValue": body}, "attributes": [integer("llm_audit.seq", seq)]})
    };
    let records: Vec<_> = seqs.map(record).collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": [string("service.name", "test")]},
        "scopeLogs": [{"scope": {"name": "test"}, "logRecords": records}],
    }]})
}

fn post(collector: &Collector, path: &str, request: &Value) {
    let reply = http::post_json(collector.http_port, path, request).unwrap();
    assert_eq!(
        reply.status,
        200,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
}
