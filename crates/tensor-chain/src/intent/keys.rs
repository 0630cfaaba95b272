//! Keys and names: swapping a coldkey, tying keys together, saying who one is, the EVM's side.

use async_trait::async_trait;
use sp_crypto_hashing::blake2_256;
use tensor_core::account::AccountId;
use tensor_core::call::Call;
use tensor_core::{BlockNumber, Coldkey, Hotkey, NetUid, Tao};

use super::{Info, Intent, Role, intents};
use crate::client::Subtensor;
use crate::error::Error;

/// Announces that another coldkey will take everything over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceColdkeySwap {
    /// The new coldkey; only its hash is published.
    pub new_coldkey: Coldkey,
}

impl AnnounceColdkeySwap {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "announce_coldkey_swap",
        signer: Role::Coldkey,
        calls: &["SubtensorModule.announce_coldkey_swap"],
    };

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        Call::new("SubtensorModule", "announce_coldkey_swap")
            .arg("new_coldkey_hash", blake2_256(self.new_coldkey.as_bytes()))
    }
}

#[async_trait]
impl Intent for AnnounceColdkeySwap {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

/// Sends TAO to the account that an EVM address has on this chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundEvmKey {
    /// The EVM address.
    pub evm_address: [u8; 20],
    /// How much.
    pub amount: Tao,
}

impl FundEvmKey {
    /// What kind of intent this is.
    pub const INFO: Info = Info {
        name: "fund_evm_key",
        signer: Role::Coldkey,
        calls: &["Balances.transfer_keep_alive"],
    };

    /// The account of an EVM address: the hash of `evm:` and the address.
    pub fn account(evm_address: &[u8; 20]) -> AccountId {
        AccountId::from_bytes(blake2_256(&[b"evm:".as_slice(), evm_address].concat()))
    }

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        super::Transfer::new(Self::account(&self.evm_address), self.amount).to_call()
    }
}

#[async_trait]
impl Intent for FundEvmKey {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

/// Takes TAO back that was sent to this coldkey's EVM address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvmWithdraw {
    /// The address: the first 20 bytes of the coldkey.
    pub evm_address: [u8; 20],
    /// How much.
    pub amount: Tao,
}

impl EvmWithdraw {
    /// What kind of intent this is.
    pub const INFO: Info =
        Info { name: "evm_withdraw", signer: Role::Coldkey, calls: &["EVM.withdraw"] };

    /// For the EVM address that belongs to that coldkey.
    pub fn new(coldkey: &Coldkey, amount: Tao) -> Self {
        let mut evm_address = [0; 20];
        evm_address.iter_mut().zip(coldkey.as_bytes()).for_each(|(to, from)| *to = *from);
        Self { evm_address, amount }
    }

    /// The call that does it.
    pub fn to_call(&self) -> Call {
        Call::new("EVM", "withdraw").arg("address", self.evm_address).arg("value", self.amount)
    }
}

#[async_trait]
impl Intent for EvmWithdraw {
    fn info(&self) -> Info {
        Self::INFO
    }

    async fn call(&self, _: &Subtensor) -> Result<Call, Error> {
        Ok(self.to_call())
    }
}

intents! {
    /// Takes an announcement back.
    ClearColdkeySwapAnnouncement, "clear_coldkey_swap_announcement", Coldkey,
        "SubtensorModule"."clear_coldkey_swap_announcement" {}
    /// Stops an announced swap for good: the key is in wrong hands.
    DisputeColdkeySwap, "dispute_coldkey_swap", Coldkey,
        "SubtensorModule"."dispute_coldkey_swap" {}
    /// Hands everything over to the announced coldkey.
    SwapColdkeyAnnounced, "swap_coldkey_announced", Coldkey,
        "SubtensorModule"."swap_coldkey_announced" {
        /// The new coldkey.
        new_coldkey: Coldkey => "new_coldkey",
    }
    /// Makes this coldkey the owner of a hotkey that nobody owns.
    AssociateHotkey, "associate_hotkey", Coldkey, "SubtensorModule"."try_associate_hotkey" {
        /// The hotkey.
        hotkey: Hotkey => "hotkey",
    }
    /// Ties an EVM address to a neuron.
    AssociateEvmKey, "associate_evm_key", Hotkey, "SubtensorModule"."associate_evm_key" {
        /// The subnet.
        netuid: NetUid => "netuid",
        /// The EVM address.
        evm_key: [u8; 20] => "evm_key",
        /// The block that was signed.
        block: BlockNumber => "block_number",
        /// The EVM key's signature.
        signature: [u8; 65] => "signature",
    }
    /// Says who a coldkey is.
    SetIdentity, "set_identity", Coldkey, "SubtensorModule"."set_identity" {
        /// Its name.
        name: String => "name",
        /// Its page.
        url: String => "url",
        /// Its code.
        github_repo: String => "github_repo",
        /// Its picture.
        image: String => "image",
        /// Its Discord name.
        discord: String => "discord",
        /// A few words.
        description: String => "description",
        /// Whatever else.
        additional: String => "additional",
    }
}
