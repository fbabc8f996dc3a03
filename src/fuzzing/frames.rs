//! What must hold of any framing: bytes that are forced to look like it, so that the fuzzer gets behind its checks.

use super::bodies;

/// Server-sent events: lines of data, whatever they hold.
pub(super) fn check_sse(data: &[u8]) {
    let mut text = Vec::with_capacity(data.len() + 6);
    if !data.starts_with(b"data:") && !data.starts_with(b"event:") {
        text.extend_from_slice(b"data: ");
    }
    text.extend_from_slice(data);
    bodies::check(None, &text);
}

/// Newline-delimited JSON: each line is an object.
pub(super) fn check_ndjson(data: &[u8]) {
    let mut text = Vec::with_capacity(data.len() + 64);
    for line in data.split(|byte| *byte == b'\n') {
        let is_object = line.trim_ascii_start().starts_with(b"{");
        if !is_object {
            text.extend_from_slice(b"{\"model\":\"m\",\"done\":false}");
        }
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    bodies::check(None, &text);
}

/// A stream that is one JSON array.
pub(super) fn check_json_array(data: &[u8]) {
    let mut text = Vec::with_capacity(data.len() + 2);
    if !data.starts_with(b"[") {
        text.push(b'[');
    }
    text.extend_from_slice(data);
    bodies::check(None, &text);
}

/// Frames of an event stream: as they are, and with their lengths and checksums put right.
pub(super) fn check_event_stream(data: &[u8]) {
    bodies::check(None, data);
    bodies::check(None, &repaired(data));
}

/// Bytes of a frame without headers and payload: two lengths, and the checksums of them and of the whole.
const FRAME_BYTES_MIN: usize = 16;

/// Makes frames of any bytes: where a frame's lengths make no sense the rest becomes one, and checksums are computed.
fn repaired(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + FRAME_BYTES_MIN);
    let mut rest = data;
    while rest.len() >= FRAME_BYTES_MIN {
        let length = |at: usize| {
            let four = rest[at..at + 4].try_into().expect("four bytes");
            u32::from_be_bytes(four) as usize
        };
        let (mut frame, mut headers) = (length(0), length(4));
        if frame < FRAME_BYTES_MIN || frame > rest.len() {
            frame = rest.len();
        }
        headers = headers.min(frame - FRAME_BYTES_MIN);
        push_frame(&mut out, &rest[12..frame - 4], headers);
        rest = &rest[frame..];
    }
    out.extend_from_slice(rest);
    out
}

/// Writes a frame of headers and payload, with lengths and checksums.
fn push_frame(out: &mut Vec<u8>, content: &[u8], headers: usize) {
    let start = out.len();
    let length = |bytes: usize| u32::try_from(bytes).expect("a short frame").to_be_bytes();
    out.extend_from_slice(&length(content.len() + FRAME_BYTES_MIN));
    out.extend_from_slice(&length(headers));
    out.extend_from_slice(&crc32(&out[start..]).to_be_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(&crc32(&out[start..]).to_be_bytes());
}

/// The checksum of event streams, bit by bit: apart from the one that readers use.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}
