//! Mechanisms of a subnet (chain rules 8.8), and trimming its uids.

use std::collections::BTreeMap;

use super::super::Runtime;
use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::{DispatchError, errors};
use super::super::limits::Limit;
use super::super::neurons::mechanism_index;
use super::admission::MOST_UIDS;

/// What the storage index leaves room for.
const MOST_MECHANISMS: u8 = 16;

/// Immune neurons must be less than this part of what a trim leaves.
const MAX_IMMUNE_PERCENT: u32 = 80;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "AdminUtils":
        PAID sudo_set_mechanism_count(netuid: u16, mechanism_count: u8) => admin_mechanism_count;
        PAID sudo_set_mechanism_emission_split(netuid: u16, maybe_split: Option<Vec<u16>>) => admin_mechanism_split;
        PAID sudo_set_max_mechanism_count(max_mechanism_count: u8) => admin_max_mechanisms;
        PAID sudo_trim_to_max_allowed_uids(netuid: u16, max_n: u16) => admin_trim_uids;
    );
}

impl Runtime {
    fn admin_mechanism_count(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        count: u8,
    ) -> DispatchResult {
        self.set_by_owner(cx, origin, netuid, Limit::MechanismCount, |runtime, cx, _| {
            let items = &runtime.items;
            if !items.networks_added.get(cx.state, netuid) {
                return Err(errors::SubtensorModule::MechanismDoesNotExist);
            }
            if count == 0 || count > items.max_mechanism_count.get(cx.state) {
                return Err(errors::SubtensorModule::InvalidValue);
            }
            let uids = items.max_allowed_uids.get(cx.state, netuid);
            if uids.saturating_mul(u16::from(count)) > MOST_UIDS {
                return Err(errors::SubtensorModule::TooManyUIDsPerMechanism);
            }
            let old = runtime.mechanisms(cx.state, netuid);
            if old == count {
                return Ok(());
            }
            for mecid in count..old {
                let index = mechanism_index(netuid, mecid);
                items.weights.clear_under(cx.state, index);
                items.bonds.clear_under(cx.state, index);
                items.incentive.remove(cx.state, index);
                items.last_update.remove(cx.state, index);
                items.weight_commits.clear_under(cx.state, index);
                items.timelocked_commits.clear_under(cx.state, index);
            }
            items.mechanism_count.set(cx.state, netuid, &count);
            items.mechanism_emission_split.remove(cx.state, netuid);
            Ok(())
        })
    }

    fn admin_mechanism_split(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        split: Option<Vec<u16>>,
    ) -> DispatchResult {
        self.set_by_owner(cx, origin, netuid, Limit::MechanismEmission, |runtime, cx, _| {
            let items = &runtime.items;
            if !items.networks_added.get(cx.state, netuid) {
                return Err(errors::SubtensorModule::MechanismDoesNotExist);
            }
            let Some(split) = split else {
                items.mechanism_emission_split.remove(cx.state, netuid);
                return Ok(());
            };
            let total: u64 = split.iter().copied().map(u64::from).sum();
            let count = usize::from(runtime.mechanisms(cx.state, netuid));
            if split.is_empty() || split.len() > count || total != u64::from(u16::MAX) {
                return Err(errors::SubtensorModule::InvalidValue);
            }
            items.mechanism_emission_split.set(cx.state, netuid, &split);
            Ok(())
        })
    }

    fn admin_max_mechanisms(&self, cx: &mut Ctx<'_>, origin: Origin, max: u8) -> DispatchResult {
        origin.root()?;
        if max == 0 || max > MOST_MECHANISMS {
            return Err(errors::SubtensorModule::InvalidValue);
        }
        self.items.max_mechanism_count.set(cx.state, &max);
        DONE
    }

    fn admin_trim_uids(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        max_n: u16,
    ) -> DispatchResult {
        self.set_by_owner(cx, origin, netuid, Limit::UidTrimming, |runtime, cx, _| {
            runtime.trim_uids(cx, netuid, max_n)
        })
    }

    /// Lowers the number of uids: the neurons that earned least go, the rest move together.
    fn trim_uids(&self, cx: &mut Ctx<'_>, netuid: u16, max_n: u16) -> Result<(), DispatchError> {
        let items = &self.items;
        self.ensure_exists(cx.state, netuid)?;
        let bounds = items.min_allowed_uids.get(cx.state, netuid)
            ..=items.max_allowed_uids.get(cx.state, netuid);
        if !bounds.contains(&max_n) {
            return Err(errors::SubtensorModule::InvalidValue);
        }
        items.max_allowed_uids.set(cx.state, netuid, &max_n);
        let n = items.subnetwork_n.get(cx.state, netuid);
        if n <= max_n {
            return Ok(());
        }
        let owners: Vec<u16> =
            self.immune_owner_neurons(cx.state, netuid).into_iter().map(|(uid, _)| uid).collect();
        let is_protected =
            |uid: u16| owners.contains(&uid) || self.is_immune(cx.state, netuid, uid, cx.block);
        let protected =
            u32::try_from((0..n).filter(|uid| is_protected(*uid)).count()).unwrap_or(u32::MAX);
        if protected.saturating_mul(100) >= MAX_IMMUNE_PERCENT * u32::from(max_n) {
            return Err(errors::SubtensorModule::TrimmingWouldExceedMaxImmunePercentage);
        }
        let emission = items.emission.get(cx.state, netuid);
        let earned = |uid: u16| emission.get(usize::from(uid)).copied().unwrap_or(0);
        // Best first, equal ones by uid; the last mortal ones go.
        let mut ranked: Vec<u16> = (0..n).collect();
        ranked.sort_by_key(|uid| std::cmp::Reverse(earned(*uid)));
        let removed: Vec<u16> = ranked
            .into_iter()
            .rev()
            .filter(|uid| !is_protected(*uid))
            .take(usize::from(n - max_n))
            .collect();
        let kept: Vec<u16> = (0..n).filter(|uid| !removed.contains(uid)).collect();
        for uid in &removed {
            self.remove_neuron(cx, netuid, *uid);
        }
        self.compact_uids(cx, netuid, &kept);
        Ok(())
    }

    fn remove_neuron(&self, cx: &mut Ctx<'_>, netuid: u16, uid: u16) {
        let items = &self.items;
        if let Some(hotkey) = items.keys.take(cx.state, (netuid, uid)) {
            items.uids.remove(cx.state, (netuid, hotkey));
            items.is_network_member.remove(cx.state, (hotkey, netuid));
            items.last_hotkey_emission.remove(cx.state, (hotkey, netuid));
            items.alpha_dividends.remove(cx.state, (netuid, hotkey));
            self.clear_serving(cx, netuid, &hotkey);
        }
        items.block_at_registration.remove(cx.state, (netuid, uid));
        for index in self.mechanism_indices(cx.state, netuid) {
            items.weights.remove(cx.state, (index, uid));
            items.bonds.remove(cx.state, (index, uid));
        }
    }

    /// Renumbers the kept uids from 0 in everything that is kept by uid.
    fn compact_uids(&self, cx: &mut Ctx<'_>, netuid: u16, kept: &[u16]) {
        let items = &self.items;
        fn pick<T: Clone + Default>(all: &mut Vec<T>, kept: &[u16]) {
            let pick = |uid: &u16| all.get(usize::from(*uid)).cloned().unwrap_or_default();
            *all = kept.iter().map(pick).collect();
        }
        items.emission.mutate(cx.state, netuid, |all| pick(all, kept));
        items.active.mutate(cx.state, netuid, |all| pick(all, kept));
        items.consensus.mutate(cx.state, netuid, |all| pick(all, kept));
        items.dividends.mutate(cx.state, netuid, |all| pick(all, kept));
        items.validator_trust.mutate(cx.state, netuid, |all| pick(all, kept));
        items.validator_permit.mutate(cx.state, netuid, |all| pick(all, kept));
        items.stake_weight.mutate(cx.state, netuid, |all| pick(all, kept));
        let numbers: BTreeMap<u16, u16> = (0..).zip(kept).map(|(new, old)| (*old, new)).collect();
        for (old, new) in &numbers {
            if old == new {
                continue;
            }
            if let Some(hotkey) = items.keys.take(cx.state, (netuid, *old)) {
                items.keys.set(cx.state, (netuid, *new), &hotkey);
                items.uids.set(cx.state, (netuid, hotkey), new);
            }
            if let Some(block) = items.block_at_registration.take(cx.state, (netuid, *old)) {
                items.block_at_registration.set(cx.state, (netuid, *new), &block);
            }
        }
        let rename = |row: Vec<(u16, u16)>| -> Vec<(u16, u16)> {
            row.into_iter().filter_map(|(uid, value)| Some((*numbers.get(&uid)?, value))).collect()
        };
        for index in self.mechanism_indices(cx.state, netuid) {
            items.incentive.mutate(cx.state, index, |all| pick(all, kept));
            items.last_update.mutate(cx.state, index, |all| pick(all, kept));
            for map in [&items.weights, &items.bonds] {
                for (old, new) in &numbers {
                    if let Some(row) = map.take(cx.state, (index, *old)) {
                        map.set(cx.state, (index, *new), &rename(row));
                    }
                }
            }
        }
        let n = u16::try_from(kept.len()).unwrap_or(u16::MAX);
        items.subnetwork_n.set(cx.state, netuid, &n);
    }
}
