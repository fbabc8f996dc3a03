//! Credentials that are told by their own form.

use super::Finding;

/// How a credential begins, in lower case, and how many characters must follow.
const PREFIXES: [(&str, usize); 38] = [
    ("age-secret-key-", 16),
    ("aiza", 20),
    ("akia", 12),
    ("aroa", 12),
    ("asia", 12),
    ("dapi", 24),
    ("dop_v1_", 16),
    ("fw_", 16),
    ("ghe_", 16),
    ("gho_", 16),
    ("ghp_", 16),
    ("ghr_", 16),
    ("ghs_", 16),
    ("ghu_", 16),
    ("github_pat_", 16),
    ("glpat-", 12),
    ("gsk_", 16),
    ("hf_", 16),
    ("lsv2_", 16),
    ("npm_", 20),
    ("nvapi-", 16),
    ("pk_live_", 8),
    ("pplx-", 16),
    ("pypi-", 16),
    ("r8_", 16),
    ("rk_live_", 8),
    ("sg.", 20),
    ("shpat_", 16),
    ("sk-", 8),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("tvly-", 12),
    ("whsec_", 8),
    ("xai-", 16),
    ("xapp-", 10),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("ya29.", 16),
];
/// With so many characters behind a prefix no digit is needed: no word is that long.
const LONG: usize = 20;

/// Finds a credential that begins at the start of a word.
pub(super) fn find(bytes: &[u8], at: usize) -> Option<Finding> {
    if !may_begin(&bytes[at..]) {
        return None;
    }
    prefixed(bytes, at)
        .or_else(|| json_web_token(bytes, at))
        .or_else(|| after_scheme(bytes, at))
}

/// Says whether a word's first two letters are those of anything looked for: most words are passed over by this alone.
fn may_begin(word: &[u8]) -> bool {
    let [first, second, ..] = word else {
        return false;
    };
    let pair = [first.to_ascii_lowercase(), second.to_ascii_lowercase()];
    matches!(
        &pair,
        b"ag"
            | b"ai"
            | b"ak"
            | b"ar"
            | b"as"
            | b"ba"
            | b"be"
            | b"da"
            | b"do"
            | b"ey"
            | b"fw"
            | b"gh"
            | b"gi"
            | b"gl"
            | b"gs"
            | b"hf"
            | b"ls"
            | b"np"
            | b"nv"
            | b"pk"
            | b"pp"
            | b"py"
            | b"r8"
            | b"rk"
            | b"sg"
            | b"sh"
            | b"sk"
            | b"tv"
            | b"wh"
            | b"xa"
            | b"xo"
            | b"ya"
    )
}

fn prefixed(bytes: &[u8], at: usize) -> Option<Finding> {
    let word = &bytes[at..];
    let first = word[0].to_ascii_lowercase();
    let mut prefixes = PREFIXES
        .iter()
        .filter(|(prefix, _)| prefix.as_bytes()[0] == first);
    let (prefix, least) = prefixes.find(|(prefix, _)| starts_with(word, prefix))?;
    let body = &word[prefix.len()..];
    let len = body.iter().take_while(|byte| is_token(**byte)).count();
    let body = trimmed(&body[..len]);
    let is_secret = body.len() >= *least
        && (body.len() >= LONG
            || body
                .iter()
                .any(|byte| byte.is_ascii_digit() || *byte == b'*'));
    is_secret.then(|| Finding {
        kind: "api_key",
        start: at,
        end: at + prefix.len() + body.len(),
    })
}

/// A JSON Web Token: base64url of an object, a dot, more of it.
fn json_web_token(bytes: &[u8], at: usize) -> Option<Finding> {
    let word = &bytes[at..];
    if !word.starts_with(b"eyJ") || at > 0 && matches!(bytes[at - 1], b'-' | b'_') {
        return None;
    }
    let len = word
        .iter()
        .take_while(|byte| is_token(**byte) && **byte != b'*')
        .count();
    let token = trimmed(&word[..len]);
    let mut parts = token.split(|byte| *byte == b'.');
    let (head, claims) = (parts.next()?, parts.next()?);
    let is_token = head.len() >= 8 && claims.len() >= 8;
    is_token.then(|| Finding {
        kind: "jwt",
        start: at,
        end: at + token.len(),
    })
}

/// What follows `Bearer` or `Basic`, where it looks like no word.
fn after_scheme(bytes: &[u8], at: usize) -> Option<Finding> {
    let word = &bytes[at..];
    let scheme = ["bearer", "basic"]
        .into_iter()
        .find(|scheme| starts_with(word, scheme))?;
    let rest = &word[scheme.len()..];
    let space = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'+' | b':' | b'='))
        .count();
    let encoded = if rest.starts_with(b"%20") { 3 } else { 0 };
    let rest = &rest[space.max(encoded)..];
    let len = rest
        .iter()
        .take_while(|byte| is_token(**byte) || b"~+/=".contains(byte))
        .count();
    let token = trimmed(&rest[..len]);
    if space + encoded == 0 || token.len() < 8 || is_parameter(token) || !is_no_word(token) {
        return None;
    }
    let start = at + scheme.len() + space.max(encoded);
    Some(Finding {
        kind: "authorization",
        start,
        end: start + token.len(),
    })
}

/// `Bearer error_description="..."` is a challenge and no credential: a name of small letters before one `=`. What stands
/// behind it says nothing, because base64 that ends in `=` stands in quotes as well.
fn is_parameter(token: &[u8]) -> bool {
    let is_small = |byte: &u8| byte.is_ascii_lowercase() || b"_-".contains(byte);
    let name = token.strip_suffix(b"=").and_then(<[u8]>::split_first);
    name.is_some_and(|(first, rest)| first.is_ascii_alphabetic() && rest.iter().all(is_small))
}

/// Finds a PEM block; one without an end reaches to the text's.
pub(super) fn find_pem(bytes: &[u8], at: usize) -> Option<Finding> {
    let block = &bytes[at..];
    if !starts_with(block, "-----begin ") {
        return None;
    }
    let line_end = |from: usize| {
        let rest = &block[from..];
        let dashes = rest.windows(5).position(|window| window == b"-----");
        dashes.map(|dashes| from + dashes + 5)
    };
    let body = line_end(11).unwrap_or(block.len());
    let end = block[body..]
        .windows(9)
        .position(|window| window.eq_ignore_ascii_case(b"-----end "));
    let end = end
        .and_then(|end| line_end(body + end + 9))
        .unwrap_or(block.len());
    Some(Finding {
        kind: "pem",
        start: at,
        end: at + end,
    })
}

/// Says whether a token has something that words do not: a digit, a capital inside, or base64's own signs.
pub(super) fn is_no_word(token: &[u8]) -> bool {
    let is_odd = |byte: &u8| byte.is_ascii_digit() || b"_/+=".contains(byte);
    token.len() >= 24
        || token.iter().any(is_odd)
        || token.iter().skip(1).any(u8::is_ascii_uppercase)
            && token.iter().any(u8::is_ascii_lowercase)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.*".contains(&byte)
}

/// Without the full stops that end a sentence.
fn trimmed(token: &[u8]) -> &[u8] {
    let end = token
        .iter()
        .rposition(|byte| *byte != b'.')
        .map_or(0, |last| last + 1);
    &token[..end]
}

fn starts_with(text: &[u8], lower: &str) -> bool {
    text.get(..lower.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(lower.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_is_passed_over() {
        let schemes = ["bearer", "basic", "eyJ"];
        let prefixes = PREFIXES.iter().map(|(prefix, _)| *prefix);
        for prefix in prefixes.chain(schemes) {
            assert!(may_begin(prefix.as_bytes()), "{prefix}");
            assert!(
                may_begin(prefix.to_ascii_uppercase().as_bytes()),
                "{prefix}"
            );
        }
    }
}
