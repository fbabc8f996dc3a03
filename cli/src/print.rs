//! The ways to show entries: one trait, a file for each.

mod csv;
mod lines;
pub(crate) mod sheet;
mod table;

use std::io::{self, Write};

use tracing_llm_audit::entry::Entry;

use crate::{args::Format, terminal::Style};

/// Writes entries in one format.
pub(crate) trait Print {
    /// Writes one entry, or keeps it until its columns are known.
    fn entry(&mut self, out: &mut dyn Write, entry: &Entry<'_>) -> io::Result<()>;

    /// Writes what was kept, and the end.
    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// Returns the printer of a format.
pub(crate) fn of(format: Format, style: Style) -> Box<dyn Print> {
    match format {
        Format::Table => Box::new(table::Table::new(style)),
        Format::Json => Box::new(lines::JsonArray::default()),
        Format::Jsonl => Box::new(lines::JsonLines),
        Format::Csv => Box::new(csv::Csv::new()),
    }
}
