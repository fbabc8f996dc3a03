//! The elements of a JSON array out of bytes that come in any pieces: Gemini's stream without `alt=sse`.
//!
//! Promise: the elements are the same however the bytes were cut into chunks; nothing is buffered but the element that
//! is being received. What follows the array's end is left alone.
//! Not here: what the elements mean, and whether one that is balanced is JSON.

/// Bytes of one element that are kept; behind a longer one nothing more is read.
const ELEMENT_BYTES_MAX: usize = 64 << 20;

/// The incremental reader.
#[derive(Default)]
pub(super) struct Elements {
    element: Vec<u8>,
    /// Objects and arrays that are open; the array itself is the first.
    depth: usize,
    in_string: bool,
    after_backslash: bool,
    end: Option<End>,
}

/// Why nothing more is read.
#[derive(PartialEq, Eq)]
enum End {
    /// The array was closed.
    Closed,
    /// An element is too long.
    TooLong,
}

impl Elements {
    /// Takes a chunk and hands each element that it completes to `emit`.
    pub(super) fn push(&mut self, chunk: &[u8], emit: &mut dyn FnMut(&[u8])) {
        let mut start = 0;
        for (at, byte) in chunk.iter().enumerate() {
            if self.end.is_some() {
                return;
            }
            let was_inside = self.depth > 1;
            self.step(*byte);
            if !was_inside && self.depth > 1 {
                start = at;
            } else if was_inside && self.depth == 1 {
                self.keep(&chunk[start..=at]);
                emit(&self.element);
                self.element.clear();
            }
        }
        if self.depth > 1 {
            self.keep(&chunk[start..]);
        }
    }

    /// Says whether the array was closed.
    pub(super) fn is_whole(&self) -> bool {
        self.end == Some(End::Closed)
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            match byte {
                _ if std::mem::take(&mut self.after_backslash) => {}
                b'\\' => self.after_backslash = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.end = (self.depth == 0).then_some(End::Closed);
            }
            _ => {}
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.element.len() + bytes.len() > ELEMENT_BYTES_MAX {
            self.element = Vec::new();
            self.end = Some(End::TooLong);
        } else {
            self.element.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &[u8], size: usize) -> (Vec<String>, bool) {
        let (mut elements, mut found) = (Elements::default(), Vec::new());
        for chunk in text.chunks(size) {
            elements.push(chunk, &mut |element| {
                found.push(String::from_utf8_lossy(element).into_owned());
            });
        }
        (found, elements.is_whole())
    }

    #[test]
    fn elements_are_found_in_chunks_of_any_size() {
        let text = br#" [{"a":"]}\"\\"}
,
 {"b":[{}, "x"]}, 7, [1] ] {"c":1}"#;
        let expected = [r#"{"a":"]}\"\\"}"#, r#"{"b":[{}, "x"]}"#, "[1]"];
        for size in 1..=text.len() {
            let (found, is_whole) = elements(text, size);
            assert_eq!(found, expected, "chunks of {size}");
            assert!(is_whole);
        }
        assert_eq!(
            elements(b"[{\"a\":1},{\"b\"", 3),
            (vec!["{\"a\":1}".to_owned()], false)
        );
        assert_eq!(elements(b"]]]][{}]", 1).0.len(), 0);
    }
}
