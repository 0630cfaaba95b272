//! Division of proportions without the processor's 64-bit division, exact to the last bit.
//!
//! Both divisors multiply by a double-precision reciprocal and round to the nearest integer by adding `1.5 * 2^52`. Why the
//! result is the floor of the true quotient is said at each of them; the tests compare with integer division.

/// `1.5 * 2^52`: a double of this magnitude has no fractional bits, so adding it rounds to the nearest integer.
const MAGIC: f64 = 6_755_399_441_055_744.0;
const TWO_32: f64 = 4_294_967_296.0;

/// Largest sum a [`Divisor`] takes.
pub(super) const DIVISOR_LIMIT: u64 = 1 << 52;

fn round(x: f64) -> u64 {
    (x + MAGIC).to_bits().wrapping_sub(MAGIC.to_bits())
}

/// `floor(v * 2^32 / s)` for 16-bit `v` and a sum `s` of at most 2^16 of them.
///
/// The true quotient is a multiple of `1/s`. Subtracting `1/2 - 1/(2s)` before rounding to the nearest integer therefore
/// leaves a distance of at least `1/(2s)` to the point where rounding changes. The four roundings above lose less than
/// `4 * 2^-53 * v * 2^32 / s < 1/(8s)` together, because `v < 2^16`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SmallDivisor {
    inverse: f64,
    bias: f64,
}

impl SmallDivisor {
    /// A divisor by `s`; division by a zero sum gives 0.
    pub(super) fn new(s: u64) -> Self {
        if s == 0 {
            return Self::default();
        }
        let s = s as f64;
        Self { inverse: TWO_32 / s, bias: 0.5 / s - 0.5 }
    }

    #[inline]
    pub(super) fn divide(self, v: u16) -> u64 {
        round(f64::from(v) * self.inverse + self.bias)
    }
}

/// `floor(a * 2^32 / s)` for `a <= s < 2^52`.
///
/// The rounded product is the floor or one above it: the quotient is at most 2^32, so three roundings lose less than 2^-19.
/// The remainder, computed modulo 2^64, is below `s` in magnitude and decides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Divisor {
    s: u64,
    inverse: f64,
}

impl Divisor {
    /// A divisor by `s`; division by a zero sum gives 0.
    pub(super) fn new(s: u64) -> Self {
        debug_assert!(s < DIVISOR_LIMIT);
        Self { s, inverse: if s == 0 { 0.0 } else { TWO_32 / s as f64 } }
    }

    #[inline]
    pub(super) fn divide(self, a: u64) -> u64 {
        let quotient = round(a as i64 as f64 * self.inverse);
        let remainder = (a << 32).wrapping_sub(quotient.wrapping_mul(self.s)) as i64;
        quotient.wrapping_add((remainder >> 63) as u64)
    }
}

/// `floor(2^64 / r)` for `2^32 <= r < 2^62`: the reciprocal of a number with 32 fractional bits.
///
/// As for [`Divisor`], with `2^64` vanishing modulo 2^64. Above 2^53 the conversion of `r` rounds, which is one more loss of
/// the same size.
#[inline]
pub(super) fn reciprocal(r: u64) -> u64 {
    let quotient = round(TWO_32 * TWO_32 / r as i64 as f64);
    let remainder = 0u64.wrapping_sub(quotient.wrapping_mul(r)) as i64;
    quotient.wrapping_add((remainder >> 63) as u64)
}

/// `floor(a * b / 2^32)` of non-negative values whose product fits.
#[inline]
pub(super) fn mul(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(a: u64, s: u64) -> u64 {
        if s == 0 { 0 } else { ((u128::from(a) << 32) / u128::from(s)) as u64 }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn small_division_is_exact(v in any::<u16>(), others in 0u64..1 << 32, shift in 0u32..32) {
            let s = u64::from(v) + (others >> shift);
            prop_assert_eq!(SmallDivisor::new(s).divide(v), exact(u64::from(v), s));
        }

        #[test]
        fn division_is_exact(a in 0u64..1 << 51, rest in 0u64..1 << 51, x in 0u32..51, y in 0u32..51) {
            let (a, rest) = (a >> x, rest >> y);
            let s = a + rest;
            prop_assert_eq!(Divisor::new(s).divide(a), exact(a, s));
        }

        #[test]
        fn exact_multiples_are_not_missed(s in 1u64..1 << 32, k in 0u64..1 << 32) {
            // Quotients that are whole, one below and one above.
            let a = ((u128::from(s) * u128::from(k)) >> 32) as u64;
            for a in [a.saturating_sub(1), a, (a + 1).min(s)] {
                prop_assert_eq!(Divisor::new(s).divide(a), exact(a, s));
            }
        }

        #[test]
        fn reciprocals_are_exact(r in 1u64 << 32..1 << 62, shift in 0u32..30) {
            let r = (r >> shift).max(1 << 32);
            prop_assert_eq!(u128::from(reciprocal(r)), (1u128 << 64) / u128::from(r));
        }
    }

    #[test]
    fn borders() {
        for shift in 32..62 {
            for r in [(1u64 << shift) - 1, 1 << shift, (1 << shift) + 1] {
                if r >= 1 << 32 {
                    assert_eq!(u128::from(reciprocal(r)), (1u128 << 64) / u128::from(r));
                }
            }
        }
        for s in 1..=70_000u64 {
            for v in [0, 1, 2, s / 2, s.saturating_sub(1), s] {
                if let Ok(v) = u16::try_from(v) {
                    assert_eq!(SmallDivisor::new(s).divide(v), exact(u64::from(v), s));
                }
                assert_eq!(Divisor::new(s).divide(v), exact(v, s));
            }
        }
        assert_eq!(
            SmallDivisor::new(65_535 * 65_536).divide(65_535),
            exact(65_535, 65_535 * 65_536)
        );
        assert_eq!(SmallDivisor::new(0).divide(0), 0);
        assert_eq!(Divisor::new(0).divide(0), 0);
    }
}
