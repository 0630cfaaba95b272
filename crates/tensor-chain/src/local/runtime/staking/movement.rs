//! What a stake operation does once it may: paying, buying, selling, and taking alpha out of being.

use tensor_yuma::fixed::U64F64;

use super::super::ctx::Ctx;
use super::super::error::{DispatchError, errors};
use super::super::pool::ANY_SALE;
use super::super::{Account, Runtime};
use crate::local::state::State;

/// The movements themselves.
impl Runtime {
    /// Pays, buys and stakes. Returns the alpha staked.
    #[allow(clippy::too_many_arguments, reason = "who, where, how much, at what price")]
    pub(crate) fn stake_into(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
        tao: u64,
        limit: u64,
        drop_fees: bool,
    ) -> Result<u64, DispatchError> {
        let paid = self.transfer_to_subnet(cx, netuid, coldkey, tao)?;
        let quote = self.buy_alpha(cx, netuid, paid, limit, drop_fees)?;
        if quote.paid_out == 0 {
            return Err(errors::SubtensorModule::AmountTooLow);
        }
        if !self.pool_can_take(cx.state, hotkey, netuid, quote.paid_out) {
            return Err(errors::SubtensorModule::InsufficientLiquidity);
        }
        self.increase_stake(cx, hotkey, coldkey, netuid, quote.paid_out);
        self.pay_fee_from_subnet(cx, netuid, quote.fee_to_block_author)?;
        self.record_inflow(cx, netuid, quote.paid_in);
        self.items.last_stake_block.set(cx.state, (*coldkey, *hotkey), &cx.block);
        if netuid == 0 {
            self.note_root_stake(cx, hotkey, coldkey, quote.paid_out);
        }
        cx.emit(
            self.events.stake_added,
            (*coldkey, *hotkey, paid, quote.paid_out, netuid, quote.fee),
        );
        Ok(quote.paid_out)
    }

    /// Takes a position's alpha, sells it and pays the coldkey. Returns the rao paid.
    #[allow(clippy::too_many_arguments, reason = "who, where, how much, at what price")]
    pub(crate) fn unstake_from(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
        alpha: u64,
        limit: u64,
        drop_fees: bool,
    ) -> Result<u64, DispatchError> {
        if !self.decrease_stake(cx, hotkey, coldkey, netuid, alpha) {
            return Err(errors::SubtensorModule::NotEnoughStakeToWithdraw);
        }
        let quote = self.sell_alpha(cx, netuid, alpha, limit, drop_fees)?;
        let unsold = alpha.saturating_sub(quote.total_in());
        if unsold > 0 {
            self.increase_stake(cx, hotkey, coldkey, netuid, unsold);
        }
        self.transfer_from_subnet(cx, netuid, coldkey, quote.paid_out)?;
        let mut outflow = quote.paid_out;
        match cx.author {
            Some(author) => {
                let fee = quote.fee_to_block_author;
                let sale = self.sell_alpha(cx, netuid, fee, ANY_SALE, true)?;
                let kept = fee.saturating_sub(sale.total_in());
                self.strand(cx, netuid, |stranded| stranded.burned += kept);
                self.transfer_from_subnet(cx, netuid, &author, sale.paid_out)?;
                outflow = outflow.saturating_add(sale.paid_out);
            }
            None => self.burn_subnet_alpha(cx, netuid, quote.fee_to_block_author),
        }
        // A fee that a zero trade charges goes to nobody.
        let lost = quote.fee.saturating_sub(quote.fee_to_block_author);
        self.strand(cx, netuid, |stranded| stranded.burned += lost);
        if netuid == 0 {
            self.note_root_unstake(cx, hotkey, coldkey, alpha);
        }
        self.record_outflow(cx, netuid, outflow);
        self.items.last_stake_block.set(cx.state, (*coldkey, *hotkey), &cx.block);
        cx.emit(
            self.events.stake_removed,
            (*coldkey, *hotkey, quote.paid_out, quote.paid_in, netuid, quote.fee),
        );
        Ok(quote.paid_out)
    }

    /// Sends a swap's fee, which lies on the subnet's account, to the author, or burns it.
    pub(crate) fn pay_fee_from_subnet(
        &self,
        cx: &mut Ctx<'_>,
        netuid: u16,
        fee: u64,
    ) -> Result<(), DispatchError> {
        match cx.author {
            Some(author) => self.transfer_from_subnet(cx, netuid, &author, fee),
            None => {
                // A burn account too poor to exist refuses the smallest fees; they stay where they are.
                let _ = self.burn_tao(cx, &Self::subnet_account(netuid), fee);
                Ok(())
            }
        }
    }

    /// Destroys outstanding alpha so that it can be emitted again.
    pub(crate) fn recycle_subnet_alpha(&self, cx: &mut Ctx<'_>, netuid: u16, alpha: u64) {
        if alpha == 0 {
            return;
        }
        self.items.subnet_alpha_out.sub(cx.state, netuid, alpha);
        self.items.total_alpha_issuance.sub(cx.state, netuid, alpha);
        self.items.alpha_recycled.add(cx.state, netuid, alpha);
    }

    /// Takes alpha away for good: it stays outstanding and belongs to nobody.
    pub(crate) fn burn_subnet_alpha(&self, cx: &mut Ctx<'_>, netuid: u16, alpha: u64) {
        if alpha > 0 {
            self.items.alpha_burned.add(cx.state, netuid, alpha);
            self.strand(cx, netuid, |stranded| stranded.burned += alpha);
        }
    }

    pub(super) fn take_for_destruction(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        amount: u64,
        netuid: u16,
    ) -> Result<u64, DispatchError> {
        self.ensure_exists(cx.state, netuid)?;
        if netuid == 0 {
            return Err(errors::SubtensorModule::CannotBurnOrRecycleOnRootSubnet);
        }
        self.ensure_subtoken(cx.state, netuid)?;
        self.ensure_hotkey(cx.state, hotkey)?;
        let amount = amount.min(self.stake(cx.state, hotkey, coldkey, netuid));
        if self.items.subnet_alpha_out.get(cx.state, netuid) < amount {
            return Err(errors::SubtensorModule::InsufficientLiquidity);
        }
        self.ensure_unlocked(cx.state, coldkey, netuid, amount)?;
        self.decrease_stake(cx, hotkey, coldkey, netuid, amount);
        Ok(amount)
    }

    /// Ends a nominator's position that fell below the minimum (chain rules 5.8).
    pub(crate) fn clear_small_nomination(
        &self,
        cx: &mut Ctx<'_>,
        hotkey: &Account,
        coldkey: &Account,
        netuid: u16,
    ) {
        if self.owns(cx.state, coldkey, hotkey) {
            return;
        }
        let minimum = self.items.nominator_min_required_stake.get(cx.state);
        if minimum == 0 {
            return;
        }
        let position = self.stake(cx.state, hotkey, coldkey, netuid);
        let price = self.alpha_price(cx.state, netuid);
        let minimum = U64F64::from_int(minimum).safe_div(price).to_u64();
        if position == 0 || position >= minimum {
            return;
        }
        let sold = cx.transact(|cx| {
            self.unstake_from(cx, hotkey, coldkey, netuid, position, ANY_SALE, false)
        });
        if sold.is_err() {
            let position = self.stake(cx.state, hotkey, coldkey, netuid);
            if self.decrease_stake(cx, hotkey, coldkey, netuid, position) {
                self.strand(cx, netuid, |stranded| stranded.burned += position);
            }
        }
    }

    /// A hotkey below the stake threshold loses the children it scheduled.
    pub(super) fn drop_pending_children_of_poor(&self, cx: &mut Ctx<'_>, hotkey: &Account) {
        let threshold = self.items.stake_threshold.get(cx.state);
        if threshold > 0 && self.total_stake_of_hotkey(cx.state, hotkey) < threshold {
            for netuid in self.netuids(cx.state) {
                self.items.pending_child_keys.remove(cx.state, (netuid, *hotkey));
            }
        }
    }

    /// Rao that the hotkey's stake on all subnets is worth at spot prices.
    pub(crate) fn total_stake_of_hotkey(&self, state: &State, hotkey: &Account) -> u64 {
        self.netuids(state)
            .into_iter()
            .map(|netuid| {
                let alpha = U64F64::from_int(self.hotkey_stake(state, hotkey, netuid));
                alpha.saturating_mul(self.alpha_price(state, netuid))
            })
            .fold(U64F64::ZERO, U64F64::saturating_add)
            .to_u64()
    }

    /// Makes a hotkey a delegate at the current default take, if it is none.
    pub(crate) fn become_delegate(&self, cx: &mut Ctx<'_>, hotkey: &Account) {
        if !self.items.delegates.contains(cx.state, *hotkey) {
            let take = self.items.delegates.get(cx.state, *hotkey);
            self.items.delegates.set(cx.state, *hotkey, &take);
        }
    }
}
