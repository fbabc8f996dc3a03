//! Event streams that were kept as text: base64, as recordings of binary bodies are.
//!
//! Promise: decodes only what is an event stream behind its base64; any other body stays as it is.
//! Not here: reading frames (the library).

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

/// Bytes of a frame without headers or payload: its prelude and its two checksums.
const FRAME_BYTES_MIN: usize = 16;

/// Returns the body behind its base64, where it is an event stream in base64.
pub(super) fn decoded(body: &[u8]) -> Cow<'_, [u8]> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n \t".contains(byte);
    if body.is_empty() || !body.iter().all(is_base64) {
        return Cow::Borrowed(body);
    }
    let letters = body.iter().filter(|byte| !byte.is_ascii_whitespace());
    match STANDARD.decode(letters.copied().collect::<Vec<u8>>()) {
        Ok(bytes) if begins_a_frame(&bytes) => Cow::Owned(bytes),
        _ => Cow::Borrowed(body),
    }
}

/// Says whether the first frame's lengths make sense.
fn begins_a_frame(bytes: &[u8]) -> bool {
    let length = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(four.try_into().ok()?) as usize)
    };
    let lengths = length(0).zip(length(4));
    lengths.is_some_and(|(frame, headers)| {
        frame >= FRAME_BYTES_MIN && headers <= frame - FRAME_BYTES_MIN && frame <= 16 << 20
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_event_streams_are_decoded() {
        let frame = [&[0, 0, 0, 16, 0, 0, 0, 0][..], &[7; 8]].concat();
        let text = STANDARD.encode(&frame) + "\n";
        assert_eq!(*decoded(text.as_bytes()), frame);
        for other in [&b"{}"[..], b"", b"data: x", b"aGVsbG8gd29ybGQh", b"abc"] {
            assert_eq!(*decoded(other), *other);
        }
    }
}
