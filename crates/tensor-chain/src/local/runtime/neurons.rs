//! The uids of a subnet: appending, replacing, pruning order, and the vectors that run along them (chain rules 7.3, 7.4).

use std::collections::BTreeSet;

use super::ctx::Ctx;
use super::{Account, Runtime};
use crate::local::state::State;

/// Storage index of a subnet's mechanism.
pub(crate) fn mechanism_index(netuid: u16, mecid: u8) -> u16 {
    u16::from(mecid).wrapping_mul(4_096).wrapping_add(netuid)
}

impl Runtime {
    /// Uid of a hotkey on a subnet.
    pub(crate) fn uid_of(&self, state: &State, netuid: u16, hotkey: &Account) -> Option<u16> {
        self.items.uids.try_get(state, (netuid, *hotkey))
    }

    /// Hotkeys of a subnet by uid; a missing one reads as zeros.
    pub(crate) fn hotkeys(&self, state: &State, netuid: u16) -> Vec<Account> {
        let n = self.items.subnetwork_n.get(state, netuid);
        (0..n).map(|uid| self.items.keys.get(state, (netuid, uid))).collect()
    }

    /// Uid of the subnet owner's hotkey, if it is registered.
    pub(crate) fn owner_uid(&self, state: &State, netuid: u16) -> Option<u16> {
        let hotkey = self.items.subnet_owner_hotkey.try_get(state, netuid)?;
        self.uid_of(state, netuid, &hotkey)
    }

    /// Number of mechanisms of a subnet.
    pub(crate) fn mechanisms(&self, state: &State, netuid: u16) -> u8 {
        self.items.mechanism_count.get(state, netuid)
    }

    /// Storage indices of a subnet's mechanisms.
    pub(crate) fn mechanism_indices(&self, state: &State, netuid: u16) -> Vec<u16> {
        (0..self.mechanisms(state, netuid)).map(|m| mechanism_index(netuid, m)).collect()
    }

    /// Whether no hotkey has two uids; otherwise the subnet's epochs are skipped.
    pub(crate) fn uids_are_consistent(&self, state: &State, netuid: u16) -> bool {
        let hotkeys = self.items.keys.under(state, netuid);
        let distinct: BTreeSet<Account> = hotkeys.iter().map(|(_, hotkey)| *hotkey).collect();
        distinct.len() == hotkeys.len()
    }

    /// `LastUpdate` of one uid; 0 if the vector is shorter.
    pub(crate) fn last_update_of(&self, state: &State, index: u16, uid: u16) -> u64 {
        self.items.last_update.get(state, index).get(usize::from(uid)).copied().unwrap_or(0)
    }

    /// Writes `LastUpdate` of one uid, lengthening the vector if need be.
    pub(crate) fn set_last_update(&self, cx: &mut Ctx<'_>, index: u16, uid: u16, block: u64) {
        let n = usize::from(self.items.subnetwork_n.get(cx.state, index & 0x0FFF));
        self.items.last_update.mutate(cx.state, index, |all| {
            let at = usize::from(uid);
            if all.len() < n.max(at + 1) {
                all.resize(n.max(at + 1), 0);
            }
            all[at] = block;
        });
    }

    /// Adds a neuron at the end.
    pub(crate) fn append_neuron(&self, cx: &mut Ctx<'_>, netuid: u16, hotkey: &Account) -> u16 {
        let items = &self.items;
        let uid = items.subnetwork_n.get(cx.state, netuid);
        items.subnetwork_n.set(cx.state, netuid, &uid.saturating_add(1));
        let state = &mut *cx.state;
        items.active.mutate(state, netuid, |all| all.push(true));
        items.emission.mutate(state, netuid, |all| all.push(0));
        items.consensus.mutate(state, netuid, |all| all.push(0));
        items.dividends.mutate(state, netuid, |all| all.push(0));
        items.validator_trust.mutate(state, netuid, |all| all.push(0));
        items.validator_permit.mutate(state, netuid, |all| all.push(false));
        for index in self.mechanism_indices(cx.state, netuid) {
            items.incentive.mutate(cx.state, index, |all| all.push(0));
            self.set_last_update(cx, index, uid, cx.block);
        }
        self.seat(cx, netuid, uid, hotkey);
        uid
    }

    /// Puts a new hotkey onto a uid. A uid of the subnet owner's hotkey is left alone.
    pub(crate) fn replace_neuron(&self, cx: &mut Ctx<'_>, netuid: u16, uid: u16, hotkey: &Account) {
        let items = &self.items;
        let old = items.keys.get(cx.state, (netuid, uid));
        if items.subnet_owner_hotkey.try_get(cx.state, netuid) == Some(old) {
            return;
        }
        items.uids.remove(cx.state, (netuid, old));
        items.is_network_member.remove(cx.state, (old, netuid));
        self.clear_serving(cx, netuid, &old);
        self.forget_evm_key(cx, netuid, uid);
        set_at(cx, &items.active, netuid, uid, true);
        self.clear_neuron(cx, netuid, uid);
        self.seat(cx, netuid, uid, hotkey);
        for index in self.mechanism_indices(cx.state, netuid) {
            self.set_last_update(cx, index, uid, cx.block);
        }
    }

    fn seat(&self, cx: &mut Ctx<'_>, netuid: u16, uid: u16, hotkey: &Account) {
        let items = &self.items;
        items.keys.set(cx.state, (netuid, uid), hotkey);
        items.uids.set(cx.state, (netuid, *hotkey), &uid);
        items.block_at_registration.set(cx.state, (netuid, uid), &cx.block);
        items.is_network_member.set(cx.state, (*hotkey, netuid), &true);
    }

    /// Forgets where a hotkey serves.
    pub(crate) fn clear_serving(&self, cx: &mut Ctx<'_>, netuid: u16, hotkey: &Account) {
        let items = &self.items;
        items.axons.remove(cx.state, (netuid, *hotkey));
        items.certificates.remove(cx.state, (netuid, *hotkey));
        items.prometheus.remove(cx.state, (netuid, *hotkey));
    }

    /// Resets what a uid earned and said, and what others said of it.
    fn clear_neuron(&self, cx: &mut Ctx<'_>, netuid: u16, uid: u16) {
        let items = &self.items;
        set_at(cx, &items.emission, netuid, uid, 0);
        set_at(cx, &items.consensus, netuid, uid, 0);
        set_at(cx, &items.dividends, netuid, uid, 0);
        set_at(cx, &items.stake_weight, netuid, uid, 0);
        set_at(cx, &items.validator_trust, netuid, uid, 0);
        set_at(cx, &items.validator_permit, netuid, uid, false);
        for index in self.mechanism_indices(cx.state, netuid) {
            set_at(cx, &items.incentive, index, uid, 0);
            items.bonds.remove(cx.state, (index, uid));
            items.weights.remove(cx.state, (index, uid));
            for (other, mut row) in items.weights.under(cx.state, index) {
                let mut touched = false;
                for (_, weight) in row.iter_mut().filter(|(target, _)| *target == uid) {
                    *weight = 0;
                    touched = true;
                }
                if touched {
                    items.weights.set(cx.state, (index, other), &row);
                }
            }
        }
    }

    /// Whether a uid is still protected after its registration.
    pub(crate) fn is_immune(&self, state: &State, netuid: u16, uid: u16, block: u64) -> bool {
        let registered = self.items.block_at_registration.get(state, (netuid, uid));
        let period = u64::from(self.items.immunity_period.get(state, netuid));
        block.saturating_sub(registered) < period
    }

    /// The owner's hotkeys that are never pruned, with their uids.
    pub(crate) fn immune_owner_neurons(&self, state: &State, netuid: u16) -> Vec<(u16, Account)> {
        let items = &self.items;
        let owner = items.subnet_owner.get(state, netuid);
        let mut owned: Vec<(u64, u16, Account)> = items
            .owned_hotkeys
            .get(state, owner)
            .into_iter()
            .filter_map(|hotkey| {
                let uid = self.uid_of(state, netuid, &hotkey)?;
                Some((items.block_at_registration.get(state, (netuid, uid)), uid, hotkey))
            })
            .collect();
        owned.sort_by_key(|(block, uid, _)| (*block, *uid));
        let limit = usize::from(items.immune_owner_uids_limit.get(state, netuid));
        let mut immune: Vec<(u16, Account)> =
            owned.into_iter().take(limit).map(|(_, uid, hotkey)| (uid, hotkey)).collect();
        if let Some(hotkey) = items.subnet_owner_hotkey.try_get(state, netuid)
            && let Some(uid) = self.uid_of(state, netuid, &hotkey)
            && !immune.contains(&(uid, hotkey))
        {
            immune.insert(0, (uid, hotkey));
            immune.truncate(limit);
        }
        immune
    }

    /// The uid that the next registration replaces on a full subnet.
    pub(crate) fn neuron_to_prune(&self, state: &State, netuid: u16, block: u64) -> Option<u16> {
        let items = &self.items;
        let immortal = self.immune_owner_neurons(state, netuid);
        let emission = items.emission.get(state, netuid);
        let mut free = 0_u16;
        let mut mortal: Option<(u64, u64, u16)> = None;
        let mut immune: Option<(u64, u64, u16)> = None;
        for uid in 0..items.subnetwork_n.get(state, netuid) {
            let Some(hotkey) = items.keys.try_get(state, (netuid, uid)) else { continue };
            if immortal.iter().any(|(_, protected)| *protected == hotkey) {
                continue;
            }
            let earned = emission.get(usize::from(uid)).copied().unwrap_or(0);
            let key = (earned, items.block_at_registration.get(state, (netuid, uid)), uid);
            let best = if self.is_immune(state, netuid, uid, block) {
                &mut immune
            } else {
                free += 1;
                &mut mortal
            };
            if best.is_none_or(|known| key < known) {
                *best = Some(key);
            }
        }
        let enough = free > items.min_non_immune_uids.get(state, netuid);
        let chosen = if enough { mortal.or(immune) } else { immune };
        chosen.map(|(_, _, uid)| uid)
    }
}

/// Sets one element of a stored vector if it is there.
fn set_at<T>(
    cx: &mut Ctx<'_>,
    map: &crate::local::storage::Map<u16, Vec<T>>,
    key: u16,
    uid: u16,
    value: T,
) where
    T: parity_scale_codec::Encode + parity_scale_codec::Decode + Clone,
{
    map.mutate(cx.state, key, |all| {
        if let Some(slot) = all.get_mut(usize::from(uid)) {
            *slot = value;
        }
    });
}
