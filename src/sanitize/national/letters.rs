//! Numbers with letters in them: each function is a country's number, given its letters in capitals and without marks.

use std::ops::Range;

use super::{
    check::{self, weighted},
    words,
};
use crate::sanitize::{
    text::{char_at, char_before, is_end, is_start},
    words::{Context, Told},
};

/// The longest form, marks included, is shorter.
const BYTES_MAX: usize = 32;

/// A number with letters: how its places are made, `9` a digit, `A` a letter, `*` either.
struct Rule {
    places: &'static str,
    is_one: fn(&[u8]) -> bool,
    /// A word must say it.
    is_told: bool,
    context: &'static Context<'static>,
}

const fn rule(
    places: &'static str,
    is_one: fn(&[u8]) -> bool,
    is_told: bool,
    context: &'static Context<'static>,
) -> Rule {
    Rule {
        places,
        is_one,
        is_told,
        context,
    }
}

static RULES: [Rule; 19] = [
    rule("AA999999A", gb_nino, false, &words::GB),
    rule("AA999999A", gb_nino_example, true, &words::GB),
    rule("AAAAAA**A**A***A", it_fiscal, false, &words::IT),
    rule("99999999A", es_dni, false, &words::ES),
    rule("A9999999A", es_nie, false, &words::ES),
    rule("A9999999A", sg_nric, false, &words::SG),
    rule("999999*99999999", fr_corsica, false, &words::FR),
    rule("9999999A", ie_pps, true, &words::IE),
    rule("9999999AA", ie_pps, true, &words::IE),
    rule("AAAA999999AAAAAA*9", mx_curp, false, &words::MX),
    rule("AAAAA9999A", in_pan, false, &words::PAN),
    rule("AAAAA9999A", any, true, &words::PAN),
    rule("99999999999999999A", cn_resident, false, &words::CN),
    rule("A999999*", hk_identity, false, &words::NONE),
    rule("A999999999", tw_identity, false, &words::NONE),
    rule("9999999*", cl_rut, false, &words::NONE),
    rule("99999999*", cl_rut, false, &words::NONE),
    rule("999999*999*", fi_hetu, false, &words::NORDIC),
    rule("999999999*", fi_hyphen, false, &words::NORDIC),
];

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(u8::is_ascii_alphanumeric) {
        at += next;
        let len = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let found_len = if is_start(text, at) {
            identity_len(text, at, len)
        } else {
            None
        };
        if let Some(len) = found_len {
            found.push(at..at + len);
        }
        at += found_len.unwrap_or(len);
    }
}

/// A text without what parts it, in capitals, and where each of its places ends.
struct Places {
    letters: Vec<u8>,
    ends: Vec<usize>,
    marks: Vec<(usize, u8)>,
}

impl Places {
    fn read(text: &str) -> Self {
        let mut places = Self {
            letters: Vec::with_capacity(18),
            ends: Vec::with_capacity(18),
            marks: Vec::new(),
        };
        let mut is_after_mark = false;
        for (at, byte) in text.bytes().enumerate().take(BYTES_MAX) {
            if byte.is_ascii_alphanumeric() {
                places.letters.push(byte.to_ascii_uppercase());
                places.ends.push(at + 1);
                is_after_mark = false;
            } else if is_after_mark || !b" -.+()".contains(&byte) {
                break;
            } else {
                places.marks.push((places.letters.len(), byte));
                is_after_mark = true;
            }
        }
        places
    }

    fn marks_below(&self, count: usize) -> impl Iterator<Item = (usize, u8)> {
        self.marks
            .iter()
            .copied()
            .filter(move |(at, _)| *at < count)
    }
}

fn identity_len(text: &str, start: usize, word_len: usize) -> Option<usize> {
    let first = &text[start..start + word_len];
    let has_digit = first.bytes().any(|byte| byte.is_ascii_digit());
    let next = text.as_bytes().get(start + word_len).copied();
    let may_go_on = matches!(next, Some(b' ' | b'-' | b'.' | b'+')) && word_len <= 11;
    if word_len > 18 || !has_digit && (!may_go_on || word_len > 6) || word_len < 1 {
        return None;
    }
    if !is_number_before(text, start) {
        return None;
    }
    let places = Places::read(&text[start..]);
    if !places.letters.iter().any(u8::is_ascii_digit) {
        return None;
    }
    RULES.iter().find_map(|rule| rule.len(text, start, &places))
}

/// Says whether no longer name or number goes on before a place.
fn is_number_before(text: &str, start: usize) -> bool {
    match char_before(text, start) {
        Some(letter @ ('-' | '.' | '/' | '@' | '=' | '+')) if letter != '=' => {
            !char_before(text, start - 1).is_some_and(|letter| letter.is_ascii_alphanumeric())
        }
        _ => true,
    }
}

impl Rule {
    fn len(&self, text: &str, start: usize, places: &Places) -> Option<usize> {
        let count = self.places.len();
        let letters = places.letters.get(..count)?;
        let fits = self
            .places
            .bytes()
            .zip(letters)
            .all(|(place, letter)| match place {
                b'9' => letter.is_ascii_digit(),
                b'A' => letter.is_ascii_uppercase(),
                _ => true,
            });
        let mut len = places.ends[count - 1];
        if !fits || !(self.is_one)(letters) || !self.are_marks(places, letters) {
            return None;
        }
        len += usize::from(places.marks_below(count).any(|(_, mark)| mark == b'('));
        let end = start + len;
        let goes_on = matches!(char_at(text, end), Some('-' | '@' | '.'))
            && char_at(text, end + 1).is_some_and(|letter| letter.is_ascii_alphanumeric());
        if !is_end(text, end) || goes_on {
            return None;
        }
        let told = self.context.before(text, start);
        let is_one = told != Told::No
            && (!self.is_told || told == Told::Yes || self.context.is_near(text, start));
        is_one.then_some(len)
    }

    /// Says whether what parts the places is where that number has it.
    fn are_marks(&self, places: &Places, letters: &[u8]) -> bool {
        let mut marks = places.marks_below(self.places.len());
        let last = letters.len() - 1;
        match self.places {
            // Two by two, or the letters apart.
            "AA999999A" => {
                marks.all(|(at, mark)| b" -.".contains(&mark) && [2, 4, 6, 8].contains(&at))
            }
            "99999999A" => {
                let marks: Vec<(usize, u8)> = marks.collect();
                // One dot alone is a decimal: the seconds of a time.
                let dots = marks.iter().filter(|(_, mark)| *mark == b'.').count();
                let are_placed = marks
                    .iter()
                    .all(|(at, mark)| b" -.".contains(mark) && [2, 5, 8].contains(at));
                are_placed && dots != 1
            }
            "A9999999A" => marks.all(|(at, mark)| mark == b'-' && [1, 8].contains(&at)),
            "AAAAAA**A**A***A" => {
                marks.all(|(at, mark)| mark == b' ' && [3, 6, 11, 15].contains(&at))
            }
            "999999*99999999" => {
                marks.all(|(at, mark)| mark == b' ' && [1, 3, 5, 7, 10, 13].contains(&at))
            }
            "999999999*" => {
                marks
                    .next()
                    .is_some_and(|(at, mark)| at == 6 && b"+-".contains(&mark))
                    && marks.next().is_none()
            }
            "9999999*" | "99999999*" => {
                let marks: Vec<(usize, u8)> = marks.collect();
                let has_dots = marks.iter().filter(|(_, mark)| *mark == b'.').count() == 2;
                marks.contains(&(last, b'-'))
                    && (has_dots && marks.len() == 3 || marks.len() == 1 && letters[last] == b'K')
                    && marks
                        .iter()
                        .all(|(at, _)| *at == last || *at == last - 3 || *at == last - 6)
            }
            "A999999*" => {
                let marks: Vec<(usize, u8)> = marks.collect();
                marks == [(7, b'(')]
            }
            _ => marks.next().is_none(),
        }
    }
}

fn any(_: &[u8]) -> bool {
    true
}

fn digits(letters: &[u8]) -> Vec<u8> {
    letters
        .iter()
        .map(|letter| letter.wrapping_sub(b'0'))
        .collect()
}

fn gb_nino(l: &[u8]) -> bool {
    let is_prefix = !b"DFIQUV".contains(&l[0]) && !b"DFIQUVO".contains(&l[1]);
    let is_used = ![b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"]
        .iter()
        .any(|no| l.starts_with(&no[..]));
    is_prefix && is_used && (b'A'..=b'D').contains(&l[8])
}

/// The prefix that official examples have.
fn gb_nino_example(l: &[u8]) -> bool {
    l.starts_with(b"QQ") && (b'A'..=b'D').contains(&l[8])
}

/// Month letter, day, place, and the control letter; digits may be replaced by letters where two people share a code.
fn it_fiscal(l: &[u8]) -> bool {
    let is_digit = |at: usize| l[at].is_ascii_digit() || b"LMNPQRSTUV".contains(&l[at]);
    let is_form =
        [6, 7, 9, 10, 12, 13, 14].iter().all(|at| is_digit(*at)) && b"ABCDEHLMPRST".contains(&l[8]);
    let odd = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let rank = |letter: u8| {
        usize::from(if letter.is_ascii_digit() {
            letter - b'0'
        } else {
            letter - b'A'
        })
    };
    let sum: usize = l[..15]
        .iter()
        .enumerate()
        .map(|(at, letter)| {
            if at % 2 == 0 {
                odd[rank(*letter)]
            } else {
                rank(*letter)
            }
        })
        .sum();
    is_form && l[15].is_ascii_uppercase() && sum % 26 == usize::from(l[15] - b'A')
}

fn es_letter(number: u64) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[usize::try_from(number % 23).unwrap_or(0)]
}

fn es_dni(l: &[u8]) -> bool {
    l[8] == es_letter(check::number(&digits(&l[..8])))
}

fn es_nie(l: &[u8]) -> bool {
    let Some(first) = b"XYZ".iter().position(|letter| *letter == l[0]) else {
        return false;
    };
    let number = first as u64 * 10_000_000 + check::number(&digits(&l[1..8]));
    l[8] == es_letter(number)
}

fn sg_nric(l: &[u8]) -> bool {
    let sum = weighted(&digits(&l[1..8]), &[2, 7, 6, 5, 4, 3, 2]);
    let (shift, letters): (u32, &[u8]) = match l[0] {
        b'S' => (0, b"JZIHGFEDCBA"),
        b'T' => (4, b"JZIHGFEDCBA"),
        b'F' => (0, b"XWUTRQPNMLK"),
        b'G' => (4, b"XWUTRQPNMLK"),
        b'M' => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let at = ((sum + shift) % 11) as usize;
    let at = if l[0] == b'M' { 10 - at } else { at };
    letters[at] == l[8]
}

/// A NIR of Corsica: `2A`, `2B` for the department.
fn fr_corsica(l: &[u8]) -> bool {
    let mut digits = digits(l);
    match (l[5], l[6]) {
        (b'2', b'A') => digits[6] = 9,
        (b'2', b'B') => digits[6] = 8,
        _ => return false,
    }
    digits[5] = 1;
    check::fr_nir(&digits)
}

fn ie_pps(l: &[u8]) -> bool {
    let ninth = l
        .get(8)
        .map_or(0, |letter| u32::from(letter - b'A' + 1) * 9);
    let sum = (weighted(&digits(&l[..7]), &[8, 7, 6, 5, 4, 3, 2]) + ninth) % 23;
    let letter = if sum == 0 { b'W' } else { b'A' + sum as u8 - 1 };
    l[7] == letter
}

fn mx_curp(l: &[u8]) -> bool {
    let order = "0123456789ABCDEFGHIJKLMN\u{d1}OPQRSTUVWXYZ";
    let rank = |letter: u8| {
        order
            .chars()
            .position(|one| one == char::from(letter))
            .unwrap_or(0) as u32
    };
    let sum: u32 = l[..17]
        .iter()
        .zip((2..=18).rev())
        .map(|(letter, weight)| rank(*letter) * weight)
        .sum();
    let is_date = check::is_day(&digits(&l[8..10]), &digits(&l[6..8]));
    b"HMX".contains(&l[10]) && is_date && u32::from(l[17] - b'0') == (10 - sum % 10) % 10
}

fn in_pan(l: &[u8]) -> bool {
    b"ABCFGHLJPT".contains(&l[3])
}

fn cn_resident(l: &[u8]) -> bool {
    let mut digits = digits(l);
    digits[17] = 10;
    l[17] == b'X' && check::cn_resident(&digits)
}

fn hk_identity(l: &[u8]) -> bool {
    let letter = u32::from(l[0] - b'A') + 10;
    let sum = 36 * 9 + letter * 8 + weighted(&digits(&l[1..7]), &[7, 6, 5, 4, 3, 2]);
    let check = (11 - sum % 11) % 11;
    l[7] == if check == 10 {
        b'A'
    } else {
        b'0' + check as u8
    }
}

fn tw_identity(l: &[u8]) -> bool {
    let Some(place) = b"ABCDEFGHJKLMNPQRSTUVXYWZIO"
        .iter()
        .position(|letter| *letter == l[0])
    else {
        return false;
    };
    let place = place as u32 + 10;
    let sum =
        place / 10 + place % 10 * 9 + weighted(&digits(&l[1..]), &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(l[1], b'1' | b'2' | b'8' | b'9') && sum.is_multiple_of(10)
}

fn cl_rut(l: &[u8]) -> bool {
    let last = l.len() - 1;
    let weights = [2, 3, 4, 5, 6, 7, 2, 3];
    let reversed: Vec<u8> = digits(&l[..last]).into_iter().rev().collect();
    let check = 11 - weighted(&reversed, &weights) % 11;
    let check = match check {
        11 => b'0',
        10 => b'K',
        check => b'0' + check as u8,
    };
    l[last] == check
}

/// The century's sign is a letter here; the form with a hyphen has one place less and is read by its own rule.
fn fi_hetu(l: &[u8]) -> bool {
    b"ABCDEFYXWVU".contains(&l[6]) && fi_check(&digits(&l[..6]), &l[7..])
}

fn fi_check(date: &[u8], rest: &[u8]) -> bool {
    let serial = digits(&rest[..3]);
    if !rest[..3].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let number = check::number(date) * 1000 + check::number(&serial);
    let letter = b"0123456789ABCDEFHJKLMNPRSTUVWXY"[usize::try_from(number % 31).unwrap_or(0)];
    check::is_day(&date[..2], &date[2..4]) && rest[3] == letter
}

/// A Finnish number with a hyphen or plus for the century.
fn fi_hyphen(l: &[u8]) -> bool {
    fi_check(&digits(&l[..6]), &l[6..])
}
