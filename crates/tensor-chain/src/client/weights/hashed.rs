//! Weights that are committed to by their hash and opened by their maker: [`HashedCommit`].

use serde::{Deserialize, Serialize};
use tensor_core::chain::At;
use tensor_core::key::Signer;
use tensor_core::receipt::Receipt;
use tensor_core::weights::Weights;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

use super::commit::commit_hash;
use super::{SetWeights, WeightsRefused};
use crate::client::Subtensor;
use crate::error::Error;
use crate::intent::{CommitHashedWeights, RevealWeights};

/// What was committed to, with all it takes to open it. Keep it: the chain has the hash only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HashedCommit {
    /// The subnet.
    pub netuid: NetUid,
    /// The mechanism.
    pub mechanism: MechId,
    /// Uids and values.
    pub weights: Vec<(Uid, u16)>,
    /// What was hashed with them.
    pub salt: Vec<u16>,
    /// The version that was hashed with them.
    pub version_key: u64,
    /// Where it was included.
    pub included: BlockNumber,
    /// The first block that takes the reveal, unless epochs are moved meanwhile.
    pub reveal_from: BlockNumber,
    /// The first block that does not any more.
    pub reveal_until: BlockNumber,
}

impl Subtensor {
    /// Commits to weights by their hash. `salt` keeps others from guessing them: some random numbers.
    /// Open them with [`reveal_weights`](Self::reveal_weights) in their window.
    ///
    /// # Errors
    /// As [`set_weights`](Self::set_weights); the rate limit is an [`Error::Rejected`] here.
    pub async fn commit_hashed_weights(
        &self,
        set: &SetWeights,
        salt: Vec<u16>,
        signer: &dyn Signer,
    ) -> Result<(HashedCommit, Receipt), Error> {
        let hotkey = Hotkey::new(signer.account_id());
        let preflight = self.preflight(set, &hotkey).await?;
        let chain = self.at(At::Head).pinned().await?;
        let (schedule, period) =
            futures::try_join!(chain.epoch_schedule(set.netuid), chain.reveal_period(set.netuid))?;
        let reveal_from = schedule.reveal_block(period).ok_or(WeightsRefused::NoEpochs)?;
        let index = set.netuid.storage_index(set.mechanism).unwrap_or_default();
        let (weights, version_key) = (preflight.weights, preflight.version_key);
        let hash = commit_hash(&hotkey, index, &weights, &salt, version_key);
        let intent = CommitHashedWeights::new(set.netuid, set.mechanism, hash);
        let receipt = self.submit(&intent.to_call(), signer).await?;
        let commit = HashedCommit {
            netuid: set.netuid,
            mechanism: set.mechanism,
            weights: weights.iter().collect(),
            salt,
            version_key,
            included: receipt.block,
            reveal_from,
            reveal_until: reveal_from.saturating_add(schedule.tempo.value().into()),
        };
        Ok((commit, receipt))
    }

    /// Opens weights that were committed to by their hash, and checks that they are stored.
    ///
    /// # Errors
    /// [`Error::Rejected`] before the window, [`Error::Dispatch`] after it, [`Error::Weights`] when
    /// other weights are stored.
    pub async fn reveal_weights(
        &self,
        commit: &HashedCommit,
        signer: &dyn Signer,
    ) -> Result<Receipt, Error> {
        let weights =
            Weights::new(commit.weights.iter().copied()).map_err(WeightsRefused::Scores)?;
        let intent = RevealWeights::new(
            commit.netuid,
            commit.mechanism,
            weights.uids(),
            weights.values(),
            commit.salt.clone(),
            commit.version_key,
        );
        let receipt = self.submit(&intent.to_call(), signer).await?;
        let at = self.at(At::Hash(receipt.block_hash));
        let hotkey = Hotkey::new(signer.account_id());
        let uid = at.uid(commit.netuid, &hotkey).await?;
        let uid = uid.ok_or(WeightsRefused::NotRegistered(hotkey))?;
        if at.confirm_weights(commit.netuid, commit.mechanism, uid, &weights).await? {
            Ok(receipt)
        } else {
            Err(WeightsRefused::NotStored(receipt.block).into())
        }
    }
}
