//! Accounts and TAO (chain rules 1): what is read of an account, and the words its parts share.

mod balances;
mod fee;
mod system;
mod tao;

use super::dispatch::Registrar;
use super::error::DispatchError;
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::record::{AccountInfo, Address};

/// Whether an operation may end an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The account must keep its existential deposit.
    Alive,
    /// The account may be reaped.
    MayDie,
}

/// TAO that was minted and belongs to nobody yet. What is not spent must be recycled.
#[derive(Debug)]
#[must_use]
pub(crate) struct Credit(u64);

impl Credit {
    pub(crate) fn amount(&self) -> u64 {
        self.0
    }
}

pub(super) fn register(calls: &mut Registrar<'_>) {
    balances::register(calls);
    system::register(calls);
}

/// Reading.
impl Runtime {
    /// The nonce that the account's next transaction must carry.
    #[must_use]
    pub fn account_nonce(&self, state: &State, who: &Account) -> u32 {
        self.items.account.get(state, *who).nonce
    }

    /// Free balance of an account in rao.
    #[must_use]
    pub fn free_balance(&self, state: &State, who: &Account) -> u64 {
        self.items.account.get(state, *who).data.free
    }

    /// Whether the account is provided for, so that the system pallet counts it as existing.
    #[must_use]
    pub fn account_exists(&self, state: &State, who: &Account) -> bool {
        self.items.account.get(state, *who).exists()
    }

    /// What may be taken from the account in rao.
    pub(crate) fn reducible(&self, state: &State, who: &Account, keep: Keep) -> u64 {
        let account = self.items.account.get(state, *who);
        // An account that something else depends on may not be ended.
        let untouchable = match keep {
            Keep::Alive => self.existential_deposit,
            Keep::MayDie if account.consumers > 0 => self.existential_deposit,
            Keep::MayDie => 0,
        };
        let frozen = account.data.frozen.saturating_sub(account.data.reserved);
        account.data.free.saturating_sub(frozen.max(untouchable))
    }

    /// The account that holds a subnet's TAO: `modl subtensr` and the netuid (chain rules 1.11).
    #[must_use]
    pub fn subnet_account(netuid: u16) -> Account {
        let mut account = [0; 32];
        account[..12].copy_from_slice(b"modlsubtensr");
        account[12..14].copy_from_slice(&netuid.to_le_bytes());
        account
    }

    /// The account that burnt TAO is sent to.
    #[must_use]
    pub fn burn_account() -> Account {
        let mut account = [0; 32];
        account[..12].copy_from_slice(b"modlburntnsr");
        account
    }

    /// Whether `who` is the account of an existing subnet.
    pub(crate) fn is_subnet_account(&self, state: &State, who: &Account) -> bool {
        if who[..12] != *b"modlsubtensr" || who[14..] != [0; 18] {
            return false;
        }
        self.items.networks_added.get(state, u16::from_le_bytes([who[12], who[13]]))
    }
}

/// The account behind an address.
pub(crate) fn lookup(address: Address) -> Result<Account, DispatchError> {
    address.0.ok_or(DispatchError::CannotLookup)
}

impl AccountInfo {
    /// Free and reserved balance.
    pub(crate) fn total(&self) -> u64 {
        self.data.free.saturating_add(self.data.reserved)
    }
}
