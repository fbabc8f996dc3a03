//! A provider on loopback: answers each request with the next recorded response, in order.
//!
//! Promise: real bytes over a real connection; streams come in pieces. It answers as many requests as it was given
//! answers, and is gone after that.
//! Not here: keep-alive, TLS, and looking at what was asked beyond keeping it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::recording::Recording;

/// Bytes of a streamed body that are sent at once.
const PIECE_BYTES: usize = 300;
/// How long a client may take over its request.
const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request line's target: path and query.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A server that answers with recordings.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Provider {
    /// Starts a server on a free port of loopback.
    ///
    /// # Errors
    /// Where the port or the thread cannot be had.
    pub fn answering(recordings: Vec<Recording>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        thread::Builder::new()
            .name("recorded provider".into())
            .spawn(move || {
                for recording in recordings {
                    // A client that goes away early is part of what is tested.
                    let _ = answer(&listener, &recording, &kept);
                }
            })?;
        Ok(Self { address, asked })
    }

    /// Returns the address without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn answer(
    listener: &TcpListener,
    recording: &Recording,
    kept: &Mutex<Vec<Asked>>,
) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    let asked = read_request(&stream)?;
    kept.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(asked);
    write_response(&stream, recording)
}

fn read_request(stream: &TcpStream) -> io::Result<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut target, mut length) = (String::new(), 0);
    for at in 0.. {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if at == 0 {
            line.split(' ')
                .nth(1)
                .unwrap_or_default()
                .clone_into(&mut target);
        } else if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Asked { target, body })
}

fn write_response(mut stream: &TcpStream, recording: &Recording) -> io::Result<()> {
    let index = &recording.index;
    let status = index["http_status"].as_u64().unwrap_or(200);
    let content_type = index["content_type"].as_str().unwrap_or("application/json");
    write!(
        stream,
        "HTTP/1.1 {status} Recorded\r\ncontent-type: {content_type}\r\nconnection: close\r\n"
    )?;
    for header in ["request-id", "x-request-id"] {
        if let Some(value) = index["response_headers"][header].as_str() {
            write!(stream, "{header}: {value}\r\n")?;
        }
    }
    write!(stream, "transfer-encoding: chunked\r\n\r\n")?;
    let mut body = recording.response.clone();
    // A provider ends its last event with an empty line, which some recordings have lost.
    if content_type.starts_with("text/event-stream") && !body.ends_with(b"\n\n") {
        body.push(b'\n');
    }
    // The last event comes in one piece: clients go as soon as they have it.
    let last = body.len().saturating_sub(PIECE_BYTES) / PIECE_BYTES * PIECE_BYTES;
    let (first, last) = body.split_at(last);
    for piece in first.chunks(PIECE_BYTES).chain([last]) {
        write!(stream, "{:x}\r\n", piece.len())?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
    }
    if recording.is_stalled {
        // Until the client has gone.
        return stream.read(&mut [0]).map(drop);
    }
    stream.write_all(b"0\r\n\r\n")
}
