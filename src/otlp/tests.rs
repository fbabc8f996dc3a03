//! Followers against a real OTLP server in this process, in all weathers: a ledger by seq with nothing missing.

use prost::Message as _;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::common::v1::any_value::Value;

use super::*;
use crate::follower::{Follower, RetryPolicy, memory::Stream};
use llm_audit_journal::{clock::SystemClock, random::SystemEntropy};

#[allow(
    dead_code,
    reason = "shared with other programs, each of which uses a part"
)]
#[path = "../../tests/it/proxy/mod.rs"]
mod proxy;

use proxy::{CA, CLIENT, CLIENT_KEY, Fault, Ledger, OtlpServer, Proxy, Script, Wire, tls_front};

const BOTH: [Wire; 2] = [Wire::Http, Wire::Grpc];
const LONG: Duration = Duration::from_secs(60);

fn settings(wire: Wire, address: std::net::SocketAddr) -> OtlpSettings {
    let settings = match wire {
        Wire::Http => OtlpSettings::http(&format!("http://{address}/v1/logs")),
        Wire::Grpc => OtlpSettings::grpc(&format!("http://{address}")),
    };
    settings.expect("a URL").timeout(Duration::from_millis(500))
}

/// Short waits, and no suspicion while a test's outage lasts.
fn quick() -> RetryPolicy {
    RetryPolicy {
        delay_min: Duration::from_millis(5),
        delay_max: Duration::from_millis(50),
        retry_after_max: Duration::from_millis(200),
        ..RetryPolicy::default()
    }
}

fn follow(settings: OtlpSettings, stream: &Arc<Stream>) -> Follower {
    let exporter = OtlpExporter::new(settings).expect("settings that work");
    let follower = Follower::start(
        Box::new(exporter),
        quick(),
        Arc::new(SystemClock::default()),
        Arc::new(SystemEntropy::default()),
    );
    let follower = follower.expect("a thread");
    follower.follow(stream.source());
    follower
}

/// A server, the ledger of what it took, a stream and its follower.
struct Scene {
    server: OtlpServer,
    ledger: Arc<Ledger>,
    script: Arc<Script>,
    stream: Arc<Stream>,
    follower: Follower,
}

impl Scene {
    fn set(wire: Wire, entries: u64, faults: &[Fault]) -> Self {
        let (ledger, script) = (Arc::default(), Script::of(faults.iter().copied()));
        let server = OtlpServer::local(wire, &ledger, &script);
        let stream = Stream::new(entries);
        let follower = follow(settings(wire, server.address), &stream);
        Self {
            server,
            ledger,
            script,
            stream,
            follower,
        }
    }

    /// Everything arrives, sooner or later.
    fn play(&self) {
        assert_eq!(self.follower.flush(LONG), 0, "{:?}", self.follower.health());
        let entries = self.stream.durable.load(Ordering::Acquire);
        assert_eq!(self.ledger.missing(entries), self.stream.dead_seqs());
    }
}

#[test]
fn a_request_says_who_sends_it_and_carries_headers_compressed() {
    for wire in BOTH {
        let (ledger, script) = (Arc::default(), Arc::default());
        let server = OtlpServer::local(wire, &ledger, &script);
        let settings = settings(wire, server.address)
            .gzip(true)
            .resource("service.name", "shop")
            .header("X-Api-Key", "s3cret")
            .expect("a header");
        let stream = Stream::new(3);
        let follower = follow(settings, &stream);
        assert_eq!(follower.flush(LONG), 0, "{:?}", follower.health());
        let request = ledger.last().expect("a request");
        let resource = request.resource_logs[0]
            .resource
            .as_ref()
            .expect("a resource");
        let names: BTreeMap<_, _> = resource
            .attributes
            .iter()
            .map(|pair| (pair.key.as_str(), &pair.value))
            .collect();
        let name = names["service.name"]
            .as_ref()
            .and_then(|any| any.value.clone());
        assert_eq!(name, Some(Value::StringValue("shop".to_owned())));
        let scope = request.resource_logs[0].scope_logs[0]
            .scope
            .as_ref()
            .expect("a scope");
        assert_eq!(scope.name, "tracing-llm-audit");
        let headers = script.headers.lock().unwrap();
        assert_eq!(headers["x-api-key"], "s3cret");
        assert!(
            headers["user-agent"]
                .to_str()
                .unwrap()
                .contains("tracing-llm-audit/"),
            "{headers:?}"
        );
        let encoding = if wire == Wire::Http {
            "content-encoding"
        } else {
            "grpc-encoding"
        };
        assert_eq!(headers[encoding], "gzip");
    }
}

#[test]
fn every_fault_passes_and_everything_arrives() {
    let faults = [
        Fault::NotReady,
        Fault::TooMany(1),
        Fault::Slow(Duration::from_millis(100)),
        Fault::HalfOpen,
        Fault::Unknown,
        Fault::Lost,
        Fault::Slow(Duration::from_secs(2)),
        Fault::Bad,
    ];
    for wire in BOTH {
        let scene = Scene::set(wire, 3000, &faults);
        scene.play();
        assert!(
            scene.stream.dead_seqs().is_empty(),
            "a fault of the destination blames no record"
        );
        // What was acknowledged and the answer lost came again.
        assert!(scene.ledger.counts().1 > 0);
    }
}

#[test]
fn a_retry_after_is_obeyed_up_to_its_bound() {
    for wire in BOTH {
        let begun = Instant::now();
        let scene = Scene::set(wire, 10, &[Fault::TooMany(3600)]);
        while scene.script.requests.load(Ordering::Relaxed) < 2 {
            assert!(begun.elapsed() < LONG);
            thread::sleep(Duration::from_millis(5));
        }
        assert!(begun.elapsed() >= Duration::from_millis(200));
    }
}

#[test]
fn a_partial_success_is_visible_and_not_repeated() {
    for wire in BOTH {
        let scene = Scene::set(wire, 100, &[Fault::Partly(7)]);
        scene.play();
        let health = scene.follower.health();
        assert_eq!((health.rejected, health.exported), (7, 93));
        assert!(
            health
                .last_error
                .expect("its words")
                .text
                .contains("too old")
        );
        assert_eq!(scene.ledger.counts(), (100, 0));
    }
}

#[test]
fn poison_is_set_aside_and_the_rest_arrives() {
    for wire in BOTH {
        let (ledger, script) = (Arc::default(), Arc::<Script>::default());
        script.poison.lock().unwrap().extend([0, 700, 701, 1998]);
        let server = OtlpServer::local(wire, &ledger, &script);
        let stream = Stream::new(2000);
        let follower = follow(settings(wire, server.address), &stream);
        assert_eq!(follower.flush(LONG), 0, "{:?}", follower.health());
        assert_eq!(stream.dead_seqs(), [0, 700, 701, 1998]);
        assert_eq!(ledger.missing(2000), stream.dead_seqs());
        assert_eq!(follower.health().dead_letters, 4);
    }
}

#[test]
fn a_server_killed_and_restarted_gets_everything() {
    for wire in BOTH {
        let mut scene = Scene::set(
            wire,
            20_000,
            &[Fault::Take, Fault::Slow(Duration::from_millis(200))],
        );
        while scene.ledger.counts().0 == 0 {
            thread::sleep(Duration::from_millis(2));
        }
        let address = scene.server.address;
        drop(scene.server);
        let deadline = Instant::now() + LONG;
        while scene.follower.health().is_good {
            assert!(Instant::now() < deadline, "a dead server is bad health");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(scene.follower.health().lag_entries() > 0);
        scene.server = OtlpServer::start(wire, address, &scene.ledger, &scene.script);
        scene.play();
    }
}

#[test]
fn connections_cut_in_the_middle_and_held_open_lose_nothing() {
    for wire in BOTH {
        let (ledger, script) = (Arc::default(), Arc::default());
        let server = OtlpServer::local(wire, &ledger, &script);
        let proxy = Proxy::to(server.address);
        proxy
            .weather
            .cut_after_bytes
            .store(3_000_000, Ordering::Relaxed);
        let stream = Stream::new(8000);
        let follower = follow(settings(wire, proxy.address), &stream);
        while proxy.weather.cuts.load(Ordering::Relaxed) < 2 {
            thread::sleep(Duration::from_millis(5));
        }
        proxy.weather.is_held.store(true, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(1200));
        assert!(follower.health().lag_entries() > 0);
        proxy.weather.is_held.store(false, Ordering::Relaxed);
        proxy.weather.cut_after_bytes.store(0, Ordering::Relaxed);
        assert_eq!(follower.flush(LONG), 0, "{:?}", follower.health());
        assert!(ledger.missing(8000).is_empty() && stream.dead_seqs().is_empty());
    }
}

/// The long run: 200,000 entries through everything at once; about a twentieth of it unless a campaign is asked for.
#[test]
fn a_ledger_by_seq_has_nothing_missing() {
    let full = std::env::var_os("LLM_AUDIT_CAMPAIGN").is_some_and(|value| value == "full");
    let entries: u64 = if full { 200_000 } else { 10_000 };
    for wire in BOTH {
        let (ledger, script) = (Arc::default(), Arc::<Script>::default());
        *script.random.lock().unwrap() = vec![
            Fault::TooMany(0),
            Fault::NotReady,
            Fault::Bad,
            Fault::Partly(0),
            Fault::HalfOpen,
            Fault::Lost,
            Fault::Unknown,
            Fault::Slow(Duration::from_millis(30)),
        ];
        script.one_in.store(6, Ordering::Relaxed);
        script
            .poison
            .lock()
            .unwrap()
            .extend([17, 18, 4000, entries as usize - 5]);
        let mut server = OtlpServer::local(wire, &ledger, &script);
        let proxy = Proxy::to(server.address);
        proxy
            .weather
            .cut_after_bytes
            .store(20_000_000, Ordering::Relaxed);
        let stream = Stream::new(entries);
        let mut follower = follow(settings(wire, proxy.address), &stream);
        for part in 1..4 {
            while ledger.counts().0 < entries * part / 4 {
                thread::sleep(Duration::from_millis(5));
            }
            if part == 2 {
                // The host restarts: what was acknowledged since the last stored cursor comes again.
                follower.stop(Duration::from_millis(1));
                follower = follow(settings(wire, proxy.address), &stream);
            } else {
                let address = server.address;
                drop(server);
                thread::sleep(Duration::from_millis(100));
                server = OtlpServer::start(wire, address, &ledger, &script);
            }
        }
        assert_eq!(follower.flush(LONG * 10), 0, "{:?}", follower.health());
        assert_eq!(ledger.missing(entries), stream.dead_seqs());
        // A 400 at random may hit the same lone record twice: then it is set aside, and said.
        let dead = stream.dead_seqs();
        assert!(dead.len() <= 6, "{dead:?}");
        assert_eq!(follower.stop(LONG), 0);
        assert_eq!(stream.cursor.load(Ordering::Acquire), entries);
    }
}

#[test]
fn requests_are_split_by_bytes() {
    for wire in BOTH {
        let (ledger, script) = (Arc::default(), Arc::<Script>::default());
        let server = OtlpServer::local(wire, &ledger, &script);
        let stream = Stream::new(100);
        let follower = follow(
            settings(wire, server.address).request_bytes_max(20_000),
            &stream,
        );
        assert_eq!(follower.flush(LONG), 0);
        assert_eq!(ledger.counts(), (100, 0));
        let requests = script.requests.load(Ordering::Relaxed);
        assert!((8..=20).contains(&requests), "{requests} requests");
        assert!(ledger.last().expect("a request").encoded_len() <= 20_000);
    }
}

#[test]
fn a_batch_larger_than_the_receiver_takes_is_made_smaller() {
    // A tonic server takes 4 MiB; this one record is 5 MiB, its neighbours are small.
    let (ledger, script) = (Arc::default(), Arc::<Script>::default());
    let server = OtlpServer::local(Wire::Grpc, &ledger, &script);
    let mut requests = OtlpExporter::new(settings(Wire::Grpc, server.address)).expect("settings");
    let large = format!("\"{}\"", "x".repeat(5 << 20));
    let entry = crate::follower::memory::call(1, &[("agent_name", &large)]);
    let refused = requests.export(&[entry], LONG).expect_err("too large");
    assert!(matches!(refused, ExportError::TooLarge(_)), "{refused}");
    let taken = requests.export(&[crate::follower::memory::entry(2)], LONG);
    assert_eq!(taken.expect("small").entries, 1);
}

#[test]
fn nobody_there_is_unreachable_and_not_a_record_s_fault() {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap();
    for wire in BOTH {
        let mut exporter = OtlpExporter::new(settings(wire, free)).expect("settings");
        let error = exporter
            .export(&[crate::follower::memory::entry(0)], LONG)
            .expect_err("nobody");
        assert!(error.is_retryable(), "{error}");
    }
}

/// Runs `work` on a host's runtime that has one thread, beside a task that must keep ticking.
fn on_a_host_with_one_thread(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel();
    let ticks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ticks);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let ticking = tokio::spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
            tokio::time::sleep(Duration::from_millis(200)).await;
            work();
            ticking.abort();
        });
        let _ = done.send(());
    });
    is_done.recv_timeout(LONG).expect("no deadlock");
    assert!(ticks.load(Ordering::Relaxed) > 3);
}

#[test]
fn a_host_with_a_single_threaded_runtime_starts_flushes_and_stops_inside_it() {
    for wire in BOTH {
        let scene = Scene::set(wire, 2000, &[]);
        on_a_host_with_one_thread(move || {
            scene.play();
            let again = follow(settings(wire, scene.server.address), &scene.stream);
            scene.stream.durable.store(3000, Ordering::Release);
            assert_eq!(scene.follower.stop(LONG), 0);
            assert_eq!(again.stop(LONG), 0);
        });
    }
}

#[test]
fn a_hanging_destination_does_not_hold_a_host_that_shuts_down() {
    for wire in BOTH {
        let scene = Scene::set(wire, 2000, &[Fault::HalfOpen; 100]);
        on_a_host_with_one_thread(move || {
            let begun = Instant::now();
            assert!(scene.follower.stop(Duration::from_millis(100)) > 0);
            assert!(begun.elapsed() < Duration::from_secs(2));
        });
    }
}

#[test]
fn an_exporter_that_was_used_may_be_dropped_inside_a_runtime() {
    let (ledger, script) = (Arc::default(), Arc::<Script>::default());
    let server = OtlpServer::local(Wire::Grpc, &ledger, &script);
    let mut exporter = OtlpExporter::new(settings(Wire::Grpc, server.address)).expect("settings");
    exporter
        .export(&[crate::follower::memory::entry(2)], LONG)
        .expect("taken");
    on_a_host_with_one_thread(move || drop(exporter));
}

#[test]
fn tls_with_an_own_ca_and_a_client_certificate() {
    for wire in BOTH {
        let (ledger, script) = (Arc::default(), Arc::<Script>::default());
        let server = OtlpServer::local(wire, &ledger, &script);
        let front = tls_front(wire, server.address);
        let url = match wire {
            Wire::Http => format!("https://localhost:{}/v1/logs", front.port()),
            Wire::Grpc => format!("https://localhost:{}", front.port()),
        };
        let settings = || match wire {
            Wire::Http => OtlpSettings::http(&url).expect("a URL"),
            Wire::Grpc => OtlpSettings::grpc(&url).expect("a URL"),
        };
        let export = |settings| {
            let mut exporter = OtlpExporter::new(settings).expect("settings");
            exporter.export(
                &[crate::follower::memory::entry(0)],
                Duration::from_secs(10),
            )
        };
        // Neither an unknown CA nor a missing client certificate gets through, and neither blames the record.
        for refused in [
            settings().identity(CLIENT, CLIENT_KEY),
            settings().ca_certificate(CA),
        ] {
            let error = export(refused).expect_err("refused");
            assert!(error.is_retryable(), "{error}");
        }
        assert_eq!(ledger.counts(), (0, 0));
        let taken = export(settings().ca_certificate(CA).identity(CLIENT, CLIENT_KEY));
        assert_eq!(taken.expect("taken").entries, 1);
        assert_eq!(ledger.counts(), (1, 0));
    }
}

#[test]
fn a_certificate_that_is_none_is_an_error_at_start() {
    for wire in BOTH {
        let url = "https://127.0.0.1:1/";
        let settings = match wire {
            Wire::Http => OtlpSettings::http(url),
            Wire::Grpc => OtlpSettings::grpc(url),
        };
        let settings = settings.expect("a URL").ca_certificate("not PEM");
        assert!(
            matches!(OtlpExporter::new(settings), Err(OtlpSettingsError::Pem)),
            "{wire:?}"
        );
    }
}
