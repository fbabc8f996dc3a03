//! `OpenAI` Chat Completions, and every host that speaks it: whole bodies and streams.
//!
//! Promise: of usage that is sent more than once the last counts; nothing is ever added up.
//! Not here: which host it is; what differs between hosts is told by the fields that they send.
//!
//! # Source
//! openai/openai-python at e43b4224, and what recorded bodies of a dozen hosts have.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    EventReader,
    merge::Node,
    object::Object,
    reading::{MediaTokens, Reading},
    refusal::ProviderError,
};
use crate::operation::Usage;

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
    let mut reading = known.into_reading();
    reading.is_complete = body.is_whole;
    reading.output = body.get("choices").map(Cow::Borrowed);
    for choice in body.elements("choices").filter_map(Object::parse) {
        reading
            .finish_reasons
            .extend(choice.owned_text("finish_reason"));
        if choice
            .object("message")
            .is_some_and(|message| message.text("refusal").is_some())
        {
            reading.refusal = Some("refusal");
        }
    }
    reading
}

/// What stands beside the choices, in a body or in the chunks so far.
#[derive(Default)]
struct Known {
    model: Option<String>,
    id: Option<String>,
    service_tier: Option<String>,
    counts: Counts,
    error: Option<ProviderError>,
}

impl Known {
    fn merge(&mut self, body: &Object<'_>) {
        self.model = body.owned_text("model").or_else(|| self.model.take());
        self.id = body.owned_text("id").or_else(|| self.id.take());
        self.service_tier = body
            .owned_text("service_tier")
            .or_else(|| self.service_tier.take());
        let groq = || body.object("x_groq")?.object("usage");
        if let Some(usage) = body.object("usage").or_else(groq) {
            self.counts = Counts::read(&usage);
            self.service_tier = self
                .service_tier
                .take()
                .or_else(|| usage.owned_text("service_tier"));
        }
        self.error = ProviderError::read(body).or_else(|| self.error.take());
    }

    fn into_reading(self) -> Reading<'static> {
        Reading {
            response_model: self.model,
            response_id: self.id,
            service_tier: self.service_tier,
            usage: self.counts.usage,
            media: self.counts.media,
            input_tokens_reported: self.counts.input_reported,
            output_tokens_reported: self.counts.usage.output_tokens,
            reported_cost_usd: self.counts.cost,
            error: self.error,
            ..Reading::default()
        }
    }
}

#[derive(Default)]
struct Counts {
    usage: Usage,
    media: MediaTokens,
    input_reported: Option<u64>,
    cost: Option<String>,
}

impl Counts {
    fn read(usage: &Object<'_>) -> Self {
        let details = usage.object("prompt_tokens_details");
        let detail = |key: &str| details.as_ref()?.count(key);
        let prompt = usage.count("prompt_tokens");
        let output = usage.count("completion_tokens");
        let audio_in = detail("audio_tokens");
        let read = detail("cached_tokens")
            .or_else(|| usage.count("num_cached_tokens"))
            .or_else(|| usage.count("prompt_cache_hit_tokens"));
        let outside = audio_outside(prompt, output, audio_in, usage.count("total_tokens"));
        Self {
            usage: Usage {
                input_tokens: prompt.map(|prompt| prompt.saturating_add(outside)),
                output_tokens: output,
                thinking_tokens: usage.count_in("completion_tokens_details", "reasoning_tokens"),
                cache_read_tokens: read,
                cache_write_tokens: detail("cache_write_tokens"),
                ..Usage::default()
            },
            media: MediaTokens {
                input_audio: audio_in,
                output_audio: usage.count_in("completion_tokens_details", "audio_tokens"),
                ..MediaTokens::default()
            },
            input_reported: prompt,
            cost: reported_cost(usage),
        }
    }
}

/// Audio tokens that the prompt's count leaves out: Mistral's total says so.
fn audio_outside(
    prompt: Option<u64>,
    output: Option<u64>,
    audio: Option<u64>,
    total: Option<u64>,
) -> u64 {
    let sum = |audio: u64| prompt?.checked_add(output?)?.checked_add(audio);
    match (audio, total) {
        (Some(audio), Some(total)) if sum(audio) == Some(total) => audio,
        _ => 0,
    }
}

/// The provider's own price in dollars, as it spelled the number.
fn reported_cost(usage: &Object<'_>) -> Option<String> {
    let of_parts = usage
        .object("cost")
        .and_then(|parts| parts.get("total_cost"));
    let number = of_parts
        .or_else(|| usage.get("cost"))
        .filter(|raw| raw[0].is_ascii_digit())?;
    Some(String::from_utf8_lossy(number).into_owned())
}

/// A stream of this flavour, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    known: Known,
    finish_reasons: Vec<String>,
    choices: BTreeMap<u64, Node>,
    has_refused: bool,
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
        let reason = choice.owned_text("finish_reason");
        let new = reason.filter(|reason| !self.finish_reasons.contains(reason));
        self.finish_reasons.extend(new);
        let refusal = choice
            .object("delta")
            .and_then(|delta| delta.text("refusal"));
        self.has_refused |= refusal.is_some();
        if self.with_output {
            let index = choice.count("index").unwrap_or(0);
            let node = self.choices.entry(index).or_insert_with(Node::object);
            for (key, value) in choice.iter() {
                let key = if key == "delta" { "message" } else { key };
                node.member(key).merge(key, value);
            }
        }
    }

    /// The whole-body form, in which tool calls have no index.
    fn output(&mut self) -> Option<Vec<u8>> {
        let mut out = vec![b'['];
        for choice in self.choices.values_mut() {
            let message = choice.member("message");
            if let Node::Object(members) = message {
                let calls = members.iter_mut().find(|(key, _)| key == "tool_calls");
                for call in calls.map(|(_, calls)| calls.elements()).unwrap_or_default() {
                    call.remove("index");
                }
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

impl EventReader for Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        if data == b"[DONE]" {
            self.is_done = true;
            return;
        }
        let Some(chunk) = Object::parse(data) else {
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
            finish_reasons: self.finish_reasons,
            refusal: self.has_refused.then_some("refusal"),
            output: output.map(Cow::Owned),
            ..self.known.into_reading()
        }
    }
}
