//! Money: an exact decimal amount of US dollars.
//!
//! Promise: no binary floating point anywhere between a price and a record.
//! Not here: prices (`price`).

use std::fmt;

use rust_decimal::Decimal;

/// An exact amount of US dollars.
///
/// Prints in the journal's number spelling: no exponent, no trailing zero, never `-0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd(Decimal);

impl Usd {
    /// Makes an amount of a decimal number.
    pub fn new(amount: Decimal) -> Self {
        Self(amount.normalize())
    }

    /// Returns the decimal number.
    pub fn amount(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.0.normalize();
        if plain.is_zero() {
            out.write_str("0")
        } else {
            write!(out, "{plain}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_without_trailing_zeros_or_exponent() {
        let cases = [
            ("0.0033030", "0.003303"),
            ("-0.0", "0"),
            ("0.00000012", "0.00000012"),
            ("100", "100"),
        ];
        for (given, expected) in cases {
            assert_eq!(
                Usd::new(given.parse().expect("decimal")).to_string(),
                expected
            );
        }
    }
}
