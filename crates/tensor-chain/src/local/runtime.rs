//! The rules: what blocks and calls do to the state.
//!
//! One file per concern of the chain. A call is a method here, registered under its pallet and name in that concern's `register`; anything without a
//! method fails as the chain's own call filter would.

#![allow(clippy::too_many_arguments, reason = "methods take the arguments that calls have")]

use std::sync::{Arc, Mutex};

use tensor_yuma::epoch::Epoch;

use super::interface::{Interface, InterfaceError};
use super::storage::Account;
use super::storage::items::Items;

mod accounts;
mod admin;
mod children;
mod coinbase;
mod commitments;
mod commits;
mod crowdloan;
pub mod ctx;
mod dispatch;
mod dissolve;
mod drand;
mod epoch;
mod error;
mod event;
mod evm;
mod fees;
mod genesis;
mod import;
mod ledger;
mod limits;
mod moving;
mod multisig;
mod neurons;
mod payout;
mod pool;
mod position;
mod proxies;
mod registration;
mod root;
mod schedule;
mod serving;
mod shield;
mod soundness;
mod staking;
mod subnets;
mod swap_coldkey;
mod swap_hotkey;
mod takes;
#[cfg(test)]
mod tests;
mod utility;
mod views;
mod voting;
mod weights;
mod work;

pub use ctx::{Ctx, EventRecord, Origin, Phase};
pub use dispatch::{DecodedCall, PostInfo, Validity};
pub use error::{ArithmeticError, DispatchError, InvalidTransaction, TokenError};
pub use fees::Charge;
pub use genesis::{Deviations, Genesis};
pub use import::ImportedSubnet;
pub use ledger::{AlphaLedger, Stranded, TaoLedger};
pub use root::root_claim_indices;
pub use views::ApiError;

use coinbase::DecayFactors;
use crowdloan::CrowdloanBounds;
use dispatch::Calls;
use event::Events;

/// Which state of the chain's rules applies where two are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ruleset {
    /// spec_version 425 (June 2026).
    V425,
    /// spec_version 461.
    #[default]
    V461,
}

/// The runtime: stateless rules over an interface. Cheap to clone behind an `Arc`.
#[derive(Debug)]
pub struct Runtime {
    interface: Arc<Interface>,
    ruleset: Ruleset,
    items: Items,
    events: Events,
    calls: Calls,
    existential_deposit: u64,
    crowdloan: CrowdloanBounds,
    timelock: Option<OpenTimelock>,
    decay: DecayFactors,
    epoch: Mutex<Epoch>,
}

/// Opens a timelocked ciphertext with the signature of its drand round; nothing if it is not one, or of another round.
pub type OpenTimelock = fn(ciphertext: &[u8], signature: &[u8]) -> Option<Vec<u8>>;

/// With feature `timelock` commits open as on the chain.
const OPENER: Option<OpenTimelock> = {
    #[cfg(feature = "timelock")]
    let opener: Option<OpenTimelock> = Some(crate::timelock::open);
    #[cfg(not(feature = "timelock"))]
    let opener: Option<OpenTimelock> = None;
    opener
};

impl Runtime {
    /// Resolves everything that the rules name against `interface`.
    ///
    /// # Errors
    /// [`InterfaceError::Missing`] with all names that are absent or of another type.
    pub fn new(interface: Arc<Interface>, ruleset: Ruleset) -> Result<Self, InterfaceError> {
        let mut missing = Vec::new();
        for (pallet, name) in error::errors::ALL {
            if interface.error_index(pallet, name).is_none() {
                missing.push(format!("error {pallet}.{name}"));
            }
        }
        let items = Items::resolve(&interface).map_err(|names| missing.extend(names));
        let events = Events::resolve(&interface).map_err(|names| missing.extend(names));
        let calls = Calls::build(&interface).map_err(|names| missing.extend(names));
        let existential_deposit = constant(&interface, "Balances", "ExistentialDeposit")
            .map_err(|name| missing.push(name));
        match (items, events, calls, existential_deposit) {
            (Ok(items), Ok(events), Ok(calls), Ok(existential_deposit)) if missing.is_empty() => {
                Ok(Self {
                    crowdloan: CrowdloanBounds::of(&interface),
                    interface,
                    ruleset,
                    items,
                    events,
                    calls,
                    existential_deposit,
                    timelock: OPENER,
                    decay: DecayFactors::default(),
                    epoch: Mutex::new(Epoch::new()),
                })
            }
            _ => Err(InterfaceError::Missing(missing)),
        }
    }

    /// The same runtime, opening timelocked commits with `open`. Without this and without feature `timelock` they stay closed, whatever pulses
    /// are stored.
    #[must_use]
    pub fn with_timelock(mut self, open: OpenTimelock) -> Self {
        self.timelock = Some(open);
        self
    }

    /// Tempo of a new subnet, which the build of the runtime sets.
    fn default_tempo(&self) -> u16 {
        self.interface
            .constant("SubtensorModule", "InitialTempo")
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(360, u16::from_le_bytes)
    }

    /// The interface that the rules were resolved against.
    #[must_use]
    pub fn interface(&self) -> &Arc<Interface> {
        &self.interface
    }

    /// The ruleset in force.
    #[must_use]
    pub fn ruleset(&self) -> Ruleset {
        self.ruleset
    }
}

fn constant(interface: &Interface, pallet: &str, name: &str) -> Result<u64, String> {
    let bytes = interface.constant(pallet, name).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u64::from_le_bytes).ok_or_else(|| format!("constant {pallet}.{name}"))
}
