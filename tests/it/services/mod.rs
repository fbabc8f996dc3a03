//! The real OpenTelemetry Collector and Jaeger, started for one test on free loopback ports.
//!
//! Promise: a service that is returned answers its health check; it dies with the value that stands for it; every wait
//! is bounded; tests may run in parallel, each in a folder of its own.
//! Not here: building them (`.ci/services` does); what is left out for want of them is said on stderr, and is a failure
//! where `CI` is set.
#![cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "some tests are about the exporter alone")
)]

pub(crate) mod http;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use crate::left_out::left_out;

/// Long enough for a start on a machine where everything else compiles at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// A free port can be taken by somebody else before the service has it.
const START_ATTEMPTS_MAX: usize = 5;

/// Waits until `look` finds something, and fails the test by name when it does not in time.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {limit:?} in vain for {what}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The path of a service's program, where `.ci/services` put it; `None` after saying that it is left out.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let cache = std::env::var_os("LLM_AUDIT_SERVICES")
        .map_or_else(default_cache, |dir| Some(dir.into()))?;
    let path = cache.join("bin").join(name);
    if path.is_file() {
        return Some(path);
    }
    left_out(&format!(
        "needs the real {name}: build it with .ci/services"
    ));
    None
}

fn default_cache() -> Option<PathBuf> {
    let below =
        |name: &str, rest: &str| std::env::var_os(name).map(|dir| Path::new(&dir).join(rest));
    let cache = below("XDG_CACHE_HOME", "").or_else(|| below("HOME", ".cache"));
    if cache.is_none() {
        left_out("needs real services: neither HOME nor LLM_AUDIT_SERVICES is set");
    }
    Some(cache?.join("tracing-llm-audit/services"))
}

/// A configuration of collector-config/, the text that users get.
pub(crate) fn config(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("collector-config")
        .join(name)
}

/// A loopback port that nobody listened on a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

pub(crate) fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A child process that is killed when the value goes.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill(); // Already dead is as good.
        let _ = self.0.wait();
    }
}

impl Service {
    /// Starts `program` with `config` in `folder` until the health check answers; `None` when it exits before.
    fn start(
        program: &Path,
        config: &Path,
        folder: &Path,
        health: u16,
        env: &[(&str, String)],
    ) -> Option<Self> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log_path(folder, program))
            .unwrap();
        let child = Command::new(program)
            .arg(config_argument(config))
            .current_dir(folder)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut service = Self(child);
        wait_for(
            &format!("{} to be healthy", program.display()),
            PATIENCE,
            || {
                if service.0.try_wait().unwrap().is_some() {
                    return Some(false);
                }
                // Jaeger answers under /status, the Collector everywhere.
                http::get(health, "/status")
                    .ok()
                    .filter(|reply| reply.status == 200)
                    .map(|_| true)
            },
        )
        .then_some(service)
    }
}

fn config_argument(config: &Path) -> OsString {
    let mut argument = OsString::from("--config=");
    argument.push(config);
    argument
}

fn log_path(folder: &Path, program: &Path) -> PathBuf {
    folder
        .join(program.file_name().unwrap())
        .with_extension("log")
}

/// Tries `start` with fresh ports until the service lives; fails with the end of its log.
fn start_somewhere<T>(program: &Path, folder: &Path, start: impl Fn() -> Option<T>) -> T {
    (0..START_ATTEMPTS_MAX)
        .find_map(|_| start())
        .unwrap_or_else(|| {
            let log = fs::read_to_string(log_path(folder, program)).unwrap_or_default();
            panic!("{} does not start:\n{log}", program.display())
        })
}

/// A running Collector, with one of the configurations of collector-config/.
pub(crate) struct Collector {
    _service: Service,
    folder: PathBuf,
    pub(crate) grpc_port: u16,
    pub(crate) http_port: u16,
}

impl Collector {
    /// Starts the Collector with `name` of collector-config/ in `folder`, where its files will be.
    ///
    /// `env` adds to, or replaces, the variables by which the configuration takes ports and files.
    pub(crate) fn start(name: &str, folder: &Path, env: &[(&str, String)]) -> Option<Self> {
        let program = program("otelcol")?;
        fs::create_dir_all(folder).unwrap();
        Some(start_somewhere(&program, folder, || {
            let (grpc_port, http_port, health) = (free_port(), free_port(), free_port());
            let mut all = vec![
                ("OTLP_GRPC_ENDPOINT", loopback(grpc_port)),
                ("OTLP_HTTP_ENDPOINT", loopback(http_port)),
                ("HEALTH_ENDPOINT", loopback(health)),
                (
                    "QUEUE_DIRECTORY",
                    folder.join("queue").display().to_string(),
                ),
            ];
            all.extend_from_slice(env); // Later ones win.
            let grpc_port = env
                .iter()
                .rfind(|(key, _)| *key == "OTLP_GRPC_ENDPOINT")
                .map_or(grpc_port, port_of);
            let service = Service::start(&program, &config(name), folder, health, &all)?;
            Some(Self {
                _service: service,
                folder: folder.into(),
                grpc_port,
                http_port,
            })
        }))
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` takes for OTLP over HTTP.
    pub(crate) fn http_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` takes for OTLP over gRPC.
    pub(crate) fn grpc_endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc_port)
    }

    /// Every log record that the file exporter has written so far, in the order of arrival, as OTLP JSON.
    pub(crate) fn log_records(&self) -> Vec<Value> {
        let text =
            fs::read_to_string(self.folder.join("audit_collected.jsonl")).unwrap_or_default();
        lines_written(&text)
            .flat_map(|request| children(&request, ["resourceLogs", "scopeLogs", "logRecords"]))
            .collect()
    }

    /// Every span that the file exporter of dev.yaml has written so far.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let text =
            fs::read_to_string(self.folder.join("traces_collected.jsonl")).unwrap_or_default();
        lines_written(&text)
            .flat_map(|request| children(&request, ["resourceSpans", "scopeSpans", "spans"]))
            .collect()
    }

    /// What it printed, the debug exporter's output included.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(self.folder.join("otelcol.log")).unwrap_or_default()
    }
}

fn port_of((_, endpoint): &(&str, String)) -> u16 {
    endpoint.rsplit(':').next().unwrap().parse().unwrap()
}

/// The lines that are complete: the exporter may be in the middle of the last one.
fn lines_written(text: &str) -> impl Iterator<Item = Value> {
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap())
}

/// The values three arrays down: OTLP nests every signal as resource, scope, item.
fn children(request: &Value, path: [&str; 3]) -> Vec<Value> {
    path.iter().fold(vec![request.clone()], |level, key| {
        level
            .iter()
            .filter_map(|value| value[key].as_array())
            .flatten()
            .cloned()
            .collect()
    })
}

/// An attribute of an OTLP JSON item, without its type wrapper; OTLP JSON spells integers as strings.
pub(crate) fn attribute<'a>(item: &'a Value, key: &str) -> Option<&'a Value> {
    let found = item["attributes"]
        .as_array()?
        .iter()
        .find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

/// The log records of audit entries by the key to deduplicate by: delivery is at least once.
pub(crate) fn by_uid(records: Vec<Value>) -> BTreeMap<String, Value> {
    let key = |record: &Value| {
        attribute(record, "log.record.uid")
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    records
        .into_iter()
        .map(|record| (key(&record), record))
        .collect()
}

/// A value as text, so that OTLP JSON's quoted integers compare with numbers; null and empty are what is not there.
pub(crate) fn known(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.as_f64().unwrap().to_string()),
        other => Some(other.to_string()),
    }
}

/// A running Jaeger v2 with its memory storage.
pub(crate) struct Jaeger {
    _service: Service,
    pub(crate) otlp_port: u16,
    query_port: u16,
}

impl Jaeger {
    /// Starts Jaeger in `folder` with jaeger-v2.yaml.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let program = program("jaeger")?;
        fs::create_dir_all(folder).unwrap();
        Some(start_somewhere(&program, folder, || {
            let (otlp_port, query_port, health) = (free_port(), free_port(), free_port());
            let env = [
                ("JAEGER_OTLP_ENDPOINT", loopback(otlp_port)),
                ("JAEGER_QUERY_ENDPOINT", loopback(query_port)),
                ("JAEGER_QUERY_GRPC_ENDPOINT", loopback(free_port())),
                ("JAEGER_HEALTH_ENDPOINT", loopback(health)),
            ];
            let service =
                Service::start(&program, &config("jaeger-v2.yaml"), folder, health, &env)?;
            Some(Self {
                _service: service,
                otlp_port,
                query_port,
            })
        }))
    }

    /// The spans of a trace as its query API gives them to a page; empty when it has none yet.
    pub(crate) fn spans(&self, trace_id: &str) -> Vec<Value> {
        let Ok(reply) = http::get(self.query_port, &format!("/api/traces/{trace_id}")) else {
            return Vec::new();
        };
        let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else {
            return Vec::new();
        };
        body["data"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|trace| trace["spans"].as_array())
            .flatten()
            .cloned()
            .collect()
    }

    /// The body of a query API path as it came, to search for what must not be there.
    pub(crate) fn raw(&self, path: &str) -> String {
        String::from_utf8(http::get(self.query_port, path).unwrap().body).unwrap()
    }
}

/// A tag of a span of Jaeger's query API.
pub(crate) fn tag<'a>(span: &'a Value, key: &str) -> Option<&'a Value> {
    span["tags"]
        .as_array()?
        .iter()
        .find(|tag| tag["key"] == key)
        .map(|tag| &tag["value"])
}
