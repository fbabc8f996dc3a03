//! Whether a text looks as if a generator made it.

/// Words that stand where a key will be put.
#[rustfmt::skip]
const PLACEHOLDERS: [&str; 14] = [
    "your", "placeholder", "changeme", "change-me", "change_me", "redacted", "insert", "replace", "dummy_", "<", "****", "....", "todo",
    "_here",
];

/// Says whether a key's text stands for one that is to be filled in.
pub(super) fn is_placeholder(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    let is_blank = key.contains("xxxx") || key.contains("XXXX");
    is_blank || PLACEHOLDERS.iter().any(|word| lower.contains(word)) || distinct(key) < 5
}

fn distinct(key: &str) -> u32 {
    let seen = key
        .bytes()
        .fold(0_u128, |seen, byte| seen | 1 << (byte & 127));
    seen.count_ones()
}

/// Says whether a text behind a prefix of its own is a key: it has digits and letters, or both cases, mixed.
pub(super) fn is_body(body: &str) -> bool {
    let has = |is: fn(&u8) -> bool| body.bytes().any(|byte| is(&byte));
    let digits = has(u8::is_ascii_digit);
    let (upper, lower) = (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase));
    let is_words = body.split(['-', '_']).all(is_pure)
        && body.contains(['-', '_'])
        && !(upper && lower && digits);
    (digits && (upper || lower) || upper && lower) && !is_words && !is_placeholder(body)
}

/// Says whether a part of a name is a word, a number, or short.
fn is_pure(part: &str) -> bool {
    let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
    letters == 0 && part.len() < 9 || letters == part.len() && part.len() < 20 || part.len() <= 3
}

/// Says whether a text that nothing but its name tells is a key.
pub(super) fn is_random(value: &str) -> bool {
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_words = value.split(['-', '_', '.', '/', ':']).all(is_pure);
    value.len() >= 16
        && letters >= 2
        && (digits >= 2 || digits == 1 && changes(value) >= 6)
        && !is_words
        && changes(value) >= 3
        && !is_placeholder(value)
}

/// Says whether a text that is random is base64 rather than a path: no other marks, and hardly two letters of a kind together.
pub(super) fn is_base64(value: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    value.len() >= 24 && value.bytes().all(is_part) && changes(value) * 5 >= value.len() * 2
}

/// How often digits, capitals and small letters follow each other.
fn changes(value: &str) -> usize {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 1,
        b'A'..=b'Z' => 2,
        b'a'..=b'z' => 3,
        _ => 0,
    };
    let classes: Vec<u8> = value
        .bytes()
        .map(class)
        .filter(|class| *class > 0)
        .collect();
    classes.windows(2).filter(|pair| pair[0] != pair[1]).count()
}
