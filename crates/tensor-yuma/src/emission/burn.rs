//! The price of registering a neuron: it decays every block and jumps with every registration.

use crate::fixed::{U64F64, wide};

/// `BurnHalfLife` unless the owner changed it, in blocks; 1..=36_100.
pub const DEFAULT_HALF_LIFE: u16 = 360;

/// `BurnIncreaseMult` unless the owner changed it: 1.26 rounded to 64 fractional bits.
pub const DEFAULT_INCREASE: U64F64 = U64F64::from_bits(23_242_897_532_874_035_200);

/// Factor (with 32 fractional bits) that one block applies so that the price halves in `half_life` blocks.
///
/// The largest `m` with `m^half_life <= 1/2`, the power taken by squaring with every product floored. Costs about 32
/// powers; keep it per half-life. 1 (2^32) for a half-life of 0, which the chain does not allow. Chain rules 7.2.
#[must_use]
pub fn decay_factor(half_life: u16) -> u64 {
    let half = 1u64 << 31;
    let (mut low, mut high) = (0u64, 1u64 << 32);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if power(middle, half_life) <= half { low = middle } else { high = middle - 1 }
    }
    if half_life == 0 { 1 << 32 } else { low }
}

/// The price one block later: `floor(burn * factor / 2^32)` within `min..=max` (all rao).
#[must_use]
pub fn decay(burn: u64, factor: u64, min: u64, max: u64) -> u64 {
    let decayed = (u128::from(burn) * u128::from(factor)) >> 32;
    clamp(u64::try_from(decayed).unwrap_or(u64::MAX), min, max)
}

/// The price right after a registration: `floor(burn * max(increase, 1))` within `min..=max` (all rao).
#[must_use]
pub fn bump(burn: u64, increase: U64F64, min: u64, max: u64) -> u64 {
    let factor = increase.max(U64F64::ONE);
    let bumped = wide::mul_shift(u128::from(burn), factor.to_bits(), 64);
    clamp(u64::try_from(bumped).unwrap_or(u64::MAX), min, max)
}

// Not `Ord::clamp`, which panics when the bounds cross.
fn clamp(value: u64, min: u64, max: u64) -> u64 {
    value.max(min).min(max)
}

fn power(base: u64, exponent: u16) -> u64 {
    let mut result = 1u64 << 32;
    let mut factor = base;
    let mut left = exponent;
    while left > 0 {
        if left & 1 == 1 {
            result = mul(result, factor);
        }
        left >>= 1;
        if left > 0 {
            factor = mul(factor, factor);
        }
    }
    result
}

// Both at most 2^32, so the result is as well.
fn mul(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(burn: u64, half_life: u16, blocks: u32) -> u64 {
        let factor = decay_factor(half_life);
        (0..blocks).fold(burn, |burn, _| decay(burn, factor, 0, u64::MAX))
    }

    #[test]
    fn factors() {
        let cases = [
            (360, 4_286_705_684),
            (1, 1 << 31),
            (2, 3_037_000_500),
            (10, 4_007_346_185),
            (1_000, 4_291_991_283),
        ];
        for (half_life, factor) in cases {
            assert_eq!(decay_factor(half_life), factor, "{half_life}");
        }
    }

    // Chain rules 16, scenario 8.
    #[test]
    fn decay_from_one_tao() {
        let cases = [
            (1, 998_076_443),
            (2, 996_156_586),
            (3, 994_240_422),
            (10, 980_930_083),
            (100, 824_860_547),
            (360, 499_999_865),
            (720, 249_999_807),
        ];
        for (blocks, burn) in cases {
            assert_eq!(after(1_000_000_000, 360, blocks), burn, "{blocks}");
        }
    }

    // Chain rules 16, scenario 9.
    #[test]
    fn pallet_decay_tests() {
        assert_eq!(after(1_024, 2, 2), 511);
        assert_eq!(after(1_024, 2, 4), 255);
        let bumped = bump(1_000, U64F64::from_int(2), 0, u64::MAX);
        assert_eq!(bumped, 2_000);
        assert_eq!(after(bumped, 1_000, 1), 1_998);
    }

    // Chain rules 16, scenario 10.
    #[test]
    fn clamps_and_default_increase() {
        let two = U64F64::from_int(2);
        let factor = decay_factor(1);
        let step = |burn| decay(burn, factor, 100_000, 150_000);
        assert_eq!(step(1), 100_000);
        assert_eq!(bump(100_000, two, 100_000, 150_000), 150_000);
        assert_eq!(step(150_000), 100_000);
        assert_eq!(step(100_000), 100_000);
        let bumps = [1_000_000_000, 1_260_000_000, 1_587_600_000, 2_000_376_000];
        for pair in bumps.windows(2) {
            assert_eq!(bump(pair[0], DEFAULT_INCREASE, 0, u64::MAX), pair[1]);
        }
        // A multiplier below one counts as one.
        assert_eq!(bump(7, U64F64::ZERO, 0, u64::MAX), 7);
    }
}
