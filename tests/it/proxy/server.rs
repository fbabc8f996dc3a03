//! The OTLP server itself, over HTTP (axum) and gRPC (tonic).

use std::{
    collections::{BTreeSet, VecDeque},
    io::Read,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
    logs_service_server::{LogsService, LogsServiceServer},
};
use prost::Message;
use tokio::sync::oneshot;

use super::ledger::{Ledger, seqs};

/// How the server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Http,
    Grpc,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Take,
    /// 429 or `RESOURCE_EXHAUSTED`, with the seconds to wait.
    TooMany(u64),
    /// 503 or `UNAVAILABLE`.
    NotReady,
    /// 401 or `UNAUTHENTICATED`.
    Unknown,
    /// 400 or `INVALID_ARGUMENT`, whatever is in the request.
    Bad,
    /// Acknowledged, but for so many records.
    Partly(i64),
    /// Acknowledged late.
    Slow(Duration),
    /// Never answered.
    HalfOpen,
    /// Acknowledged, and the answer lost.
    Lost,
}

/// What is to happen: faults in order, then faults at random, then nothing but taking; and records never taken.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) next: Mutex<VecDeque<Fault>>,
    /// One of these for about every `one_in`-th request; 0 for none.
    pub(crate) random: Mutex<Vec<Fault>>,
    pub(crate) one_in: AtomicU64,
    pub(crate) poison: Mutex<BTreeSet<usize>>,
    pub(crate) requests: AtomicU64,
    /// The headers (metadata) of the last request.
    pub(crate) headers: Mutex<HeaderMap>,
}

impl Script {
    pub(crate) fn of(faults: impl IntoIterator<Item = Fault>) -> Arc<Self> {
        let script = Self::default();
        script.next.lock().unwrap().extend(faults);
        Arc::new(script)
    }

    fn judge(&self, request: &ExportLogsServiceRequest) -> Fault {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(fault) = self.next.lock().unwrap().pop_front() {
            return fault;
        }
        let poison = self.poison.lock().unwrap();
        if !poison.is_empty() && seqs(request).any(|seq| poison.contains(&seq)) {
            return Fault::Bad;
        }
        let one_in = self.one_in.load(Ordering::Relaxed);
        // A small generator of its own: the same faults in every run.
        let draw = (number + 1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            >> 20;
        let random = self.random.lock().unwrap();
        if one_in > 0 && !random.is_empty() && draw.is_multiple_of(one_in) {
            return random[(draw / one_in) as usize % random.len()];
        }
        Fault::Take
    }
}

#[derive(Clone)]
struct Service {
    ledger: Arc<Ledger>,
    script: Arc<Script>,
}

/// A server on a thread of its own, until dropped.
pub(crate) struct OtlpServer {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl OtlpServer {
    /// Listens on `address` (port 0: a free one).
    pub(crate) fn start(
        wire: Wire,
        address: SocketAddr,
        ledger: &Arc<Ledger>,
        script: &Arc<Script>,
    ) -> Self {
        let listener = listen(address);
        let address = listener.local_addr().unwrap();
        let service = Service {
            ledger: Arc::clone(ledger),
            script: Arc::clone(script),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                // Dropped with its runtime: connections break off as a killed process's do.
                tokio::select! {
                    _ = stopped => {}
                    () = serve(wire, listener, service) => {}
                }
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn local(wire: Wire, ledger: &Arc<Ledger>, script: &Arc<Script>) -> Self {
        Self::start(wire, ([127, 0, 0, 1], 0).into(), ledger, script)
    }
}

impl Drop for OtlpServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A killed server's port may be in use for a moment.
fn listen(address: SocketAddr) -> TcpListener {
    for _ in 0..200 {
        if let Ok(listener) = TcpListener::bind(address) {
            listener.set_nonblocking(true).unwrap();
            return listener;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{address} stays in use");
}

async fn serve(wire: Wire, listener: TcpListener, service: Service) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    match wire {
        Wire::Http => {
            let router = Router::new()
                .route("/v1/logs", post(take_http))
                .layer(DefaultBodyLimit::disable())
                .with_state(service);
            axum::serve(listener, router).await.unwrap();
        }
        Wire::Grpc => {
            let service = LogsServiceServer::new(service)
                .accept_compressed(tonic::codec::CompressionEncoding::Gzip);
            let incoming = tonic::transport::server::TcpIncoming::from(listener);
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(incoming).await.unwrap();
        }
    }
}

async fn take_http(State(service): State<Service>, headers: HeaderMap, body: Bytes) -> Response {
    let plain = if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding == "gzip")
    {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&body[..])
            .read_to_end(&mut plain)
            .unwrap();
        plain
    } else {
        body.to_vec()
    };
    *service.script.headers.lock().unwrap() = headers;
    let Ok(request) = ExportLogsServiceRequest::decode(plain.as_slice()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let fault = service.script.judge(&request);
    match fault {
        Fault::TooMany(seconds) => {
            return (
                StatusCode::TOO_MANY_REQUESTS,
                [(header::RETRY_AFTER, seconds.to_string())],
            )
                .into_response();
        }
        Fault::NotReady => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Unknown => return StatusCode::UNAUTHORIZED.into_response(),
        Fault::Bad => return StatusCode::BAD_REQUEST.into_response(),
        Fault::HalfOpen => std::future::pending().await,
        Fault::Slow(delay) => tokio::time::sleep(delay).await,
        Fault::Take | Fault::Partly(_) | Fault::Lost => {}
    }
    service.ledger.enter(request);
    if fault == Fault::Lost {
        std::future::pending::<()>().await;
    }
    let bytes = acknowledgement(fault).encode_to_vec();
    ([(header::CONTENT_TYPE, "application/x-protobuf")], bytes).into_response()
}

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, tonic::Status> {
        let (metadata, _, request) = request.into_parts();
        *self.script.headers.lock().unwrap() = metadata.into_headers();
        let fault = self.script.judge(&request);
        match fault {
            Fault::TooMany(seconds) => return Err(too_many(seconds)),
            Fault::NotReady => return Err(tonic::Status::unavailable("not ready")),
            Fault::Unknown => return Err(tonic::Status::unauthenticated("who are you")),
            Fault::Bad => return Err(tonic::Status::invalid_argument("no such thing")),
            Fault::HalfOpen => std::future::pending().await,
            Fault::Slow(delay) => tokio::time::sleep(delay).await,
            Fault::Take | Fault::Partly(_) | Fault::Lost => {}
        }
        self.ledger.enter(request);
        if fault == Fault::Lost {
            std::future::pending::<()>().await;
        }
        Ok(tonic::Response::new(acknowledgement(fault)))
    }
}

fn acknowledgement(fault: Fault) -> ExportLogsServiceResponse {
    let partial_success = match fault {
        Fault::Partly(rejected) => Some(ExportLogsPartialSuccess {
            rejected_log_records: rejected,
            error_message: "too old".to_owned(),
        }),
        _ => None,
    };
    ExportLogsServiceResponse { partial_success }
}

/// `RESOURCE_EXHAUSTED` with `RetryInfo`, spelled by hand: `google.rpc.Status { 3: Any { 1: url, 2: { 1: { 1: s } } } }`.
fn too_many(seconds: u64) -> tonic::Status {
    let url = b"type.googleapis.com/google.rpc.RetryInfo";
    let delay = [0x0a, 0x02, 0x08, seconds as u8];
    let mut any = vec![0x0a, url.len() as u8];
    any.extend_from_slice(url);
    any.extend_from_slice(&[0x12, delay.len() as u8]);
    any.extend_from_slice(&delay);
    let mut status = vec![0x08, 8, 0x1a, any.len() as u8];
    status.extend_from_slice(&any);
    tonic::Status::with_details(tonic::Code::ResourceExhausted, "slower", status.into())
}
