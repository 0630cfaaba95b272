//! Which calls a type of proxy may make (chain rules 12.2).

use parity_scale_codec::{Compact, Decode};

use crate::local::runtime::Runtime;
use crate::local::runtime::dispatch::DecodedCall;
use crate::local::storage::Account;
use crate::local::storage::record::Address;

pub(crate) const ANY: u8 = 0;
const OWNER: u8 = 1;
const NON_CRITICAL: u8 = 2;
const NON_TRANSFER: u8 = 3;
const NON_FUNGIBLE: u8 = 5;
const STAKING: u8 = 8;
const REGISTRATION: u8 = 9;
const TRANSFER: u8 = 10;
pub(crate) const SMALL_TRANSFER: u8 = 11;
const CHILD_KEYS: u8 = 13;
const SWAP_HOTKEY: u8 = 15;
const ROOT_CLAIM: u8 = 17;

/// Small transfers are below half a TAO, or half an alpha.
pub(crate) const SMALL: u64 = 500_000_000;

/// Calls of the subtensor pallet that move a coldkey's belongings to another.
const COLDKEY_SWAPS: [&str; 6] = [
    "schedule_swap_coldkey",
    "swap_coldkey",
    "announce_coldkey_swap",
    "swap_coldkey_announced",
    "clear_coldkey_swap_announcement",
    "dispute_coldkey_swap",
];
/// Calls that buy, sell and move stake of one coldkey.
const STAKE: [&str; 10] = [
    "add_stake",
    "remove_stake",
    "unstake_all",
    "unstake_all_alpha",
    "swap_stake",
    "swap_stake_limit",
    "move_stake",
    "add_stake_limit",
    "remove_stake_limit",
    "remove_stake_full_limit",
];
const TRANSFERS: [&str; 3] = ["transfer_keep_alive", "transfer_allow_death", "transfer_all"];

impl Runtime {
    /// Whether a proxy of this type may make the call.
    pub(crate) fn proxy_allows(&self, kind: u8, call: &DecodedCall<'_>) -> bool {
        let Some((pallet, name)) = self.name_of(call) else { return kind == ANY };
        if pallet == "Proxy" {
            match name {
                "add_proxy" | "remove_proxy" => {
                    // No proxy hands out more than it has.
                    let named = <(Address, u8)>::decode(&mut &call.args[..]);
                    if !named.is_ok_and(|(_, named)| is_superset(kind, named)) {
                        return false;
                    }
                }
                "remove_proxies" | "kill_pure" if kind != ANY => return false,
                _ => {}
            }
        }
        let subtensor = pallet == "SubtensorModule";
        match kind {
            ANY => true,
            OWNER => match pallet {
                "AdminUtils" => {
                    !["sudo_set_sn_owner_hotkey", "sudo_set_subnet_owner_hotkey"].contains(&name)
                }
                _ => subtensor && ["set_subnet_identity", "update_symbol"].contains(&name),
            },
            NON_CRITICAL => {
                let critical = ["dissolve_network", "root_register", "burned_register"];
                let swaps = COLDKEY_SWAPS.get(2..).unwrap_or_default();
                pallet != "Sudo"
                    && !(subtensor && (critical.contains(&name) || swaps.contains(&name)))
            }
            NON_TRANSFER => {
                let moves = ["transfer_stake", "transfer_stake_and_hotkey"];
                pallet != "Balances"
                    && !(subtensor && (moves.contains(&name) || COLDKEY_SWAPS.contains(&name)))
            }
            NON_FUNGIBLE => {
                let others = [
                    "transfer_stake",
                    "transfer_stake_and_hotkey",
                    "burned_register",
                    "root_register",
                    "swap_hotkey",
                    "swap_hotkey_v2",
                ];
                let denied = STAKE.contains(&name)
                    || others.contains(&name)
                    || COLDKEY_SWAPS.contains(&name);
                pallet != "Balances" && !(subtensor && denied)
            }
            STAKING => subtensor && (STAKE.contains(&name) || name == "set_root_claim_type"),
            REGISTRATION => {
                subtensor && ["burned_register", "register", "register_limit"].contains(&name)
            }
            TRANSFER => match pallet {
                "Balances" => TRANSFERS.contains(&name),
                _ => subtensor && name == "transfer_stake",
            },
            SMALL_TRANSFER => is_small(pallet, name, call.args),
            CHILD_KEYS => subtensor && ["set_children", "set_childkey_take"].contains(&name),
            SWAP_HOTKEY => subtensor && ["swap_hotkey", "swap_hotkey_v2"].contains(&name),
            ROOT_CLAIM => subtensor && name == "claim_root",
            // The rest is of institutions that are gone, of leases, and of baskets.
            _ => false,
        }
    }
}

fn is_superset(kind: u8, of: u8) -> bool {
    match (kind, of) {
        (kind, of) if kind == of => true,
        (ANY, _) | (TRANSFER, SMALL_TRANSFER) => true,
        (_, ANY) => false,
        (NON_TRANSFER, of) => ![TRANSFER, SMALL_TRANSFER].contains(&of),
        _ => false,
    }
}

fn is_small(pallet: &str, name: &str, mut args: &[u8]) -> bool {
    match (pallet, name) {
        ("Balances", "transfer_keep_alive" | "transfer_allow_death") => {
            let value = <(Address, Compact<u64>)>::decode(&mut args);
            value.is_ok_and(|(_, value)| value.0 < SMALL)
        }
        ("SubtensorModule", "transfer_stake") => {
            let value = <(Account, Account, u16, u16, u64)>::decode(&mut args);
            value.is_ok_and(|value| value.4 < SMALL)
        }
        _ => false,
    }
}
