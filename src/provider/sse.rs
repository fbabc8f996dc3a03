//! Server-sent events out of bytes that come in any pieces.
//!
//! Promise: the events are the same however the bytes were cut into chunks; nothing is buffered but the event that
//! is being received.
//! Not here: what the events mean.
//!
//! # Source
//! WHATWG HTML, "Server-sent events", section on interpreting an event stream.

/// Bytes of one event that are kept; a longer event is skipped, so that a broken host cannot fill memory.
const EVENT_BYTES_MAX: usize = 64 << 20;

/// The incremental reader.
#[derive(Default)]
pub(crate) struct EventStream {
    line: Vec<u8>,
    name: Vec<u8>,
    data: Option<Vec<u8>>,
    is_overlong: bool,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    started: bool,
}

impl EventStream {
    /// Takes a chunk and hands each event that it completes to `emit`, as name and data.
    pub(crate) fn push(&mut self, mut chunk: &[u8], emit: &mut dyn FnMut(&[u8], &[u8])) {
        while !chunk.is_empty() {
            if std::mem::take(&mut self.after_return) && chunk[0] == b'\n' {
                chunk = &chunk[1..];
                continue;
            }
            let Some(at) = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.keep(chunk);
                return;
            };
            self.keep(&chunk[..at]);
            self.after_return = chunk[at] == b'\r';
            chunk = &chunk[at + 1..];
            self.end_line(emit);
        }
    }

    /// Hands out the event that had no blank line behind it; only for a body that is known to have ended.
    pub(crate) fn end(&mut self, emit: &mut dyn FnMut(&[u8], &[u8])) {
        if !self.line.is_empty() {
            self.end_line(emit);
        }
        self.dispatch(emit);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let data_bytes = self.data.as_ref().map_or(0, Vec::len);
        if self.line.len() + data_bytes + bytes.len() > EVENT_BYTES_MAX {
            self.is_overlong = true;
            self.line.clear();
            self.data = None;
        }
        if !self.is_overlong {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self, emit: &mut dyn FnMut(&[u8], &[u8])) {
        if !std::mem::replace(&mut self.started, true) && self.line.starts_with(b"\xef\xbb\xbf") {
            self.line.drain(..3);
        }
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            // An overlong line leaves nothing behind either, and ends no event of its own.
            self.dispatch(emit);
        } else {
            self.field(&line);
        }
        self.line = line;
        self.line.clear();
    }

    fn field(&mut self, line: &[u8]) {
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => self.name = value.to_vec(),
            b"data" => match &mut self.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => self.data = Some(value.to_vec()),
            },
            _ => {}
        }
    }

    fn dispatch(&mut self, emit: &mut dyn FnMut(&[u8], &[u8])) {
        if let Some(data) = self.data.take().filter(|_| !self.is_overlong) {
            emit(&self.name, &data);
        }
        self.name.clear();
        self.is_overlong = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(text: &[u8], chunk: usize) -> Vec<(String, String)> {
        let mut stream = EventStream::default();
        let mut found = Vec::new();
        let mut emit = |name: &[u8], data: &[u8]| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            found.push((text(name), text(data)));
        };
        for chunk in text.chunks(chunk) {
            stream.push(chunk, &mut emit);
        }
        stream.end(&mut emit);
        found
    }

    #[test]
    fn lines_end_in_three_ways_and_chunks_anywhere() {
        let text = "\u{feff}: note\r\nevent: a\r\ndata: 1\r\ndata:2\r\n\r\ndata: 3\n\n\revent: b\rdata\r\rdata: é".as_bytes();
        let expected = [("a", "1\n2"), ("", "3"), ("b", ""), ("", "é")];
        for chunk in 1..=text.len() {
            let found = events(text, chunk);
            let found: Vec<_> = found
                .iter()
                .map(|(name, data)| (name.as_str(), data.as_str()))
                .collect();
            assert_eq!(found, expected, "chunks of {chunk}");
        }
    }

    #[test]
    fn an_overlong_event_is_skipped() {
        let mut stream = EventStream::default();
        let mut found = 0;
        stream.push(b"data: ", &mut |_, _| found += 1);
        for _ in 0..70 {
            stream.push(&vec![b'x'; 1 << 20], &mut |_, _| found += 1);
        }
        stream.push(b"\n\ndata: 1\n\n", &mut |_, _| found += 1);
        assert_eq!(found, 1);
    }
}
