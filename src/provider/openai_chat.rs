//! `OpenAI` Chat Completions, and every host that speaks it: whole bodies and streams.
//!
//! Promise: of usage that is sent more than once the last counts; nothing is ever added up.
//! Not here: which host it is; what differs between hosts is told by the fields that they send. Counts are in
//! `openai_usage`.
//!
//! # Source
//! openai/openai-python at e43b4224, and what recorded bodies of a dozen hosts have.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    EventReader,
    merge::Node,
    object::Object,
    openai_usage::Counts,
    reading::{Reading, note_reason},
    refusal::{ProviderError, refusal_code},
};

/// Says whether an event is of this flavour.
pub(super) fn is_event(_name: &[u8], event: &Object<'_>) -> bool {
    is_body(event)
}

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let kind = body.text("object").unwrap_or_default();
    kind.starts_with("chat.completion") || kind.is_empty() && has_messages(body)
}

/// Some compatible hosts leave `object` out.
fn has_messages(body: &Object<'_>) -> bool {
    let mut choices = body.elements("choices").filter_map(Object::parse);
    choices.any(|choice| choice.get("message").is_some() || choice.get("delta").is_some())
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut known = Known::default();
    known.merge(body);
    let mut calls = ToolCalls::default();
    let mut finish_reasons = Vec::new();
    for (at, choice) in (0..).zip(body.elements("choices").filter_map(Object::parse)) {
        finish_reasons.extend(choice.owned_text("finish_reason"));
        known.merge_choice(&choice);
        if let Some(message) = choice.object("message") {
            calls.merge(at, &message);
        }
    }
    Reading {
        is_complete: body.is_whole,
        output: body.get("choices").map(Cow::Borrowed),
        ..known.into_reading(finish_reasons, calls)
    }
}

/// What is known but the output, of a body or of the chunks so far.
#[derive(Default)]
struct Known {
    model: Option<String>,
    id: Option<String>,
    request_id: Option<String>,
    service_tier: Option<String>,
    counts: Option<Counts>,
    error: Option<ProviderError>,
    refusal: Option<&'static str>,
}

impl Known {
    fn merge(&mut self, body: &Object<'_>) {
        self.model = body.owned_text("model").or_else(|| self.model.take());
        self.id = body.owned_text("id").or_else(|| self.id.take());
        let tier = body.owned_text("service_tier");
        self.service_tier = tier.or_else(|| self.service_tier.take());
        let groq = body.object("x_groq");
        if let Some(groq) = &groq {
            self.request_id = groq.owned_text("id").or_else(|| self.request_id.take());
        }
        let again = || groq.as_ref()?.get("usage");
        if let Some(usage) = body.get("usage").or_else(again) {
            self.counts = Some(Counts::read(usage));
        }
        let error = ProviderError::read(body);
        let by_groq = || ProviderError::read(groq.as_ref()?);
        self.error = error.or_else(by_groq).or_else(|| self.error.take());
    }

    /// Takes what a choice says beside its content: Moonshot's usage, `OpenRouter`'s error, refusals.
    fn merge_choice(&mut self, choice: &Object<'_>) {
        if let Some(usage) = choice.get("usage") {
            self.counts = Some(Counts::read(usage));
        }
        self.error = ProviderError::read(choice).or_else(|| self.error.take());
        let native = || refusal_code(&choice.text("native_finish_reason")?);
        let message = choice.object("delta").or_else(|| choice.object("message"));
        let spoken = message.is_some_and(|message| message.text("refusal").is_some());
        self.refusal = self.refusal.or_else(native).or(spoken.then_some("refusal"));
    }

    fn into_reading(self, finish_reasons: Vec<String>, calls: ToolCalls) -> Reading<'static> {
        let by_reason = || {
            finish_reasons
                .iter()
                .find_map(|reason| ProviderError::of_finish_reason(reason))
        };
        let mut reading = Reading {
            response_model: self.model,
            response_id: self.id,
            provider_request_id: self.request_id,
            service_tier: self.service_tier,
            error: self.error.or_else(by_reason),
            refusal: self.refusal,
            tool_calls: calls.into_names(),
            finish_reasons,
            ..Reading::default()
        };
        self.counts.unwrap_or_default().tell(&mut reading);
        reading
    }
}

/// The names of tool calls, each by its choice and its place.
#[derive(Default)]
struct ToolCalls(BTreeMap<(u64, u64), String>);

impl ToolCalls {
    /// Takes the calls of a message or of a piece of one; a call's first piece has its name.
    fn merge(&mut self, choice: u64, message: &Object<'_>) {
        let elements = message.elements("tool_calls").filter_map(Object::parse);
        for call in elements {
            let at = call.count("index");
            let function = call.object("function").or_else(|| call.object("custom"));
            if let Some(name) = function.and_then(|function| function.owned_text("name")) {
                let at = at.unwrap_or_else(|| self.next(choice));
                self.0.entry((choice, at)).or_insert(name);
            }
        }
        // The form before `tool_calls`: one call, and no index.
        let function = message.object("function_call");
        if let Some(name) = function.and_then(|function| function.owned_text("name")) {
            self.0.entry((choice, u64::MAX)).or_insert(name);
        }
    }

    /// The place behind the last call of a choice.
    fn next(&self, choice: u64) -> u64 {
        let mut of_choice = self.0.range((choice, 0)..(choice, u64::MAX));
        of_choice
            .next_back()
            .map_or(0, |((_, at), _)| at.saturating_add(1))
    }

    fn into_names(self) -> Vec<String> {
        self.0.into_values().collect()
    }
}

/// A stream of this flavour, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    known: Known,
    finish_reasons: Vec<String>,
    calls: ToolCalls,
    choices: BTreeMap<u64, Node>,
    is_done: bool,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        ..Stream::default()
    })
}

impl Stream {
    fn choice(&mut self, choice: &Object<'_>) {
        note_reason(&mut self.finish_reasons, choice.owned_text("finish_reason"));
        self.known.merge_choice(choice);
        let index = choice.count("index").unwrap_or(0);
        let delta = choice.object("delta");
        if let Some(message) = delta.as_ref().or(choice.object("message").as_ref()) {
            self.calls.merge(index, message);
        }
        if self.with_output {
            let node = self.choices.entry(index).or_insert_with(Node::object);
            add(node, choice, delta.is_some());
        }
    }

    /// The whole-body form, in which tool calls have no index.
    fn output(&mut self) -> Option<Vec<u8>> {
        let mut out = vec![b'['];
        for choice in self.choices.values_mut() {
            if let Some(message) = choice.known("message") {
                remove_indexes(message);
            }
            if out.len() > 1 {
                out.push(b',');
            }
            choice.write(&mut out);
        }
        out.push(b']');
        (out.len() > 2).then_some(out)
    }
}

/// Adds a chunk's choice to what is there.
fn add(node: &mut Node, choice: &Object<'_>, has_delta: bool) {
    for (key, value) in choice.iter() {
        match key {
            "delta" => node.member("message").merge("message", value),
            // Perplexity repeats the whole message so far beside each piece.
            "message" if has_delta => {}
            "message" => *node.member(key) = Node::of(value),
            // Usage stands beside the choices of a whole body.
            "usage" => {}
            _ => node.member(key).merge(key, value),
        }
    }
}

fn remove_indexes(message: &mut Node) {
    let calls = message.known("tool_calls");
    for call in calls.map(Node::elements).unwrap_or_default() {
        call.remove("index");
    }
}

impl EventReader for Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        if data == b"[DONE]" {
            self.is_done = true;
            return;
        }
        // What stands behind the end is no part of the answer.
        let Some(chunk) = Object::parse(data).filter(|_| !self.is_done) else {
            return;
        };
        self.known.merge(&chunk);
        if name == b"error" && self.known.error.is_none() {
            self.known.error = Some(ProviderError::of(&chunk));
        }
        for choice in chunk.elements("choices").filter_map(Object::parse) {
            self.choice(&choice);
        }
    }

    fn finish(mut self: Box<Self>, is_whole: bool) -> Reading<'static> {
        let output = self.with_output.then(|| self.output()).flatten();
        let is_finished = !self.finish_reasons.is_empty();
        Reading {
            is_complete: self.is_done || is_whole && is_finished,
            output: output.map(Cow::Owned),
            ..self.known.into_reading(self.finish_reasons, self.calls)
        }
    }
}

#[cfg(test)]
mod tests;
