//! Text for a terminal: what could steer it is made visible, colour only where it is wanted.

use std::{
    fmt::Write,
    io::{self, IsTerminal},
};

use clap::ValueEnum;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// When output is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    is_on: bool,
}

/// What a piece of text means, as far as colour shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Heading,
    Good,
    Warning,
    Bad,
    Quiet,
}

impl Style {
    /// Decides for standard output.
    pub(crate) fn of_stdout(color: Color) -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_on = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && !is_unwanted,
        };
        Self { is_on }
    }

    /// Returns the text with its colour.
    pub(crate) fn paint(self, text: &str, paint: Paint) -> String {
        let code = match paint {
            Paint::Plain => "",
            Paint::Heading => "1",
            Paint::Good => "32",
            Paint::Warning => "33",
            Paint::Bad => "31",
            Paint::Quiet => "2",
        };
        if self.is_on && !code.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Makes visible what a terminal would act on: control characters, and those that turn or hide text.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if steers(char) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
            }
            char => out.push(char),
        }
    }
    out
}

/// Says whether a character is a control, a bidirectional override, or takes no room of its own.
fn steers(char: char) -> bool {
    let is_invisible = matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    char.is_control() || is_invisible
}

/// Returns how many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Shortens text to so many columns; what was cut is shown by an ellipsis.
pub(crate) fn cut(text: &str, columns_max: usize) -> String {
    if text.width() <= columns_max {
        return text.to_owned();
    }
    let mut columns = 1;
    let fits = |char: &char| {
        columns += char.width().unwrap_or(0);
        columns <= columns_max
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_gets_through() {
        let hostile = "a\x1b[31m\u{9b}2J\u{202e}b\u{2066}\0\u{7f}\r\n\t\u{200b}é";
        let escaped = escape(hostile);
        assert_eq!(
            escaped,
            r"a\u{1b}[31m\u{9b}2J\u{202e}b\u{2066}\u{0}\u{7f}\r\n\t\u{200b}é"
        );
        assert!(!escaped.chars().any(steers));
    }

    #[test]
    fn text_is_cut_by_columns() {
        for (text, columns, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
        ] {
            assert_eq!(cut(text, columns), expected);
            assert!(width(&cut(text, columns)) <= columns);
        }
    }

    #[test]
    fn colour_is_left_out_where_it_is_off() {
        let paint = |is_on| Style { is_on }.paint("x", Paint::Bad);
        assert_eq!(
            (paint(true).as_str(), paint(false).as_str()),
            ("\x1b[31mx\x1b[0m", "x")
        );
    }
}
