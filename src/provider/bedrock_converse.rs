//! Amazon Bedrock Converse: whole bodies and streams; Amazon's own Nova models speak it behind `InvokeModel` too.
//!
//! Promise: totals include what was read from and written to a cache, which Bedrock counts beside the input; a stream
//! is complete with its `metadata`, which comes last and alone has the usage.
//! Not here: frames and their checksums (`event_stream`), the model's name, which is in the URL (`route`).
//!
//! # Source
//! boto/botocore, `bedrock-runtime/2023-09-30/service-2.json`, and what recorded bodies have.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    EventReader, bedrock_guardrail,
    bedrock_output::{Block, message},
    object::Object,
    reading::Reading,
    refusal::ProviderError,
};
use crate::operation::Usage;

#[cfg(test)]
mod tests;

/// The events of a stream.
const EVENTS: [&str; 6] = [
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
];

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let has_message = || Some(body.object("output")?.get("message").is_some());
    body.get("stopReason").is_some() && (has_message() == Some(true) || body.get("usage").is_some())
}

/// Says whether an event is of this flavour: by its name, or as Nova's by its only member.
pub(super) fn is_event(name: &[u8], event: &Object<'_>) -> bool {
    event_of(name, event).is_some()
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut known = Known::default();
    known.metadata(body);
    let content = body
        .object("output")
        .and_then(|output| output.object("message"));
    for block in content
        .iter()
        .flat_map(|message| message.elements("content"))
    {
        let tool = Object::parse(block).and_then(|block| block.object("toolUse"));
        known
            .tool_calls
            .extend(tool.and_then(|tool| tool.owned_text("name")));
    }
    Reading {
        is_complete: body.is_whole,
        finish_reasons: body.owned_text("stopReason").into_iter().collect(),
        error: ProviderError::read(body),
        raw_usage: body.get("usage").map(Cow::Borrowed),
        output: body.get("output").map(Cow::Borrowed),
        ..known.into_reading()
    }
}

/// The event's name and the object that says it.
fn event_of<'a>(name: &[u8], event: &Object<'a>) -> Option<(&'static str, Option<Object<'a>>)> {
    let named = EVENTS.into_iter().find(|known| known.as_bytes() == name);
    if named.is_some() {
        return named.map(|named| (named, None));
    }
    let nested = |known| Some((known, Some(event.object(known)?)));
    let is_bare = name.is_empty() || name == b"chunk";
    is_bare
        .then(|| EVENTS.into_iter().find_map(nested))
        .flatten()
}

/// What a body or the `metadata` of a stream says.
#[derive(Default)]
struct Known {
    usage: Usage,
    input_reported: Option<u64>,
    write_5m: Option<u64>,
    tier: Option<String>,
    speed: Option<String>,
    model: Option<String>,
    is_masked: bool,
    tool_calls: Vec<String>,
}

impl Known {
    fn metadata(&mut self, said: &Object<'_>) {
        if let Some(usage) = said.object("usage") {
            self.count(&usage);
        }
        let text = |object: &str, key: &str| said.object(object)?.owned_text(key);
        self.tier = text("serviceTier", "type");
        self.speed = text("performanceConfig", "latency");
        let trace = said.object("trace");
        self.is_masked = trace.as_ref().is_some_and(bedrock_guardrail::is_masked);
        let router = trace.and_then(|trace| trace.object("promptRouter"));
        self.model = router.and_then(|router| router.owned_text("invokedModelId"));
    }

    fn count(&mut self, usage: &Object<'_>) {
        let either = |a: &str, b: &str| usage.count(a).or_else(|| usage.count(b));
        let written = |ttl: &str| {
            let details = usage.elements("cacheDetails").filter_map(Object::parse);
            let counts = details.filter(|detail| detail.is("ttl", ttl));
            counts
                .filter_map(|detail| detail.count("inputTokens"))
                .reduce(u64::saturating_add)
        };
        let (short, long) = (written("5m"), written("1h"));
        let split = [short, long]
            .into_iter()
            .flatten()
            .reduce(u64::saturating_add);
        let read = either("cacheReadInputTokens", "cacheReadInputTokenCount");
        let write = either("cacheWriteInputTokens", "cacheWriteInputTokenCount").or(split);
        let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
        self.input_reported = usage.count("inputTokens");
        self.write_5m = short;
        self.usage = Usage {
            input_tokens: self
                .input_reported
                .map(|input| input.saturating_add(cached)),
            output_tokens: usage.count("outputTokens"),
            cache_read_tokens: read,
            cache_write_tokens: write,
            cache_write_1h_tokens: long,
            ..Usage::default()
        };
    }

    fn into_reading(self) -> Reading<'static> {
        Reading {
            response_model: self.model,
            usage: self.usage,
            input_tokens_reported: self.input_reported,
            output_tokens_reported: self.usage.output_tokens,
            cache_write_5m_tokens: self.write_5m,
            service_tier: self.tier,
            speed: self.speed,
            is_masked: self.is_masked,
            tool_calls: self.tool_calls,
            ..Reading::default()
        }
    }
}

/// A stream of this flavour, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    known: Known,
    role: Option<String>,
    stop_reason: Option<String>,
    error: Option<ProviderError>,
    blocks: BTreeMap<u64, Block>,
    raw_usage: Option<Vec<u8>>,
    has_ended: bool,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        ..Stream::default()
    })
}

impl Stream {
    fn said(&mut self, name: &str, event: &Object<'_>) {
        match name {
            "messageStart" => self.role = event.owned_text("role"),
            "messageStop" => self.stop_reason = event.owned_text("stopReason"),
            "metadata" => {
                self.known.metadata(event);
                self.raw_usage = event.get("usage").map(<[u8]>::to_vec);
                self.has_ended = event.is_whole;
            }
            "contentBlockStart" => self.block_start(event),
            "contentBlockDelta" if self.with_output => {
                if let Some(delta) = event.object("delta") {
                    self.block(event).add(&delta);
                }
            }
            _ => {}
        }
    }

    fn block_start(&mut self, event: &Object<'_>) {
        let Some(start) = event.object("start") else {
            return;
        };
        let tool = start
            .object("toolUse")
            .and_then(|tool| tool.owned_text("name"));
        self.known.tool_calls.extend(tool);
        if self.with_output {
            self.block(event).start(&start);
        }
    }

    fn block(&mut self, event: &Object<'_>) -> &mut Block {
        let index = event.count("contentBlockIndex").unwrap_or(0);
        self.blocks.entry(index).or_default()
    }
}

impl EventReader for Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        let Some(event) = Object::parse(data) else {
            return;
        };
        match event_of(name, &event) {
            Some((name, Some(nested))) => self.said(name, &nested),
            Some((name, None)) => self.said(name, &event),
            None => self.error = ProviderError::read(&event).or_else(|| self.error.take()),
        }
    }

    fn finish(self: Box<Self>, _is_whole: bool) -> Reading<'static> {
        let has_content = self.with_output && (!self.blocks.is_empty() || self.role.is_some());
        let role = self.role.unwrap_or_else(|| "assistant".to_owned());
        let blocks = self.blocks.into_values();
        let output = has_content.then(|| message(&role, blocks));
        Reading {
            is_complete: self.has_ended,
            finish_reasons: self.stop_reason.into_iter().collect(),
            error: self.error,
            raw_usage: self.raw_usage.map(Cow::Owned),
            output: output.map(Cow::Owned),
            ..self.known.into_reading()
        }
    }
}
