//! Telephone numbers: international, and national where their form or the words before them tell them.
//!
//! Promise: linear time. A run of digits that is nothing but that (an order, a timestamp, a price) is none.
//! The span holds the whole number, country code, brackets and extension included.

mod context;
mod international;
mod national;

use std::ops::Range;

use super::{
    digits::{Group, Run, Runs, digit, is_number_end},
    text::{char_at, char_before, is_escape_before, is_word},
};

/// Where a number was found: its start, and how many groups it takes.
pub(super) struct Number {
    start: usize,
    groups: usize,
}

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    for run in Runs::of(text) {
        let mut at = 0;
        while at < run.groups.len() {
            let groups = &run.groups[at..];
            let is_first = at == 0 || is_new_number(groups);
            let number = if is_first {
                number(text, groups, at == 0)
            } else {
                None
            };
            if let Some(number) = number {
                let end = run.groups[at + number.groups - 1].end;
                let end = end + extension_len(&text[end..]);
                found.push(number.start..end);
                at += number.groups;
            } else {
                at += 1;
            }
        }
    }
}

/// Says whether a group in a run may begin a number of its own: behind a space, and looking like an area code.
fn is_new_number(groups: &[Group]) -> bool {
    let first = &groups[0];
    let is_apart = first.gap.mark == b' ' && !first.gap.closes;
    is_apart
        && (first.gap.opens
            || groups
                .get(1)
                .is_some_and(|next| b"-.".contains(&next.gap.mark)))
}

fn number(text: &str, groups: &[Group], is_first: bool) -> Option<Number> {
    let start = groups[0].start;
    let lead = Lead::before(text, start);
    if lead.is_inside || is_date(text, groups) {
        return None;
    }
    let number = if lead.has_plus {
        international::behind_plus(text, groups, &lead)
    } else if is_first || !lead.opens {
        international::behind_zeros(text, groups, &lead)
            .or_else(|| national::find(text, groups, &lead))
    } else {
        national::find(text, groups, &lead)
    };
    number.filter(|number| {
        let end = groups[number.groups - 1].end;
        is_number_end(text, end) || extension_len(&text[end..]) > 0
    })
}

/// What stands right before a number's first digit.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says another thing of one place"
)]
struct Lead {
    /// Where the number begins with its plus and bracket.
    start: usize,
    /// Where it begins without the bracket.
    inner: usize,
    has_plus: bool,
    opens: bool,
    /// It is the rest of something longer.
    is_inside: bool,
    /// It is a price or a code: `$`, `#`.
    is_marked: bool,
}

impl Lead {
    fn before(text: &str, first: usize) -> Self {
        let mut start = first;
        let step = |start: usize, letters: &[char]| {
            let letter = char_before(text, start).filter(|letter| letters.contains(letter))?;
            Some(start - letter.len_utf8())
        };
        let has_plus = step(start, &['+', '\u{ff0b}'])
            .map(|before| start = before)
            .is_some();
        let inner = start;
        let opens = step(start, &['(', '\u{ff08}'])
            .map(|before| start = before)
            .is_some();
        let encoded = !has_plus && text[..start].ends_with("%2B");
        start -= if encoded { 3 } else { 0 };
        let before = char_before(text, start);
        let behind = |at: usize| char_before(text, at).is_some_and(is_word);
        let is_inside = match before {
            Some(letter @ ('-' | '.' | '@' | '\u{2010}' | '\u{2011}')) => {
                behind(start - letter.len_utf8())
            }
            // `hep-ph/0512209` is a paper.
            Some('/') => {
                char_before(text, start - 1).and_then(digit).is_some()
                    || text[..start].ends_with("-ph/")
            }
            Some('+') => true,
            Some(',') => {
                char_before(text, start - 1).and_then(digit).is_some() && text[first..].len() < 4
            }
            // `num(702 742 0234)`: the bracket is not the number's.
            Some(letter) if opens && letter.is_alphabetic() => false,
            Some(letter) => is_word(letter) && !is_escape_before(text.as_bytes(), start),
            None => false,
        };
        Self {
            start,
            inner,
            has_plus: has_plus || encoded,
            opens,
            is_inside,
            is_marked: matches!(before, Some('$' | '€' | '£' | '¥' | '#' | '₹')),
        }
    }
}

/// Says whether groups begin with a date: `05.11.2023`, `2023-11-05`, or six digits of one.
fn is_date(text: &str, groups: &[Group]) -> bool {
    let [first, second, third, ..] = groups else {
        return false;
    };
    let value = |group: &Group| {
        let digits = Run::digits(text, std::slice::from_ref(group));
        digits
            .iter()
            .take(5)
            .fold(0_u32, |all, digit| all * 10 + u32::from(*digit))
    };
    let is_same = second.gap.mark == third.gap.mark && b"-./".contains(&third.gap.mark);
    let is_year = |group: &Group| group.len == 4 && (1900..2100).contains(&value(group));
    let (is_day, is_month) = (
        (1..=31).contains(&value(second)),
        (1..=31).contains(&value(first)),
    );
    let is_iso = is_year(first) && is_day && third.len == 2 && (1..=31).contains(&value(third));
    is_same && (is_iso || is_month && is_day && first.len <= 2 && second.len <= 2 && is_year(third))
}

/// The length of an extension behind a number: ` ext. 12`, `x123`.
fn extension_len(rest: &str) -> usize {
    let spaces = rest
        .bytes()
        .take(2)
        .take_while(|byte| *byte == b' ')
        .count();
    let comma = usize::from(rest[spaces..].starts_with(", "));
    let word = &rest[spaces + comma * 2..];
    let names = [
        "extension",
        "ext.",
        "ext",
        "extn",
        "x",
        "durchwahl",
        "poste",
        "#",
    ];
    let is_name = |name: &&&str| {
        word.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            && word[name.len()..]
                .trim_start_matches([' ', '.', ':'])
                .starts_with(|letter: char| letter.is_ascii_digit())
    };
    let Some(name) = names.iter().find(is_name) else {
        return 0;
    };
    let behind = &word[name.len()..];
    let gap = behind.len() - behind.trim_start_matches([' ', '.', ':']).len();
    let digits = behind[gap..]
        .bytes()
        .take(8)
        .take_while(u8::is_ascii_digit)
        .count();
    let is_end = !char_at(behind, gap + digits).is_some_and(is_word);
    if gap > 2 || digits > 6 || !is_end {
        0
    } else {
        spaces + comma * 2 + name.len() + gap + digits
    }
}
