//! Lines of a file, one after the other, without the file in memory.
//!
//! Promise: memory goes with the longest line and is bounded; a line's bytes are as they lie in the file.
//! Not here: what a line says.

use std::io::{self, BufRead};

use super::storage::{self, StorageFile};
use crate::entry::LINE_BYTES_MAX;

/// Bytes read at once: large enough that the calls do not show.
const READ_BYTES: usize = 256 << 10;

/// Bytes read at once where a line or two are wanted: more than most lines have.
const FEW_READ_BYTES: usize = 4 << 10;

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// With its newline.
    Newline,
    /// The file ends before it does.
    EndOfFile,
    /// It is longer than a line may be; the rest was passed over.
    TooLong,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// Its bytes without the newline; none of a line that is too long.
    pub(crate) bytes: &'a [u8],
    pub(crate) end: LineEnd,
}

/// Reads a file line by line.
pub(crate) struct Lines {
    file: Box<dyn StorageFile>,
    buffer: Vec<u8>,
    /// Where the unread part of the buffer begins.
    start: usize,
    /// The file's offset of `start`.
    offset: u64,
    /// How many bytes are read at once.
    read_bytes: usize,
}

impl Lines {
    /// Reads from `offset` on, where a line begins.
    pub(crate) fn new(file: Box<dyn StorageFile>, offset: u64) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            start: 0,
            offset,
            read_bytes: READ_BYTES,
        }
    }

    /// Reads a line or two from `offset` on: no more of the file than that needs.
    pub(crate) fn few(file: Box<dyn StorageFile>, offset: u64) -> Self {
        Self {
            read_bytes: FEW_READ_BYTES,
            ..Self::new(file, offset)
        }
    }

    /// Returns where the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets what was read ahead: it may have been cut and written anew since.
    pub(crate) fn forget_ahead(&mut self) {
        self.buffer.clear();
        self.start = 0;
    }

    /// Goes on at `offset`, where a line begins, with what stands there now.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.forget_ahead();
        self.offset = offset;
    }

    /// Returns the next line, `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        let (len, end) = loop {
            let mut rest = &self.buffer[self.start + searched..];
            let found = rest.skip_until(b'\n')?;
            let has_newline = found > 0 && self.buffer[self.start + searched + found - 1] == b'\n';
            searched += found;
            if has_newline {
                break (searched, LineEnd::Newline);
            }
            if searched >= LINE_BYTES_MAX {
                break (searched, LineEnd::TooLong);
            }
            if self.fill()? == 0 {
                break (searched, LineEnd::EndOfFile);
            }
        };
        if len == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        let begin = self.start;
        self.start += len;
        self.offset += len as u64;
        if end == LineEnd::TooLong {
            self.pass_over()?;
        }
        let text_len = if end == LineEnd::Newline {
            len - 1
        } else {
            len
        };
        let bytes = self.buffer.get(begin..begin + text_len).unwrap_or_default();
        Ok(Some(Line { offset, bytes, end }))
    }

    /// Reads more behind what is there, and returns how many bytes came.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let filled = self.buffer.len();
        self.buffer.resize(filled + self.read_bytes, 0);
        let at = self.offset + filled as u64;
        let read = storage::read_full(&mut *self.file, at, &mut self.buffer[filled..]);
        self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
        read
    }

    /// Goes on behind the newline of a line that is too long, or to the end of the file.
    fn pass_over(&mut self) -> io::Result<()> {
        self.forget_ahead();
        loop {
            if self.fill()? == 0 {
                return Ok(());
            }
            let found = self.buffer.as_slice().skip_until(b'\n')?;
            self.offset += found as u64;
            let is_done = self.buffer[found - 1] == b'\n';
            self.start = found;
            if is_done {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{memory::MemoryStorage, storage::Storage};

    fn lines(bytes: &[u8]) -> Lines {
        let storage = MemoryStorage::new();
        storage.write("a", bytes);
        Lines::new(storage.open_read("a".as_ref()).unwrap(), 0)
    }

    #[test]
    fn lines_come_with_their_offsets() {
        let mut lines = lines(b"one\n\ntwo\nrest");
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            seen.push((line.offset, line.bytes.to_vec(), line.end));
        }
        let expected = [
            (0, b"one".to_vec(), LineEnd::Newline),
            (4, b"".to_vec(), LineEnd::Newline),
            (5, b"two".to_vec(), LineEnd::Newline),
            (9, b"rest".to_vec(), LineEnd::EndOfFile),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn lines_longer_than_the_buffer() {
        let long = vec![b'x'; READ_BYTES * 3 + 7];
        let mut bytes = long.clone();
        bytes.extend_from_slice(b"\nend\n");
        let mut lines = lines(&bytes);
        assert_eq!(lines.next().unwrap().unwrap().bytes, long);
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"end");
        assert!(lines.next().unwrap().is_none());
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut bytes = vec![0; LINE_BYTES_MAX + READ_BYTES + 3];
        bytes.extend_from_slice(b"\nend\n");
        let mut lines = lines(&bytes);
        let line = lines.next().unwrap().unwrap();
        assert_eq!((line.end, line.bytes.len()), (LineEnd::TooLong, 0));
        assert_eq!(lines.offset(), bytes.len() as u64 - 4);
        assert_eq!(lines.next().unwrap().unwrap().bytes, b"end");
    }
}
