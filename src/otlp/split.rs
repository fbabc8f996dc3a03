//! Requests of bounded size out of batches of entries.
//!
//! Promise: a request has as many entries as fit its bytes, in order, and always at least one: an entry that is
//! too large by itself goes alone, and the destination decides.

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, InstrumentationScope},
    logs::v1::{ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use prost::Message;

use super::{encode, settings::OtlpSettings};
use crate::{
    entry::EntryBuf,
    log_record::{Encoding, LogValue},
};

/// Bytes of tag and length before each record in a request.
const RECORD_HEAD_BYTES_MAX: usize = 6;

pub(super) struct Requests {
    encoding: Encoding,
    resource: Resource,
    bytes_max: usize,
}

impl Requests {
    pub(super) fn new(settings: &OtlpSettings) -> Self {
        let pairs = settings.resource.iter().cloned();
        let attributes = pairs.map(|(name, value)| (name, AnyValue::text(value)));
        Self {
            encoding: Encoding {
                content: settings.content,
                line_body: settings.line_body,
            },
            resource: Resource {
                attributes: encode::attributes(attributes.collect()),
                ..Resource::default()
            },
            bytes_max: settings.request_bytes_max,
        }
    }

    /// Makes a request of the first entries of `batch`, as many as fit, and says how many.
    pub(super) fn first(&self, batch: &[EntryBuf]) -> (ExportLogsServiceRequest, usize) {
        let mut log_records = Vec::with_capacity(batch.len());
        let mut bytes = self.resource.encoded_len();
        for entry in batch {
            let record = encode::log_record(self.encoding, &entry.as_entry());
            bytes += record.encoded_len() + RECORD_HEAD_BYTES_MAX;
            if bytes > self.bytes_max && !log_records.is_empty() {
                break;
            }
            log_records.push(record);
        }
        let entries = log_records.len();
        let scope_logs = ScopeLogs {
            scope: Some(scope()),
            log_records,
            ..ScopeLogs::default()
        };
        let resource_logs = ResourceLogs {
            resource: Some(self.resource.clone()),
            scope_logs: vec![scope_logs],
            ..ResourceLogs::default()
        };
        (
            ExportLogsServiceRequest {
                resource_logs: vec![resource_logs],
            },
            entries,
        )
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
