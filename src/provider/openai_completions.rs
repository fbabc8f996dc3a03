//! `OpenAI` Completions, the older text API, which local servers still speak: how it is told from others.
//!
//! Promise: read as chat is (`openai_chat`): a choice has a `text` where chat has a `message`.
//! Not here: llama.cpp's own `/completion`, which has neither choices nor usage.

use super::object::Object;

/// Says whether a whole body is of this flavour.
pub(super) fn is_body(body: &Object<'_>) -> bool {
    let kind = body.text("object").unwrap_or_default();
    kind == "text_completion" || kind.is_empty() && has_texts(body)
}

/// Says whether an event is of this flavour.
pub(super) fn is_event(_name: &[u8], event: &Object<'_>) -> bool {
    is_body(event)
}

/// Some compatible hosts leave `object` out.
fn has_texts(body: &Object<'_>) -> bool {
    let mut choices = body.elements("choices").filter_map(Object::parse);
    choices.any(|choice| choice.get("text").is_some())
}
