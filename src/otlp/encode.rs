//! A log record in the protocol's bytes, written with `prost`'s primitives.
//!
//! Promise: the bytes are those that `opentelemetry-proto`'s types encode to (a test holds them together).
//! The types themselves are skipped: they would cost two allocations for each of some forty attributes, and a pass over all of
//! them for each level of nesting, which was two thirds of what exporting a record cost.

use prost::encoding::{WireType, encode_key, encode_varint};

use crate::log_record::{Encoding, LogRecord, LogValue};
use llm_audit_journal::entry::Entry;

/// `SEVERITY_NUMBER_INFO` and `SEVERITY_NUMBER_WARN`.
const INFO: (u64, &str) = (9, "INFO");
const WARN: (u64, &str) = (13, "WARN");

/// Appends the log record of an entry, without tag and length.
pub(super) fn write_log_record(out: &mut Vec<u8>, encoding: Encoding, entry: &Entry<'_>) {
    let record: LogRecord<Wire> = encoding.log_record(entry);
    let (severity, severity_text) = if record.is_warning { WARN } else { INFO };
    write_fixed64(out, 1, record.time_unix_ns);
    write_varint(out, 2, severity);
    write_bytes(out, 3, severity_text.as_bytes());
    if let Some(body) = &record.body {
        write_bytes(out, 5, &Wire::text(body).0);
    }
    for (name, value) in &record.attributes {
        write_attribute(out, 6, name, value);
    }
    if record.trace_flags != 0 {
        encode_key(8, WireType::ThirtyTwoBit, out);
        out.extend_from_slice(&u32::from(record.trace_flags).to_le_bytes());
    }
    if let Some(trace_id) = &record.trace_id {
        write_bytes(out, 9, trace_id);
    }
    if let Some(span_id) = &record.span_id {
        write_bytes(out, 10, span_id);
    }
    write_fixed64(out, 11, record.observed_time_unix_ns);
    write_bytes(out, 12, record.event_name.as_bytes());
}

/// Appends a `KeyValue` as field `tag`.
pub(super) fn write_attribute(out: &mut Vec<u8>, tag: u32, name: &str, value: &Wire) {
    let length = bytes_len(name.len()) + bytes_len(value.0.len());
    write_head(out, tag, length);
    write_bytes(out, 1, name.as_bytes());
    write_bytes(out, 2, &value.0);
}

/// Appends a text, bytes or message as field `tag`.
pub(super) fn write_bytes(out: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    write_head(out, tag, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends what stands before `length` bytes of field `tag`.
pub(super) fn write_head(out: &mut Vec<u8>, tag: u32, length: usize) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

/// The length of a field of `length` bytes whose tag is below 16.
fn bytes_len(length: usize) -> usize {
    1 + prost::length_delimiter_len(length) + length
}

fn write_varint(out: &mut Vec<u8>, tag: u32, value: u64) {
    encode_key(tag, WireType::Varint, out);
    encode_varint(value, out);
}

fn write_fixed64(out: &mut Vec<u8>, tag: u32, value: u64) {
    if value != 0 {
        encode_key(tag, WireType::SixtyFourBit, out);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// The bytes of an `AnyValue`.
pub(super) struct Wire(Vec<u8>);

impl LogValue for Wire {
    fn text(text: &str) -> Self {
        let mut out = Vec::with_capacity(text.len() + 4);
        write_bytes(&mut out, 1, text.as_bytes());
        Self(out)
    }

    fn bool(bool: bool) -> Self {
        let mut out = Vec::new();
        write_varint(&mut out, 2, bool.into());
        Self(out)
    }

    fn int(int: i64) -> Self {
        let mut out = Vec::with_capacity(11);
        write_varint(&mut out, 3, int as u64);
        Self(out)
    }

    fn double(double: f64) -> Self {
        let mut out = Vec::with_capacity(9);
        encode_key(4, WireType::SixtyFourBit, &mut out);
        out.extend_from_slice(&double.to_le_bytes());
        Self(out)
    }

    fn list(values: Vec<Self>) -> Self {
        let mut list = Vec::with_capacity(values.iter().map(|value| value.0.len() + 3).sum());
        for value in &values {
            write_bytes(&mut list, 1, &value.0);
        }
        Self::message(5, &list)
    }

    fn object(members: Vec<(String, Self)>) -> Self {
        let mut list = Vec::new();
        for (name, value) in &members {
            write_attribute(&mut list, 1, name, value);
        }
        Self::message(6, &list)
    }
}

impl Wire {
    fn message(tag: u32, bytes: &[u8]) -> Self {
        let mut out = Vec::with_capacity(bytes.len() + 6);
        write_bytes(&mut out, tag, bytes);
        Self(out)
    }
}

#[cfg(test)]
mod tests;
