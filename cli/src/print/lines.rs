//! The lines as they stand in the files: one per line, or as the elements of one JSON array.

use std::io::{self, Write};

use tracing_llm_audit::entry::Entry;

use super::Print;

/// One line per entry, byte for byte.
pub(super) struct JsonLines;

impl Print for JsonLines {
    fn entry(&mut self, out: &mut dyn Write, entry: &Entry<'_>) -> io::Result<()> {
        out.write_all(entry.line())?;
        out.write_all(b"\n")
    }

    fn finish(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// One array of all entries.
#[derive(Default)]
pub(super) struct JsonArray {
    count: u64,
}

impl Print for JsonArray {
    fn entry(&mut self, out: &mut dyn Write, entry: &Entry<'_>) -> io::Result<()> {
        out.write_all(if self.count == 0 { b"[\n" } else { b",\n" })?;
        self.count += 1;
        out.write_all(entry.line())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.count == 0 { b"[]\n" } else { b"\n]\n" })
    }
}
