//! Exact quotients of null consensus from double-precision estimates.

const TWO_64: f64 = 18_446_744_073_709_551_616.0;

/// `floor(value * 2^64 / sum)` for values of one row and their sum below 2^49.
///
/// With `2^64 = q * sum + r` the quotient is `value * q + floor(value * r / sum)`; the second part is below 2^32, so that an
/// estimate is off by one at most and the remainder, modulo 2^64, decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowDivisor {
    sum: u64,
    quotient: u128,
    remainder: u64,
    factor: f64,
}

impl RowDivisor {
    pub(super) fn new(sum: u64) -> Self {
        let (quotient, remainder) =
            ((1u128 << 64) / u128::from(sum), (1u128 << 64) % u128::from(sum));
        let remainder = remainder as u64;
        Self { sum, quotient, remainder, factor: remainder as f64 / sum as f64 }
    }

    #[inline]
    pub(super) fn divide(self, value: u32) -> u128 {
        let estimate = (f64::from(value) * self.factor) as i64;
        let rest = u64::from(value)
            .wrapping_mul(self.remainder)
            .wrapping_sub((estimate as u64).wrapping_mul(self.sum)) as i64;
        let sum = self.sum as i64;
        let exact = estimate + i64::from(rest >= sum) - i64::from(rest < 0);
        u128::from(value) * self.quotient + exact.unsigned_abs() as u128
    }
}

/// Shares of a total below 2^80.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    total: u128,
    inverse: f64,
}

/// A score as the part of the total that it is, about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    score: u128,
    about: f64,
}

impl Share {
    pub(super) fn new(total: u128) -> Self {
        Self { total, inverse: if total == 0 { 0.0 } else { 1.0 / total as f64 } }
    }

    /// A score of at most the total, ready for [`Self::of`].
    #[inline]
    pub(super) fn part(self, score: u128) -> Part {
        // Two exact or once rounded halves: the sum is as good as a rounded conversion and costs less.
        let about = (score >> 64) as u64 as f64 * TWO_64 + score as u64 as f64;
        Part { score, about: about * self.inverse }
    }

    /// `floor(score * units / total)` for fewer than 2^46 units: the estimate is off by less than 1/8, so that it is the
    /// floor or a neighbour, and the remainder, below 2^82 in magnitude and so exact modulo 2^128, decides.
    #[inline]
    pub(super) fn of_few(self, part: Part, units: u64) -> u64 {
        if self.total == 0 {
            return 0;
        }
        let estimate = (part.about * units as f64) as i64;
        let rest = self.rest(part, units, estimate.unsigned_abs());
        let step = i64::from(rest >= self.total as i128) - i64::from(rest < 0);
        (estimate + step).unsigned_abs()
    }

    /// `floor(score * units / total)`; 0 without a total.
    ///
    /// A first estimate is within 2^14 of the quotient. The remainder it leaves is below 2^95 in magnitude, hence exact modulo
    /// 2^128, and its own quotient is estimated to within one.
    #[inline]
    pub(super) fn of(self, part: Part, units: u64) -> u64 {
        if units < 1 << 46 || self.total == 0 {
            return self.of_few(part, units);
        }
        let first = (part.about * units as f64).min(units as f64) as u64;
        let rest = self.rest(part, units, first);
        let step = (rest as f64 * self.inverse).floor() as i64;
        let rest = rest - i128::from(step) * self.total as i128;
        let step = step + i64::from(rest >= self.total as i128) - i64::from(rest < 0);
        first.wrapping_add_signed(step)
    }

    #[inline]
    fn rest(self, part: Part, units: u64, quotient: u64) -> i128 {
        let taken = u128::from(quotient).wrapping_mul(self.total);
        part.score.wrapping_mul(u128::from(units)).wrapping_sub(taken) as i128
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::wide;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn rows_divide_exactly(value in any::<u32>(), rest in 0u64..1 << 48, shift in 0u32..49, x in 0u32..32) {
            let value = value >> x;
            let sum = (u64::from(value) + (rest >> shift)).max(1);
            let exact = (u128::from(value) << 64) / u128::from(sum);
            prop_assert_eq!(RowDivisor::new(sum).divide(value), exact);
        }

        #[test]
        fn shares_are_exact(score in 0u128..1 << 79, rest in 0u128..1 << 79, units in any::<u64>(), x in 0u32..79, y in 0u32..79, z in 0u32..64) {
            let (score, units) = (score >> x, units >> z);
            let total = score + (rest >> y);
            let (high, low) = wide::mul_full(score, u128::from(units));
            let exact = if total == 0 { 0 } else { wide::div_256(high, low, total).unwrap() as u64 };
            let share = Share::new(total);
            prop_assert_eq!(share.of(share.part(score), units), exact);
        }
    }

    #[test]
    fn whole_shares() {
        for total in [1u128, 3, 1 << 64, (1 << 70) - 1, 65 << 64] {
            for units in [0, 1, 65_535, u64::from(u32::MAX), u64::MAX] {
                let share = Share::new(total);
                assert_eq!(share.of(share.part(total), units), units);
            }
        }
        assert_eq!(RowDivisor::new(1).divide(1), 1 << 64);
        assert_eq!(RowDivisor::new(u64::from(u32::MAX)).divide(u32::MAX), 1 << 64);
    }
}
