//! Replacing a hotkey, on one subnet or on all (chain rules 7.10).

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::neurons::mechanism_index;
use super::swap_coldkey::KEY_SWAP_COST;
use super::{Account, Runtime};
use crate::local::interface::Interface;
use crate::local::storage::Map;
use crate::local::storage::record::RateLimitKey;

/// Price of a new hotkey on one subnet (`KeySwapOnSubnetCost`).
const SUBNET_SWAP_COST: u64 = 1_000_000;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID swap_hotkey(hotkey: Account, new_hotkey: Account, netuid: Option<u16>) => swap_hotkey;
        PAID swap_hotkey_v2(hotkey: Account, new_hotkey: Account, netuid: Option<u16>, keep_stake: bool) => swap_hotkey_v2;
    );
}

/// A swap under way.
#[derive(Clone, Copy, Debug)]
struct Swap {
    coldkey: Account,
    old: Account,
    new: Account,
    keep_stake: bool,
}

impl Runtime {
    fn swap_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        old: Account,
        new: Account,
        netuid: Option<u16>,
    ) -> DispatchResult {
        self.swap_hotkey_v2(cx, origin, old, new, netuid, false)
    }

    fn swap_hotkey_v2(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        old: Account,
        new: Account,
        netuid: Option<u16>,
        keep_stake: bool,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let swap = Swap { coldkey, old, new, keep_stake };
        let items = &self.items;
        let foreign = self.hotkey_exists(cx.state, &new) && !self.owns(cx.state, &coldkey, &new);
        if !self.owns(cx.state, &coldkey, &old) || foreign {
            return Err(errors::SubtensorModule::NonAssociatedColdKey);
        }
        if old == new {
            return Err(errors::SubtensorModule::NewHotKeyIsSameWithOld);
        }
        let last = items.last_rate_limited_block.get(cx.state, RateLimitKey::LastTxBlock(coldkey));
        let limit = items.tx_rate_limit.get(cx.state);
        if limit != 0 && last != 0 && cx.block.saturating_sub(last) <= limit {
            return Err(errors::SubtensorModule::HotKeySetTxRateLimitExceeded);
        }
        let taken = match netuid {
            Some(netuid) => self.uid_of(cx.state, netuid, &new).is_some(),
            None => {
                self.netuids(cx.state).iter().any(|n| self.uid_of(cx.state, *n, &new).is_some())
            }
        };
        if taken {
            return Err(errors::SubtensorModule::HotKeyAlreadyRegisteredInSubNet);
        }
        match netuid {
            Some(netuid) => self.swap_on_subnet(cx, swap, netuid)?,
            None => self.swap_everywhere(cx, swap)?,
        }
        items.last_rate_limited_block.set(cx.state, RateLimitKey::LastTxBlock(coldkey), &cx.block);
        DONE
    }

    fn swap_everywhere(&self, cx: &mut Ctx<'_>, swap: Swap) -> Result<(), DispatchError> {
        let items = &self.items;
        let Swap { coldkey, old, new, .. } = swap;
        self.ensure_clean_on_root(cx, &new)?;
        self.pay_for_swap(cx, &coldkey, KEY_SWAP_COST)?;
        items.owner.remove(cx.state, old);
        self.adopt(cx, &coldkey, &new);
        items
            .owned_hotkeys
            .mutate(cx.state, coldkey, |owned| owned.retain(|hotkey| *hotkey != old));
        let stakers: Vec<Account> = items
            .alpha_shares
            .under_first(cx.state, old)
            .into_iter()
            .map(|((coldkey, _), _)| coldkey)
            .collect();
        for netuid in self.netuids(cx.state) {
            self.swap_here(cx, swap, netuid)?;
            items.last_hotkey_swap_on_netuid.set(cx.state, (netuid, coldkey), &cx.block);
        }
        if let Some(take) = items.delegates.take(cx.state, old) {
            items.delegates.set(cx.state, new, &take);
        }
        let keys: [fn(Account) -> RateLimitKey; 3] = [
            RateLimitKey::LastTxBlock,
            RateLimitKey::LastTxBlockChildKeyTake,
            RateLimitKey::LastTxBlockDelegateTake,
        ];
        for key in keys {
            if let Some(last) = items.last_rate_limited_block.take(cx.state, key(old)) {
                items.last_rate_limited_block.set(cx.state, key(new), &last);
            }
        }
        if !swap.keep_stake {
            for staker in stakers {
                items.staking_hotkeys.mutate(cx.state, staker, |hotkeys| {
                    if hotkeys.contains(&old) {
                        hotkeys.retain(|hotkey| *hotkey != old && *hotkey != new);
                        hotkeys.push(new);
                    }
                });
            }
        }
        cx.emit(self.events.hotkey_swapped, (coldkey, old, new));
        Ok(())
    }

    fn swap_on_subnet(
        &self,
        cx: &mut Ctx<'_>,
        swap: Swap,
        netuid: u16,
    ) -> Result<(), DispatchError> {
        let items = &self.items;
        let Swap { coldkey, old, new, .. } = swap;
        if netuid == 0 {
            self.ensure_clean_on_root(cx, &new)?;
        }
        let last = items.last_hotkey_swap_on_netuid.get(cx.state, (netuid, coldkey));
        if last.saturating_add(swap_interval(&self.interface)) >= cx.block {
            return Err(errors::SubtensorModule::HotKeySwapOnSubnetIntervalNotPassed);
        }
        if self.is_subnet_account(cx.state, &new) {
            return Err(errors::SubtensorModule::CannotUseSystemAccount);
        }
        self.pay_for_swap(cx, &coldkey, SUBNET_SWAP_COST)?;
        self.adopt(cx, &coldkey, &new);
        self.swap_here(cx, swap, netuid)?;
        items.last_hotkey_swap_on_netuid.set(cx.state, (netuid, coldkey), &cx.block);
        cx.emit(self.events.hotkey_swapped_on_subnet, (coldkey, old, new, netuid));
        Ok(())
    }

    /// Root dividends of two hotkeys cannot be merged.
    fn ensure_clean_on_root(&self, cx: &Ctx<'_>, new: &Account) -> Result<(), DispatchError> {
        let owes = !self.items.root_claimable.get(cx.state, *new).is_empty();
        if owes || self.hotkey_stake(cx.state, new, 0) > 0 {
            return Err(errors::SubtensorModule::NewHotKeyNotCleanForRootSwap);
        }
        Ok(())
    }

    fn pay_for_swap(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        cost: u64,
    ) -> Result<(), DispatchError> {
        self.recycle_tao(cx, coldkey, cost)
            .map_err(|_| errors::SubtensorModule::NotEnoughBalanceToPaySwapHotKey)
    }

    fn adopt(&self, cx: &mut Ctx<'_>, coldkey: &Account, new: &Account) {
        self.items.owner.set(cx.state, *new, coldkey);
        self.items.owned_hotkeys.mutate(cx.state, *coldkey, |owned| {
            if !owned.contains(new) {
                owned.push(*new);
            }
        });
    }

    /// Everything that a hotkey has on one subnet.
    fn swap_here(&self, cx: &mut Ctx<'_>, swap: Swap, netuid: u16) -> Result<(), DispatchError> {
        let items = &self.items;
        let Swap { old, new, .. } = swap;
        let member = items.is_network_member.get(cx.state, (old, netuid));
        items.is_network_member.remove(cx.state, (old, netuid));
        items.is_network_member.set(cx.state, (new, netuid), &member);
        if member {
            if let Some(uid) = items.uids.take(cx.state, (netuid, old)) {
                items.uids.set(cx.state, (netuid, new), &uid);
                items.keys.set(cx.state, (netuid, uid), &new);
            }
            rename(cx, &items.prometheus, (netuid, old), (netuid, new));
            rename(cx, &items.axons, (netuid, old), (netuid, new));
            rename(cx, &items.certificates, (netuid, old), (netuid, new));
            for mecid in 0..self.mechanisms(cx.state, netuid) {
                let index = mechanism_index(netuid, mecid);
                rename(cx, &items.weight_commits, (index, old), (index, new));
            }
        }
        rename(cx, &items.childkey_take, (old, netuid), (new, netuid));
        self.move_relations(cx, netuid, &old, &new)?;
        for (parent, (mut children, cooldown)) in items.pending_child_keys.under(cx.state, netuid) {
            let Some(at) = children.iter().position(|(_, child)| *child == old) else { continue };
            let (share, _) = children.remove(at);
            children.push((share, new));
            items.pending_child_keys.set(cx.state, (netuid, parent), &(children, cooldown));
        }
        if let Some(coldkeys) = items.auto_stake_coldkeys.take(cx.state, (old, netuid)) {
            for coldkey in &coldkeys {
                items.auto_stake_destination.set(cx.state, (*coldkey, netuid), &new);
            }
            items.auto_stake_coldkeys.set(cx.state, (new, netuid), &coldkeys);
        }
        if items.subnet_owner_hotkey.try_get(cx.state, netuid) == Some(old) {
            items.subnet_owner_hotkey.set(cx.state, netuid, &new);
            cx.emit(self.events.subnet_owner_hotkey_set, (netuid, new));
        }
        if !swap.keep_stake {
            self.move_all_stake(cx, swap, netuid);
        }
        Ok(())
    }

    fn move_all_stake(&self, cx: &mut Ctx<'_>, swap: Swap, netuid: u16) {
        let items = &self.items;
        let Swap { old, new, .. } = swap;
        let last = items.total_hotkey_alpha_last_epoch.take(cx.state, (old, netuid));
        items.total_hotkey_alpha_last_epoch.add(cx.state, (new, netuid), last.unwrap_or(0));
        let dividends = items.alpha_dividends.take(cx.state, (netuid, old));
        items.alpha_dividends.add(cx.state, (netuid, new), dividends.unwrap_or(0));
        let stakers: Vec<Account> = items
            .alpha_shares
            .under_first(cx.state, old)
            .into_iter()
            .filter(|((_, on), _)| *on == netuid)
            .map(|((coldkey, _), _)| coldkey)
            .collect();
        for coldkey in stakers {
            let alpha = self.stake(cx.state, &old, &coldkey, netuid);
            self.decrease_stake(cx, &old, &coldkey, netuid, alpha);
            self.increase_stake(cx, &new, &coldkey, netuid, alpha);
        }
        if netuid != 0 {
            return;
        }
        let rates = items.root_claimable.take(cx.state, old).unwrap_or_default();
        for on in rates.keys() {
            for ((hotkey, coldkey), _) in items.root_claimed.under_first(cx.state, *on) {
                if hotkey == old {
                    self.move_root_claims(cx, *on, (&old, &coldkey), (&new, &coldkey));
                }
            }
        }
        items.root_claimable.set(cx.state, new, &rates);
        rename(cx, &items.auto_parent_delegation, old, new);
    }
}

/// Blocks between two swaps on one subnet.
fn swap_interval(interface: &Interface) -> u64 {
    let bytes = interface.constant("SubtensorModule", "HotkeySwapOnSubnetInterval");
    bytes.and_then(|bytes| bytes.try_into().ok()).map_or(7_200, u64::from_le_bytes)
}

fn rename<K, V>(cx: &mut Ctx<'_>, map: &Map<K, V>, old: K, new: K)
where
    K: crate::local::storage::MapKey,
    V: parity_scale_codec::Decode + parity_scale_codec::Encode + Clone + Default,
{
    if let Some(value) = map.take(cx.state, old) {
        map.set(cx.state, new, &value);
    }
}
