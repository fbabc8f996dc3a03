//! Replies returned as streams: one record, the first chunk, the true end.

use std::{convert::Infallible, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use tracing::{dispatcher, instrument};

use super::audited;
use crate::{LlmCall, record::End};

#[instrument(skip_all, fields(gen_ai.operation.name = "chat"))]
async fn ask(
    chunks: Vec<Result<&'static str, &'static str>>,
) -> impl Stream<Item = Result<&'static str, &'static str>> {
    tokio::task::yield_now().await;
    let chunks = stream::iter(chunks).then(|chunk| async move {
        tokio::time::sleep(Duration::from_millis(10)).await;
        chunk
    });
    LlmCall::current().stream(chunks).http_status(200)
}

fn run<T>(body: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(body)
}

#[test]
fn a_function_that_returns_a_stream_is_one_record_that_ends_with_the_stream() {
    let (sink, dispatch) = audited();
    let _default = dispatcher::set_default(&dispatch);
    run(async {
        let reply = ask(vec![Ok("data: a\n\n"), Ok("data: b\n\n")]).await;
        assert!(sink.take().is_empty());
        assert_eq!(reply.collect::<Vec<_>>().await.len(), 2);
    });
    let record = sink.one();
    let body = &record.call.as_ref().unwrap().responses[0];
    assert_eq!(body.bytes, b"data: a\n\ndata: b\n\n");
    assert!(body.complete && body.http_status == Some(200));
    assert_eq!(record.end, End::Closed);
    let first = record.first_chunk_ns.unwrap();
    assert!((10_000_000..record.latency_ns).contains(&first));
    assert!(record.latency_ns >= 20_000_000);
}

#[test]
fn a_dropped_stream_is_cancelled_and_keeps_what_came() {
    let (sink, dispatch) = audited();
    let _default = dispatcher::set_default(&dispatch);
    run(async {
        let mut reply = Box::pin(ask(vec![Ok("a"), Ok("b")]).await);
        assert!(reply.next().await.is_some());
    });
    let record = sink.one();
    let body = &record.call.as_ref().unwrap().responses[0];
    assert_eq!((body.bytes.as_slice(), body.complete), (&b"a"[..], false));
    assert_eq!(record.end, End::Cancelled);
}

#[test]
fn a_stream_that_breaks_tells_its_error() {
    let (sink, dispatch) = audited();
    let _default = dispatcher::set_default(&dispatch);
    run(async {
        ask(vec![Ok("a"), Err("connection reset")])
            .await
            .collect::<Vec<_>>()
            .await;
    });
    let record = sink.one();
    let call = record.call.as_ref().unwrap();
    assert_eq!(call.error.as_ref().unwrap().message, "connection reset");
    assert!(!call.responses[0].complete);
    assert_eq!(record.end, End::Closed);
}

#[test]
fn parsed_events_are_recorded_as_server_sent_ones() {
    let (sink, dispatch) = audited();
    let _default = dispatcher::set_default(&dispatch);
    run(async {
        let call = LlmCall::start("chat", "openai", "m");
        let events = stream::iter([1, 2].map(Ok::<_, Infallible>));
        call.stream_events(events).collect::<Vec<_>>().await;
    });
    let record = sink.one();
    assert_eq!(
        record.call.as_ref().unwrap().responses[0].bytes,
        b"data: 1\n\ndata: 2\n\n"
    );
}

#[test]
fn a_stream_of_a_call_that_is_not_audited_passes_unchanged() {
    let items = run(async {
        let bytes = stream::iter(["a", "b"].map(Ok::<_, Infallible>));
        LlmCall::off().stream(bytes).collect::<Vec<_>>().await
    });
    assert_eq!(items, ["a", "b"].map(Ok));
}
