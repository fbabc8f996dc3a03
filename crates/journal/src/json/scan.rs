//! A tokenizer for any JSON text: where a value ends, and what a string says.
//!
//! Promise: accepts exactly RFC 8259; never recurses, so no depth of nesting harms the caller's stack.
//! Not here: what is made of the tokens.

use std::borrow::Cow;

use super::spelling::skip_plain;

/// Where the text stops being JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotJson {
    pub(super) offset: usize,
}

/// A place in a JSON text.
pub(super) struct Scan<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn fail<T>(&self) -> Result<T, NotJson> {
        Err(NotJson { offset: self.at })
    }

    pub(super) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Steps over `byte` and the space before it, where it is there.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.eat(byte) { Ok(()) } else { self.fail() }
    }

    /// Steps over what stands behind a member or an element; true where another one follows.
    pub(super) fn more(&mut self, close: u8) -> Result<bool, NotJson> {
        if self.eat(b',') {
            return Ok(true);
        }
        self.expect(close).map(|()| false)
    }

    /// Steps over a string and returns what stands between its quotes, escapes and all.
    pub(super) fn string(&mut self) -> Result<&'a str, NotJson> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            self.at = skip_plain(self.text.as_bytes(), self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0x20..) => self.at += 1,
                _ => return self.fail(),
            }
        }
        self.at += 1;
        Ok(&self.text[start..self.at - 1])
    }

    fn escape(&mut self) -> Result<(), NotJson> {
        let bytes = &self.text.as_bytes()[self.at + 1..];
        self.at += match bytes {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', hex @ ..] if hex.len() >= 4 && hex[..4].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return self.fail(),
        };
        Ok(())
    }

    /// Steps over a number and returns it.
    pub(super) fn number(&mut self) -> Result<&'a str, NotJson> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start {
            self.fail()
        } else {
            Ok(())
        }
    }

    /// Steps over `true`, `false` or `null` and returns it.
    pub(super) fn literal(&mut self) -> Result<&'a str, NotJson> {
        let rest = &self.text[self.at..];
        let found = ["true", "false", "null"]
            .into_iter()
            .find(|word| rest.starts_with(word));
        let Some(word) = found else {
            return self.fail();
        };
        self.at += word.len();
        Ok(word)
    }

    /// Steps over one value of any kind and depth and returns its text.
    pub(super) fn value(&mut self) -> Result<&'a str, NotJson> {
        self.space();
        let start = self.at;
        let mut open = Vec::new();
        loop {
            if let Some(close) = self.begin()? {
                open.push(close);
                continue;
            }
            if self.end(&mut open)? {
                return Ok(&self.text[start..self.at]);
            }
        }
    }

    /// Steps over a scalar or an empty container, or into a container up to its first value; then returns its closer.
    fn begin(&mut self) -> Result<Option<u8>, NotJson> {
        self.space();
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                if self.eat(b'}') {
                    return Ok(None);
                }
                self.key().map(|_| Some(b'}'))
            }
            Some(b'[') => {
                self.at += 1;
                Ok((!self.eat(b']')).then_some(b']'))
            }
            Some(b'"') => self.string().map(|_| None),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| None),
            _ => self.literal().map(|_| None),
        }
    }

    /// Steps over what closes behind a value, up to the next value; true where nothing is open any more.
    fn end(&mut self, open: &mut Vec<u8>) -> Result<bool, NotJson> {
        while let Some(&close) = open.last() {
            if self.more(close)? {
                if close == b'}' {
                    self.key()?;
                }
                return Ok(false);
            }
            open.pop();
        }
        Ok(true)
    }

    /// Steps over a member's key and colon and returns what stands between the quotes.
    pub(super) fn key(&mut self) -> Result<&'a str, NotJson> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Steps over the space at the end; anything else there is no JSON.
    pub(super) fn finish(&mut self) -> Result<(), NotJson> {
        self.space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            self.fail()
        }
    }
}

/// Returns the text that the inside of a valid JSON string means; a lone surrogate becomes U+FFFD.
pub(super) fn unescape(inner: &str) -> Cow<'_, str> {
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (character, length) = unescape_one(&rest[at..]);
        text.push(character);
        rest = &rest[at + length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Returns the character of the escape that `rest` begins with, and how many bytes it takes.
fn unescape_one(rest: &str) -> (char, usize) {
    match rest.as_bytes()[1] {
        b'b' => ('\u{8}', 2),
        b'f' => ('\u{c}', 2),
        b'n' => ('\n', 2),
        b'r' => ('\r', 2),
        b't' => ('\t', 2),
        b'u' => unescape_unicode(rest),
        other => (char::from(other), 2),
    }
}

fn unescape_unicode(rest: &str) -> (char, usize) {
    let unit = |at: usize| {
        let hex = rest.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(hex, 16).ok()
    };
    let first = unit(0).unwrap_or(0xfffd);
    let second = unit(6).filter(|second| (0xdc00..0xe000).contains(second));
    match (first, second) {
        (0xd800..0xdc00, Some(second)) => {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            (char::from_u32(code).unwrap_or('\u{fffd}'), 12)
        }
        _ => (char::from_u32(first).unwrap_or('\u{fffd}'), 6),
    }
}
