//! Amazon Bedrock `InvokeModel`: the model's own body, and its events in base64 inside Bedrock's frames.
//!
//! Promise: the model's own counts are the usage where it says any; Bedrock's metrics, which the last chunk of a
//! stream carries, are read beside them, and are the usage where the model says none. The reading says which.
//! Not here: the flavours that models share with others (`anthropic`, `openai_chat`, `bedrock_converse` for Nova).
//!
//! # Source
//! boto/botocore, `bedrock-runtime/2023-09-30`; the models' parameters in the Amazon Bedrock user guide.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{
    EventReader, READERS, anthropic, bedrock_converse, bedrock_guardrail, bedrock_plain,
    object::Object,
    openai_chat, openai_completions,
    reading::{GUARDRAIL, InvocationMetrics, Reading},
};
use crate::{flavour::Flavour, operation::Usage};

#[cfg(test)]
mod tests;

const METRICS: &str = "amazon-bedrock-invocationMetrics";

/// Says whether a whole body is of this flavour and of no other's shape.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    bedrock_plain::is_body(body)
}

/// Says whether an event is of this flavour.
pub(super) fn is_event(name: &[u8], event: &Object<'_>) -> bool {
    name == b"chunk" && event.get("bytes").is_some()
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = if anthropic::is_body(body) {
        anthropic::read_body(body)
    } else if bedrock_converse::is_body(body) {
        bedrock_converse::read_body(body)
    } else if openai_chat::is_body(body) || openai_completions::is_body(body) {
        // Imported models too, which a server of either API runs.
        openai_chat::read_body(body)
    } else {
        bedrock_plain::read_body(body)
    };
    if reading.finish_reasons.is_empty() {
        reading.finish_reasons = bedrock_plain::finish_reasons(body);
    }
    reading.refusal = reading.refusal.or_else(|| guarded(body));
    reading.is_masked |= is_masked(body);
    reading
}

/// A guardrail's word beside the model's answer.
fn guarded(body: &Object<'_>) -> Option<&'static str> {
    let is_guarded = body.is("amazon-bedrock-guardrailAction", "INTERVENED");
    is_guarded.then_some(GUARDRAIL)
}

/// Says whether the guardrail's trace has masks alone.
fn is_masked(body: &Object<'_>) -> bool {
    let trace = body.object("amazon-bedrock-trace");
    trace.is_some_and(|trace| bedrock_guardrail::is_masked(&trace))
}

/// A stream of this flavour: another's, inside.
struct Stream {
    with_output: bool,
    inner: Option<Box<dyn EventReader>>,
    metrics: Option<InvocationMetrics>,
    refusal: Option<&'static str>,
    is_masked: bool,
    is_broken: bool,
}

/// Makes the reader of a stream.
pub(super) fn stream(with_output: bool) -> Box<dyn EventReader> {
    Box::new(Stream {
        with_output,
        inner: None,
        metrics: None,
        refusal: None,
        is_masked: false,
        is_broken: false,
    })
}

impl Stream {
    fn chunk(&mut self, data: &[u8], event: &Object<'_>) {
        self.metrics = event
            .object(METRICS)
            .map(|said| metrics(&said))
            .or(self.metrics);
        self.refusal = self.refusal.or_else(|| guarded(event));
        self.is_masked |= is_masked(event);
        let with_output = self.with_output;
        let inner = self
            .inner
            .get_or_insert_with(|| inner_of(event, with_output));
        inner.event(b"", data);
    }
}

/// The reader of the flavour that a model's first event is of.
fn inner_of(event: &Object<'_>, with_output: bool) -> Box<dyn EventReader> {
    let others = READERS
        .iter()
        .filter(|reader| reader.flavour != Flavour::BedrockInvoke);
    let told = others
        .into_iter()
        .find(|reader| (reader.is_event)(b"", event));
    told.map_or_else(
        || bedrock_plain::stream(with_output),
        |reader| (reader.stream)(with_output),
    )
}

fn metrics(said: &Object<'_>) -> InvocationMetrics {
    let input = said.count("inputTokenCount");
    let read = said.count("cacheReadInputTokenCount");
    let write = said.count("cacheWriteInputTokenCount");
    let cached = read.unwrap_or(0).saturating_add(write.unwrap_or(0));
    InvocationMetrics {
        usage: Usage {
            input_tokens: input.map(|input| input.saturating_add(cached)),
            output_tokens: said.count("outputTokenCount"),
            cache_read_tokens: read,
            cache_write_tokens: write,
            ..Usage::default()
        },
        input_tokens_reported: input,
        latency_ms: said.count("invocationLatency"),
        first_byte_latency_ms: said.count("firstByteLatency"),
        is_usage: false,
    }
}

impl EventReader for Stream {
    fn event(&mut self, _name: &[u8], data: &[u8]) {
        let Some(event) = Object::parse(data) else {
            return;
        };
        let Some(bytes) = event.text("bytes") else {
            // A client library's own framing of what was inside.
            return self.chunk(data, &event);
        };
        match BASE64_STANDARD.decode(bytes.as_bytes()) {
            Ok(inside) => match Object::parse(&inside) {
                Some(event) => self.chunk(&inside, &event),
                None => self.is_broken = true,
            },
            Err(_) => self.is_broken = true,
        }
    }

    fn finish(self: Box<Self>, is_whole: bool) -> Reading<'static> {
        let inner = self.inner.map(|inner| inner.finish(is_whole));
        let mut reading = inner.unwrap_or_default();
        reading.is_complete = (reading.is_complete || self.metrics.is_some()) && !self.is_broken;
        reading.refusal = reading.refusal.or(self.refusal);
        reading.is_masked |= self.is_masked;
        if let Some(mut metrics) = self.metrics {
            let usage = &reading.usage;
            metrics.is_usage = usage.input_tokens.or(usage.output_tokens).is_none();
            if metrics.is_usage {
                reading.usage = metrics.usage;
                reading.input_tokens_reported = metrics.input_tokens_reported;
                reading.output_tokens_reported = metrics.usage.output_tokens;
            }
            reading.invocation_metrics = Some(metrics);
        }
        reading
    }
}
