//! Prices out of the text of a JSON number.
//!
//! Promise: a price is what its digits say; no binary floating point comes between.
//! Limits: chosen so that every sum of a call's cost is exact in 128 bits.

use rust_decimal::Decimal;

/// Digits after the point that a price may have: tables hold such as 0.18000000000000002, and mean it.
const FRACTION_DIGITS_MAX: u32 = 18;
/// Digits after the point of a sum: a price's, two more that factors and discounts may add, and those of a millionth.
const SUM_DIGITS: u32 = FRACTION_DIGITS_MAX + 2 + 6;
/// Dollars that one unit (a million tokens, a thousand requests) may cost.
const PRICE_USD_MAX: i64 = 100_000;
/// Tokens or requests of one call that are priced; more is a broken report, and no cost is given for it.
pub(crate) const QUANTITY_MAX: u64 = 10_000_000_000;

/// Powers of ten, up to the last digit of a sum.
const POWERS: [i128; SUM_DIGITS as usize + 1] = {
    let mut powers = [1; SUM_DIGITS as usize + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Reads a price; `None` where the text is no number or beyond the limits.
pub(crate) fn price_of(text: &str) -> Option<Decimal> {
    let price = decimal_of(text)?.normalize();
    let within = price.scale() <= FRACTION_DIGITS_MAX
        && !price.is_sign_negative()
        && price <= Decimal::from(PRICE_USD_MAX);
    within.then_some(price)
}

/// Multiplies a price by a factor; `None` where that is not exact or has more digits than are summed.
pub(crate) fn exact_product(price: Decimal, factor: Decimal) -> Option<Decimal> {
    let mantissa = price.mantissa().checked_mul(factor.mantissa())?;
    exact(mantissa, price.scale() + factor.scale(), SUM_DIGITS - 6)
}

/// A decimal without trailing zeros, of at most so many digits after the point.
fn exact(mut mantissa: i128, mut scale: u32, scale_max: u32) -> Option<Decimal> {
    while scale > 0 && mantissa % 10 == 0 {
        mantissa /= 10;
        scale -= 1;
    }
    let number = Decimal::try_from_i128_with_scale(mantissa, scale).ok()?;
    (scale <= scale_max).then_some(number)
}

/// Reads any JSON number that fits 28 digits, exponent and all.
pub(crate) fn decimal_of(text: &str) -> Option<Decimal> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let mut number = Decimal::from_str_exact(digits).ok()?;
    if exponent <= 0 {
        let scale = number.scale().checked_add(exponent.unsigned_abs())?;
        number.set_scale(scale).ok()?;
        return Some(number);
    }
    let factor = 10_i128.checked_pow(exponent.unsigned_abs())?;
    number.checked_mul(Decimal::try_from_i128_with_scale(factor, 0).ok()?)
}

/// A sum of money that never rounds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum(i128);

impl Sum {
    /// Adds a price times a quantity of units, of which `per_price` make up what the price is for (a thousand or a
    /// million); `None` where that cannot be exact.
    pub(crate) fn add(self, price: Decimal, quantity: u64, per_price: u32) -> Option<Self> {
        let digits = SUM_DIGITS.checked_sub(price.scale() + per_price.ilog10())?;
        let factor = POWERS[digits as usize];
        let amount = price
            .mantissa()
            .checked_mul(factor)?
            .checked_mul(i128::from(quantity))?;
        self.0.checked_add(amount).map(Self)
    }

    /// Returns the amount; `None` where it has more digits than a decimal of 96 bits holds.
    pub(crate) fn amount(self) -> Option<Decimal> {
        let (mut mantissa, mut scale) = (self.0, SUM_DIGITS);
        // From large to small: divisions of 128 bits are dear, and this takes few.
        for digits in [16, 8, 4, 2, 1] {
            while scale >= digits && mantissa % POWERS[digits as usize] == 0 {
                mantissa /= POWERS[digits as usize];
                scale -= digits;
            }
        }
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_digits_and_not_a_float() {
        for (text, expected) in [
            ("0.1", "0.1"),
            ("3", "3"),
            ("3.0", "3"),
            ("3.9e-06", "0.0000039"),
            ("1E+2", "100"),
            ("0.18000000000000002", "0.18000000000000002"),
            ("0.1800000000000000000002", ""),
            ("1e9", ""),
            ("-1", ""),
            ("x", ""),
            ("1e400000000000", ""),
        ] {
            let read = price_of(text).map(|price| price.to_string());
            assert_eq!(read.unwrap_or_default(), expected, "{text}");
        }
    }

    #[test]
    fn products_are_exact_or_none() {
        let number = |text: &str| text.parse::<Decimal>().expect("a number");
        for (price, factor, expected) in [
            ("3", "0.5", "1.5"),
            ("0.30", "1.1", "0.33"),
            ("0.18000000000000002", "0.875", "0.1575000000000000175"),
            ("0.18000000000000002", "0.8750001", ""),
            ("99999.999999999999999999", "1.1111111111", ""),
        ] {
            let product = exact_product(number(price), number(factor));
            let told = product.map(|product| product.to_string());
            assert_eq!(told.unwrap_or_default(), expected, "{price} x {factor}");
        }
    }

    #[test]
    fn the_largest_sums_are_exact() {
        let price: Decimal = "99999.999999999999999999".parse().expect("a price");
        let sum = Sum::default()
            .add(price, QUANTITY_MAX, 1_000)
            .expect("fits");
        assert_eq!(sum.0, 99_999_999_999_999_999_999_999_000_000_000_000_000);
        let small = Sum::default().add(
            "0.18000000000000002".parse().expect("a price"),
            7,
            1_000_000,
        );
        let amount = small.and_then(Sum::amount).expect("fits");
        assert_eq!(amount.to_string(), "0.00000126000000000000014");
    }
}
