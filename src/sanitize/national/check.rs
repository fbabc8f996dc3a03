//! Check digits, and dates inside numbers. All take digits from 0 to 9.

use crate::sanitize::card::luhn;

/// Adds digits times weights.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| u32::from(*digit) * weight)
        .sum()
}

/// Returns digits as a number.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// Says whether digits are a day and a month.
pub(super) fn is_day(day: &[u8], month: &[u8]) -> bool {
    (1..=31).contains(&number(day)) && (1..=12).contains(&number(month))
}

fn is_last(digits: &[u8], check: u32) -> bool {
    digits.last().is_some_and(|last| u32::from(*last) == check)
}

pub(super) fn us_ssn(d: &[u8]) -> bool {
    let area = number(&d[..3]);
    area != 0 && area != 666 && area < 900 && number(&d[3..5]) > 0 && number(&d[5..]) > 0
}

pub(super) fn us_itin(d: &[u8]) -> bool {
    let group = number(&d[3..5]);
    // 987-65-432x were set aside for advertisements.
    let is_example = number(&d[..8]) == 98_765_432;
    d[0] == 9 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99) && !is_example
}

pub(super) fn us_any(d: &[u8]) -> bool {
    us_ssn(d) || us_itin(d)
}

pub(super) fn luhn_nonzero(d: &[u8]) -> bool {
    luhn(d) && d.iter().any(|digit| *digit != d[0])
}

/// German tax id: ISO 7064 mod 11, 10; one digit of the first ten stands twice or three times.
pub(super) fn de_tax(d: &[u8]) -> bool {
    let mut counts = [0; 10];
    for digit in &d[..10] {
        counts[usize::from(*digit)] += 1;
    }
    let most = counts.into_iter().max();
    d[0] != 0 && most.is_some_and(|most| most == 2 || most == 3) && iso_11_10(d)
}

/// ISO 7064 mod 11, 10.
pub(super) fn iso_11_10(d: &[u8]) -> bool {
    let product = d[..d.len() - 1].iter().fold(10_u32, |product, digit| {
        let sum = (u32::from(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    is_last(d, (11 - product) % 10)
}

/// French NIR with its key; Corsica's letters are read as `19` and `18`.
pub(super) fn fr_nir(d: &[u8]) -> bool {
    let month = number(&d[3..5]);
    let is_month = matches!(month, 1..=12 | 20 | 30..=42 | 50..=99);
    matches!(d[0], 1 | 2 | 3 | 4 | 7 | 8)
        && is_month
        && number(&d[5..7]) > 0
        && number(&d[13..]) == 97 - number(&d[..13]) % 97
}

pub(super) fn nl_bsn(d: &[u8]) -> bool {
    let sum = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == u32::from(d[8]) && number(d) > 9_999_999
}

pub(super) fn be_national(d: &[u8]) -> bool {
    let (head, check) = (number(&d[..9]), number(&d[9..]));
    let is_date = number(&d[2..4]) <= 12 && number(&d[4..6]) <= 31;
    is_date && (97 - head % 97 == check || 97 - (2_000_000_000 + head) % 97 == check)
}

pub(super) fn pl_pesel(d: &[u8]) -> bool {
    let sum = weighted(&d[..10], &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let month = number(&d[2..4]);
    matches!(month, 1..=12 | 21..=32)
        && (1..=31).contains(&number(&d[4..6]))
        && is_last(d, (10 - sum % 10) % 10)
}

/// Swedish number of ten digits.
pub(super) fn se_personal(d: &[u8]) -> bool {
    let day = number(&d[4..6]);
    let day = if day > 60 { day - 60 } else { day };
    (1..=31).contains(&day) && (1..=12).contains(&number(&d[2..4])) && luhn(d)
}

pub(super) fn se_personal_long(d: &[u8]) -> bool {
    matches!(number(&d[..2]), 18..=20) && se_personal(&d[2..])
}

pub(super) fn dk_cpr(d: &[u8]) -> bool {
    is_day(&d[..2], &d[2..4])
}

pub(super) fn dk_cpr_checked(d: &[u8]) -> bool {
    dk_cpr(d) && weighted(d, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

pub(super) fn no_birth(d: &[u8]) -> bool {
    let day = number(&d[..2]) % 40;
    let first = weighted(&d[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11;
    let second = weighted(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11;
    (1..=31).contains(&day)
        && (1..=12).contains(&(number(&d[2..4]) % 40))
        && first == 0
        && second == 0
}

/// The check digit of EAN-13, behind Switzerland's country number.
pub(super) fn ch_ahv(d: &[u8]) -> bool {
    let sum = weighted(&d[..12], &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    d[..3] == [7, 5, 6] && is_last(d, (10 - sum % 10) % 10)
}

pub(super) fn at_social(d: &[u8]) -> bool {
    let sum = weighted(d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]);
    d[0] != 0 && sum % 11 == u32::from(d[3]) && is_day(&d[4..6], &d[6..8])
}

pub(super) fn br_cpf(d: &[u8]) -> bool {
    let check = |count: usize| {
        let weights: Vec<u32> = (2..=count as u32 + 1).rev().collect();
        let rest = weighted(&d[..count], &weights) * 10 % 11 % 10;
        rest == u32::from(d[count])
    };
    d.iter().any(|digit| *digit != d[0]) && check(9) && check(10)
}

/// The Verhoeff digit, over the dihedral group of the pentagon.
pub(super) fn in_aadhaar(d: &[u8]) -> bool {
    let rotate = |at: usize, digit: u8| {
        let first = [1_u8, 5, 7, 6, 2, 8, 3, 0, 9, 4];
        (0..at % 8).fold(digit, |digit, _| first[usize::from(digit)])
    };
    let join = |left: u8, right: u8| match (left / 5, right / 5) {
        (0, 0) => (left + right) % 5,
        (0, _) => 5 + (left + right) % 5,
        (_, 0) => 5 + (left + 5 - right) % 5,
        _ => (left + 5 - right % 5) % 5,
    };
    let sum = d
        .iter()
        .rev()
        .enumerate()
        .fold(0, |sum, (at, digit)| join(sum, rotate(at, *digit)));
    d[0] > 1 && sum == 0
}

pub(super) fn au_tfn(d: &[u8]) -> bool {
    let weights: &[u32] = if d.len() == 8 {
        &[10, 7, 8, 4, 6, 3, 5, 1]
    } else {
        &[1, 4, 3, 7, 5, 8, 6, 9, 10]
    };
    weighted(d, weights).is_multiple_of(11)
}

pub(super) fn au_medicare(d: &[u8]) -> bool {
    (2..=6).contains(&d[0]) && weighted(&d[..8], &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == u32::from(d[8])
}

/// The date and the sex of a Korean number; numbers since 2020 have no check digit.
pub(super) fn kr_resident(d: &[u8]) -> bool {
    is_day(&d[4..6], &d[2..4]) && (1..=8).contains(&d[6])
}

pub(super) fn jp_my_number(d: &[u8]) -> bool {
    let sum = weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    is_last(d, if sum <= 1 { 0 } else { 11 - sum })
}

pub(super) fn za_id(d: &[u8]) -> bool {
    is_day(&d[4..6], &d[2..4]) && d[10] <= 1 && d[11] >= 8 && luhn(d)
}

pub(super) fn ro_cnp(d: &[u8]) -> bool {
    let sum = weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    (1..=8).contains(&d[0])
        && is_day(&d[5..7], &d[3..5])
        && number(&d[7..9]) <= 52
        && is_last(d, if sum == 10 { 1 } else { sum })
}

pub(super) fn bg_egn(d: &[u8]) -> bool {
    let sum = weighted(&d[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    number(&d[2..4]) % 20 <= 12 && is_last(d, sum)
}

pub(super) fn cz_birth(d: &[u8]) -> bool {
    let month = number(&d[2..4]) % 50 % 20;
    let day = number(&d[4..6]);
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (d.len() == 9 || number(d).is_multiple_of(11) || number(&d[..9]) % 11 == 10 && d[9] == 0)
}

/// Estonia and Lithuania.
pub(super) fn baltic(d: &[u8]) -> bool {
    let first = weighted(&d[..10], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weighted(&d[..10], &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first < 10 { first } else { second % 10 };
    (1..=6).contains(&d[0]) && is_day(&d[5..7], &d[3..5]) && is_last(d, check)
}

pub(super) fn lv_personal(d: &[u8]) -> bool {
    d[..2] == [3, 2] || is_day(&d[..2], &d[2..4]) && d[6] <= 2
}

pub(super) fn tr_identity(d: &[u8]) -> bool {
    let odd: u32 = d[..9]
        .iter()
        .step_by(2)
        .map(|digit| u32::from(*digit))
        .sum();
    let even: u32 = d[1..8]
        .iter()
        .step_by(2)
        .map(|digit| u32::from(*digit))
        .sum();
    let all: u32 = d[..10].iter().map(|digit| u32::from(*digit)).sum();
    d[0] != 0 && (odd * 7 + 100 - even) % 10 == u32::from(d[9]) && all % 10 == u32::from(d[10])
}

pub(super) fn gr_amka(d: &[u8]) -> bool {
    is_day(&d[..2], &d[2..4]) && luhn(d)
}

pub(super) fn pt_nif(d: &[u8]) -> bool {
    let sum = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    d[0] != 0 && is_last(d, if sum < 2 { 0 } else { 11 - sum })
}

pub(super) fn il_identity(d: &[u8]) -> bool {
    luhn_nonzero(d)
}

pub(super) fn gb_nhs(d: &[u8]) -> bool {
    let sum = 11 - weighted(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    is_last(d, sum % 11)
}

pub(super) fn th_identity(d: &[u8]) -> bool {
    let weights: Vec<u32> = (2..=13).rev().collect();
    d[0] != 0 && is_last(d, (11 - weighted(&d[..12], &weights) % 11) % 10)
}

pub(super) fn my_nric(d: &[u8]) -> bool {
    is_day(&d[4..6], &d[2..4]) && number(&d[6..8]) > 0
}

pub(super) fn ae_emirates(d: &[u8]) -> bool {
    d[..3] == [7, 8, 4] && luhn(d)
}

pub(super) fn ru_snils(d: &[u8]) -> bool {
    let sum = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
    u64::from(sum) == number(&d[9..])
}

pub(super) fn id_nik(d: &[u8]) -> bool {
    let day = number(&d[6..8]) % 40;
    (1..=31).contains(&day)
        && (1..=12).contains(&number(&d[8..10]))
        && (11..=94).contains(&number(&d[..2]))
}

pub(super) fn cn_resident(d: &[u8]) -> bool {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1];
    // The last place may be ten, spelled `X`.
    (11..=91).contains(&number(&d[..2]))
        && matches!(number(&d[6..8]), 18..=20)
        && is_day(&d[12..14], &d[10..12])
        && weighted(d, &weights) % 11 == 1
}

pub(super) fn hu_taj(d: &[u8]) -> bool {
    is_last(d, weighted(&d[..8], &[3, 7, 3, 7, 3, 7, 3, 7]) % 10)
}

pub(super) fn ar_cuil(d: &[u8]) -> bool {
    let sum = weighted(d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    matches!(number(&d[..2]), 20 | 23..=27 | 30 | 33 | 34) && sum.is_multiple_of(11)
}

/// Province, and the sex in the last digit; without a check digit.
pub(super) fn pk_identity(d: &[u8]) -> bool {
    (1..=8).contains(&d[0]) && d[5..12].iter().any(|digit| *digit != d[5])
}

pub(super) fn is_identity(d: &[u8]) -> bool {
    let sum = weighted(&d[..9], &[3, 2, 7, 6, 5, 4, 3, 2, 1]);
    is_day(&d[..2], &d[2..4]) && matches!(d[9], 0 | 8 | 9) && sum.is_multiple_of(11)
}

/// JMBG and EMŠO.
pub(super) fn yu_citizen(d: &[u8]) -> bool {
    let sum = weighted(d, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    is_day(&d[..2], &d[2..4]) && matches!(d[4], 0 | 9) && sum.is_multiple_of(11)
}

pub(super) fn ua_tax(d: &[u8]) -> bool {
    let product = |(digit, weight): (&u8, i32)| i32::from(*digit) * weight;
    let sum: i32 = d[..9]
        .iter()
        .zip([-1, 5, 7, 9, 4, 6, 10, 5, 7])
        .map(product)
        .sum();
    sum.rem_euclid(11) % 10 == i32::from(d[9])
}

pub(super) fn nz_ird(d: &[u8]) -> bool {
    let check = |weights: &[u32]| match weighted(&d[..8], weights) % 11 {
        0 => 0,
        rest => 11 - rest,
    };
    let (first, second) = (
        check(&[3, 2, 7, 6, 5, 4, 3, 2]),
        check(&[7, 4, 3, 2, 5, 2, 7, 6]),
    );
    is_last(d, if first < 10 { first } else { second })
}

/// Any digits: the word before them says enough.
pub(super) fn any(d: &[u8]) -> bool {
    d.iter().any(|digit| *digit != d[0])
}
