//! A small HTTP server that says exactly what a test wants said, and counts what reaches it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// By the end of the connection.
    Close,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
    /// Bytes that are written at once.
    pub(crate) piece: usize,
    /// A pause before the body, and between pieces.
    pub(crate) pause: Duration,
    /// The connection is cut after so many bytes of the body.
    pub(crate) cut_after: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            body: body.into(),
            framing: Framing::Length,
            piece: usize::MAX,
            pause: Duration::ZERO,
            cut_after: None,
        }
    }

    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/json", body)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn framing(mut self, framing: Framing, piece: usize) -> Self {
        self.framing = framing;
        self.piece = piece;
        self
    }

    pub(crate) fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    pub(crate) fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    fn head(&self) -> String {
        let mut lines = vec![format!("HTTP/1.1 {} Said", self.status)];
        let headers = self.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        lines.push(match self.framing {
            Framing::Length => format!("content-length: {}", self.body.len()),
            Framing::Chunked => "transfer-encoding: chunked".to_owned(),
            Framing::Close => "connection: close".to_owned(),
        });
        lines.join("\r\n") + "\r\n\r\n"
    }
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    /// The first line's.
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// How many came before it.
    pub(crate) number: u64,
}

/// What happened at the server so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) body_bytes_written: AtomicU64,
}

/// The server; dropped, it ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) counts: Arc<Counts>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Starts one on a thread of its own.
    pub(crate) fn start(answer: impl Fn(Asked) -> Reply + Send + Sync + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let (seen, answer) = (Arc::clone(&counts), Arc::new(answer));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                let accept = async {
                    loop {
                        let (stream, _) = listener.accept().await.unwrap();
                        seen.connections.fetch_add(1, Ordering::SeqCst);
                        tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&seen)));
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            counts,
            _stop: stop,
        }
    }

    /// Answers everything in the same way.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::SeqCst)
    }
}

async fn serve<F: Fn(Asked) -> Reply>(mut stream: TcpStream, answer: Arc<F>, counts: Arc<Counts>) {
    let _ = stream.set_nodelay(true);
    while let Some(mut asked) = read(&mut stream).await {
        asked.number = counts.requests.fetch_add(1, Ordering::SeqCst);
        let reply = answer(asked);
        if write(&mut stream, &reply, &counts).await.is_err() || reply.cut_after.is_some() {
            return;
        }
        if reply.framing == Framing::Close {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let is_chunked = lower.contains("transfer-encoding: chunked");
    let is_whole = |body: &[u8]| match length {
        Some(length) => body.len() >= length,
        None => !is_chunked || body.ends_with(b"0\r\n\r\n"),
    };
    while !is_whole(&bytes[head_end..]) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Asked {
        target: head.split(' ').nth(1)?.to_owned(),
        body: bytes.split_off(head_end),
        head,
        number: 0,
    })
}

async fn write(stream: &mut TcpStream, reply: &Reply, counts: &Counts) -> std::io::Result<()> {
    stream.write_all(reply.head().as_bytes()).await?;
    let body = &reply.body[..reply.cut_after.unwrap_or(reply.body.len())];
    for piece in body.chunks(reply.piece.max(1)) {
        if !reply.pause.is_zero() {
            tokio::time::sleep(reply.pause).await;
        }
        if reply.framing == Framing::Chunked {
            let line = format!("{:x}\r\n", piece.len());
            stream.write_all(line.as_bytes()).await?;
        }
        for part in piece.chunks(16 << 10) {
            stream.write_all(part).await?;
            let written = part.len() as u64;
            counts
                .body_bytes_written
                .fetch_add(written, Ordering::SeqCst);
        }
        if reply.framing == Framing::Chunked {
            stream.write_all(b"\r\n").await?;
        }
    }
    if reply.framing == Framing::Chunked && reply.cut_after.is_none() {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}
