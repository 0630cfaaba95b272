//! Child hotkeys: lending stake weight, and the take for it (chain rules 7.7).

use std::collections::BTreeMap;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::limits::Limit;
use super::{Account, Runtime};
use crate::local::state::State;

/// Most children of a hotkey on a subnet.
const MAX_CHILDREN: usize = 5;

/// Proportions (of `u64::MAX`) and keys.
pub(crate) type Relations = Vec<(u64, Account)>;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID set_children(hotkey: Account, netuid: u16, children: Relations) => set_children;
        PAID set_childkey_take(hotkey: Account, netuid: u16, take: u16) => set_childkey_take;
        PAID set_auto_parent_delegation_enabled(hotkey: Account, enabled: bool) => set_auto_parent_delegation_enabled;
        PAID set_pending_childkey_cooldown(cooldown: u64) => set_pending_childkey_cooldown;
        PAID sudo_set_tx_childkey_take_rate_limit(tx_rate_limit: u64) => sudo_set_tx_childkey_take_rate_limit;
        PAID sudo_set_min_childkey_take(take: u16) => sudo_set_min_childkey_take;
        PAID sudo_set_max_childkey_take(take: u16) => sudo_set_max_childkey_take;
    );
}

impl Runtime {
    fn set_children(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        children: Relations,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.schedule_children(cx, &coldkey, &hotkey, netuid, children)?;
        DONE
    }

    fn schedule_children(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        children: Relations,
    ) -> Result<(), DispatchError> {
        self.ensure_limit(cx, Limit::Children, hotkey, netuid)?;
        if netuid == 0 {
            return Err(errors::SubtensorModule::RegistrationNotPermittedOnRootSubnet);
        }
        self.ensure_exists(cx.state, netuid)?;
        if !self.owns(cx.state, coldkey, hotkey) {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        let mut seen: BTreeMap<Account, u64> = BTreeMap::new();
        for (proportion, child) in &children {
            if seen.insert(*child, *proportion).is_some() {
                return Err(errors::SubtensorModule::DuplicateChild);
            }
        }
        self.ensure_children_valid(cx.state, hotkey, netuid, &seen)?;
        let allowed = children.is_empty()
            || self.total_stake_of_hotkey(cx.state, hotkey)
                >= self.items.stake_threshold.get(cx.state)
            || self.items.subnet_owner_hotkey.try_get(cx.state, netuid) == Some(*hotkey);
        if !allowed {
            return Err(errors::SubtensorModule::NotEnoughStakeToSetChildkeys);
        }
        self.record_limit(cx, Limit::Children, hotkey, netuid);
        if !self.items.subtoken_enabled.get(cx.state, netuid) {
            self.apply_children(cx, hotkey, netuid, children);
            return Ok(());
        }
        let cooldown = cx.block.saturating_add(self.items.pending_childkey_cooldown.get(cx.state));
        let pending = (children, cooldown);
        self.items.pending_child_keys.set(cx.state, (netuid, *hotkey), &pending);
        cx.emit(self.events.set_children_scheduled, (*hotkey, netuid, cooldown, pending.0));
        Ok(())
    }

    fn ensure_children_valid(
        &self,
        state: &State,
        hotkey: &Account,
        netuid: u16,
        children: &BTreeMap<Account, u64>,
    ) -> Result<(), DispatchError> {
        if children.contains_key(hotkey) {
            return Err(errors::SubtensorModule::InvalidChild);
        }
        if children.len() > MAX_CHILDREN {
            return Err(errors::SubtensorModule::TooManyChildren);
        }
        let sum: u128 = children.values().copied().map(u128::from).sum();
        if sum > u128::from(u64::MAX) {
            return Err(errors::SubtensorModule::ProportionOverflow);
        }
        let parents = self.items.parent_keys.get(state, (*hotkey, netuid));
        if parents.iter().any(|(_, parent)| children.contains_key(parent)) {
            return Err(errors::SubtensorModule::ChildParentInconsistency);
        }
        Ok(())
    }

    /// Applies what has cooled down, at a subnet's epoch.
    pub(crate) fn apply_pending_children(&self, cx: &mut Ctx<'_>, netuid: u16) {
        let started = self.items.subtoken_enabled.get(cx.state, netuid);
        for (hotkey, (children, cooldown)) in self.items.pending_child_keys.under(cx.state, netuid)
        {
            if cooldown < cx.block || !started {
                self.apply_children(cx, &hotkey, netuid, children);
                self.items.pending_child_keys.remove(cx.state, (netuid, hotkey));
            }
        }
    }

    /// Replaces a hotkey's children and mirrors the change in their parents. An inconsistent list changes nothing.
    fn apply_children(&self, cx: &mut Ctx<'_>, hotkey: &Account, netuid: u16, children: Relations) {
        let unique: BTreeMap<Account, u64> = children
            .iter()
            .filter(|(_, child)| child != hotkey)
            .map(|(proportion, child)| (*child, *proportion))
            .collect();
        if self.ensure_children_valid(cx.state, hotkey, netuid, &unique).is_err() {
            return;
        }
        let list: Relations =
            unique.iter().map(|(child, proportion)| (*proportion, *child)).collect();
        let old = self.items.child_keys.get(cx.state, (*hotkey, netuid));
        self.put_relations(cx, true, hotkey, netuid, &list);
        for (child, proportion) in &unique {
            let mut parents = self.items.parent_keys.get(cx.state, (*child, netuid));
            match parents.iter_mut().find(|(_, parent)| parent == hotkey) {
                Some(edge) => edge.0 = *proportion,
                None => parents.push((*proportion, *hotkey)),
            }
            self.put_relations(cx, false, child, netuid, &parents);
        }
        for (_, child) in old.iter().filter(|(_, child)| !unique.contains_key(child)) {
            let mut parents = self.items.parent_keys.get(cx.state, (*child, netuid));
            parents.retain(|(_, parent)| parent != hotkey);
            self.put_relations(cx, false, child, netuid, &parents);
        }
        cx.emit(self.events.set_children, (*hotkey, netuid, children));
    }

    /// Moves a hotkey's children, parents and pending children to another hotkey.
    pub(crate) fn move_relations(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        old: &Account,
        new: &Account,
    ) -> Result<(), DispatchError> {
        let children = self.items.child_keys.get(cx.state, (*old, netuid));
        let parents = self.items.parent_keys.get(cx.state, (*old, netuid));
        if children.iter().chain(&parents).any(|(_, key)| key == new) {
            return Err(errors::SubtensorModule::InvalidChild);
        }
        let rename = |edges: &mut Relations| {
            edges.retain(|(_, key)| key != new);
            edges.iter_mut().filter(|(_, key)| key == old).for_each(|edge| edge.1 = *new);
        };
        for (_, child) in &children {
            let mut edges = self.items.parent_keys.get(cx.state, (*child, netuid));
            rename(&mut edges);
            self.put_relations(cx, false, child, netuid, &edges);
        }
        for (_, parent) in &parents {
            let mut edges = self.items.child_keys.get(cx.state, (*parent, netuid));
            rename(&mut edges);
            self.put_relations(cx, true, parent, netuid, &edges);
        }
        self.put_relations(cx, true, old, netuid, &Vec::new());
        self.put_relations(cx, false, old, netuid, &Vec::new());
        self.put_relations(cx, true, new, netuid, &children);
        self.put_relations(cx, false, new, netuid, &parents);
        if let Some(pending) = self.items.pending_child_keys.take(cx.state, (netuid, *old)) {
            self.items.pending_child_keys.set(cx.state, (netuid, *new), &pending);
        }
        Ok(())
    }

    fn put_relations(
        &self,
        cx: &mut Ctx<'_>,
        children: bool,
        key: &Account,
        netuid: u16,
        edges: &Relations,
    ) {
        let map = if children { &self.items.child_keys } else { &self.items.parent_keys };
        if edges.is_empty() {
            map.remove(cx.state, (*key, netuid));
        } else {
            map.set(cx.state, (*key, netuid), edges);
        }
    }

    /// Makes a new subnet's owner hotkey the child of every root validator that did not opt out.
    pub(crate) fn parent_root_validators(&self, cx: &mut Ctx<'_>, netuid: u16, owner: &Account) {
        for (_, validator) in self.items.keys.under(cx.state, 0) {
            let willing = self.items.auto_parent_delegation.get(cx.state, validator);
            if validator == *owner || !willing {
                continue;
            }
            let coldkey = self.owner_of(cx.state, &validator);
            // A validator that may not set children now simply has none here.
            let _ = cx.transact(|cx| {
                self.schedule_children(cx, &coldkey, &validator, netuid, vec![(u64::MAX, *owner)])
            });
        }
    }

    /// Childkey take in force: never below the subnet's minimum.
    pub(crate) fn effective_childkey_take(
        &self,
        state: &State,
        hotkey: &Account,
        netuid: u16,
    ) -> u16 {
        let own = self.items.childkey_take.get(state, (*hotkey, netuid));
        own.max(self.min_childkey_take(state, netuid))
    }

    fn min_childkey_take(&self, state: &State, netuid: u16) -> u16 {
        let global = self.items.min_childkey_take.get(state);
        global.max(self.items.min_childkey_take_per_subnet.get(state, netuid))
    }

    fn set_childkey_take(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        take: u16,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        if !self.owns(cx.state, &coldkey, &hotkey) {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        let max = self.items.max_childkey_take.get(cx.state);
        if take < self.min_childkey_take(cx.state, netuid) || take > max {
            return Err(errors::SubtensorModule::InvalidChildkeyTake);
        }
        let raised = take > self.effective_childkey_take(cx.state, &hotkey, netuid);
        if raised && !self.passes_limit(cx, Limit::ChildkeyTake, &hotkey, netuid) {
            return Err(errors::SubtensorModule::TxChildkeyTakeRateLimitExceeded);
        }
        self.record_limit(cx, Limit::ChildkeyTake, &hotkey, netuid);
        self.items.childkey_take.set(cx.state, (hotkey, netuid), &take);
        cx.emit(self.events.childkey_take_set, (hotkey, take));
        DONE
    }

    fn set_auto_parent_delegation_enabled(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        enabled: bool,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        if !self.owns(cx.state, &coldkey, &hotkey) {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        self.items.auto_parent_delegation.set(cx.state, hotkey, &enabled);
        cx.emit(self.events.auto_parent_delegation_set, (hotkey, enabled));
        DONE
    }

    fn set_pending_childkey_cooldown(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        cooldown: u64,
    ) -> DispatchResult {
        origin.root()?;
        self.items.pending_childkey_cooldown.set(cx.state, &cooldown);
        DONE
    }

    fn sudo_set_tx_childkey_take_rate_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        limit: u64,
    ) -> DispatchResult {
        origin.root()?;
        self.items.tx_childkey_take_rate_limit.set(cx.state, &limit);
        cx.emit(self.events.tx_childkey_take_rate_limit_set, limit);
        DONE
    }

    fn sudo_set_min_childkey_take(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        take: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.items.min_childkey_take.set(cx.state, &take);
        cx.emit(self.events.min_childkey_take_set, take);
        DONE
    }

    fn sudo_set_max_childkey_take(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        take: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.items.max_childkey_take.set(cx.state, &take);
        cx.emit(self.events.max_childkey_take_set, take);
        DONE
    }
}
