//! Numbers as people write them: groups of digits with what parts them.
//!
//! Promise: linear time; full-width digits, no-break spaces and typographic hyphens are what they look like.
//! Not here: what the number is (`card`, `phone`, `national`).

use super::text::{char_at, char_before, is_word};

/// No number that is looked for has a longer group.
const GROUP_DIGITS_MAX: usize = 40;

/// What stands between a group of digits and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gap {
    /// `b' '`, `b'-'`, `b'.'`, `b'/'`, or zero where only brackets stand there.
    pub(super) mark: u8,
    /// A bracket closes behind the group before.
    pub(super) closes: bool,
    /// A bracket opens before this group.
    pub(super) opens: bool,
}

/// Digits without anything between them, in byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many digits.
    pub(super) len: usize,
    /// What parts it from the group before; of the first group, without meaning.
    pub(super) gap: Gap,
}

/// Groups of digits that nothing but single marks and brackets part.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) groups: Vec<Group>,
}

impl Run {
    /// Returns the digits of some groups, each from 0 to 9; of a very long group the first ones.
    pub(super) fn digits(text: &str, groups: &[Group]) -> Vec<u8> {
        let all = |group: &Group| digits_of(&text[group.start..group.end]).take(GROUP_DIGITS_MAX);
        groups.iter().flat_map(all).collect()
    }

    /// Says how some groups look: `3-2-4`.
    pub(super) fn shape(groups: &[Group]) -> Option<String> {
        let mut shape = String::with_capacity(16);
        for (at, group) in groups.iter().enumerate() {
            if at > 0 {
                if group.gap.mark == 0 || group.gap.opens || group.gap.closes {
                    return None;
                }
                shape.push(char::from(group.gap.mark));
            }
            shape.push_str(&group.len.to_string());
        }
        Some(shape)
    }
}

fn digits_of(text: &str) -> impl Iterator<Item = u8> {
    text.chars().filter_map(digit)
}

/// Returns the value of a digit, full-width ones included.
pub(super) fn digit(letter: char) -> Option<u8> {
    match letter {
        '0'..='9' => Some(letter as u8 - b'0'),
        '\u{ff10}'..='\u{ff19}' => u8::try_from(u32::from(letter) - 0xff10).ok(),
        _ => None,
    }
}

/// Returns what a character between digits is: a space, a hyphen, a dot, a slash, a bracket.
pub(super) fn mark(letter: char) -> Option<u8> {
    Some(match letter {
        ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' | '\u{3000}' => b' ',
        '-' | '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{ff0d}' => b'-',
        '.' => b'.',
        '/' => b'/',
        '(' | '\u{ff08}' => b'(',
        ')' | '\u{ff09}' => b')',
        _ => return None,
    })
}

/// The runs of a text, one after the other.
pub(super) struct Runs<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Runs<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn next_digit(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        loop {
            at += bytes[at..]
                .iter()
                .position(|byte| byte.is_ascii_digit() || *byte == 0xef)?;
            if char_at(self.text, at).and_then(digit).is_some() {
                return Some(at);
            }
            at += 1;
        }
    }

    fn group(&self, start: usize, gap: Gap) -> Group {
        let (mut end, mut len) = (start, 0);
        while let Some(letter) = char_at(self.text, end).filter(|letter| digit(*letter).is_some()) {
            end += letter.len_utf8();
            len += 1;
        }
        Group {
            start,
            end,
            len,
            gap,
        }
    }

    /// Returns where the next group begins behind a group's end, if only single marks part them.
    fn next_group(&self, end: usize) -> Option<(usize, Gap)> {
        let mut gap = Gap::default();
        for (at, letter) in self.text[end..].char_indices().take(5) {
            if digit(letter).is_some() {
                return (at > 0).then_some((end + at, gap));
            }
            match mark(letter)? {
                b')' if at == 0 => gap.closes = true,
                b'(' if !gap.opens => gap.opens = true,
                b' ' if gap.mark == 0 || gap.mark == b'/' => gap.mark = gap.mark.max(b' '),
                mark @ (b'-' | b'/') if matches!(gap.mark, 0 | b' ') && !gap.opens => {
                    gap.mark = mark;
                }
                b'.' if gap.mark == 0 && !gap.opens => gap.mark = b'.',
                b' ' if gap.mark == b'-' => {}
                _ => return None,
            }
        }
        None
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let start = self.next_digit()?;
        let mut run = Run::default();
        let mut group = self.group(start, Gap::default());
        loop {
            run.groups.push(group);
            self.at = group.end;
            match self.next_group(group.end) {
                Some((start, gap)) => group = self.group(start, gap),
                None => return Some(run),
            }
        }
    }
}

/// Says whether a number may begin at `at`: it is not the rest of a word, a longer number, or a decimal.
pub(super) fn is_number_start(text: &str, at: usize) -> bool {
    if !super::text::is_start(text, at) {
        return false;
    }
    let before = text[..at].chars().next_back();
    let Some(part) = before.and_then(mark).filter(|part| b"-./".contains(part)) else {
        return !matches!(before, Some(',')) || !is_thousands(text, at);
    };
    let at = at - before.map_or(0, char::len_utf8);
    match char_before(text, at) {
        Some(letter) if part == b'/' => digit(letter).is_none(),
        Some(letter) => !is_word(letter),
        None => true,
    }
}

/// Says whether a number may end at `at`.
pub(super) fn is_number_end(text: &str, at: usize) -> bool {
    let mut rest = text[at..].chars();
    let Some(next) = rest.next() else {
        return true;
    };
    if is_word(next) {
        return false;
    }
    let behind = rest.next();
    match mark(next) {
        Some(b'-') => !behind.is_some_and(is_word),
        Some(b'.' | b'/') => behind.and_then(digit).is_none(),
        _ => true,
    }
}

/// Says whether a number may begin at `at`, also behind a slash behind another one: `1234/5678`.
pub(super) fn is_listed_start(text: &str, at: usize) -> bool {
    is_number_start(text, at) || text[..at].ends_with('/') && is_digit_before(text, at - 1)
}

/// Says whether a number may end at `at`, also with another one behind a slash.
pub(super) fn is_listed_end(text: &str, at: usize) -> bool {
    is_number_end(text, at) || text[at..].starts_with('/')
}

/// Says whether the comma before a place may part the thousands of one number, or its decimals, rather than two cells.
fn is_thousands(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at - 1];
    let len = |bytes: &mut dyn Iterator<Item = &u8>| {
        bytes
            .take(9)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let (digits, next) = (
        len(&mut before.iter().rev()),
        len(&mut text.as_bytes()[at..].iter()),
    );
    let head = before[..before.len() - digits].last();
    let is_part = head.is_some_and(|byte| b"-.".contains(byte));
    let is_zero = before.ends_with(b"0") && digits == 1;
    (1..=3).contains(&digits) && !is_part && (next < 8 || is_zero)
}

fn is_digit_before(text: &str, at: usize) -> bool {
    char_before(text, at).and_then(digit).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Vec<Option<String>> {
        Runs::of(text).map(|run| Run::shape(&run.groups)).collect()
    }

    #[test]
    fn runs_are_told_by_their_shape() {
        for (text, expected) in [
            ("ssn 123-45-6789.", "3-2-4"),
            ("4111 1111 1111 1111", "4 4 4 4"),
            ("85.07.30\u{2011}033.28", "2.2.2-3.2"),
            ("１２３\u{a0}４５", "3 2"),
            ("030 / 1234", "3/4"),
            ("7", "1"),
        ] {
            assert_eq!(shapes(text), [Some(expected.to_owned())], "{text}");
        }
        assert_eq!(shapes("(030) 12"), [None]);
        assert_eq!(shapes("1, 2\t3  4").len(), 4);
    }
}
