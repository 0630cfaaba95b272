//! Stake by coldkey: positions, what of them is free, and what staking costs.

use std::collections::BTreeMap;

use parity_scale_codec::{Compact, Encode};

use super::super::Account;
use super::View;

/// `StakeInfo`, field for field.
type Entry = (
    Account,
    Account,
    Compact<u16>,
    Compact<u64>,
    Compact<u64>,
    Compact<u64>,
    Compact<u64>,
    Compact<u64>,
    bool,
);

/// `StakeAvailability`: total, locked, available.
type Availability = (Compact<u64>, Compact<u64>, Compact<u64>);

impl View<'_> {
    /// All positions of a coldkey, by subnet and hotkey.
    pub(super) fn stake_info(&self, coldkey: &Account) -> Vec<Entry> {
        let hotkeys = self.runtime.items.staking_hotkeys.get(self.state, *coldkey);
        let mut entries = Vec::new();
        for netuid in self.runtime.netuids(self.state) {
            for hotkey in &hotkeys {
                let entry = self.stake_entry(hotkey, coldkey, netuid);
                if entry.3.0 > 0 {
                    entries.push(entry);
                }
            }
        }
        entries
    }

    /// One entry for every coldkey asked for, also for those without stake.
    pub(super) fn stake_info_of_all(&self, coldkeys: &[Account]) -> Vec<u8> {
        let all: Vec<(Account, Vec<Entry>)> =
            coldkeys.iter().map(|coldkey| (*coldkey, self.stake_info(coldkey))).collect();
        all.encode()
    }

    pub(super) fn stake_entry(&self, hotkey: &Account, coldkey: &Account, netuid: u16) -> Entry {
        let items = &self.runtime.items;
        (
            *hotkey,
            *coldkey,
            Compact(netuid),
            Compact(self.runtime.stake(self.state, hotkey, coldkey, netuid)),
            Compact(0),
            Compact(items.alpha_dividends.get(self.state, (netuid, *hotkey))),
            Compact(0),
            Compact(0),
            items.is_network_member.get(self.state, (*hotkey, netuid)),
        )
    }

    pub(super) fn stake_availability(
        &self,
        coldkeys: &[Account],
        netuids: Option<Vec<u16>>,
    ) -> Vec<u8> {
        let existing = self.runtime.netuids(self.state);
        let netuids = match netuids {
            None => existing,
            Some(mut asked) => {
                asked.sort_unstable();
                asked.dedup();
                // A request for more subnets than there are is answered as one for none.
                if asked.len() > existing.len() {
                    asked.clear();
                }
                asked.retain(|netuid| self.exists(*netuid));
                asked
            }
        };
        let all: BTreeMap<Account, BTreeMap<u16, Availability>> = coldkeys
            .iter()
            .map(|coldkey| {
                let by_subnet = netuids.iter().filter_map(|netuid| {
                    let hotkeys = self.runtime.items.staking_hotkeys.get(self.state, *coldkey);
                    let total: u64 = hotkeys
                        .iter()
                        .map(|hotkey| self.runtime.stake(self.state, hotkey, coldkey, *netuid))
                        .fold(0, u64::saturating_add);
                    let locked = self.runtime.locked(self.state, coldkey, *netuid);
                    let free = Compact(total.saturating_sub(locked));
                    (total > 0 || locked > 0)
                        .then_some((*netuid, (Compact(total), Compact(locked), free)))
                });
                (*coldkey, by_subnet.collect())
            })
            .collect();
        all.encode()
    }

    pub(super) fn stake_fee(
        &self,
        origin: Option<(Account, u16)>,
        destination: Option<(Account, u16)>,
        amount: u64,
    ) -> Vec<u8> {
        if origin == destination {
            return 0_u64.encode();
        }
        let netuid = destination.or(origin).map_or(0, |(_, netuid)| netuid);
        self.runtime.pool(self.state, netuid).fee(amount).encode()
    }

    pub(super) fn coldkey_lock(&self, coldkey: &Account, netuid: u16) -> Vec<u8> {
        let hotkeys = self.runtime.items.staking_hotkeys.get(self.state, *coldkey);
        let lock = hotkeys.into_iter().find_map(|hotkey| {
            self.runtime.items.lock.try_get(self.state, (*coldkey, netuid, hotkey))
        });
        lock.encode()
    }
}
