//! How a call ended: returned, failed, panicked, cancelled, or nobody said.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    thread,
    time::Duration,
};

use tracing::{Instrument, dispatcher, instrument};

use super::{audited, chat, record_of, text};
use crate::{LlmCall, record::End, semconv::Slot};

#[instrument(skip_all, err, fields(gen_ai.operation.name = "chat"))]
fn fails() -> Result<(), String> {
    let _ = fails_within();
    Err("rate limited".into())
}

#[instrument(err)]
fn fails_within() -> Result<(), String> {
    Err("an error that was handled".into())
}

/// The error of a helper's own span, which the caller may handle, is not how the call ended.
#[test]
fn instrument_err_tells_the_error_of_that_span_alone() {
    let record = record_of(|| assert!(fails().is_err()));
    assert_eq!(text(&record, Slot::ErrorMessage), "rate limited");
    let record = record_of(|| {
        let _span = chat!(user.id = "u").entered();
        assert!(fails_within().is_err());
    });
    assert_eq!(record.facts.get(Slot::ErrorMessage), None);
}

#[test]
fn a_panic_inside_the_span_is_told() {
    let record = record_of(|| {
        let span = chat!(user.id = "u");
        let body = || span.in_scope(|| panic!("inside"));
        assert!(catch_unwind(AssertUnwindSafe(body)).is_err());
    });
    assert_eq!(record.end, End::Panicked);
}

#[test]
fn a_panic_that_was_caught_inside_the_span_is_not() {
    let record = record_of(|| {
        let _span = chat!(user.id = "u").entered();
        assert!(catch_unwind(|| panic!("inside")).is_err());
    });
    assert_eq!(record.end, End::Closed);
}

/// A destructor that makes a call while its thread unwinds makes a good call.
#[test]
fn a_call_made_while_unwinding_did_not_panic() {
    struct Calls;
    impl Drop for Calls {
        fn drop(&mut self) {
            chat!(user.id = "u").in_scope(|| ());
        }
    }
    let record = record_of(|| {
        let body = || {
            let _calls = Calls;
            panic!("outside")
        };
        assert!(catch_unwind(AssertUnwindSafe(body)).is_err());
    });
    assert_eq!(record.end, End::Closed);
}

async fn pending_once() {
    let mut is_first = true;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::take(&mut is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_dropped_future_is_cancelled_and_a_finished_one_is_not() {
    let (sink, dispatch) = audited();
    let _default = dispatcher::set_default(&dispatch);
    current_thread().block_on(async {
        let finished = async {
            let _call = LlmCall::current();
            pending_once().await;
        };
        finished.instrument(chat!(user.id = "finished")).await;
        let cancelled = async {
            let _call = LlmCall::current();
            std::future::pending::<()>().await;
        };
        let cancelled = cancelled.instrument(chat!(user.id = "cancelled"));
        assert!(
            tokio::time::timeout(Duration::from_millis(5), cancelled)
                .await
                .is_err()
        );
        // The answer was told before: cancelling what came after takes nothing from it.
        let answered = async {
            LlmCall::current().response_json("{}");
            std::future::pending::<()>().await;
        };
        let answered = answered.instrument(chat!(user.id = "answered"));
        assert!(
            tokio::time::timeout(Duration::from_millis(5), answered)
                .await
                .is_err()
        );
    });
    let ends: Vec<_> = sink
        .take()
        .iter()
        .map(|record| (text(record, Slot::UserId).to_owned(), record.end))
        .collect();
    let expected = [
        ("finished".to_owned(), End::Closed),
        ("cancelled".to_owned(), End::Cancelled),
        ("answered".to_owned(), End::Closed),
    ];
    assert_eq!(ends, expected);
}

#[test]
fn a_synchronous_function_with_a_handle_is_not_cancelled() {
    let record = record_of(|| {
        let _span = chat!(user.id = "u").entered();
        let _call = LlmCall::current();
    });
    assert_eq!(record.end, End::Closed);
}

#[test]
fn a_span_closed_on_another_thread_and_one_entered_twice() {
    let (sink, dispatch) = audited();
    let span = dispatcher::with_default(&dispatch, || chat!(user.id = "u"));
    span.in_scope(|| span.in_scope(|| ()));
    assert!(sink.take().is_empty());
    thread::spawn(move || span.in_scope(|| ())).join().unwrap();
    assert_eq!(sink.one().end, End::Closed);
}

/// The latency ends with the call, not with a detached task that keeps a child span open.
#[test]
fn latency_ends_at_the_last_exit() {
    let record = record_of(|| {
        let span = chat!(user.id = "u");
        let child = span.in_scope(|| tracing::info_span!("child", user.id = "u"));
        drop(span);
        thread::sleep(Duration::from_millis(60));
        drop(child);
    });
    assert!(record.latency_ns < 50_000_000, "{}", record.latency_ns);
}

#[test]
fn follows_from_makes_no_parent() {
    let (sink, dispatch) = audited();
    dispatcher::with_default(&dispatch, || {
        let first = chat!(user.id = "first");
        let second = chat!(gen_ai.request.model = "m");
        second.follows_from(&first);
    });
    let records = sink.take();
    assert_eq!(records.len(), 2);
    assert!(
        records
            .iter()
            .all(|record| record.parent_request_id.is_none())
    );
    let second = records
        .iter()
        .find(|record| text(record, Slot::RequestModel) == "m");
    assert_eq!(second.unwrap().facts.get(Slot::UserId), None);
}

#[test]
fn many_threads_make_one_record_each() {
    const CALLS: usize = 500;
    let (sink, dispatch) = audited();
    thread::scope(|scope| {
        for thread in 0..8 {
            let dispatch = &dispatch;
            scope.spawn(move || {
                dispatcher::with_default(dispatch, || {
                    for call in 0..CALLS {
                        let span = chat!(user.id = %format!("{thread}-{call}"));
                        let _entered = span.enter();
                        LlmCall::current().input_text("x");
                    }
                });
            });
        }
    });
    let records = sink.take();
    let mut users: Vec<_> = records
        .iter()
        .map(|record| text(record, Slot::UserId))
        .collect();
    users.sort_unstable();
    users.dedup();
    assert_eq!(users.len(), 8 * CALLS);
    let mut ids: Vec<_> = records.iter().map(|record| record.request_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8 * CALLS);
}
