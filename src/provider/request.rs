//! What a request body says: the model, the content that is hashed, who asks, what is asked that bears on the price.
//!
//! Promise: works for every provider's body without knowing whose it is; what is not there, or empty, is `None`; the
//! same body gives the same content by whichever way it came.
//! Not here: parameters such as temperature, which the span's attributes carry; a model that stands in the URL.
//!
//! # The input
//! What the API calls it, as it was spelled: `messages`, `contents`, `input`, `prompt`, `inputText`, `texts`, ... Two
//! forms are put together: Cohere's first version says the last turn apart, so its input is `chat_history` with
//! `{"role":"USER","message":...}` behind it (the `message` alone where there is no history); a reranking asks about
//! documents, so its input is the object of `query` and `documents`.

use std::borrow::Cow;

use super::object::Object;
use llm_audit_journal::json;

/// Members with the input, the most telling first.
const INPUTS: [&str; 11] = [
    "messages",
    "contents",
    "input",
    "prompt",
    "inputText",
    "texts",
    "inputs",
    "images",
    "content",
    "requests",
    "query",
];
/// Members with the system prompt.
const SYSTEMS: [&str; 5] = [
    "system",
    "instructions",
    "systemInstruction",
    "system_instruction",
    "preamble",
];
/// Lists among whose elements a system prompt can stand, with the member that has its text.
const SYSTEM_LISTS: [(&str, &str); 3] = [
    ("messages", "content"),
    ("input", "content"),
    ("chat_history", "message"),
];

/// What was read from a request's body; content as it was spelled.
#[derive(Default)]
pub(crate) struct Request<'a> {
    pub(crate) model: Option<String>,
    pub(crate) stream: Option<bool>,
    pub(crate) input: Option<Cow<'a, [u8]>>,
    /// The system prompt, or the content of the first message of that role.
    pub(crate) system: Option<&'a [u8]>,
    /// The tier that was asked for.
    pub(crate) service_tier: Option<String>,
    /// The speed that was asked for.
    pub(crate) speed: Option<String>,
    /// Where the inference was asked to run.
    pub(crate) geo: Option<String>,
    /// Whom the body names as the one who asks: `user`, `safety_identifier`, or `user_id` of the metadata. It is the
    /// record's user only of a call that an HTTP client alone saw, and where the host said nobody.
    pub(crate) user: Option<String>,
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
    let system = SYSTEMS.into_iter().find_map(|key| content(&request, key));
    Request {
        model: request
            .owned_text("model")
            .or_else(|| request.owned_text("modelId")),
        stream: match request.get("stream") {
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            _ => None,
        },
        input: input(&request),
        system: system.or_else(|| system_message(&request)),
        service_tier: service_tier(&request),
        speed: request.owned_text("speed"),
        geo: request.owned_text("inference_geo"),
        user: user(&request),
        is_object: true,
    }
}

/// A member that has something in it.
fn content<'a>(request: &Object<'a>, key: &str) -> Option<&'a [u8]> {
    let is_empty = |value: &[u8]| matches!(value, b"\"\"" | b"[]" | b"{}");
    request.get(key).filter(|value| !is_empty(value))
}

fn input<'a>(request: &Object<'a>) -> Option<Cow<'a, [u8]>> {
    let by_key = || INPUTS.into_iter().find_map(|key| content(request, key));
    // A `message` alone is Cohere's first version; `documents` stand beside one too.
    if let Some(message) = content(request, "message") {
        return Some(turns(content(request, "chat_history"), message));
    }
    let documents = content(request, "documents");
    if let Some((query, documents)) = content(request, "query").zip(documents) {
        let parts = [b"{\"query\":", query, b",\"documents\":", documents, b"}"];
        return Some(Cow::Owned(parts.concat()));
    }
    by_key().map(Cow::Borrowed)
}

/// The history with the last turn behind it.
fn turns<'a>(history: Option<&'a [u8]>, message: &'a [u8]) -> Cow<'a, [u8]> {
    let elements: Vec<_> = json::elements(history.unwrap_or(b"[]"))
        .filter_map(Result::ok)
        .collect();
    if elements.is_empty() {
        return Cow::Borrowed(message);
    }
    let mut out = b"[".to_vec();
    out.extend_from_slice(&elements.join(&b","[..]));
    out.extend_from_slice(b",{\"role\":\"USER\",\"message\":");
    out.extend_from_slice(message);
    out.extend_from_slice(b"}]");
    Cow::Owned(out)
}

fn system_message<'a>(request: &Object<'a>) -> Option<&'a [u8]> {
    SYSTEM_LISTS.into_iter().find_map(|(list, member)| {
        let mut messages = request.elements(list).filter_map(Object::parse);
        let found = messages.find(|message| {
            let role = message.text("role").unwrap_or_default();
            matches!(role.as_ref(), "system" | "developer" | "SYSTEM")
        });
        content(&found?, member)
    })
}

/// The tier: a word, or Bedrock's object around one.
fn service_tier(request: &Object<'_>) -> Option<String> {
    let camel = || request.owned_text("serviceTier");
    let inside = || request.object("serviceTier")?.owned_text("type");
    request
        .owned_text("service_tier")
        .or_else(camel)
        .or_else(inside)
}

/// Who asks: `OpenAI`'s `user` and the identifier that replaces it, Anthropic's metadata.
fn user(request: &Object<'_>) -> Option<String> {
    let of_metadata = || request.object("metadata")?.owned_text("user_id");
    request
        .owned_text("user")
        .or_else(|| request.owned_text("safety_identifier"))
        .or_else(of_metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input_of(body: &str) -> String {
        let input = read_request(body.as_bytes()).input;
        String::from_utf8(input.map(Cow::into_owned).unwrap_or_default()).expect("text")
    }

    #[test]
    fn each_api_has_its_input() {
        for (body, expected) in [
            (
                r#"{"model":"m","messages":[{"role":"user","content":"a"}],"system":"s"}"#,
                r#"[{"role":"user","content":"a"}]"#,
            ),
            (r#"{"model":"m","input":"a","instructions":"s"}"#, r#""a""#),
            (
                r#"{"model":"m","input":[{"role":"user","content":"a"}]}"#,
                r#"[{"role":"user","content":"a"}]"#,
            ),
            (
                r#"{"contents":[{"parts":[{"text":"a"}]}],"systemInstruction":{"parts":[]}}"#,
                r#"[{"parts":[{"text":"a"}]}]"#,
            ),
            (r#"{"prompt":"a","max_gen_len":9}"#, r#""a""#),
            (r#"{"inputText":"a","textGenerationConfig":{}}"#, r#""a""#),
            (
                r#"{"texts":["a","b"],"input_type":"search_query"}"#,
                r#"["a","b"]"#,
            ),
            (
                r#"{"model":"models/e","content":{"parts":[{"text":"a"}]}}"#,
                r#"{"parts":[{"text":"a"}]}"#,
            ),
            (r#"{"requests":[{"content":{}}]}"#, r#"[{"content":{}}]"#),
            (
                r#"{"query":"a","documents":["b"]}"#,
                r#"{"query":"a","documents":["b"]}"#,
            ),
            (
                r#"{"model":"m","prompt":"a","system":"","context":[]}"#,
                r#""a""#,
            ),
            (
                r#"{"message":"a","chat_history":[],"documents":null}"#,
                r#""a""#,
            ),
            (
                r#"{"message":"c","chat_history":[{"role":"USER","message":"a"},{"role":"CHATBOT","message":"b"}]}"#,
                r#"[{"role":"USER","message":"a"},{"role":"CHATBOT","message":"b"},{"role":"USER","message":"c"}]"#,
            ),
            (r#"{"messages":[]}"#, ""),
        ] {
            assert_eq!(input_of(body), expected, "{body}");
        }
    }

    #[test]
    fn each_api_has_its_system_prompt() {
        for (body, expected) in [
            (r#"{"system":"s","messages":[]}"#, r#""s""#),
            (
                r#"{"system":[{"text":"s"}],"messages":[]}"#,
                r#"[{"text":"s"}]"#,
            ),
            (r#"{"instructions":"s","input":"a"}"#, r#""s""#),
            (
                r#"{"system_instruction":{"parts":[1]}}"#,
                r#"{"parts":[1]}"#,
            ),
            (r#"{"preamble":"s","message":"a"}"#, r#""s""#),
            (
                r#"{"system":"","messages":[{"role":"system","content":"s"},{"role":"system","content":"t"}]}"#,
                r#""s""#,
            ),
            (
                r#"{"input":[{"role":"developer","content":[{"type":"input_text","text":"s"}]}]}"#,
                r#"[{"type":"input_text","text":"s"}]"#,
            ),
            (
                r#"{"message":"a","chat_history":[{"role":"SYSTEM","message":"s"}]}"#,
                r#""s""#,
            ),
        ] {
            assert_eq!(
                read_request(body.as_bytes()).system,
                Some(expected.as_bytes()),
                "{body}"
            );
        }
        assert_eq!(
            read_request(br#"{"messages":[{"role":"user","content":"a"}]}"#).system,
            None
        );
    }

    #[test]
    fn who_asks_and_for_what_is_read() {
        let body = br#"{"service_tier":"flex","speed":"fast","inference_geo":"us","metadata":{"user_id":"u-1"}}"#;
        let request = read_request(body);
        assert_eq!(request.service_tier.as_deref(), Some("flex"));
        assert_eq!(request.speed.as_deref(), Some("fast"));
        assert_eq!(request.geo.as_deref(), Some("us"));
        assert_eq!(request.user.as_deref(), Some("u-1"));
        let named = read_request(
            br#"{"user":"u-2","safety_identifier":"h","serviceTier":{"type":"priority"}}"#,
        );
        assert_eq!(
            (named.user.as_deref(), named.service_tier.as_deref()),
            (Some("u-2"), Some("priority"))
        );
    }
}
