//! Values out of a JSON text without building one: raw tokens, in the order in which they were written.
//!
//! Promise: works on any JSON, the host's as the journal's; never depends on a map's order.

use std::borrow::Cow;

use super::{
    rewrite::NormalizeError,
    scan::{Scan, unescape},
};

/// Returns the members of an object in order, each key unescaped and each value as it is spelled.
///
/// Stops behind the first error. Something else than an object is one error.
pub fn members(
    object: &[u8],
) -> impl Iterator<Item = Result<(Cow<'_, str>, &[u8]), NormalizeError>> {
    Walk::new(object, b'{', b'}', |scan| {
        let key = scan.key()?;
        Ok((unescape(key), scan.value()?.as_bytes()))
    })
}

/// Returns the elements of an array in order, each as it is spelled.
///
/// Stops behind the first error. Something else than an array is one error.
pub fn elements(array: &[u8]) -> impl Iterator<Item = Result<&[u8], NormalizeError>> {
    Walk::new(array, b'[', b']', |scan| Ok(scan.value()?.as_bytes()))
}

/// Returns the value of `key`, the last one where it stands twice; none where there is none or the text is no object.
pub fn member<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let mut found = None;
    for member in members(object) {
        let (name, value) = member.ok()?;
        if name == key {
            found = Some(value);
        }
    }
    found
}

/// Returns the text of a JSON string; none where `value` is something else.
pub fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    if let [b'"', inner @ .., b'"'] = value
        && inner.iter().all(|byte| is_plain(*byte))
    {
        return std::str::from_utf8(inner).ok().map(Cow::Borrowed);
    }
    let mut scan = Scan::new(std::str::from_utf8(value).ok()?);
    let inner = scan.string().ok()?;
    scan.finish().ok()?;
    Some(unescape(inner))
}

/// Says whether a byte stands for itself in a string, as nearly all do.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

/// Returns an unsigned integer; none where `value` is something else or beyond 64 bits.
pub fn unsigned(value: &[u8]) -> Option<u64> {
    let digits = value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

/// A walk over what stands between two brackets.
struct Walk<'a, T> {
    scan: Scan<'a>,
    open: u8,
    close: u8,
    item: fn(&mut Scan<'a>) -> Result<T, super::scan::NotJson>,
    state: State,
}

enum State {
    Before,
    Between,
    Done,
    NotUtf8(usize),
}

impl<'a, T> Walk<'a, T> {
    fn new(
        json: &'a [u8],
        open: u8,
        close: u8,
        item: fn(&mut Scan<'a>) -> Result<T, super::scan::NotJson>,
    ) -> Self {
        let (text, state) = match std::str::from_utf8(json) {
            Ok(text) => (text, State::Before),
            Err(error) => ("", State::NotUtf8(error.valid_up_to())),
        };
        let scan = Scan::new(text);
        Self {
            scan,
            open,
            close,
            item,
            state,
        }
    }

    fn step(&mut self) -> Result<Option<T>, NormalizeError> {
        let another = match self.state {
            State::Before => {
                self.scan.expect(self.open)?;
                !self.scan.eat(self.close)
            }
            State::Between => self.scan.more(self.close)?,
            State::Done => return Ok(None),
            State::NotUtf8(offset) => return Err(NormalizeError::NotJson { offset }),
        };
        if !another {
            self.state = State::Done;
            self.scan.finish()?;
            return Ok(None);
        }
        self.state = State::Between;
        Ok(Some((self.item)(&mut self.scan)?))
    }
}

impl<T> Iterator for Walk<'_, T> {
    type Item = Result<T, NormalizeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step().transpose();
        if matches!(step, Some(Err(_))) {
            self.state = State::Done;
        }
        step
    }
}
