//! TAO from hand to hand, into and out of being: transfers, reserves, issuance.

use super::super::ctx::Ctx;
use super::super::error::{DispatchError, TokenError, errors};
use super::super::{Account, Runtime};
use super::{Credit, Keep};
use crate::local::state::State;
use crate::local::storage::record::AccountData;

/// Most rao that may ever exist.
const MAX_ISSUANCE: u64 = 21_000_000_000_000_000;

/// Moving TAO.
impl Runtime {
    /// Moves `amount`, under the rule `keep` for the sender; event `Transfer`.
    pub(crate) fn transfer(
        &self,
        cx: &mut Ctx<'_>,
        from: &Account,
        to: &Account,
        amount: u64,
        keep: Keep,
    ) -> Result<(), DispatchError> {
        if amount == 0 || from == to {
            if from == to && self.reducible(cx.state, from, keep) < amount {
                return Err(DispatchError::Token(TokenError::FundsUnavailable));
            }
            cx.emit(self.events.transfer, (*from, *to, amount));
            return Ok(());
        }
        self.can_take(cx.state, from, amount, keep)?;
        if !self.can_receive(cx.state, to, amount) {
            return Err(DispatchError::Token(TokenError::BelowMinimum));
        }
        cx.transact(|cx| {
            self.change(cx, from, |data| data.free -= amount)?;
            self.change(cx, to, |data| data.free = data.free.saturating_add(amount))?;
            cx.emit(self.events.transfer, (*from, *to, amount));
            Ok(())
        })
    }

    pub(super) fn can_take(
        &self,
        state: &State,
        from: &Account,
        amount: u64,
        keep: Keep,
    ) -> Result<(), DispatchError> {
        if self.reducible(state, from, keep) >= amount {
            return Ok(());
        }
        let free = self.free_balance(state, from);
        Err(DispatchError::Token(if keep == Keep::Alive && free >= amount {
            TokenError::NotExpendable
        } else {
            TokenError::FundsUnavailable
        }))
    }

    /// A payment into a subnet: as much of `amount` as leaves the payer alive. Returns what was moved.
    pub(crate) fn transfer_to_subnet(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        from: &Account,
        amount: u64,
    ) -> Result<u64, DispatchError> {
        if amount == 0 {
            return Ok(0);
        }
        let moved = amount.min(self.reducible(cx.state, from, Keep::Alive));
        if moved == 0 {
            return Err(errors::SubtensorModule::InsufficientTaoBalance);
        }
        self.transfer(cx, from, &Self::subnet_account(netuid), moved, Keep::Alive)?;
        Ok(moved)
    }

    /// A payment out of a subnet's account.
    pub(crate) fn transfer_from_subnet(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        to: &Account,
        amount: u64,
    ) -> Result<(), DispatchError> {
        self.transfer_tao(cx, &Self::subnet_account(netuid), to, amount)
    }

    /// A transfer that may end the sender; dust lowers the pallet's issuance as well.
    pub(crate) fn transfer_tao(
        &self,
        cx: &mut Ctx<'_>,
        from: &Account,
        to: &Account,
        amount: u64,
    ) -> Result<(), DispatchError> {
        if amount > self.reducible(cx.state, from, Keep::MayDie) {
            return Err(errors::SubtensorModule::InsufficientTaoBalance);
        }
        let before = self.items.balances_issuance.get(cx.state);
        self.transfer(cx, from, to, amount, Keep::MayDie)?;
        let dust = before.saturating_sub(self.items.balances_issuance.get(cx.state));
        if dust > 0 {
            self.items.total_issuance.sub(cx.state, dust);
        }
        Ok(())
    }

    /// Destroys TAO of `who`, which stays alive: it can be minted again.
    pub(crate) fn recycle_tao(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        amount: u64,
    ) -> Result<(), DispatchError> {
        if amount > self.reducible(cx.state, who, Keep::Alive) {
            return Err(errors::SubtensorModule::InsufficientTaoBalance);
        }
        if amount == 0 {
            return Ok(());
        }
        self.change(cx, who, |data| data.free -= amount)?;
        self.items.balances_issuance.sub(cx.state, amount);
        self.items.total_issuance.sub(cx.state, amount);
        self.count_recycled(cx, amount);
        cx.emit(self.events.withdraw, (*who, amount));
        Ok(())
    }

    /// Moves TAO of `who` to the burn account.
    pub(crate) fn burn_tao(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        amount: u64,
    ) -> Result<(), DispatchError> {
        self.transfer_tao(cx, who, &Self::burn_account(), amount)
    }

    /// Mints at most `amount`, clipped at the hard cap; event `Issued`.
    pub(crate) fn mint(&self, cx: &mut Ctx<'_>, amount: u64) -> Credit {
        let room = MAX_ISSUANCE.saturating_sub(self.items.balances_issuance.get(cx.state));
        let amount = amount.min(room);
        self.items.total_issuance.add(cx.state, amount);
        self.items.balances_issuance.add(cx.state, amount);
        self.count_minted(cx, amount);
        cx.emit(self.events.issued, amount);
        Credit(amount)
    }

    /// Pays `part` of the credit to `to`; nothing happens, and `false` comes back, if the credit is smaller or the receiver cannot exist with it.
    pub(crate) fn spend(
        &self,
        cx: &mut Ctx<'_>,
        credit: &mut Credit,
        to: &Account,
        part: u64,
    ) -> bool {
        if part > credit.0 || !self.can_receive(cx.state, to, part) {
            return false;
        }
        if self.change(cx, to, |data| data.free = data.free.saturating_add(part)).is_err() {
            return false;
        }
        credit.0 -= part;
        cx.emit(self.events.deposit, (*to, part));
        true
    }

    /// Takes TAO back out of an account into the credit.
    pub(crate) fn refund(&self, cx: &mut Ctx<'_>, credit: &mut Credit, from: &Account, part: u64) {
        let part = part.min(self.reducible(cx.state, from, Keep::MayDie));
        if part > 0 && self.change(cx, from, |data| data.free -= part).is_ok() {
            credit.0 += part;
            cx.emit(self.events.withdraw, (*from, part));
        }
    }

    /// Ends a credit: what nobody took can be minted again.
    pub(crate) fn recycle_credit(&self, cx: &mut Ctx<'_>, credit: Credit) {
        if credit.0 > 0 {
            self.items.total_issuance.sub(cx.state, credit.0);
            self.items.balances_issuance.sub(cx.state, credit.0);
            self.count_recycled(cx, credit.0);
        }
    }

    /// Moves free balance under reserve; event `Reserved`.
    pub(crate) fn reserve(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        amount: u64,
    ) -> Result<(), DispatchError> {
        if amount == 0 {
            return Ok(());
        }
        if self.reducible(cx.state, who, Keep::Alive) < amount {
            return Err(errors::Balances::InsufficientBalance);
        }
        self.change(cx, who, |data| {
            data.free -= amount;
            data.reserved = data.reserved.saturating_add(amount);
        })?;
        cx.emit(self.events.reserved, (*who, amount));
        Ok(())
    }

    /// Returns reserved balance, at most what is there; event `Unreserved`.
    pub(crate) fn unreserve(&self, cx: &mut Ctx<'_>, who: &Account, amount: u64) {
        let amount = amount.min(self.items.account.get(cx.state, *who).data.reserved);
        if amount == 0 {
            return;
        }
        let moved = self.change(cx, who, |data| {
            data.reserved -= amount;
            data.free = data.free.saturating_add(amount);
        });
        if moved.is_ok() {
            cx.emit(self.events.unreserved, (*who, amount));
        }
    }

    /// Brings `amount` of TAO, which the caller took out of circulation, back into it for `who`.
    pub(super) fn create(&self, cx: &mut Ctx<'_>, who: &Account, amount: u64) {
        if amount == 0 {
            return;
        }
        if self.change(cx, who, |data| data.free = data.free.saturating_add(amount)).is_ok() {
            self.items.balances_issuance.add(cx.state, amount);
        }
    }

    /// Gives `who` new TAO out of nothing, as a genesis or a faucet does; both issuances rise.
    pub fn endow(&self, cx: &mut Ctx<'_>, who: &Account, amount: u64) {
        if amount == 0 || !self.can_receive(cx.state, who, amount) {
            return;
        }
        self.create(cx, who, amount);
        self.items.total_issuance.add(cx.state, amount);
        self.count_minted(cx, amount);
        cx.emit(self.events.deposit, (*who, amount));
    }

    /// Changes an account's balances and does what follows from it: references, birth, death and dust.
    pub(super) fn change(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        change: impl FnOnce(&mut AccountData),
    ) -> Result<(), DispatchError> {
        let stored = self.items.account.try_get(cx.state, *who);
        let mut account = stored.clone().unwrap_or_default();
        let provided = account.exists() && account.data.free >= self.existential_deposit;
        let consumed = account.data.reserved > 0 || account.data.frozen > 0;
        change(&mut account.data);
        let provides = account.data.free >= self.existential_deposit;
        let consumes = account.data.reserved > 0 || account.data.frozen > 0;
        let existed = account.exists();
        if !provided && provides {
            account.providers = account.providers.saturating_add(1);
        }
        if consumed && !consumes {
            account.consumers = account.consumers.saturating_sub(1);
        }
        if !consumed && consumes {
            account.consumers = account.consumers.saturating_add(1);
        }
        if provided && !provides {
            if account.providers <= 1 && account.consumers > 0 {
                return Err(DispatchError::Token(TokenError::Frozen));
            }
            account.providers = account.providers.saturating_sub(1);
        }
        let dust = if !provides && account.data.reserved == 0 {
            std::mem::take(&mut account.data.free)
        } else {
            0
        };
        if existed && !account.exists() {
            // The nonce goes with the account, as in the system pallet.
            self.items.account.remove(cx.state, *who);
            cx.emit(self.events.killed_account, *who);
        } else {
            self.items.account.set(cx.state, *who, &account);
            if !existed && account.exists() {
                cx.emit(self.events.new_account, *who);
                cx.emit(self.events.endowed, (*who, account.data.free));
            }
        }
        if dust > 0 {
            self.items.balances_issuance.sub(cx.state, dust);
            self.count_dust(cx, dust);
            cx.emit(self.events.dust_lost, (*who, dust));
        }
        Ok(())
    }
}
