//! Numbers with a country code: behind a plus, behind `00`, behind `011`.
//!
//! # Source
//! ITU-T E.164 (country codes, at most fifteen digits); lengths from the national numbering plans.

use super::{Lead, Number, context::CONTEXT};
use crate::sanitize::{
    digits::{Group, Run},
    words::Told,
};

/// Country codes of one and two digits; all others have three.
#[rustfmt::skip]
const SHORT_CODES: [u32; 47] = [
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62,
    63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98, 28,
];
/// What codes of three digits begin with.
const LONG_CODES: [u32; 19] = [
    21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 80, 85, 88,
];
const MORE_LONG_CODES: [u32; 4] = [87, 96, 97, 99];
/// Country codes whose numbers have a known length behind the code: code, least, most.
#[rustfmt::skip]
const LENGTHS: [(u32, usize, usize); 50] = [
    (7, 10, 10), (20, 8, 10), (27, 9, 9), (30, 10, 10), (31, 9, 10), (32, 8, 9), (33, 9, 9), (34, 9, 9), (36, 8, 9), (39, 8, 11),
    (40, 9, 9), (41, 9, 9), (43, 7, 13), (44, 9, 10), (45, 8, 8), (46, 7, 10), (47, 8, 8), (48, 9, 9), (49, 6, 12), (51, 8, 9),
    (52, 10, 11), (54, 10, 11), (55, 10, 11), (56, 9, 9), (57, 10, 10), (58, 10, 10), (60, 8, 10), (61, 9, 9), (62, 8, 12),
    (63, 8, 10), (64, 8, 10), (65, 8, 8), (66, 8, 9), (81, 9, 10), (82, 8, 10), (84, 9, 10), (86, 10, 11), (90, 10, 10),
    (91, 10, 10), (92, 9, 10), (351, 9, 9), (353, 7, 9), (358, 5, 12), (380, 9, 9), (420, 9, 9), (421, 9, 9), (852, 8, 8),
    (886, 8, 9), (971, 8, 9), (972, 8, 9),
];
/// What a number has behind a code that the table does not have.
const OTHER_LENGTH: (usize, usize) = (5, 11);

/// Finds a number whose first group stands behind a plus.
pub(super) fn behind_plus(text: &str, groups: &[Group], lead: &Lead) -> Option<Number> {
    let digits = Walk::new(text, groups, 0)?;
    let is_named = || CONTEXT.before(text, lead.start) == Told::Yes;
    let number = digits.number().or_else(|| {
        // Many write numbers that no plan has; a word before them, or how they are grouped, says what they mean.
        let all: usize = groups.iter().take(9).map(|group| group.len).sum();
        let is_one =
            (8..=15).contains(&all) && (groups.len() > 2 || is_named()) && is_grouped(groups);
        is_one.then_some(groups.len())
    })?;
    Some(lead.number(text, groups, number))
}

/// Finds a number whose first group begins with `00`, or is `011`.
pub(super) fn behind_zeros(text: &str, groups: &[Group], lead: &Lead) -> Option<Number> {
    let first = Run::digits(text, &groups[..1]);
    let skip = match first.as_slice() {
        [0, 1, 1] if groups.len() > 2 => 3,
        [0, 0, ..] => 2,
        _ => return None,
    };
    let walk = Walk::new(text, groups, skip)?;
    let told = CONTEXT.before(text, lead.start);
    let is_bare = groups[0].len > 6;
    if told == Told::No
        || lead.is_marked
        || is_bare && told != Told::Yes && !matches!(walk.code, 30..=49)
    {
        return None;
    }
    let count = walk.number()?;
    Some(lead.number(text, groups, count))
}

impl Lead {
    fn number(&self, text: &str, groups: &[Group], count: usize) -> Number {
        let last = &groups[count - 1];
        let closes_early = groups[..count]
            .iter()
            .skip(1)
            .any(|group| group.gap.closes && !group.gap.opens);
        let opens_inside = groups[..count].iter().skip(1).any(|group| group.gap.opens);
        // `(+49) 30 ...` is whole with its bracket; in `(+49 30 ...)` the bracket is the sentence's.
        let keeps = self.opens
            && closes_early
            && !opens_inside
            && !text[last.end..].starts_with([')', '\u{ff09}']);
        let start = if self.opens && !keeps {
            self.inner
        } else {
            self.start
        };
        Number {
            start,
            groups: count,
        }
    }
}

/// The digits behind a plus or zeros, group by group.
struct Walk {
    code: u32,
    /// How many digits stand behind the code at the end of each group; a bracketed zero does not count.
    national: Vec<usize>,
    area: Option<u8>,
}

impl Walk {
    fn new(text: &str, groups: &[Group], skip: usize) -> Option<Self> {
        let groups = &groups[..groups.len().min(9)];
        let digits = Run::digits(text, groups);
        let (code, places) = code(digits.get(skip..)?)?;
        let (mut national, mut all, mut dropped) = (Vec::new(), 0, 0);
        for group in groups {
            let is_trunk = group.len == 1
                && group.gap.opens
                && Run::digits(text, std::slice::from_ref(group)) == [0];
            dropped += usize::from(is_trunk);
            all += group.len;
            national.push(all.saturating_sub(skip + places + dropped));
        }
        let area = digits.get(skip + places).copied();
        Some(Self {
            code,
            national,
            area,
        })
    }

    /// Returns how many groups are the number.
    fn number(&self) -> Option<usize> {
        let at = self.national.iter().rposition(|count| self.fits(*count))?;
        Some(at + 1)
    }

    fn fits(&self, count: usize) -> bool {
        if self.code == 1 {
            return count == 10 && self.area.is_some_and(|area| area > 1);
        }
        let (_, least, most) = LENGTHS
            .iter()
            .find(|(code, ..)| *code == self.code)
            .copied()
            .unwrap_or((0, OTHER_LENGTH.0, OTHER_LENGTH.1));
        // A trunk zero that should have been left out is often written.
        let most = most + usize::from(self.area == Some(0));
        (least..=most).contains(&count)
    }
}

/// Says whether groups look like a number's at all: none longer than one, and no decimal.
fn is_grouped(groups: &[Group]) -> bool {
    let dotted = |group: &Group| group.gap.mark == b'.';
    let is_mixed = groups[1..].iter().any(dotted) && !groups[1..].iter().all(dotted);
    !is_mixed
        && (groups.len() != 2 || !dotted(&groups[1]))
        && groups
            .iter()
            .skip(1)
            .all(|group| group.len >= 2 || group.gap.opens)
        && !is_far_date(groups)
}

/// Says whether groups are a date of a year behind 9999: `+10000-12-31`.
fn is_far_date(groups: &[Group]) -> bool {
    let is_two = |group: &Group| group.len == 2 && group.gap.mark == b'-';
    matches!(groups, [year, month, day] if year.len > 4 && is_two(month) && is_two(day))
}

/// Returns the country code that digits begin with, and how many they are.
fn code(digits: &[u8]) -> Option<(u32, usize)> {
    let first = |places: usize| {
        let digits = digits.get(..places)?;
        Some(
            digits
                .iter()
                .fold(0, |all, digit| all * 10 + u32::from(*digit)),
        )
    };
    let short = (1..=2).find_map(|places| {
        first(places)
            .filter(|code| SHORT_CODES.contains(code))
            .map(|code| (code, places))
    });
    short.or_else(|| {
        let begin = first(2)?;
        let is_long = LONG_CODES.contains(&begin) || MORE_LONG_CODES.contains(&begin);
        is_long.then_some((first(3)?, 3))
    })
}
