//! Secrets in prompts, headers, URLs and errors through the stack that a host really has: our layer beside
//! tracing-opentelemetry, the production agent's configuration behind both, Jaeger and a next hop behind that.
//!
//! None is in anything of ours, nor in Jaeger. The host's own layers see what `#[instrument]` hands them: that they keep
//! it to themselves is not promised, and not tested here.

use std::error::Error;
use std::fmt::{Display, Formatter};
use std::fs;
use std::path::Path;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::instrument;
use tracing_llm_audit::{LlmAudit, LlmCall, OtlpSettings};
use tracing_subscriber::layer::SubscriberExt;

use crate::services::{Collector, Jaeger, PATIENCE, attribute, loopback, wait_for};

const CALLS: usize = 200;

/// What a call is made of: all harmless, but for the one that holds a canary.
struct Call {
    prompt: String,
    header: String,
    url: String,
    error: String,
}

impl Call {
    fn with_canary(number: usize) -> Self {
        let canary = format!("CANARY{number:03}X");
        let mut call = Self {
            prompt: "What is the weather like?".into(),
            header: "text/plain".into(),
            url: "https://api.example.com/v1/messages".into(),
            error: "the model is overloaded".into(),
        };
        match number % 8 {
            0 => call.prompt = format!("My name is {canary}."),
            1 => call.header = format!("Bearer {canary}"),
            2 => call.url = format!("https://api.example.com/v1/messages?key={canary}"),
            3 => call.error = format!("401: invalid x-api-key: sk-ant-{canary}"),
            4 => call.prompt = format!("Repeat: -----BEGIN PRIVATE KEY-----\n{canary}"),
            5 => call.header = format!("sk-{canary}"),
            6 => call.url = format!("https://user:{canary}@proxy.example.com/"),
            _ => {
                call.error = format!(
                    "GET https://api.example.com/?token={canary} failed: Authorization: Bearer {canary}"
                );
            }
        }
        call
    }
}

#[derive(Debug)]
struct Refused(String);

impl Display for Refused {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl Error for Refused {}

/// Captures its arguments, as everybody's first `#[instrument]` does.
#[instrument(skip(call), err, fields(
    gen_ai.operation.name = "chat",
    gen_ai.provider.name = "anthropic",
    gen_ai.request.model = "PASSES-MODEL",
    gen_ai.input.messages = prompt,
    http.request.header.authorization = call.header,
    url.full = call.url,
))]
fn ask(prompt: &str, call: &Call) -> Result<(), Refused> {
    let audited = LlmCall::current();
    audited
        .system(format!("You are asked: {prompt}"))
        .input_text(prompt)
        .output_text(prompt);
    tracing::info!(headers = call.header, "asking {} at {}", prompt, call.url);
    let debug = format!("{audited:?}");
    assert!(!debug.contains("CANARY"), "{debug}");
    Err(Refused(call.error.clone()))
}

#[test]
fn no_canary_leaves_a_real_stack() {
    let folder = tempfile::tempdir().unwrap();
    let Some(jaeger) = Jaeger::start(&folder.path().join("jaeger")) else {
        return;
    };
    let next_hop = Collector::start("dev.yaml", &folder.path().join("next_hop"), &[]).unwrap();
    let upstream = [
        ("TRACES_ENDPOINT", loopback(jaeger.otlp_port)),
        ("AUDIT_ENDPOINT", loopback(next_hop.grpc_port)),
        ("UPSTREAM_INSECURE", "true".into()),
    ];
    let agent = Collector::start("agent.yaml", &folder.path().join("agent"), &upstream).unwrap();
    let journal = folder.path().join("host");
    let health = make_calls(&journal.join("audit_logs"), &agent.http_endpoint());
    assert!(!health.contains("CANARY"), "{health}");
    assert_eq!(canaries_below(&journal), Vec::<String>::new());
    let is_call =
        |record: &_| attribute(record, "llm_audit.kind").is_some_and(|kind| kind == "call");
    let records = wait_for("every record at the next hop", PATIENCE, || {
        Some(next_hop.log_records())
            .filter(|all| all.iter().filter(|record| is_call(record)).count() >= CALLS)
    });
    assert!(
        !records
            .iter()
            .any(|record| record.to_string().contains("CANARY"))
    );
    let errors = records
        .iter()
        .filter_map(|record| attribute(record, "error.message"));
    let errors: Vec<_> = errors
        .filter(|text| text.as_str().is_some_and(|text| text.starts_with("401")))
        .collect();
    assert_eq!(
        errors.len(),
        CALLS / 8,
        "what is no credential in an error's words stays"
    );
    let traces = wait_for("every span in Jaeger", PATIENCE, || {
        std::thread::sleep(Duration::from_millis(200));
        let all = jaeger.raw("/api/traces?service=canaries&limit=1000&lookback=1h");
        (all.matches("PASSES-MODEL").count() >= CALLS).then_some(all)
    });
    assert!(!traces.contains("CANARY"));
    let ids: Vec<_> = records
        .iter()
        .filter(|record| is_call(record))
        .filter_map(|record| attribute(record, "llm_audit.request_id"))
        .collect();
    assert!(
        ids.iter().all(|id| traces.contains(id.as_str().unwrap())),
        "the request id passes"
    );
}

/// Makes the calls as a host would, and returns what `Debug` says of our own parts.
fn make_calls(directory: &Path, endpoint: &str) -> String {
    let settings = OtlpSettings::http(&format!("{endpoint}/v1/logs"))
        .unwrap()
        .header("authorization", "Bearer CANARY")
        .unwrap();
    let debug = format!("{settings:?}");
    let (audit, guard) = LlmAudit::builder()
        .directory(directory)
        .otlp(settings)
        .unwrap()
        .build()
        .unwrap();
    let provider = tracer_provider(endpoint);
    let opentelemetry = tracing_opentelemetry::layer().with_tracer(provider.tracer("host"));
    let subscriber = tracing_subscriber::registry()
        .with(audit)
        .with(opentelemetry);
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..CALLS {
            let call = Call::with_canary(number);
            ask(&call.prompt, &call).unwrap_err();
        }
    });
    provider.force_flush().unwrap();
    provider.shutdown().unwrap();
    let debug = debug + &format!("{guard:?} {:?}", guard.health());
    guard.shutdown(PATIENCE).unwrap();
    debug
}

fn tracer_provider(endpoint: &str) -> SdkTracerProvider {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .build()
        .unwrap();
    SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("canaries").build())
        .build()
}

/// Every file below a folder that holds a canary.
fn canaries_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(canaries_below(&path));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("CANARY") {
            found.push(path.display().to_string());
        }
    }
    found
}
