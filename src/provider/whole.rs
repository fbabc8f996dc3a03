//! Whole bodies: one JSON object, of a flavour that was given or is told by its content.
//!
//! Promise: a given flavour counts, except where its reader finds nothing in a body that is plainly another's.
//! Not here: what each flavour says.

use std::borrow::Cow;

use super::{READERS, Reader, object::Object, reading::Reading, refusal::ProviderError};
use crate::flavour::Flavour;

/// The bytes of an error text that are read out of a body that is no JSON.
const ERROR_TEXT_BYTES_MAX: usize = 4096;

/// Reads one whole body.
pub(super) fn read_whole(
    body: &[u8],
    flavour: Option<Flavour>,
    http_status: Option<u16>,
    is_whole: bool,
) -> Reading<'_> {
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(text) => read_text(text.as_bytes(), flavour, http_status, is_whole),
        // A stray byte, or a character that was cut in the middle, costs no number.
        Cow::Owned(text) => read_text(text.as_bytes(), flavour, http_status, is_whole).into_owned(),
    }
}

fn read_text(
    body: &[u8],
    flavour: Option<Flavour>,
    http_status: Option<u16>,
    is_whole: bool,
) -> Reading<'_> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let failed = http_status.is_some_and(|status| status >= 400);
    let Some(object) = Object::parse(body) else {
        return Reading {
            // Where a flavour was promised, something else is a body that went wrong.
            is_complete: is_whole && flavour.is_none(),
            flavour,
            error: failed.then(|| error_text(body)),
            ..Reading::default()
        };
    };
    let mut reading = read_object(&object, flavour);
    if failed && reading.error.is_none() {
        reading.error = Some(ProviderError::of(&object));
    }
    if failed || reading.error.is_some() && reading.flavour.is_none() {
        reading.output = None;
    }
    reading.is_complete &= is_whole;
    reading
}

/// Reads an object by the given flavour, or by the one that it looks like.
pub(super) fn read_object<'a>(object: &Object<'a>, flavour: Option<Flavour>) -> Reading<'a> {
    let by = |reader: &Reader| Reading {
        flavour: Some(reader.flavour),
        ..(reader.read_body)(object)
    };
    let given = flavour.and_then(Reader::of).map(by);
    if let Some(reading) = given.filter(|reading| !reading.is_blank()) {
        return reading;
    }
    let told = READERS.iter().find(|reader| (reader.is_body)(object));
    told.map_or_else(|| read_unknown(object, flavour), by)
}

/// Reads what a body of an unknown flavour has in common with the others.
fn read_unknown<'a>(body: &Object<'a>, flavour: Option<Flavour>) -> Reading<'a> {
    let keys = [
        "output",
        "candidates",
        "choices",
        "content",
        "message",
        "data",
    ];
    Reading {
        flavour,
        is_complete: body.is_whole,
        response_model: body.owned_text("model"),
        response_id: body.owned_text("id"),
        error: ProviderError::read(body),
        output: keys
            .into_iter()
            .find_map(|key| body.get(key))
            .map(Cow::Borrowed),
        ..Reading::default()
    }
}

/// The beginning of an error page, for which the redactor is still to come.
fn error_text(body: &[u8]) -> ProviderError {
    let body = &body[..body.len().min(ERROR_TEXT_BYTES_MAX)];
    let text = String::from_utf8_lossy(body).trim().to_owned();
    ProviderError {
        message: Some(text).filter(|text| !text.is_empty()),
        ..ProviderError::default()
    }
}
