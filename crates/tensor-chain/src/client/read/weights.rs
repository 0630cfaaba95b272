//! Weights and bonds as the chain keeps them.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{BlockNumber, Hotkey, MechId, NetUid, Uid};

use super::super::Subtensor;
use crate::error::Error;

/// One validator's row: its weights or its bonds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WeightRow {
    /// Whose row it is.
    pub uid: Uid,
    /// The values by uid, as they were set.
    pub values: Vec<(Uid, u16)>,
}

/// Weights that a validator has committed to and that a round of drand opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimelockedCommit {
    /// The subnet's epoch in which it was made.
    pub epoch: u64,
    /// Whose it is.
    pub hotkey: Hotkey,
    /// When it was made.
    pub block: BlockNumber,
    /// The ciphertext.
    pub commit: Vec<u8>,
    /// The round that opens it.
    pub reveal_round: u64,
}

impl Subtensor {
    /// The weights that validators of a subnet's mechanism have set, by uid.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn weights(
        &self,
        netuid: NetUid,
        mechanism: MechId,
    ) -> Result<Vec<WeightRow>, Error> {
        self.rows("Weights", netuid, mechanism).await
    }

    /// The bonds of a subnet's mechanism, by uid.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn bonds(&self, netuid: NetUid, mechanism: MechId) -> Result<Vec<WeightRow>, Error> {
        self.rows("Bonds", netuid, mechanism).await
    }

    /// The commitments of a mechanism that wait for their round, oldest epoch first.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn timelocked_weight_commits(
        &self,
        netuid: NetUid,
        mechanism: MechId,
    ) -> Result<Vec<TimelockedCommit>, Error> {
        const ITEM: &str = "TimelockedWeightCommits";
        let keys = [storage_index(netuid, mechanism)?];
        let mut commits = Vec::new();
        for (keys, value) in self.storage_map("SubtensorModule", ITEM, &keys).await? {
            let epoch = keys.get(1).and_then(Value::as_u64).unwrap_or_default();
            let queue: Vec<(Hotkey, BlockNumber, Vec<u8>, u64)> =
                crate::codec::from_value(value).map_err(|source| Error::decode(ITEM, source))?;
            commits.extend(queue.into_iter().map(|(hotkey, block, commit, reveal_round)| {
                TimelockedCommit { epoch, hotkey, block, commit, reveal_round }
            }));
        }
        commits.sort_by_key(|commit| (commit.epoch, commit.block));
        Ok(commits)
    }

    async fn rows(
        &self,
        item: &str,
        netuid: NetUid,
        mechanism: MechId,
    ) -> Result<Vec<WeightRow>, Error> {
        let keys = [storage_index(netuid, mechanism)?];
        let mut rows = Vec::new();
        for (keys, value) in self.storage_map("SubtensorModule", item, &keys).await? {
            let uid = keys.get(1).and_then(Value::as_u64).and_then(|uid| u16::try_from(uid).ok());
            let uid = uid.ok_or_else(|| Error::decode(item, "its key is no uid"))?;
            let values = crate::codec::from_value(value)
                .map_err(|source| Error::decode(format!("SubtensorModule.{item}"), source))?;
            rows.push(WeightRow { uid: Uid::new(uid), values });
        }
        rows.sort_unstable_by_key(|row| row.uid);
        Ok(rows)
    }
}

/// The key under which a mechanism's vectors lie.
pub(crate) fn storage_index(netuid: NetUid, mechanism: MechId) -> Result<Value, Error> {
    netuid.storage_index(mechanism).map(Value::from).ok_or_else(|| {
        Error::invalid(format!("subnet {netuid} cannot have a mechanism {mechanism}"))
    })
}
