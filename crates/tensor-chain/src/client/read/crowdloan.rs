//! Crowdloans and leases.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tensor_core::account::AccountId;
use tensor_core::call::Value;
use tensor_core::{BlockNumber, Coldkey, Hotkey, NetUid, Tao};

use super::super::Subtensor;
use crate::codec::from_value;
use crate::error::Error;

/// A crowdloan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Crowdloan {
    /// Who started it.
    pub creator: Coldkey,
    /// What the creator put in.
    pub deposit: Tao,
    /// The least that others may put in.
    pub min_contribution: Tao,
    /// When it ends.
    pub end: BlockNumber,
    /// How much is to be raised.
    pub cap: Tao,
    /// The account that holds the funds.
    pub funds_account: AccountId,
    /// How much has been raised.
    pub raised: Tao,
    /// The account that gets the funds, if one does.
    pub target_address: Option<AccountId>,
    /// Whether the funds have been used.
    pub finalized: bool,
    /// How many put something in.
    pub contributors_count: u32,
}

/// A subnet that a crowdloan paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lease {
    /// Who runs the subnet.
    pub beneficiary: Coldkey,
    /// The account that owns it.
    pub coldkey: Coldkey,
    /// That account's hotkey.
    pub hotkey: Hotkey,
    /// The contributors' share in percent.
    pub emissions_share: u8,
    /// When it ends; `None` for never.
    pub end_block: Option<BlockNumber>,
    /// The subnet.
    pub netuid: NetUid,
    /// What it cost.
    pub cost: Tao,
}

impl Subtensor {
    /// A crowdloan by number.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn crowdloan(&self, id: u32) -> Result<Option<Crowdloan>, Error> {
        self.storage_as("Crowdloan", "Crowdloans", &[id.into()]).await
    }

    /// All crowdloans by number.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn crowdloans(&self) -> Result<BTreeMap<u32, Crowdloan>, Error> {
        self.by_number("Crowdloan", "Crowdloans").await
    }

    /// Who put how much into a crowdloan.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn crowdloan_contributors(&self, id: u32) -> Result<BTreeMap<Coldkey, Tao>, Error> {
        let entries = self.storage_map("Crowdloan", "Contributions", &[id.into()]).await?;
        let read = |(keys, value): (Vec<Value>, Value)| {
            let contributor = Coldkey::new(keys.get(1)?.as_account()?);
            Some((contributor, Tao::from_rao(value.as_u64()?)))
        };
        Ok(entries.into_iter().filter_map(read).collect())
    }

    /// A lease by number.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn lease(&self, id: u32) -> Result<Option<Lease>, Error> {
        self.storage_as("SubtensorModule", "SubnetLeases", &[id.into()]).await
    }

    /// All leases by number.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn leases(&self) -> Result<BTreeMap<u32, Lease>, Error> {
        self.by_number("SubtensorModule", "SubnetLeases").await
    }

    async fn by_number<T: DeserializeOwned>(
        &self,
        pallet: &str,
        item: &str,
    ) -> Result<BTreeMap<u32, T>, Error> {
        let what = || format!("{pallet}.{item}");
        let mut all = BTreeMap::new();
        for (keys, value) in self.storage_map(pallet, item, &[]).await? {
            let id = keys.first().and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
            let id = id.ok_or_else(|| Error::decode(what(), "its key is no number"))?;
            all.insert(id, from_value(value).map_err(|source| Error::decode(what(), source))?);
        }
        Ok(all)
    }
}
