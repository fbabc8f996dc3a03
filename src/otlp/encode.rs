//! A log record in the protocol's own types.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value},
    logs::v1::{LogRecord, SeverityNumber},
};

use crate::{
    entry::Entry,
    log_record::{self, Encoding, LogValue},
};

/// Makes the log record of an entry.
pub(super) fn log_record(encoding: Encoding, entry: &Entry<'_>) -> LogRecord {
    let record: log_record::LogRecord<AnyValue> = encoding.log_record(entry);
    let (severity, severity_text) = if record.is_warning {
        (SeverityNumber::Warn, "WARN")
    } else {
        (SeverityNumber::Info, "INFO")
    };
    LogRecord {
        time_unix_nano: record.time_unix_ns,
        observed_time_unix_nano: record.observed_time_unix_ns,
        severity_number: severity.into(),
        severity_text: severity_text.to_owned(),
        body: record.body.map(AnyValue::text),
        attributes: attributes(record.attributes),
        dropped_attributes_count: 0,
        flags: u32::from(record.trace_flags),
        trace_id: record.trace_id.map_or_else(Vec::new, Vec::from),
        span_id: record.span_id.map_or_else(Vec::new, Vec::from),
        event_name: record.event_name,
    }
}

/// Makes the protocol's attributes of names and values.
pub(super) fn attributes(pairs: Vec<(String, AnyValue)>) -> Vec<KeyValue> {
    let pair = |(key, value)| KeyValue {
        key,
        value: Some(value),
        ..KeyValue::default()
    };
    pairs.into_iter().map(pair).collect()
}

fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

impl LogValue for AnyValue {
    fn text(text: String) -> Self {
        value(Value::StringValue(text))
    }

    fn int(int: i64) -> Self {
        value(Value::IntValue(int))
    }

    fn double(double: f64) -> Self {
        value(Value::DoubleValue(double))
    }

    fn bool(bool: bool) -> Self {
        value(Value::BoolValue(bool))
    }

    fn list(values: Vec<Self>) -> Self {
        value(Value::ArrayValue(ArrayValue { values }))
    }

    fn object(members: Vec<(String, Self)>) -> Self {
        let values = attributes(members);
        value(Value::KvlistValue(KeyValueList { values }))
    }
}

#[cfg(test)]
mod tests;
