//! Payment card numbers: an issuer's range, its lengths, the Luhn digit, grouped as cards are printed or not at all.

use std::ops::Range;

use super::{
    digits::{Group, Run, Runs, is_listed_end, is_listed_start},
    words::{Context, Told},
};

/// How cards print their digits.
const SHAPES: [&[usize]; 8] = [
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 1],
    &[4, 4, 4, 3],
    &[4, 4, 4, 2],
    &[6, 13],
];
/// First and last prefix, the lengths, and whether the number alone tells, without groups and without a word before it.
const ISSUERS: [(u32, u32, &[usize], bool); 26] = [
    (4, 4, &[16], true),
    (4, 4, &[13, 19], false),
    (51, 55, &[16], true),
    (2221, 2720, &[16], true),
    (34, 34, &[15], true),
    (37, 37, &[15], true),
    (6011, 6011, &[16, 19], true),
    (644, 649, &[16, 19], true),
    (65, 65, &[16, 19], true),
    (62, 62, &[16, 17, 18, 19], true),
    (81, 81, &[16], false),
    (3528, 3589, &[16], true),
    (3528, 3589, &[17, 18, 19], false),
    (35, 35, &[16], false),
    (300, 305, &[14, 16], true),
    (3095, 3095, &[14, 16], true),
    (36, 36, &[14, 16], true),
    (38, 39, &[14, 16], true),
    (2200, 2204, &[16], true),
    (5018, 5018, &[16, 18, 19], true),
    (5020, 5020, &[16, 18, 19], true),
    (5038, 5038, &[16, 18, 19], true),
    (5893, 5893, &[16, 18, 19], true),
    (6304, 6304, &[16, 18, 19], true),
    (6759, 6763, &[16, 18, 19], true),
    (60, 60, &[16], true),
];
#[rustfmt::skip]
const CONTEXT: Context<'static> = Context {
    for_it: &[
        "amex", "card", "cards", "carta", "carte", "cc", "ccn", "cartão", "credit", "debit", "diners", "discover", "jcb",
        "karte", "kreditkarte", "kreditkartennummer", "maestro", "mastercard", "pan", "tarjeta", "unionpay", "visa", "pay",
        "payment", "paid",
    ],
    against: &["imei", "iccid", "isbn", "ean", "gtin", "tracking", "serial", "imsi", "epoch", "timestamp"],
    unspaced: &["卡号", "信用卡", "カード", "카드", "银行卡"],
};

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    for run in Runs::of(text) {
        let mut at = 0;
        while at < run.groups.len() {
            let taken = at_group(text, &run.groups, at);
            if let Some(count) = taken {
                found.push(run.groups[at].start..run.groups[at + count - 1].end);
            }
            at += taken.unwrap_or(1);
        }
    }
}

/// Returns how many groups from one on are a card's number.
fn at_group(text: &str, groups: &[Group], at: usize) -> Option<usize> {
    let rest = &groups[at..];
    if rest[0].len < 4 {
        return None;
    }
    let fits = |shape: &&&[usize]| {
        shape.len() <= rest.len()
            && shape.iter().zip(rest).all(|(len, group)| *len == group.len)
            && has_one_mark(&rest[1..shape.len()])
    };
    let shapes = SHAPES.iter().filter(fits);
    let shape = shapes
        .filter(|shape| is_card_at(text, &rest[..shape.len()]))
        .max_by_key(|shape| shape.len());
    let count = match shape {
        Some(shape) => shape.len(),
        None if (13..=19).contains(&rest[0].len) && is_card_at(text, &rest[..1]) => 1,
        None => return None,
    };
    Some(count)
}

fn has_one_mark(groups: &[Group]) -> bool {
    let is_mark = |group: &Group| group.gap == groups[0].gap && b" -.".contains(&group.gap.mark);
    groups
        .iter()
        .all(|group| is_mark(group) && !group.gap.opens && !group.gap.closes)
}

fn is_card_at(text: &str, groups: &[Group]) -> bool {
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else {
        return false;
    };
    if !is_listed_start(text, first.start) || !is_listed_end(text, last.end) {
        return false;
    }
    let digits = Run::digits(text, groups);
    if !luhn(&digits) {
        return false;
    }
    let told = CONTEXT.before(text, first.start);
    let is_plain = groups.len() > 1;
    told != Told::No && is_issued(&digits, is_plain || CONTEXT.is_near(text, first.start))
}

fn is_issued(digits: &[u8], is_told: bool) -> bool {
    ISSUERS.iter().any(|(first, last, lengths, is_enough)| {
        let places = first.to_string().len();
        let prefix = digits[..places.min(digits.len())]
            .iter()
            .fold(0, |number, digit| number * 10 + u32::from(*digit));
        lengths.contains(&digits.len())
            && (*first..=*last).contains(&prefix)
            && (*is_enough || is_told)
    })
}

/// Says whether the last digit is the Luhn digit of the others.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let doubled = |(at, digit): (usize, &u8)| match digit * 2 {
        _ if at % 2 == 0 => u32::from(*digit),
        twice @ 0..=9 => u32::from(twice),
        twice => u32::from(twice) - 9,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(doubled).sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}
