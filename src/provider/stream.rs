//! A response's body as it comes, in chunks of any size.
//!
//! Promise: the reading is that of the whole body, whatever the chunks were; of an event stream nothing is kept but
//! what the reading needs.
//! Not here: how the chunks are got, and when the first one came.

use std::borrow::Cow;

use super::{
    EVENTS, EventReader, ProviderError, Reading, Want, flavour_of, is_event_stream, object::Object,
    read_whole, sse::EventStream,
};

/// The incremental reader of one body.
pub(crate) struct BodyReader {
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

/// The events of a stream, once the first has told its flavour.
struct Events {
    want: Want,
    reader: Option<Box<dyn EventReader>>,
    /// An error that came before anything told the flavour.
    error: Option<ProviderError>,
}

impl BodyReader {
    pub(crate) fn new(want: Want) -> Self {
        Self {
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
                    self.framing = Framing::of(bytes, is_stream, self.want);
                }
            }
        }
    }

    /// Ends the body; `is_whole` where the connection ended in the ordinary way.
    pub(crate) fn finish(self, http_status: Option<u16>, is_whole: bool) -> Reading<'static> {
        match self.framing {
            Framing::Whole(bytes) | Framing::Open(bytes) => {
                let mut reading = read_whole(&bytes, http_status, is_whole);
                let output = reading.output.take().map(Cow::into_owned);
                owned(reading, output.map(Cow::Owned))
            }
            Framing::Events(mut stream, mut events) => {
                if is_whole {
                    stream.end(&mut |name, data| events.take(name, data));
                }
                events.finish(is_whole)
            }
        }
    }
}

impl Framing {
    fn of(bytes: Vec<u8>, is_stream: bool, want: Want) -> Self {
        if !is_stream {
            return Self::Whole(bytes);
        }
        let mut events = Events {
            want,
            reader: None,
            error: None,
        };
        let mut stream = EventStream::default();
        stream.push(&bytes, &mut |name, data| events.take(name, data));
        Self::Events(stream, events)
    }
}

/// Gives a reading that borrows nothing but its output another one.
fn owned(reading: Reading<'_>, output: Option<Cow<'static, [u8]>>) -> Reading<'static> {
    Reading {
        output,
        flavour: reading.flavour,
        is_stream: reading.is_stream,
        is_complete: reading.is_complete,
        response_model: reading.response_model,
        response_id: reading.response_id,
        provider_request_id: reading.provider_request_id,
        usage: reading.usage,
        input_tokens_reported: reading.input_tokens_reported,
        cache_write_5m_tokens: reading.cache_write_5m_tokens,
        audio: reading.audio,
        iterations: reading.iterations,
        finish_reasons: reading.finish_reasons,
        service_tier: reading.service_tier,
        price_words: reading.price_words,
        reported_cost_usd: reading.reported_cost_usd,
        error: reading.error,
        refusal: reading.refusal,
    }
}

impl Events {
    fn take(&mut self, name: &[u8], data: &[u8]) {
        if self.reader.is_none() {
            self.choose(name, data);
        }
        if let Some(reader) = &mut self.reader {
            reader.event(name, data);
        }
    }

    fn choose(&mut self, name: &[u8], data: &[u8]) {
        let Some(event) = Object::parse(data) else {
            return;
        };
        if let Some(flavour) = flavour_of(&EVENTS, &event) {
            self.reader = Some(flavour.event_reader(self.want == Want::Output));
            return;
        }
        let by_name = || (name == b"error").then(|| ProviderError::of(&event));
        self.error = ProviderError::read(&event)
            .or_else(by_name)
            .or_else(|| self.error.take());
    }

    fn finish(self, is_whole: bool) -> Reading<'static> {
        let mut reading = match self.reader {
            Some(reader) => reader.finish(is_whole),
            None => Reading {
                is_stream: true,
                is_complete: is_whole,
                ..Reading::default()
            },
        };
        reading.error = reading.error.or(self.error);
        reading
    }
}
