//! Numbers as people write them.

use alloc::format;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Neg;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A decimal number with at most fifteen significant digits, and sums of such.
///
/// Fifteen digits are what a binary double keeps of every decimal number. Read with
/// so many, `0.30000000000000004` is 0.3 and `0.9499999999999999` is 0.95: the rest is
/// noise of binary arithmetic. From there on all arithmetic is exact, so 0.1 and 0.2
/// make 0.3, and comparisons need no tolerance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(inline, with = "f64"))]
pub struct Number {
    /// Does not end with a zero, unless it is one.
    digits: i128,
    /// The power of ten by which the digits are multiplied.
    exponent: i32,
}

/// A double that is no [`Number`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("is not a number below 1e308")]
pub struct NotANumber;

/// Digits beyond this would leave no room for a sign and a carry in 128 bits.
const MAX_DIGITS: u32 = 37;

impl Number {
    /// Zero.
    pub const ZERO: Self = Self {
        digits: 0,
        exponent: 0,
    };

    /// One.
    pub(super) const ONE: Self = Self {
        digits: 1,
        exponent: 0,
    };

    /// Reads a double; `None` for NaN, the infinities and what is next to them: 1e308 and
    /// more.
    pub fn new(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let written = format!("{value:.14e}");
        let (mantissa, exponent) = written.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.')?;
        let exponent: i32 = exponent.parse().ok()?;
        Self::of(format!("{whole}{fraction}").parse().ok()?, exponent - 14)
    }

    /// Reads text such as `250`, `-0.5` or `1e-3`, with nothing around it.
    pub fn parse(text: &str) -> Option<Self> {
        // `f64` would also read `inf`, `nan` and `+1`.
        let plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && text.ends_with(|c: char| c.is_ascii_digit())
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
        plain
            .then(|| text.parse().ok())
            .flatten()
            .and_then(Self::new)
    }

    fn of(mut digits: i128, mut exponent: i32) -> Option<Self> {
        if digits == 0 {
            return Some(Self::ZERO);
        }
        while digits % 10 == 0 {
            digits /= 10;
            exponent += 1;
        }
        let length = digits.unsigned_abs().ilog10() + 1;
        let fits = length <= MAX_DIGITS && i64::from(exponent) + i64::from(length) <= 308;
        fits.then_some(Self { digits, exponent })
    }

    /// The digits when written with this smaller exponent, if 128 bits hold them.
    fn digits_at(self, exponent: i32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let zeros = u32::try_from(self.exponent - exponent).ok()?;
        10_i128.checked_pow(zeros)?.checked_mul(self.digits)
    }

    /// The exact sum; `None` if the numbers are too far apart to have one here.
    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let sum = self
            .digits_at(exponent)?
            .checked_add(other.digits_at(exponent)?)?;
        Self::of(sum, exponent)
    }

    /// The exact difference.
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.plus(-other)
    }

    /// This many percent of the other number.
    pub(super) fn percent_of(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Self::of(digits, self.exponent + other.exponent - 2)
    }

    /// Without its sign.
    pub(super) const fn abs(self) -> Self {
        Self {
            digits: self.digits.abs(),
            ..self
        }
    }

    /// Whether it is less than zero.
    pub(super) const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// Whether it is zero.
    pub(super) const fn is_zero(&self) -> bool {
        self.digits == 0
    }
}

impl Neg for Number {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            digits: -self.digits,
            ..self
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let exponent = self.exponent.min(other.exponent);
        match (self.digits_at(exponent), other.digits_at(exponent)) {
            (Some(this), Some(that)) => this.cmp(&that),
            // What 128 bits do not hold is larger than all that they hold.
            (None, _) => self.digits.cmp(&0),
            (_, None) => 0.cmp(&other.digits),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<f64> for Number {
    type Error = NotANumber;

    fn try_from(value: f64) -> Result<Self, NotANumber> {
        Self::new(value).ok_or(NotANumber)
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> Self {
        // The standard library reads decimals correctly rounded.
        format!("{}e{}", number.digits, number.exponent)
            .parse()
            .unwrap_or_default()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = f64::from(*self);
        let size = value.abs();
        if size == 0.0 || (1e-6..1e15).contains(&size) {
            write!(f, "{value}")
        } else {
            write!(f, "{value:e}")
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn number(value: f64) -> Number {
        Number::new(value).unwrap()
    }

    #[test]
    fn binary_noise_is_not_read() {
        assert_eq!(number(0.1 + 0.2), number(0.3));
        assert_eq!(number(0.949_999_999_999_999_9), number(0.95));
        assert_eq!(number(-0.0), Number::ZERO);
        // The fifteenth digit counts.
        assert!(number(0.949_999_999_999_999) < number(0.95));
        assert!(number(0.950_000_000_000_001) > number(0.95));
    }

    #[test]
    fn sums_are_exact() {
        let sum = number(0.1).plus(number(0.2)).unwrap();
        assert_eq!(sum, number(0.3));
        assert_eq!(
            number(0.87).minus(number(0.85)).unwrap().to_string(),
            "0.02"
        );
        assert_eq!(
            number(2.5)
                .percent_of(number(0.812_345_678_901_234))
                .unwrap()
                .digits,
            2_030_864_197_253_085
        );
        assert_eq!(number(1e300).plus(number(1.0)), None);
        assert_eq!(
            number(9e307).plus(number(1e307)),
            None,
            "a sum must be a number too"
        );
    }

    #[test]
    fn numbers_that_are_far_apart_still_compare() {
        let ascending = [
            -1e300, -1e20, -1.0, -1e-20, -1e-300, 0.0, 5e-324, 1e-300, 1e-20, 1.0, 1e20, 9e307,
        ];
        for (at, low) in ascending.into_iter().enumerate() {
            for (other, high) in ascending.into_iter().enumerate() {
                assert_eq!(
                    number(low).cmp(&number(high)),
                    at.cmp(&other),
                    "{low} {high}"
                );
            }
        }
    }

    #[test]
    fn text_is_a_number_or_nothing() {
        for (text, value) in [
            ("250", 250.0),
            ("-0.5", -0.5),
            ("1e-3", 0.001),
            ("1E+3", 1000.0),
            ("007", 7.0),
        ] {
            assert_eq!(Number::parse(text), Some(number(value)), "{text}");
        }
        for text in [
            "", " 1", "1 ", "+1", ".5", "5.", "1,5", "12ms", "0x10", "1e", "1e999", "nan", "NaN",
            "inf", "-inf", "-", "1-2", "1_000", "١",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        for (value, text) in [
            (0.0, "0"),
            (250.0, "250"),
            (0.87, "0.87"),
            (-1234.5, "-1234.5"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (2.348_543e108, "2.348543e108"),
        ] {
            assert_eq!(number(value).to_string(), text);
        }
    }

    proptest! {
        /// Any decimal of fifteen digits is kept, ordered and written as it is.
        #[test]
        fn fifteen_digits_survive(
            a in -999_999_999_999_999_i64..=999_999_999_999_999,
            b in -999_999_999_999_999_i64..=999_999_999_999_999,
            places in 0..20_u32,
        ) {
            let read = |digits: i64| Number::parse(&format!("{digits}e-{places}")).unwrap();
            prop_assert_eq!(read(a).cmp(&read(b)), a.cmp(&b));
            prop_assert_eq!(read(a), number(f64::from(read(a))));
            let sum = read(a).plus(read(b)).unwrap();
            prop_assert_eq!(sum.minus(read(b)).unwrap(), read(a));
        }

        #[test]
        fn every_double_below_the_largest_is_a_number(bits: u64) {
            let value = f64::from_bits(bits);
            match Number::new(value) {
                Some(number) => prop_assert!(f64::from(number).is_finite()),
                None => prop_assert!(!value.is_finite() || value.abs() > 9.9e307),
            }
        }
    }
}
