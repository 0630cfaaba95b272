//! The whole pipeline as tensor-core's driver takes it: [`WeightSetter`] for [`Subtensor`].

use async_trait::async_trait;
use tensor_core::NetUid;
use tensor_core::chain::ChainError;
use tensor_core::drive::WeightSetter;
use tensor_core::key::Signer;
use tensor_core::receipt::Receipt;
use tensor_core::weights::Weights;

use super::{SetWeights, WeightsOutcome};
use crate::client::Subtensor;

/// Weights on the subnet's first mechanism, set or committed to as the subnet asks.
#[async_trait]
impl WeightSetter for Subtensor {
    /// # Errors
    /// As [`Subtensor::set_weights`] has them; weights that the rate limit keeps back are
    /// [`ChainError::Rejected`], retryable, and the reason names the block that takes them.
    async fn set_weights(
        &self,
        netuid: NetUid,
        weights: &Weights,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let set = SetWeights::new(netuid, weights.clone());
        match Self::set_weights(self, &set, signer).await? {
            WeightsOutcome::Set { receipt, .. } | WeightsOutcome::Committed { receipt, .. } => {
                Ok(receipt)
            }
            WeightsOutcome::TooSoon { next_allowed } => Err(ChainError::Rejected {
                reason: format!("weights are taken again from block {next_allowed} on"),
                retryable: true,
            }),
        }
    }
}
