//! Stake from hotkey to hotkey, from subnet to subnet, from coldkey to coldkey.

use async_trait::async_trait;
use tensor_core::call::Call;
use tensor_core::{Alpha, Coldkey, Hotkey, NetUid};

use super::super::{Info, Intent, Role};
use super::Slippage;
use crate::client::Subtensor;
use crate::error::Error;

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
