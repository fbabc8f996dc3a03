//! AWS event-stream frames out of bytes that come in any pieces.
//!
//! Promise: a frame is handed out only when both of its checksums are right; at the first that is not, reading ends
//! for good, because nothing behind it can be trusted to begin where it seems to. Nothing is buffered but the frame
//! that is being received, whose announced length is bounded.
//! Not here: what the events mean.
//!
//! # Source
//! Smithy 2.0, "Event stream specification for `application/vnd.amazon.eventstream`"; `Amazon S3 API Reference`,
//! "Response event structure": total length, headers' length, CRC-32 of these eight bytes, headers, payload, CRC-32
//! of everything before it; all integers big-endian.

/// Bytes of a frame's beginning: two lengths and their checksum.
pub(super) const PRELUDE_BYTES: usize = 12;
/// The prelude and the checksum at the end: a frame with neither headers nor payload.
const FRAME_BYTES_MIN: usize = PRELUDE_BYTES + 4;
/// The longest frame: the limit of Smithy for headers and payload, with room.
const FRAME_BYTES_MAX: usize = 25 << 20;

/// What a frame says, by its `:message-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// An event's type and payload.
    Event(&'a [u8], &'a [u8]),
    /// An exception's or an error's type, and the payload or the text that explains it.
    Failure(&'a str, &'a [u8]),
}

/// The incremental reader.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    is_broken: bool,
}

impl Frames {
    /// Takes a chunk and hands each frame that it completes to `emit`.
    pub(super) fn push(&mut self, chunk: &[u8], emit: &mut dyn FnMut(Frame<'_>)) {
        if self.is_broken {
            return;
        }
        self.bytes.extend_from_slice(chunk);
        let mut rest = self.bytes.as_slice();
        loop {
            match split(rest) {
                Split::Frame(frame, behind) => {
                    rest = behind;
                    emit(frame);
                }
                Split::Short => break,
                Split::Broken => {
                    self.is_broken = true;
                    break;
                }
            }
        }
        let read = self.bytes.len() - rest.len();
        self.bytes.drain(..read);
        if self.is_broken {
            self.bytes = Vec::new();
        }
    }

    /// Says whether every frame was whole.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_broken && self.bytes.is_empty()
    }
}

/// Says whether these bytes begin a frame.
pub(super) fn is_prelude(prelude: &[u8; PRELUDE_BYTES]) -> bool {
    integer(&prelude[8..]) == Some(crc32fast::hash(&prelude[..8]) as usize)
}

/// What stands at the beginning of some bytes.
enum Split<'a> {
    Frame(Frame<'a>, &'a [u8]),
    Short,
    Broken,
}

fn split(bytes: &[u8]) -> Split<'_> {
    let Some(prelude) = bytes.first_chunk::<PRELUDE_BYTES>() else {
        return Split::Short;
    };
    let total = integer(prelude).filter(|_| is_prelude(prelude));
    let total = total.filter(|total| (FRAME_BYTES_MIN..=FRAME_BYTES_MAX).contains(total));
    let Some(total) = total else {
        return Split::Broken;
    };
    let Some((frame, behind)) = bytes.split_at_checked(total) else {
        return Split::Short;
    };
    let frame = checked(frame).and_then(|body| read(body, integer(&prelude[4..])?));
    frame.map_or(Split::Broken, |frame| Split::Frame(frame, behind))
}

/// Returns headers and payload of a frame whose checksum is right.
fn checked(frame: &[u8]) -> Option<&[u8]> {
    let (said, crc) = frame.split_at_checked(frame.len().checked_sub(4)?)?;
    let is_right = integer(crc) == Some(crc32fast::hash(said) as usize);
    said.get(PRELUDE_BYTES..).filter(|_| is_right)
}

fn read(body: &[u8], headers_bytes: usize) -> Option<Frame<'_>> {
    let (mut headers, payload) = body.split_at_checked(headers_bytes)?;
    let (mut message, mut event, mut failure, mut text) = ("event", "", "", "");
    while !headers.is_empty() {
        let (name, value) = take_header(&mut headers)?;
        match name {
            ":message-type" => message = value,
            ":event-type" => event = value,
            ":exception-type" | ":error-code" => failure = value,
            ":error-message" => text = value,
            _ => {}
        }
    }
    Some(match message {
        "event" => Frame::Event(event.as_bytes(), payload),
        _ if payload.is_empty() => Frame::Failure(failure, text.as_bytes()),
        _ => Frame::Failure(failure, payload),
    })
}

/// Takes one header off; the value is empty where it is no text.
fn take_header<'a>(headers: &mut &'a [u8]) -> Option<(&'a str, &'a str)> {
    let name_bytes = usize::from(take(headers, 1)?[0]);
    let name = std::str::from_utf8(take(headers, name_bytes)?).ok()?;
    let value_bytes = match take(headers, 1)?[0] {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        kind @ (6 | 7) => {
            let length = integer(take(headers, 2)?)?;
            let value = take(headers, length)?;
            let text = (kind == 7).then(|| std::str::from_utf8(value).ok());
            return Some((name, text.flatten().unwrap_or_default()));
        }
        9 => 16,
        _ => return None,
    };
    take(headers, value_bytes).map(|_| (name, ""))
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// The big-endian integer in the first two or four bytes.
fn integer(bytes: &[u8]) -> Option<usize> {
    let value = match bytes {
        [a, b] => u32::from(u16::from_be_bytes([*a, *b])),
        [a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => return None,
    };
    usize::try_from(value).ok()
}

/// Makes a frame of text headers and a payload, for tests.
#[cfg(test)]
pub(super) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut said = Vec::new();
    for (name, value) in headers {
        said.push(name.len() as u8);
        said.extend_from_slice(name.as_bytes());
        said.push(7);
        said.extend_from_slice(&(value.len() as u16).to_be_bytes());
        said.extend_from_slice(value.as_bytes());
    }
    let total = FRAME_BYTES_MIN + said.len() + payload.len();
    let mut frame = (total as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(&(said.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(&said);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], size: usize) -> (Vec<String>, bool) {
        let (mut frames, mut found) = (Frames::default(), Vec::new());
        for chunk in bytes.chunks(size) {
            frames.push(chunk, &mut |frame| found.push(format!("{frame:?}")));
        }
        (found, frames.is_whole())
    }

    fn two() -> Vec<u8> {
        let event = [(":message-type", "event"), (":event-type", "chunk")];
        let mut bytes = frame(&event, b"one");
        bytes.extend(frame(
            &[
                (":message-type", "exception"),
                (":exception-type", "throttlingException"),
            ],
            b"{}",
        ));
        bytes
    }

    #[test]
    fn frames_are_found_in_chunks_of_any_size_and_cut_anywhere() {
        let bytes = two();
        let (expected, _) = all(&bytes, bytes.len());
        assert_eq!(expected.len(), 2);
        for size in 1..bytes.len() {
            assert_eq!(all(&bytes, size), (expected.clone(), true));
            let (found, is_whole) = all(&bytes[..size], size);
            assert!(expected.starts_with(&found));
            assert!(!is_whole || found.len() == 1, "cut at {size}");
        }
    }

    #[test]
    fn no_flipped_bit_passes() {
        let bytes = two();
        let (expected, _) = all(&bytes, bytes.len());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (found, is_whole) = all(&damaged, damaged.len());
            assert!(
                expected.starts_with(&found) && found.len() < 2 && !is_whole,
                "bit {bit}"
            );
        }
    }

    #[test]
    fn headers_of_any_type_are_stepped_over() {
        let mut said = vec![
            1, b'a', 0, 1, b'b', 2, 9, 1, b'c', 3, 0, 0, 1, b'd', 4, 0, 0, 0, 0,
        ];
        said.extend([1, b'e', 6, 0, 2, 7, 7, 1, b'f', 9]);
        said.extend([0; 16]);
        said.extend([1, b'g', 8]);
        said.extend([0; 8]);
        said.extend(b"\x0b:event-type\x07\x00\x01x");
        assert_eq!(read(&said, said.len()), Some(Frame::Event(b"x", b"")));
        for end in 0..said.len() {
            read(&said[..end], end);
        }
        assert_eq!(read(&[1, b'a', 10], 3), None);
        assert_eq!(read(&[], 1), None);
    }

    #[test]
    fn lengths_beyond_bounds_break_the_stream() {
        for (total, headers) in [
            (0_u32, 0_u32),
            (15, 0),
            (u32::MAX, 0),
            (16, 1),
            (20, u32::MAX),
        ] {
            let mut bytes = total.to_be_bytes().to_vec();
            bytes.extend(headers.to_be_bytes());
            bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
            bytes.resize(
                bytes
                    .len()
                    .max((total as usize).min(64))
                    .saturating_sub(4)
                    .max(12),
                0,
            );
            bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
            assert_eq!(all(&bytes, 5), (vec![], false), "{total} {headers}");
        }
    }
}
