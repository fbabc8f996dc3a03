//! Numbers without a country code: by their form alone where it is distinctive, else by the words before them.

use super::{Lead, Number, context::CONTEXT};
use crate::sanitize::{
    digits::{Group, Run},
    text::line_before,
    words::Told,
};

/// No number has fewer digits.
const DIGITS_MIN: usize = 7;

/// Finds a number that begins with the first group.
pub(super) fn find(text: &str, groups: &[Group], lead: &Lead) -> Option<Number> {
    if groups.iter().take(8).map(|group| group.len).sum::<usize>() < DIGITS_MIN {
        return None;
    }
    let told = match CONTEXT.before(text, lead.start) {
        Told::Nothing | Told::No if is_signed(&text[..lead.start], groups) => Told::Yes,
        told => told,
    };
    if told == Told::No || lead.is_marked && told != Told::Yes || is_account(text, lead.start) {
        return None;
    }
    let found = north_american(text, groups, lead, told)
        .or_else(|| bracketed(text, groups, lead, told))
        .or_else(|| trunk(text, groups, lead, told))
        .or_else(|| shaped(text, groups, lead))
        .or_else(|| named(text, groups, lead, told));
    let Found {
        groups: count,
        is_all_spaced,
    } = found?;
    // More digits behind a number that only spaces part make it part of something longer.
    let goes_on = groups.get(count).is_some_and(|next| {
        is_all_spaced && next.gap.mark == b' ' && !next.gap.opens && next.len > 2
    });
    if goes_on && told != Told::Yes {
        return None;
    }
    let closes = groups[..count].iter().skip(1).any(|group| group.gap.closes);
    let start = if lead.opens && !closes {
        lead.inner
    } else {
        lead.start
    };
    Some(Number {
        start,
        groups: count,
    })
}

/// Says whether a text ends with the sign for a telephone, or with the letter that stands for one: `☎`, `T:`.
fn is_signed(before: &str, groups: &[Group]) -> bool {
    let before = before.trim_end_matches([' ', '\u{a0}', '\u{fe0f}']);
    if before.ends_with(['☎', '☏', '✆', '📞', '📱', '📲', '📠']) {
        return true;
    }
    let Some(line) = before.strip_suffix(':') else {
        return false;
    };
    let head = line.strip_suffix(['T', 'M', 'P', 'F']);
    groups.len() > 1
        && head.is_some_and(|head| head.is_empty() || head.ends_with([' ', '\n', '|', ',', ';']))
}

/// Says whether a text ends as a constant's declaration does: `RING: u32 = `.
fn is_constant(before: &str) -> bool {
    let typed = before.trim_end().strip_suffix('=').map(str::trim_end);
    let names = ["u32", "u64", "i32", "i64", "usize", "int", "long"];
    typed.is_some_and(|typed| names.iter().any(|name| typed.ends_with(name)))
}

/// Says whether the groups of an account's number stand before a place: `NL91 ABNA `.
fn is_account(text: &str, at: usize) -> bool {
    let mut words = line_before(text, at).rsplit([' ', '\u{a0}']).skip(1);
    let is_bank =
        |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_country = |word: &str| {
        let word = word.as_bytes();
        word.len() >= 4
            && word[word.len() - 4..][..2]
                .iter()
                .all(u8::is_ascii_uppercase)
            && word[word.len() - 2..].iter().all(u8::is_ascii_digit)
    };
    words.next().is_some_and(is_bank) && words.next().is_some_and(is_country)
}

struct Found {
    groups: usize,
    is_all_spaced: bool,
}

impl Found {
    fn of(groups: &[Group], count: usize) -> Self {
        let is_all_spaced = groups[1..count]
            .iter()
            .all(|group| group.gap.mark == b' ' && !group.gap.closes);
        Self {
            groups: count,
            is_all_spaced,
        }
    }
}

fn lens(groups: &[Group]) -> Vec<usize> {
    groups.iter().take(8).map(|group| group.len).collect()
}

/// `(555) 123-4567`, `1-800-555-0199`, `555.123.4567`; seven or ten digits alone where a word says so.
fn north_american(text: &str, groups: &[Group], lead: &Lead, told: Told) -> Option<Found> {
    let lens = lens(groups);
    let first = Run::digits(text, &groups[..1]);
    let has_one = lens[0] == 1 && first == [1];
    let at = usize::from(has_one);
    if lens.get(at..at + 3)? != [3, 3, 4] {
        return None;
    }
    let area = Run::digits(text, &groups[at..=at])[0];
    let marks: Vec<u8> = groups[at + 1..at + 3]
        .iter()
        .map(|group| group.gap.mark)
        .collect();
    let is_bracketed = groups[at + 1].gap.closes && (lead.opens || groups[at].gap.opens);
    let is_marked = match marks.as_slice() {
        [b'-', b'-'] => area > 0,
        [b'.', b'.'] | [b' ', b' ' | b'-'] | [b'/', b'-'] | [b'-', b' '] => area > 1,
        _ => false,
    };
    let is_one = is_bracketed || is_marked && (area > 0 || told == Told::Yes);
    is_one.then(|| Found::of(groups, at + 3))
}

/// Says whether a bracket holds the first group alone.
fn is_bracketed(groups: &[Group], lead: &Lead) -> bool {
    lead.opens && groups.get(1).is_some_and(|next| next.gap.closes)
}

/// `(030) 123456`, `(02) 9876 5432`, `(11) 91234-5678`.
fn bracketed(text: &str, groups: &[Group], lead: &Lead, told: Told) -> Option<Found> {
    let is_area = (2..=5).contains(&groups[0].len) && lead.opens && groups.get(1)?.gap.closes;
    let has_zero = Run::digits(text, &groups[..1])[0] == 0;
    if !is_area || groups[0].len == 4 && !has_zero && told != Told::Yes {
        return None;
    }
    let rest = &groups[1..];
    let is_rest =
        |group: &&Group| b" -/\0".contains(&group.gap.mark) && !group.gap.opens && group.len >= 2;
    let count = rest.iter().take(5).take_while(is_rest).count();
    let counts = (1..=count).rev();
    let digits = |count: usize| rest[..count].iter().map(|group| group.len).sum::<usize>();
    let least = if has_zero { 5 } else { 6 };
    let fits = |count: &usize| {
        (least..=9).contains(&digits(*count)) && groups[0].len + digits(*count) >= 8
    };
    counts
        .into_iter()
        .find(fits)
        .map(|count| Found::of(groups, count + 1))
}

/// Numbers with the zero that is dialled before an area code: `020 7946 0958`, `06.12.34.56.78`, `0171-1234567`.
fn trunk(text: &str, groups: &[Group], lead: &Lead, told: Told) -> Option<Found> {
    let first = Run::digits(text, &groups[..1]);
    let is_trunk = first.len() > 1 && first[0] == 0 && first[1] != 0 && !is_bracketed(groups, lead);
    if !is_trunk {
        return None;
    }
    if groups.len() == 1 || groups[1].gap.mark == 0 {
        // Digits in a row are an example of digits.
        let is_counting = first.windows(2).all(|pair| (pair[0] + 1) % 10 == pair[1]);
        let is_long = matches!(first.len(), 10 | 11) && !is_counting;
        let is_one = is_long || told == Told::Yes && (8..=13).contains(&first.len());
        return is_one.then(|| Found::of(groups, 1));
    }
    let is_mobile = first[1] == 1 && matches!(first.get(2), Some(5..=7));
    let most = match told {
        Told::Yes => 13,
        _ if is_mobile => 12,
        _ => 11,
    };
    let count = trunk_groups(text, groups, most, told)?;
    Some(Found::of(groups, count))
}

fn trunk_groups(text: &str, groups: &[Group], digits_max: usize, told: Told) -> Option<usize> {
    let is_next = |group: &&Group| {
        b" -./".contains(&group.gap.mark) && !group.gap.opens && !group.gap.closes && group.len > 1
    };
    let most = 1 + groups[1..].iter().take(7).take_while(is_next).count();
    let digits = |count: usize| groups[..count].iter().map(|group| group.len).sum::<usize>();
    let count = (2..=most)
        .rev()
        .find(|count| (9..=digits_max).contains(&digits(*count)) && is_even(&groups[..*count]))?;
    let lens = lens(&groups[..count]);
    // Dates of birth before a serial, and shapes of other numbers, need a word.
    let first: Vec<u8> = Run::digits(text, &groups[..1]);
    let is_birth = first.len() == 6;
    let is_other = matches!(lens.as_slice(), [2, 7] | [3, 2, 4] | [3, 3, 3] if groups[1].gap.mark == b'-')
        || digits(count) == 9 && lens == [3, 3, 3] && groups[1].gap.mark == b'.'
        || lens.len() == 2 && groups[1].gap.mark == b'.';
    (told == Told::Yes || !is_birth && !is_other).then_some(count)
}

/// Says whether what parts groups is as people part them: dots are not mixed with anything.
fn is_even(groups: &[Group]) -> bool {
    let has = |groups: &[Group], mark: u8| groups.iter().any(|group| group.gap.mark == mark);
    let marked = &groups[1..];
    let is_dotted = marked.iter().all(|group| group.gap.mark == b'.');
    let is_address = is_dotted && marked.len() == 3 && groups.iter().all(|group| group.len <= 3);
    (is_dotted || !has(marked, b'.')) && !has(&marked[1..], b'/') && !is_address
}

/// Forms that are distinctive without a word: Russian with an 8, Chinese mobiles, Brazilian, toll-free Australian.
fn shaped(text: &str, groups: &[Group], _lead: &Lead) -> Option<Found> {
    let lens = lens(groups);
    let digits = Run::digits(text, &groups[..groups.len().min(5)]);
    let marks: Vec<u8> = groups
        .iter()
        .skip(1)
        .take(4)
        .map(|group| group.gap.mark)
        .collect();
    let count = match lens.as_slice() {
        [1, 3, 3, 2, 2, ..] if digits[0] == 8 && b"3489".contains(&(digits[1] + b'0')) => 5,
        [3, 4, 4, ..]
            if digits[0] == 1 && digits[1] > 2 && marks[0] == marks[1] && marks[0] != b'.' =>
        {
            3
        }
        [2, 5, 4, ..] if digits[0] > 0 && marks == [b' ', b'-'] => 3,
        [4, 3, 3, ..] if digits[..3] == [1, 3, 0] || digits[..3] == [1, 8, 0] => 3,
        [11, ..] if digits[0] == 1 && digits[1] > 2 && is_chinese(text, groups[0].start) => 1,
        _ => return None,
    };
    Some(Found::of(groups, count))
}

/// Says whether the line before a place is written in Chinese.
fn is_chinese(text: &str, at: usize) -> bool {
    line_before(text, at).contains(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}

/// Any grouping of seven to thirteen digits, where the word before says what it is.
fn named(text: &str, groups: &[Group], lead: &Lead, told: Told) -> Option<Found> {
    if told != Told::Yes || is_bracketed(groups, lead) || is_constant(&text[..lead.start]) {
        return None;
    }
    let is_next =
        |group: &&Group| b" -./".contains(&group.gap.mark) && !group.gap.opens && !group.gap.closes;
    let most = 1 + groups[1..].iter().take(5).take_while(is_next).count();
    let digits = |count: usize| groups[..count].iter().map(|group| group.len).sum::<usize>();
    let count = (1..=most)
        .rev()
        .find(|count| (7..=13).contains(&digits(*count)))?;
    let lens = lens(&groups[..count]);
    // Brazil's postal codes have two groups.
    let is_decimal = lens.len() == 2 && (groups[1].gap.mark == b'.' || lens == [5, 3]);
    let is_short = lens.iter().skip(1).any(|len| *len < 2) && lens[0] < 2;
    let is_epoch =
        lens.len() == 1 && matches!(lens[0], 13) && Run::digits(text, &groups[..1])[0] == 1;
    (!is_decimal && !is_short && !is_epoch).then(|| Found::of(groups, count))
}
