//! E-mail addresses, plain, percent-encoded (`%40`), in quotes, international, and spelled `name [at] host [dot] com`.
//!
//! Promise: linear time. A host without a top level, `@2x.png`, a package's version, a user in a URL and a handle on
//! another network are none.

use std::ops::Range;

use super::text::{char_at, char_before, is_escape_before, is_word};

const LOCAL_BYTES_MAX: usize = 96;
const DOMAIN_BYTES_MAX: usize = 253;
/// Bytes before an address in which it would be seen to be a URL's user.
const URL_BYTES_LOOK: usize = 96;
/// Endings of files, units and formats, which are no top level.
#[rustfmt::skip]
const NO_TOP_LEVEL: [&str; 66] = [
    "png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "css", "scss", "less", "js", "jsx", "ts", "tsx", "mjs", "json",
    "html", "htm", "xml", "yml", "yaml", "txt", "pdf", "exe", "dll", "jar", "tar", "bak", "log", "conf", "cfg", "ini", "lock",
    "toml", "rpm", "deb", "tgz", "gz", "whl", "gem", "service", "target", "socket", "timer", "slice", "scope", "mount", "csv",
    "tsv", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "mp3", "mp4", "wav", "sql", "rb", "java", "cpp", "hpp", "class",
    "localhost",
];
/// What people write for the sign.
const SPELLED_AT: [&str; 3] = ["at", "@", "ät"];

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(next) = bytes[at..]
        .iter()
        .position(|byte| matches!(byte, b'@' | b'%' | b'[' | b'(' | b'{'))
    {
        at += next;
        let address = match bytes[at] {
            b'@' => address(text, at, at + 1),
            b'%' if bytes[at..].starts_with(b"%40") => address(text, at, at + 3),
            b'[' | b'(' | b'{' => spelled(text, at),
            _ => None,
        };
        if let Some(address) = address {
            at = address.end.max(at + 1);
            found.push(address);
        } else {
            at += 1;
        }
    }
}

fn address(text: &str, at: usize, after: usize) -> Option<Range<usize>> {
    let end = domain_end(text, after)?;
    let start = quoted_start(text, at).or_else(|| local_start(text, at, end))?;
    let is_whole =
        !matches!(char_before(text, start), Some('@')) && !is_half_hidden(&text[..start]);
    let is_call = text[end..].starts_with('(') && is_method(&text[start..at], &text[after..end]);
    if !is_whole || is_call || is_in_url(text, start) || is_copy_target(text, start..at, end) {
        return None;
    }
    let is_italic = text[start..].starts_with('_') && text[end..].starts_with('_');
    Some(start + usize::from(is_italic)..end)
}

/// Says whether stars behind a letter stand for the beginning: `j***e@host.tld`; those of Markdown have none before them.
fn is_half_hidden(before: &str) -> bool {
    let head = before.trim_end_matches('*');
    head.len() < before.len() && head.ends_with(is_word) && before.len() - head.len() < 65
}

/// Says whether `a@b.method` is a product of matrices rather than an address.
fn is_method(local: &str, domain: &str) -> bool {
    let top = domain.rsplit('.').next().unwrap_or("");
    local.len() == 1 || top.len() > 4
}

/// Where the domain ends that begins at a place; none where it is none.
fn domain_end(text: &str, start: usize) -> Option<usize> {
    let mut end = start;
    for letter in text[start..].chars() {
        let is_part = letter.is_alphanumeric() || matches!(letter, '-' | '.');
        if !is_part
            || end - start > DOMAIN_BYTES_MAX
            || !letter.is_ascii() && is_foreign_end(&text[start..end], letter)
        {
            break;
        }
        end += letter.len_utf8();
    }
    let domain = text[start..end].trim_end_matches(['.', '-']);
    let end = start + domain_len(domain)?;
    let next = char_at(text, end);
    // `name@host.tld@other` and `name@host.tld_x` are something else.
    let is_end = next != Some('@') && (next != Some('_') || !text[end + 1..].starts_with(is_word));
    is_end.then_some(end)
}

/// Says whether a letter of a script without spaces stands behind a domain that is whole without it.
fn is_foreign_end(domain: &str, letter: char) -> bool {
    letter >= '\u{530}' && domain.is_ascii() && domain.contains('.') && !domain.ends_with('.')
}

/// Returns how much of a domain is one: a sentence that begins right behind the full stop is not part of it.
fn domain_len(domain: &str) -> Option<usize> {
    let mut domain = domain;
    loop {
        let (head, top) = domain.rsplit_once('.')?;
        let is_sentence = top.starts_with(|letter: char| letter.is_uppercase())
            && top.chars().skip(1).all(char::is_lowercase)
            && head.contains('.')
            && !head.contains(char::is_uppercase);
        if !is_sentence {
            return is_domain(head, top).then_some(domain.len());
        }
        domain = head;
    }
}

fn is_domain(head: &str, top: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_scale = |label: &str| {
        label.strip_suffix('x').is_some_and(|scale| {
            !scale.is_empty() && scale.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let mut labels = head.split('.');
    let first = labels.next().unwrap_or("");
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_version = is_number(first)
        && labels
            .next()
            .is_some_and(|label| label.starts_with(|c: char| c.is_ascii_digit()));
    head.split('.').all(is_label) && !is_scale(first) && !is_version && is_top_level(top)
}

fn is_top_level(top: &str) -> bool {
    let is_plain =
        top.len() <= 24 && top.chars().all(char::is_alphabetic) && top.chars().count() >= 2;
    let is_coded = top.len() > 4
        && top
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    (is_plain || is_coded) && !NO_TOP_LEVEL.iter().any(|no| top.eq_ignore_ascii_case(no))
}

/// Where the local part begins that ends at a place.
fn local_start(text: &str, at: usize, end: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut start = at;
    let is_foreign =
        char_before(text, at).is_some_and(|letter| letter.is_alphanumeric() && letter >= '\u{530}');
    while let Some(letter) = char_before(text, start) {
        let is_part = letter.is_ascii_alphanumeric()
            || matches!(letter, '.' | '_' | '%' | '+' | '-' | '\'')
            || letter.is_alphanumeric() && (letter < '\u{530}' && !letter.is_ascii() || is_foreign);
        if !is_part || is_escape_before(bytes, start) {
            break;
        }
        start -= letter.len_utf8();
        if at - start > LOCAL_BYTES_MAX {
            return None;
        }
    }
    start += mailto_len(&text[start..at]);
    if text[end..].starts_with('\'')
        && let Some(quote) = text[start..at].rfind('\'')
    {
        // The quote around it, with a letter before it in some languages: `f'name@host.tld'`.
        start += quote + 1;
    }
    let local = &text[start..at];
    let local = local.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let is_local = local.chars().any(char::is_alphanumeric)
        && !local.ends_with('.')
        && (!local.contains("..") || local.contains("..."));
    let after_dots = local.rfind("...").map_or(0, |dots| dots + 3);
    is_local.then_some(at - local.len() + after_dots)
}

/// The length of `mailto%3A` and of other percent-encoded marks that a URL puts before an address.
fn mailto_len(local: &str) -> usize {
    let marks = [
        "%3A", "%3a", "%3D", "%3d", "%20", "%2C", "%2c", "%3C", "%3c", "%22", "%26", "%3F", "%3f",
    ];
    let last = marks.iter().filter_map(|mark| local.rfind(mark)).max();
    last.map_or(0, |last| last + 3)
}

/// Where a quoted local part begins: `"john doe"@host.tld`.
fn quoted_start(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].strip_suffix('"')?;
    let mut from = before.len().saturating_sub(64);
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let open = from + before[from..].rfind('"')?;
    let inner = &before[open + 1..];
    let is_word_before = char_before(text, open).is_some_and(is_word);
    let is_local = !inner.is_empty() && !inner.contains(['\n', '@', '<', ':', '{', '\\']);
    (is_local && !is_word_before).then_some(open)
}

/// Says whether an address is the user of a URL: `https://user:name@host.tld/`.
fn is_in_url(text: &str, start: usize) -> bool {
    let from = start.saturating_sub(URL_BYTES_LOOK);
    let before = &text.as_bytes()[from..start];
    let is_outside = |byte: &u8| byte.is_ascii_whitespace() || b"?#&=<>\"'(),;".contains(byte);
    let from = before.iter().rposition(is_outside).map_or(0, |at| at + 1);
    let before = &before[from..];
    before
        .windows(3)
        .rposition(|window| window == b"://")
        .is_some_and(|scheme| !before[scheme + 3..].contains(&b'/'))
        && !before.starts_with(b"mailto")
        && !before.starts_with(b"xmpp")
}

/// Says whether an address is where a copy goes to or comes from: `git@host.tld:path`.
fn is_copy_target(text: &str, local: Range<usize>, end: usize) -> bool {
    let Some(path) = text[end..].strip_prefix(':') else {
        return &text[local] == "git";
    };
    let is_port = path.bytes().take_while(u8::is_ascii_digit).count();
    let is_path = path.starts_with(|letter: char| {
        letter.is_ascii_alphanumeric() || matches!(letter, '/' | '~' | '.')
    });
    is_path && (is_port == 0 || path[is_port..].starts_with('/')) && !path.starts_with("//")
}

/// An address with a bracket at a place that holds the word for the sign.
fn spelled(text: &str, open: usize) -> Option<Range<usize>> {
    let after = bracketed(text, open, &SPELLED_AT)?;
    let local_end = text[..open].trim_end_matches(' ').len();
    if open - local_end > 1 {
        return None;
    }
    let start = local_start(text, local_end, after)?;
    let mut at = after + usize::from(text[after..].starts_with(' '));
    let (mut end, mut dots) = (label_end(text, at)?, 0);
    loop {
        at = end + usize::from(text[end..].starts_with(' '));
        let next = match text.as_bytes().get(at) {
            Some(b'[' | b'(' | b'{') => {
                bracketed(text, at, &["dot", ".", "punkt", "punto", "point"])
            }
            Some(b'.') if at == end => Some(at + 1),
            _ => None,
        };
        let Some(next) = next else { break };
        let next = next + usize::from(text[next..].starts_with(' ') && at > end);
        let Some(label) = label_end(text, next) else {
            break;
        };
        (end, dots) = (label, dots + 1);
    }
    let top = text[after..end]
        .rsplit(|letter: char| !letter.is_alphanumeric())
        .next()?;
    (dots > 0 && is_top_level(top)).then_some(start..end)
}

/// Where a bracket ends that holds one of some words.
fn bracketed(text: &str, open: usize, words: &[&str]) -> Option<usize> {
    let inner = text[open + 1..].trim_start_matches(' ');
    let word = words.iter().find(|word| {
        let start = inner.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    })?;
    let rest = inner[word.len()..].trim_start_matches(' ');
    let rest = rest.strip_prefix([']', ')', '}'])?;
    let end = text.len() - rest.len();
    (end - open <= 10).then_some(end)
}

fn label_end(text: &str, start: usize) -> Option<usize> {
    let len = text[start..]
        .bytes()
        .take(64)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
        .count();
    (1..=63).contains(&len).then_some(start + len)
}
