//! What an epoch computes, as raw fixed point and as the chain stores it.

use crate::fixed::{I32F32, I64F64};
use crate::rows::RowsBuf;

/// Result of an epoch; every column has one value per uid. Source: yuma.md 9.
///
/// The fixed-point columns hold the exact bits of the computation, the `_u16` ones what the chain stores: `floor(x * 65535)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Outcome {
    /// Stake weight before normalisation, with 64 fractional bits; the threshold is not applied.
    pub total_stake: Vec<I64F64>,
    /// Normalised stake, 0 below the threshold.
    pub stake: Vec<I32F32>,
    /// Stake of active validators with a permit of the previous epoch, normalised among them.
    pub active_stake: Vec<I32F32>,
    /// Stake-weighted median of the weights a neuron gets.
    pub consensus: Vec<I32F32>,
    /// Part of a validator's weights that survives clipping.
    pub validator_trust: Vec<I32F32>,
    /// Share of the miners' emission.
    pub incentive: Vec<I32F32>,
    /// Share of the validators' emission.
    pub dividends: Vec<I32F32>,
    /// Set weights within the activity cutoff.
    pub active: Vec<bool>,
    /// Permits from now on.
    pub new_validator_permit: Vec<bool>,
    /// Alpha units earned as a miner.
    pub server_emission: Vec<u64>,
    /// Alpha units earned as a validator, before take and root.
    pub validator_emission: Vec<u64>,
    /// Combined emission, by which neurons are pruned.
    pub emission: Vec<u64>,
    /// Whole rao of `total_stake`.
    pub stake_u64: Vec<u64>,
    /// `stake` as stored.
    pub stake_weight_u16: Vec<u16>,
    /// `consensus` as stored.
    pub consensus_u16: Vec<u16>,
    /// `incentive` as stored.
    pub incentive_u16: Vec<u16>,
    /// `dividends` as stored.
    pub dividends_u16: Vec<u16>,
    /// `validator_trust` as stored.
    pub validator_trust_u16: Vec<u16>,
    /// Bonds to store: a row for every uid, empty without a new permit.
    pub bonds: RowsBuf,
}

impl Outcome {
    /// Number of uids.
    #[must_use]
    pub const fn n(&self) -> usize {
        self.stake.len()
    }
}

/// Matrices inside the epoch, kept on request ([`super::Epoch::keep_intermediates`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Intermediates {
    /// Weights after masks, each row normalised.
    pub weights: RowsBuf<I32F32>,
    /// Weights clipped at consensus.
    pub clipped: RowsBuf<I32F32>,
    /// Bonds after the moving average, as quantised for storage (upscaled in the relative mode), for every uid.
    pub ema_bonds: RowsBuf<I32F32>,
    /// The same bonds normalised by column: each validator's claim on a miner.
    pub claims: RowsBuf<I32F32>,
    /// Sum of active stake that consensus must exceed, from the real sum.
    pub minority: I32F32,
    /// Bonds penalty as a proportion.
    pub penalty: I32F32,
}
