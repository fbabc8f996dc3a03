//! Judges JSON that is already in the journal: one spelling passes, every other is a finding.
//!
//! Promise: a value passes here only if writing it again gives the same bytes.
//! Not here: reading a host's JSON (`rewrite`, `raw`).

use std::ops::Range;

use thiserror::Error;

use super::{
    DEPTH_MAX, number,
    spelling::{separator, skip_plain},
};

/// How the bytes of a line break the spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Misspelling {
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// No JSON, or spaces between its tokens.
    #[error("not JSON without spaces")]
    Syntax,
    /// A character that is escaped though it need not be, in another way than the one, or not though it must.
    #[error("a character is not escaped in the one way")]
    Escape,
    /// A number with an exponent, needless zeros, or too many characters.
    #[error("a number is not in the one spelling")]
    Number,
    /// An object has two members of one key.
    #[error("a key stands twice in an object")]
    DuplicateKey,
    /// Objects and arrays are nested too deep.
    #[error("nested too deep")]
    TooDeep,
}

/// A place in a line that is UTF-8.
pub(crate) struct Strict<'a> {
    line: &'a [u8],
    pub(crate) at: usize,
    /// The keys of every open object, innermost last.
    keys: Vec<Range<usize>>,
}

impl<'a> Strict<'a> {
    pub(crate) fn new(line: &'a [u8]) -> Self {
        Self {
            line,
            at: 0,
            keys: Vec::new(),
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    /// Steps over `token`, exactly.
    pub(crate) fn token(&mut self, token: &[u8]) -> Result<(), Misspelling> {
        if !self.line[self.at..].starts_with(token) {
            return Err(Misspelling::Syntax);
        }
        self.at += token.len();
        Ok(())
    }

    /// Steps over a string and returns where its inside lies.
    pub(crate) fn string(&mut self) -> Result<Range<usize>, Misspelling> {
        self.token(b"\"")?;
        let start = self.at;
        loop {
            self.at = skip_plain(self.line, self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0x80..) if separator(self.line, self.at).is_none() => self.at += 1,
                Some(_) => return Err(Misspelling::Escape),
                None => return Err(Misspelling::Syntax),
            }
        }
        self.at += 1;
        Ok(start..self.at - 1)
    }

    fn escape(&mut self) -> Result<(), Misspelling> {
        self.at += match self.line[self.at + 1..] {
            [b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 2,
            [b'u', a, b, c, d, ..] if is_escaped_unit([a, b, c, d]) => 6,
            _ => return Err(Misspelling::Escape),
        };
        Ok(())
    }

    /// Steps over a number and returns where it lies.
    pub(crate) fn number(&mut self) -> Result<Range<usize>, Misspelling> {
        let start = self.at;
        while matches!(
            self.peek(),
            Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'e' | b'E')
        ) {
            self.at += 1;
        }
        if number::is_spelled(&self.line[start..self.at]) {
            return Ok(start..self.at);
        }
        self.at = start;
        Err(Misspelling::Number)
    }

    /// Steps over one value; an object or array that begins here lies at `depth`.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Range<usize>, Misspelling> {
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') if depth > DEPTH_MAX => return Err(Misspelling::TooDeep),
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => {
                self.string()?;
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            Some(b't') => self.token(b"true")?,
            Some(b'f') => self.token(b"false")?,
            _ => self.token(b"null")?,
        }
        Ok(start..self.at)
    }

    fn object(&mut self, depth: usize) -> Result<(), Misspelling> {
        let base = self.keys.len();
        self.at += 1;
        if self.peek() != Some(b'}') {
            loop {
                let key = self.string()?;
                self.keys.push(key);
                self.token(b":")?;
                self.value(depth + 1)?;
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.token(b"}")?;
        self.unique_since(base)
    }

    fn array(&mut self, depth: usize) -> Result<(), Misspelling> {
        self.at += 1;
        if self.peek() != Some(b']') {
            loop {
                self.value(depth + 1)?;
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.token(b"]")
    }

    /// Closes the innermost object, whose keys begin at `base`.
    fn unique_since(&mut self, base: usize) -> Result<(), Misspelling> {
        let unique = are_unique(self.line, &mut self.keys[base..]);
        self.keys.truncate(base);
        if unique {
            Ok(())
        } else {
            Err(Misspelling::DuplicateKey)
        }
    }
}

/// Says whether all keys differ; reorders them where that is the cheaper way to tell.
pub(crate) fn are_unique(line: &[u8], keys: &mut [Range<usize>]) -> bool {
    /// Up to here comparing pair by pair is cheaper than sorting.
    const PAIRWISE_MAX: usize = 12;
    let text = |key: &Range<usize>| &line[key.clone()];
    if keys.len() <= PAIRWISE_MAX {
        let is_new = |at: usize| {
            keys[..at]
                .iter()
                .all(|earlier| text(earlier) != text(&keys[at]))
        };
        return (0..keys.len()).all(is_new);
    }
    keys.sort_unstable_by(|left, right| text(left).cmp(text(right)));
    keys.windows(2).all(|pair| text(&pair[0]) != text(&pair[1]))
}

/// Says whether `\u` and these four digits are how the journal escapes a character.
fn is_escaped_unit(digits: [u8; 4]) -> bool {
    let lower = digits
        .iter()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let text = std::str::from_utf8(&digits).unwrap_or_default();
    let code = u32::from_str_radix(text, 16).unwrap_or_default();
    let short = matches!(code, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d);
    lower && !short && matches!(code, 0..0x20 | 0x7f..=0x9f | 0x2028 | 0x2029)
}
