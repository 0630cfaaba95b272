//! Stake positions: the share pool of each hotkey on each subnet (chain rules 5.6), and the relations of hotkeys and coldkeys.

use tensor_yuma::emission::inherit::{Borrowed, inherited_stake};
use tensor_yuma::fixed::{I64F64, U96F32};
use tensor_yuma::pool::share::{SafeFloat, SharePool};

use super::ctx::Ctx;
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::record::SafeFloatBits;

impl Runtime {
    /// Stake of a hotkey on a subnet, all coldkeys together; rao on root.
    pub(crate) fn hotkey_stake(&self, state: &State, hotkey: &Account, netuid: u16) -> u64 {
        self.items.total_hotkey_alpha.get(state, (*hotkey, netuid))
    }

    /// What one coldkey owns of it.
    pub(crate) fn stake(
        &self,
        state: &State,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
    ) -> u64 {
        let share = self.items.alpha_shares.try_get(state, (*hotkey, *coldkey, netuid));
        share.map_or(0, |share| self.share_pool(state, hotkey, netuid).value_of(float(share)))
    }

    /// Gives `coldkey` more stake; adds the hotkey to those the coldkey stakes to.
    pub(crate) fn increase_stake(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
        alpha: u64,
    ) {
        if alpha == 0 {
            return;
        }
        // Whoever has a share here was added when it got its first.
        if !self.items.alpha_shares.contains(cx.state, (*hotkey, *coldkey, netuid)) {
            self.items.staking_hotkeys.append_new(cx.state, *coldkey, hotkey);
        }
        self.update_one(cx, hotkey, coldkey, netuid, signed(alpha));
    }

    /// Takes stake from `coldkey`, if it owns that much. Returns whether it did.
    pub(crate) fn decrease_stake(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
        alpha: u64,
    ) -> bool {
        if self.stake(cx.state, hotkey, coldkey, netuid) < alpha {
            return false;
        }
        if alpha > 0 {
            self.update_one(cx, hotkey, coldkey, netuid, -signed(alpha));
        }
        true
    }

    /// Raises every coldkey's stake with the hotkey in proportion.
    pub(crate) fn increase_stake_for_all(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        alpha: u64,
    ) {
        let mut pool = self.share_pool(cx.state, hotkey, netuid);
        let before = pool.value;
        pool.update_all(signed(alpha));
        self.put_value(cx, hotkey, netuid, before, pool.value);
    }

    /// Whether a stake of `alpha` would give any share at all.
    pub(crate) fn pool_can_take(
        &self,
        state: &State,
        hotkey: &Account,
        netuid: u16,
        alpha: u64,
    ) -> bool {
        self.share_pool(state, hotkey, netuid).would_change(signed(alpha))
    }

    /// The share pool as it is stored.
    pub(crate) fn share_pool(&self, state: &State, hotkey: &Account, netuid: u16) -> SharePool {
        SharePool {
            value: self.items.total_hotkey_alpha.get(state, (*hotkey, netuid)),
            denominator: float(self.items.total_hotkey_shares.get(state, (*hotkey, netuid))),
        }
    }

    fn update_one(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
        change: i64,
    ) {
        let mut pool = self.share_pool(cx.state, hotkey, netuid);
        let before = pool.value;
        let key = (*hotkey, *coldkey, netuid);
        let mut share = float(self.items.alpha_shares.get(cx.state, key));
        pool.update_one(&mut share, change);
        if share.is_zero() {
            self.items.alpha_shares.remove(cx.state, key);
        } else {
            self.items.alpha_shares.set(cx.state, key, &bits(share));
        }
        if pool.denominator.is_zero() {
            self.items.total_hotkey_shares.remove(cx.state, (*hotkey, netuid));
        } else {
            let denominator = bits(pool.denominator);
            self.items.total_hotkey_shares.set(cx.state, (*hotkey, netuid), &denominator);
        }
        self.put_value(cx, hotkey, netuid, before, pool.value);
    }

    fn put_value(&self, cx: &mut Ctx<'_>, hotkey: &Account, netuid: u16, before: u64, after: u64) {
        if after == 0 {
            self.items.total_hotkey_alpha.remove(cx.state, (*hotkey, netuid));
        } else {
            self.items.total_hotkey_alpha.set(cx.state, (*hotkey, netuid), &after);
        }
        self.items.total_alpha_staked.mutate(cx.state, netuid, |total| {
            *total = total.saturating_add(after).saturating_sub(before);
        });
    }
}

/// Owners and relations.
impl Runtime {
    /// The coldkey that owns a hotkey; all zeros if nobody does.
    pub(crate) fn owner_of(&self, state: &State, hotkey: &Account) -> Account {
        self.items.owner.get(state, *hotkey)
    }

    /// Whether the hotkey was ever associated with a coldkey.
    pub(crate) fn hotkey_exists(&self, state: &State, hotkey: &Account) -> bool {
        self.items.owner.contains(state, *hotkey)
    }

    pub(crate) fn owns(&self, state: &State, coldkey: &Account, hotkey: &Account) -> bool {
        self.items.owner.try_get(state, *hotkey).as_ref() == Some(coldkey)
    }

    /// Associates a new hotkey with a coldkey; an existing association stays.
    pub(crate) fn create_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
    ) -> Result<(), DispatchError> {
        if self.hotkey_exists(cx.state, hotkey) {
            return Ok(());
        }
        if self.is_subnet_account(cx.state, hotkey) {
            return Err(errors::SubtensorModule::CannotUseSystemAccount);
        }
        let items = &self.items;
        items.owner.set(cx.state, *hotkey, coldkey);
        items.owned_hotkeys.append_new(cx.state, *coldkey, hotkey);
        items.staking_hotkeys.append_new(cx.state, *coldkey, hotkey);
        Ok(())
    }

    /// Stake with which a hotkey counts on `netuid` of what it has on `of` (the subnet itself, or root), after children and parents.
    pub(crate) fn inherited(&self, state: &State, hotkey: &Account, netuid: u16, of: u16) -> u64 {
        let own = self.hotkey_stake(state, hotkey, of);
        if netuid == 0 {
            return own;
        }
        let key = (*hotkey, netuid);
        let children = self.items.child_keys.try_get(state, key).unwrap_or_default();
        let parents = self.items.parent_keys.try_get(state, key).unwrap_or_default();
        if children.is_empty() && parents.is_empty() {
            return own;
        }
        let lent: Vec<u64> = children.iter().map(|(proportion, _)| *proportion).collect();
        let borrowed: Vec<Borrowed> = parents
            .iter()
            .map(|(proportion, parent)| Borrowed {
                proportion: *proportion,
                stake: self.hotkey_stake(state, parent, of),
            })
            .collect();
        inherited_stake(own, &lent, &borrowed)
    }

    /// Total stake weight of a hotkey on a subnet: alpha and weighted TAO, whole units (chain rules 9.1).
    pub(crate) fn stake_weight(&self, state: &State, hotkey: &Account, netuid: u16) -> u64 {
        let alpha = self.inherited(state, hotkey, netuid, netuid);
        let tao = if netuid == 0 { 0 } else { self.inherited(state, hotkey, netuid, 0) };
        self.weigh_stake(state, alpha, tao)
    }

    /// `alpha + tao * weight`, floored.
    pub(crate) fn weigh_stake(&self, state: &State, alpha: u64, tao: u64) -> u64 {
        let weight = U96F32::from_u64_proportion(self.items.tao_weight.get(state));
        let weight = I64F64::from_bits(i128::try_from(weight.to_bits() << 32).unwrap_or(i128::MAX));
        let fixed = |value| I64F64::from_int(value).unwrap_or(I64F64::MAX);
        fixed(alpha).saturating_add(fixed(tao).saturating_mul(weight)).to_u64()
    }
}

fn signed(alpha: u64) -> i64 {
    i64::try_from(alpha).unwrap_or(i64::MAX)
}

fn float(stored: SafeFloatBits) -> SafeFloat {
    SafeFloat::from_parts(stored.mantissa, stored.exponent)
}

fn bits(value: SafeFloat) -> SafeFloatBits {
    SafeFloatBits { mantissa: value.mantissa(), exponent: value.exponent() }
}
