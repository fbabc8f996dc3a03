//! A sheet for people: a name at the left, what it is behind it.
//!
//! Promise: no text that was read somewhere can steer the terminal.

use std::io::{self, Write};

use crate::terminal::{self, Paint, Style};

/// Columns of the names at the left.
const NAME_WIDTH: usize = 12;

/// Writes named lines.
pub(crate) struct Sheet<'o> {
    pub(crate) out: &'o mut dyn Write,
    pub(crate) style: Style,
}

impl Sheet<'_> {
    pub(crate) fn line(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.painted(name, text, Paint::Plain)
    }

    pub(crate) fn painted(&mut self, name: &str, text: &str, paint: Paint) -> io::Result<()> {
        let name = format!("{name:<NAME_WIDTH$}");
        let name = self.style.paint(&name, Paint::Heading);
        let text = self.style.paint(&terminal::escape(text), paint);
        writeln!(self.out, "{name} {text}")
    }
}
