//! The moving average of a subnet's alpha price, by which TAO emission is shared between subnets.

use crate::fixed::{I96F32, U64F64};

/// `SubnetMovingAlpha` unless root changed it: 0.000003, stored as 12885 / 2^32.
pub const DEFAULT_MOVING_ALPHA: I96F32 = I96F32::from_bits(12_885);

/// `EMAPriceHalvingBlocks` unless changed: four weeks of 12-second blocks.
pub const DEFAULT_HALVING_BLOCKS: u64 = 201_600;

/// The moving price after one more block.
///
/// `blocks` = current block - (first emission block - 1), `a = base * (blocks / (blocks + halving))`,
/// `moving := a * min(price, 1) + (1 - a) * moving`, every step truncated to 64 fractional bits and the result to 32.
/// Source: `staking/stake_utils.rs`, `update_moving_price`; chain rules 3.3.
#[must_use]
pub fn update_moving_price(
    moving: I96F32,
    price: U64F64,
    blocks: u64,
    halving_blocks: u64,
    base: I96F32,
) -> I96F32 {
    let blocks = U64F64::from_int(blocks);
    let age = blocks.safe_div(blocks.saturating_add(U64F64::from_int(halving_blocks)));
    let alpha = base.to_u64f64().saturating_mul(age);
    let rest = U64F64::ONE.saturating_sub(alpha);
    let new = alpha.saturating_mul(price.min(U64F64::ONE));
    let old = rest.saturating_mul(moving.to_u64f64());
    new.saturating_add(old).to_i96f32()
}

/// `blocks` of [`update_moving_price`] from the two block numbers.
#[must_use]
pub const fn blocks_since_start(current_block: u64, first_emission_block: u64) -> u64 {
    current_block.saturating_sub(first_emission_block.saturating_sub(1))
}

/// Median of the positive spot prices of the existing subnets, at which a new subnet's pool starts.
///
/// The mean of the two middle prices for an even count; 1 when there is none. Root is not among them. Reorders `prices`.
#[must_use]
pub fn median_price(prices: &mut Vec<U64F64>) -> U64F64 {
    prices.retain(|price| *price > U64F64::ZERO);
    prices.sort_unstable();
    let count = prices.len();
    match (prices.get(count.wrapping_sub(1) / 2), prices.get(count / 2)) {
        (Some(low), Some(_)) if count % 2 == 1 => *low,
        (Some(low), Some(high)) => low.saturating_add(*high).safe_div(U64F64::from_int(2)),
        _ => U64F64::ONE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 22.
    #[test]
    fn recorded_updates() {
        let step = |moving, blocks| {
            update_moving_price(
                moving,
                U64F64::ONE,
                blocks,
                DEFAULT_HALVING_BLOCKS,
                DEFAULT_MOVING_ALPHA,
            )
        };
        assert_eq!(step(I96F32::ZERO, 201_600).to_bits(), 6_442);
        let first = step(I96F32::ZERO, 7_200);
        let second = step(first, 7_200);
        let third = step(second, 7_200);
        assert_eq!([first, second, third].map(I96F32::to_bits), [444, 888, 1_332]);
        let half = I96F32::from_bits(1 << 31);
        let blocks = blocks_since_start(144_000_500, 501);
        let moved =
            update_moving_price(I96F32::ZERO, U64F64::ONE, blocks, DEFAULT_HALVING_BLOCKS, half);
        assert!((moved.to_f64_lossy() - 0.4993).abs() < 1e-4);
    }

    #[test]
    fn spot_is_capped_at_one() {
        let high =
            update_moving_price(I96F32::ZERO, U64F64::from_int(50), 201_600, 201_600, I96F32::ONE);
        let one = update_moving_price(I96F32::ZERO, U64F64::ONE, 201_600, 201_600, I96F32::ONE);
        assert_eq!(high, one);
    }

    #[test]
    fn median() {
        let price = U64F64::from_int;
        assert_eq!(median_price(&mut vec![]), U64F64::ONE);
        assert_eq!(median_price(&mut vec![price(0), price(3)]), price(3));
        assert_eq!(median_price(&mut vec![price(4), price(1), price(2)]), price(2));
        assert_eq!(median_price(&mut vec![price(4), price(1), price(2), price(8)]), price(3));
    }
}
