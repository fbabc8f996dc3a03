//! Comma-separated values (RFC 4180 quoting, newline at the end), for spreadsheets and scripts.
//!
//! Promise: columns are only ever added at the end; a text that a spreadsheet would run as a formula gets an apostrophe.

use std::io::{self, IsTerminal, Write};

use tracing_llm_audit::entry::{
    Entry,
    schema::{SEED_KEYS, key},
};

use super::Print;
use crate::{row, terminal};

/// The columns behind the seed's keys.
const FACTS: [&str; 10] = [
    key::PROVIDER,
    key::OPERATION,
    key::REQUEST_MODEL,
    key::RESPONSE_ID,
    key::CACHE_READ_TOKENS,
    key::CACHE_WRITE_TOKENS,
    key::ERROR_TYPE,
    key::TRACE_ID,
    key::SPAN_ID,
    key::EVENT,
];
/// The last columns: members of the envelope.
const ENVELOPE: [&str; 3] = ["kind", "stream", "seq"];

/// Writes the heading with the first entry.
pub(super) struct Csv {
    has_heading: bool,
    /// Somebody looks at it, so nothing in it may steer the terminal.
    is_for_eyes: bool,
}

impl Csv {
    pub(super) fn new() -> Self {
        let is_for_eyes = io::stdout().is_terminal();
        Self {
            has_heading: false,
            is_for_eyes,
        }
    }
}

impl Print for Csv {
    fn entry(&mut self, out: &mut dyn Write, entry: &Entry<'_>) -> io::Result<()> {
        if !self.has_heading {
            let names: Vec<&str> = keys().chain(ENVELOPE).collect();
            writeln!(out, "{}", names.join(","))?;
            self.has_heading = true;
        }
        for key in keys() {
            let mut text = row::text(entry, key);
            if self.is_for_eyes {
                text = terminal::escape(&text).into();
            }
            let is_number = entry.get(key).is_some_and(|raw| !raw.starts_with(b"\""));
            write!(out, "{},", cell(&text, is_number))?;
        }
        let position = entry.position();
        writeln!(
            out,
            "{},{},{}",
            position.kind, position.stream, position.seq
        )
    }

    fn finish(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The keys of the record that have a column, in the order of the columns.
fn keys() -> impl Iterator<Item = &'static str> {
    SEED_KEYS.iter().map(|key| key.name).chain(FACTS)
}

/// Quotes a cell where it must be, and takes the meaning from what a spreadsheet would run.
fn cell(text: &str, is_number: bool) -> String {
    let is_formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_are_not_run() {
        for (text, is_number, expected) in [
            ("plain", false, "plain"),
            ("a,b", false, "\"a,b\""),
            ("say \"hi\"", false, "\"say \"\"hi\"\"\""),
            ("two\nlines", false, "\"two\nlines\""),
            ("=1+1", false, "'=1+1"),
            ("@SUM(A1,A2)", false, "\"'@SUM(A1,A2)\""),
            ("-5", true, "-5"),
            ("-5", false, "'-5"),
        ] {
            assert_eq!(cell(text, is_number), expected);
        }
    }
}
