//! Setting it up: the audit, traces over OTLP where an endpoint is configured, and a terminal log with its own filter.

use std::{env, error::Error, path::Path};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_llm_audit::{AuditGuard, LlmAudit};
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// What must be flushed before the process ends.
pub struct Telemetry {
    /// The audit's.
    pub audit: AuditGuard,
    traces: Option<SdkTracerProvider>,
}

const SERVICE_NAME: &str = "quickstart";

/// Installs everything: three lines of it are the audit's.
pub fn install(directory: &Path) -> Result<Telemetry, Box<dyn Error>> {
    let (audit, guard) = LlmAudit::builder()
        .directory(directory)
        .service_name(SERVICE_NAME)
        .hashes_on_span(true)
        .otlp_from_env()? // OTEL_EXPORTER_OTLP_*; nothing set, nothing sent
        .build()?;

    let traces = traces()?;
    // A filter belongs to the layer it is meant for: as a layer of its own it would decide for the audit too.
    let otel = traces.as_ref().map(|traces| {
        let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer(SERVICE_NAME));
        layer.with_filter(LevelFilter::INFO)
    });
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_filter(filter);
    tracing_subscriber::registry()
        .with(audit)
        .with(otel)
        .with(log)
        .init();
    Ok(Telemetry {
        audit: guard,
        traces,
    })
}

impl Telemetry {
    /// Sends the spans that are still here.
    pub fn flush_traces(&self) -> Result<(), Box<dyn Error>> {
        if let Some(traces) = &self.traces {
            traces.force_flush()?;
            traces.shutdown()?;
        }
        Ok(())
    }
}

/// Returns a provider that ships spans, where an endpoint is configured.
fn traces() -> Result<Option<SdkTracerProvider>, Box<dyn Error>> {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if !is_set("OTEL_EXPORTER_OTLP_ENDPOINT") && !is_set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        return Ok(None);
    }
    let is_grpc = env::var_os("OTEL_EXPORTER_OTLP_PROTOCOL").is_some_and(|value| value == "grpc");
    let exporter = if is_grpc {
        SpanExporter::builder().with_tonic().build()?
    } else {
        SpanExporter::builder().with_http().build()?
    };
    let resource = Resource::builder().with_service_name(SERVICE_NAME).build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build();
    Ok(Some(provider))
}
