//! The decimal floating point number in which shares are stored.

use crate::fixed::wide;

/// Largest mantissa: 10^21. A value other than zero has a mantissa above a tenth of it.
pub const MANTISSA_MAX: u128 = 1_000_000_000_000_000_000_000;

const MAX_DIGITS: u64 = 21;
const MANTISSA_MIN: u128 = MANTISSA_MAX / 10;

/// `mantissa * 10^exponent`, truncating, with 21 to 22 decimal digits (`SafeFloat` of the runtime).
///
/// SCALE-encoded on chain as the mantissa (u128) followed by the exponent (i64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SafeFloat {
    mantissa: u128,
    exponent: i64,
}

impl SafeFloat {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, exponent: 0 };

    /// The value `mantissa * 10^exponent`, normalised; `None` for a mantissa above [`MANTISSA_MAX`] or an exponent that
    /// overflows.
    #[must_use]
    pub fn new(mantissa: u128, exponent: i64) -> Option<Self> {
        if mantissa > MANTISSA_MAX {
            return None;
        }
        Self::normalised(0, mantissa, exponent)
    }

    /// An integer. Exact.
    #[must_use]
    pub fn from_int(value: u64) -> Self {
        Self::new(u128::from(value), 0).unwrap_or(Self::ZERO)
    }

    /// The value with exactly these stored parts, without normalising: what decoding storage gives.
    #[must_use]
    pub const fn from_parts(mantissa: u128, exponent: i64) -> Self {
        Self { mantissa, exponent }
    }

    /// Stored mantissa.
    #[must_use]
    pub const fn mantissa(self) -> u128 {
        self.mantissa
    }

    /// Stored exponent of ten.
    #[must_use]
    pub const fn exponent(self) -> i64 {
        self.exponent
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Sum: the larger exponent is kept, the other mantissa floored to it. `None` when the exponent overflows.
    #[must_use]
    pub fn checked_add(self, rhs: Self) -> Option<Self> {
        if self.is_zero() {
            return Some(rhs);
        }
        if rhs.is_zero() {
            return Some(self);
        }
        let (a, b, exponent) = self.align(rhs);
        Self::normalised(0, a.saturating_add(b), exponent)
    }

    /// Difference, not below zero. `None` for zero minus something, as in the runtime.
    #[must_use]
    pub fn checked_sub(self, rhs: Self) -> Option<Self> {
        if rhs.is_zero() {
            return Some(self);
        }
        if self.is_zero() {
            return None;
        }
        let (a, b, exponent) = self.align(rhs);
        Self::normalised(0, a.saturating_sub(b), exponent)
    }

    /// `self * a / b` with one division of the full product; `None` when `b` is zero or the exponent overflows.
    #[must_use]
    pub fn mul_div(self, a: Self, b: Self) -> Option<Self> {
        if b.is_zero() {
            return None;
        }
        let exponent = self.exponent.checked_add(a.exponent)?.checked_sub(b.exponent)?;
        let (high, low) = wide::mul_full(self.mantissa, a.mantissa);
        let quotient_high = high / b.mantissa;
        let quotient_low = wide::div_256(high % b.mantissa, low, b.mantissa).unwrap_or(0);
        Self::normalised(quotient_high, quotient_low, exponent)
    }

    /// `self / b`; `None` when `b` is zero or the exponent overflows.
    #[must_use]
    pub fn checked_div(self, b: Self) -> Option<Self> {
        if b.is_zero() {
            return None;
        }
        let exponent = i128::from(self.exponent) - i128::from(b.exponent) - i128::from(MAX_DIGITS);
        let exponent = i64::try_from(exponent).ok()?;
        let (high, low) = wide::mul_full(self.mantissa, MANTISSA_MAX);
        let quotient_high = high / b.mantissa;
        let quotient_low = wide::div_256(high % b.mantissa, low, b.mantissa).unwrap_or(0);
        Self::normalised(quotient_high, quotient_low, exponent)
    }

    /// Truncated, clamped at `u64::MAX`. Powers beyond 10^22 count as 10^22.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        let scale = capped_pow10(self.exponent.unsigned_abs());
        let value = match self.exponent {
            0 => self.mantissa,
            e if e > 0 => self.mantissa.saturating_mul(scale),
            _ => self.mantissa / scale,
        };
        u64::try_from(value).unwrap_or(u64::MAX)
    }

    /// Nearest double, for display.
    #[must_use]
    pub fn to_f64_lossy(self) -> f64 {
        self.mantissa as f64 * 10f64.powi(self.exponent.clamp(-400, 400) as i32)
    }

    fn align(self, rhs: Self) -> (u128, u128, i64) {
        if self.exponent >= rhs.exponent {
            let scale = capped_pow10(self.exponent.saturating_sub(rhs.exponent).unsigned_abs());
            (self.mantissa, rhs.mantissa / scale, self.exponent)
        } else {
            let scale = capped_pow10(rhs.exponent.saturating_sub(self.exponent).unsigned_abs());
            (self.mantissa / scale, rhs.mantissa, rhs.exponent)
        }
    }

    /// Drop or append digits until the mantissa is in range.
    fn normalised(mut high: u128, mut low: u128, mut exponent: i64) -> Option<Self> {
        if high == 0 && low == 0 {
            return Some(Self::ZERO);
        }
        while high != 0 || low > MANTISSA_MAX {
            let remainder = high % 10;
            low = wide::div_256(remainder, low, 10)?;
            high /= 10;
            exponent = exponent.checked_add(1)?;
        }
        while low <= MANTISSA_MIN {
            low *= 10;
            exponent = exponent.checked_sub(1)?;
        }
        Some(Self { mantissa: low, exponent })
    }
}

#[cfg(feature = "serde")]
mod stored {
    //! As a mantissa in decimal text (JSON readers lose its digits) and an exponent.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Parts {
        mantissa: String,
        exponent: i64,
    }

    impl serde::Serialize for super::SafeFloat {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            Parts { mantissa: self.mantissa.to_string(), exponent: self.exponent }
                .serialize(serializer)
        }
    }

    impl<'de> serde::Deserialize<'de> for super::SafeFloat {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let parts = Parts::deserialize(deserializer)?;
            let mantissa = parts.mantissa.parse().map_err(serde::de::Error::custom)?;
            Ok(Self::from_parts(mantissa, parts.exponent))
        }
    }
}

/// `10^e`, at most `10^22`.
fn capped_pow10(e: u64) -> u128 {
    10u128.pow(e.min(MAX_DIGITS + 1) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_into_one_decade() {
        let one = SafeFloat::from_int(1);
        assert_eq!((one.mantissa(), one.exponent()), (MANTISSA_MAX, -21));
        let max = SafeFloat::from_int(u64::MAX);
        assert_eq!((max.mantissa(), max.exponent()), (184_467_440_737_095_516_150, -1));
        assert_eq!(max.to_u64(), u64::MAX);
        assert_eq!(SafeFloat::new(MANTISSA_MAX + 1, 0), None);
        assert_eq!(SafeFloat::new(1, i64::MIN), None);
    }

    #[test]
    fn arithmetic() {
        let [two, three, seven] = [2, 3, 7].map(SafeFloat::from_int);
        assert_eq!(two.checked_add(three).unwrap().to_u64(), 5);
        assert_eq!(seven.checked_sub(three).unwrap().to_u64(), 4);
        assert_eq!(three.checked_sub(seven).unwrap(), SafeFloat::ZERO);
        assert_eq!(SafeFloat::ZERO.checked_sub(seven), None);
        assert_eq!(seven.mul_div(three, two).unwrap().to_u64(), 10);
        assert_eq!(seven.mul_div(three, SafeFloat::ZERO), None);
        let third = two.checked_div(three).unwrap();
        assert_eq!((third.mantissa(), third.exponent()), (666_666_666_666_666_666_666, -21));
        assert_eq!(two.checked_div(SafeFloat::ZERO), None);
        // A tenth of a rao is below the digits of 10^21 and leaves it unchanged; one rao is not.
        let large = SafeFloat::new(MANTISSA_MAX, 0).unwrap();
        assert_eq!(large.checked_add(SafeFloat::new(1, -1).unwrap()).unwrap(), large);
    }

    #[test]
    fn hostile_parts_do_not_panic() {
        let odd = [
            SafeFloat::from_parts(u128::MAX, i64::MAX),
            SafeFloat::from_parts(u128::MAX, i64::MIN),
            SafeFloat::from_parts(1, 0),
            SafeFloat::ZERO,
        ];
        for a in odd {
            for b in odd {
                let _ = (a.checked_add(b), a.checked_sub(b), a.checked_div(b), a.to_u64());
                for c in odd {
                    let _ = a.mul_div(b, c);
                }
            }
        }
    }
}
