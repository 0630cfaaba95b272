//! How one block's TAO is divided between the subnets that may receive it.

use super::gate::EmissionGate;
use crate::fixed::{I96F32, U64F64, U96F32};

/// What the division needs to know of one eligible subnet.
///
/// Eligible means: not root, emission started, subtoken enabled, registration allowed (chain rules 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SubnetDemand {
    /// Moving price; 1 for a stable (mechanism 0) subnet.
    pub moving_price: I96F32,
    /// Part of the last epoch's miner incentive that was withheld from owner hotkeys, as stored in `MinerBurned`.
    pub miner_burned: U96F32,
    /// `SubnetEmissionEnabled`. A subnet without it keeps its alpha emission but gets no TAO.
    pub emission_enabled: bool,
}

/// Rao of `block_emission` for each subnet, in the order given, with 32 fractional bits.
///
/// `share = moving / sum(moving)`, weighted by `1 - min(miner_burned, 1)` and renormalised (unweighted if all weights
/// vanish), passed through the emission gate if there is one (spec 461), then taken from disabled subnets and given to
/// the enabled ones in proportion. Source: `coinbase/subnet_emissions.rs`; chain rules 3.4.
///
/// `subnets` must be in ascending netuid order only if a later step depends on it; this function does not.
#[must_use]
pub fn tao_emissions(
    block_emission: u64,
    subnets: &[SubnetDemand],
    gate: Option<&EmissionGate>,
) -> Vec<U96F32> {
    let mut shares = demand_shares(subnets);
    if let Some(gate) = gate {
        gate.apply(&mut shares);
    }
    let enabled_sum = subnets
        .iter()
        .zip(&shares)
        .filter(|(subnet, _)| subnet.emission_enabled)
        .fold(U64F64::ZERO, |sum, (_, share)| sum.saturating_add(*share));
    let any_disabled = subnets.iter().any(|subnet| !subnet.emission_enabled);
    let emission = U64F64::from_int(block_emission);
    subnets
        .iter()
        .zip(shares)
        .map(|(subnet, share)| {
            let share = match (any_disabled, subnet.emission_enabled) {
                (false, _) => share,
                // A zero sum gives zero, as safe_div does.
                (true, true) => share.safe_div(enabled_sum),
                (true, false) => U64F64::ZERO,
            };
            emission.saturating_mul(share).to_u96f32()
        })
        .collect()
}

/// Shares by price and burn, before the gate and before disabled subnets are removed.
///
/// Spec 461 feeds these to [`EmissionGate::update`].
#[must_use]
pub fn demand_shares(subnets: &[SubnetDemand]) -> Vec<U64F64> {
    let prices: Vec<U64F64> =
        subnets.iter().map(|subnet| subnet.moving_price.to_u64f64()).collect();
    let total = sum(&prices);
    let by_price: Vec<U64F64> = prices.iter().map(|price| price.safe_div(total)).collect();
    let weighted: Vec<U64F64> = by_price
        .iter()
        .zip(subnets)
        .map(|(share, subnet)| {
            let burned = subnet.miner_burned.to_u64f64().min(U64F64::ONE);
            share.saturating_mul(U64F64::ONE.saturating_sub(burned))
        })
        .collect();
    let total = sum(&weighted);
    if total > U64F64::ZERO {
        weighted.iter().map(|w| w.safe_div(total)).collect()
    } else {
        by_price
    }
}

/// Whether root dividends are paid at all: the moving prices of the eligible subnets sum to more than 1.
#[must_use]
pub fn root_sell_flag(moving_prices: &[I96F32]) -> bool {
    moving_prices.iter().fold(U64F64::ZERO, |sum, p| sum.saturating_add(p.to_u64f64()))
        > U64F64::ONE
}

fn sum(values: &[U64F64]) -> U64F64 {
    values.iter().fold(U64F64::ZERO, |sum, value| sum.saturating_add(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(moving: f64, burned: f64, emission_enabled: bool) -> SubnetDemand {
        let bits = |x: f64| (x * (1u64 << 32) as f64).round();
        SubnetDemand {
            moving_price: I96F32::from_bits(bits(moving) as i128),
            miner_burned: U96F32::from_bits(bits(burned) as u128),
            emission_enabled,
        }
    }

    fn near(emissions: &[U96F32], expected: &[u64]) {
        assert_eq!(emissions.len(), expected.len());
        for (got, want) in emissions.iter().zip(expected) {
            assert!(got.to_u64().abs_diff(*want) <= 2, "{} {want}", got.to_u64());
        }
    }

    // Chain rules 16, scenario 21.
    #[test]
    fn price_and_burn_decide() {
        let two = [subnet(0.03, 0.5, true), subnet(0.01, 0.0, true)];
        near(&tao_emissions(500_000_000, &two, None), &[300_000_000, 200_000_000]);
        let three = [subnet(0.05, 0.0, true), subnet(0.02, 0.25, true), subnet(0.01, 0.0, true)];
        near(&tao_emissions(1_000_000_000, &three, None), &[666_666_666, 200_000_000, 133_333_333]);
        let disabled =
            [subnet(0.05, 0.0, false), subnet(0.02, 0.25, true), subnet(0.01, 0.0, true)];
        near(&tao_emissions(1_000_000_000, &disabled, None), &[0, 600_000_000, 400_000_000]);
    }

    #[test]
    fn edges() {
        assert!(tao_emissions(1_000_000_000, &[], None).is_empty());
        near(&tao_emissions(1_000_000_000, &[subnet(0.0, 0.0, true)], None), &[0]);
        // All burned: the unweighted price shares apply.
        let burned = [subnet(0.03, 1.0, true), subnet(0.01, 2.0, true)];
        near(&tao_emissions(1_000_000_000, &burned, None), &[750_000_000, 250_000_000]);
        let off = [subnet(0.03, 0.0, false)];
        near(&tao_emissions(1_000_000_000, &off, None), &[0]);
    }

    #[test]
    fn root_sells_above_a_price_sum_of_one() {
        assert!(!root_sell_flag(&[I96F32::ONE]));
        assert!(root_sell_flag(&[I96F32::ONE, I96F32::from_bits(1)]));
    }
}
