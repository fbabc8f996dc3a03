//! Recordings that break off: at random points, through the whole line.
//!
//! What a cut body may say is told here by a reference of its own, from the events that ended before the cut: every
//! count of the record stands in one usage object among them, or is a sum of counts of one; what the record says of its
//! end is what those events say. A whole body that breaks off says what the whole one says, or nothing.

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_core::Stream;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tracing_llm_audit::{
    LlmCall,
    testing::{Recorded, in_memory},
};
use tracing_subscriber::prelude::*;

use crate::recordings::{Recording, all};

/// Points at which each stream is cut, and each whole body.
const CUTS_OF_STREAM: usize = 100;
const CUTS_OF_BODY: usize = 20;
/// Counts of a record.
const COUNTS: [&str; 6] = [
    "input_tokens",
    "output_tokens",
    "thinking_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
];
/// Words by which a provider refuses in the recordings.
const REFUSALS: [&str; 4] = [
    "refusal",
    "content_filter",
    "guardrail_intervened",
    "SAFETY",
];

fn is_stream(recording: &Recording) -> bool {
    recording.index["stream"] == json!(true)
}

/// Reads a body up to `end` in two chunks, and drops it.
fn read_and_drop(recording: &Recording, end: usize, random: &mut StdRng) {
    let provider = recording.index["provider"].as_str().unwrap();
    let span = tracing::info_span!(
        "ask",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider
    );
    let _entered = span.enter();
    let call = LlmCall::current();
    if let Some(request) = &recording.request {
        call.request_json(request.clone());
    }
    let (first, second) = recording.response[..end].split_at(random.random_range(0..=end));
    let chunks = [first.to_vec(), second.to_vec()].map(Ok::<_, Infallible>);
    let status = recording.index["http_status"].as_u64().unwrap() as u16;
    let stream = call.stream(futures_util::stream::iter(chunks));
    let mut stream = pin!(stream.http_status(status));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        let polled = stream.as_mut().poll_next(&mut context);
        assert!(matches!(polled, Poll::Ready(Some(_))));
    }
}

/// The records of one recording that was cut at these points.
fn records(recording: &Recording, ends: &[usize]) -> Vec<Recorded> {
    let (layer, audit) = in_memory();
    let mut random = StdRng::seed_from_u64(ends.len() as u64);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for end in ends {
            read_and_drop(recording, *end, &mut random);
        }
    });
    audit.records()
}

fn ends(recording: &Recording, count: usize) -> Vec<usize> {
    let seed = recording.id.bytes().map(u64::from).sum();
    let mut random = StdRng::seed_from_u64(seed);
    let bytes = recording.response.len();
    (0..count).map(|_| random.random_range(0..bytes)).collect()
}

/// The events that ended before the cut: name and data.
fn finished(recording: &Recording, end: usize) -> Vec<(String, Value)> {
    let body = &recording.response[..end];
    let name = recording.index["response_file"].as_str().unwrap();
    if name.strip_suffix(".b64").is_some() {
        return frames(body);
    }
    let text = String::from_utf8_lossy(body);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_lines = name.strip_suffix(".ndjson").is_some();
    let mut events: Vec<&str> = text.split(if is_lines { "\n" } else { "\n\n" }).collect();
    // What stands behind the last end is not finished.
    events.pop();
    events.into_iter().map(event).collect()
}

fn event(text: &str) -> (String, Value) {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let data = field("data:").unwrap_or(text).trim();
    let value = serde_json::from_str(data).unwrap_or_else(|_| json!(data));
    (field("event:").unwrap_or_default().trim().to_owned(), value)
}

/// Frames of an AWS event stream, by their lengths alone.
fn frames(mut body: &[u8]) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    while body.len() >= 12 {
        let length = |at: usize| u32::from_be_bytes(body[at..at + 4].try_into().unwrap()) as usize;
        let (frame, headers) = (length(0), length(4));
        if body.len() < frame {
            break;
        }
        let name = String::from_utf8_lossy(&body[12..12 + headers]).into_owned();
        let payload: Value = serde_json::from_slice(&body[12 + headers..frame - 4]).unwrap();
        let inner = payload["bytes"]
            .as_str()
            .map(|text| STANDARD.decode(text).unwrap());
        let payload = inner.map_or(payload, |bytes| serde_json::from_slice(&bytes).unwrap());
        found.push((name, payload));
        body = &body[frame..];
    }
    found
}

/// The numbers of each object in which counts stand together.
fn objects_of_counts(value: &Value, found: &mut Vec<Vec<u64>>) {
    let members: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(elements) => elements.iter().collect(),
        _ => return,
    };
    let mut numbers = Vec::new();
    for member in &members {
        collect(member, &mut numbers);
    }
    found.push(numbers);
    for member in members {
        objects_of_counts(member, found);
    }
}

fn collect(value: &Value, numbers: &mut Vec<u64>) {
    match value {
        Value::Number(number) => numbers.extend(number.as_u64()),
        Value::Object(members) => members.values().for_each(|value| collect(value, numbers)),
        _ => {}
    }
}

/// Says whether a count is one of these, or a sum of two or three of them.
fn is_said(count: u64, numbers: &[u64]) -> bool {
    let sums = |a: &u64| {
        let two = |b: &u64| a + b == count || numbers.iter().any(|c| a + b + c == count);
        *a == count || numbers.iter().any(two)
    };
    numbers.iter().any(sums)
}

/// Says whether an event is the last that its provider sends. Gemini sends none: only the connection's end tells.
fn is_last(name: &str, event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    let ends = [
        "message_stop",
        "message-end",
        "response.completed",
        "response.incomplete",
        "response.failed",
    ];
    *event == json!("[DONE]")
        || ends.contains(&kind)
        || event["done"] == json!(true)
        || event["event_type"] == json!("stream-end")
        || name.contains("metadata")
}

/// The status that the finished events give.
fn status_of(events: &[(String, Value)]) -> &'static str {
    let text = |event: &Value| event.to_string();
    let is_error = |(name, event): &(String, Value)| {
        name == "error" || event["type"] == json!("error") || event["error"].is_object()
    };
    let is_refused = |(_, event): &(String, Value)| {
        let text = text(event);
        REFUSALS.iter().any(|word| {
            let keys = ["finish_reason", "stop_reason", "stopReason", "finishReason"];
            keys.iter()
                .any(|key| text.contains(&format!("\"{key}\":\"{word}\"")))
        })
    };
    // Bedrock's trace comes behind the stop reason: what it says of masks alone was no refusal.
    let is_masked = events.iter().any(|(_, event)| {
        let trace = text(&event["trace"]);
        trace.contains("\"ANONYMIZED\"") && !trace.contains("\"BLOCKED\"")
    });
    if events.iter().any(is_refused) && !is_masked {
        "blocked"
    } else if events.iter().any(is_error) {
        "error"
    } else if events.iter().any(|(name, event)| is_last(name, event)) {
        "success"
    } else {
        "incomplete"
    }
}

#[test]
fn a_cut_stream_says_what_its_finished_events_say() {
    let mut wrong = Vec::new();
    for recording in all().iter().filter(|recording| is_stream(recording)) {
        let ends = ends(recording, CUTS_OF_STREAM);
        let records = records(recording, &ends);
        assert_eq!(records.len(), ends.len());
        for (end, record) in ends.iter().zip(&records) {
            let events = finished(recording, *end);
            let at = format!("{} cut at {end}", recording.id);
            let mut objects = Vec::new();
            for (_, event) in &events {
                objects_of_counts(event, &mut objects);
            }
            for key in COUNTS {
                let count = record.get(key).as_u64();
                let is_said =
                    count.is_none_or(|count| objects.iter().any(|object| is_said(count, object)));
                if !is_said {
                    wrong.push(format!("{at}: {key} {}", record.get(key)));
                }
            }
            let expected = status_of(&events);
            if record.get("status") != expected {
                wrong.push(format!("{at}: {} and not {expected}", record.get("status")));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: {}",
        wrong.len(),
        wrong[..wrong.len().min(30)].join("\n")
    );
}

/// The official clients stop reading at the stream's last event and drop it before the connection ends: their records
/// said `incomplete` of answers that were whole.
#[test]
fn a_reader_that_stops_behind_the_last_event_has_read_all() {
    for recording in all().iter().filter(|recording| is_stream(recording)) {
        let whole = recording.response.len();
        let records = records(recording, &[whole]);
        let events = finished(recording, whole);
        assert_eq!(
            records[0].get("status"),
            status_of(&events),
            "{}",
            recording.id
        );
        let has_end = recording.index["api"] != json!("gemini.streamGenerateContent");
        let is_incomplete = records[0].get("status") == "incomplete";
        assert_ne!(is_incomplete, has_end, "{}", recording.id);
    }
}

#[test]
fn a_cut_body_says_nothing_that_the_whole_one_does_not() {
    let mut wrong = Vec::new();
    for recording in all().iter().filter(|recording| !is_stream(recording)) {
        let mut ends = ends(recording, CUTS_OF_BODY);
        ends.push(recording.response.len());
        let mut records = records(recording, &ends);
        let whole = records.pop().unwrap();
        for (end, record) in ends.iter().zip(&records) {
            for key in COUNTS
                .iter()
                .copied()
                .chain(["response_id", "model", "cost_usd"])
            {
                let (said, whole) = (record.get(key), whole.get(key));
                // Without the response's model the record names the request's.
                let is_asked = key == "model" && said == record.get("request_model");
                if !said.is_null() && said != whole && !is_asked {
                    wrong.push(format!("{} cut at {end}: {key} {said}", recording.id));
                }
            }
            let status = record.get("status");
            let failed = recording.index["http_status"].as_u64() >= Some(400);
            let is_fine = if failed {
                status == "error"
            } else {
                status == "incomplete" || status == "blocked"
            };
            let is_space = recording.response[*end..]
                .iter()
                .all(u8::is_ascii_whitespace);
            if !is_fine && !is_space {
                wrong.push(format!("{} cut at {end}: {status}", recording.id));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: {}",
        wrong.len(),
        wrong[..wrong.len().min(30)].join("\n")
    );
}
