//! What is read of a span's fields, however they are given.

use std::fmt;

use tracing::field::Empty;

use super::{audited, chat, record_of, text};
use crate::{facts::FactValue, semconv::Slot};

#[test]
fn fields_given_at_open_and_recorded_later() {
    let record = record_of(|| {
        let span = chat!(
            gen_ai.request.model = "claude",
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.response.model = Empty
        );
        span.record("gen_ai.usage.input_tokens", 12_i64);
        span.record("gen_ai.usage.output_tokens", u64::MAX);
        span.record("gen_ai.response.model", "claude-1");
        span.record("gen_ai.response.model", "claude-2");
    });
    assert_eq!(text(&record, Slot::OperationName), "chat");
    assert_eq!(
        record.facts.get(Slot::InputTokens),
        Some(FactValue::Int(12))
    );
    assert_eq!(
        record.facts.get(Slot::OutputTokens),
        Some(FactValue::UInt(u64::MAX))
    );
    assert_eq!(text(&record, Slot::ResponseModel), "claude-2");
    assert_eq!(record.name, "ask");
}

#[test]
fn printed_values_are_read_as_what_they_were() {
    let record = record_of(|| {
        let span = chat!(gen_ai.request.model = ?"gpt \"4o\"", gen_ai.usage.input_tokens = %7, user.id = Empty);
        span.record("user.id", tracing::field::debug(Some("u-1")));
    });
    assert_eq!(text(&record, Slot::RequestModel), "gpt \"4o\"");
    assert_eq!(text(&record, Slot::UserId), "u-1");
    assert_eq!(record.facts.get(Slot::InputTokens), Some(FactValue::Int(7)));
}

#[test]
fn aliases_of_older_emitters_are_read() {
    let record = record_of(|| {
        drop(tracing::info_span!(
            "x",
            gen_ai.system = "openai",
            gen_ai.usage.prompt_tokens = 3,
            llm.user = "u-2"
        ));
    });
    assert_eq!(text(&record, Slot::ProviderName), "openai");
    assert_eq!(text(&record, Slot::UserId), "u-2");
    assert_eq!(record.facts.get(Slot::InputTokens), Some(FactValue::Int(3)));
}

/// `Span::record` ignores a field that its span does not declare; the handle needs no declaration.
#[test]
fn an_undeclared_field_is_lost_on_the_span_and_kept_by_the_handle() {
    let record = record_of(|| {
        let span = chat!(gen_ai.request.model = "m");
        span.record("gen_ai.response.model", "lost");
        let call = crate::LlmCall::of(&span);
        call.attribute("gen_ai.usage.input_tokens", 5_i64)
            .attribute("shop", "berlin");
    });
    assert_eq!(record.facts.get(Slot::ResponseModel), None);
    assert_eq!(record.facts.get(Slot::InputTokens), Some(FactValue::Int(5)));
    let call = record.call.as_ref().unwrap();
    assert_eq!(
        call.metadata,
        [("shop".to_owned(), "\"berlin\"".to_owned())]
    );
}

struct Panics;

impl fmt::Debug for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a host's Debug")
    }
}

#[test]
fn a_debug_that_panics_loses_its_own_field_alone() {
    let record = record_of(|| {
        let span = chat!(gen_ai.request.model = ?Panics, user.id = "u-1", tenant.id = Empty);
        span.record("tenant.id", tracing::field::debug(Panics));
        span.record("tenant.id", "t-1");
    });
    assert_eq!(record.facts.get(Slot::RequestModel), None);
    assert_eq!(text(&record, Slot::UserId), "u-1");
    assert_eq!(text(&record, Slot::TenantId), "t-1");
}

/// A `Debug` that itself opens spans and records on the very span would deadlock on the extensions' lock.
struct Emits<'a>(&'a tracing::Span);

impl fmt::Debug for Emits<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _inner = chat!(user.id = "inner").entered();
        self.0.record("tenant.id", "from debug");
        out.write_str("emitted")
    }
}

#[test]
fn a_debug_that_emits_spans_and_records_neither_deadlocks_nor_mixes_records() {
    let (sink, dispatch) = audited();
    tracing::dispatcher::with_default(&dispatch, || {
        let span = chat!(
            gen_ai.request.model = "m",
            user.id = Empty,
            tenant.id = Empty
        );
        span.record("user.id", tracing::field::debug(Emits(&span)));
        let other = chat!(gen_ai.request.model = ?Emits(&span));
        drop(other);
    });
    let records = sink.take();
    let users: Vec<_> = records
        .iter()
        .map(|record| text(record, Slot::UserId))
        .collect();
    // While a span is being opened, `tracing` has no dispatcher for further ones.
    assert_eq!(users, ["inner", "", "emitted"]);
    assert_eq!(text(&records[1], Slot::RequestModel), "emitted");
    assert_eq!(text(&records[2], Slot::TenantId), "from debug");
}

#[test]
fn spans_and_events_of_others_are_not_seen() {
    let (sink, dispatch) = audited();
    tracing::dispatcher::with_default(&dispatch, || {
        let _other = tracing::info_span!("http", method = "GET").entered();
        tracing::error!(error = "boom", "with a message");
        tracing::error!(error = "boom");
    });
    assert!(sink.take().is_empty());
}

/// `OpenInference` and `OpenLLMetry` flatten lists of messages: what is numbered is kept as one object.
#[test]
fn numbered_names_are_one_content() {
    let record = record_of(|| {
        let span = tracing::info_span!(
            "x",
            gen_ai.system = "openai",
            "gen_ai.prompt.0.role" = "user",
            "gen_ai.prompt.0.content" = ?"say \"hi\"",
            "gen_ai.prompt.1.content" = Empty,
            "gen_ai.completion.0.finish_reason" = "stop",
        );
        span.record("gen_ai.prompt.1.content", 7);
    });
    assert_eq!(
        text(&record, Slot::NumberedInput),
        r#""gen_ai.prompt.0.role":"user","gen_ai.prompt.0.content":"say \"hi\"","gen_ai.prompt.1.content":7"#
    );
    assert_eq!(text(&record, Slot::FinishReasons), "stop");
    assert!(record.facts.get(Slot::NumberedOutput).is_none());
}
