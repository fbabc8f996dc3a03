//! Places in a text: where words begin, and which words stand before a place.
//!
//! Promise: every look backwards is bounded, so that looking at every place of a text stays linear.
//! Not here: what the words mean (`words`).

/// Bytes before a place in which its words are looked for.
const LOOK_BYTES_MAX: usize = 96;
/// Bytes before a place in which the head of its table is looked for.
const TABLE_BYTES_MAX: usize = 2048;
/// Lines before it that are looked at.
const TABLE_LINES_MAX: usize = 32;
/// Bytes of a line behind a place whose cells are counted.
const LINE_BYTES_MAX: usize = 256;
/// What parts the cells of a table's line.
const MARKS: [char; 4] = ['|', '\t', ';', ','];

/// Returns the character that ends before `at`.
pub(super) fn char_before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

/// Returns the character that begins at `at`.
pub(super) fn char_at(text: &str, at: usize) -> Option<char> {
    text[at..].chars().next()
}

/// Says whether a character makes a word longer: scripts that are written without spaces do not.
pub(super) fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric() && letter < '\u{530}'
}

/// Says whether a value may begin at `at`: no word goes on there, or the letter before it belongs to an escape (`\n`).
pub(super) fn is_start(text: &str, at: usize) -> bool {
    !char_before(text, at).is_some_and(is_word) || is_escape_before(text.as_bytes(), at)
}

/// Says whether a value may end at `at`.
pub(super) fn is_end(text: &str, at: usize) -> bool {
    !char_at(text, at).is_some_and(is_word)
}

/// Says whether the byte before `at` is the letter of a JSON or source escape, such as `\n`.
pub(super) fn is_escape_before(bytes: &[u8], at: usize) -> bool {
    match bytes[..at] {
        [.., b'\\', b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => false,
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        _ => false,
    }
}

/// Returns the bounded text before `at` on its line, which may begin inside a word.
pub(super) fn line_before(text: &str, at: usize) -> &str {
    let mut from = at.saturating_sub(LOOK_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let before = &text[from..at];
    before
        .rfind('\n')
        .map_or(before, |line| &before[line + 1..])
}

/// Returns the head of the table column that a place is in: the same cell of the nearest line above that has as many
/// cells and no digit.
pub(super) fn header(text: &str, at: usize) -> Option<&str> {
    let mut from = at.saturating_sub(TABLE_BYTES_MAX);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let (above, line) = text[from..at].rsplit_once('\n')?;
    let mark = line.chars().find(|letter| MARKS.contains(letter));
    let mark = mark.or_else(|| {
        rest_of_line(text, at)
            .chars()
            .find(|letter| MARKS.contains(letter))
    })?;
    let column = line.matches(mark).count();
    let marks = column + rest_of_line(text, at).matches(mark).count();
    let mut lines = above
        .rsplit('\n')
        .take(TABLE_LINES_MAX)
        .take_while(|line| !line.trim().is_empty());
    // Most lines of a table have a digit soon, so that each is left at once.
    let head = lines.find(|line| {
        !line.bytes().any(|byte| byte.is_ascii_digit())
            && line.matches(mark).count() == marks
            && !line.contains(['(', '{', '[', '=', ':'])
            && line.contains(char::is_alphabetic)
    })?;
    head.split(mark).nth(column)
}

/// The bounded rest of a place's line.
fn rest_of_line(text: &str, at: usize) -> &str {
    let mut to = text.len().min(at + LINE_BYTES_MAX);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text[at..to].split('\n').next().unwrap_or("")
}

/// The words of a bounded text, last first, in lower case; `phoneNumber` is two.
pub(super) struct WordsBack<'a> {
    rest: &'a str,
}

impl<'a> WordsBack<'a> {
    pub(super) fn before(text: &'a str, at: usize) -> Self {
        Self {
            rest: line_before(text, at),
        }
    }
}

impl Iterator for WordsBack<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let text = self
            .rest
            .trim_end_matches(|letter: char| !letter.is_alphabetic());
        let (mut start, mut later) = (text.len(), None::<char>);
        for (at, letter) in text.char_indices().rev() {
            let is_hump = letter.is_lowercase() && later.is_some_and(char::is_uppercase);
            if !letter.is_alphabetic() || is_hump {
                break;
            }
            (start, later) = (at, Some(letter));
        }
        self.rest = &text[..start];
        (start < text.len()).then(|| text[start..].to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_last_first_and_without_humps() {
        let words = |text: &str| WordsBack::before(text, text.len()).collect::<Vec<_>>();
        assert_eq!(words("\"phoneNumber\": \""), ["number", "phone"]);
        assert_eq!(words("line\nTel. (mobil) 49 "), ["mobil", "tel"]);
        assert_eq!(words("ORDER_ID=#"), ["id", "order"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn an_escape_ends_the_word_before() {
        for (text, is_one) in [
            ("\\nx", true),
            ("nx", false),
            ("\\\\nx", false),
            ("\\qx", false),
        ] {
            assert_eq!(is_start(text, text.len() - 1), is_one, "{text}");
        }
        assert!(is_start("电话1", 6));
    }
}
