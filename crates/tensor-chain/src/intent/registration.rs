//! Registering: hotkeys on subnets, subnets on the chain; claiming root dividends.

use async_trait::async_trait;
use tensor_core::call::{Call, Value};
use tensor_core::{BlockNumber, Hotkey, NetUid};

use super::{Info, Intent, Role, intents};
use crate::client::Subtensor;
use crate::error::Error;

/// Claims root dividends of these subnets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRoot {
    /// The subnets; at most five.
    pub netuids: Vec<NetUid>,
}

impl ClaimRoot {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "claim_root", signer: Role::Coldkey, calls: &["SubtensorModule.claim_root"] };
}

#[async_trait]
impl Intent for ClaimRoot {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        let mut netuids = self.netuids.clone();
        // A set in SCALE is sorted.
        netuids.sort_unstable();
        netuids.dedup();
        Ok(Call::new("SubtensorModule", "claim_root").arg("subnets", Value::list(netuids)))
    }
}

intents! {
    /// Buys a slot in a subnet for a hotkey.
    BurnedRegister, "burned_register", Coldkey, "SubtensorModule"."burned_register" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Buys a slot in a subnet for a hotkey, at this price at most.
    RegisterLimit, "register_limit", Coldkey, "SubtensorModule"."register_limit" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
        /// The most rao to pay.
        limit_price: u64 => "limit_price",
    }
    /// Works for a slot in a subnet, as runtimes after 461 want it.
    PowRegister, "pow_register", Coldkey, "SubtensorModule"."pow_register" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The block whose hash was worked on.
        block: BlockNumber => "work_block",
        /// The nonce that was found.
        nonce: u64 => "nonce",
        /// The seal that it gives.
        work: Vec<u8> => "work",
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Takes a slot on root for a hotkey.
    RootRegister, "root_register", Coldkey, "SubtensorModule"."root_register" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Registers a subnet.
    RegisterSubnet, "register_subnet", Coldkey, "SubtensorModule"."register_network" {
        /// The owner's hotkey on it.
        hotkey: Hotkey => "hotkey",
    }
    /// Starts a subnet of one's own: its alpha trades and earns from then on.
    StartCall, "start_call", Coldkey, "SubtensorModule"."start_call" {
        /// The subnet.
        netuid: NetUid => "netuid",
    }
    /// Replaces a hotkey by another, on one subnet or on all.
    SwapHotkey, "swap_hotkey", Coldkey, "SubtensorModule"."swap_hotkey" {
        /// The old one.
        hotkey: Hotkey => "hotkey",
        /// The new one.
        new_hotkey: Hotkey => "new_hotkey",
        /// The subnet; all without one.
        netuid: Option<NetUid> => "netuid",
    }
    /// Claims root dividends earned with one hotkey.
    ClaimRootWithHotkey, "claim_root_with_hotkey", Coldkey,
        "SubtensorModule"."claim_root_with_hotkey" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
}
