//! Keys that are told by what stands in their middle or at their end.

use std::ops::Range;

use super::random::is_body;

/// What is looked for, and which and how many characters stand before it and behind it.
struct Mark {
    text: &'static str,
    is_part: fn(u8) -> bool,
    before: (usize, usize),
    behind: (usize, usize),
}

const MARKS: [Mark; 6] = [
    // Mailchimp, New Relic, HashiCorp Terraform Cloud.
    mark("-us", is_hex_or_digit, (32, 32), (1, 2)),
    mark("NRAL", is_hex_or_digit, (36, 42), (0, 0)),
    mark(".atlasv1.", is_word, (14, 14), (60, 70)),
    // Microsoft Entra, Azure DevOps, Azure AI.
    mark("Q~", is_tilde_word, (4, 4), (31, 34)),
    mark("AZDO", is_plain, (76, 76), (4, 4)),
    mark("JQQJ99", is_plain, (52, 52), (26, 26)),
];

const fn mark(
    text: &'static str,
    is_part: fn(u8) -> bool,
    before: (usize, usize),
    behind: (usize, usize),
) -> Mark {
    Mark {
        text,
        is_part,
        before,
        behind,
    }
}

fn is_hex_or_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

fn is_tilde_word(byte: u8) -> bool {
    is_word(byte) || b".~".contains(&byte)
}

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    for mark in &MARKS {
        let places = text.match_indices(mark.text);
        found.extend(places.filter_map(|(at, _)| mark.around(text, at)));
    }
}

impl Mark {
    fn around(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let (head, tail) = (
            &text.as_bytes()[..at],
            &text.as_bytes()[at + self.text.len()..],
        );
        let before = head.iter().rev().take(self.before.1 + 1);
        let before = before.take_while(|byte| (self.is_part)(**byte)).count();
        let behind = tail.iter().take(self.behind.1 + 1);
        let behind = behind.take_while(|byte| (self.is_part)(**byte)).count();
        let is_long = (self.before.0..=self.before.1).contains(&before)
            && (self.behind.0..=self.behind.1).contains(&behind);
        let place = at - before..at + self.text.len() + behind;
        let is_apart = !head[..place.start]
            .last()
            .is_some_and(|byte| is_plain(*byte))
            && !tail.get(behind).is_some_and(|byte| is_plain(*byte));
        (is_long && is_apart && is_body(&text[place.clone()])).then_some(place)
    }
}
