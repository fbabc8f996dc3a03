//! Anthropic Messages: whole bodies and streams.
//!
//! Promise: totals include cached input; the output count of `message_start` is a stub and never taken for the answer.
//! Not here: prices of the iterations that the top-level counts leave out.
//!
//! # What is billed
//! Where a model declined and another answered, `usage.iterations` has each attempt: the declined as `message` with
//! its model, the one that answered as `fallback_message`. An attempt that brought no output is not billed, one that
//! declined in the middle is, at its own model's price. An answer that is a refusal without any output is not billed
//! either.
//!
//! # Source
//! anthropics/anthropic-sdk-python at 009b0353, and what recorded streams do.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    EventReader,
    merge::Node,
    object::Object,
    reading::{Iteration, Reading},
    refusal::ProviderError,
};
use crate::operation::Usage;
use llm_audit_journal::json;

/// Members of a usage object that are kept; an honest one has about ten.
const USAGE_MEMBERS_MAX: usize = 64;

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    body.is("type", "error") || body.is("type", "message") && body.get("content").is_some()
}

/// Says whether an event is of this flavour.
pub(super) fn is_event(_name: &[u8], event: &Object<'_>) -> bool {
    let kind = event.text("type").unwrap_or_default();
    kind.starts_with("message_") || kind.starts_with("content_block_") || kind == "ping"
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut counts = Counts::default();
    if let Some(usage) = body.object("usage") {
        counts.merge(&usage);
    }
    let blocks = body.elements("content").filter_map(Object::parse);
    let mut reading = Reading {
        is_complete: body.is_whole,
        response_model: body.owned_text("model"),
        response_id: body.owned_text("id"),
        provider_request_id: body.owned_text("request_id"),
        finish_reasons: body.owned_text("stop_reason").into_iter().collect(),
        refusal_category: refusal_category(body),
        tool_calls: blocks.filter_map(|block| tool_name(&block)).collect(),
        error: ProviderError::read(body),
        raw_usage: body.get("usage").map(Cow::Borrowed),
        output: body.get("content").map(Cow::Borrowed),
        ..Reading::default()
    };
    counts.tell(&mut reading);
    reading
}

/// What a refusal was about, where the provider has a word for it.
fn refusal_category(message: &Object<'_>) -> Option<String> {
    message.object("stop_details")?.owned_text("category")
}

/// The name of the tool that a block calls, whoever runs it.
fn tool_name(block: &Object<'_>) -> Option<String> {
    let kind = block.text("type").unwrap_or_default();
    block
        .owned_text("name")
        .filter(|_| kind.ends_with("tool_use"))
}

/// The usage fields, merged one by one: the later that is not null wins.
#[derive(Default)]
struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    read: Option<u64>,
    write: Option<u64>,
    write_5m: Option<u64>,
    write_1h: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    fetches: Option<u64>,
    service_tier: Option<String>,
    speed: Option<String>,
    geo: Option<String>,
    cost: Option<String>,
    iterations: Vec<Iteration>,
}

impl Counts {
    fn merge(&mut self, usage: &Object<'_>) {
        let counts = [
            (&mut self.input, usage.count("input_tokens")),
            (&mut self.output, usage.count("output_tokens")),
            (&mut self.read, usage.count("cache_read_input_tokens")),
            (&mut self.write, usage.count("cache_creation_input_tokens")),
            (
                &mut self.write_5m,
                usage.count_in("cache_creation", "ephemeral_5m_input_tokens"),
            ),
            (
                &mut self.write_1h,
                usage.count_in("cache_creation", "ephemeral_1h_input_tokens"),
            ),
            (
                &mut self.thinking,
                usage.count_in("output_tokens_details", "thinking_tokens"),
            ),
            (
                &mut self.searches,
                usage.count_in("server_tool_use", "web_search_requests"),
            ),
            (
                &mut self.fetches,
                usage.count_in("server_tool_use", "web_fetch_requests"),
            ),
        ];
        for (mine, theirs) in counts {
            *mine = theirs.or(*mine);
        }
        let texts = [
            (&mut self.service_tier, "service_tier"),
            (&mut self.speed, "speed"),
            (&mut self.geo, "inference_geo"),
        ];
        for (mine, key) in texts {
            *mine = usage.owned_text(key).or_else(|| mine.take());
        }
        let cost = usage
            .get("cost")
            .map(|raw| String::from_utf8_lossy(raw).into_owned());
        self.cost = cost.or_else(|| self.cost.take());
        let iterations: Vec<_> = usage.elements("iterations").filter_map(iteration).collect();
        if !iterations.is_empty() {
            self.iterations = iterations;
        }
    }

    fn written(&self) -> Option<u64> {
        let split = [self.write_5m, self.write_1h].into_iter().flatten();
        self.write.or_else(|| split.reduce(u64::saturating_add))
    }

    /// Canonical counts: input with what was read from and written to a cache.
    fn usage(&self) -> Usage {
        let write = self.written();
        let cached = self.read.unwrap_or(0).saturating_add(write.unwrap_or(0));
        Usage {
            input_tokens: self.input.map(|input| input.saturating_add(cached)),
            output_tokens: self.output,
            thinking_tokens: self.thinking,
            cache_read_tokens: self.read,
            cache_write_tokens: write,
            cache_write_1h_tokens: self.write_1h,
            web_searches: self.searches,
        }
    }

    fn tell(self, reading: &mut Reading<'_>) {
        reading.usage = self.usage();
        reading.input_tokens_reported = self.input;
        reading.output_tokens_reported = self.output;
        reading.batch = self.service_tier.as_deref() == Some("batch");
        reading.cache_write_5m_tokens = self.write_5m;
        reading.reported_cost_usd = self.cost;
        reading.service_tier = self.service_tier;
        reading.speed = self.speed;
        reading.geo = self.geo;
        reading.web_fetches = self.fetches;
        reading.iterations = self.iterations;
        settle(&mut reading.iterations);
        let is_refused = reading
            .finish_reasons
            .iter()
            .any(|reason| reason == "refusal");
        if is_refused && reading.iterations.is_empty() && reading.usage.output_tokens == Some(0) {
            reading.billed = Some(Usage {
                input_tokens: Some(0),
                output_tokens: Some(0),
                ..Usage::default()
            });
        }
    }
}

/// Marks the attempts of a fallback that brought nothing as not billed.
fn settle(iterations: &mut [Iteration]) {
    let is_attempt = |kind: &str| matches!(kind, "message" | "fallback_message");
    if iterations
        .iter()
        .any(|iteration| iteration.kind == "fallback_message")
    {
        for attempt in iterations.iter_mut().filter(|it| is_attempt(&it.kind)) {
            attempt.billed = attempt.usage.output_tokens.is_some_and(|count| count > 0);
        }
    }
}

fn iteration(element: &[u8]) -> Option<Iteration> {
    let iteration = Object::parse(element)?;
    let mut counts = Counts::default();
    counts.merge(&iteration);
    Some(Iteration {
        kind: iteration.owned_text("type")?,
        model: iteration.owned_text("model"),
        usage: counts.usage(),
        billed: true,
    })
}

/// A stream of this flavour, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    model: Option<String>,
    id: Option<String>,
    stop_reason: Option<String>,
    error: Option<ProviderError>,
    request_id: Option<String>,
    refusal_category: Option<String>,
    counts: Counts,
    /// The members of the usage objects, the later before the earlier.
    raw_usage: Vec<(String, Vec<u8>)>,
    tool_calls: BTreeMap<u64, String>,
    /// The output count of a `message_delta`; that of `message_start` is a stub.
    output: Option<u64>,
    blocks: BTreeMap<u64, Block>,
    stopped: bool,
}

/// A content block and the pieces of its tool input.
struct Block {
    content: Node,
    input: String,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        ..Stream::default()
    })
}

impl Stream {
    fn start(&mut self, event: &Object<'_>) {
        let Some(message) = event.object("message") else {
            return;
        };
        self.model = message.owned_text("model");
        self.id = message.owned_text("id");
        self.stop_reason = message.owned_text("stop_reason");
        if let Some(usage) = message.object("usage") {
            self.usage(&usage);
        }
        for (at, block) in (0..).zip(message.elements("content").filter_map(Object::parse)) {
            self.tool_calls
                .extend(tool_name(&block).map(|name| (at, name)));
        }
        if self.with_output {
            let blocks = (0..).zip(message.elements("content"));
            self.blocks
                .extend(blocks.map(|(at, block)| (at, Block::of(block))));
        }
    }

    fn delta(&mut self, event: &Object<'_>) {
        if let Some(delta) = event.object("delta") {
            self.stop_reason = delta
                .owned_text("stop_reason")
                .or_else(|| self.stop_reason.take());
            let category = refusal_category(&delta);
            self.refusal_category = category.or_else(|| self.refusal_category.take());
        }
        if let Some(usage) = event.object("usage") {
            self.usage(&usage);
            self.output = usage.count("output_tokens").or(self.output);
        }
    }

    fn usage(&mut self, usage: &Object<'_>) {
        self.counts.merge(usage);
        let said = usage.iter().filter(|(_, value)| *value != b"null");
        for (key, value) in said.take(USAGE_MEMBERS_MAX) {
            self.raw_usage.retain(|(known, _)| known != key);
            self.raw_usage.push((key.to_owned(), value.to_vec()));
        }
    }

    /// The usage objects as one; what the first says of the output is no answer.
    fn spelled_usage(&mut self) -> Option<Vec<u8>> {
        let has_output = self.output.is_some();
        self.raw_usage
            .retain(|(key, _)| has_output || key != "output_tokens");
        let mut out = Vec::new();
        for (key, value) in &self.raw_usage {
            out.push(if out.is_empty() { b'{' } else { b',' });
            json::write_str(&mut out, key);
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        (out.len() > 1).then_some(out)
    }

    fn block_start(&mut self, event: &Object<'_>) {
        let Some((at, block)) = event.count("index").zip(event.get("content_block")) else {
            return;
        };
        let name = Object::parse(block).and_then(|block| tool_name(&block));
        self.tool_calls.extend(name.map(|name| (at, name)));
        if self.with_output {
            self.blocks.insert(at, Block::of(block));
        }
    }

    fn block_delta(&mut self, event: &Object<'_>) {
        if let Some((at, delta)) = event.count("index").zip(event.object("delta")) {
            let block = self.blocks.entry(at);
            block.or_insert_with(|| Block::of(b"{}")).add(&delta);
        }
    }

    fn output(self) -> Option<Vec<u8>> {
        let mut out = vec![b'['];
        for block in self.blocks.into_values() {
            if out.len() > 1 {
                out.push(b',');
            }
            block.finish().write(&mut out);
        }
        out.push(b']');
        (out.len() > 2 || self.stopped).then_some(out)
    }
}

impl EventReader for Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        // What stands behind the end is no part of the answer.
        let Some(event) = Object::parse(data).filter(|_| !self.stopped) else {
            return;
        };
        match event.text("type").unwrap_or_default().as_ref() {
            "message_start" => self.start(&event),
            "message_delta" => self.delta(&event),
            "message_stop" => self.stopped = true,
            "content_block_start" => self.block_start(&event),
            "content_block_delta" if self.with_output => self.block_delta(&event),
            "error" => {
                self.error = ProviderError::read(&event);
                self.request_id = event.owned_text("request_id");
            }
            _ if name == b"error" => self.error = Some(ProviderError::of(&event)),
            _ => {}
        }
    }

    fn finish(mut self: Box<Self>, _is_whole: bool) -> Reading<'static> {
        let raw_usage = self.spelled_usage();
        let mut counts = std::mem::take(&mut self.counts);
        counts.output = self.output;
        if self.output.is_none() {
            counts.thinking = None;
        }
        let mut reading = Reading {
            is_complete: self.stopped,
            response_model: self.model.take(),
            response_id: self.id.take(),
            provider_request_id: self.request_id.take(),
            finish_reasons: self.stop_reason.take().into_iter().collect(),
            refusal_category: self.refusal_category.take(),
            tool_calls: std::mem::take(&mut self.tool_calls).into_values().collect(),
            error: self.error.take(),
            raw_usage: raw_usage.map(Cow::Owned),
            ..Reading::default()
        };
        counts.tell(&mut reading);
        if self.with_output {
            reading.output = self.output().map(Cow::Owned);
        }
        reading
    }
}

impl Block {
    fn of(block: &[u8]) -> Self {
        Self {
            content: Node::of(block),
            input: String::new(),
        }
    }

    fn add(&mut self, delta: &Object<'_>) {
        match delta.text("type").unwrap_or_default().as_ref() {
            "input_json_delta" => self
                .input
                .push_str(&delta.text("partial_json").unwrap_or_default()),
            "citations_delta" => {
                if let Some(citation) = delta.get("citation") {
                    self.content.member("citations").push(citation);
                }
            }
            _ => {
                for (key, piece) in delta.iter().filter(|(key, _)| *key != "type") {
                    self.content.member(key).merge(key, piece);
                }
            }
        }
    }

    /// Puts the tool's input in, as JSON where it is JSON.
    fn finish(mut self) -> Node {
        if !self.input.is_empty() {
            let is_json = json::normalize(&mut Vec::new(), self.input.as_bytes(), 1).is_ok();
            *self.content.member("input") = if is_json {
                Node::Raw(self.input.into_bytes())
            } else {
                Node::Text(self.input)
            };
        }
        self.content
    }
}

#[cfg(test)]
mod tests;
