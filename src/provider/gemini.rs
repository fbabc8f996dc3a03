//! Gemini and Vertex `generateContent`: whole bodies, event streams and arrays.
//!
//! Promise: of a stream the last usage object counts, whole, never merged: where tools ran at the provider, counters
//! start again with each step and only the last chunk has the total. A stream that was cut before its finish reason
//! gives no output count, and no input count where such tools ran.
//! Not here: embeddings (`gemini_embeddings`), other publishers' models on Vertex, which speak their own flavours.
//!
//! # Source
//! googleapis/python-genai at 66807187, and what recorded streams do.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    EventReader,
    gemini_output::Candidate,
    object::Object,
    reading::{MediaTokens, Reading, note_reason},
    refusal::{ProviderError, refusal_code},
};
use crate::operation::Usage;

#[cfg(test)]
mod tests;

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    ["candidates", "usageMetadata", "promptFeedback"]
        .into_iter()
        .any(|key| body.get(key).is_some())
}

/// Says whether an event is of this flavour: each is a body.
pub(super) fn is_event(_name: &[u8], event: &Object<'_>) -> bool {
    is_body(event)
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut known = Known::default();
    known.merge(body);
    let mut finish_reasons = Vec::new();
    for candidate in body.elements("candidates").filter_map(Object::parse) {
        finish_reasons.extend(candidate.owned_text("finishReason"));
        known.candidate(&candidate);
    }
    Reading {
        is_complete: body.is_whole,
        finish_reasons,
        raw_usage: body.get("usageMetadata").map(Cow::Borrowed),
        output: body.get("candidates").map(Cow::Borrowed),
        ..known.into_reading()
    }
}

/// What stands beside the candidates, and what their parts say about tools, in a body or in the chunks so far.
#[derive(Default)]
struct Known {
    model: Option<String>,
    id: Option<String>,
    counts: Counts,
    tier: Option<String>,
    tool_calls: Vec<String>,
    searches: Option<u64>,
    /// A tool ran at the provider.
    ran_tool: bool,
    refusal: Option<&'static str>,
    error: Option<ProviderError>,
}

impl Known {
    fn merge(&mut self, body: &Object<'_>) {
        let text = |key: &str, known: &mut Option<String>| {
            *known = body.owned_text(key).or_else(|| known.take());
        };
        text("modelVersion", &mut self.model);
        text("responseId", &mut self.id);
        if let Some(usage) = body.object("usageMetadata") {
            self.counts = Counts::read(&usage);
            self.tier = tier(&usage).or_else(|| self.tier.take());
        }
        let feedback = body.object("promptFeedback");
        if let Some(reason) = feedback.and_then(|feedback| feedback.owned_text("blockReason")) {
            // Whatever the reason is called: the prompt was blocked.
            self.refusal = Some(refusal_code(&reason).unwrap_or("blocked"));
        }
        self.error = ProviderError::read(body).or_else(|| self.error.take());
    }

    fn candidate(&mut self, candidate: &Object<'_>) {
        let content = candidate.object("content");
        let parts = content.iter().flat_map(|content| content.elements("parts"));
        for part in parts.filter_map(Object::parse) {
            let call = part.object("functionCall");
            self.tool_calls
                .extend(call.and_then(|call| call.owned_text("name")));
            self.ran_tool |= [
                "executableCode",
                "codeExecutionResult",
                "toolCall",
                "toolResponse",
            ]
            .into_iter()
            .any(|key| part.get(key).is_some());
        }
        if let Some(grounding) = candidate.object("groundingMetadata") {
            let queries = grounding.elements("webSearchQueries").count() as u64;
            self.searches = Some(queries)
                .filter(|queries| *queries > 0)
                .or(self.searches);
            self.ran_tool = true;
        }
    }

    fn into_reading(self) -> Reading<'static> {
        let counts = self.counts;
        let usage = Usage {
            web_searches: self.searches,
            ..counts.usage
        };
        Reading {
            response_model: self.model,
            response_id: self.id,
            usage,
            input_tokens_reported: counts.prompt,
            output_tokens_reported: counts.candidates,
            tool_use_prompt_tokens: counts.tool_use,
            media: counts.media,
            tool_calls: self.tool_calls,
            batch: self.tier.as_deref() == Some("batch"),
            service_tier: self.tier,
            refusal: self.refusal,
            error: self.error,
            ..Reading::default()
        }
    }
}

/// The tier that served the request; Vertex says it as a type of traffic.
fn tier(usage: &Object<'_>) -> Option<String> {
    let traffic = || {
        let kind = usage.text("trafficType")?.to_ascii_lowercase();
        let known = kind != "traffic_type_unspecified";
        let tier = kind.strip_prefix("on_demand_").unwrap_or(&kind);
        known.then(|| tier.to_owned())
    };
    usage.owned_text("serviceTier").or_else(traffic)
}

/// The counts of one usage object.
#[derive(Clone, Copy, Default)]
struct Counts {
    usage: Usage,
    media: MediaTokens,
    prompt: Option<u64>,
    tool_use: Option<u64>,
    candidates: Option<u64>,
}

impl Counts {
    fn read(usage: &Object<'_>) -> Self {
        let prompt = usage.count("promptTokenCount");
        let tool_use = usage.count("toolUsePromptTokenCount");
        let thoughts = usage.count("thoughtsTokenCount");
        let candidates = usage
            .count("candidatesTokenCount")
            .or_else(|| usage.count("responseTokenCount"));
        let left = || uncounted(usage.count("totalTokenCount")?, prompt, tool_use, thoughts);
        let output = sum([candidates.or_else(left), thoughts]);
        Self {
            usage: Usage {
                input_tokens: sum([prompt, tool_use]),
                output_tokens: output,
                thinking_tokens: thoughts,
                cache_read_tokens: usage.count("cachedContentTokenCount"),
                ..Usage::default()
            },
            media: media(usage),
            prompt,
            tool_use,
            candidates,
        }
    }
}

/// Candidates' tokens that only the total counts: some last chunks leave the number out.
fn uncounted(
    total: u64,
    prompt: Option<u64>,
    tool_use: Option<u64>,
    thoughts: Option<u64>,
) -> Option<u64> {
    let others = sum([Some(prompt?), sum([tool_use, thoughts])])?;
    total.checked_sub(others)
}

/// Adds two counts; an unknown one leaves the other.
fn sum(counts: [Option<u64>; 2]) -> Option<u64> {
    counts.into_iter().flatten().reduce(u64::saturating_add)
}

/// Tokens by modality; documents are charged as images.
fn media(usage: &Object<'_>) -> MediaTokens {
    let of = |keys: &[&str], modalities: &[&str]| {
        let details = keys.iter().flat_map(|key| usage.elements(key));
        let counts = details.filter_map(Object::parse).filter_map(|detail| {
            let modality = detail.text("modality")?.to_ascii_uppercase();
            let is_asked = modalities.contains(&modality.as_str());
            detail.count("tokenCount").filter(|_| is_asked)
        });
        counts.reduce(u64::saturating_add)
    };
    let input = ["promptTokensDetails", "toolUsePromptTokensDetails"];
    let (cached, output) = (["cacheTokensDetails"], ["candidatesTokensDetails"]);
    let (audio, image, video) = (["AUDIO"], ["IMAGE", "DOCUMENT"], ["VIDEO"]);
    MediaTokens {
        input_audio: of(&input, &audio),
        cache_read_audio: of(&cached, &audio),
        output_audio: of(&output, &audio),
        input_image: of(&input, &image),
        cache_read_image: of(&cached, &image),
        output_image: of(&output, &image),
        input_video: of(&input, &video),
        output_video: of(&output, &video),
    }
}

/// A stream of this flavour, put together.
#[derive(Default)]
struct Stream {
    with_output: bool,
    known: Known,
    finish_reasons: Vec<String>,
    candidates: BTreeMap<u64, Candidate>,
    raw_usage: Option<Vec<u8>>,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        ..Stream::default()
    })
}

impl Stream {
    fn candidate(&mut self, candidate: &Object<'_>) {
        note_reason(
            &mut self.finish_reasons,
            candidate.owned_text("finishReason"),
        );
        self.known.candidate(candidate);
        if self.with_output {
            let index = candidate.count("index").unwrap_or(0);
            self.candidates.entry(index).or_default().add(candidate);
        }
    }

    /// Leaves out the counts that would have been others at the end.
    fn forget_unfinished(&mut self) {
        let counts = &mut self.known.counts;
        counts.usage.output_tokens = None;
        counts.usage.thinking_tokens = None;
        counts.candidates = None;
        counts.media = MediaTokens::default();
        if self.known.ran_tool {
            *counts = Counts::default();
        }
    }

    fn output(&self) -> Option<Vec<u8>> {
        let mut out = vec![b'['];
        for candidate in self.candidates.values() {
            if out.len() > 1 {
                out.push(b',');
            }
            candidate.write(&mut out);
        }
        out.push(b']');
        (out.len() > 2).then_some(out)
    }
}

impl EventReader for Stream {
    fn event(&mut self, name: &[u8], data: &[u8]) {
        let Some(chunk) = Object::parse(data) else {
            return;
        };
        self.known.merge(&chunk);
        if name == b"error" && self.known.error.is_none() {
            self.known.error = Some(ProviderError::of(&chunk));
        }
        if let Some(raw) = chunk.get("usageMetadata") {
            self.raw_usage = Some(raw.to_vec());
        }
        for candidate in chunk.elements("candidates").filter_map(Object::parse) {
            self.candidate(&candidate);
        }
    }

    fn finish(mut self: Box<Self>, is_whole: bool) -> Reading<'static> {
        let is_finished = !self.finish_reasons.is_empty() || self.known.refusal.is_some();
        if !is_finished {
            self.forget_unfinished();
        }
        let output = self.with_output.then(|| self.output()).flatten();
        Reading {
            is_complete: is_whole && is_finished,
            finish_reasons: self.finish_reasons,
            raw_usage: self.raw_usage.map(Cow::Owned),
            output: output.map(Cow::Owned),
            ..self.known.into_reading()
        }
    }
}
