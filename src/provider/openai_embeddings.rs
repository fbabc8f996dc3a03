//! `OpenAI` Embeddings and the hosts that copied them: whole bodies.
//!
//! Promise: the vectors are never parsed: as numbers or as base64, they are bytes on their way into a hash.
//! Not here: streams, which this API has none of.

use std::borrow::Cow;

use super::{object::Object, openai_usage::Counts, reading::Reading, refusal::ProviderError};

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let first = || Object::parse(body.elements("data").next()?);
    first()
        .is_some_and(|vector| vector.is("object", "embedding") || vector.get("embedding").is_some())
}

/// Reads a whole body.
pub(super) fn read_body<'a>(body: &Object<'a>) -> Reading<'a> {
    let mut reading = Reading {
        is_complete: body.is_whole,
        response_model: body.owned_text("model"),
        response_id: body.owned_text("id"),
        error: ProviderError::read(body),
        output: body.get("data").map(Cow::Borrowed),
        ..Reading::default()
    };
    if let Some(raw) = body.get("usage") {
        Counts::read(raw).tell(&mut reading);
        // There is no output here, so a total alone is the input: Voyage says no more than that.
        let total = || body.count_in("usage", "total_tokens");
        reading.usage.input_tokens = reading.usage.input_tokens.or_else(total);
    }
    reading
}
