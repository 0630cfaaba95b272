//! The two halves of setting weights: what is sent, and what came of it. Between them lies the submission,
//! before which a [`Keeper`](super::keeper::Keeper) notes what it is about to do.

use tensor_core::call::Call;
use tensor_core::chain::At;
use tensor_core::receipt::Receipt;
use tensor_core::weights::Weights;
use tensor_core::{BlockNumber, Hotkey, Uid};

use super::preflight::Preflight;
use super::{SetWeights, WeightsOutcome, WeightsRefused};
use crate::client::Subtensor;
use crate::error::Error;
use crate::intent::SetPlainWeights;

/// What to do about weights.
pub(super) enum Prepared {
    /// Nothing before that block.
    TooSoon(BlockNumber),
    /// Submit this.
    Ready(Ready),
}

/// A call that brings weights on chain, with what will be checked afterwards.
pub(super) struct Ready {
    pub(super) call: Call,
    pub(super) weights: Weights,
    /// The block that was read.
    pub(super) block: BlockNumber,
    pub(super) rate_limit: u64,
    /// When they open, if they are committed to.
    pub(super) reveal: Option<Reveal>,
    uid: Uid,
}

/// When a commitment opens.
#[derive(Clone, Copy)]
pub(super) struct Reveal {
    pub(super) round: u64,
    pub(super) block: BlockNumber,
}

impl Subtensor {
    /// Checks weights against the chain and composes the call.
    pub(super) async fn prepare_weights(
        &self,
        set: &SetWeights,
        hotkey: &Hotkey,
    ) -> Result<Prepared, Error> {
        let preflight = self.preflight(set, hotkey).await?;
        let allowed_from = preflight.allowed_from();
        // The next block is the first that can include it.
        if allowed_from.value() > preflight.block.value().saturating_add(1) {
            return Ok(Prepared::TooSoon(allowed_from));
        }
        let (call, reveal) = if preflight.commit_reveal {
            self.commitment_call(set, &preflight, hotkey).await?
        } else {
            let (uids, values) = (preflight.weights.uids(), preflight.weights.values());
            let version = preflight.version_key;
            let intent = SetPlainWeights::new(set.netuid, set.mechanism, uids, values, version);
            (intent.to_call(), None)
        };
        let Preflight { block, uid, rate_limit, weights, .. } = preflight;
        Ok(Prepared::Ready(Ready { call, weights, block, rate_limit, reveal, uid }))
    }

    /// What came of a call that was included.
    pub(super) async fn weights_outcome(
        &self,
        set: &SetWeights,
        ready: Ready,
        receipt: Receipt,
    ) -> Result<WeightsOutcome, Error> {
        let next_allowed = receipt.block.saturating_add(ready.rate_limit);
        let Ready { weights, uid, reveal, .. } = ready;
        if let Some(Reveal { round, block }) = reveal {
            return Ok(WeightsOutcome::Committed {
                weights,
                receipt,
                reveal_round: round,
                reveal_block: block,
                next_allowed,
            });
        }
        let at = self.at(At::Hash(receipt.block_hash));
        if !at.confirm_weights(set.netuid, set.mechanism, uid, &weights).await? {
            return Err(WeightsRefused::NotStored(receipt.block).into());
        }
        Ok(WeightsOutcome::Set { weights, receipt, next_allowed })
    }

    #[cfg(feature = "timelock")]
    async fn commitment_call(
        &self,
        set: &SetWeights,
        preflight: &Preflight,
        hotkey: &Hotkey,
    ) -> Result<(Call, Option<Reveal>), Error> {
        let (intent, reveal) = self.weights_commitment(set, preflight, hotkey).await?;
        Ok((intent.to_call(), Some(reveal)))
    }

    #[cfg(not(feature = "timelock"))]
    #[allow(clippy::unused_async, reason = "the other build waits here")]
    async fn commitment_call(
        &self,
        _: &SetWeights,
        _: &Preflight,
        _: &Hotkey,
    ) -> Result<(Call, Option<Reveal>), Error> {
        Err(WeightsRefused::CommitsOnly.into())
    }
}
