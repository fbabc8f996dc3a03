//! International bank account numbers: the country's length, and the check digits (ISO 13616, mod 97).

use std::ops::Range;

use super::{
    digits::{digit, mark},
    text::{is_end, is_start},
};

/// Countries and the length of their numbers, from the registry of ISO 13616.
#[rustfmt::skip]
const LENGTHS: [(&[u8; 2], usize); 89] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16), (b"BG", 22), (b"BH", 22),
    (b"BI", 27), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28), (b"CZ", 24), (b"DE", 22), (b"DJ", 27),
    (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24), (b"FI", 18), (b"FK", 18), (b"FO", 18), (b"FR", 27),
    (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18), (b"GR", 27), (b"GT", 28), (b"HN", 28), (b"HR", 21), (b"HU", 28),
    (b"IE", 22), (b"IL", 23), (b"IQ", 23), (b"IS", 26), (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28),
    (b"LC", 32), (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24), (b"ME", 22),
    (b"MK", 19), (b"MN", 20), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NI", 28), (b"NL", 18), (b"NO", 15), (b"OM", 23),
    (b"PK", 24), (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22), (b"RU", 33), (b"SA", 24),
    (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24), (b"SM", 27), (b"SO", 23), (b"ST", 25), (b"SV", 28),
    (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29), (b"VA", 22), (b"VG", 24), (b"XK", 20), (b"YE", 30),
];

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 2;
    while at < bytes.len() {
        let Some(next) = bytes[at..].iter().position(u8::is_ascii_digit) else {
            return;
        };
        at += next;
        let start = country_start(bytes, at);
        match start
            .filter(|start| is_start(text, *start))
            .and_then(|start| end(text, start))
        {
            Some((start, end)) => {
                found.push(start..end);
                at = end;
            }
            // The rest of a number begins nothing.
            None => {
                at += bytes[at..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
            }
        }
    }
}

/// Where two letters stand before a digit, with one space between at most.
fn country_start(bytes: &[u8], digit: usize) -> Option<usize> {
    let spaced = usize::from(bytes[digit - 1] == b' ');
    let start = digit.checked_sub(2 + spaced)?;
    bytes[start..start + 2]
        .iter()
        .all(u8::is_ascii_alphabetic)
        .then_some(start)
}

fn end(text: &str, start: usize) -> Option<(usize, usize)> {
    let country = text.as_bytes().get(start..start + 2)?.to_ascii_uppercase();
    let (_, len) = LENGTHS.iter().find(|(code, _)| code[..] == country[..])?;
    let mut number = Vec::with_capacity(*len);
    let (mut end, mut is_after_mark) = (start, false);
    for letter in text[start..].chars() {
        end += letter.len_utf8();
        if let Some(value) = value(letter) {
            number.push(value);
            is_after_mark = false;
        } else {
            let is_mark = mark(letter).is_some_and(|mark| b" -.".contains(&mark));
            if is_after_mark || !is_mark {
                return None;
            }
            is_after_mark = true;
        }
        if number.len() == *len {
            break;
        }
    }
    let is_one = number.len() == *len && number[2] < 10 && number[3] < 10 && is_end(text, end);
    (is_one && is_checked(&number)).then_some((start, end))
}

fn value(letter: char) -> Option<u8> {
    let of_letter = || {
        letter
            .is_ascii_alphabetic()
            .then(|| letter.to_ascii_uppercase() as u8 - b'A' + 10)
    };
    digit(letter).or_else(of_letter)
}

/// Says whether the number with its first four places put last is 1 modulo 97.
fn is_checked(number: &[u8]) -> bool {
    let places = number[4..].iter().chain(&number[..4]);
    let rest = places.fold(0_u32, |rest, place| {
        let shift = if *place > 9 { 100 } else { 10 };
        (rest * shift + u32::from(*place)) % 97
    });
    rest == 1
}
