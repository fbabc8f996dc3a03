//! The models behind `InvokeModel` that speak no flavour of their own elsewhere: Titan, Llama, and the text APIs of
//! Mistral, Cohere, AI21 and `DeepSeek`.
//!
//! Promise: a count that grows from chunk to chunk is the answer's only once a finish reason came.
//! Not here: Bedrock's metrics and headers, which alone count for most of these (`bedrock_invoke`, `headers`).

use std::borrow::Cow;

use super::{
    EventReader,
    merge::Node,
    object::Object,
    reading::{Reading, note_reason},
    refusal::ProviderError,
};
use crate::operation::Usage;

/// Members that hold the answers, one object each.
const ANSWERS: [&str; 5] = [
    "results",
    "outputs",
    "generations",
    "completions",
    "choices",
];
/// Members that are the answer themselves.
const TEXTS: [&str; 6] = [
    "generation",
    "text",
    "outputText",
    "embedding",
    "embeddings",
    "images",
];
/// What a finish reason is called, of an answer or of the body.
const REASONS: [&str; 4] = [
    "completionReason",
    "stop_reason",
    "finish_reason",
    "finishReason",
];

/// Says whether a whole body has the counts of Titan or Llama, or the answers of Cohere or AI21 beside their prompt,
/// which no other flavour has.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let has = |key: &str| body.get(key).is_some();
    let has_answers = || has("generations") && !has("meta") || has("completions");
    has("inputTextTokenCount") || has("generation_token_count") || has("prompt") && has_answers()
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let results = body.elements("results").filter_map(Object::parse);
    let of_results = || {
        let counts = results.filter_map(|result| result.count("tokenCount"));
        counts.reduce(u64::saturating_add)
    };
    let output = body.count("generation_token_count").or_else(of_results);
    let mut keys = ANSWERS.into_iter().chain(TEXTS);
    let ids = ["id", "generation_id", "response_id"];
    Reading {
        is_complete: body.is_whole,
        response_model: body.owned_text("model"),
        response_id: ids.into_iter().find_map(|key| body.owned_text(key)),
        finish_reasons: finish_reasons(body),
        error: ProviderError::read(body),
        output: keys.find_map(|key| body.get(key)).map(Cow::Borrowed),
        ..counted(input(body), output)
    }
}

/// A reading of these counts.
fn counted(input: Option<u64>, output: Option<u64>) -> Reading<'static> {
    Reading {
        usage: Usage {
            input_tokens: input,
            output_tokens: output,
            ..Usage::default()
        },
        input_tokens_reported: input,
        output_tokens_reported: output,
        ..Reading::default()
    }
}

fn input(body: &Object<'_>) -> Option<u64> {
    body.count("prompt_token_count")
        .or_else(|| body.count("inputTextTokenCount"))
}

/// Returns the finish reasons of a body's answers, or the body's own.
pub(super) fn finish_reasons(body: &Object<'_>) -> Vec<String> {
    let answers = ANSWERS.into_iter().flat_map(|key| body.elements(key));
    let reasons = answers.filter_map(|answer| finish_reason(&Object::parse(answer)?));
    let reasons: Vec<String> = reasons.collect();
    if reasons.is_empty() {
        return finish_reason(body).into_iter().collect();
    }
    reasons
}

fn finish_reason(answer: &Object<'_>) -> Option<String> {
    REASONS.into_iter().find_map(|key| {
        let nested = || answer.object(key)?.owned_text("reason");
        answer.owned_text(key).or_else(nested)
    })
}

/// A stream of these models, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    input: Option<u64>,
    output: Option<u64>,
    finish_reasons: Vec<String>,
    error: Option<ProviderError>,
    /// The member in which the pieces come, and the text so far.
    answer: Option<(&'static str, String)>,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        ..Stream::default()
    })
}

impl Stream {
    fn pieces(&mut self, chunk: &Object<'_>) {
        for key in ANSWERS {
            for answer in chunk.elements(key).filter_map(Object::parse) {
                if let Some(text) = answer.text("text") {
                    self.piece(key, &text);
                }
            }
        }
        for key in TEXTS {
            if let Some(text) = chunk.text(key) {
                self.piece(key, &text);
            }
        }
    }

    fn piece(&mut self, key: &'static str, text: &str) {
        let (_, answer) = self.answer.get_or_insert_with(|| (key, String::new()));
        answer.push_str(text);
    }

    /// The whole-body form: Titan's and Mistral's answers are lists of objects, the others' are texts.
    fn spelled(&self) -> Option<Vec<u8>> {
        let (key, text) = self.answer.as_ref()?;
        let mut out = Vec::new();
        let whole = Node::Text(text.clone());
        let mut answer = Node::object();
        match *key {
            "outputText" => {
                let count = self
                    .output
                    .map_or("null".to_owned(), |count| count.to_string());
                *answer.member("tokenCount") = Node::Raw(count.into_bytes());
                *answer.member("outputText") = whole;
                self.reason_into(answer.member("completionReason"));
            }
            key if ANSWERS.contains(&key) => {
                *answer.member("text") = whole;
                self.reason_into(answer.member("stop_reason"));
            }
            _ => answer = whole,
        }
        let is_text = matches!(answer, Node::Text(_));
        let list = if is_text {
            answer
        } else {
            Node::List(vec![answer])
        };
        list.write(&mut out);
        Some(out)
    }

    fn reason_into(&self, slot: &mut Node) {
        if let Some(reason) = self.finish_reasons.first() {
            slot.push_text(reason);
        }
    }
}

impl EventReader for Stream {
    fn event(&mut self, _name: &[u8], data: &[u8]) {
        let Some(chunk) = Object::parse(data) else {
            return;
        };
        self.input = input(&chunk).or(self.input);
        let output = chunk.count("generation_token_count");
        let output = output.or_else(|| chunk.count("totalOutputTextTokenCount"));
        self.output = output.or(self.output);
        for reason in finish_reasons(&chunk) {
            note_reason(&mut self.finish_reasons, Some(reason));
        }
        self.error = ProviderError::read(&chunk).or_else(|| self.error.take());
        if self.with_output {
            self.pieces(&chunk);
        }
    }

    fn finish(self: Box<Self>, is_whole: bool) -> Reading<'static> {
        let is_finished = !self.finish_reasons.is_empty();
        let output = self.output.filter(|_| is_finished);
        Reading {
            is_complete: is_whole && is_finished,
            output: self.spelled().map(Cow::Owned),
            finish_reasons: self.finish_reasons,
            error: self.error,
            ..counted(self.input, output)
        }
    }
}
