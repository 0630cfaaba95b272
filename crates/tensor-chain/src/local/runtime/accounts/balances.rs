//! The calls of the pallet Balances.

use parity_scale_codec::Compact;

use super::super::ctx::{Ctx, Origin};
use super::super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::super::error::DispatchError;
use super::super::{Account, Runtime};
use super::{Keep, lookup};
use crate::local::storage::record::Address;

/// The Balances calls.
pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "Balances":
        PAID transfer_allow_death(dest: Address, value: Compact<u64>) => transfer_allow_death;
        PAID transfer_keep_alive(dest: Address, value: Compact<u64>) => transfer_keep_alive;
        PAID transfer_all(dest: Address, keep_alive: bool) => transfer_all;
        PAID force_transfer(source: Address, dest: Address, value: Compact<u64>) => force_transfer;
        PAID force_unreserve(who: Address, amount: u64) => force_unreserve;
        PAID upgrade_accounts(who: Vec<Account>) => upgrade_accounts;
        PAID force_set_balance(who: Address, new_free: Compact<u64>) => force_set_balance;
        PAID force_adjust_total_issuance(direction: u8, delta: Compact<u64>) => force_adjust_total_issuance;
        PAID burn(value: Compact<u64>, keep_alive: bool) => burn_balance;
    );
}

impl Runtime {
    fn transfer_allow_death(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        dest: Address,
        value: Compact<u64>,
    ) -> DispatchResult {
        let (from, to) = (origin.signed()?, lookup(dest)?);
        self.transfer(cx, &from, &to, value.0, Keep::MayDie)?;
        DONE
    }

    fn transfer_keep_alive(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        dest: Address,
        value: Compact<u64>,
    ) -> DispatchResult {
        let (from, to) = (origin.signed()?, lookup(dest)?);
        self.transfer(cx, &from, &to, value.0, Keep::Alive)?;
        DONE
    }

    fn transfer_all(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        dest: Address,
        keep_alive: bool,
    ) -> DispatchResult {
        let (from, to) = (origin.signed()?, lookup(dest)?);
        let keep = if keep_alive { Keep::Alive } else { Keep::MayDie };
        let amount = self.reducible(cx.state, &from, keep);
        self.transfer(cx, &from, &to, amount, keep)?;
        DONE
    }

    fn force_transfer(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        source: Address,
        dest: Address,
        value: Compact<u64>,
    ) -> DispatchResult {
        origin.root()?;
        let (from, to) = (lookup(source)?, lookup(dest)?);
        self.transfer(cx, &from, &to, value.0, Keep::MayDie)?;
        DONE
    }

    fn force_unreserve(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        who: Address,
        amount: u64,
    ) -> DispatchResult {
        origin.root()?;
        self.unreserve(cx, &lookup(who)?, amount);
        DONE
    }

    fn upgrade_accounts(
        &self,
        _: &mut Ctx<'_>,
        origin: Origin,
        _who: Vec<Account>,
    ) -> DispatchResult {
        origin.signed()?;
        // Every account of this chain is of the new logic already.
        DONE
    }

    fn force_set_balance(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        who: Address,
        new_free: Compact<u64>,
    ) -> DispatchResult {
        origin.root()?;
        let who = lookup(who)?;
        let wiped = new_free.0 < self.existential_deposit;
        let new_free = if wiped { 0 } else { new_free.0 };
        let old_free = self.free_balance(cx.state, &who);
        // Issuance first, so that dust cannot be counted twice.
        if new_free > old_free {
            self.items.balances_issuance.add(cx.state, new_free - old_free);
            self.count_minted(cx, new_free - old_free);
        } else {
            self.items.balances_issuance.sub(cx.state, old_free - new_free);
            self.count_recycled(cx, old_free - new_free);
        }
        self.change(cx, &who, |data| data.free = new_free)?;
        cx.emit(self.events.balance_set, (who, new_free));
        DONE
    }

    fn force_adjust_total_issuance(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        direction: u8,
        delta: Compact<u64>,
    ) -> DispatchResult {
        origin.root()?;
        let old = self.items.balances_issuance.get(cx.state);
        let new = match direction {
            0 => old.saturating_add(delta.0),
            1 => old.saturating_sub(delta.0),
            _ => return Err(DispatchError::Other),
        };
        self.items.balances_issuance.set(cx.state, &new);
        cx.emit(self.events.issuance_forced, (old, new));
        DONE
    }

    fn burn_balance(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        value: Compact<u64>,
        keep_alive: bool,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let keep = if keep_alive { Keep::Alive } else { Keep::MayDie };
        self.can_take(cx.state, &who, value.0, keep)?;
        self.change(cx, &who, |data| data.free -= value.0)?;
        self.items.balances_issuance.sub(cx.state, value.0);
        self.count_recycled(cx, value.0);
        cx.emit(self.events.burned, (who, value.0));
        DONE
    }
}
