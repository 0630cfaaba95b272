//! Staking: TAO into a subnet's alpha and back, from hotkey to hotkey, from subnet to subnet.
//!
//! Whatever goes through a pool carries a price limit: half a percent from the price of the moment,
//! unless said otherwise. Root has no pool and no limit.

mod moving;
mod slippage;

pub use moving::{MoveStake, MoveSwapStake, SwapStake, TransferStake};
pub use slippage::Slippage;

use async_trait::async_trait;
use tensor_core::call::{Call, Value};
use tensor_core::{Alpha, Hotkey, NetUid, Tao};

use super::{Info, Intent, Role, intents};
use crate::client::Subtensor;
use crate::error::Error;
use slippage::Side;

/// Stakes TAO to a hotkey on a subnet: buys its alpha.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddStake {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// The subnet.
    pub netuid: NetUid,
    /// How much.
    pub amount: Tao,
    /// How bad the price may get.
    pub slippage: Slippage,
}

impl AddStake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "add_stake",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.add_stake", "SubtensorModule.add_stake_limit"],
    };

    /// With the usual limit.
    pub fn new(hotkey: Hotkey, netuid: NetUid, amount: Tao) -> Self {
        Self { hotkey, netuid, amount, slippage: Slippage::default() }
    }

    /// Sets how bad the price may get.
    #[must_use]
    pub const fn with_slippage(mut self, slippage: Slippage) -> Self {
        self.slippage = slippage;
        self
    }
}

#[async_trait]
impl Intent for AddStake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let limit = self.slippage.of(chain, self.netuid, Side::Buying).await?;
        let call = |name| {
            Call::new("SubtensorModule", name)
                .arg("hotkey", self.hotkey)
                .arg("netuid", self.netuid)
                .arg("amount_staked", self.amount)
        };
        Ok(match limit {
            Some(limit) => {
                call("add_stake_limit").arg("limit_price", limit).arg("allow_partial", false)
            }
            None => call("add_stake"),
        })
    }
}

/// Takes stake back: sells the subnet's alpha.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoveStake {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// The subnet.
    pub netuid: NetUid,
    /// How much.
    pub amount: Alpha,
    /// How bad the price may get.
    pub slippage: Slippage,
}

impl RemoveStake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "remove_stake",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.remove_stake", "SubtensorModule.remove_stake_limit"],
    };

    /// With the usual limit.
    pub fn new(hotkey: Hotkey, netuid: NetUid, amount: Alpha) -> Self {
        Self { hotkey, netuid, amount, slippage: Slippage::default() }
    }

    /// Sets how bad the price may get.
    #[must_use]
    pub const fn with_slippage(mut self, slippage: Slippage) -> Self {
        self.slippage = slippage;
        self
    }
}

#[async_trait]
impl Intent for RemoveStake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let limit = self.slippage.of(chain, self.netuid, Side::Selling).await?;
        let call = |name| {
            Call::new("SubtensorModule", name)
                .arg("hotkey", self.hotkey)
                .arg("netuid", self.netuid)
                .arg("amount_unstaked", self.amount)
        };
        Ok(match limit {
            Some(limit) => {
                call("remove_stake_limit").arg("limit_price", limit).arg("allow_partial", false)
            }
            None => call("remove_stake"),
        })
    }
}

/// Buys a subnet's alpha and burns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StakeBurn {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// The subnet.
    pub netuid: NetUid,
    /// For how much.
    pub amount: Tao,
    /// How bad the price may get.
    pub slippage: Slippage,
}

impl StakeBurn {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "stake_burn",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.add_stake_burn"],
    };

    /// With the usual limit.
    pub fn new(hotkey: Hotkey, netuid: NetUid, amount: Tao) -> Self {
        Self { hotkey, netuid, amount, slippage: Slippage::default() }
    }
}

#[async_trait]
impl Intent for StakeBurn {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let limit = self.slippage.of(chain, self.netuid, Side::Buying).await?;
        Ok(Call::new("SubtensorModule", "add_stake_burn")
            .arg("hotkey", self.hotkey)
            .arg("netuid", self.netuid)
            .arg("amount", self.amount)
            .arg("limit", limit))
    }
}

/// Trades several holdings of a root basket at once. Newer runtimes than 461 have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapBasketMany {
    /// The validator whose basket it is.
    pub hotkey: Hotkey,
    /// The trades, as the runtime's metadata wants them.
    pub legs: Vec<Value>,
}

impl SwapBasketMany {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "swap_basket_many",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.swap_basket_many"],
    };
}

#[async_trait]
impl Intent for SwapBasketMany {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(Call::new("SubtensorModule", "swap_basket_many")
            .arg("hotkey", self.hotkey)
            .arg("legs", Value::List(self.legs.clone())))
    }
}

intents! {
    /// Stakes TAO with a limit of one's own.
    AddStakeLimit, "add_stake_limit", Coldkey, "SubtensorModule"."add_stake_limit" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
        /// The subnet.
        netuid: NetUid => "netuid",
        /// How much.
        amount: Tao => "amount_staked",
        /// The highest price, in rao per alpha.
        limit_price: Tao => "limit_price",
        /// Whether less may be staked than said, up to the limit.
        allow_partial: bool => "allow_partial",
    }
    /// Takes stake back with a limit of one's own.
    RemoveStakeLimit, "remove_stake_limit", Coldkey, "SubtensorModule"."remove_stake_limit" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
        /// The subnet.
        netuid: NetUid => "netuid",
        /// How much.
        amount: Alpha => "amount_unstaked",
        /// The lowest price, in rao per alpha.
        limit_price: Tao => "limit_price",
        /// Whether less may be taken back than said, down to the limit.
        allow_partial: bool => "allow_partial",
    }
    /// Takes all stake back from a hotkey, on every subnet, at whatever prices.
    UnstakeAll, "unstake_all", Coldkey, "SubtensorModule"."unstake_all" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Takes all stake on subnets back from a hotkey and stakes it on root.
    UnstakeAllAlpha, "unstake_all_alpha", Coldkey, "SubtensorModule"."unstake_all_alpha" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Lets a coldkey's mining income on a subnet go to a hotkey.
    SetAutoStake, "set_auto_stake", Coldkey, "SubtensorModule"."set_coldkey_auto_stake_hotkey" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Stakes TAO into a validator's root basket.
    StakeIntoBasket, "stake_into_basket", Coldkey, "SubtensorModule"."stake_into_basket" {
        /// The validator.
        hotkey: Hotkey => "hotkey",
        /// How much.
        amount: Tao => "amount_staked",
    }
    /// Trades a holding of a validator's root basket for another.
    SwapBasket, "swap_basket", Coldkey, "SubtensorModule"."swap_basket" {
        /// The validator.
        hotkey: Hotkey => "hotkey",
        /// The alpha that is sold.
        from: NetUid => "origin_netuid",
        /// The alpha that is bought.
        to: NetUid => "destination_netuid",
        /// How much is sold.
        amount: Alpha => "amount",
        /// The least that must come out.
        min_amount_out: u64 => "min_amount_out",
    }
}
