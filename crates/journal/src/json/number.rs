//! How a number is spelled.
//!
//! Promise: exact. A number's decimal value is never rounded on its way into the journal: what does not fit in
//! [`NUMBER_CHARS_MAX`](super::NUMBER_CHARS_MAX) characters without an exponent becomes a string of the host's own spelling.

use super::NUMBER_CHARS_MAX;

/// Says whether `token` is a number in the journal's spelling: `-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?`, not `-0`, not too long.
pub(super) fn is_spelled(token: &[u8]) -> bool {
    let unsigned = token.strip_prefix(b"-").unwrap_or(token);
    let mut parts = unsigned.splitn(2, |&byte| byte == b'.');
    let (whole, fraction) = (parts.next().unwrap_or_default(), parts.next());
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let whole_right =
        digits(whole) && (whole == b"0" || whole.first().is_some_and(|&digit| digit != b'0'));
    let fraction_right =
        fraction.is_none_or(|part| digits(part) && part.last().is_some_and(|&digit| digit != b'0'));
    whole_right && fraction_right && token != b"-0" && token.len() <= NUMBER_CHARS_MAX
}

/// Writes `token`, a number of the host's JSON, in the journal's spelling.
pub(super) fn write_number(out: &mut Vec<u8>, token: &str) {
    if is_spelled(token.as_bytes()) {
        out.extend_from_slice(token.as_bytes());
        return;
    }
    let start = out.len();
    if !expand(out, token) {
        out.truncate(start);
        super::write_str(out, token);
    }
}

/// Writes the number without exponent or needless zeros; false, with anything written, where that is too long.
fn expand(out: &mut Vec<u8>, token: &str) -> bool {
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = || whole.bytes().chain(fraction.bytes());
    let leading = all().take_while(|&digit| digit == b'0').count();
    let total = whole.len() + fraction.len();
    if leading == total {
        out.push(b'0');
        return true;
    }
    let trailing = all().rev().take_while(|&digit| digit == b'0').count();
    let significant = total - leading - trailing;
    // How many of the significant digits stand before the point; negative where zeros stand between.
    let before = saturating_exponent(exponent) + whole.len() as i64 - leading as i64;
    let zeros = before.unsigned_abs().max(significant as u64);
    if zeros > NUMBER_CHARS_MAX as u64 {
        return false;
    }
    let start = out.len();
    if token.len() > unsigned.len() {
        out.push(b'-');
    }
    write_digits(
        out,
        all().skip(leading).take(significant),
        significant as i64,
        before,
    );
    out.len() - start <= NUMBER_CHARS_MAX
}

fn write_digits(
    out: &mut Vec<u8>,
    digits: impl Iterator<Item = u8>,
    significant: i64,
    before: i64,
) {
    if before <= 0 {
        out.extend_from_slice(b"0.");
        out.extend((before..0).map(|_| b'0'));
    }
    for (at, digit) in (0..).zip(digits) {
        if at == before && before > 0 {
            out.push(b'.');
        }
        out.push(digit);
    }
    out.extend((significant..before).map(|_| b'0'));
}

/// Reads an exponent; one too large for the type is far beyond what is expanded in any case.
fn saturating_exponent(text: &str) -> i64 {
    const BEYOND: i64 = 1 << 40;
    let digits = text.trim_start_matches(['+', '-']).trim_start_matches('0');
    let size = match digits {
        "" => 0,
        _ if digits.len() > 12 => BEYOND,
        _ => digits.parse().unwrap_or(BEYOND),
    };
    if text.starts_with('-') { -size } else { size }
}
