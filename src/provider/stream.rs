//! A response's body as it comes, in chunks of any size.
//!
//! Promise: the reading is that of the whole body, whatever the chunks were; of an event stream nothing is kept but
//! what the reading needs.
//! Not here: how the chunks are got, and when the first one came.

use super::{
    EventReader, ProviderError, READERS, Reader, Reading, Want, headers::Headers, object::Object,
    sse::EventStream, whole::read_whole,
};
use crate::flavour::Flavour;

/// The incremental reader of one body.
pub(crate) struct BodyReader {
    flavour: Option<Flavour>,
    headers: Vec<(String, String)>,
    want: Want,
    framing: Framing,
}

enum Framing {
    /// Too few bytes to tell.
    Open(Vec<u8>),
    /// One value, kept until the end.
    Whole(Vec<u8>),
    Events(EventStream, Events),
}

impl BodyReader {
    /// Makes the reader of one body; `headers` are those of `KEPT_HEADERS` that the response had.
    pub(crate) fn new(flavour: Option<Flavour>, headers: &[(String, String)], want: Want) -> Self {
        Self {
            flavour,
            headers: headers.to_vec(),
            want,
            framing: Framing::Open(Vec::new()),
        }
    }

    /// Takes the next chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        match &mut self.framing {
            Framing::Events(stream, events) => {
                stream.push(chunk, &mut |name, data| events.take(name, data));
            }
            Framing::Whole(bytes) => bytes.extend_from_slice(chunk),
            Framing::Open(bytes) => {
                bytes.extend_from_slice(chunk);
                if let Some(is_stream) = is_event_stream(bytes) {
                    let bytes = std::mem::take(bytes);
                    let events = Events::new(self.flavour, self.want);
                    self.framing = Framing::of(bytes, is_stream, events);
                }
            }
        }
    }

    /// Ends the body; `is_whole` where the connection ended in the ordinary way.
    pub(crate) fn finish(self, http_status: Option<u16>, is_whole: bool) -> Reading<'static> {
        let mut reading = match self.framing {
            Framing::Whole(bytes) | Framing::Open(bytes) => {
                read_whole(&bytes, self.flavour, http_status, is_whole).into_owned()
            }
            Framing::Events(mut stream, mut events) => {
                if is_whole {
                    stream.end(&mut |name, data| events.take(name, data));
                }
                events.finish(is_whole)
            }
        };
        Headers(&self.headers).tell(&mut reading);
        reading
    }
}

impl Framing {
    fn of(bytes: Vec<u8>, is_stream: bool, mut events: Events) -> Self {
        if !is_stream {
            return Self::Whole(bytes);
        }
        let mut stream = EventStream::default();
        stream.push(&bytes, &mut |name, data| events.take(name, data));
        Self::Events(stream, events)
    }
}

/// Says whether a body is an event stream, as soon as its first bytes tell.
pub(super) fn is_event_stream(body: &[u8]) -> Option<bool> {
    let body = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii_start();
    let starts: [&[u8]; 5] = [b"data:", b"event:", b":", b"id:", b"retry:"];
    if starts.iter().any(|start| body.starts_with(start)) {
        return Some(true);
    }
    let may_become =
        b"\xef\xbb\xbf".starts_with(body) || starts.iter().any(|start| start.starts_with(body));
    (!may_become).then_some(false)
}

/// The events of a stream, and the flavour that reads them.
struct Events {
    want: Want,
    /// The given flavour's reader at first, then that of the first event that tells its own.
    reader: Option<(Flavour, Box<dyn EventReader>)>,
    is_told: bool,
    /// An error that came before anything told the flavour.
    error: Option<ProviderError>,
}

impl Events {
    fn new(flavour: Option<Flavour>, want: Want) -> Self {
        let given = flavour.and_then(Reader::of);
        Self {
            want,
            reader: given.map(|reader| reader.start(want)),
            is_told: false,
            error: None,
        }
    }

    fn take(&mut self, name: &[u8], data: &[u8]) {
        if !self.is_told {
            self.tell(name, data);
        }
        if let Some((_, reader)) = &mut self.reader {
            reader.event(name, data);
        }
    }

    /// Chooses the reader: a given one stays where it knows the event, or no other does.
    fn tell(&mut self, name: &[u8], data: &[u8]) {
        let Some(event) = Object::parse(data) else {
            return;
        };
        let mut given = self.reader.iter().map(|(flavour, _)| *flavour);
        let by_given = given.find_map(|flavour| Reader::of(flavour));
        if by_given.is_some_and(|reader| (reader.is_event)(name, &event)) {
            self.is_told = true;
        } else if let Some(reader) = READERS
            .iter()
            .find(|reader| (reader.is_event)(name, &event))
        {
            self.reader = Some(reader.start(self.want));
            self.is_told = true;
        } else if self.reader.is_none() {
            let by_name = || (name == b"error").then(|| ProviderError::of(&event));
            self.error = ProviderError::read(&event)
                .or_else(by_name)
                .or_else(|| self.error.take());
        }
    }

    fn finish(self, is_whole: bool) -> Reading<'static> {
        let mut reading = match self.reader {
            Some((flavour, reader)) => Reading {
                flavour: Some(flavour),
                ..reader.finish(is_whole)
            },
            None => Reading {
                is_complete: is_whole,
                ..Reading::default()
            },
        };
        reading.is_stream = true;
        reading.error = reading.error.or(self.error);
        reading
    }
}

impl Reader {
    fn start(&self, want: Want) -> (Flavour, Box<dyn EventReader>) {
        (self.flavour, (self.stream)(want == Want::Output))
    }
}
