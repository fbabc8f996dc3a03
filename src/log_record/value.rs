//! A member's JSON as the value of an attribute: numbers stay exact, structure stays structure.
//!
//! Promise: an integer is an integer; another number is a double only where its shortest spelling is the journal's own,
//! else it is a text; a null is left out.

use crate::semconv::ValueType;
use llm_audit_journal::json;

/// The values of one library's log records.
pub(crate) trait LogValue: Sized {
    /// Makes a text.
    fn text(text: &str) -> Self;
    /// Makes an integer.
    fn int(int: i64) -> Self;
    /// Makes a double.
    fn double(double: f64) -> Self;
    /// Makes a truth value.
    fn bool(bool: bool) -> Self;
    /// Makes a list.
    fn list(values: Vec<Self>) -> Self;
    /// Makes an object.
    fn object(members: Vec<(String, Self)>) -> Self;
}

/// Reads a value as it is spelled; `None` for null.
pub(super) fn any<V: LogValue>(raw: &[u8]) -> Option<V> {
    match raw.first()? {
        b'"' => json::text(raw).map(|text| V::text(&text)),
        b'{' => Some(V::object(members(raw))),
        b'[' => Some(V::list(
            json::elements(raw).flatten().filter_map(any).collect(),
        )),
        b't' => Some(V::bool(true)),
        b'f' => Some(V::bool(false)),
        b'n' => None,
        _ => Some(number(raw)),
    }
}

/// Reads a value that the conventions give a type; one that cannot have it stays what it is.
pub(super) fn typed<V: LogValue>(raw: &[u8], wanted: ValueType) -> Option<V> {
    let is_number = matches!(raw.first()?, b'-' | b'0'..=b'9');
    let spelled = || std::str::from_utf8(raw).ok();
    match wanted {
        ValueType::Double if is_number => Some(V::double(spelled()?.parse().ok()?)),
        ValueType::Text if is_number => Some(V::text(spelled()?)),
        ValueType::TextList if raw[0] == b'"' => Some(V::list(vec![any(raw)?])),
        _ => any(raw),
    }
}

/// Reads a number: an integer, a double that prints as it, or its text.
fn number<V: LogValue>(raw: &[u8]) -> V {
    let text = String::from_utf8_lossy(raw);
    if let Ok(int) = text.parse() {
        return V::int(int);
    }
    match exact_double(&text) {
        Some(double) => V::double(double),
        None => V::text(&text),
    }
}

/// Returns the double whose shortest decimal is `text`, where there is one.
pub(super) fn exact_double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    // Journal spelling has no exponent and no trailing zero, and neither has a double's `Display`.
    (double.to_string() == text).then_some(double)
}

fn members<V: LogValue>(raw: &[u8]) -> Vec<(String, V)> {
    let members = json::members(raw).flatten();
    members
        .filter_map(|(key, value)| Some((key.into_owned(), any(value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Value {
        Text(String),
        Int(i64),
        Double(f64),
        Bool(bool),
        List(Vec<Value>),
        Object(Vec<(String, Value)>),
    }

    impl LogValue for Value {
        fn text(text: &str) -> Self {
            Self::Text(text.to_owned())
        }
        fn int(int: i64) -> Self {
            Self::Int(int)
        }
        fn double(double: f64) -> Self {
            Self::Double(double)
        }
        fn bool(bool: bool) -> Self {
            Self::Bool(bool)
        }
        fn list(values: Vec<Self>) -> Self {
            Self::List(values)
        }
        fn object(members: Vec<(String, Self)>) -> Self {
            Self::Object(members)
        }
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn numbers_stay_exact() {
        let cases = [
            ("7", Value::Int(7)),
            ("-1", Value::Int(-1)),
            ("0.003303", Value::Double(0.003_303)),
            ("0.00000012", Value::Double(0.000_000_12)),
            ("18446744073709551615", text("18446744073709551615")),
            ("0.1234567890123456789", text("0.1234567890123456789")),
        ];
        for (raw, expected) in cases {
            assert_eq!(any(raw.as_bytes()), Some(expected), "{raw}");
        }
    }

    #[test]
    fn structure_stays_structure_and_nulls_go() {
        let list = Value::List(vec![Value::Int(1), text("x\n"), Value::Object(Vec::new())]);
        let expected = vec![("a".to_owned(), list), ("c".to_owned(), Value::Bool(true))];
        let read: Option<Value> = any(br#"{"a":[1,"x\n",{}],"b":null,"c":true}"#);
        assert_eq!(read, Some(Value::Object(expected)));
    }

    #[test]
    fn the_conventions_types_are_kept() {
        assert_eq!(typed(b"1", ValueType::Double), Some(Value::Double(1.0)));
        assert_eq!(typed(b"1", ValueType::Text), Some(text("1")));
        assert_eq!(
            typed(b"\"stop\"", ValueType::TextList),
            Some(Value::List(vec![text("stop")]))
        );
        assert_eq!(typed::<Value>(b"null", ValueType::Text), None);
    }
}
