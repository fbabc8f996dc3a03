//! Bodies that came compressed: `gzip` and `deflate`, decoded as they come.
//!
//! Promise: what is decoded is bounded, however small the compressed bytes are; a body that is not what its header
//! says, because a client decompressed it already, is read as it is.
//! Not here: other codings, whose bodies stay unknown.

use std::io::Write as _;

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Decoded bytes of one body that are read; a longer body is read as one that was cut there.
const DECODED_BYTES_MAX: u64 = 128 << 20;
/// Compressed bytes that are decoded at once: they come to at most some thousand times as many.
const SLICE_BYTES: usize = 4096;

/// What `content-encoding` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    /// Another one, or several.
    Unknown,
}

impl Coding {
    /// Reads the header; `None` where the body is as it is.
    pub(super) fn of(header: Option<&str>) -> Option<Self> {
        let coding = header?.to_ascii_lowercase();
        match coding.as_str() {
            "identity" | "none" => None,
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => Some(Self::Unknown),
        }
    }
}

/// The incremental decoder of one body.
pub(super) struct Decoder {
    coding: Coding,
    state: State,
    decoded: u64,
    decoded_max: u64,
    is_broken: bool,
}

enum State {
    /// The first two bytes tell whether the header is true.
    Start(Vec<u8>),
    Plain,
    Gzip(MultiGzDecoder<Vec<u8>>),
    Zlib(ZlibDecoder<Vec<u8>>),
    Deflate(DeflateDecoder<Vec<u8>>),
}

impl Decoder {
    pub(super) fn new(coding: Coding) -> Self {
        Self {
            coding,
            state: State::Start(Vec::new()),
            decoded: 0,
            decoded_max: DECODED_BYTES_MAX,
            is_broken: false,
        }
    }

    /// Takes a chunk and hands what it decodes to, to `emit`.
    pub(super) fn push(&mut self, chunk: &[u8], emit: &mut dyn FnMut(&[u8])) {
        if let State::Start(first) = &mut self.state {
            first.extend_from_slice(chunk);
            if first.len() < 2 {
                return;
            }
            let first = std::mem::take(first);
            self.state = State::of(self.coding, [first[0], first[1]]);
            self.decode(&first, emit);
        } else {
            self.decode(chunk, emit);
        }
    }

    /// Ends the body; says whether it was whole.
    pub(super) fn end(mut self, emit: &mut dyn FnMut(&[u8])) -> bool {
        let is_ended = match &mut self.state {
            State::Start(first) => {
                emit(first);
                return first.is_empty();
            }
            State::Plain => true,
            State::Gzip(decoder) => decoder.try_finish().is_ok(),
            State::Zlib(decoder) => decoder.try_finish().is_ok(),
            State::Deflate(decoder) => decoder.try_finish().is_ok(),
        };
        self.hand_out(emit);
        is_ended && !self.is_broken
    }

    fn decode(&mut self, chunk: &[u8], emit: &mut dyn FnMut(&[u8])) {
        if matches!(self.state, State::Plain) {
            return emit(chunk);
        }
        for slice in chunk.chunks(SLICE_BYTES) {
            if self.is_broken {
                return;
            }
            let written = self.state.write(slice);
            self.hand_out(emit);
            self.is_broken |= written.is_err() || self.decoded > self.decoded_max;
        }
    }

    fn hand_out(&mut self, emit: &mut dyn FnMut(&[u8])) {
        if let Some(out) = self.state.out().filter(|out| !out.is_empty()) {
            self.decoded += out.len() as u64;
            emit(out);
            out.clear();
        }
    }
}

impl State {
    fn of(coding: Coding, first: [u8; 2]) -> Self {
        // RFC 1950: compression method 8, and a check that the first two bytes are a multiple of 31.
        let is_zlib = first[0] & 0x0f == 8 && u16::from_be_bytes(first).is_multiple_of(31);
        let is_text = matches!(first[0], b'{' | b'[' | b'd' | b'e' | b':' | b'\n' | b' ');
        match coding {
            Coding::Gzip if first == [0x1f, 0x8b] => Self::Gzip(MultiGzDecoder::new(Vec::new())),
            Coding::Deflate if is_zlib => Self::Zlib(ZlibDecoder::new(Vec::new())),
            // RFC 9110 means zlib's format; some senders leave its frame out.
            Coding::Deflate if !is_text => Self::Deflate(DeflateDecoder::new(Vec::new())),
            _ => Self::Plain,
        }
    }

    fn write(&mut self, slice: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Gzip(decoder) => decoder.write_all(slice).and_then(|()| decoder.flush()),
            Self::Zlib(decoder) => decoder.write_all(slice).and_then(|()| decoder.flush()),
            Self::Deflate(decoder) => decoder.write_all(slice).and_then(|()| decoder.flush()),
            Self::Start(_) | Self::Plain => Ok(()),
        }
    }

    fn out(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Gzip(decoder) => Some(decoder.get_mut()),
            Self::Zlib(decoder) => Some(decoder.get_mut()),
            Self::Deflate(decoder) => Some(decoder.get_mut()),
            Self::Start(_) | Self::Plain => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn decoded(coding: Coding, bytes: &[u8], size: usize) -> (Vec<u8>, bool) {
        let (mut decoder, mut out) = (Decoder::new(coding), Vec::new());
        for chunk in bytes.chunks(size) {
            decoder.push(chunk, &mut |piece| out.extend_from_slice(piece));
        }
        let is_whole = decoder.end(&mut |piece| out.extend_from_slice(piece));
        (out, is_whole)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn each_coding_is_decoded_in_chunks_of_any_size() {
        let text = b"{\"usage\":{\"input_tokens\":12}}".repeat(30);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(&text).unwrap();
        for (coding, bytes) in [
            (Coding::Gzip, gzip(&text)),
            (
                Coding::Gzip,
                [gzip(&text[..40]), gzip(&text[40..])].concat(),
            ),
            (Coding::Gzip, text.clone()),
            (Coding::Deflate, zlib.finish().unwrap()),
            (Coding::Deflate, raw.finish().unwrap()),
            (Coding::Deflate, text.clone()),
        ] {
            for size in [1, 2, 7, bytes.len()] {
                assert_eq!(
                    decoded(coding, &bytes, size),
                    (text.clone(), true),
                    "{coding:?} by {size}"
                );
            }
        }
        assert_eq!(decoded(Coding::Gzip, b"", 1), (vec![], true));
    }

    #[test]
    fn a_cut_body_gives_what_it_has_and_says_so() {
        let text: Vec<u8> = (0..20_000_u32)
            .flat_map(|number| (number * 7919).to_be_bytes())
            .collect();
        let bytes = gzip(&text);
        let (out, is_whole) = decoded(Coding::Gzip, &bytes[..bytes.len() / 2], 1000);
        assert!(text.starts_with(&out) && !out.is_empty() && !is_whole);
    }

    #[test]
    fn a_bomb_is_cut() {
        let bomb = gzip(&vec![0; 1 << 20]).repeat(20);
        let (mut decoder, mut out) = (Decoder::new(Coding::Gzip), 0);
        decoder.decoded_max = 1 << 20;
        decoder.push(&bomb, &mut |piece| out += piece.len() as u64);
        assert!(!decoder.end(&mut |_| {}));
        assert!((1 << 20..10 << 20).contains(&out), "{out}");
    }
}
