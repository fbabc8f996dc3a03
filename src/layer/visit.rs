//! Reading a span's fields into [`Facts`]: by slot, with texts understood as the slot's type.
//!
//! Promise: a `Debug` or `Display` of the host runs while nothing of ours is locked; one that panics loses its own
//! field and nothing else.
//! Not here: which field has which slot (`callsite`), what the values mean (`judge`).

use std::{
    cell::Cell,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tracing_core::{
    field::{Field, Visit},
    span::Attributes,
};

use super::callsite::Callsite;
use crate::{
    facts::{FactValue, Facts},
    semconv::{Slot, ValueType},
};
use llm_audit_journal::json;

/// Reads fields, and puts each one that has a slot.
///
/// The host's own code runs between the calls of `put`, never within one: `put` may take a lock.
pub(crate) struct Reader<'a, P> {
    callsite: Option<&'a Callsite>,
    put: P,
}

impl<'a, P: FnMut(Slot, FactValue<'_>)> Reader<'a, P> {
    pub(crate) fn new(callsite: Option<&'a Callsite>, put: P) -> Self {
        Self { callsite, put }
    }

    #[inline]
    fn slot(&self, field: &Field) -> Option<(Slot, ValueType)> {
        self.callsite?.slot(field)
    }

    #[inline]
    fn put(&mut self, field: &Field, value: FactValue<'_>) {
        match self.slot(field) {
            Some((slot, ValueType::Members)) => self.put_member(slot, field, value),
            Some((slot, _)) => (self.put)(slot, value),
            None => {}
        }
    }

    #[cold]
    fn put_member(&mut self, slot: Slot, field: &Field, value: FactValue<'_>) {
        (self.put)(slot, FactValue::Text(&member(field.name(), value)));
    }
}

/// Reads the fields that a span was opened with.
pub(crate) fn opened(callsite: &Callsite, attributes: &Attributes<'_>) -> Facts {
    let mut facts = Facts::with_capacity(callsite.read, callsite.text_bytes());
    facts.emitter = callsite.emitter;
    attributes.record(&mut Reader::new(Some(callsite), |slot, value| {
        facts.set(slot, value);
    }));
    facts
}

impl<P: FnMut(Slot, FactValue<'_>)> Visit for Reader<'_, P> {
    #[inline]
    fn record_str(&mut self, field: &Field, value: &str) {
        let Some((slot, wanted)) = self.slot(field) else {
            return;
        };
        let fact = match wanted {
            ValueType::Members => return self.put_member(slot, field, FactValue::Text(value)),
            ValueType::Text => FactValue::Text(value),
            wanted => number(wanted, value).unwrap_or(FactValue::Text(value)),
        };
        (self.put)(slot, fact);
    }

    #[inline]
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, FactValue::Int(value));
    }

    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, FactValue::UInt(value));
    }

    #[inline]
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, FactValue::Double(value));
    }

    #[inline]
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, FactValue::Bool(value));
    }

    /// Values given with `%` or `?`, and all that `tracing` knows no better way for.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some((slot, wanted)) = self.slot(field) {
            printed(value, |text| {
                understand(wanted, text, |fact| match wanted {
                    ValueType::Members => self.put_member(slot, field, fact),
                    _ => (self.put)(slot, fact),
                });
            });
        }
    }
}

/// One member of a JSON object, as a field's name and value.
pub(crate) fn member(name: &str, value: FactValue<'_>) -> String {
    let mut member = Vec::new();
    json::write_str(&mut member, name);
    member.push(b':');
    match value {
        FactValue::Text(text) => json::write_str(&mut member, text),
        FactValue::Int(int) => member.extend_from_slice(int.to_string().as_bytes()),
        FactValue::UInt(int) => member.extend_from_slice(int.to_string().as_bytes()),
        FactValue::Bool(truth) => member.extend_from_slice(truth.to_string().as_bytes()),
        FactValue::Double(double) if double.is_finite() => {
            member.extend_from_slice(double.to_string().as_bytes());
        }
        FactValue::Double(_) => member.extend_from_slice(b"null"),
    }
    // Names and texts are UTF-8, and so is how they are escaped.
    String::from_utf8(member).unwrap_or_default()
}

thread_local! {
    /// Where values are printed; kept, so that most cost no allocation.
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// Prints a value of the host's, and hands on its text; one that panics has none.
fn printed(value: &dyn fmt::Debug, then: impl FnOnce(&str)) {
    const WORTH_KEEPING: usize = 64 * 1024;
    // A `Debug` that itself prints for us finds the place empty, and takes a fresh string.
    let mut text = SCRATCH.try_with(Cell::take).unwrap_or_default();
    text.clear();
    let print = AssertUnwindSafe(|| fmt::Write::write_fmt(&mut text, format_args!("{value:?}")));
    // One that returns an error leaves what it wrote; there is nobody to tell.
    if catch_unwind(print).is_ok() {
        then(&text);
    }
    if text.capacity() <= WORTH_KEEPING {
        let _ = SCRATCH.try_with(|scratch| scratch.set(text));
    }
}

/// Reads a number or a truth value where the slot wants one and the text is one.
fn number(wanted: ValueType, text: &str) -> Option<FactValue<'static>> {
    match wanted {
        ValueType::Int => {
            let int = text.parse().map(FactValue::Int).ok();
            int.or_else(|| text.parse().map(FactValue::UInt).ok())
        }
        ValueType::Double => text.parse().map(FactValue::Double).ok(),
        ValueType::Bool => text.parse().map(FactValue::Bool).ok(),
        ValueType::Text | ValueType::TextList | ValueType::Json | ValueType::Members => None,
    }
}

/// Reads a printed value as what it was before it was printed, where that can be told.
fn understand(wanted: ValueType, printed: &str, put: impl FnOnce(FactValue<'_>)) {
    let inner = printed
        .strip_prefix("Some(")
        .and_then(|rest| rest.strip_suffix(')'));
    let text = inner.unwrap_or(printed);
    if let Some(number) = number(wanted, text) {
        put(number);
    } else if wanted == ValueType::Json {
        put(FactValue::Text(printed));
    } else if text == "None" {
        // An option that is empty says nothing.
    } else if let (ValueType::Text | ValueType::Members, Some(plain)) = (wanted, unquoted(text)) {
        put(FactValue::Text(&plain));
    } else {
        put(FactValue::Text(text));
    }
}

/// Undoes the `Debug` of a string; `None` where the text is none.
fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return None,
            '\\' => plain.push(unescaped(&mut chars)?),
            _ => plain.push(char),
        }
    }
    Some(plain)
}

fn unescaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '0' => Some('\0'),
        same @ ('\\' | '"' | '\'') => Some(same),
        'u' => {
            let (hex, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
            let char = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
            *chars = rest.chars();
            Some(char)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unquoted_undoes_debug_of_any_string() {
        for text in ["", "gpt-4o", "a\"b\\c\n\t\0\u{1}\u{2028}é'", "\u{202e}"] {
            assert_eq!(unquoted(&format!("{text:?}")).as_deref(), Some(text));
        }
        for text in ["plain", "\"open", "\"a\" and \"b\"", "\"\\x\""] {
            assert_eq!(unquoted(text), None, "{text}");
        }
    }

    #[test]
    fn printed_values_are_understood_by_slot() {
        let print = |slot: Slot, text: &str| {
            let mut shown = "None".to_owned();
            understand(slot.attribute().value, text, |fact| {
                shown = format!("Some({fact:?})");
            });
            shown
        };
        assert_eq!(print(Slot::InputTokens, "12"), "Some(Int(12))");
        assert_eq!(print(Slot::InputTokens, "Some(12)"), "Some(Int(12))");
        assert_eq!(print(Slot::InputTokens, "None"), "None");
        assert_eq!(
            print(Slot::InputTokens, "18446744073709551615"),
            "Some(UInt(18446744073709551615))"
        );
        assert_eq!(print(Slot::UserId, "Some(\"u-1\")"), "Some(Text(\"u-1\"))");
        assert_eq!(print(Slot::UserId, "u-1"), "Some(Text(\"u-1\"))");
        assert_eq!(
            print(Slot::InputMessages, "\"x\""),
            "Some(Text(\"\\\"x\\\"\"))"
        );
    }
}
