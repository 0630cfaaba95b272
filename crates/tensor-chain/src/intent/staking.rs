//! Staking: TAO into a subnet's alpha and back, from hotkey to hotkey, from subnet to subnet.
//!
//! Whatever goes through a pool carries a price limit: half a percent from the price of the moment,
//! unless said otherwise. Root has no pool and no limit.

use async_trait::async_trait;
use tensor_core::call::{Call, Value};
use tensor_core::{Alpha, Coldkey, Hotkey, NetUid, Tao};

use super::{Info, Intent, Role, intents};
use crate::client::{AlphaPrice, Subtensor};
use crate::error::Error;

/// How much worse than now a price may get before an operation is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slippage {
    /// Worse than the price of the moment by so many millionths; 5,000 (half a percent) unless said.
    Within(u32),
    /// To this price at worst, in rao per alpha (for swaps: origin's price in destination's, times 10⁹).
    Limit(AlphaPrice),
    /// However bad: what the pool gives is what there is.
    Unbounded,
}

impl Default for Slippage {
    fn default() -> Self {
        Self::Within(5_000)
    }
}

/// Which way a price hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Buying,
    Selling,
}

impl Slippage {
    fn limit(self, now: u64, side: Side) -> Option<u64> {
        match self {
            Self::Limit(limit) => Some(limit.rao()),
            Self::Unbounded => None,
            Self::Within(millionths) => {
                let part = u128::from(now) * u128::from(millionths) / 1_000_000;
                let part = u64::try_from(part).unwrap_or(u64::MAX);
                Some(match side {
                    Side::Buying => now.saturating_add(part),
                    Side::Selling => now.saturating_sub(part),
                })
            }
        }
    }

    async fn of(self, chain: &Subtensor, netuid: NetUid, side: Side) -> Result<Option<u64>, Error> {
        if netuid == NetUid::ROOT {
            return Ok(None);
        }
        let now = match self {
            Self::Within(_) => chain.alpha_price(netuid).await?.rao(),
            _ => 0,
        };
        Ok(self.limit(now, side))
    }

    /// The limit of a swap: the origin's price in the destination's, times 10⁹.
    async fn of_swap(
        self,
        chain: &Subtensor,
        from: NetUid,
        to: NetUid,
    ) -> Result<Option<u64>, Error> {
        let Self::Within(_) = self else { return Ok(self.limit(0, Side::Selling)) };
        let price = async |netuid| match netuid {
            NetUid::ROOT => Ok(AlphaPrice::ONE),
            netuid => chain.alpha_price(netuid).await,
        };
        let (origin, destination) = (price(from).await?, price(to).await?);
        let ratio = u128::from(origin.rao()) * 1_000_000_000 / u128::from(destination.rao().max(1));
        Ok(self.limit(u64::try_from(ratio).unwrap_or(u64::MAX), Side::Selling))
    }
}

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

/// Moves stake to another subnet, under the same hotkey.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SwapStake {
    /// The hotkey.
    pub hotkey: Hotkey,
    /// From which subnet.
    pub from: NetUid,
    /// To which subnet.
    pub to: NetUid,
    /// How much of the origin's alpha.
    pub amount: Alpha,
    /// How bad the price may get.
    pub slippage: Slippage,
}

impl SwapStake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "swap_stake",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.swap_stake", "SubtensorModule.swap_stake_limit"],
    };

    /// With the usual limit.
    pub fn new(hotkey: Hotkey, from: NetUid, to: NetUid, amount: Alpha) -> Self {
        Self { hotkey, from, to, amount, slippage: Slippage::default() }
    }

    /// Sets how bad the price may get.
    #[must_use]
    pub const fn with_slippage(mut self, slippage: Slippage) -> Self {
        self.slippage = slippage;
        self
    }
}

#[async_trait]
impl Intent for SwapStake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let limit = self.slippage.of_swap(chain, self.from, self.to).await?;
        let call = |name| {
            Call::new("SubtensorModule", name)
                .arg("hotkey", self.hotkey)
                .arg("origin_netuid", self.from)
                .arg("destination_netuid", self.to)
                .arg("alpha_amount", self.amount)
        };
        Ok(match limit {
            Some(limit) => {
                call("swap_stake_limit").arg("limit_price", limit).arg("allow_partial", false)
            }
            None => call("swap_stake"),
        })
    }
}

/// Moves stake to another hotkey, on the same subnet or on another one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MoveStake {
    /// From which hotkey.
    pub from_hotkey: Hotkey,
    /// From which subnet.
    pub from: NetUid,
    /// To which hotkey.
    pub to_hotkey: Hotkey,
    /// To which subnet.
    pub to: NetUid,
    /// How much of the origin's alpha.
    pub amount: Alpha,
    /// How bad the price may get when subnets differ.
    pub slippage: Slippage,
}

impl MoveStake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "move_stake",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.move_stake", "SubtensorModule.move_stake_limit"],
    };

    /// With the usual limit.
    pub fn new(
        from_hotkey: Hotkey,
        from: NetUid,
        to_hotkey: Hotkey,
        to: NetUid,
        amount: Alpha,
    ) -> Self {
        Self { from_hotkey, from, to_hotkey, to, amount, slippage: Slippage::default() }
    }

    /// Sets how bad the price may get.
    #[must_use]
    pub const fn with_slippage(mut self, slippage: Slippage) -> Self {
        self.slippage = slippage;
        self
    }
}

#[async_trait]
impl Intent for MoveStake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let limit = match self.from == self.to {
            true => None,
            false => self.slippage.of_swap(chain, self.from, self.to).await?,
        };
        let call = |name| {
            Call::new("SubtensorModule", name)
                .arg("origin_hotkey", self.from_hotkey)
                .arg("destination_hotkey", self.to_hotkey)
                .arg("origin_netuid", self.from)
                .arg("destination_netuid", self.to)
                .arg("alpha_amount", self.amount)
        };
        Ok(match limit {
            Some(limit) => {
                call("move_stake_limit").arg("limit_price", limit).arg("allow_partial", false)
            }
            None => call("move_stake"),
        })
    }
}

/// Moves stake to another hotkey and then to another subnet, both or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MoveSwapStake(pub MoveStake);

impl MoveSwapStake {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "move_swap_stake", signer: Role::Coldkey, calls: &["Utility.batch_all"] };

    /// As one batch of two steps: to the hotkey within the origin, then to the destination.
    pub const fn new(stake: MoveStake) -> Self {
        Self(stake)
    }
}

#[async_trait]
impl Intent for MoveSwapStake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, chain: &Subtensor) -> Result<Call, Error> {
        let MoveStake { from_hotkey, from, to_hotkey, to, amount, slippage } = self.0.clone();
        let moved = MoveStake::new(from_hotkey, from, to_hotkey, from, amount).call(chain).await?;
        if from == to {
            return Ok(moved);
        }
        let swapped = SwapStake::new(to_hotkey, from, to, amount).with_slippage(slippage);
        let calls = vec![moved, swapped.call(chain).await?];
        Ok(Call::new("Utility", "batch_all").arg("calls", calls))
    }
}

/// Gives stake to another coldkey, perhaps under another hotkey.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransferStake {
    /// Who gets it.
    pub to: Coldkey,
    /// The hotkey it is staked to.
    pub hotkey: Hotkey,
    /// The hotkey it shall be staked to; the same unless said.
    pub to_hotkey: Option<Hotkey>,
    /// From which subnet.
    pub from: NetUid,
    /// To which subnet.
    pub to_netuid: NetUid,
    /// How much of the origin's alpha.
    pub amount: Alpha,
}

impl TransferStake {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "transfer_stake",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.transfer_stake", "SubtensorModule.transfer_stake_and_hotkey"],
    };

    /// Within one subnet.
    pub const fn new(to: Coldkey, hotkey: Hotkey, netuid: NetUid, amount: Alpha) -> Self {
        Self { to, hotkey, to_hotkey: None, from: netuid, to_netuid: netuid, amount }
    }

    /// To another subnet.
    #[must_use]
    pub const fn with_destination(mut self, netuid: NetUid) -> Self {
        self.to_netuid = netuid;
        self
    }

    /// To another hotkey.
    #[must_use]
    pub const fn with_hotkey(mut self, hotkey: Hotkey) -> Self {
        self.to_hotkey = Some(hotkey);
        self
    }

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        let call = match self.to_hotkey {
            None => Call::new("SubtensorModule", "transfer_stake").arg("hotkey", self.hotkey),
            Some(hotkey) => Call::new("SubtensorModule", "transfer_stake_and_hotkey")
                .arg("origin_hotkey", self.hotkey)
                .arg("destination_hotkey", hotkey),
        };
        call.arg("destination_coldkey", self.to)
            .arg("origin_netuid", self.from)
            .arg("destination_netuid", self.to_netuid)
            .arg("alpha_amount", self.amount)
    }
}

#[async_trait]
impl Intent for TransferStake {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_lie_on_the_side_that_hurts() {
        let slippage = Slippage::default();
        assert_eq!(slippage.limit(1_000_000_000, Side::Buying), Some(1_005_000_000));
        assert_eq!(slippage.limit(1_000_000_000, Side::Selling), Some(995_000_000));
        assert_eq!(slippage.limit(u64::MAX, Side::Buying), Some(u64::MAX));
        assert_eq!(Slippage::Unbounded.limit(5, Side::Buying), None);
        assert_eq!(Slippage::Limit(AlphaPrice::from_rao(7)).limit(5, Side::Buying), Some(7));
    }
}
