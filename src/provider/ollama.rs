//! Ollama's own API: chat, generate and embeddings, whole and as lines of a stream.
//!
//! Promise: counts are those of the line that says `done`; a prompt that was cached whole has no input count, and
//! none is made up. What newer servers read from a cache is a part of the input count.
//! Not here: Ollama's `OpenAI`-compatible paths (`openai_chat`); the lines themselves (`ndjson`).
//!
//! What is hashed of a chat is its `message`, of generate its `response`, of a stream their pieces put together. A
//! model that was only loaded or unloaded answers with no content and no counts: an ordinary end.
//!
//! # Source
//! ollama/ollama-python, and what recorded bodies and lines have.

use std::borrow::Cow;

use super::{EventReader, merge::Node, object::Object, reading::Reading, refusal::ProviderError};
use crate::operation::Usage;

/// Says whether a whole body or a line is of the chat.
pub(super) fn is_chat_body(body: &Object<'_>) -> bool {
    body.get("done").is_some() && body.get("message").is_some()
}

/// Says whether a line is of the chat.
pub(super) fn is_chat_event(_name: &[u8], event: &Object<'_>) -> bool {
    is_chat_body(event)
}

/// Says whether a whole body or a line is of generate.
pub(super) fn is_generate_body(body: &Object<'_>) -> bool {
    body.get("done").is_some() && body.get("response").is_some()
}

/// Says whether a line is of generate.
pub(super) fn is_generate_event(_name: &[u8], event: &Object<'_>) -> bool {
    is_generate_body(event)
}

/// Says whether a whole body is one of embeddings.
pub(super) fn is_embed_body(body: &Object<'_>) -> bool {
    let is_new = body.get("embeddings").is_some() && body.get("total_duration").is_some();
    let vector = body
        .get("embedding")
        .filter(|vector| vector.starts_with(b"["));
    // Bedrock's Titan says its count beside its vector.
    is_new || vector.is_some() && body.get("inputTextTokenCount").is_none()
}

/// Reads a whole body of the chat.
pub(super) fn read_chat_body<'a>(body: &Object<'a>) -> Reading<'a> {
    read_body(body, "message")
}

/// Reads a whole body of generate.
pub(super) fn read_generate_body<'a>(body: &Object<'a>) -> Reading<'a> {
    read_body(body, "response")
}

/// Reads a whole body of embeddings, of the newer path or the older.
pub(super) fn read_embed_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let key = ["embeddings", "embedding"]
        .into_iter()
        .find(|key| body.get(key).is_some());
    Reading {
        is_complete: body.is_whole,
        ..read_body(body, key.unwrap_or_default())
    }
}

fn read_body<'a>(body: &Object<'a>, output: &str) -> Reading<'a> {
    let mut known = Known::default();
    known.merge(body);
    Reading {
        is_complete: body.is_whole && body.get("done") != Some(b"false"),
        output: body.get(output).map(Cow::Borrowed),
        ..known.into_reading()
    }
}

/// What is known but the output.
#[derive(Default)]
struct Known {
    model: Option<String>,
    done_reason: Option<String>,
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    tool_calls: Vec<String>,
    error: Option<ProviderError>,
}

impl Known {
    fn merge(&mut self, line: &Object<'_>) {
        self.model = line.owned_text("model").or_else(|| self.model.take());
        let reason = line.owned_text("done_reason");
        self.done_reason = reason.or_else(|| self.done_reason.take());
        self.input = line.count("prompt_eval_count").or(self.input);
        self.output = line.count("eval_count").or(self.output);
        self.cached = line.count("prompt_eval_cached_count").or(self.cached);
        self.error = ProviderError::read(line).or_else(|| self.error.take());
        let message = line.object("message");
        let calls = message
            .iter()
            .flat_map(|message| message.elements("tool_calls"));
        let names =
            calls.filter_map(|call| Object::parse(call)?.object("function")?.owned_text("name"));
        self.tool_calls.extend(names);
    }

    fn into_reading(self) -> Reading<'static> {
        Reading {
            response_model: self.model,
            finish_reasons: self.done_reason.into_iter().collect(),
            usage: Usage {
                input_tokens: self.input,
                output_tokens: self.output,
                // More than the whole prompt is no part of it.
                cache_read_tokens: self.cached.filter(|cached| Some(*cached) <= self.input),
                ..Usage::default()
            },
            input_tokens_reported: self.input,
            output_tokens_reported: self.output,
            tool_calls: self.tool_calls,
            error: self.error,
            ..Reading::default()
        }
    }
}

/// The lines of a stream, put together.
struct Stream {
    /// The member that comes in pieces, where the output is wanted.
    member: Option<&'static str>,
    known: Known,
    output: Option<Node>,
    is_done: bool,
}

/// Makes the reader of a chat's lines.
pub(super) fn chat_stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream::of("message", with_output))
}

/// Makes the reader of the lines of generate.
pub(super) fn generate_stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream::of("response", with_output))
}

impl Stream {
    fn of(member: &'static str, with_output: bool) -> Self {
        Self {
            member: with_output.then_some(member),
            known: Known::default(),
            output: None,
            is_done: false,
        }
    }

    fn piece(&mut self, line: &Object<'_>) {
        let Some(piece) = self.member.and_then(|member| line.get(member)) else {
            return;
        };
        let output = self
            .output
            .get_or_insert_with(|| Node::Raw(b"null".to_vec()));
        // `text` says that pieces follow each other, whatever the member's own name.
        output.merge("text", piece);
    }
}

impl EventReader for Stream {
    fn event(&mut self, _name: &[u8], data: &[u8]) {
        let Some(line) = Object::parse(data) else {
            return;
        };
        if self.is_done {
            return;
        }
        self.known.merge(&line);
        self.piece(&line);
        self.is_done = line.get("done") == Some(b"true");
    }

    fn finish(self: Box<Self>, _is_whole: bool) -> Reading<'static> {
        let spell = |node: Node| {
            let mut out = Vec::new();
            node.write(&mut out);
            Cow::Owned(out)
        };
        Reading {
            is_complete: self.is_done,
            output: self.output.map(spell),
            ..self.known.into_reading()
        }
    }
}

#[cfg(test)]
mod tests;
