//! A JSON text with some of its strings exchanged, and all else as it is spelled.
//!
//! Promise: numbers, spaces, the order of members and every string that is not exchanged stay byte for byte; any depth.
//! Not here: which strings are exchanged.

use std::borrow::Cow;

use super::{
    rewrite::NormalizeError,
    scan::{NotJson, Scan, unescape},
    spelling::{Style, write_inner},
};

/// One step from the whole text to a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into the member of an object.
    Member(Cow<'a, str>),
    /// Into the element of an array.
    Element(usize),
}

/// A string of a JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p, 'a> {
    /// Where it is; of a member's name, where the member is.
    pub path: &'p [Step<'a>],
    /// It is the member's name and not its value.
    pub is_name: bool,
}

/// Returns the text with each string replaced for which `exchange` returns another.
///
/// # Errors
/// [`NormalizeError::NotJson`] where the text is not JSON.
pub fn exchange_strings(
    json: &[u8],
    exchange: &mut dyn FnMut(Place<'_, '_>, &str) -> Option<String>,
) -> Result<Vec<u8>, NormalizeError> {
    let text = std::str::from_utf8(json).map_err(|error| NormalizeError::NotJson {
        offset: error.valid_up_to(),
    })?;
    let mut walk = Walk {
        scan: Scan::new(text),
        out: Vec::with_capacity(json.len()),
        copied: 0,
        path: Vec::new(),
        exchange,
    };
    walk.whole()?;
    Ok(walk.out)
}

struct Walk<'a, 'e> {
    scan: Scan<'a>,
    out: Vec<u8>,
    /// How much of the text is in `out`.
    copied: usize,
    path: Vec<Step<'a>>,
    exchange: &'e mut dyn FnMut(Place<'_, '_>, &str) -> Option<String>,
}

impl<'a> Walk<'a, '_> {
    fn whole(&mut self) -> Result<(), NotJson> {
        while self.begin()? || self.next()? {}
        self.scan.finish()?;
        let rest = &self.scan.text.as_bytes()[self.copied..];
        self.out.extend_from_slice(rest);
        Ok(())
    }

    /// Steps over a scalar or an empty container; true where it stepped into one instead.
    fn begin(&mut self) -> Result<bool, NotJson> {
        self.scan.space();
        match self.scan.peek() {
            Some(b'{') => {
                self.scan.at += 1;
                let is_empty = self.scan.eat(b'}');
                if !is_empty {
                    self.member()?;
                }
                Ok(!is_empty)
            }
            Some(b'[') => {
                self.scan.at += 1;
                let is_empty = self.scan.eat(b']');
                if !is_empty {
                    self.path.push(Step::Element(0));
                }
                Ok(!is_empty)
            }
            Some(b'"') => self.string(false).map(|()| false),
            Some(b'-' | b'0'..=b'9') => self.scan.number().map(|_| false),
            _ => self.scan.literal().map(|_| false),
        }
    }

    /// Steps behind a value to the next one; false where there is none.
    fn next(&mut self) -> Result<bool, NotJson> {
        loop {
            match self.path.last_mut() {
                None => return Ok(false),
                Some(Step::Element(at)) => {
                    *at += 1;
                    if self.scan.more(b']')? {
                        return Ok(true);
                    }
                }
                Some(Step::Member(_)) => {
                    let more = self.scan.more(b'}')?;
                    if more {
                        self.path.pop();
                        self.member()?;
                        return Ok(true);
                    }
                }
            }
            self.path.pop();
        }
    }

    fn member(&mut self) -> Result<(), NotJson> {
        self.scan.space();
        let name = self.peek_name()?;
        self.path.push(Step::Member(name));
        self.string(true)?;
        self.scan.expect(b':')
    }

    fn peek_name(&mut self) -> Result<Cow<'a, str>, NotJson> {
        let at = self.scan.at;
        let inner = self.scan.string()?;
        self.scan.at = at;
        Ok(unescape(inner))
    }

    fn string(&mut self, is_name: bool) -> Result<(), NotJson> {
        self.scan.space();
        let start = self.scan.at;
        let inner = self.scan.string()?;
        let place = Place {
            path: &self.path,
            is_name,
        };
        if let Some(other) = (self.exchange)(place, &unescape(inner)) {
            self.out
                .extend_from_slice(&self.scan.text.as_bytes()[self.copied..start]);
            self.out.push(b'"');
            write_inner(&mut self.out, &other, Style::Canonical);
            self.out.push(b'"');
            self.copied = self.scan.at;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanged(json: &str) -> Result<(String, Vec<String>), NormalizeError> {
        let mut seen = Vec::new();
        let out = exchange_strings(json.as_bytes(), &mut |place, text| {
            seen.push(format!(
                "{:?}{}{text}",
                place.path,
                if place.is_name { "#" } else { "=" }
            ));
            (text == "x\n").then(|| "a\"b".to_owned())
        })?;
        Ok((String::from_utf8(out).unwrap(), seen))
    }

    #[test]
    fn all_else_stays_as_it_is_spelled() {
        let json =
            " {\"a\" : [1.50e+3, \"x\\n\",\"\\u0041\" , {} ,[]],\"b\":{ \"x\\n\":null}, \"c\":-0} ";
        let (out, seen) = exchanged(json).unwrap();
        assert_eq!(out, json.replace("x\\n", "a\\\"b"));
        assert_eq!(seen.len(), 6);
        assert_eq!(seen[2], "[Member(\"a\"), Element(2)]=A");
        assert_eq!(seen[4], "[Member(\"b\"), Member(\"x\\n\")]#x\n");
    }

    #[test]
    fn any_depth_is_walked_and_no_json_is_refused() {
        let deep = format!("{}\"x\\n\"{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(exchanged(&deep).is_ok());
        for wrong in ["", "{", "[1,]", "{\"a\":}", "\"a", "1 2", "[}", "{\"a\":1]"] {
            assert!(exchanged(wrong).is_err(), "{wrong}");
        }
        assert!(exchange_strings(b"\"\xff\"", &mut |_, _| None).is_err());
    }
}
