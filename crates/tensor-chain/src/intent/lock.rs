//! Locks and collateral: alpha that is held back.

use async_trait::async_trait;
use tensor_core::call::Call;
use tensor_core::{Alpha, Hotkey, NetUid};

use super::{Info, Intent, Role, Slippage, intents};
use crate::client::{AlphaPrice, Subtensor};
use crate::error::Error;

/// Puts alpha up as a miner's collateral.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddCollateral {
    /// The subnet.
    pub netuid: NetUid,
    /// The miner.
    pub hotkey: Hotkey,
    /// How much.
    pub amount: Alpha,
    /// How high the price may get.
    pub slippage: Slippage,
}

impl AddCollateral {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "add_collateral",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.add_collateral"],
    };

    /// With the usual limit.
    pub fn new(netuid: NetUid, hotkey: Hotkey, amount: Alpha) -> Self {
        Self { netuid, hotkey, amount, slippage: Slippage::default() }
    }
}

#[async_trait]
impl Intent for AddCollateral {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let limit = match self.slippage {
            Slippage::Limit(limit) => limit,
            Slippage::Unbounded => AlphaPrice::from_rao(u64::MAX),
            Slippage::Within(millionths) => {
                let now = chain.alpha_price(self.netuid).await?.rao();
                let part = u128::from(now) * u128::from(millionths) / 1_000_000;
                let part = u64::try_from(part).unwrap_or(u64::MAX);
                AlphaPrice::from_rao(now.saturating_add(part))
            }
        };
        Ok(Call::new("SubtensorModule", "add_collateral")
            .arg("netuid", self.netuid)
            .arg("hotkey", self.hotkey)
            .arg("alpha", self.amount)
            .arg("limit_price", limit.rao()))
    }
}

intents! {
    /// Sets how much collateral a miner keeps at least.
    SetMinCollateral, "set_min_collateral", Coldkey, "SubtensorModule"."set_min_collateral" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The miner.
        hotkey: Hotkey => "hotkey",
        /// How much.
        min: Alpha => "min_locked",
    }
    /// Locks stake to show conviction.
    LockStake, "lock_stake", Coldkey, "SubtensorModule"."lock_stake" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
        /// The subnet.
        netuid: NetUid => "netuid",
        /// How much.
        amount: Alpha => "amount",
    }
    /// Moves a lock to another hotkey.
    MoveLock, "move_lock", Coldkey, "SubtensorModule"."move_lock" {
        /// The other hotkey.
        to: Hotkey => "destination_hotkey",
        /// The subnet.
        netuid: NetUid => "netuid",
    }
    /// Keeps a lock from running out, or lets it.
    SetPerpetualLock, "set_perpetual_lock", Coldkey, "SubtensorModule"."set_perpetual_lock" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// Whether it stays.
        enabled: bool => "enabled",
    }
    /// Refuses, or accepts, alpha that comes locked.
    SetRejectLockedAlpha, "set_reject_locked_alpha", Coldkey,
        "SubtensorModule"."set_reject_locked_alpha" {
        /// Whether it is refused.
        enabled: bool => "enabled",
    }
}
