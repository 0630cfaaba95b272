//! The whole pipeline as tensor-core's driver takes it: [`WeightSetter`] for [`Subtensor`].

use async_trait::async_trait;
use tensor_core::NetUid;
use tensor_core::chain::ChainError;
use tensor_core::drive::WeightSetter;
use tensor_core::key::Signer;
use tensor_core::receipt::Receipt;
use tensor_core::weights::Weights;

use super::SetWeights;
use crate::client::Subtensor;

/// Weights on the subnet's first mechanism, set or committed to as the subnet asks.
#[async_trait]
impl WeightSetter for Subtensor {
    /// # Errors
    /// As [`Subtensor::set_weights`] and [`WeightsOutcome::into_receipt`](super::WeightsOutcome::into_receipt)
    /// have them.
    async fn set_weights(
        &self,
        netuid: NetUid,
        weights: &Weights,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let set = SetWeights::new(netuid, weights.clone());
        Self::set_weights(self, &set, signer).await?.into_receipt()
    }
}
