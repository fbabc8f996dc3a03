//! The least HTTP that a test needs to post OTLP JSON and to read a query API on loopback.
//!
//! HTTP/1.0 on purpose: the server answers without chunks and closes, so a reply is what stands until the end.

use std::io::{Error, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

const REPLY_WAIT_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn get(port: u16, path: &str) -> Result<Reply> {
    exchange(port, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
}

pub(crate) fn post_json(port: u16, path: &str, body: &serde_json::Value) -> Result<Reply> {
    let body = body.to_string();
    let head = format!(
        "POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    exchange(port, (head + &body).as_bytes())
}

fn exchange(port: u16, request: &[u8]) -> Result<Reply> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(REPLY_WAIT_MAX))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| Error::other("not an HTTP reply"))
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply {
        status,
        body: bytes[head_end + 4..].to_vec(),
    })
}
