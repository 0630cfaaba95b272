//! Block emission from issuance: the halving curve of TAO and of every subnet's alpha.

use crate::fixed::{I96F32, floor_log2};

/// Most TAO (in rao), and most alpha of one subnet, that can ever exist: 21 million.
pub const MAX_SUPPLY: u64 = 21_000_000_000_000_000;

/// Emission of a block before the first halving: one TAO (or alpha), in rao.
pub const DEFAULT_BLOCK_EMISSION: u64 = 1_000_000_000;

/// Blocks of 12 seconds in a day; with [`DEFAULT_BLOCK_EMISSION`] this is the original 7,200 TAO a day.
pub const BLOCKS_PER_DAY: u64 = 7_200;

/// Rao minted in a block when `issuance` rao exist.
///
/// `t = issuance / 21e15` with 32 fractional bits, `r = floor(log2(1 / (1 - t)))`, emission = `floor(1e9 / 2^r)`; 0
/// from 21e15 on. The same function gives a subnet's alpha emission from its alpha issuance (in the pool plus
/// outstanding). Source: `coinbase/block_emission.rs`, chain rules 3.1.
///
/// ```
/// use tensor_yuma::emission::issuance::block_emission;
/// assert_eq!(block_emission(0), 1_000_000_000);
/// assert_eq!(block_emission(10_500_000_000_000_000), 500_000_000);
/// ```
#[must_use]
pub fn block_emission(issuance: u64) -> u64 {
    let halvings = halvings(issuance);
    let Some(halvings) = halvings else { return 0 };
    let multiplier = I96F32::from_bits(1 << (32 + halvings.min(64)));
    I96F32::ONE
        .safe_div(multiplier)
        .saturating_mul(I96F32::from_int(DEFAULT_BLOCK_EMISSION))
        .to_u64()
}

/// How many times the emission has halved at `issuance`; `None` once the supply is exhausted.
#[must_use]
pub fn halvings(issuance: u64) -> Option<u32> {
    if issuance >= MAX_SUPPLY {
        return None;
    }
    let t = I96F32::from_int(issuance).checked_div(I96F32::from_int(MAX_SUPPLY))?;
    let inverse = I96F32::ONE.checked_div(I96F32::ONE.saturating_sub(t))?;
    Some(floor_log2(u128::try_from(inverse.to_bits()).ok()?))
}

/// The smallest issuance above `issuance` at which [`block_emission`] is lower, found by bisection on the function
/// itself; `None` when the supply is exhausted.
///
/// ```
/// use tensor_yuma::emission::issuance::next_halving;
/// assert_eq!(next_halving(0), Some(10_500_000_000_000_000));
/// ```
#[must_use]
pub fn next_halving(issuance: u64) -> Option<u64> {
    let now = block_emission(issuance);
    if issuance >= MAX_SUPPLY {
        return None;
    }
    let (mut low, mut high) = (issuance, MAX_SUPPLY);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if block_emission(middle) < now { high = middle } else { low = middle }
    }
    Some(high)
}

/// Emission of the next `blocks` blocks from `issuance`, minting everything: (rao minted, issuance afterwards).
///
/// Equal to calling [`block_emission`] block by block, but costs one step per halving instead of one per block.
#[must_use]
pub fn mint_over(issuance: u64, blocks: u64) -> (u64, u64) {
    let mut current = issuance;
    let mut left = blocks;
    while left > 0 {
        let emission = block_emission(current);
        if emission == 0 {
            break;
        }
        let boundary = next_halving(current).unwrap_or(MAX_SUPPLY);
        let until = (boundary - current).div_ceil(emission).min(left);
        current = current.saturating_add(emission.saturating_mul(until));
        left -= until;
    }
    (current - issuance, current)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 1.
    #[test]
    fn thresholds_of_the_emission_curve() {
        let cases = [
            (0, 1_000_000_000),
            (10_499_999_999_999_999, 1_000_000_000),
            (10_500_000_000_000_000, 500_000_000),
            (15_749_999_000_000_000, 500_000_000),
            (15_750_000_000_000_000, 250_000_000),
            (18_375_000_000_000_000, 125_000_000),
            (20_999_999_000_000_000, 59),
            (21_000_000_000_000_000, 0),
            (u64::MAX, 0),
        ];
        for (issuance, emission) in cases {
            assert_eq!(block_emission(issuance), emission, "{issuance}");
        }
    }

    #[test]
    fn first_day_mints_seven_thousand_two_hundred_tao() {
        assert_eq!(mint_over(0, BLOCKS_PER_DAY).0, 7_200_000_000_000);
    }

    #[test]
    fn minting_over_a_halving_equals_block_by_block() {
        let start = 10_500_000_000_000_000 - 2_500_000_000;
        let mut issuance = start;
        for _ in 0..10 {
            issuance += block_emission(issuance);
        }
        assert_eq!(mint_over(start, 10), (issuance - start, issuance));
    }

    #[test]
    fn halvings_never_decrease_and_emission_never_grows() {
        let mut last = u64::MAX;
        let mut issuance = 0;
        while let Some(next) = next_halving(issuance) {
            let emission = block_emission(issuance);
            assert!(emission < last);
            last = emission;
            issuance = next;
        }
        assert_eq!(issuance, MAX_SUPPLY);
    }
}
