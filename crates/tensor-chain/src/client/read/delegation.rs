//! Delegation: validators that others stake to, and hotkeys that lend their stake weight.

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::weights::U16Fraction;
use tensor_core::{Alpha, BlockNumber, Coldkey, Hotkey, NetUid, Tao};

use super::super::Subtensor;
use super::super::raw::typed;
use crate::error::Error;

/// A validator that others stake to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DelegateInfo {
    /// The hotkey.
    #[serde(rename = "delegate_ss58")]
    pub hotkey: Hotkey,
    /// Its owner.
    #[serde(rename = "owner_ss58")]
    pub owner: Coldkey,
    /// What it keeps of its nominators' dividends.
    pub take: U16Fraction,
    /// Who staked what on which subnet.
    pub nominators: Vec<(Coldkey, Vec<(NetUid, Alpha)>)>,
    /// The subnets it is registered in.
    pub registrations: Vec<NetUid>,
    /// The subnets it may set weights on.
    pub validator_permits: Vec<NetUid>,
    /// What a thousand TAO staked to it earn a day.
    pub return_per_1000: Tao,
    /// What it earns a day.
    pub total_daily_return: Tao,
}

/// Children that are not in force yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingChildren {
    /// Shares (2⁶⁴ − 1 is all) and children.
    pub children: Vec<(u64, Hotkey)>,
    /// When they come into force.
    pub from: BlockNumber,
}

/// A take, and between what it may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TakeBounds {
    /// The take.
    pub take: U16Fraction,
    /// The least.
    pub min: U16Fraction,
    /// The most.
    pub max: U16Fraction,
}

const API: &str = "DelegateInfoRuntimeApi";
const PALLET: &str = "SubtensorModule";

impl Subtensor {
    /// All validators that others stake to.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn delegates(&self) -> Result<Vec<DelegateInfo>, Error> {
        self.runtime_call_as(API, "get_delegates", &[]).await
    }

    /// One of them; `None` for a hotkey that is none.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn delegate(&self, hotkey: &Hotkey) -> Result<Option<DelegateInfo>, Error> {
        self.runtime_call_as(API, "get_delegate", &[(*hotkey).into()]).await
    }

    /// Whether others may stake to the hotkey.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn is_delegate(&self, hotkey: &Hotkey) -> Result<bool, Error> {
        Ok(self.delegate(hotkey).await?.is_some())
    }

    /// The validators that a coldkey stakes to, with where and how much.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn delegated(
        &self,
        coldkey: &Coldkey,
    ) -> Result<Vec<(DelegateInfo, (NetUid, Alpha))>, Error> {
        self.runtime_call_as(API, "get_delegated", &[(*coldkey).into()]).await
    }

    /// What a validator keeps, and between what that may lie.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn delegate_take(&self, hotkey: &Hotkey) -> Result<TakeBounds, Error> {
        let keys = [Value::from(*hotkey)];
        let values = self
            .storage_batch(&[
                (PALLET, "Delegates", &keys),
                (PALLET, "MinDelegateTake", &[]),
                (PALLET, "MaxDelegateTake", &[]),
            ])
            .await?;
        let mut values = values.into_iter();
        let mut next = |item| typed(PALLET, item, values.next().flatten());
        Ok(TakeBounds {
            take: next("Delegates")?,
            min: next("MinDelegateTake")?,
            max: next("MaxDelegateTake")?,
        })
    }

    /// To whom a hotkey lends stake weight on a subnet: shares (2⁶⁴ − 1 is all) and children.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn children(
        &self,
        hotkey: &Hotkey,
        netuid: NetUid,
    ) -> Result<Vec<(u64, Hotkey)>, Error> {
        self.storage_as(PALLET, "ChildKeys", &[(*hotkey).into(), netuid.into()]).await
    }

    /// Who lends a hotkey stake weight on a subnet.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn parents(
        &self,
        hotkey: &Hotkey,
        netuid: NetUid,
    ) -> Result<Vec<(u64, Hotkey)>, Error> {
        self.storage_as(PALLET, "ParentKeys", &[(*hotkey).into(), netuid.into()]).await
    }

    /// Children that a hotkey has chosen and that are not in force yet.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn pending_children(
        &self,
        hotkey: &Hotkey,
        netuid: NetUid,
    ) -> Result<Option<PendingChildren>, Error> {
        let keys = [netuid.into(), Value::from(*hotkey)];
        let value = self.stored(PALLET, "PendingChildKeys", &keys).await?;
        let Some(value) = value else { return Ok(None) };
        let (children, from) = typed(PALLET, "PendingChildKeys", Some(value))?;
        Ok(Some(PendingChildren { children, from }))
    }

    /// Whether a hotkey's children are suspended for want of stake.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn childkey_threshold_suspended(&self, hotkey: &Hotkey) -> Result<bool, Error> {
        let keys = [Value::from(*hotkey)];
        Ok(self.stored(PALLET, "ChildkeyThresholdSuspended", &keys).await?.is_some())
    }
}
