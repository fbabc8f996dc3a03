//! Any `LogExporter` of `opentelemetry_sdk` 0.33 as a destination, with best effort.
//!
//! Promise: at least once, as every Follower; nothing is leaked, whatever operations are called.
//! What the SDK's interface hides stays hidden: a partial success looks like a success, `Retry-After` is not seen, and a
//! request refused for one record looks like any failure, so that the record is set aside only after failing for long
//! while its neighbours are taken. The built-in OTLP exporter knows all of that: prefer it.
//!
//! Event names are `&'static str` there: an operation that neither the conventions nor we know is `llm_audit.call`, its
//! name in the attribute. The exporter is made on the Follower's thread, inside a runtime of its own, so that one that
//! spawns tasks (gRPC) lives there and not in the host's runtime.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, SpanId, TraceFlags, TraceId,
    logs::{AnyValue, LogRecord as _, Logger, LoggerProvider, Severity},
};
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    logs::{LogBatch, LogExporter, SdkLogRecord, SdkLogger, SdkLoggerProvider},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    follower::{ExportError, Exported, Exporter, Reason},
    log_record::{Encoding, LogRecord, LogValue},
    semconv::{EVENT_INFERENCE, OWN_EVENTS, OWN_PREFIX},
};
use llm_audit_journal::entry::EntryBuf;

/// Sends entries through an exporter of the SDK.
pub struct SdkExporter<E> {
    name: String,
    make: Option<Box<dyn FnOnce() -> E + Send>>,
    resource: Resource,
    encoding: Encoding,
    scope: InstrumentationScope,
    /// Only the SDK can make a record.
    records: SdkLogger,
    made: Option<(Runtime, E)>,
}

impl<E: LogExporter + 'static> SdkExporter<E> {
    /// Makes a destination called `name` (lower-case letters, digits, hyphens); `make` runs on its thread.
    pub fn new(name: &str, resource: Resource, make: impl FnOnce() -> E + Send + 'static) -> Self {
        let provider = SdkLoggerProvider::builder().build();
        Self {
            name: name.to_owned(),
            make: Some(Box::new(make)),
            resource,
            encoding: Encoding::default(),
            scope: InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
            records: provider.logger(env!("CARGO_PKG_NAME")),
            made: None,
        }
    }

    /// Sends content too, where the journal has any.
    #[must_use]
    pub fn content(mut self, on: bool) -> Self {
        self.encoding.content = on;
        self
    }

    /// Sends the journal's line as the body: for a destination trusted like the journal.
    #[must_use]
    pub fn line_body(mut self, on: bool) -> Self {
        self.encoding.line_body = on;
        self
    }

    fn exporter(&mut self) -> Result<(&Runtime, &E), ExportError> {
        if let Some(make) = self.make.take() {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| unreachable(&error.to_string()))?;
            let mut exporter = {
                let _inside = runtime.enter();
                make()
            };
            exporter.set_resource(&self.resource);
            self.made = Some((runtime, exporter));
        }
        match &self.made {
            Some((runtime, exporter)) => Ok((runtime, exporter)),
            None => Err(ExportError::Refused(Reason::new(
                "the exporter could not be made",
            ))),
        }
    }

    fn record(&self, entry: &EntryBuf) -> SdkLogRecord {
        let encoded: LogRecord<AnyValue> = self.encoding.log_record(&entry.as_entry());
        let mut record = self.records.create_log_record();
        record.set_event_name(interned(&encoded.event_name));
        record.set_timestamp(time(encoded.time_unix_ns));
        // Its absence makes the SDK's own conversion panic.
        record.set_observed_timestamp(time(encoded.observed_time_unix_ns));
        let severity = if encoded.is_warning {
            Severity::Warn
        } else {
            Severity::Info
        };
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        if let (Some(trace_id), Some(span_id)) = (encoded.trace_id, encoded.span_id) {
            let flags = Some(TraceFlags::new(encoded.trace_flags));
            let (trace_id, span_id) = (TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id));
            record.set_trace_context(trace_id, span_id, flags);
        }
        if let Some(body) = encoded.body {
            record.set_body(AnyValue::text(&body));
        }
        record.add_attributes(encoded.attributes);
        record
    }
}

impl<E: LogExporter + 'static> Exporter for SdkExporter<E> {
    fn name(&self) -> &str {
        &self.name
    }

    fn export(&mut self, batch: &[EntryBuf], timeout: Duration) -> Result<Exported, ExportError> {
        let records: Vec<SdkLogRecord> = batch.iter().map(|entry| self.record(entry)).collect();
        let scope = self.scope.clone();
        let pairs: Vec<_> = records.iter().map(|record| (record, &scope)).collect();
        let (runtime, exporter) = self.exporter()?;
        run(runtime, timeout, exporter.export(LogBatch::new(&pairs)))?;
        Ok(Exported::all(batch.len()))
    }

    fn shutdown(&mut self, timeout: Duration) {
        if let Some((runtime, exporter)) = self.made.take() {
            // What it has acknowledged is acknowledged; a panic of it ends here.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let _inside = runtime.enter();
                exporter.shutdown_with_timeout(timeout)
            }));
            runtime.shutdown_background();
        }
    }
}

impl<E> Drop for SdkExporter<E> {
    fn drop(&mut self) {
        if let Some((runtime, _exporter)) = self.made.take() {
            // Whatever thread this is, possibly inside the host's runtime: dropping a runtime there would panic.
            runtime.shutdown_background();
        }
    }
}

impl<E> std::fmt::Debug for SdkExporter<E> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SdkExporter")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn run(
    runtime: &Runtime,
    timeout: Duration,
    export: impl Future<Output = OTelSdkResult>,
) -> Result<(), ExportError> {
    let answer = runtime.block_on(async { tokio::time::timeout(timeout, export).await });
    match answer {
        Ok(Ok(())) => Ok(()),
        Err(_) | Ok(Err(OTelSdkError::Timeout(_))) => Err(unreachable("no answer in time")),
        Ok(Err(OTelSdkError::AlreadyShutdown)) => Err(ExportError::Refused(Reason::new(
            "the exporter was shut down by somebody else",
        ))),
        Ok(Err(OTelSdkError::InternalFailure(text))) => Err(ExportError::NotReady {
            reason: Reason::new(&text),
            retry_after: None,
        }),
    }
}

fn unreachable(text: &str) -> ExportError {
    ExportError::Unreachable(Reason::new(text))
}

/// Finds the event's name among those that outlive the program.
fn interned(event_name: &str) -> &'static str {
    if event_name == EVENT_INFERENCE {
        return EVENT_INFERENCE;
    }
    let known = OWN_EVENTS
        .binary_search(&event_name)
        .map(|at| OWN_EVENTS[at]);
    known.unwrap_or_else(|_| {
        debug_assert!(event_name.starts_with(OWN_PREFIX));
        "llm_audit.call"
    })
}

fn time(unix_ns: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unix_ns)
}

impl LogValue for AnyValue {
    fn text(text: &str) -> Self {
        Self::String(text.to_owned().into())
    }

    fn int(int: i64) -> Self {
        Self::Int(int)
    }

    fn double(double: f64) -> Self {
        Self::Double(double)
    }

    fn bool(bool: bool) -> Self {
        Self::Boolean(bool)
    }

    fn list(values: Vec<Self>) -> Self {
        Self::ListAny(Box::new(values))
    }

    fn object(members: Vec<(String, Self)>) -> Self {
        members.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry::Key;
    use opentelemetry_sdk::logs::InMemoryLogExporter;

    use super::*;
    use crate::follower::{
        Follower, RetryPolicy,
        memory::{self, Stream},
    };
    use llm_audit_journal::{clock::SystemClock, random::SystemEntropy};

    fn follow<E: LogExporter + 'static>(
        stream: &Arc<Stream>,
        exporter: SdkExporter<E>,
    ) -> Follower {
        let (clock, entropy) = (
            Arc::new(SystemClock::default()),
            Arc::new(SystemEntropy::default()),
        );
        let follower = Follower::start(Box::new(exporter), RetryPolicy::default(), clock, entropy);
        let follower = follower.expect("a thread");
        follower.follow(stream.source());
        follower
    }

    #[test]
    fn the_sdk_s_in_memory_exporter_sees_records_with_resource_and_trace() {
        let memory = InMemoryLogExporter::default();
        let kept = memory.clone();
        let resource = Resource::builder().with_service_name("shop").build();
        let stream = Stream::new(700);
        let follower = follow(&stream, SdkExporter::new("sdk", resource, move || memory));
        assert_eq!(
            follower.flush(Duration::from_secs(30)),
            0,
            "{:?}",
            follower.health()
        );
        let logs = kept.get_emitted_logs().expect("readable");
        assert_eq!(logs.len(), 700);
        let (log, key) = (&logs[41], Key::from_static_str("llm_audit.seq"));
        assert!(
            log.record
                .attributes_iter()
                .any(|pair| *pair == (key.clone(), AnyValue::Int(41)))
        );
        assert_eq!(log.record.event_name(), Some(EVENT_INFERENCE));
        assert!(log.record.observed_timestamp() > log.record.timestamp());
        assert!(log.record.trace_context().is_some());
        let name = log.resource.get(&Key::from_static_str("service.name"));
        assert_eq!(name.expect("set by hand").to_string(), "shop");
        assert_eq!(log.instrumentation.name(), "tracing-llm-audit");
    }

    #[test]
    fn an_operation_that_nobody_knows_leaks_nothing() {
        assert_eq!(interned("llm_audit.execute_tool"), "llm_audit.execute_tool");
        assert_eq!(interned("llm_audit.a_new_one"), "llm_audit.call");
        assert_eq!(interned(EVENT_INFERENCE), EVENT_INFERENCE);
        assert!(OWN_EVENTS.is_sorted());
    }

    #[derive(Debug)]
    struct Failing(std::sync::atomic::AtomicU32);

    impl LogExporter for Failing {
        async fn export(&self, _batch: LogBatch<'_>) -> OTelSdkResult {
            tokio::time::sleep(Duration::from_millis(1)).await;
            match self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(OTelSdkError::InternalFailure("not today".to_owned())),
                1 => std::future::pending().await,
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn errors_are_strings_and_all_of_them_are_tried_again() {
        let mut exporter =
            SdkExporter::new("sdk", Resource::builder().build(), || Failing(0.into()));
        let batch = [memory::entry(0)];
        let mut export = || exporter.export(&batch, Duration::from_millis(50));
        assert!(
            export()
                .expect_err("scripted")
                .to_string()
                .contains("not today")
        );
        assert!(matches!(export(), Err(ExportError::Unreachable(_))));
        assert_eq!(export().expect("taken").entries, 1);
    }
}
