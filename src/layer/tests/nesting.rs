//! Calls within spans and within each other: who asked, whose usage counts.

use tracing::{dispatcher, info_span};

use super::{audited, chat, record_of, text};
use crate::{
    LlmCall, Usage,
    record::{AuditRecord, Capture},
    semconv::Slot,
};

#[test]
fn a_call_below_a_context_span_inherits_who_asked() {
    let record = record_of(|| {
        let _request = info_span!(
            "request",
            user.id = "u-1",
            user.email = "a@example.org",
            tenant.id = "t-1"
        )
        .entered();
        let _between = info_span!("handler", path = "/").entered();
        let _conversation = info_span!("turn", gen_ai.conversation.id = "c-1").entered();
        let _call = chat!(gen_ai.request.model = "m").entered();
    });
    let who = [
        Slot::UserId,
        Slot::UserEmail,
        Slot::TenantId,
        Slot::ConversationId,
    ];
    let who = who.map(|slot| text(&record, slot));
    assert_eq!(who, ["u-1", "a@example.org", "t-1", "c-1"]);
}

/// A call for one person inside the request of another must not carry the other's mail address.
#[test]
fn a_person_is_inherited_whole_or_not_at_all() {
    let record = record_of(|| {
        let _request = info_span!(
            "request",
            user.id = "admin",
            user.email = "admin@example.org"
        )
        .entered();
        let _call = chat!(user.id = "u-1").entered();
    });
    assert_eq!(text(&record, Slot::UserId), "u-1");
    assert_eq!(record.facts.get(Slot::UserEmail), None);
}

#[test]
fn who_asked_may_be_recorded_on_the_context_while_the_call_runs() {
    let record = record_of(|| {
        let request = info_span!("request", enduser.id = tracing::field::Empty);
        let _entered = request.enter();
        let _call = chat!(gen_ai.request.model = "m").entered();
        request.record("enduser.id", "late");
    });
    assert_eq!(text(&record, Slot::UserId), "late");
}

#[test]
fn usage_of_nested_calls_counts_on_the_innermost_that_reports_it() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let agent = info_span!(
            "agent",
            gen_ai.operation.name = "invoke_agent",
            gen_ai.usage.input_tokens = 10
        );
        let _agent = agent.enter();
        let _inner_agent = info_span!("sub", gen_ai.operation.name = "invoke_agent").entered();
        chat!(gen_ai.usage.input_tokens = 10).in_scope(|| ());
        info_span!("tool", gen_ai.operation.name = "execute_tool").in_scope(|| ());
    });
    let records = sink.take();
    let nested: Vec<_> = records
        .iter()
        .map(|record| record.usage_is_nested)
        .collect();
    assert_eq!(nested, [false, false, true, true]);
    let [call, tool, sub, agent] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(call.parent_request_id, Some(sub.request_id));
    assert_eq!(tool.parent_request_id, Some(sub.request_id));
    assert_eq!(sub.parent_request_id, Some(agent.request_id));
    assert_eq!(agent.parent_request_id, None);
    // Without OpenTelemetry, the ids are ours: one trace, each span its own.
    assert!(
        records
            .iter()
            .all(|record| record.trace.trace_id == agent.trace.trace_id)
    );
    assert_ne!(call.trace.span_id, tool.trace.span_id);
    assert_ne!(agent.trace.trace_id, [0; 16]);
}

#[test]
fn a_call_that_did_not_report_leaves_the_usage_to_the_one_around_it() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let _agent = info_span!(
            "agent",
            gen_ai.operation.name = "invoke_agent",
            gen_ai.usage.input_tokens = 10
        )
        .entered();
        chat!(gen_ai.request.model = "m").in_scope(|| {
            LlmCall::current().response("{}", 429);
        });
    });
    assert!(sink.take().iter().all(|record| !record.usage_is_nested));
}

/// Where the span of a call is disabled, the operation around it must not get the call's answer.
#[test]
fn a_call_named_to_the_handle_is_written_detached_and_never_merged_into_its_parent() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let _context = info_span!("request", user.id = "u-1").entered();
        let _agent = info_span!("agent", gen_ai.operation.name = "invoke_agent").entered();
        let call = LlmCall::current_or_start("chat", "openai", "gpt-4o");
        call.usage(Usage {
            input_tokens: Some(3),
            ..Usage::default()
        });
    });
    let records = sink.take();
    let [call, agent] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(
        (call.capture, agent.capture),
        (Capture::Detached, Capture::Span)
    );
    assert_eq!(text(call, Slot::RequestModel), "gpt-4o");
    assert_eq!(text(call, Slot::UserId), "u-1");
    assert_eq!(call.parent_request_id, Some(agent.request_id));
    assert_eq!(call.trace.trace_id, agent.trace.trace_id);
    assert!(agent.usage_is_nested && agent.call.is_none());
}

#[test]
fn a_call_named_to_the_handle_fills_its_own_span_once() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let _span = chat!(gen_ai.request.model = "m").entered();
        LlmCall::current_or_start("chat", "openai", "m").response_json("{}");
        LlmCall::current_or_start("chat", "openai", "m").response_json("{}");
    });
    let captures: Vec<_> = sink.take().iter().map(|record| record.capture).collect();
    assert_eq!(captures, [Capture::Detached, Capture::Span]);
}

/// genai calls Gemini's operation a chat and the host of the API says `generate_content`: two records were written.
#[test]
fn a_span_is_the_call_by_whatever_name_its_emitter_has_for_it() {
    for (operation, model) in [
        ("chat", "gemini-2.5-flash"),
        ("generate_content", "gemini-2.5-flash"),
        ("LLM", "gemini-2.5-flash"),
        ("chat", ""),
        ("", ""),
    ] {
        let (sink, dispatch) = audited();
        dispatcher::with_default(&dispatch, || {
            let _span = info_span!(
                "x",
                gen_ai.operation.name = operation,
                gen_ai.request.model = model
            )
            .entered();
            LlmCall::current_or_start("generate_content", "gcp.gemini", "gemini-2.5-flash")
                .response("{}", 200);
        });
        assert_eq!(sink.take().len(), 1, "{operation} {model}");
    }
}

/// A library that tries again within its span: the second request was a record of its own, and the first an error.
#[test]
fn another_attempt_after_a_refused_one_is_the_same_call() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let _span = info_span!("x", gen_ai.operation.name = "chat").entered();
        for status in [429, 503, 200] {
            LlmCall::current_or_start("chat", "openai", "m").response("{}", status);
        }
        LlmCall::current_or_start("chat", "openai", "m").response("{}", 200);
    });
    let records = sink.take();
    let answers = |record: &AuditRecord| record.call.as_ref().unwrap().responses.len();
    assert_eq!(
        records.iter().map(|r| answers(r)).collect::<Vec<_>>(),
        [1, 3]
    );
}
