//! The events of a stream, whatever framed them, and the flavour that reads them.
//!
//! Promise: a given flavour reads from the first event; where it knows none and an event is plainly another's, that
//! one does. An error inside a stream is found in every flavour.
//! Not here: what each flavour's events say.

use super::{
    EventReader, READERS, Reader,
    object::Object,
    reading::{Reading, Want},
    refusal::ProviderError,
};
use crate::flavour::Flavour;

/// The events of one stream.
pub(super) struct Events {
    want: Want,
    /// The given flavour's reader at first, then that of the first event that tells its own.
    reader: Option<(Flavour, Box<dyn EventReader>)>,
    is_told: bool,
    /// An array of one error is no stream.
    pub(super) is_array: bool,
    /// An error that came before anything told the flavour, or in a frame of its own.
    error: Option<ProviderError>,
}

impl Events {
    pub(super) fn new(flavour: Option<Flavour>, want: Want) -> Self {
        let given = flavour.and_then(Reader::of);
        Self {
            want,
            reader: given.map(|reader| reader.start(want)),
            is_told: false,
            is_array: false,
            error: None,
        }
    }

    /// Takes one event's name and data.
    pub(super) fn take(&mut self, name: &[u8], data: &[u8]) {
        // A stray byte costs no event.
        let text = String::from_utf8_lossy(data);
        let data = text.as_bytes();
        if !self.is_told {
            self.tell(name, data);
        }
        if let Some((_, reader)) = &mut self.reader {
            reader.event(name, data);
        }
    }

    /// Takes a failure that the framing itself announces, with the JSON or the text that explains it.
    pub(super) fn fail(&mut self, kind: &str, text: &[u8]) {
        let said = Object::parse(text).map(|object| ProviderError::of(&object));
        let plain = || ProviderError {
            message: Some(String::from_utf8_lossy(text).into_owned())
                .filter(|text| !text.is_empty()),
            ..ProviderError::default()
        };
        self.error = Some(ProviderError {
            kind: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
            ..said.unwrap_or_else(plain)
        });
    }

    /// Chooses the reader: a given one stays where it knows the event, or no other does.
    fn tell(&mut self, name: &[u8], data: &[u8]) {
        let Some(event) = Object::parse(data) else {
            return;
        };
        let given = self
            .reader
            .as_ref()
            .and_then(|(flavour, _)| Reader::of(*flavour));
        if given.is_some_and(|reader| (reader.is_event)(name, &event)) {
            self.is_told = true;
        } else if let Some(reader) = READERS
            .iter()
            .find(|reader| (reader.is_event)(name, &event))
        {
            self.reader = Some(reader.start(self.want));
            self.is_told = true;
        } else {
            let by_name = || (name == b"error").then(|| ProviderError::of(&event));
            self.error = ProviderError::read(&event)
                .or_else(by_name)
                .or_else(|| self.error.take());
        }
    }

    /// Ends the stream; `is_framed` where no frame was cut or damaged.
    pub(super) fn finish(
        self,
        http_status: Option<u16>,
        is_whole: bool,
        is_framed: bool,
    ) -> Reading<'static> {
        let mut reading = match self.reader {
            Some((flavour, reader)) => Reading {
                flavour: Some(flavour),
                ..reader.finish(is_whole && is_framed)
            },
            None => Reading {
                is_complete: is_whole,
                ..Reading::default()
            },
        };
        reading.is_stream = self.is_told || !self.is_array;
        reading.is_complete &= is_framed;
        let failed = http_status.is_some_and(|status| status >= 400);
        let by_status = || failed.then(ProviderError::default);
        reading.error = reading.error.or(self.error).or_else(by_status);
        reading
    }
}

impl Reader {
    fn start(&self, want: Want) -> (Flavour, Box<dyn EventReader>) {
        (self.flavour, (self.stream)(want == Want::Output))
    }
}
