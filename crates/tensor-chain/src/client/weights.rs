//! From scores to weights on chain, so that nothing fails silently: [`Subtensor::set_weights`].
//!
//! One request reads all that the chain will check. What would be refused is refused here, with the
//! number that is wrong; what must only wait is told with the block at which to try again. A subnet that
//! commits and reveals gets a commitment that drand opens (feature `timelock`). After inclusion the
//! stored weights are read back; a commitment is confirmed after its reveal, by
//! [`Subtensor::confirm_weights`] or by a [`Keeper`](keeper::Keeper), which remembers across restarts.

pub mod commit;
mod hashed;
pub mod keeper;
mod preflight;
mod prepare;
mod refused;
mod setter;

use tensor_core::chain::ChainError;
use tensor_core::key::Signer;
use tensor_core::receipt::Receipt;
use tensor_core::weights::{U16Fraction, Weights, WeightsError};
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

pub use hashed::HashedCommit;
pub use refused::WeightsRefused;

use super::Subtensor;
use super::read::storage_index;
use crate::error::Error;
use prepare::Prepared;

/// Weights to set.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SetWeights {
    /// The subnet.
    pub netuid: NetUid,
    /// The mechanism; the first one unless said.
    pub mechanism: MechId,
    /// The version of the validator's software; what the subnet asks for unless said.
    pub version_key: Option<u64>,
    source: Source,
}

#[derive(Clone, Debug, PartialEq)]
enum Source {
    Exactly(Weights),
    Scores(Vec<(Uid, f64)>),
}

impl SetWeights {
    /// These weights exactly, for the subnet's first mechanism.
    pub const fn new(netuid: NetUid, weights: Weights) -> Self {
        let source = Source::Exactly(weights);
        Self { netuid, mechanism: MechId::new(0), version_key: None, source }
    }

    /// Weights in proportion to scores, clipped to the subnet's largest share and scaled as the
    /// official SDK does.
    pub fn from_scores(netuid: NetUid, scores: impl IntoIterator<Item = (Uid, f64)>) -> Self {
        let source = Source::Scores(scores.into_iter().collect());
        Self { netuid, mechanism: MechId::new(0), version_key: None, source }
    }

    /// For another mechanism.
    #[must_use]
    pub const fn with_mechanism(mut self, mechanism: MechId) -> Self {
        self.mechanism = mechanism;
        self
    }

    /// With a version of one's own.
    #[must_use]
    pub const fn with_version_key(mut self, version_key: u64) -> Self {
        self.version_key = Some(version_key);
        self
    }

    /// The integers, where no weight may be more than that share.
    fn weights(&self, limit: U16Fraction, own: Uid) -> Result<Weights, WeightsError> {
        match &self.source {
            Source::Exactly(weights) => Ok(weights.clone()),
            Source::Scores(scores) => {
                // A single weight on oneself is exempt.
                let only_self = matches!(scores.as_slice(), [(uid, _)] if *uid == own);
                let limit = if only_self { U16Fraction::ONE } else { limit };
                Weights::from_scores_clipped(scores.iter().copied(), limit)
            }
        }
    }
}

/// What came of setting weights.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WeightsOutcome {
    /// They are on chain; the stored row was read back and is what was meant.
    Set {
        /// What was set.
        weights: Weights,
        /// Where.
        receipt: Receipt,
        /// The first block that takes weights of this hotkey again.
        next_allowed: BlockNumber,
    },
    /// They are committed to, and open by themselves later. Confirm then that they did.
    Committed {
        /// What was committed to.
        weights: Weights,
        /// Where.
        receipt: Receipt,
        /// The drand round that opens them.
        reveal_round: u64,
        /// The block in which the chain opens them, unless its epochs are moved meanwhile.
        reveal_block: BlockNumber,
        /// The first block that takes weights of this hotkey again.
        next_allowed: BlockNumber,
    },
    /// The rate limit has not passed. Nothing was sent.
    TooSoon {
        /// The first block that takes them.
        next_allowed: BlockNumber,
    },
}

impl WeightsOutcome {
    /// The first block that takes weights of this hotkey again.
    pub const fn next_allowed(&self) -> BlockNumber {
        match self {
            Self::Set { next_allowed, .. }
            | Self::Committed { next_allowed, .. }
            | Self::TooSoon { next_allowed } => *next_allowed,
        }
    }

    /// Where they were included, if they were.
    pub const fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Set { receipt, .. } | Self::Committed { receipt, .. } => Some(receipt),
            Self::TooSoon { .. } => None,
        }
    }

    /// Where they were included, or why not in the words of tensor-core.
    ///
    /// # Errors
    /// [`ChainError::Rejected`], retryable, when the rate limit kept them back; the reason names the block
    /// that takes them.
    pub fn into_receipt(self) -> Result<Receipt, ChainError> {
        match self {
            Self::Set { receipt, .. } | Self::Committed { receipt, .. } => Ok(receipt),
            Self::TooSoon { next_allowed } => Err(ChainError::Rejected {
                reason: format!("weights are taken again from block {next_allowed} on"),
                retryable: true,
            }),
        }
    }
}

impl Subtensor {
    /// Brings weights on chain, by whatever way the subnet takes them, and proves it.
    ///
    /// # Errors
    /// [`Error::Weights`] when the chain would refuse them at any block, [`Error`] as
    /// [`submit`](Self::submit) has it.
    pub async fn set_weights(
        &self,
        set: &SetWeights,
        signer: &dyn Signer,
    ) -> Result<WeightsOutcome, Error> {
        let hotkey = Hotkey::new(signer.account_id());
        match self.prepare_weights(set, &hotkey).await? {
            Prepared::TooSoon(next_allowed) => Ok(WeightsOutcome::TooSoon { next_allowed }),
            Prepared::Ready(ready) => {
                let receipt = self.submit(&ready.call, signer).await?;
                self.weights_outcome(set, ready, receipt).await
            }
        }
    }

    /// Whether the row that the chain stores for a validator is these weights. The chain scales the
    /// largest to 65,535; weights whose largest is less are compared by uid only.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn confirm_weights(
        &self,
        netuid: NetUid,
        mechanism: MechId,
        uid: Uid,
        weights: &Weights,
    ) -> Result<bool, Error> {
        let keys = [storage_index(netuid, mechanism)?, uid.into()];
        let stored: Vec<(u16, u16)> = self.storage_as("SubtensorModule", "Weights", &keys).await?;
        let same_uids = stored.iter().map(|(uid, _)| *uid).eq(weights.uids());
        let scaled = weights.values().into_iter().max() != Some(u16::MAX);
        let same_values = stored.iter().map(|(_, value)| *value).eq(weights.values());
        Ok(same_uids && (scaled || same_values))
    }
}
