//! The readable table: one line per entry, columns as wide as what stands in them.
//!
//! Promise: memory is bounded: the first rows decide the widths, later ones are written as they come. No cell can steer
//! the terminal. The error's text is last and is not cut.

use std::io::{self, Write};

use tracing_llm_audit::entry::{Entry, schema::key};

use super::Print;
use crate::{
    row,
    terminal::{self, Paint, Style},
};

/// How many rows are looked at before the widths are settled.
const ROWS_FOR_WIDTHS: usize = 1000;

/// One column: heading, the widest it may get, whether it holds numbers.
struct Column {
    heading: &'static str,
    width_max: usize,
    is_number: bool,
}

const fn words(heading: &'static str, width_max: usize) -> Column {
    Column {
        heading,
        width_max,
        is_number: false,
    }
}

const fn number(heading: &'static str) -> Column {
    Column {
        heading,
        width_max: 20,
        is_number: true,
    }
}

const COLUMNS: [Column; 12] = [
    words("TIME (UTC)", 23),
    words("USER", 32),
    words("MODEL", 40),
    words("ACTION", 32),
    words("STATUS", 11),
    number("IN"),
    number("OUT"),
    number("THINK"),
    number("CACHED"),
    number("COST USD"),
    words("REQUEST ID", 36),
    words("ERROR OR EVENT", usize::MAX),
];
/// Enough of an own entry's event to know it by; `--json` has the whole.
const EVENT_WIDTH_MAX: usize = 100;

const STATUS: usize = 4;
const ID: usize = 10;

type Row = [String; COLUMNS.len()];

/// Keeps the first rows until the widths are known.
pub(super) struct Table {
    style: Style,
    kept: Vec<Row>,
    widths: Option<[usize; COLUMNS.len()]>,
}

impl Table {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            kept: Vec::new(),
            widths: None,
        }
    }

    /// Settles the widths, and writes the heading and what was kept.
    fn settle(&mut self, out: &mut dyn Write) -> io::Result<[usize; COLUMNS.len()]> {
        let widths = std::array::from_fn(|at| {
            let cells = self.kept.iter().map(|row| terminal::width(&row[at]));
            cells.chain([COLUMNS[at].heading.len()]).max().unwrap_or(0)
        });
        self.widths = Some(widths);
        let heading = COLUMNS.map(|column| column.heading.to_owned());
        self.write_row(out, &heading, &widths, true)?;
        for row in std::mem::take(&mut self.kept) {
            self.write_row(out, &row, &widths, false)?;
        }
        Ok(widths)
    }

    fn write_row(
        &self,
        out: &mut dyn Write,
        row: &Row,
        widths: &[usize; COLUMNS.len()],
        is_heading: bool,
    ) -> io::Result<()> {
        // Spaces before an empty end of the row are not written.
        let cells = row
            .iter()
            .rposition(|cell| !cell.is_empty())
            .map_or(0, |last| last + 1);
        for at in 0..cells {
            let cell = &row[at];
            let gap = " ".repeat(widths[at].saturating_sub(terminal::width(cell)));
            let paint = if is_heading {
                Paint::Heading
            } else {
                paint(at, cell)
            };
            let cell = self.style.paint(cell, paint);
            let is_last = at + 1 == cells;
            match (COLUMNS[at].is_number, is_last) {
                (true, _) => write!(out, "{gap}{cell}")?,
                (false, true) => write!(out, "{cell}")?,
                (false, false) => write!(out, "{cell}{gap}")?,
            }
            if !is_last {
                out.write_all(b"  ")?;
            }
        }
        out.write_all(b"\n")
    }
}

impl Print for Table {
    fn entry(&mut self, out: &mut dyn Write, entry: &Entry<'_>) -> io::Result<()> {
        let row = row_of(entry);
        if let Some(widths) = self.widths {
            return self.write_row(out, &row, &widths, false);
        }
        self.kept.push(row);
        if self.kept.len() == ROWS_FOR_WIDTHS {
            self.settle(out)?;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.widths.is_none() && !self.kept.is_empty() {
            self.settle(out)?;
        }
        Ok(())
    }
}

fn paint(column: usize, cell: &str) -> Paint {
    match (column, cell) {
        (_, "") => Paint::Plain,
        (STATUS, "success") => Paint::Good,
        (STATUS, "error") => Paint::Bad,
        (STATUS, _) => Paint::Warning,
        (ID, _) | (_, row::REMOVED) => Paint::Quiet,
        _ => Paint::Plain,
    }
}

fn row_of(entry: &Entry<'_>) -> Row {
    let cell = |key| {
        if row::is_removed(entry, key) {
            row::REMOVED.to_owned()
        } else {
            row::text(entry, key).into_owned()
        }
    };
    let is_record = entry.position().kind.is_record();
    let told = if is_record {
        cell(key::ERROR_MESSAGE)
    } else {
        terminal::cut(&cell(key::EVENT), EVENT_WIDTH_MAX)
    };
    let mut row = [
        time(&cell(key::TIMESTAMP)),
        cell(key::USER_ID),
        cell(key::MODEL),
        row::action(entry).into_owned(),
        cell(key::STATUS),
        cell(key::INPUT_TOKENS),
        cell(key::OUTPUT_TOKENS),
        cell(key::THINKING_TOKENS),
        cell(key::CACHE_READ_TOKENS),
        cell(key::COST_USD),
        cell(key::REQUEST_ID),
        told,
    ];
    for (at, cell) in row.iter_mut().enumerate() {
        *cell = terminal::cut(&terminal::escape(cell), COLUMNS[at].width_max);
    }
    row
}

/// Shows a timestamp to the millisecond, with a space where people expect one.
fn time(timestamp: &str) -> String {
    timestamp.replacen('T', " ", 1).chars().take(23).collect()
}
