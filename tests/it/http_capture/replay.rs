//! Every recording over a real connection, in every framing: the client gets the bytes that it would get without us,
//! and the record says what the reader of whole bodies says.

use std::{fs, io::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::{Value, json};
use tracing_llm_audit::{
    Flavour, LlmAudit, PriceTable, Timestamp,
    explain::{Exchange, Explanation},
    reqwest_middleware_0_5::AuditMiddleware,
    testing::{Recorded, TestAudit, in_memory_with},
};
use tracing_subscriber::Registry;

use super::{
    block_on,
    server::{Asked, Framing, Reply, Server},
};
use crate::recordings;

/// Where a provider is of whose recording the host was not kept.
const HOSTS: [(&str, &str); 11] = [
    ("anthropic", "api.anthropic.com"),
    ("bedrock", "bedrock-runtime.us-east-1.amazonaws.com"),
    ("cohere", "api.cohere.com"),
    ("deepseek", "api.deepseek.com"),
    ("gemini", "generativelanguage.googleapis.com"),
    ("groq", "api.groq.com"),
    ("mistral", "api.mistral.ai"),
    ("openai", "api.openai.com"),
    ("openrouter", "openrouter.ai"),
    ("perplexity", "api.perplexity.ai"),
    ("xai", "api.x.ai"),
];

struct Exchanged {
    id: String,
    index: Value,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Exchanged {
    fn text(&self, key: &str) -> &str {
        self.index[key].as_str().unwrap()
    }

    fn status(&self) -> u16 {
        self.index["http_status"].as_u64().unwrap() as u16
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.index["response_headers"].as_object().unwrap().iter();
        headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
    }

    /// The host; one that is in nobody's list has its provider's name.
    fn host(&self) -> String {
        match (self.index["host"].as_str(), self.text("provider")) {
            (Some(host), _) if !host.contains(':') => host.to_ascii_lowercase(),
            (_, provider) => {
                let known = HOSTS.iter().find(|(name, _)| *name == provider);
                known.map_or(format!("{provider}.test"), |(_, host)| (*host).to_owned())
            }
        }
    }

    fn is_local(&self) -> bool {
        self.host().strip_suffix(".test").is_some()
    }

    /// The path; the query does not matter.
    fn path(&self) -> String {
        let path = self.text("endpoint");
        path.split('?').next().unwrap().to_owned()
    }

    fn reply(&self, framing: Framing, piece: usize, gzip: bool) -> Reply {
        let mut reply = Reply::json(self.status(), self.response.clone()).framing(framing, piece);
        reply.headers = self
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        if gzip {
            let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            coder.write_all(&self.response).unwrap();
            reply.body = coder.finish().unwrap();
            reply = reply.header("content-encoding", "gzip");
        }
        reply
    }

    fn explained(&self) -> Explanation {
        let (host, path) = (self.host(), self.path());
        let mut exchange = Exchange::new(&self.response)
            .request(&self.request)
            .path(&path)
            .http_status(self.status())
            .at(Timestamp::parse(NOON).unwrap());
        exchange = if self.is_local() {
            exchange.provider(self.text("provider"))
        } else {
            exchange.host(&host)
        };
        for (name, value) in self.headers() {
            exchange = exchange.header(name, value);
        }
        if let Some(flavour) = Flavour::named(self.text("api")) {
            exchange = exchange.flavour(flavour);
        }
        exchange.explain(&PriceTable::embedded())
    }
}

const NOON: &str = "2026-11-22T12:00:00.000000Z";

struct Noon;

impl tracing_llm_audit::Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::parse(NOON).unwrap()
    }
}

fn all() -> Vec<Exchanged> {
    let file = |name: &str| fs::read(recordings::folder().join(name)).unwrap();
    let index: Value = serde_json::from_slice(&file("index.json")).unwrap();
    let read = |entry: &Value| {
        let name = entry["response_file"].as_str().unwrap();
        let is_coded = name.rsplit('.').next() == Some("b64");
        let response = file(name);
        Exchanged {
            id: entry["id"].as_str().unwrap().to_owned(),
            index: entry.clone(),
            request: entry["request_file"].as_str().map(file).unwrap_or_default(),
            response: if is_coded {
                let text: Vec<u8> = response
                    .into_iter()
                    .filter(|byte| !byte.is_ascii_whitespace())
                    .collect();
                STANDARD.decode(text).unwrap()
            } else {
                response
            },
        }
    };
    let entries = index["fixtures"].as_array().unwrap();
    assert_eq!(entries.len(), 96);
    entries.iter().map(read).collect()
}

/// A client for which every host is the server.
fn client(server: &Server, recordings: &[Exchanged], gzip: bool) -> reqwest::Client {
    let mut builder = reqwest::Client::builder().no_proxy().gzip(gzip);
    for recording in recordings {
        builder = builder.resolve(&recording.host(), server.address);
    }
    builder.build().unwrap()
}

/// The middleware; servers of one's own are registered.
fn middleware(audit: &TestAudit, server: &Server, recordings: &[Exchanged]) -> AuditMiddleware {
    let open = AuditMiddleware::of(audit.guard().capture());
    let local = recordings.iter().filter(|recording| recording.is_local());
    local.fold(open, |middleware, recording| {
        let url = format!("http://{}:{}", recording.host(), server.address.port());
        middleware
            .base_url(&url, recording.text("provider"))
            .unwrap()
    })
}

/// Sends a recording's request to its own host, and returns what a client sees of the answer.
async fn asked(
    client: &ClientWithMiddleware,
    server: &Server,
    recording: &Exchanged,
    at: usize,
) -> Vec<u8> {
    let (host, port, path) = (recording.host(), server.address.port(), recording.path());
    let url = format!("http://{host}:{port}{path}");
    let sent = client.post(&url).header("x-recording", at.to_string());
    let response = sent.body(recording.request.clone()).send().await.unwrap();
    assert_eq!(response.status().as_u16(), recording.status());
    assert_eq!(
        response.url().as_str(),
        reqwest::Url::parse(&url).unwrap().as_str()
    );
    for (name, value) in recording.headers() {
        assert_eq!(response.headers()[name], value);
    }
    response.bytes().await.unwrap().to_vec()
}

/// How a recording is replayed.
#[derive(Clone, Copy, Debug)]
struct Way {
    framing: Framing,
    piece: usize,
    /// The server compresses, and the client decodes it, or does not.
    gzip: Option<bool>,
}

fn replay(way: Way) {
    let recordings = all();
    let is_coded = way.gzip.is_some();
    let replies: Vec<Reply> = recordings
        .iter()
        .map(|recording| recording.reply(way.framing, way.piece, is_coded))
        .collect();
    let server = Server::start(move |asked| replies[number(&asked)].clone());
    let decodes = way.gzip == Some(true);
    let (layer, audit) = in_memory_with::<Registry>(LlmAudit::builder().clock(Noon)).unwrap();
    drop(layer);
    let bare = client(&server, &recordings, decodes);
    let audited = ClientBuilder::new(bare.clone())
        .with(middleware(&audit, &server, &recordings))
        .build();
    let bare = ClientWithMiddleware::from(bare);
    let mut records = Vec::new();
    block_on(async {
        for (at, recording) in recordings.iter().enumerate() {
            let without = asked(&bare, &server, recording, at).await;
            let with = asked(&audited, &server, recording, at).await;
            assert_eq!(with, without, "{}", recording.id);
            assert!(is_coded || with == recording.response, "{}", recording.id);
        }
    });
    records.extend(audit.records());
    let mut records = records.iter();
    for recording in &recordings {
        // Only a `POST` to a path of inference is a call.
        if recording.text("api") == "deepseek.models" {
            continue;
        }
        let record = records
            .next()
            .unwrap_or_else(|| panic!("no record of {}", recording.id));
        check(record, recording, way);
    }
    assert!(records.next().is_none());
}

fn number(asked: &Asked) -> usize {
    let line = asked
        .head
        .lines()
        .find_map(|line| line.strip_prefix("x-recording: "));
    line.unwrap().parse().unwrap()
}

fn check(record: &Recorded, recording: &Exchanged, way: Way) {
    let told = recording.explained().record;
    let count = |count: Option<u64>| count.map_or(Value::Null, Value::from);
    let text = |text: &Option<String>| text.as_ref().map_or(Value::Null, |text| json!(text));
    let expected = &recording.index["expected"];
    let members = [
        ("status", json!(told.status.as_str())),
        ("action", json!(told.action)),
        ("provider", text(&told.provider)),
        ("request_model", text(&told.request_model)),
        ("response_id", text(&told.response_id)),
        ("provider_request_id", text(&told.provider_request_id)),
        ("input_tokens", count(told.usage.input_tokens)),
        ("output_tokens", count(told.usage.output_tokens)),
        ("thinking_tokens", count(told.usage.thinking_tokens)),
        ("cache_read_tokens", count(told.usage.cache_read_tokens)),
        ("cache_write_tokens", count(told.usage.cache_write_tokens)),
        ("input_tokens", expected["input_tokens_total"].clone()),
        ("output_tokens", expected["output_tokens_total"].clone()),
        ("error_type", text(&told.error_type)),
        ("error_message", json!(told.error_message)),
        ("http_status", json!(recording.status())),
        ("capture", json!("http")),
    ];
    for (key, expected) in members {
        assert_eq!(
            record.get(key),
            expected,
            "{key} of {} in {way:?}: {record:?}",
            recording.id
        );
    }
    let cost = told.cost_usd.map(|usd| usd.to_string());
    let line = record.line();
    match cost {
        Some(cost) => assert!(
            line.contains(&format!("\"cost_usd\":{cost},")),
            "{cost} of {}: {line}",
            recording.id
        ),
        None => assert!(
            line.contains("\"cost_usd\":null"),
            "{}: {line}",
            recording.id
        ),
    }
}

#[test]
fn every_recording_whole() {
    replay(Way {
        framing: Framing::Length,
        piece: usize::MAX,
        gzip: None,
    });
}

#[test]
fn every_recording_in_odd_chunks() {
    replay(Way {
        framing: Framing::Chunked,
        piece: 977,
        gzip: None,
    });
}

#[test]
fn every_recording_until_the_connection_closes() {
    replay(Way {
        framing: Framing::Close,
        piece: 4096,
        gzip: None,
    });
}

#[test]
fn every_recording_compressed_and_decoded_by_the_client() {
    replay(Way {
        framing: Framing::Chunked,
        piece: 531,
        gzip: Some(true),
    });
}

#[test]
fn every_recording_compressed_and_left_so() {
    replay(Way {
        framing: Framing::Length,
        piece: 2000,
        gzip: Some(false),
    });
}

/// Chunks of one byte, and many at once.
#[test]
fn two_hundred_calls_at_once() {
    let recordings = std::sync::Arc::new(all());
    let replies: Vec<Reply> = recordings
        .iter()
        .map(|recording| recording.reply(Framing::Chunked, 4099, false))
        .collect();
    let server = std::sync::Arc::new(Server::start(move |asked| replies[number(&asked)].clone()));
    let (layer, audit) = in_memory_with::<Registry>(LlmAudit::builder()).unwrap();
    drop(layer);
    let client = ClientBuilder::new(client(&server, &recordings, false))
        .with(middleware(&audit, &server, &recordings))
        .build();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        let calls =
            (0..recordings.len()).filter(|at| recordings[*at].text("api") != "deepseek.models");
        for at in calls.cycle().take(200) {
            let (client, server, recordings) = (client.clone(), server.clone(), recordings.clone());
            tasks.spawn(async move {
                let seen = asked(&client, &server, &recordings[at], at).await;
                assert_eq!(seen, recordings[at].response);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
    });
    assert_eq!(audit.records().len(), 200);
}
