//! A member's JSON as an OTLP value: numbers stay exact, structure stays structure.
//!
//! Promise: an integer is an integer; another number is a double only where its shortest spelling is the journal's own,
//! else it is a text; a null is left out.

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};

use crate::{json, semconv::ValueType};

/// Reads a value as it is spelled; `None` for null.
pub(super) fn any(raw: &[u8]) -> Option<Value> {
    match raw.first()? {
        b'"' => json::text(raw).map(|text| Value::StringValue(text.into_owned())),
        b'{' => Some(Value::KvlistValue(KeyValueList {
            values: members(raw),
        })),
        b'[' => {
            let elements = json::elements(raw).flatten();
            let values = elements
                .map(|element| AnyValue {
                    value: any(element),
                })
                .collect();
            Some(Value::ArrayValue(ArrayValue { values }))
        }
        b't' => Some(Value::BoolValue(true)),
        b'f' => Some(Value::BoolValue(false)),
        b'n' => None,
        _ => Some(number(raw)),
    }
}

/// Reads a value that the conventions give a type; one that cannot have it stays what it is.
pub(super) fn typed(raw: &[u8], wanted: ValueType) -> Option<Value> {
    let value = any(raw)?;
    Some(match (wanted, value) {
        (ValueType::Double, Value::IntValue(int)) => Value::DoubleValue(int as f64),
        (ValueType::Text, Value::IntValue(int)) => Value::StringValue(int.to_string()),
        (ValueType::Text, Value::DoubleValue(double)) => Value::StringValue(double.to_string()),
        (ValueType::TextList, Value::StringValue(text)) => {
            let values = vec![AnyValue {
                value: Some(Value::StringValue(text)),
            }];
            Value::ArrayValue(ArrayValue { values })
        }
        (_, value) => value,
    })
}

/// Reads a number: an integer, a double that prints as it, or its text.
fn number(raw: &[u8]) -> Value {
    let text = String::from_utf8_lossy(raw);
    if let Ok(int) = text.parse() {
        return Value::IntValue(int);
    }
    match exact_double(&text) {
        Some(double) => Value::DoubleValue(double),
        None => Value::StringValue(text.into_owned()),
    }
}

/// Returns the double whose shortest decimal is `text`, where there is one.
pub(super) fn exact_double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    // Journal spelling has no exponent and no trailing zero, and neither has a double's `Display`.
    (double.to_string() == text).then_some(double)
}

fn members(raw: &[u8]) -> Vec<KeyValue> {
    let members = json::members(raw).flatten();
    members
        .filter_map(|(key, value)| Some(attribute(key.into_owned(), any(value)?)))
        .collect()
}

/// Makes an attribute.
pub(super) fn attribute(key: impl Into<String>, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_exact() {
        let cases = [
            ("7", Value::IntValue(7)),
            ("-1", Value::IntValue(-1)),
            ("0.003303", Value::DoubleValue(0.003_303)),
            ("0.00000012", Value::DoubleValue(0.000_000_12)),
            (
                "18446744073709551615",
                Value::StringValue("18446744073709551615".to_owned()),
            ),
            (
                "0.1234567890123456789",
                Value::StringValue("0.1234567890123456789".to_owned()),
            ),
        ];
        for (raw, expected) in cases {
            assert_eq!(any(raw.as_bytes()), Some(expected), "{raw}");
        }
    }

    #[test]
    fn structure_stays_structure_and_nulls_go() {
        let Some(Value::KvlistValue(list)) = any(br#"{"a":[1,"x\n",{}],"b":null,"c":true}"#) else {
            panic!("an object is a list of pairs");
        };
        let keys: Vec<_> = list.values.iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!(keys, ["a", "c"]);
    }

    #[test]
    fn the_conventions_types_are_kept() {
        assert_eq!(
            typed(b"1", ValueType::Double),
            Some(Value::DoubleValue(1.0))
        );
        assert_eq!(
            typed(b"1", ValueType::Text),
            Some(Value::StringValue("1".to_owned()))
        );
        assert!(matches!(
            typed(b"\"stop\"", ValueType::TextList),
            Some(Value::ArrayValue(_))
        ));
        assert_eq!(typed(b"null", ValueType::Text), None);
    }
}
