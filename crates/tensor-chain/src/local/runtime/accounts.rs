//! Accounts and TAO: existence, transfers, reserves, issuance, the fee's withdrawal, and the Balances and System calls (chain rules 1).

use parity_scale_codec::Compact;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, TokenError, errors};
use super::{Account, InvalidTransaction, Runtime};
use crate::local::state::State;
use crate::local::storage::record::{AccountData, AccountInfo, Address};

/// Most rao that may ever exist.
const MAX_ISSUANCE: u64 = 21_000_000_000_000_000;

/// Whether an operation may end an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The account must keep its existential deposit.
    Alive,
    /// The account may be reaped.
    MayDie,
}

/// TAO that was minted and belongs to nobody yet. What is not spent must be recycled.
#[derive(Debug)]
#[must_use]
pub(crate) struct Credit(u64);

impl Credit {
    pub(crate) fn amount(&self) -> u64 {
        self.0
    }
}

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
    calls!(calls, "System":
        PAID remark(remark: Vec<u8>) => remark;
        PAID remark_with_event(remark: Vec<u8>) => remark_with_event;
        PAID set_storage(items: Vec<(Vec<u8>, Vec<u8>)>) => set_storage;
        PAID kill_storage(keys: Vec<Vec<u8>>) => kill_storage;
    );
}

/// Reading.
impl Runtime {
    /// The nonce that the account's next transaction must carry.
    #[must_use]
    pub fn account_nonce(&self, state: &State, who: &Account) -> u32 {
        self.items.account.get(state, *who).nonce
    }

    /// Free balance of an account in rao.
    #[must_use]
    pub fn free_balance(&self, state: &State, who: &Account) -> u64 {
        self.items.account.get(state, *who).data.free
    }

    /// Whether the account is provided for, so that the system pallet counts it as existing.
    #[must_use]
    pub fn account_exists(&self, state: &State, who: &Account) -> bool {
        self.items.account.get(state, *who).exists()
    }

    /// What may be taken from the account in rao.
    pub(crate) fn reducible(&self, state: &State, who: &Account, keep: Keep) -> u64 {
        let account = self.items.account.get(state, *who);
        // An account that something else depends on may not be ended.
        let untouchable = match keep {
            Keep::Alive => self.existential_deposit,
            Keep::MayDie if account.consumers > 0 => self.existential_deposit,
            Keep::MayDie => 0,
        };
        let frozen = account.data.frozen.saturating_sub(account.data.reserved);
        account.data.free.saturating_sub(frozen.max(untouchable))
    }

    /// The account that holds a subnet's TAO: `modl subtensr` and the netuid (chain rules 1.11).
    #[must_use]
    pub fn subnet_account(netuid: u16) -> Account {
        let mut account = [0; 32];
        account[..12].copy_from_slice(b"modlsubtensr");
        account[12..14].copy_from_slice(&netuid.to_le_bytes());
        account
    }

    /// The account that burnt TAO is sent to.
    #[must_use]
    pub fn burn_account() -> Account {
        let mut account = [0; 32];
        account[..12].copy_from_slice(b"modlburntnsr");
        account
    }

    /// Whether `who` is the account of an existing subnet.
    pub(crate) fn is_subnet_account(&self, state: &State, who: &Account) -> bool {
        if who[..12] != *b"modlsubtensr" || who[14..] != [0; 18] {
            return false;
        }
        self.items.networks_added.get(state, u16::from_le_bytes([who[12], who[13]]))
    }
}

/// Nonce and fees, for the block builder.
impl Runtime {
    /// Counts one transaction of `who`.
    pub fn bump_nonce(&self, cx: &mut Ctx<'_>, who: &Account) {
        self.items.account.mutate(cx.state, *who, |account| {
            account.nonce = account.nonce.saturating_add(1);
        });
    }

    /// Takes a fee, leaving the existential deposit; event `Withdraw`.
    ///
    /// # Errors
    /// [`InvalidTransaction::Payment`] when the account cannot pay it and stay alive.
    pub fn withdraw_fee(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        fee: u64,
    ) -> Result<(), InvalidTransaction> {
        if fee == 0 {
            return Ok(());
        }
        if self.reducible(cx.state, who, Keep::Alive) < fee {
            return Err(InvalidTransaction::Payment);
        }
        self.change(cx, who, |data| data.free -= fee).map_err(|_| InvalidTransaction::Payment)?;
        self.items.balances_issuance.sub(cx.state, fee);
        cx.emit(self.events.withdraw, (*who, fee));
        Ok(())
    }

    /// Gives back what the fee turned out to be too high (event `Deposit`, also for 0), pays the author, and deposits `TransactionFeePaid`. Without an
    /// author the fee is gone and both issuances fall by it.
    pub fn settle_fee(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        withdrawn: u64,
        actual: u64,
        tip: u64,
    ) {
        let refund = withdrawn.saturating_sub(actual);
        if withdrawn > 0 {
            self.create(cx, who, refund);
            cx.emit(self.events.deposit, (*who, refund));
            self.pay_author(cx, actual);
        }
        cx.emit(self.events.fee_paid, (*who, actual, tip));
    }

    /// Hands TAO that was already taken out of circulation to the author, or drops it for good.
    pub(crate) fn pay_author(&self, cx: &mut Ctx<'_>, amount: u64) {
        match cx.author {
            Some(author) if amount > 0 && self.can_receive(cx.state, &author, amount) => {
                self.create(cx, &author, amount);
                cx.emit(self.events.deposit, (author, amount));
            }
            _ => {
                // The Balances issuance is already lower; the pallet's copy follows.
                self.items.total_issuance.sub(cx.state, amount);
                self.count_recycled(cx, amount);
            }
        }
    }

    fn can_receive(&self, state: &State, who: &Account, amount: u64) -> bool {
        self.free_balance(state, who).saturating_add(amount) >= self.existential_deposit
    }
}

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

    fn can_take(
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
    fn create(&self, cx: &mut Ctx<'_>, who: &Account, amount: u64) {
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
    fn change(
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

/// The Balances calls.
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

/// The System calls.
impl Runtime {
    fn remark(&self, _: &mut Ctx<'_>, origin: Origin, _remark: Vec<u8>) -> DispatchResult {
        if origin == Origin::None {
            return Err(DispatchError::BadOrigin);
        }
        DONE
    }

    fn remark_with_event(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        remark: Vec<u8>,
    ) -> DispatchResult {
        let who = origin.signed()?;
        cx.emit(self.events.remarked, (who, sp_crypto_hashing::blake2_256(&remark)));
        DONE
    }

    fn set_storage(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        items: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> DispatchResult {
        origin.root()?;
        for (key, value) in items {
            cx.state.put(&key, &value);
        }
        DONE
    }

    fn kill_storage(&self, cx: &mut Ctx<'_>, origin: Origin, keys: Vec<Vec<u8>>) -> DispatchResult {
        origin.root()?;
        for key in keys {
            cx.state.remove(&key);
        }
        DONE
    }
}

/// The account behind an address.
pub(crate) fn lookup(address: Address) -> Result<Account, DispatchError> {
    address.0.ok_or(DispatchError::CannotLookup)
}

impl AccountInfo {
    /// Free and reserved balance.
    pub(crate) fn total(&self) -> u64 {
        self.data.free.saturating_add(self.data.reserved)
    }
}
