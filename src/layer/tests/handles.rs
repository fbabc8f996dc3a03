//! What a handle is told, and how long it keeps its call open.

use std::{thread, time::Duration};

use tracing::dispatcher;

use super::{audited, chat, record_of};
use crate::{
    Ack, AckError, Durable, LlmCall, Payload, SanitizationEvent, Usage,
    record::{AuditRecord, Capture, End},
};

#[test]
fn everything_told_is_in_the_record() {
    let record = record_of(|| {
        let _span = chat!(gen_ai.request.model = "m").entered();
        // A span of the host's that is no call lies between.
        let _inner = tracing::info_span!("client").entered();
        let call = LlmCall::current();
        assert!(call.is_recording() && call.request_id().is_some());
        call.system("be brief")
            .input(&["a", "b"])
            .output("a single text");
        call.request_json("{\"model\":\"m\"}")
            .response("{}", 200)
            .response_json("[]");
        call.usage(Usage {
            input_tokens: Some(1),
            ..Usage::default()
        });
        call.usage(Usage {
            input_tokens: Some(2),
            ..Usage::default()
        });
        call.error(&std::fmt::Error).blocked("pii").attempts(3);
        call.sanitized(SanitizationEvent::new("email", 2));
        call.metadata("k", &1).metadata("k", &2);
    });
    let call = record.call.as_ref().unwrap();
    assert_eq!(call.system, Some(Payload::Text("be brief".into())));
    assert_eq!(call.input, Some(Payload::Json(br#"["a","b"]"#.to_vec())));
    assert_eq!(call.output, Some(Payload::Text("a single text".into())));
    assert_eq!(call.request.as_deref(), Some(&b"{\"model\":\"m\"}"[..]));
    let statuses: Vec<_> = call.responses.iter().map(|body| body.http_status).collect();
    assert_eq!(statuses, [Some(200), None]);
    assert_eq!(call.usage.unwrap().input_tokens, Some(3));
    assert_eq!(call.blocked.as_deref(), Some("pii"));
    assert_eq!(call.sanitization.len(), 1);
    assert_eq!(call.metadata, [("k".to_owned(), "2".to_owned())]);
    assert_eq!(call.attempts, Some(3));
}

#[test]
fn a_handle_keeps_its_span_open_on_another_thread() {
    let (sink, dispatch) = audited();
    let call = dispatcher::with_default(&dispatch, || {
        let _span = chat!(gen_ai.request.model = "m").entered();
        LlmCall::current()
    });
    let clone = call.clone();
    drop(call);
    assert!(sink.take().is_empty());
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        clone.response_json("{}");
    })
    .join()
    .unwrap();
    let record = sink.one();
    assert_eq!(record.end, End::Closed);
    assert!(record.latency_ns >= 20_000_000);
}

#[test]
fn a_handle_without_an_audited_span_does_nothing_and_says_so() {
    let off = LlmCall::current();
    off.system("x").usage(Usage::default());
    assert!(!off.is_recording());
    assert_eq!(off.request_id(), None);
    assert_eq!(off.ack().wait(Duration::ZERO), Err(AckError::NotAudited));
    assert!(!LlmCall::start("chat", "openai", "m").is_recording());
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let _other = tracing::info_span!("no call").entered();
        assert!(!LlmCall::current().is_recording());
        assert!(!LlmCall::of(&tracing::Span::none()).is_recording());
    });
    assert!(sink.take().is_empty());
}

#[test]
fn an_acknowledgement_travels_with_the_record() {
    let mut ack = None;
    let record = record_of(|| {
        let _span = chat!(gen_ai.request.model = "m").entered();
        let call = LlmCall::current();
        ack = Some((call.ack(), call.ack()));
    });
    let (first, second): (Ack, Ack) = ack.unwrap();
    assert_eq!(first.wait(Duration::ZERO), Err(AckError::TimedOut));
    let AuditRecord { ack, .. } = *record;
    ack.unwrap().resolve(Ok(Durable { acc: 7 }));
    assert_eq!(second.wait(Duration::ZERO).unwrap().acc, 7);
}

#[test]
fn a_started_call_ends_with_its_last_handle() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let call = LlmCall::start("embeddings", "openai", "text-embedding-3-small");
        let clone = call.clone();
        drop(call);
        assert!(sink.take().is_empty());
        clone.response_json("{}");
    });
    let record = sink.one();
    assert_eq!(record.capture, Capture::Detached);
    assert_eq!(record.call.as_ref().unwrap().responses.len(), 1);
}

#[test]
fn nothing_of_a_handle_or_its_record_can_be_printed() {
    let record = record_of(|| {
        let _span = chat!(gen_ai.request.model = "m").entered();
        let call = LlmCall::current();
        call.input_text("canary");
        assert!(!format!("{call:?}").contains("canary"));
    });
    assert!(!format!("{record:?}{:?}", record.call.as_ref().unwrap().input).contains("canary"));
}
