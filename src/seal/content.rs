//! A call's content: where it is found, and how it is kept where the host asked for that.
//!
//! Promise: the handle's word counts before the bodies', theirs before the span's attributes.
//! Not here: hashing it (`digest`).

use std::borrow::Cow;

use crate::{
    digest::Material,
    facts::{FactValue, Facts},
    judge::responses,
    provider::{Request, Want, read_request},
    record::{AuditRecord, CallData, Payload},
    semconv::{Role, Slot, ValueType},
};
use llm_audit_journal::{
    entry::{LINE_BYTES_MAX, Members, schema::key},
    json,
};

/// Bytes of a line that content leaves to its other members and its envelope.
const OTHER_BYTES: usize = 1 << 20;

/// The three contents of a call.
#[derive(Default)]
pub(super) struct Contents<'a> {
    pub(super) system: Option<Material<'a>>,
    pub(super) input: Option<Material<'a>>,
    pub(super) output: Option<Material<'a>>,
    /// At least one is what a span's attribute had: the conventions' form, and not the provider's.
    pub(super) is_of_attributes: bool,
}

impl<'a> Contents<'a> {
    pub(super) fn of(record: &'a AuditRecord) -> Self {
        let call = record.call.as_deref();
        let body = call.and_then(|call| call.request.as_deref());
        let request = body.map(read_request).unwrap_or_default();
        let mut contents = call
            .map(|call| Self::of_call(call, request))
            .unwrap_or_default();
        let roles = [Role::System, Role::Input, Role::Output];
        let slots = [
            &mut contents.system,
            &mut contents.input,
            &mut contents.output,
        ];
        for (role, content) in roles.into_iter().zip(slots) {
            if content.is_none() {
                *content = of_attributes(&record.facts, role);
                contents.is_of_attributes |= content.is_some();
            }
        }
        contents
    }

    fn of_call(call: &'a CallData, request: Request<'a>) -> Self {
        let given = |payload: &'a Option<Payload>| payload.as_ref().map(material);
        let read = |raw: Option<&'a [u8]>| raw.map(|raw| Material::Json(Cow::Borrowed(raw)));
        // A request that is no object we know is hashed as it was sent.
        let is_unknown = request.is_unknown();
        let whole = || call.request.as_deref().filter(|_| is_unknown);
        let input = request.input.map(Material::Json);
        Self {
            system: given(&call.system).or_else(|| read(request.system)),
            input: given(&call.input).or(input).or_else(|| read(whole())),
            output: given(&call.output).or_else(|| outputs(call)),
            is_of_attributes: false,
        }
    }

    /// Pushes the contents as they are; one that makes the line too long is named instead.
    pub(super) fn push_plain(&self, members: &mut Members) {
        let contents = [
            (key::SYSTEM_PROMPT, &self.system),
            (key::INPUT, &self.input),
            (key::OUTPUT, &self.output),
        ];
        let mut omitted = Vec::new();
        for (key, content) in contents {
            let Some(content) = content else { continue };
            let text = spelled(content);
            if members.len() + text.len() > LINE_BYTES_MAX - OTHER_BYTES {
                omitted.push(key);
            } else {
                members.push_raw(key, &text);
            }
        }
        if !omitted.is_empty() {
            members.push_with(key::CONTENT_TOO_LONG, |out| {
                super::facts::write_texts(out, &omitted);
            });
        }
    }
}

fn material(payload: &Payload) -> Material<'_> {
    match payload {
        Payload::Text(text) => Material::Text(Cow::Borrowed(text)),
        Payload::Json(json) => Material::Json(Cow::Borrowed(json)),
    }
}

/// The output of the response that has one; of several, all in a list. One whose middle is missing has none.
fn outputs(call: &CallData) -> Option<Material<'_>> {
    let whole = responses(call, Want::Output)
        .into_iter()
        .filter(|response| response.body.omitted_bytes == 0);
    let mut outputs: Vec<_> = whole
        .filter_map(|response| response.reading.output)
        .collect();
    if outputs.len() > 1 {
        let mut list = vec![b'['];
        list.extend(outputs.join(&b","[..]));
        list.push(b']');
        return Some(Material::Json(Cow::Owned(list)));
    }
    outputs.pop().map(Material::Json)
}

/// The first attribute that has content of this role; one that has all of it counts before numbered parts.
fn of_attributes(facts: &Facts, role: Role) -> Option<Material<'_>> {
    let of_role = |(slot, value): (Slot, _)| {
        let attribute = slot.attribute();
        (attribute.role == role).then_some((attribute.value, value))
    };
    let (mut parts, mut whole) = (None, None);
    for (value_type, value) in facts.iter().filter_map(of_role) {
        let FactValue::Text(text) = value else {
            continue;
        };
        let found = match value_type {
            _ if text.is_empty() => None,
            ValueType::Members => {
                let object = format!("{{{text}}}").into_bytes();
                parts = parts.or(Some(Material::Json(Cow::Owned(object))));
                None
            }
            ValueType::Json => Some(Material::Json(Cow::Borrowed(text.as_bytes()))),
            _ => Some(Material::Text(Cow::Borrowed(text))),
        };
        whole = whole.or(found);
    }
    whole.or(parts)
}

/// Spells content as the journal does; bytes that are no JSON become a text.
fn spelled(content: &Material<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match content {
        Material::Text(text) => json::write_str(&mut out, text),
        Material::Json(json) => {
            if json::normalize(&mut out, json, 2).is_err() {
                out.clear();
                json::write_str(&mut out, &String::from_utf8_lossy(json));
            }
        }
    }
    out
}
