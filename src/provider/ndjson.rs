//! JSON lines out of bytes that come in any pieces.
//!
//! Promise: the lines are the same however the bytes were cut into chunks; nothing is buffered but the line that is
//! being received. A broken line spoils no other.
//! Not here: what the lines mean.

/// Bytes of one line that are kept; a longer line is skipped, so that a broken host cannot fill memory.
const LINE_BYTES_MAX: usize = 64 << 20;

/// The incremental reader.
#[derive(Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    is_overlong: bool,
}

impl Lines {
    /// Takes a chunk and hands each line that it completes to `emit`.
    pub(super) fn push(&mut self, mut chunk: &[u8], emit: &mut dyn FnMut(&[u8])) {
        while let Some(at) = chunk.iter().position(|byte| *byte == b'\n') {
            self.keep(&chunk[..at]);
            self.end(emit);
            chunk = &chunk[at + 1..];
        }
        self.keep(chunk);
    }

    /// Hands out the line that had no line feed behind it; only for a body that is known to have ended.
    pub(super) fn end(&mut self, emit: &mut dyn FnMut(&[u8])) {
        let mut line = std::mem::take(&mut self.line);
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        let text = text.trim_ascii();
        if !text.is_empty() && !std::mem::take(&mut self.is_overlong) {
            emit(text);
        }
        line.clear();
        self.line = line;
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.is_overlong |= self.line.len() + bytes.len() > LINE_BYTES_MAX;
        if !self.is_overlong {
            self.line.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_in_chunks_of_any_size() {
        let text = b"\xef\xbb\xbf{\"a\":1}\r\n\n  {\"b\":2}\nbroken {\n{\"c\":\"\\n\"}";
        let expected: [&[u8]; 4] = [b"{\"a\":1}", b"{\"b\":2}", b"broken {", b"{\"c\":\"\\n\"}"];
        for size in 1..=text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            let mut emit = |line: &[u8]| found.push(line.to_vec());
            for chunk in text.chunks(size) {
                lines.push(chunk, &mut emit);
            }
            lines.end(&mut emit);
            assert_eq!(found, expected, "chunks of {size}");
        }
    }

    #[test]
    fn an_overlong_line_is_skipped() {
        let (mut lines, mut found) = (Lines::default(), 0);
        for _ in 0..70 {
            lines.push(&vec![b'x'; 1 << 20], &mut |_| found += 1);
        }
        lines.push(b"\n{}\n", &mut |_| found += 1);
        assert_eq!(found, 1);
    }
}
