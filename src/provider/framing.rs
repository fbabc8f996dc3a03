//! How a body is framed: one value, events, lines, an array, binary frames.
//!
//! Promise: told by the content, the same for every longer body, so that chunks of any size lead to the same framing.
//! Headers only settle what the content leaves open.
//! Not here: taking the frames apart (`sse`, `ndjson`, `array`, `event_stream`).

use super::{event_stream, headers::Headers, object::Object};
use crate::flavour::Flavour;

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// One value, or something that is no JSON.
    Whole,
    /// Server-sent events.
    Events,
    /// JSON lines.
    Lines,
    /// An array whose elements come one by one.
    Array,
    /// Binary frames of AWS.
    Frames,
}

/// What the headers and the flavour suggest where the content does not tell.
#[derive(Clone, Copy, Default)]
pub(super) struct Hints {
    is_lines: bool,
    is_frames: bool,
}

impl Hints {
    pub(super) fn of(flavour: Option<Flavour>, headers: Headers<'_>) -> Self {
        let kind = headers.get("content-type").unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        let is_any = |words: &[&str]| words.iter().any(|word| kind.contains(word));
        let bedrock = [Flavour::BedrockConverse, Flavour::BedrockInvoke];
        Self {
            is_lines: is_any(&["ndjson", "jsonl", "json-seq", "stream+json"]),
            is_frames: is_any(&["amazon.eventstream"])
                || flavour.is_some_and(|flavour| bedrock.contains(&flavour)),
        }
    }
}

/// Tells the framing, as soon as the bytes so far do.
#[derive(Clone, Copy, Default)]
pub(super) struct Teller {
    hints: Hints,
    /// Bytes that hold no line feed, so that one long line in small chunks is not searched again and again.
    searched: usize,
    /// Where the first line ended, once it is known to be a whole object.
    line_end: Option<usize>,
}

impl Teller {
    pub(super) fn new(hints: Hints) -> Self {
        Self {
            hints,
            ..Self::default()
        }
    }

    /// Tells the framing of a body that begins with `bytes`.
    pub(super) fn tell(&mut self, bytes: &[u8]) -> Option<Framing> {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = text.trim_ascii_start();
        match text {
            [] => None,
            [b'{', ..] => self.tell_object(bytes.len() - text.len(), bytes),
            [b'[', rest @ ..] => tell_array(rest),
            [0 | 1, ..] => self.tell_frames(bytes),
            _ => tell_text(text),
        }
    }

    /// Tells the framing of a body that has ended.
    pub(super) fn tell_ended(&mut self, bytes: &[u8]) -> Framing {
        let told = self.tell(bytes);
        let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
        told.unwrap_or(if is_object && self.hints.is_lines {
            Framing::Lines
        } else if self.hints.is_frames && bytes.first().is_some_and(|byte| *byte < 2) {
            Framing::Frames
        } else {
            Framing::Whole
        })
    }

    /// Lines have one whole object each; a value alone may be spread over several.
    fn tell_object(&mut self, start: usize, bytes: &[u8]) -> Option<Framing> {
        if self.line_end.is_none() {
            let from = self.searched.max(start);
            let Some(end) = bytes[from..].iter().position(|byte| *byte == b'\n') else {
                self.searched = bytes.len();
                return None;
            };
            let line = Object::parse(&bytes[start..from + end]);
            if !line.is_some_and(|object| object.is_whole) {
                return Some(Framing::Whole);
            }
            self.line_end = Some(from + end);
        }
        match bytes[self.line_end?..].trim_ascii_start() {
            [] => None,
            [b'{', ..] => Some(Framing::Lines),
            _ => Some(Framing::Whole),
        }
    }

    fn tell_frames(self, bytes: &[u8]) -> Option<Framing> {
        let prelude = bytes.first_chunk::<{ event_stream::PRELUDE_BYTES }>()?;
        let is_frame = event_stream::is_prelude(prelude) || self.hints.is_frames;
        Some(if is_frame {
            Framing::Frames
        } else {
            Framing::Whole
        })
    }
}

/// An array of objects comes element by element; any other is a value like others.
fn tell_array(rest: &[u8]) -> Option<Framing> {
    match rest.trim_ascii_start() {
        [] => None,
        [b'{', ..] => Some(Framing::Array),
        _ => Some(Framing::Whole),
    }
}

fn tell_text(text: &[u8]) -> Option<Framing> {
    let starts: [&[u8]; 5] = [b"data:", b"event:", b":", b"id:", b"retry:"];
    if starts.iter().any(|start| text.starts_with(start)) {
        return Some(Framing::Events);
    }
    let may_become =
        b"\xef\xbb\xbf".starts_with(text) || starts.iter().any(|start| start.starts_with(text));
    (!may_become).then_some(Framing::Whole)
}
