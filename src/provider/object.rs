//! One JSON object of a provider, as raw members.
//!
//! Promise: an object that was cut in the middle gives the members that are whole, and says that it was cut.
//! Not here: what the members mean.

use std::borrow::Cow;

use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use llm_audit_journal::json;

/// Bytes of a count that is not spelled in digits alone.
const COUNT_BYTES_MAX: usize = 32;

/// The members of one object, each value as it was spelled; of two members of one name the last counts.
pub(crate) struct Object<'a> {
    members: Vec<(Cow<'a, str>, &'a [u8])>,
    /// False where the text ended or broke before the object did.
    pub(crate) is_whole: bool,
}

impl<'a> Object<'a> {
    /// Reads an object; `None` where the text is something else.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        if text.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let (mut members, mut is_whole) = (Vec::new(), true);
        for member in json::members(text) {
            match member {
                Ok(member) => members.push(member),
                Err(_) => is_whole = false,
            }
        }
        if !is_whole
            && members
                .last()
                .is_some_and(|(_, value)| ends_with(text, value))
        {
            // A number at the cut may have had more digits.
            members.pop();
        }
        Some(Self { members, is_whole })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a [u8])> {
        self.members
            .iter()
            .map(|(key, value)| (key.as_ref(), *value))
    }

    /// Returns a member's value as it was spelled, unless it is null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a [u8]> {
        let found = self.members.iter().rev().find(|(name, _)| name == key);
        found
            .map(|(_, value)| *value)
            .filter(|value| *value != b"null")
    }

    /// Returns a text member, unless it is empty.
    pub(crate) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        json::text(self.get(key)?).filter(|text| !text.is_empty())
    }

    pub(crate) fn owned_text(&self, key: &str) -> Option<String> {
        self.text(key).map(Cow::into_owned)
    }

    /// Says whether a text member has this value.
    pub(crate) fn is(&self, key: &str, value: &str) -> bool {
        self.text(key).is_some_and(|text| text == value)
    }

    /// Returns a count; some hosts spell one with a fraction or an exponent, of which it must be whole.
    pub(crate) fn count(&self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        json::unsigned(value.strip_suffix(b".0").unwrap_or(value)).or_else(|| whole_number(value))
    }

    pub(crate) fn object(&self, key: &str) -> Option<Self> {
        Self::parse(self.get(key)?)
    }

    /// Returns a count out of an object among the members.
    pub(crate) fn count_in(&self, object: &str, key: &str) -> Option<u64> {
        self.object(object)?.count(key)
    }

    /// Returns the elements of an array among the members, none where it is none.
    pub(crate) fn elements(&self, key: &str) -> impl Iterator<Item = &'a [u8]> {
        let array = self.get(key).filter(|value| value.first() == Some(&b'['));
        json::elements(array.unwrap_or(b"[]")).filter_map(Result::ok)
    }
}

/// A number that is spelled with a fraction or an exponent, where it is whole.
fn whole_number(value: &[u8]) -> Option<u64> {
    let is_number = value.first()?.is_ascii_digit() && value.len() <= COUNT_BYTES_MAX;
    let text = std::str::from_utf8(value).ok().filter(|_| is_number)?;
    let number = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
    number.ok().filter(Decimal::is_integer)?.to_u64()
}

fn ends_with(text: &[u8], value: &[u8]) -> bool {
    std::ptr::eq(text.as_ptr_range().end, value.as_ptr_range().end)
}
