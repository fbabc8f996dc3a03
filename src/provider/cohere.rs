//! Cohere chat, both versions, generate, embeddings and reranking: whole bodies and streams.
//!
//! Promise: counts are `tokens`, which is what the model read and wrote; `billed_units`, which leave out what Cohere
//! adds to a prompt, stand beside them as what is billed.
//! Not here: prices of billed units (`price`).
//!
//! The model is in the request alone. What is hashed of the second version is its `message`; of the first its `text`,
//! with its `tool_calls` where it has any, as one object of those two members.
//!
//! # Source
//! cohere-ai/cohere-python, and what recorded bodies and streams have.

use std::{borrow::Cow, collections::BTreeMap};

use super::{EventReader, merge::Node, object::Object, reading::Reading, refusal::ProviderError};
use crate::operation::Usage;

/// Says whether a whole body is of the second version.
pub(super) fn is_v2_body(body: &Object<'_>) -> bool {
    // Ollama has a message too, and says whether it is done.
    let is_chat = body
        .get("message")
        .is_some_and(|message| message.starts_with(b"{"));
    is_chat && body.get("finish_reason").is_some() && body.get("done").is_none()
}

/// Says whether an event is of the second version.
pub(super) fn is_v2_event(_name: &[u8], event: &Object<'_>) -> bool {
    let kind = event.text("type").unwrap_or_default();
    matches!(
        kind.as_ref(),
        "message-start" | "content-start" | "message-end"
    )
}

/// Says whether a whole body is of the first version.
pub(super) fn is_v1_body(body: &Object<'_>) -> bool {
    body.get("text").is_some() && body.get("generation_id").is_some()
}

/// Says whether an event is of the first version.
pub(super) fn is_v1_event(_name: &[u8], event: &Object<'_>) -> bool {
    event.get("event_type").is_some() && event.get("is_finished").is_some()
}

/// Says whether a whole body is one of generate; behind Bedrock it has no `meta`.
pub(super) fn is_generate_body(body: &Object<'_>) -> bool {
    body.get("generations").is_some() && body.get("meta").is_some()
}

/// Events of generate are those of the first version's chat, and are told as those.
pub(super) fn is_no_event(_name: &[u8], _event: &Object<'_>) -> bool {
    false
}

/// Says whether a whole body is one of embeddings.
pub(super) fn is_embed_body(body: &Object<'_>) -> bool {
    body.get("embeddings").is_some() && body.get("meta").is_some()
}

/// Says whether a whole body is one of reranking.
pub(super) fn is_rerank_body(body: &Object<'_>) -> bool {
    let first = || Object::parse(body.elements("results").next()?);
    first().is_some_and(|result| result.get("relevance_score").is_some())
}

/// Reads a whole body of the second version.
pub(super) fn read_v2_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = read_common(body);
    reading.response_id = body.owned_text("id");
    if let Some(message) = body.object("message") {
        reading.tool_calls = called(&message);
    }
    reading.output = body.get("message").map(Cow::Borrowed);
    reading
}

/// Reads a whole body of the first version.
pub(super) fn read_v1_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = read_common(body);
    let ids = ["response_id", "generation_id"];
    reading.provider_request_id = ids.into_iter().find_map(|key| body.owned_text(key));
    reading.tool_calls = called(body);
    reading.output = v1_output(body);
    reading
}

/// Reads a whole body of generate.
pub(super) fn read_generate_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = read_common(body);
    reading.response_id = body.owned_text("id");
    let answers = body.elements("generations").filter_map(Object::parse);
    let reasons = answers.filter_map(|answer| answer.owned_text("finish_reason"));
    let reasons: Vec<String> = reasons.collect();
    if !reasons.is_empty() {
        reading.finish_reasons = reasons;
    }
    reading.output = body.get("generations").map(Cow::Borrowed);
    reading
}

/// Reads a whole body of embeddings.
pub(super) fn read_embed_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = read_common(body);
    reading.response_id = body.owned_text("id");
    reading.output = body.get("embeddings").map(Cow::Borrowed);
    reading
}

/// Reads a whole body of reranking, Cohere's or another's that copied it.
pub(super) fn read_rerank_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = read_common(body);
    reading.response_model = body.owned_text("model");
    reading.response_id = body.owned_text("id");
    if reading.usage.input_tokens.is_none() {
        // Jina and Voyage say one total; there is no output.
        reading.usage.input_tokens = body.count_in("usage", "total_tokens");
        reading.input_tokens_reported = reading.usage.input_tokens;
    }
    reading.output = body.get("results").map(Cow::Borrowed);
    reading
}

fn read_common(body: &Object<'_>) -> Reading<'static> {
    let mut known = Known::default();
    known.merge(body);
    Reading {
        is_complete: body.is_whole,
        ..known.into_reading()
    }
}

/// The names of the tools called: version 2 has them in a `function`, version 1 in the call.
fn called(holder: &Object<'_>) -> Vec<String> {
    let calls = holder.elements("tool_calls").filter_map(Object::parse);
    calls.filter_map(|call| tool_name(&call)).collect()
}

fn tool_name(call: &Object<'_>) -> Option<String> {
    let function = || call.object("function")?.owned_text("name");
    call.owned_text("name").or_else(function)
}

fn v1_output<'a>(body: &Object<'a>) -> Option<Cow<'a, [u8]>> {
    let text = body.get("text");
    let Some(calls) = body.get("tool_calls").filter(|calls| *calls != b"[]") else {
        return text.map(Cow::Borrowed);
    };
    let mut out = b"{\"text\":".to_vec();
    out.extend_from_slice(text.unwrap_or(b"null"));
    out.extend_from_slice(b",\"tool_calls\":");
    out.extend_from_slice(calls);
    out.push(b'}');
    Some(Cow::Owned(out))
}

/// What is known but the output.
#[derive(Default)]
struct Known {
    finish_reason: Option<String>,
    usage: Option<Vec<u8>>,
    error: Option<ProviderError>,
}

impl Known {
    /// Takes a body, or what a stream's last event has of one.
    fn merge(&mut self, body: &Object<'_>) {
        let reason = body.owned_text("finish_reason");
        self.finish_reason = reason.or_else(|| self.finish_reason.take());
        if let Some(usage) = body.get("usage").or_else(|| body.get("meta")) {
            self.usage = Some(usage.to_vec());
        }
        self.error = ProviderError::read(body).or_else(|| self.error.take());
    }

    fn into_reading(self) -> Reading<'static> {
        let by_reason = || ProviderError::of_finish_reason(self.finish_reason.as_deref()?);
        let mut reading = Reading {
            error: self.error.or_else(by_reason),
            finish_reasons: self.finish_reason.into_iter().collect(),
            ..Reading::default()
        };
        if let Some(usage) = self.usage.as_deref().and_then(Object::parse) {
            tell_usage(&mut reading, &usage);
        }
        reading.raw_usage = self.usage.map(Cow::Owned);
        reading
    }
}

/// Reads `usage` of the second version or `meta` of the first.
fn tell_usage(reading: &mut Reading<'_>, usage: &Object<'_>) {
    let counts = |key: &str| {
        let units = usage.object(key)?;
        let counts = Usage {
            input_tokens: units.count("input_tokens"),
            output_tokens: units.count("output_tokens"),
            ..Usage::default()
        };
        Some(counts).filter(|counts| !counts.is_empty())
    };
    let billed = counts("billed_units");
    reading.rerank_searches = usage.count_in("billed_units", "search_units");
    // Embeddings say only what is billed.
    reading.usage = counts("tokens").or(billed).unwrap_or_default();
    reading.usage.cache_read_tokens = usage.count("cached_tokens");
    reading.input_tokens_reported = reading.usage.input_tokens;
    reading.output_tokens_reported = reading.usage.output_tokens;
    reading.billed = billed;
}

/// A stream of the second version, put together.
#[derive(Default)]
struct V2Stream {
    with_output: bool,
    id: Option<String>,
    known: Known,
    message: Option<Node>,
    content: BTreeMap<u64, Node>,
    calls: BTreeMap<u64, (Option<String>, Node)>,
    citations: BTreeMap<u64, Node>,
    is_ended: bool,
}

/// Makes the reader of a stream of the second version.
pub(super) fn v2_stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(V2Stream {
        with_output,
        ..V2Stream::default()
    })
}

impl V2Stream {
    fn end(&mut self, event: &Object<'_>) {
        self.is_ended = true;
        if let Some(delta) = event.object("delta") {
            self.known.merge(&delta);
        }
    }

    /// Takes a piece of the message: content, a tool call, the plan, a citation.
    fn piece(&mut self, event: &Object<'_>) {
        let Some(message) = event
            .object("delta")
            .and_then(|delta| delta.object("message"))
        else {
            return;
        };
        let at = event.count("index").unwrap_or(0);
        if let Some(call) = message.get("tool_calls") {
            let name = Object::parse(call).and_then(|call| tool_name(&call));
            let known = self
                .calls
                .entry(at)
                .or_insert_with(|| (None, Node::object()));
            known.0 = known.0.take().or(name);
            known.1.merge("tool_calls", call);
        }
        if !self.with_output {
            return;
        }
        if let Some(content) = message.get("content") {
            let node = self.content.entry(at).or_insert_with(Node::object);
            node.merge("content", content);
        }
        if let Some(citation) = message.get("citations") {
            self.citations.insert(at, Node::of(citation));
        }
        if let Some(plan) = message.text("tool_plan") {
            self.message().member("tool_plan").continue_text(&plan);
        }
    }

    fn message(&mut self) -> &mut Node {
        self.message.get_or_insert_with(Node::object)
    }

    /// The whole-body form, which has no empty members.
    fn output(mut self) -> Option<Vec<u8>> {
        let mut message = self.message.take()?;
        let lists = [
            ("content", self.content.into_values().collect()),
            (
                "tool_calls",
                self.calls.into_values().map(|(_, call)| call).collect(),
            ),
            (
                "citations",
                self.citations.into_values().collect::<Vec<_>>(),
            ),
        ];
        for (key, list) in lists {
            message.remove(key);
            if !list.is_empty() {
                *message.member(key) = Node::List(list);
            }
        }
        message.remove_empty("tool_plan");
        let mut out = Vec::new();
        message.write(&mut out);
        Some(out)
    }
}

impl EventReader for V2Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        // What stands behind the end is no part of the answer.
        let Some(event) = Object::parse(data).filter(|_| !self.is_ended) else {
            return;
        };
        match event.text("type").unwrap_or_default().as_ref() {
            "message-start" => {
                self.id = event.owned_text("id");
                let message = event.object("delta").and_then(|delta| delta.get("message"));
                if let Some(message) = message.filter(|_| self.with_output) {
                    self.message = Some(Node::of(message));
                }
            }
            "message-end" => self.end(&event),
            _ if name == b"error" => self.known.error = Some(ProviderError::of(&event)),
            "" => self.known.merge(&event),
            _ => self.piece(&event),
        }
    }

    fn finish(mut self: Box<Self>, _is_whole: bool) -> Reading<'static> {
        let mut reading = Reading {
            response_id: self.id.take(),
            is_complete: self.is_ended,
            ..std::mem::take(&mut self.known).into_reading()
        };
        let names = self.calls.values().filter_map(|(name, _)| name.clone());
        reading.tool_calls = names.collect();
        if self.with_output {
            reading.output = self.output().map(Cow::Owned);
        }
        reading
    }
}

/// A stream of the first version: its last event has the whole body.
#[derive(Default)]
struct V1Stream {
    with_output: bool,
    text: String,
    known: Known,
    id: Option<String>,
    response_id: Option<String>,
    tool_calls: Vec<String>,
    output: Option<Vec<u8>>,
    is_ended: bool,
}

/// Makes the reader of a stream of the first version.
pub(super) fn v1_stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(V1Stream {
        with_output,
        ..V1Stream::default()
    })
}

impl V1Stream {
    fn end(&mut self, event: &Object<'_>) {
        self.is_ended = true;
        self.known.merge(event);
        let Some(response) = event.object("response") else {
            return;
        };
        let mut reading = if response.get("generations").is_some() {
            read_generate_body(&response)
        } else {
            read_v1_body(&response)
        };
        self.known.merge(&response);
        self.response_id = reading.response_id.take();
        self.id = reading.provider_request_id.take();
        self.tool_calls = reading.tool_calls;
        self.output = reading
            .output
            .filter(|_| self.with_output)
            .map(Cow::into_owned);
    }
}

impl EventReader for V1Stream {
    fn event(&mut self, _name: &[u8], data: &[u8]) {
        // What stands behind the end is no part of the answer.
        let Some(event) = Object::parse(data).filter(|_| !self.is_ended) else {
            return;
        };
        match event.text("event_type").unwrap_or_default().as_ref() {
            "stream-end" => self.end(&event),
            "text-generation" if self.with_output => {
                self.text.push_str(&event.text("text").unwrap_or_default());
            }
            "tool-calls-generation" => self.tool_calls = called(&event),
            "" => self.known.merge(&event),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _is_whole: bool) -> Reading<'static> {
        let pieces = || {
            let mut out = Vec::new();
            llm_audit_journal::json::write_str(&mut out, &self.text);
            (!self.text.is_empty()).then_some(out)
        };
        Reading {
            is_complete: self.is_ended,
            provider_request_id: self.id,
            response_id: self.response_id,
            tool_calls: self.tool_calls,
            output: self.output.or_else(pieces).map(Cow::Owned),
            ..self.known.into_reading()
        }
    }
}

#[cfg(test)]
mod tests;
