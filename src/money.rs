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

    /// Adds another amount; `None` where the sum has more digits than a decimal holds: nothing is rounded.
    pub(crate) fn exact_sum(self, other: Self) -> Option<Self> {
        let (one, other) = (self.0, other.0);
        let scale = one.scale().max(other.scale());
        let raised = |amount: Decimal| {
            let factor = 10_i128.checked_pow(scale - amount.scale())?;
            amount.mantissa().checked_mul(factor)
        };
        let (mut sum, mut scale) = (raised(one)?.checked_add(raised(other)?)?, scale);
        while scale > 0 && sum % 10 == 0 {
            (sum, scale) = (sum / 10, scale - 1);
        }
        Decimal::try_from_i128_with_scale(sum, scale).ok().map(Self)
    }

    /// Returns the double whose shortest decimal is this very amount, where there is one.
    pub(crate) fn as_exact_double(self) -> Option<f64> {
        self.of_few_digits().or_else(|| {
            let exact = self.to_string();
            let double: f64 = exact.parse().ok()?;
            (double.to_string() == exact).then_some(double)
        })
    }

    /// The double of an amount that any double tells: fifteen digits survive the way there and back, and a quotient
    /// of two numbers that doubles hold exactly is the nearest to the amount.
    fn of_few_digits(self) -> Option<f64> {
        const DIGITS_MAX: i128 = 1_000_000_000_000_000;
        const EXACT_POWERS: [f64; 16] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
        ];
        let (mantissa, scale) = (self.0.mantissa(), self.0.scale() as usize);
        let is_short = (0..DIGITS_MAX).contains(&mantissa);
        let power = EXACT_POWERS.get(scale).filter(|_| is_short)?;
        Some(mantissa as u64 as f64 / power)
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
    fn few_digits_are_told_by_a_double_as_by_its_text() {
        let mut mantissa = 1_u64;
        for step in 0..200_000_u64 {
            mantissa = mantissa.wrapping_mul(6_364_136_223_846_793_005) + step;
            let usd = Usd::new(Decimal::new(
                (mantissa >> (14 + step % 50)) as i64,
                (step % 16) as u32,
            ));
            let short = usd.of_few_digits();
            assert_eq!(
                short.map(|double| double.to_string()),
                short.map(|_| usd.to_string())
            );
        }
    }

    #[test]
    fn a_sum_is_exact_or_none() {
        let usd = |text: &str| Usd::new(text.parse().expect("decimal"));
        let small = usd("0.0000000000000000000000000002");
        assert_eq!(
            usd("0.1")
                .exact_sum(small)
                .map(|sum| sum.to_string())
                .as_deref(),
            Some("0.1000000000000000000000000002")
        );
        assert_eq!(usd("100").exact_sum(small), None);
    }

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
