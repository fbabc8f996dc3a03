//! The span's attributes and the call's circumstances, as members.
//!
//! Promise: only attributes that are facts or name the actor; a value of the wrong type is left out; texts are
//! bounded, and redacted unless they say who.
//! Not here: content, tokens and what else was judged.

use std::borrow::Cow;

use crate::{
    facts::FactValue,
    judge::text_list,
    operation::SanitizationEvent,
    record::{AuditRecord, Stage},
    redact::{redact, start_of},
    semconv::{Attribute, Role, Slot, ValueType},
};
use llm_audit_journal::{
    entry::{Members, schema::key},
    json,
};

/// Bytes of one fact's text.
const TEXT_BYTES_MAX: usize = 16 << 10;
/// Names in a request that are the providers' own; any other in a pointer is the host's, and may say what it must not.
const POINTER_NAMES: [&str; 27] = [
    "args",
    "arguments",
    "candidates",
    "choices",
    "content",
    "contents",
    "description",
    "document",
    "function",
    "image_url",
    "input",
    "instructions",
    "messages",
    "metadata",
    "name",
    "output",
    "parts",
    "prompt",
    "source",
    "system",
    "systemInstruction",
    "system_instruction",
    "text",
    "thinking",
    "tool_calls",
    "tools",
    "url",
];

/// Pushes the facts of the span and of the handle.
pub(super) fn push(members: &mut Members, record: &AuditRecord) {
    for (slot, value) in record.facts.iter() {
        let attribute = slot.attribute();
        match attribute.role {
            // The response's own word on these was judged.
            Role::Fact
                if matches!(
                    slot,
                    Slot::ResponseId | Slot::Stream | Slot::ProviderRequestId
                ) => {}
            Role::Fact => push_fact(members, attribute, value),
            Role::Tenant | Role::Conversation | Role::ClientAddress | Role::Actor => {
                push_actor(members, attribute, value);
            }
            _ => {}
        }
    }
    if record.stage == Stage::Ended {
        push_first_chunk(members, record);
    }
    let Some(call) = &record.call else { return };
    if let Some(attempts) = call.attempts {
        members.push_u64(key::ATTEMPTS, attempts);
    }
    if !call.sanitization.is_empty() {
        members.push_with(key::SANITIZATION, |out| {
            write_events(out, &call.sanitization);
        });
    }
}

/// Pushes who asked, or null: as the host said it, else as the request's body does.
pub(super) fn push_user(members: &mut Members, record: &AuditRecord, of_body: Option<&str>) {
    let said = record.facts.get(Slot::UserId).and_then(text_of);
    match said.or_else(|| of_body.map(Cow::Borrowed)) {
        Some(user) => members.push_str(key::USER_ID, bounded(&user)),
        None => members.push_null(key::USER_ID),
    }
}

/// Bounds a text that is no person's, and redacts it.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    redact(bounded(text))
}

/// Writes a list of texts.
pub(super) fn write_texts(out: &mut Vec<u8>, texts: &[impl AsRef<str>]) {
    out.push(b'[');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::write_str(out, &clean(text.as_ref()));
    }
    out.push(b']');
}

fn bounded(text: &str) -> &str {
    start_of(text, TEXT_BYTES_MAX)
}

/// A text, or a number or truth value in words.
fn text_of(value: FactValue<'_>) -> Option<Cow<'_, str>> {
    Some(match value {
        FactValue::Text("") => return None,
        FactValue::Text(text) => Cow::Borrowed(text),
        FactValue::Int(int) => Cow::Owned(int.to_string()),
        FactValue::UInt(int) => Cow::Owned(int.to_string()),
        FactValue::Double(double) => Cow::Owned(double.to_string()),
        FactValue::Bool(truth) => Cow::Owned(truth.to_string()),
    })
}

fn push_actor(members: &mut Members, attribute: &Attribute, value: FactValue<'_>) {
    let Some(text) = text_of(value) else { return };
    if attribute.value == ValueType::TextList {
        let texts = text_list(&text);
        members.push_with(attribute.key, |out| write_texts(out, &texts));
    } else {
        members.push_str(attribute.key, bounded(&text));
    }
}

fn push_fact(members: &mut Members, attribute: &Attribute, value: FactValue<'_>) {
    let key = attribute.key;
    match attribute.value {
        ValueType::Text => {
            if let Some(text) = text_of(value) {
                members.push_str(key, &clean(&text));
            }
        }
        ValueType::TextList => {
            if let Some(text) = text_of(value) {
                let texts = text_list(&text);
                members.push_with(key, |out| write_texts(out, &texts));
            }
        }
        ValueType::Int => {
            if let Some(number) = integer(value) {
                members.push_raw(key, number.to_string().as_bytes());
            }
        }
        ValueType::Double => push_double(members, key, value),
        ValueType::Bool => {
            if let Some(truth) = truth(value) {
                members.push_bool(key, truth);
            }
        }
        // No fact has a structure.
        ValueType::Json | ValueType::Members => {}
    }
}

fn integer(value: FactValue<'_>) -> Option<i128> {
    match value {
        FactValue::Int(int) => Some(int.into()),
        FactValue::UInt(int) => Some(int.into()),
        FactValue::Double(double) if double.fract() == 0.0 && double.abs() < 9e15 => {
            Some(double as i128)
        }
        FactValue::Text(text) => text.trim().parse::<i64>().ok().map(i128::from),
        _ => None,
    }
}

fn truth(value: FactValue<'_>) -> Option<bool> {
    match value {
        FactValue::Bool(truth) => Some(truth),
        FactValue::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number keeps the digits in which it was said; infinity and what is no number are left out.
fn push_double(members: &mut Members, key: &str, value: FactValue<'_>) {
    let Some(text) = text_of(value) else { return };
    let text = text.trim();
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        // A spelling that JSON does not have, such as `.5`, is left out as well.
        let _ = members.push_json(key, text.as_bytes());
    }
}

/// The time to the first chunk in milliseconds: the handle's clock, else the attribute, which is in seconds.
fn push_first_chunk(members: &mut Members, record: &AuditRecord) {
    let measured = record.first_chunk_ns.map(|time| time / 1_000_000);
    let said = || match record.facts.get(Slot::TimeToFirstChunk)? {
        FactValue::Double(seconds) => Some(seconds),
        FactValue::Int(seconds) => Some(seconds as f64),
        FactValue::UInt(seconds) => Some(seconds as f64),
        FactValue::Text(text) => text.trim().parse().ok(),
        FactValue::Bool(_) => None,
    };
    let said = || {
        said()
            .filter(|seconds| (0.0..1e9).contains(seconds))
            .map(|seconds| (seconds * 1e3) as u64)
    };
    if let Some(time_ms) = measured.or_else(said) {
        members.push_u64(key::TIME_TO_FIRST_CHUNK_MS, time_ms);
    }
}

fn write_events(out: &mut Vec<u8>, events: &[SanitizationEvent]) {
    for (at, event) in events.iter().enumerate() {
        out.extend_from_slice(if at == 0 {
            b"[{\"type\":"
        } else {
            b",{\"type\":"
        });
        json::write_str(out, &clean(&event.kind));
        out.extend_from_slice(format!(",\"count\":{}", event.count).as_bytes());
        let pointer = pointer_without_names(&event.pointer);
        let texts = [
            ("pointer", pointer.as_str()),
            ("action", &event.action),
            ("detector", &event.detector),
        ];
        for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            out.extend_from_slice(format!(",\"{key}\":").as_bytes());
            json::write_str(out, &clean(text));
        }
        out.push(b'}');
    }
    out.push(b']');
}

/// A JSON Pointer in which the host's own member names are `*`.
fn pointer_without_names(pointer: &str) -> String {
    let parts = pointer.split('/').map(|part| {
        let is_index = part.bytes().all(|byte| byte.is_ascii_digit());
        if is_index || POINTER_NAMES.binary_search(&part).is_ok() {
            part
        } else {
            "*"
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_lose_the_hosts_names() {
        assert!(POINTER_NAMES.is_sorted());
        for (pointer, expected) in [
            ("", ""),
            ("/messages/0/content/1/text", "/messages/0/content/1/text"),
            ("/metadata/customer ada", "/metadata/*"),
            ("/input/secret~1name/3", "/input/*/3"),
        ] {
            assert_eq!(pointer_without_names(pointer), expected);
        }
    }
}
