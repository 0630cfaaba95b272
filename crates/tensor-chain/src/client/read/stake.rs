//! Stake, and what it would fetch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tensor_core::call::Value;
use tensor_core::{Alpha, Coldkey, Hotkey, NetUid, Tao};

use super::super::Subtensor;
use crate::error::Error;

/// What one coldkey has staked to one hotkey on one subnet (`StakeInfo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StakeInfo {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// The coldkey.
    pub coldkey: Coldkey,
    /// The subnet.
    pub netuid: NetUid,
    /// The stake; on root it is TAO in the same unit.
    pub stake: Alpha,
    /// What of it cannot leave.
    pub locked: Alpha,
    /// What the hotkey earned on that subnet at the last epoch.
    pub emission: Alpha,
    /// The same on root.
    pub tao_emission: Tao,
    /// Whether the hotkey is registered there.
    pub is_registered: bool,
}

/// How much of a coldkey's alpha on a subnet can leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StakeAvailability {
    /// All of it.
    pub total: Alpha,
    /// What is locked.
    pub locked: Alpha,
    /// What can leave.
    pub available: Alpha,
}

/// What a pool would give (`SwapRuntimeApi.sim_swap_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quote {
    /// The TAO that goes in or comes out.
    pub tao_amount: Tao,
    /// The alpha that comes out or goes in.
    pub alpha_amount: Alpha,
    /// The fee in TAO.
    pub tao_fee: Tao,
    /// The fee in alpha.
    pub alpha_fee: Alpha,
    /// What the trade itself costs by moving the price, in TAO.
    pub tao_slippage: Tao,
    /// The same in alpha.
    pub alpha_slippage: Alpha,
}

const API: &str = "StakeInfoRuntimeApi";

impl Subtensor {
    /// What a coldkey has staked to a hotkey on a subnet; nothing is zero.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn stake(
        &self,
        coldkey: &Coldkey,
        hotkey: &Hotkey,
        netuid: NetUid,
    ) -> Result<Alpha, Error> {
        let args = [(*hotkey).into(), (*coldkey).into(), netuid.into()];
        let method = "get_stake_info_for_hotkey_coldkey_netuid";
        let info: Option<StakeInfo> = self.runtime_call_as(API, method, &args).await?;
        Ok(info.map(|info| info.stake).unwrap_or_default())
    }

    /// All that a coldkey has staked.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn stake_for_coldkey(&self, coldkey: &Coldkey) -> Result<Vec<StakeInfo>, Error> {
        self.runtime_call_as(API, "get_stake_info_for_coldkey", &[(*coldkey).into()]).await
    }

    /// All that several coldkeys have staked.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn stake_for_coldkeys(
        &self,
        coldkeys: &[Coldkey],
    ) -> Result<BTreeMap<Coldkey, Vec<StakeInfo>>, Error> {
        let args = [Value::list(coldkeys.iter().copied())];
        let all: Vec<(Coldkey, Vec<StakeInfo>)> =
            self.runtime_call_as(API, "get_stake_info_for_coldkeys", &args).await?;
        Ok(all.into_iter().collect())
    }

    /// How much of a coldkey's alpha on each subnet can leave; on these only, if some are given.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn stake_availability(
        &self,
        coldkey: &Coldkey,
        netuids: Option<&[NetUid]>,
    ) -> Result<BTreeMap<NetUid, StakeAvailability>, Error> {
        let netuids = netuids.map(|netuids| Box::new(Value::list(netuids.iter().copied())));
        let args = [Value::list([*coldkey]), Value::Option(netuids)];
        let method = "get_stake_availability_for_coldkeys";
        let all: Vec<(Coldkey, Vec<(NetUid, StakeAvailability)>)> =
            self.runtime_call_as(API, method, &args).await?;
        let own = all.into_iter().find(|(owner, _)| owner == coldkey);
        Ok(own.map(|(_, subnets)| subnets.into_iter().collect()).unwrap_or_default())
    }

    /// The hotkeys that a coldkey ever staked to.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn staking_hotkeys(&self, coldkey: &Coldkey) -> Result<Vec<Hotkey>, Error> {
        self.storage_as("SubtensorModule", "StakingHotkeys", &[(*coldkey).into()]).await
    }

    /// What all that a coldkey has staked is worth at the prices of the moment, not asking whether the
    /// pools would give it.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn stake_value_for_coldkey(&self, coldkey: &Coldkey) -> Result<Tao, Error> {
        let values = self.stake_value_for_coldkeys(&[*coldkey]).await?;
        Ok(values.get(coldkey).copied().unwrap_or_default())
    }

    /// The same for several coldkeys.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn stake_value_for_coldkeys(
        &self,
        coldkeys: &[Coldkey],
    ) -> Result<BTreeMap<Coldkey, Tao>, Error> {
        let chain = self.pinned().await?;
        let (stakes, prices) =
            futures::try_join!(chain.stake_for_coldkeys(coldkeys), chain.alpha_prices())?;
        let prices: BTreeMap<_, _> = prices.into_iter().collect();
        let worth = |info: &StakeInfo| match info.netuid {
            NetUid::ROOT => Tao::from_rao(info.stake.rao()),
            netuid => {
                prices.get(&netuid).map(|price| price.value_of(info.stake)).unwrap_or_default()
            }
        };
        let sum = |infos: &Vec<StakeInfo>| {
            infos.iter().fold(Tao::ZERO, |sum, info| sum.saturating_add(worth(info)))
        };
        Ok(stakes.iter().map(|(coldkey, infos)| (*coldkey, sum(infos))).collect())
    }

    /// All alpha that is staked on a subnet.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn total_alpha_staked(&self, netuid: NetUid) -> Result<Alpha, Error> {
        self.storage_as("SubtensorModule", "TotalAlphaStaked", &[netuid.into()]).await
    }

    /// The hotkey to which a coldkey's mining income on a subnet goes, if it chose one.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn auto_stake(
        &self,
        coldkey: &Coldkey,
        netuid: NetUid,
    ) -> Result<Option<Hotkey>, Error> {
        let keys = [(*coldkey).into(), netuid.into()];
        self.storage_as("SubtensorModule", "AutoStakeDestination", &keys).await
    }

    /// All such choices of a coldkey, by subnet.
    ///
    /// # Errors
    /// [`Error`] when they cannot be read.
    pub async fn auto_stake_all(
        &self,
        coldkey: &Coldkey,
    ) -> Result<BTreeMap<NetUid, Hotkey>, Error> {
        let keys = [Value::from(*coldkey)];
        let entries = self.storage_map("SubtensorModule", "AutoStakeDestination", &keys).await?;
        let read = |(keys, value): (Vec<Value>, Value)| {
            let netuid = u16::try_from(keys.get(1)?.as_u64()?).ok()?;
            Some((NetUid::new(netuid), Hotkey::new(value.as_account()?)))
        };
        Ok(entries.into_iter().filter_map(read).collect())
    }

    /// What staking that much TAO on a subnet would give now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn quote_stake(&self, netuid: NetUid, amount: Tao) -> Result<Quote, Error> {
        let args = [netuid.into(), amount.into()];
        self.runtime_call_as("SwapRuntimeApi", "sim_swap_tao_for_alpha", &args).await
    }

    /// What unstaking that much alpha from a subnet would give now.
    ///
    /// # Errors
    /// [`Error`] when it cannot be read.
    pub async fn quote_unstake(&self, netuid: NetUid, amount: Alpha) -> Result<Quote, Error> {
        let args = [netuid.into(), amount.into()];
        self.runtime_call_as("SwapRuntimeApi", "sim_swap_alpha_for_tao", &args).await
    }
}
