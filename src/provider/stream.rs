//! A response's body as it comes, in chunks of any size.
//!
//! Promise: the reading is that of the whole body, whatever the chunks were; of a stream nothing is kept but what the
//! reading needs.
//! Not here: how the chunks are got, and when the first one came; which flavour an event is of (`events`).

use super::{
    Body, Reading, Want,
    array::Elements,
    decode::{Coding, Decoder},
    event_stream::{Frame, Frames},
    events::Events,
    framing::{Framing, Hints, Teller},
    headers::Headers,
    ndjson::Lines,
    sse::EventStream,
    whole::read_whole,
};
use crate::flavour::Flavour;

/// The incremental reader of one body.
pub(crate) struct BodyReader {
    flavour: Option<Flavour>,
    headers: Vec<(String, String)>,
    coding: Option<Decoder>,
    content: Content,
}

/// What the decoded bytes are.
struct Content {
    state: State,
    teller: Teller,
    events: Events,
}

enum State {
    /// Too few bytes to tell.
    Open(Vec<u8>),
    /// One value, kept until the end.
    Whole(Vec<u8>),
    Events(EventStream),
    Lines(Lines),
    Array(Elements),
    Frames(Frames),
    /// In a coding that nobody here reads.
    Opaque,
}

impl BodyReader {
    /// Makes the reader of one body; `headers` are those of `KEPT_HEADERS` that the response had.
    pub(crate) fn new(flavour: Option<Flavour>, headers: &[(String, String)], want: Want) -> Self {
        let coding = Coding::of(Headers(headers).get("content-encoding"));
        let is_opaque = coding == Some(Coding::Unknown);
        Self {
            flavour,
            headers: headers.to_vec(),
            coding: coding.filter(|_| !is_opaque).map(Decoder::new),
            content: Content {
                state: if is_opaque {
                    State::Opaque
                } else {
                    State::Open(Vec::new())
                },
                teller: Teller::new(Hints::of(flavour, Headers(headers))),
                events: Events::new(flavour, want),
            },
        }
    }

    /// Takes the next chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        match &mut self.coding {
            Some(decoder) => decoder.push(chunk, &mut |piece| self.content.take(piece)),
            None => self.content.take(chunk),
        }
    }

    /// Ends the body; `is_whole` where the connection ended in the ordinary way.
    pub(crate) fn finish(mut self, http_status: Option<u16>, is_whole: bool) -> Reading<'static> {
        let decoded = self.coding.take();
        let is_decoded =
            decoded.is_none_or(|decoder| decoder.end(&mut |piece| self.content.take(piece)));
        let mut reading = self
            .content
            .finish(self.flavour, http_status, is_whole && is_decoded);
        Headers(&self.headers).tell(&mut reading);
        reading
    }
}

/// Says whether a body is one value as it stands, so that a reading may borrow from it.
pub(super) fn is_one_value(body: &Body<'_>) -> bool {
    let headers = Headers(body.headers);
    let mut teller = Teller::new(Hints::of(body.flavour, headers));
    Coding::of(headers.get("content-encoding")).is_none()
        && teller.tell_ended(body.bytes) == Framing::Whole
}

impl Content {
    fn take(&mut self, chunk: &[u8]) {
        let events = &mut self.events;
        match &mut self.state {
            State::Open(bytes) => {
                bytes.extend_from_slice(chunk);
                if let Some(framing) = self.teller.tell(bytes) {
                    let bytes = std::mem::take(bytes);
                    self.begin(framing, bytes);
                }
            }
            State::Whole(bytes) => bytes.extend_from_slice(chunk),
            State::Events(stream) => stream.push(chunk, &mut |name, data| events.take(name, data)),
            State::Lines(lines) => lines.push(chunk, &mut |line| events.take(b"", line)),
            State::Array(elements) => {
                elements.push(chunk, &mut |element| events.take(b"", element));
            }
            State::Frames(frames) => frames.push(chunk, &mut |frame| take_frame(events, frame)),
            State::Opaque => {}
        }
    }

    fn begin(&mut self, framing: Framing, bytes: Vec<u8>) {
        self.state = match framing {
            Framing::Whole => {
                self.state = State::Whole(bytes);
                return;
            }
            Framing::Events => State::Events(EventStream::default()),
            Framing::Lines => State::Lines(Lines::default()),
            Framing::Array => State::Array(Elements::default()),
            Framing::Frames => State::Frames(Frames::default()),
        };
        self.take(&bytes);
    }

    fn finish(
        mut self,
        flavour: Option<Flavour>,
        http_status: Option<u16>,
        is_whole: bool,
    ) -> Reading<'static> {
        if let State::Open(bytes) = &mut self.state {
            let bytes = std::mem::take(bytes);
            let framing = self.teller.tell_ended(&bytes);
            self.begin(framing, bytes);
        }
        let mut events = self.events;
        let is_framed = match self.state {
            State::Open(bytes) | State::Whole(bytes) => {
                return read_whole(&bytes, flavour, http_status, is_whole).into_owned();
            }
            State::Opaque => {
                return Reading {
                    flavour,
                    is_complete: is_whole,
                    ..Reading::default()
                };
            }
            State::Events(mut stream) => {
                if is_whole {
                    stream.end(&mut |name, data| events.take(name, data));
                }
                true
            }
            State::Lines(mut lines) => {
                if is_whole {
                    lines.end(&mut |line| events.take(b"", line));
                }
                true
            }
            State::Array(elements) => {
                events.is_array = true;
                elements.is_whole()
            }
            State::Frames(frames) => frames.is_whole(),
        };
        events.finish(http_status, is_whole, is_framed)
    }
}

fn take_frame(events: &mut Events, frame: Frame<'_>) {
    match frame {
        Frame::Event(name, payload) => events.take(name, payload),
        Frame::Failure(kind, text) => events.fail(kind, text),
    }
}
