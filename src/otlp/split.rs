//! Requests of bounded size out of batches of entries.
//!
//! Promise: a request has as many entries as fit its bytes, in order, and always at least one: an entry that is
//! too large by itself goes alone, and the destination decides.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use prost::Message;

use super::{
    encode::{Wire, write_attribute, write_bytes, write_head, write_log_record},
    settings::OtlpSettings,
};
use crate::log_record::{Encoding, LogValue};
use llm_audit_journal::entry::EntryBuf;

/// Entries of one request: the SDK's own batch size, large enough that a request's cost does not show.
const REQUEST_ENTRIES_MAX: usize = 512;
/// Bytes of tag and length before each record in a request.
const RECORD_HEAD_BYTES_MAX: usize = 6;

/// An encoded `ExportLogsServiceRequest`, and how many entries it is about.
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: usize,
}

pub(super) struct Requests {
    encoding: Encoding,
    /// The encoded `Resource`.
    resource: Vec<u8>,
    /// The encoded `InstrumentationScope`.
    scope: Vec<u8>,
    bytes_max: usize,
    /// One record at a time, and all of a request: kept, so that they are not allocated anew.
    record: Vec<u8>,
    records: Vec<u8>,
}

impl Requests {
    pub(super) fn new(settings: &OtlpSettings) -> Self {
        let mut resource = Vec::new();
        for (name, value) in &settings.resource {
            write_attribute(&mut resource, 1, name, &Wire::text(value));
        }
        Self {
            encoding: Encoding {
                content: settings.content,
                line_body: settings.line_body,
            },
            resource,
            scope: scope().encode_to_vec(),
            bytes_max: settings.request_bytes_max,
            record: Vec::new(),
            records: Vec::new(),
        }
    }

    /// Makes a request of the first entries of `batch`, as many as fit.
    pub(super) fn first(&mut self, batch: &[EntryBuf]) -> Request {
        self.records.clear();
        write_bytes(&mut self.records, 1, &self.scope);
        let mut entries = 0;
        for entry in batch.iter().take(REQUEST_ENTRIES_MAX) {
            self.record.clear();
            write_log_record(&mut self.record, self.encoding, &entry.as_entry());
            let bytes = self.resource.len() + self.records.len() + self.record.len();
            if bytes + 4 * RECORD_HEAD_BYTES_MAX > self.bytes_max && entries > 0 {
                break;
            }
            write_bytes(&mut self.records, 2, &self.record);
            entries += 1;
        }
        let bytes = self.wrapped();
        Request { bytes, entries }
    }

    /// The request around the scope's records.
    fn wrapped(&self) -> Vec<u8> {
        let mut head = Vec::with_capacity(self.resource.len() + 2 * RECORD_HEAD_BYTES_MAX);
        write_bytes(&mut head, 1, &self.resource);
        write_head(&mut head, 2, self.records.len());
        let length = head.len() + self.records.len();
        let mut request = Vec::with_capacity(length + RECORD_HEAD_BYTES_MAX);
        write_head(&mut request, 1, length);
        request.extend_from_slice(&head);
        request.extend_from_slice(&self.records);
        request
    }

    /// Halves the size of requests, but not below `bytes_min`: the destination takes less than we thought.
    pub(super) fn shrink(&mut self, bytes_min: usize) {
        self.bytes_max = (self.bytes_max / 2).max(bytes_min).min(self.bytes_max);
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}
