//! IP addresses, version 4 and 6; a port, a prefix length and brackets around it stay.
//!
//! Promise: linear time. Versions, section numbers, times, MAC addresses, slices and paths of code are none.

use std::{net::Ipv6Addr, ops::Range};

use super::text::{WordsBack, char_at, char_before, is_escape_before, is_word};

/// No spelling of an address is longer.
const V6_BYTES_MAX: usize = 45;
const ZONE_BYTES_MAX: usize = 15;
/// Words before four numbers that are no address.
#[rustfmt::skip]
const OTHER: [&str; 47] = [
    "annex", "appendix", "article", "assembly", "bios", "build", "builds", "chapter", "chapters", "clause", "driver", "fig",
    "figure", "firmware", "fw", "kapitel", "oid", "paragraph", "patch", "rel", "release", "releases", "requirement", "rev",
    "revision", "rfc", "sdk", "sec", "section", "sections", "sect", "step", "table", "upgrade", "upgraded", "v", "ver",
    "vers", "versie", "version", "versions", "versión", "versione", "versão", "wersja", "xcode", "§",
];
/// Words behind four numbers that are no address.
const OTHER_AFTER: [&str; 9] = [
    "release", "version", "build", "firmware", "patch", "hotfix", "beta", "alpha", "update",
];
/// Words before a slash that are no product's name.
const BEFORE_SLASH: [&str; 12] = [
    "tcp", "udp", "ip", "ipv4", "ipv6", "inet", "host", "src", "dst", "http", "https", "addr",
];

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let (mut at, mut version_end) = (0, None);
    while let Some(next) = bytes[at..]
        .iter()
        .position(|byte| byte.is_ascii_digit() || *byte == b':')
    {
        at += next;
        if let Some(end) = v6_around(text, at, found) {
            at = end;
        } else if bytes[at].is_ascii_digit() {
            at = v4(text, at, &mut version_end, found);
        } else {
            at += 1;
        }
    }
}

/// Looks at the dotted numbers from a place on, and returns where they end.
fn v4(
    text: &str,
    start: usize,
    version_end: &mut Option<usize>,
    found: &mut Vec<Range<usize>>,
) -> usize {
    let bytes = text.as_bytes();
    let len = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    let token = text[start..start + len].trim_end_matches('.');
    let end = start + token.len();
    let is_range = found.last().is_some_and(|last| last.end + 1 == start);
    if !is_four(token) || !(is_bounded(text, start, end) || is_range) {
        return start + len;
    }
    let follows = version_end.is_some_and(|before| joins(&text[before..start]));
    if follows || is_other(text, start, end) {
        *version_end = Some(end);
    } else {
        found.push(start..end);
    }
    start + len
}

/// Says whether a text is four numbers below 256, none with a zero before it.
fn is_four(token: &str) -> bool {
    let is_octet = |part: &str| {
        let is_short = (1..=3).contains(&part.len()) && (part.len() == 1 || !part.starts_with('0'));
        is_short && part.parse::<u8>().is_ok()
    };
    token.len() >= 7
        && token.len() <= 15
        && token.split('.').count() == 4
        && token.split('.').all(is_octet)
}

fn is_bounded(text: &str, start: usize, end: usize) -> bool {
    let before = char_before(text, start);
    let is_inside = match before {
        Some('.' | '-') => {
            let mut back = text[..start].chars().rev().skip(1);
            back.next().is_some_and(is_word)
        }
        Some(letter) => is_word(letter) && !is_escape_before(text.as_bytes(), start),
        None => false,
    };
    let mut after = text[end..].chars();
    let (next, behind) = (after.next(), after.next());
    let goes_on = match next {
        Some('.' | '+') => behind.is_some_and(is_word),
        Some('-') => behind.is_some_and(char::is_alphabetic),
        Some(letter) => is_word(letter),
        None => false,
    };
    !is_inside && !goes_on
}

/// Says whether what stands around four numbers says that they are a version or a section.
fn is_other(text: &str, start: usize, end: usize) -> bool {
    let before = &text[..start];
    let is_section = before.ends_with("§ ") || before.ends_with('§');
    // The arcs of directory and Internet object identifiers.
    let address = &text[start..end];
    let is_object = address.starts_with("2.5.29.") || address == "1.3.6.1";
    if is_object
        || is_section
        || before.ends_with('/') && is_product(before)
        || is_requirement(before)
    {
        return true;
    }
    let is_version = |word: &String| OTHER.contains(&word.as_str()) || word.ends_with("version");
    let mut words = WordsBack::before(text, start);
    let first = words.next();
    let second = words.next();
    let is_named = first.as_ref().is_some_and(is_version)
        || first.as_ref().is_some_and(|word| {
            ["is", "to", "from", "number", "no", "info", "string"].contains(&word.as_str())
        }) && second.as_ref().is_some_and(is_version);
    let after = text[end..].trim_start_matches(' ');
    let word: String = after
        .chars()
        .take(12)
        .take_while(|letter| letter.is_alphabetic())
        .collect();
    is_named && !is_spelled_out(before) || OTHER_AFTER.contains(&word.to_lowercase().as_str())
}

/// Says whether a package's version is asked for: `name==1.2.3.4`.
fn is_requirement(before: &str) -> bool {
    let loose = before.trim_end_matches([' ', '"', '\'']);
    let Some(name) = ["==", ">=", "<=", "~="]
        .iter()
        .find_map(|sign| before.strip_suffix(sign))
        .or_else(|| loose.strip_suffix("~>"))
    else {
        return false;
    };
    let is_address = |word: &str| ["ip", "addr", "address", "host", "src", "dst"].contains(&word);
    !WordsBack::before(name, name.len())
        .take(2)
        .any(|word| is_address(&word))
}

/// Says whether another number stands between the word and the address: `version 5.7 at 10.0.0.1`.
fn is_spelled_out(before: &str) -> bool {
    let tail = before.trim_end_matches([' ', ':', '=', '"', '\'', '(', '#']);
    tail.ends_with(|letter: char| letter.is_ascii_digit())
}

/// Says whether the word before a slash is a product's name, as in `Chrome/120.0.0.0`.
fn is_product(before: &str) -> bool {
    let before = &before[..before.len() - 1];
    let start = before
        .char_indices()
        .rev()
        .take(32)
        .take_while(|(_, letter)| {
            letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
        })
        .last()
        .map(|(at, _)| at);
    let Some(start) = start else { return false };
    let word = &before[start..];
    let is_name = word.starts_with(|letter: char| letter.is_ascii_alphabetic());
    let is_path =
        char_before(before, start).is_some_and(|letter| matches!(letter, '/' | ':' | '\\'));
    is_name && !is_path && !BEFORE_SLASH.contains(&word.to_ascii_lowercase().as_str())
}

/// Says whether a text between two numbers makes the second what the first is.
fn joins(between: &str) -> bool {
    let between = between.trim();
    [
        "to", "and", "or", "through", "until", "-", "–", "->", "→", ",", ", and", "bis", "und",
    ]
    .contains(&between)
}

/// Looks for a version 6 address around the first digit or colon of a token, and returns where the token ends.
fn v6_around(text: &str, at: usize, found: &mut Vec<Range<usize>>) -> Option<usize> {
    let bytes = text.as_bytes();
    let back = bytes[..at]
        .iter()
        .rev()
        .take(4)
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || **byte == b':';
    let start = at - back;
    let len = bytes[start..]
        .iter()
        .take(V6_BYTES_MAX + 1)
        .take_while(is_part)
        .count();
    let token = &bytes[start..start + len];
    let colons = text[start..start + len].matches(':').count();
    if colons < 2 {
        return None;
    }
    let mut end = start + len;
    if bytes.get(end) == Some(&b'.') {
        end += bytes[end..]
            .iter()
            .take(13)
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .count();
    }
    let address = text[start..end].trim_end_matches('.');
    let address = address
        .strip_suffix(':')
        .filter(|rest| !rest.ends_with(':'))
        .unwrap_or(address);
    if address.len() > V6_BYTES_MAX || !is_v6(text, start, address) {
        return (!token.contains(&b'.') && colons > 2).then_some(start + len);
    }
    let end = start + address.len();
    let end = end + zone_len(&text[end..]);
    found.push(start..end);
    Some(end.max(at + 1))
}

fn is_v6(text: &str, start: usize, address: &str) -> bool {
    let end = start + address.len();
    let is_word_before = char_before(text, start)
        .is_some_and(|letter| is_word(letter) || letter == ':')
        && !is_escape_before(text.as_bytes(), start);
    let is_word_after = char_at(text, end).is_some_and(is_word);
    if is_word_before || is_word_after || !address.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let is_short = address.contains("::") && {
        let first = address.split(':').next().unwrap_or("");
        let groups = address.split(':').filter(|group| !group.is_empty()).count();
        !(first.is_empty() || first.len() >= 3 || groups >= 3)
    };
    let is_station = !address.contains("::") && address.split(':').all(|group| group.len() == 2);
    address.parse::<Ipv6Addr>().is_ok()
        && !is_short
        && !is_station
        && !is_slice(text, start, address)
}

/// Says whether a bracket before the place belongs to an index: `list[::2]`.
fn is_slice(text: &str, start: usize, address: &str) -> bool {
    let before = text[..start].strip_suffix('[');
    before.is_some_and(|before| {
        before.ends_with(|letter: char| is_word(letter) || matches!(letter, ']' | ')'))
            || before.ends_with(['"', '\'']) && address.starts_with("::")
    })
}

/// The length of `%eth0`.
fn zone_len(rest: &str) -> usize {
    let Some(zone) = rest.strip_prefix('%') else {
        return 0;
    };
    let len = zone
        .bytes()
        .take(ZONE_BYTES_MAX)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    if len == 0 { 0 } else { len + 1 }
}
