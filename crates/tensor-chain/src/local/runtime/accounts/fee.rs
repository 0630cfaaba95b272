//! What a transaction owes before and after its call: the nonce and the fee (chain rules 1.6, 1.7).

use super::super::ctx::Ctx;
use super::super::{Account, InvalidTransaction, Runtime};
use super::Keep;
use crate::local::state::State;

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

    pub(super) fn can_receive(&self, state: &State, who: &Account, amount: u64) -> bool {
        self.free_balance(state, who).saturating_add(amount) >= self.existential_deposit
    }
}
