//! Liquid alpha: how fast each bond moves, from how far the weight is from consensus. Source: yuma.md 8.3.

use super::ONE;
use super::division::{mul, reciprocal};
use super::parameters::Parameters;
use crate::fixed::I32F32;

/// Entries whose exponentials are computed side by side.
const LANES: usize = 4;

const HALF: i64 = ONE / 2;
const TWENTY: i64 = 20 * ONE;

/// The speed of a bond as a function of the distance `d` in `0..=1`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sigmoid {
    low: i64,
    high: i64,
    slope: i64,
    /// Speed at distance 0, by far the most common one.
    at_zero: u64,
}

impl Sigmoid {
    pub(super) fn new(parameters: &Parameters) -> Self {
        let low = I32F32::from_u16_proportion(parameters.alpha_low).to_bits();
        let high = I32F32::from_u16_proportion(parameters.alpha_high).to_bits();
        // Truncated toward zero: 1000 gives -10 exactly.
        let slope = (i64::from(parameters.alpha_sigmoid_steepness) << 32) / -100;
        let mut sigmoid = Self { low, high, slope, at_zero: 0 };
        sigmoid.at_zero = sigmoid.speed(0);
        sigmoid
    }

    /// Speed of a bond for the consensus `c` of its target, as the cursor sees weight and bond.
    #[inline]
    pub(super) fn distance(c: u64, weight: u64, bond: u64) -> u64 {
        let distance = if weight >= bond { weight.saturating_sub(c) } else { bond - weight };
        distance.min(ONE as u64)
    }

    /// The speed at a distance.
    pub(super) fn speed(&self, distance: u64) -> u64 {
        let x = self.argument(distance);
        self.finish(x, series([x.unsigned_abs()])[0])
    }

    /// The speeds at many distances, in place.
    pub(super) fn speeds(&self, distances: &mut [u64], pending: &mut Vec<u32>) {
        pending.clear();
        for (at, distance) in distances.iter_mut().enumerate() {
            if *distance == 0 {
                *distance = self.at_zero;
            } else {
                pending.push(at as u32);
            }
        }
        let mut groups = pending.chunks_exact(LANES);
        for group in &mut groups {
            let mut x = [0i64; LANES];
            for (x, &at) in x.iter_mut().zip(group) {
                *x = self.argument(distances[at as usize]);
            }
            let sums = series(x.map(i64::unsigned_abs));
            for ((x, sum), &at) in x.into_iter().zip(sums).zip(group) {
                distances[at as usize] = self.finish(x, sum);
            }
        }
        for &at in groups.remainder() {
            distances[at as usize] = self.speed(distances[at as usize]);
        }
    }

    /// `slope * (d - 1/2)`, limited to what the exponential takes.
    #[inline]
    fn argument(&self, distance: u64) -> i64 {
        let x = (i128::from(self.slope) * i128::from(distance as i64 - HALF)) >> 32;
        (x as i64).clamp(-TWENTY, TWENTY)
    }

    /// Low and high mixed by `1 / (1 + exp(x))`, given the series of the magnitude of `x`.
    #[inline]
    fn finish(&self, x: i64, series: u64) -> u64 {
        let exp = match x {
            0 => ONE as u64,
            // The library's constant for exactly 1.
            ONE => 22_802_600 << 9,
            x if x < 0 => reciprocal(series),
            _ => series,
        };
        let share = reciprocal(ONE as u64 + exp);
        let mixed =
            self.low + (((i128::from(share) * i128::from(self.high - self.low)) >> 32) as i64);
        // Low wins when the two are crossed, as in the pallet's clamp.
        mixed.min(self.high).max(self.low).unsigned_abs()
    }
}

/// Series of the exponential for several arguments at most 20, as [`crate::fixed::exp_safe`] sums it.
///
/// `floor(t*y / 2^32)` is the high half of `(t << 6) * (y << 26)`: terms stay below 2^58, arguments below 2^37.
#[inline]
fn series<const N: usize>(y: [u64; N]) -> [u64; N] {
    let mut sum = y.map(|y| y + ONE as u64);
    let mut term = y;
    let factor = y.map(|y| y << 26);
    macro_rules! terms {
        ($($i:literal)*) => {$(
            for lane in 0..N {
                term[lane] = ((u128::from(term[lane] << 6) * u128::from(factor[lane])) >> 64) as u64 / $i;
                sum[lane] += term[lane];
            }
        )*};
    }
    terms!(2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    // A zero term stays zero; small arguments are done here.
    if term.iter().any(|&term| term != 0) {
        terms!(17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    }
    sum
}

/// Bond after one step at speed `a`: `min(1, (1 - a) * bond + a * weight)`.
#[inline]
pub(super) fn step(speed: u64, weight: u64, bond: u64) -> u64 {
    let one = ONE as u64;
    (mul(one - speed, bond) + mul(speed, weight)).min(one)
}

/// The speed liquid alpha gives a bond, as the unit vectors of the specification state it: consensus, weight and bond (each a
/// proportion), lowest and highest speed, steepness in hundredths. Negative proportions count as 0.
#[must_use]
pub fn alpha_sigmoid(
    consensus: I32F32,
    weight: I32F32,
    bond: I32F32,
    low: I32F32,
    high: I32F32,
    steepness: i16,
) -> I32F32 {
    let slope = I32F32::from_bits((i64::from(steepness) << 32) / -100);
    let difference =
        if weight >= bond { weight.saturating_sub(consensus) } else { bond.saturating_sub(weight) };
    let distance = difference.clamp_to(I32F32::ZERO, I32F32::ONE);
    let exp = crate::fixed::exp_safe(
        slope.saturating_mul(distance.saturating_sub(I32F32::from_bits(HALF))),
    );
    let share = I32F32::ONE.safe_div(I32F32::ONE.saturating_add(exp));
    low.saturating_add(share.saturating_mul(high.saturating_sub(low))).clamp_to(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn batched_speeds_equal_the_plain_formula(
            low in any::<u16>(), high in any::<u16>(), steepness in any::<i16>(),
            distances in prop::collection::vec(0u64..=1 << 32, 0..13), shift in 0u32..32,
        ) {
            let mut p = Parameters::default();
            (p.alpha_low, p.alpha_high, p.alpha_sigmoid_steepness) = (low, high, steepness);
            let (low, high) = (I32F32::from_u16_proportion(low), I32F32::from_u16_proportion(high));
            let mut got: Vec<u64> = distances.iter().map(|d| d >> shift).collect();
            let expected: Vec<u64> = got.iter().map(|&d| {
                let bond = I32F32::from_bits(d as i64);
                alpha_sigmoid(I32F32::ZERO, I32F32::ZERO, bond, low, high, steepness).to_bits() as u64
            }).collect();
            Sigmoid::new(&p).speeds(&mut got, &mut Vec::new());
            prop_assert_eq!(got, expected);
        }
    }
}
