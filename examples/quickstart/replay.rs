//! A provider on loopback that answers with recorded traffic: real bodies, status codes and streams, no key.

use std::{convert::Infallible, fs, io, path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use serde_json::Value;

/// The name that the server never answers to, for calls that somebody gives up.
pub const NEVER_ANSWERED: &str = "never-answered";

/// The recordings, as `index.json` lists them.
pub struct Recordings {
    folder: PathBuf,
    index: Value,
}

impl Recordings {
    /// Opens the recordings that lie in this repository.
    pub fn open() -> io::Result<Self> {
        let folder =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/provider-traffic");
        let index = serde_json::from_slice(&fs::read(folder.join("index.json"))?)?;
        Ok(Self { folder, index })
    }

    /// Returns the recorded request body.
    pub fn request(&self, id: &str) -> io::Result<Vec<u8>> {
        fs::read(self.folder.join(format!("{id}.request.json")))
    }

    fn response(&self, id: &str) -> Option<Response> {
        let recordings = self.index["fixtures"].as_array()?;
        let recording = recordings.iter().find(|known| known["id"] == id)?;
        let body = fs::read(self.folder.join(recording["response_file"].as_str()?)).ok()?;
        Response::builder()
            .status(u16::try_from(recording["http_status"].as_u64()?).ok()?)
            .header("content-type", recording["content_type"].as_str()?)
            .body(in_pieces(body))
            .ok()
    }
}

/// Sends a body as a network would: not all at once, and cut anywhere.
fn in_pieces(body: Vec<u8>) -> Body {
    let body = Bytes::from(body);
    let starts = (0..body.len()).step_by(300);
    let pieces: Vec<_> = starts
        .map(|start| body.slice(start..body.len().min(start + 300)))
        .map(Ok::<_, Infallible>)
        .collect();
    Body::from_stream(futures_util::stream::iter(pieces))
}

/// Serves the recordings on a free port of loopback and returns the base address.
pub async fn serve(recordings: Arc<Recordings>) -> io::Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let app = Router::new()
        .route("/v1/{*path}", post(answer))
        .with_state(recordings);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(base)
}

async fn answer(State(recordings): State<Arc<Recordings>>, headers: HeaderMap) -> Response {
    let id = headers.get("x-recording").and_then(|id| id.to_str().ok());
    match id.unwrap_or_default() {
        NEVER_ANSWERED => std::future::pending().await,
        id => recordings.response(id).unwrap_or_else(not_recorded),
    }
}

fn not_recorded() -> Response {
    let mut response = Response::new(Body::from(r#"{"error":{"message":"no such recording"}}"#));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
