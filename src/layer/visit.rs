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
    span::{Attributes, Record},
};

use super::callsite::Callsite;
use crate::{
    facts::{FactValue, Facts},
    semconv::{Slot, ValueType},
};

/// Reads the fields that a span was opened with.
pub(crate) fn opened(callsite: &Callsite, attributes: &Attributes<'_>) -> Facts {
    let mut facts = Facts::with_capacity(callsite.read, callsite.text_bytes());
    attributes.record(&mut Reader {
        callsite,
        facts: &mut facts,
    });
    facts
}

thread_local! {
    /// Where recorded fields wait for the lock; kept, so that a record costs no allocation.
    static SCRATCH: Cell<Option<Facts>> = const { Cell::new(None) };
}

/// Reads fields that were recorded later, then hands them on.
///
/// The host's own code runs before `then`, in which a lock may be taken.
pub(crate) fn recorded<T>(
    callsite: &Callsite,
    values: &Record<'_>,
    then: impl FnOnce(&Facts) -> T,
) -> T {
    scratch(|facts| values.record(&mut Reader { callsite, facts }), then)
}

/// Reads the error that an event of `#[instrument(err)]` tells, then hands it on.
pub(crate) fn error_event<T>(
    callsite: &Callsite,
    event: &tracing_core::Event<'_>,
    then: impl FnOnce(&Facts) -> T,
) -> T {
    scratch(|facts| event.record(&mut Reader { callsite, facts }), then)
}

fn scratch<T>(read: impl FnOnce(&mut Facts), then: impl FnOnce(&Facts) -> T) -> T {
    // A `Debug` that itself records on a span finds the place empty, and takes fresh facts.
    let mut facts = SCRATCH.take().unwrap_or_default();
    facts.clear();
    read(&mut facts);
    let result = then(&facts);
    const WORTH_KEEPING: usize = 64 * 1024;
    if facts.size() <= WORTH_KEEPING {
        SCRATCH.set(Some(facts));
    }
    result
}

struct Reader<'a> {
    callsite: &'a Callsite,
    facts: &'a mut Facts,
}

impl Reader<'_> {
    fn set(&mut self, field: &Field, value: FactValue<'_>) {
        if let Some(slot) = self.callsite.slot(field) {
            self.facts.set(slot, value);
        }
    }
}

impl Visit for Reader<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(slot) = self.callsite.slot(field) {
            match number(slot.attribute().value, value) {
                Some(number) => self.facts.set(slot, number),
                None => self.facts.set(slot, FactValue::Text(value)),
            }
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, FactValue::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, FactValue::UInt(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, FactValue::Double(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, FactValue::Bool(value));
    }

    /// Values given with `%` or `?`, and all that `tracing` knows no better way for.
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let Some(slot) = self.callsite.slot(field) else {
            return;
        };
        let facts = &mut *self.facts;
        let print = || facts.set_display(slot, format_args!("{value:?}"));
        // Facts are whole after a panic: a text that was begun belongs to no attribute.
        if catch_unwind(AssertUnwindSafe(print)).is_ok() {
            understand(self.facts, slot);
        }
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
        ValueType::Text | ValueType::TextList | ValueType::Json => None,
    }
}

/// Reads a printed value as what it was before it was printed, where that can be told.
fn understand(facts: &mut Facts, slot: Slot) {
    let wanted = slot.attribute().value;
    let Some(text) = facts.text(slot) else {
        return;
    };
    let text = match text.strip_prefix("Some(") {
        Some(rest) => rest.strip_suffix(')').unwrap_or(text),
        None => text,
    };
    if let Some(number) = number(wanted, text) {
        facts.set(slot, number);
    } else if text == "None" && wanted != ValueType::Json {
        facts.remove(slot);
    } else if wanted == ValueType::Text {
        if let Some(plain) = unquoted(text) {
            facts.set(slot, FactValue::Text(&plain));
        }
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
        let mut facts = Facts::default();
        let mut print = |slot, text: &str| {
            facts.set_display(slot, format_args!("{text}"));
            understand(&mut facts, slot);
            format!("{:?}", facts.get(slot))
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
