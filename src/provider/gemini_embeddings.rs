//! Embeddings of Gemini and Vertex: whole bodies; there are no streams.
//!
//! Promise: counts are there where the provider says them: Vertex for each text, Gemini for newer models.
//! Not here: `generateContent` (`gemini`).

use std::borrow::Cow;

use super::{object::Object, reading::Reading, refusal::ProviderError};
use crate::operation::Usage;

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let is_embedding = |prediction: Object<'_>| prediction.get("embeddings").is_some();
    let has_values = body
        .object("embedding")
        .is_some_and(|one| one.get("values").is_some());
    let mut predictions = body.elements("predictions").filter_map(Object::parse);
    has_values || predictions.any(is_embedding)
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let usage = body.object("usageMetadata");
    let by_text = || {
        let predictions = body.elements("predictions").filter_map(Object::parse);
        let counts = predictions.filter_map(|prediction| {
            let statistics = prediction.object("embeddings")?.object("statistics")?;
            statistics.count("token_count")
        });
        counts.reduce(u64::saturating_add)
    };
    let input = usage
        .and_then(|usage| usage.count("promptTokenCount"))
        .or_else(by_text);
    let keys = ["embedding", "embeddings", "predictions"];
    Reading {
        is_complete: body.is_whole,
        usage: Usage {
            input_tokens: input,
            ..Usage::default()
        },
        input_tokens_reported: input,
        error: ProviderError::read(body),
        raw_usage: body.get("usageMetadata").map(Cow::Borrowed),
        output: keys
            .into_iter()
            .find_map(|key| body.get(key))
            .map(Cow::Borrowed),
        ..Reading::default()
    }
}
