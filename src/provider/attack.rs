//! For tests of readers: streams out of events, and what no reader may do whatever comes.

use super::{Body, BodyReader, Flavour, Reading, Want, read};

/// Reads a whole body that came with a status.
pub(super) fn whole(body: &str, http_status: u16) -> Reading<'_> {
    let body = Body {
        bytes: body.as_bytes(),
        http_status: Some(http_status),
        is_whole: true,
        ..Body::default()
    };
    read(&body, Want::Output)
}

/// Reads a stream, whole or cut, in three sizes of chunks that must agree.
pub(super) fn stream(body: &str, is_whole: bool) -> Reading<'static> {
    let mut readings = [body.len().max(1), 1, 7].into_iter().map(|size| {
        let mut reader = BodyReader::new(None, &[], Want::Output);
        body.as_bytes()
            .chunks(size)
            .for_each(|chunk| reader.push(chunk));
        reader.finish(Some(200), is_whole)
    });
    let first = readings.next().expect("three sizes");
    assert!(readings.all(|reading| reading == first), "chunks differ");
    let facts = Body {
        bytes: body.as_bytes(),
        http_status: Some(200),
        is_whole,
        ..Body::default()
    };
    let mut without = read(&facts, Want::Facts).into_owned();
    without.output.clone_from(&first.output);
    assert!(
        without == first,
        "facts depend on whether the output is wanted"
    );
    first
}

/// The output of a reading as text.
pub(super) fn output(reading: &Reading<'_>) -> String {
    String::from_utf8(reading.output.as_deref().unwrap_or_default().to_vec()).expect("text")
}

/// Server-sent events, each named by its `type`.
pub(super) fn sse(events: &[serde_json::Value]) -> String {
    let event = |event: &serde_json::Value| match event["type"].as_str() {
        Some(name) => format!("event: {name}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    };
    events.iter().map(event).collect()
}

/// Cuts a stream at every byte, and holds that nothing is made up.
pub(super) fn cut_everywhere(body: &str, flavour: Flavour) {
    let all = stream(body, true);
    assert_eq!(all.flavour, Some(flavour));
    for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
        let cut = Body {
            bytes: &body.as_bytes()[..end],
            http_status: Some(200),
            flavour: Some(flavour),
            ..Body::default()
        };
        let cut = read(&cut, Want::Output);
        let usage = &cut.usage;
        assert!(
            usage.output_tokens.is_none() || usage.output_tokens == all.usage.output_tokens,
            "output tokens, cut at {end}"
        );
        assert!(
            usage.input_tokens.is_none() || usage.input_tokens == all.usage.input_tokens,
            "input tokens, cut at {end}"
        );
        assert!(
            cut.finish_reasons
                .iter()
                .all(|reason| all.finish_reasons.contains(reason)),
            "finish reasons, cut at {end}"
        );
        assert!(
            cut.tool_calls
                .iter()
                .all(|name| all.tool_calls.contains(name)),
            "tool calls, cut at {end}"
        );
        if cut.is_complete {
            assert_eq!(usage, &all.usage, "complete, cut at {end}");
        }
    }
}

/// Sends every event twice, drops each, swaps neighbours: nothing panics.
pub(super) fn shuffle(events: &[serde_json::Value]) {
    for at in 0..events.len() {
        let mut twice = events.to_vec();
        twice.insert(at, events[at].clone());
        stream(&sse(&twice), true);
        let mut without = events.to_vec();
        without.remove(at);
        stream(&sse(&without), true);
        if at > 0 {
            let mut swapped = events.to_vec();
            swapped.swap(at - 1, at);
            stream(&sse(&swapped), true);
        }
    }
}

/// Repeats the whole stream behind its end, which changes nothing.
pub(super) fn repeat_behind_the_end(body: &str) {
    let once = stream(body, true);
    assert!(once.is_complete);
    assert!(
        stream(&body.repeat(2), true) == once,
        "events behind the end count"
    );
}
