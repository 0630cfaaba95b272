//! Weights and bonds as the chain keeps them.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{MechId, NetUid, Uid};

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
