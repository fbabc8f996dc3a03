//! Credentials that are told by the name they are given: headers, members, assignments, queries.

use super::{Finding, MARK, shaped::is_no_word};

/// Bytes of a name that are looked at, backwards.
const NAME_BYTES_MAX: usize = 64;
/// Bytes of a value by which it is judged.
const VALUE_BYTES_LOOK: usize = 256;

/// A shorter value in a query is an index or a page, and no credential.
const SECRET_BYTES_MIN: usize = 6;

/// Ends of names, in lower case without `-`, `_` and `.`, whose values are credentials wherever they stand.
const STRONG: [(&str, &str); 34] = [
    ("authorization", "authorization"),
    ("apikey", "api_key"),
    ("apitoken", "token"),
    ("appkey", "api_key"),
    ("authkey", "api_key"),
    ("subscriptionkey", "api_key"),
    ("accountkey", "api_key"),
    ("sharedaccesskey", "api_key"),
    ("accesskey", "api_key"),
    ("accesskeyid", "api_key"),
    ("secretkey", "api_key"),
    ("signingkey", "api_key"),
    ("encryptionkey", "api_key"),
    ("privatekey", "api_key"),
    ("masterkey", "api_key"),
    ("accesstoken", "token"),
    ("refreshtoken", "token"),
    ("idtoken", "token"),
    ("authtoken", "token"),
    ("sessiontoken", "token"),
    ("securitytoken", "token"),
    ("bearertoken", "token"),
    ("amzsignature", "signature"),
    ("amzcredential", "api_key"),
    ("googsignature", "signature"),
    ("googcredential", "api_key"),
    ("cookie", "cookie"),
    ("secret", "secret"),
    ("password", "password"),
    ("passwd", "password"),
    ("passphrase", "password"),
    ("credential", "secret"),
    ("credentials", "secret"),
    ("keyprovided", "api_key"),
];
/// Those of them that are also words of prose, so that a plain word behind a colon is no credential.
const PROSE: [&str; 6] = [
    "secret",
    "password",
    "passphrase",
    "credential",
    "credentials",
    "keyprovided",
];
/// Whole names whose values are credentials in a query, elsewhere only when they look like one.
const WEAK: [(&str, &str); 10] = [
    ("key", "api_key"),
    ("token", "token"),
    ("sig", "signature"),
    ("signature", "signature"),
    ("auth", "authorization"),
    ("code", "token"),
    ("pass", "password"),
    ("pwd", "password"),
    ("pw", "password"),
    ("session", "token"),
];
/// Words that follow such a name in prose.
const WORDS: [&str; 42] = [
    "a",
    "an",
    "and",
    "are",
    "bytes",
    "cannot",
    "check",
    "denied",
    "empty",
    "error",
    "expected",
    "expired",
    "failed",
    "false",
    "field",
    "for",
    "format",
    "has",
    "header",
    "headers",
    "incorrect",
    "invalid",
    "is",
    "malformed",
    "missing",
    "must",
    "no",
    "none",
    "not",
    "null",
    "or",
    "please",
    "rejected",
    "required",
    "should",
    "string",
    "the",
    "true",
    "undefined",
    "unknown",
    "value",
    "was",
];

/// Finds the credential behind a separator, if the name before it says that there is one.
pub(super) fn find(bytes: &[u8], at: usize) -> Option<Finding> {
    let after = separator_end(bytes, at)?;
    let name = Name::before(bytes, at)?;
    if bytes[at] == b',' && !name.is_quoted {
        return None;
    }
    let (kind, is_strong) = name.kind()?;
    let value = Value::at(bytes, after)?;
    if bytes[at] == b',' && value.quote.is_none() {
        return None;
    }
    let is_assigned = bytes[at] != b':' && value.start == after;
    let is_secret = if is_strong {
        value.is_quoted() || is_assigned || !name.is_prose() || is_no_word(value.look)
    } else {
        let len = value.look.len();
        name.is_in_query && is_assigned && len >= SECRET_BYTES_MIN
            || len >= 16 && has_both(value.look)
    };
    if !is_secret || value.is_word() {
        return None;
    }
    let end = value.end(bytes, kind);
    (end > value.start).then_some(Finding {
        kind,
        start: value.start,
        end,
    })
}

/// Where a separator ends: `:`, `=`, `=>`, `==`, `:=`, `, ` between quoted texts, or one of them percent-encoded.
fn separator_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes[at] != b'%' {
        let doubled = bytes.get(at + 1).is_some_and(|next| b"=>".contains(next));
        return Some(at + 1 + usize::from(doubled));
    }
    let code = bytes.get(at + 1..at + 3)?;
    let is_separator = code.eq_ignore_ascii_case(b"3d") || code.eq_ignore_ascii_case(b"3a");
    is_separator.then_some(at + 3)
}

/// The name before a separator, without what only parts its words.
struct Name {
    letters: [u8; NAME_BYTES_MAX],
    len: usize,
    is_in_query: bool,
    is_quoted: bool,
}

impl Name {
    fn before(bytes: &[u8], at: usize) -> Option<Self> {
        let is_around = |byte: &u8| b" \t\"'\\`)".contains(byte);
        let end = bytes[..at].iter().rposition(|byte| !is_around(byte))? + 1;
        let is_quoted = bytes[end..at].iter().any(|byte| b"\"'".contains(byte));
        let first = end.saturating_sub(NAME_BYTES_MAX);
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let outside = bytes[first..end].iter().rposition(|byte| !is_part(byte));
        let mut start = outside.map_or(first, |outside| first + outside + 1);
        if end - start == 8 && bytes[start..end].eq_ignore_ascii_case(b"provided") {
            // "Incorrect API key provided: ..."
            start = start.saturating_sub(4).max(first);
        }
        let before = start.checked_sub(1).map(|before| bytes[before]);
        let is_encoded = before == Some(b'%') && end - start > 2;
        start += if is_encoded { 2 } else { 0 };
        let mut name = Self {
            letters: [0; NAME_BYTES_MAX],
            len: 0,
            is_in_query: is_encoded || matches!(before, Some(b'?' | b'&' | b';')),
            is_quoted,
        };
        for byte in bytes[start..end]
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
        {
            name.letters[name.len] = byte.to_ascii_lowercase();
            name.len += 1;
        }
        (name.len > 0).then_some(name)
    }

    fn letters(&self) -> &[u8] {
        &self.letters[..self.len]
    }

    /// Returns what the value is, and whether it is that wherever it stands.
    fn kind(&self) -> Option<(&'static str, bool)> {
        let letters = self.letters();
        let strong = STRONG
            .iter()
            .find(|(end, _)| letters.ends_with(end.as_bytes()));
        let weak = || WEAK.iter().find(|(whole, _)| letters == whole.as_bytes());
        strong
            .map(|(_, kind)| (*kind, true))
            .or_else(|| weak().map(|(_, kind)| (*kind, false)))
    }

    fn is_prose(&self) -> bool {
        PROSE.iter().any(|word| self.letters() == word.as_bytes())
    }
}

/// What stands behind a separator.
struct Value<'a> {
    start: usize,
    /// The quote around it, and whether that is escaped with a backslash.
    quote: Option<(u8, bool)>,
    /// As much of it as it is judged by.
    look: &'a [u8],
}

impl<'a> Value<'a> {
    /// Steps over spaces and what a `Debug` text puts around a value.
    fn at(bytes: &'a [u8], mut at: usize) -> Option<Self> {
        let mut quote = None;
        for _ in 0..8 {
            let rest = &bytes[at..];
            if rest.starts_with(MARK.as_bytes()) {
                return None;
            }
            at += match rest {
                [b'\\', mark @ (b'"' | b'\''), ..] if quote.is_none() => {
                    quote = Some((*mark, true));
                    2
                }
                [mark @ (b'"' | b'\''), ..] if quote.is_none() => {
                    quote = Some((*mark, false));
                    1
                }
                [b'S', b'o', b'm', b'e', b'(', ..] if quote.is_none() => 5,
                [b'b' | b'r' | b'&', b'"', ..] | [b' ' | b'\t' | b'[' | b'(', ..]
                    if quote.is_none() =>
                {
                    1
                }
                _ => break,
            };
        }
        let rest = &bytes[at..bytes.len().min(at + VALUE_BYTES_LOOK)];
        if rest.first().is_none_or(|first| b"{<$\r\n".contains(first)) || is_marked(rest) {
            return None;
        }
        let mut value = Self {
            start: at,
            quote,
            look: rest,
        };
        let len = (0..rest.len())
            .find(|len| value.ends_at(rest, *len))
            .unwrap_or(rest.len());
        value.look = &rest[..len];
        (len > 0).then_some(value)
    }

    fn is_quoted(&self) -> bool {
        self.quote.is_some()
    }

    /// Says whether the value is a word of prose, or nothing but a mask.
    fn is_word(&self) -> bool {
        let is_known = |word: &str| self.look.eq_ignore_ascii_case(word.as_bytes());
        WORDS.iter().any(|word| is_known(word)) || self.look.iter().all(|byte| *byte == b'*')
    }

    /// Says whether a value ends before `rest[at]`.
    fn ends_at(&self, rest: &[u8], at: usize) -> bool {
        let byte = rest[at];
        match self.quote {
            Some((_, true)) => byte == b'\\' || b"\"\n".contains(&byte),
            Some((mark, false)) => {
                byte == b'\n' || byte == mark && !(at > 0 && rest[at - 1] == b'\\')
            }
            None if byte.is_ascii_whitespace() || b"\"'<>&;|`\\".contains(&byte) => true,
            None if byte == b'%' => rest[at..].starts_with(b"%26"),
            None if b",.)]}!?:".contains(&byte) => {
                let next = rest.get(at + 1);
                next.is_none_or(|next| next.is_ascii_whitespace() || b"\"',.)]}".contains(next))
            }
            None => false,
        }
    }

    /// Returns where the whole value ends.
    fn end(&self, bytes: &[u8], kind: &str) -> usize {
        let rest = &bytes[self.start..];
        if self.quote.is_none() {
            match kind {
                "cookie" => return self.start + line_len(rest),
                "authorization" => return self.start + self.authorization_len(rest),
                _ => {}
            }
        }
        self.start + self.len(rest)
    }

    fn len(&self, rest: &[u8]) -> usize {
        (0..rest.len())
            .find(|at| self.ends_at(rest, *at))
            .unwrap_or(rest.len())
    }

    /// A scheme and what belongs to it: one token, or the parameters up to the line's end.
    fn authorization_len(&self, rest: &[u8]) -> usize {
        let first = self.len(rest);
        let scheme = rest[..first].to_ascii_lowercase();
        let gap = rest[first..]
            .iter()
            .take_while(|byte| **byte == b' ')
            .count();
        match scheme.as_slice() {
            b"bearer" | b"basic" | b"token" | b"apikey" | b"negotiate" | b"sharedkey" | b"key" => {
                first + gap + self.len(&rest[first + gap..])
            }
            _ if scheme == b"digest"
                || scheme.starts_with(b"aws4")
                || scheme.starts_with(b"hmac") =>
            {
                line_len(rest)
            }
            _ => first,
        }
    }
}

/// Says whether a mark stands there, behind signs of which no credential is made.
fn is_marked(rest: &[u8]) -> bool {
    let word = rest.iter().position(u8::is_ascii_alphanumeric);
    let mark = word.and_then(|word| word.checked_sub(1));
    mark.is_some_and(|mark| rest[mark..].starts_with(MARK.as_bytes()))
}

fn line_len(rest: &[u8]) -> usize {
    rest.iter()
        .position(|byte| b"\r\n\"".contains(byte))
        .unwrap_or(rest.len())
}

fn has_both(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}
