//! What a request body says: the model, and the content that is hashed.
//!
//! Promise: works for every provider's body; what is not there is `None`.
//! Not here: parameters such as temperature, which the span's attributes carry.

use super::object::Object;
use crate::json;

/// What was read from a request's body; content as it was spelled.
#[derive(Default)]
pub(crate) struct Request<'a> {
    pub(crate) model: Option<String>,
    pub(crate) stream: Option<bool>,
    /// `messages`, `input`, `contents` or `prompt`.
    pub(crate) input: Option<&'a [u8]>,
    /// The system prompt, or the content of the first message of that role.
    pub(crate) system: Option<&'a [u8]>,
    is_object: bool,
}

impl Request<'_> {
    /// Says whether the body is something else than a JSON object.
    pub(crate) fn is_unknown(&self) -> bool {
        !self.is_object
    }
}

/// Reads a request's body.
pub(crate) fn read_request(body: &[u8]) -> Request<'_> {
    let Some(request) = Object::parse(body) else {
        return Request::default();
    };
    let first = |keys: [&str; 4]| keys.into_iter().find_map(|key| request.get(key));
    let system = first([
        "system",
        "instructions",
        "systemInstruction",
        "system_instruction",
    ]);
    Request {
        model: request.owned_text("model"),
        stream: match request.get("stream") {
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            _ => None,
        },
        input: first(["messages", "input", "contents", "prompt"]),
        system: system.or_else(|| system_message(request.get("messages")?)),
        is_object: true,
    }
}

fn system_message(messages: &[u8]) -> Option<&[u8]> {
    let messages = json::elements(messages).filter_map(Result::ok);
    let mut messages = messages.filter_map(Object::parse);
    let found =
        messages.find(|message| message.is("role", "system") || message.is("role", "developer"));
    found?.get("content")
}
