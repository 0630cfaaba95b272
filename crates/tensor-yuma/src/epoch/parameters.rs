//! The hyperparameters of a subnet that the epoch reads.

use crate::fixed::{I32F32, I64F64, U96F32};

/// Hyperparameters as the chain stores them. Source: yuma.md 3.
///
/// Construct with [`Default`], which is a subnet's default, and set what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Parameters {
    /// Blocks between epochs.
    pub tempo: u16,
    /// Activity cutoff in thousandths of the tempo.
    pub activity_cutoff_factor_milli: u32,
    /// Least stake weight (rao) that counts at all.
    pub stake_threshold: u64,
    /// Uid of the subnet owner's hotkey, if registered: exempt from the threshold, always permitted, may weight itself.
    pub owner_uid: Option<u16>,
    /// Number of validator permits.
    pub max_allowed_validators: u16,
    /// Majority of stake that consensus needs, of 65535.
    pub kappa: u16,
    /// How much of the clipped part of a weight is taken out of the bond target, of 65535.
    pub bonds_penalty: u16,
    /// Memory of the bonds' moving average, in millionths. The owner may set up to 975,000, root anything.
    pub bonds_moving_average: u64,
    /// Absolute bonds (Yuma 3) instead of relative ones.
    pub yuma3: bool,
    /// Speed of each bond by its distance from consensus; acts with `yuma3` only.
    pub liquid_alpha: bool,
    /// Slowest speed of liquid alpha, of 65535.
    pub alpha_low: u16,
    /// Fastest speed of liquid alpha, of 65535.
    pub alpha_high: u16,
    /// Steepness of the liquid alpha sigmoid, in hundredths. Root may set a negative one.
    pub alpha_sigmoid_steepness: i16,
    /// Whether weights are committed first; then commits that are older than a target's registration hide it.
    pub commit_reveal: bool,
    /// Weight of TAO on root against alpha, of `u64::MAX`.
    pub tao_weight: u64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            tempo: 360,
            activity_cutoff_factor_milli: 13_889,
            stake_threshold: 0,
            owner_uid: None,
            max_allowed_validators: 128,
            kappa: 32_767,
            bonds_penalty: 65_535,
            bonds_moving_average: 900_000,
            yuma3: false,
            liquid_alpha: false,
            alpha_low: 45_875,
            alpha_high: 58_982,
            alpha_sigmoid_steepness: 1_000,
            commit_reveal: false,
            tao_weight: crate::emission::terms::DEFAULT_TAO_WEIGHT,
        }
    }
}

impl Parameters {
    /// Blocks after which a neuron that set no weights counts as inactive: `max(1, factor * tempo / 1000)`.
    #[must_use]
    pub const fn activity_cutoff(&self) -> u64 {
        let blocks = self.activity_cutoff_factor_milli as u64 * self.tempo as u64 / 1_000;
        if blocks == 0 { 1 } else { blocks }
    }

    /// Kappa as a proportion.
    #[must_use]
    pub const fn kappa_proportion(&self) -> I32F32 {
        I32F32::from_u16_proportion(self.kappa)
    }

    /// Bonds penalty as a proportion.
    #[must_use]
    pub const fn penalty_proportion(&self) -> I32F32 {
        I32F32::from_u16_proportion(self.bonds_penalty)
    }

    /// Weight of the newest bonds in the moving average: `1 - bonds_moving_average / 1e6`. Negative above a million.
    #[must_use]
    pub fn bonds_alpha(&self) -> I32F32 {
        let memory = I64F64::from_int(self.bonds_moving_average).unwrap_or(I64F64::MAX);
        let memory = memory.safe_div(I64F64::from_bits(1_000_000 << 64)).to_bits() >> 32;
        I32F32::ONE.saturating_sub(I32F32::from_bits(i64::try_from(memory).unwrap_or(i64::MAX)))
    }

    /// TAO weight as a proportion; only 32 fractional bits survive.
    #[must_use]
    pub const fn tao_weight_proportion(&self) -> U96F32 {
        U96F32::from_u64_proportion(self.tao_weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_values_of_the_specification() {
        let mut p = Parameters::default();
        assert_eq!(p.kappa_proportion().to_bits(), 2_147_450_879);
        assert_eq!(p.penalty_proportion(), I32F32::ONE);
        assert_eq!(p.bonds_alpha().to_bits(), 429_496_730);
        assert_eq!(p.tao_weight_proportion().to_bits(), 226_245_882);
        assert_eq!(p.activity_cutoff(), 5_000);
        assert_eq!(I32F32::from_u16_proportion(p.alpha_low).to_bits(), 3_006_509_875);
        assert_eq!(I32F32::from_u16_proportion(p.alpha_high).to_bits(), 3_865_503_334);
        p.tao_weight = 3_320_413_933_267_719_290;
        assert_eq!(p.tao_weight_proportion().to_bits(), 773_094_113);
        p.tempo = 10;
        assert_eq!(p.activity_cutoff(), 138);
        p.tempo = 0;
        assert_eq!(p.activity_cutoff(), 1);
        p.bonds_moving_average = u64::MAX;
        assert_eq!(p.bonds_alpha().to_bits(), (1 << 32) - i64::MAX);
        p.bonds_moving_average = 0;
        assert_eq!(p.bonds_alpha(), I32F32::ONE);
    }
}
