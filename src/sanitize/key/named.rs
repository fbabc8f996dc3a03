//! Keys without a form of their own that a name before them tells: `api_key=`, `"apiKey": "`, `Authorization: Bearer`.

use std::ops::Range;

use super::random::{is_base64, is_placeholder, is_random};
use crate::sanitize::text::line_before;

/// Bytes of a value that are looked at.
const VALUE_BYTES_MAX: usize = 512;
/// Ends of names, in lower case and without what parts their words.
#[rustfmt::skip]
const NAMES: [&str; 47] = [
    "apikey", "apikeys", "apitoken", "apisecret", "appkey", "appsecret", "authtoken", "authkey", "accesstoken", "accesskey",
    "accesskeyid", "accountkey", "botkey", "bottoken", "clientsecret", "consumersecret", "consumerkey", "encryptionkey",
    "licensekey", "masterkey", "personalaccesstoken", "privatetoken", "refreshtoken", "secretkey", "secretaccesskey",
    "secrettoken", "servicekey", "sharedaccesskey", "sharedkey", "signingkey", "signingsecret", "subscriptionkey",
    "webhooksecret", "webhooktoken", "bearertoken", "openaikey", "anthropickey", "azurekey", "azureopenaikey", "storagekey",
    "apimsubscriptionkey", "sessiontoken", "securitytoken", "keyprovided", "secret", "privatekey", "insertkey",
];
/// Words before `token` with which it is none that gives access.
#[rustfmt::skip]
const OTHER_TOKENS: [&str; 21] = [
    "page", "next", "csrf", "xsrf", "continuation", "sync", "cursor", "pagination", "device", "push", "fcm", "request", "verification",
    "confirmation", "reset", "unsubscribe", "invite", "max", "stop", "last", "publickey",
];
/// Those that say it of any text of some length that is no word.
const SCHEMES: [&str; 4] = ["bearer", "apikey", "token", "ssws"];
/// Words between a name and its value in prose.
const JOINING: [&str; 12] = [
    "is",
    "was",
    "ist",
    "es",
    "est",
    "will be",
    "here",
    "here is",
    "here it is",
    "now",
    "set to",
    "value",
];

/// Finds the key that a name before a separator gives.
pub(super) fn find(text: &str, at: usize) -> Option<Range<usize>> {
    let start = value_start(text, at)?;
    let value = value(text, start)?;
    let end = start + value.len();
    let before = line_before(text, start);
    let is_key = is_random(value) && is_named(before)
        || is_authorization(before) && value.len() >= 16 && is_random_or_long(value);
    // What begins with a slash is a path, or else base64.
    let is_path = value.starts_with(['+', '/']) && !is_base64(value);
    (is_key && !is_path && !is_reference(text, start, value)).then_some(start..end)
}

/// Where a value begins that a separator at a place stands right before.
fn value_start(text: &str, at: usize) -> Option<usize> {
    let next = text.as_bytes().get(at + 1)?;
    (next.is_ascii_alphanumeric() || b"+/".contains(next)).then_some(at + 1)
}

/// The value that begins at a place; what parts names from values is in none but at its end, as padding.
fn value(text: &str, start: usize) -> Option<&str> {
    let rest = &text.as_bytes()[start..];
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.+/~".contains(byte);
    let len = rest
        .iter()
        .take(VALUE_BYTES_MAX + 1)
        .take_while(|byte| is_part(byte))
        .count();
    let padding = rest[len..]
        .iter()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    let value = &text[start..start + len + padding];
    let is_quoted = text[start + value.len()..].starts_with(['"', '\'']);
    let value = if is_quoted {
        value
    } else {
        value.trim_end_matches(['.', '-'])
    };
    (16..=VALUE_BYTES_MAX)
        .contains(&value.len())
        .then_some(value)
}

/// Says whether the end of a text is a key's name and what stands between a name and a value.
fn is_named(before: &str) -> bool {
    let mut rest = before.trim_end_matches(is_between);
    if rest.len() == before.len() {
        return false;
    }
    if let Some(joined) = JOINING.iter().find_map(|word| strip_word(rest, word)) {
        rest = joined.trim_end_matches(is_between);
    }
    let letters: String = rest
        .chars()
        .rev()
        .take(40)
        .take_while(|letter| {
            letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | ' ' | '.')
        })
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let ends = |name: &str| letters.bytes().take(name.len()).eq(name.bytes().rev());
    let is_token = ends("token")
        && !OTHER_TOKENS.iter().any(|other| {
            letters[5..]
                .bytes()
                .take(other.len())
                .eq(other.bytes().rev())
        });
    is_token || NAMES.iter().any(|name| ends(name))
}

fn is_between(letter: char) -> bool {
    matches!(
        letter,
        ' ' | ':' | '=' | '"' | '\'' | '\\' | '`' | '>' | '(' | '[' | '\t' | ',' | ']' | '*'
    )
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(word.len())?;
    let is_word = text.get(at..)?.eq_ignore_ascii_case(word);
    (is_word && text[..at].ends_with(' ')).then(|| &text[..at])
}

/// Says whether a text ends with `Authorization: Bearer `, or with the scheme alone.
fn is_authorization(before: &str) -> bool {
    let Some(rest) = before.strip_suffix(' ') else {
        return false;
    };
    let word_at = rest
        .trim_end_matches(|letter: char| letter.is_ascii_alphanumeric())
        .len();
    let scheme = rest[word_at..].to_ascii_lowercase();
    let is_header = rest[..word_at]
        .to_ascii_lowercase()
        .contains("authorization");
    scheme == "bearer" || is_header && (SCHEMES.contains(&scheme.as_str()) || scheme == "basic")
}

fn is_random_or_long(value: &str) -> bool {
    let has_digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let has_case = value.bytes().any(|byte| byte.is_ascii_uppercase());
    (has_digit || has_case && value.len() >= 20)
        && !is_placeholder(value)
        && !is_named_variable(value)
}

/// Says whether a value is a name of code: `settings.API_KEY_2`.
fn is_named_variable(value: &str) -> bool {
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    value.split(['.', '_', '-']).all(is_word)
}

/// Says whether a value is a call, a path or a variable rather than a text.
fn is_reference(text: &str, start: usize, value: &str) -> bool {
    let end = start + value.len();
    let next = text[end..].chars().next();
    matches!(next, Some('(' | '[' | '{' | '$'))
        || value.contains("://")
        || value.starts_with("process.")
        || value.starts_with("os.")
}
