//! The emission gate of spec 461: subnets well below a demand bar lose most of their TAO share.

use crate::fixed::{I32F32, U64F64, exp_i32f32, ln_i32f32};

/// The bar is recomputed when the block number is a multiple of this.
pub const BAR_UPDATE_INTERVAL: u64 = 360;

/// How the bar is chosen among the positive demand shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Bar {
    /// The N-th largest positive share, or the smallest positive one if there are fewer. `EmissionBarRank`, default 32.
    Rank(core::num::NonZeroU16),
    /// The share at which the descending cumulative sum reaches this. `EmissionBarQuantile`, default 0.61.
    Quantile(U64F64),
}

/// Bar and steepness of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EmissionGate {
    /// The bar (theta); zero, before it was ever computed, disables the gate.
    pub theta: U64F64,
    /// Steepness h, default 3.
    pub exponent: U64F64,
}

impl Default for EmissionGate {
    fn default() -> Self {
        Self { theta: U64F64::ZERO, exponent: U64F64::from_int(3) }
    }
}

impl EmissionGate {
    /// Recompute the bar from the demand shares if it is due at `block` or was never set.
    ///
    /// Source: RaoFoundation/subtensor f8ff769a, `coinbase/subnet_emissions.rs`; chain rules 3.4.
    pub fn update(&mut self, shares: &[U64F64], bar: Bar, block: u64) {
        if self.theta > U64F64::ZERO && !block.is_multiple_of(BAR_UPDATE_INTERVAL) {
            return;
        }
        let mut sorted: Vec<U64F64> = shares.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let theta = match bar {
            Bar::Rank(rank) => {
                let positive = sorted.iter().take_while(|share| **share > U64F64::ZERO);
                positive.take(usize::from(rank.get())).last().copied().unwrap_or(U64F64::ZERO)
            }
            Bar::Quantile(q) => {
                let mut cumulative = U64F64::ZERO;
                let mut crossing = U64F64::ZERO;
                for share in sorted {
                    cumulative = cumulative.saturating_add(share);
                    crossing = share;
                    if cumulative >= q {
                        break;
                    }
                }
                crossing
            }
        };
        if theta > U64F64::ZERO {
            self.theta = theta;
        }
    }

    /// `share := share / (1 + (theta / share)^h)`, renormalised; unchanged when every product underflows.
    pub fn apply(&self, shares: &mut [U64F64]) {
        if self.theta == U64F64::ZERO {
            return;
        }
        let gated: Vec<U64F64> = shares
            .iter()
            .map(|share| {
                if *share == U64F64::ZERO {
                    return *share;
                }
                let power = pow(self.theta.safe_div(*share), self.exponent);
                share.saturating_mul(U64F64::ONE.safe_div(U64F64::ONE.saturating_add(power)))
            })
            .collect();
        let total = gated.iter().fold(U64F64::ZERO, |sum, share| sum.saturating_add(*share));
        if total > U64F64::ZERO {
            for (share, gated) in shares.iter_mut().zip(gated) {
                *share = gated.safe_div(total);
            }
        }
    }
}

const POWER_MAX: I32F32 = I32F32::from_int(i32::MAX as i64);

/// `exp(p * ln(value))` in 32.32, clamped at 2^31 - 1; 0 where the logarithm does not exist.
fn pow(value: U64F64, p: U64F64) -> U64F64 {
    let Some(ln) = ln_i32f32(value.to_i32f32()) else { return U64F64::ZERO };
    let power = exp_i32f32(p.to_i32f32().saturating_mul(ln)).unwrap_or(POWER_MAX);
    u128::try_from(power.to_bits()).map_or(U64F64::ZERO, |bits| U64F64::from_bits(bits << 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::num::NonZeroU16;

    fn share(x: f64) -> U64F64 {
        U64F64::from_bits((x * (1u128 << 64) as f64) as u128)
    }

    #[test]
    fn one_subnet_keeps_everything() {
        let mut gate = EmissionGate::default();
        let mut shares = [U64F64::ONE];
        gate.update(&shares, Bar::Rank(NonZeroU16::new(32).unwrap()), 7);
        gate.apply(&mut shares);
        assert_eq!(shares, [U64F64::ONE]);
    }

    #[test]
    fn half_passes_at_the_bar_and_little_far_below() {
        let mut gate = EmissionGate::default();
        let mut shares = [share(0.6), share(0.3), share(0.09), share(0.01)];
        gate.update(&shares, Bar::Rank(NonZeroU16::new(2).unwrap()), 0);
        assert_eq!(gate.theta, share(0.3));
        gate.apply(&mut shares);
        let raw = [
            0.6 / (1.0 + 0.125),
            0.15,
            0.09 / (1.0 + (0.3f64 / 0.09).powi(3)),
            0.01 / (1.0 + 27_000.0),
        ];
        let total: f64 = raw.iter().sum();
        for (got, want) in shares.iter().zip(raw) {
            assert!((got.to_f64_lossy() - want / total).abs() < 1e-5);
        }
    }

    #[test]
    fn the_bar_holds_between_updates_and_quantile_crosses() {
        let mut gate = EmissionGate::default();
        let q = Bar::Quantile(share(0.61));
        gate.update(&[share(0.5), share(0.3), share(0.2)], q, 1);
        assert_eq!(gate.theta, share(0.3));
        gate.update(&[share(0.9), share(0.1)], q, 359);
        assert_eq!(gate.theta, share(0.3));
        gate.update(&[share(0.9), share(0.1)], q, 720);
        assert_eq!(gate.theta, share(0.9));
    }

    #[test]
    fn fewer_positive_shares_than_the_rank_take_the_smallest() {
        let mut gate = EmissionGate::default();
        gate.update(
            &[share(0.7), share(0.3), U64F64::ZERO],
            Bar::Rank(NonZeroU16::new(32).unwrap()),
            0,
        );
        assert_eq!(gate.theta, share(0.3));
    }
}
