//! Putting stake in and taking it out (chain rules 5.1 to 5.3, 5.5, 5.8, 5.9).

use tensor_yuma::fixed::U64F64;
use tensor_yuma::pool::{Order, Side};

use super::accounts::Keep;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::pool::{ANY_BUY, ANY_SALE, swap_error};
use super::{Account, Runtime};
use crate::local::state::State;

/// Least TAO that a stake operation may move, in rao (`DefaultMinStake`).
pub(crate) const MIN_STAKE: u64 = 2_000_000;

/// An input may be this many times the pool's reserve of it.
const MAX_INPUT_MULTIPLE: u64 = 1_000;

/// One TAO per alpha, in rao per alpha.
pub(crate) const PAR: u64 = 1_000_000_000;

/// Asks 461 for the whole position.
pub(crate) const WHOLE_POSITION: u64 = u64::MAX;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID add_stake(hotkey: Account, netuid: u16, amount_staked: u64) => add_stake;
        PAID add_stake_limit(hotkey: Account, netuid: u16, amount_staked: u64, limit_price: u64, allow_partial: bool) => add_stake_limit;
        PAID remove_stake(hotkey: Account, netuid: u16, amount_unstaked: u64) => remove_stake;
        PAID remove_stake_limit(hotkey: Account, netuid: u16, amount_unstaked: u64, limit_price: u64, allow_partial: bool) => remove_stake_limit;
        PAID remove_stake_full_limit(hotkey: Account, netuid: u16, limit_price: Option<u64>) => remove_stake_full_limit;
        PAID unstake_all(hotkey: Account) => unstake_all;
        PAID unstake_all_alpha(hotkey: Account) => unstake_all_alpha;
        PAID recycle_alpha(hotkey: Account, amount: u64, netuid: u16) => recycle_alpha;
        PAID burn_alpha(hotkey: Account, amount: u64, netuid: u16) => burn_alpha;
        PAID add_stake_burn(hotkey: Account, netuid: u16, amount: u64, limit: Option<u64>) => add_stake_burn;
        PAID try_associate_hotkey(hotkey: Account) => try_associate_hotkey;
        PAID set_coldkey_auto_stake_hotkey(netuid: u16, hotkey: Account) => set_coldkey_auto_stake_hotkey;
    );
}

/// The calls.
impl Runtime {
    fn add_stake(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        amount: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.do_add_stake(cx, &coldkey, &hotkey, netuid, amount)?;
        DONE
    }

    fn do_add_stake(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        amount: u64,
    ) -> Result<u64, DispatchError> {
        self.ensure_buy_in_bounds(cx.state, netuid, amount)?;
        self.validate_add_stake(cx.state, coldkey, hotkey, netuid, amount, amount, false)?;
        self.stake_into(cx, hotkey, coldkey, netuid, amount, ANY_BUY, false)
    }

    fn add_stake_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        amount: u64,
        limit: u64,
        allow_partial: bool,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.do_add_stake_limit(cx, &coldkey, &hotkey, netuid, amount, limit, allow_partial)?;
        DONE
    }

    #[allow(clippy::too_many_arguments, reason = "the call's own arguments")]
    fn do_add_stake_limit(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        amount: u64,
        limit: u64,
        allow_partial: bool,
    ) -> Result<u64, DispatchError> {
        self.ensure_buy_in_bounds(cx.state, netuid, amount)?;
        let max = self.max_buy(cx.state, netuid, limit)?;
        self.validate_add_stake(cx.state, coldkey, hotkey, netuid, amount, max, allow_partial)?;
        if !self.owns(cx.state, coldkey, hotkey) {
            self.become_delegate(cx, hotkey);
        }
        self.stake_into(cx, hotkey, coldkey, netuid, amount.min(max), limit, false)
    }

    fn remove_stake(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        amount: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_subtoken(cx.state, netuid)?;
        // A fee paid in alpha may have made the position smaller meanwhile.
        let alpha = amount.min(self.stake(cx.state, &hotkey, &coldkey, netuid));
        self.ensure_sale_in_bounds(cx.state, netuid, alpha)?;
        self.validate_remove_stake(cx.state, &coldkey, &hotkey, netuid, alpha, alpha, false)?;
        self.unstake_from(cx, &hotkey, &coldkey, netuid, alpha, ANY_SALE, false)?;
        self.clear_small_nomination(cx, &hotkey, &coldkey, netuid);
        self.drop_pending_children_of_poor(cx, &hotkey);
        DONE
    }

    fn remove_stake_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        amount: u64,
        limit: u64,
        allow_partial: bool,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_sale_in_bounds(cx.state, netuid, amount)?;
        let max = self.max_sale(cx.state, netuid, limit)?;
        self.validate_remove_stake(
            cx.state,
            &coldkey,
            &hotkey,
            netuid,
            amount,
            max,
            allow_partial,
        )?;
        self.unstake_from(cx, &hotkey, &coldkey, netuid, amount.min(max), limit, false)?;
        self.clear_small_nomination(cx, &hotkey, &coldkey, netuid);
        self.drop_pending_children_of_poor(cx, &hotkey);
        DONE
    }

    fn remove_stake_full_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        limit: Option<u64>,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let alpha = self.stake(cx.state, &hotkey, &coldkey, netuid);
        match limit {
            Some(limit) => self.remove_stake_limit(cx, origin, hotkey, netuid, alpha, limit, false),
            None => self.remove_stake(cx, origin, hotkey, netuid, alpha),
        }
    }

    fn unstake_all(&self, cx: &mut Ctx<'_>, origin: Origin, hotkey: Account) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_hotkey(cx.state, &hotkey)?;
        self.unstake_everywhere(cx, &coldkey, &hotkey, true)?;
        DONE
    }

    fn unstake_all_alpha(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_hotkey(cx.state, &hotkey)?;
        let tao = self.unstake_everywhere(cx, &coldkey, &hotkey, false)?;
        self.stake_into(cx, &hotkey, &coldkey, 0, tao, ANY_BUY, false)?;
        DONE
    }

    /// Unstakes every position with the hotkey that passes validation; returns the rao obtained.
    fn unstake_everywhere(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        root: bool,
    ) -> Result<u64, DispatchError> {
        let mut total = 0_u64;
        for netuid in self.netuids(cx.state) {
            if (netuid == 0 && !root) || !self.items.subtoken_enabled.get(cx.state, netuid) {
                continue;
            }
            let alpha = self.stake(cx.state, hotkey, coldkey, netuid);
            let valid =
                self.validate_remove_stake(cx.state, coldkey, hotkey, netuid, alpha, alpha, false);
            if alpha == 0 || valid.is_err() {
                continue;
            }
            let tao = self.unstake_from(cx, hotkey, coldkey, netuid, alpha, ANY_SALE, false)?;
            total = total.saturating_add(tao);
            self.clear_small_nomination(cx, hotkey, coldkey, netuid);
        }
        Ok(total)
    }

    fn recycle_alpha(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        amount: u64,
        netuid: u16,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let amount = self.take_for_destruction(cx, &coldkey, &hotkey, amount, netuid)?;
        self.recycle_subnet_alpha(cx, netuid, amount);
        cx.emit(self.events.alpha_recycled, (coldkey, hotkey, amount, netuid));
        DONE
    }

    fn burn_alpha(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        amount: u64,
        netuid: u16,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.do_burn_alpha(cx, &coldkey, &hotkey, amount, netuid)?;
        DONE
    }

    fn do_burn_alpha(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: &Account,
        hotkey: &Account,
        amount: u64,
        netuid: u16,
    ) -> Result<(), DispatchError> {
        let amount = self.take_for_destruction(cx, coldkey, hotkey, amount, netuid)?;
        self.burn_subnet_alpha(cx, netuid, amount);
        cx.emit(self.events.alpha_burned, (*coldkey, *hotkey, amount, netuid));
        Ok(())
    }

    fn add_stake_burn(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        netuid: u16,
        amount: u64,
        limit: Option<u64>,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let alpha = match limit {
            Some(limit) => {
                self.do_add_stake_limit(cx, &coldkey, &hotkey, netuid, amount, limit, false)?
            }
            None => self.do_add_stake(cx, &coldkey, &hotkey, netuid, amount)?,
        };
        self.do_burn_alpha(cx, &coldkey, &hotkey, alpha, netuid)?;
        cx.emit(self.events.add_stake_burn, (netuid, hotkey, amount, alpha));
        DONE
    }

    fn try_associate_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.create_hotkey(cx, &coldkey, &hotkey)?;
        DONE
    }

    fn set_coldkey_auto_stake_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        hotkey: Account,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_exists(cx.state, netuid)?;
        if !self.items.uids.contains(cx.state, (netuid, hotkey)) {
            return Err(errors::SubtensorModule::HotKeyNotRegisteredInSubNet);
        }
        let items = &self.items;
        let old = items.auto_stake_destination.try_get(cx.state, (coldkey, netuid));
        if old == Some(hotkey) {
            return Err(errors::SubtensorModule::SameAutoStakeHotkeyAlreadySet);
        }
        if let Some(old) = old {
            items.auto_stake_coldkeys.mutate(cx.state, (old, netuid), |list| {
                list.retain(|listed| *listed != coldkey);
            });
        }
        items.auto_stake_destination.set(cx.state, (coldkey, netuid), &hotkey);
        items.auto_stake_coldkeys.mutate(cx.state, (hotkey, netuid), |list| {
            if !list.contains(&coldkey) {
                list.push(coldkey);
            }
        });
        cx.emit(self.events.auto_stake_destination_set, (coldkey, netuid, hotkey));
        DONE
    }
}

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

    fn take_for_destruction(
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
    fn drop_pending_children_of_poor(&self, cx: &mut Ctx<'_>, hotkey: &Account) {
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

/// The checks before.
impl Runtime {
    #[allow(clippy::too_many_arguments, reason = "who, where, how much, at what price")]
    fn validate_add_stake(
        &self,
        state: &State,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        amount: u64,
        max: u64,
        allow_partial: bool,
    ) -> Result<(), DispatchError> {
        self.ensure_exists(state, netuid)?;
        self.ensure_subtoken(state, netuid)?;
        let pool = self.pool(state, netuid);
        let fee = pool
            .quote(&Order::buy(MIN_STAKE))
            .map_or_else(|_| pool.fee(MIN_STAKE), |quote| quote.fee);
        if amount < MIN_STAKE.saturating_add(fee) {
            return Err(errors::SubtensorModule::AmountTooLow);
        }
        if !allow_partial && amount > max {
            return Err(errors::SubtensorModule::SlippageTooHigh);
        }
        let amount = amount.min(max);
        if self.reducible(state, coldkey, Keep::MayDie) < amount {
            return Err(errors::SubtensorModule::NotEnoughBalanceToStake);
        }
        self.ensure_hotkey(state, hotkey)?;
        let quote = pool
            .quote(&Order::buy(amount))
            .map_err(|_| errors::SubtensorModule::InsufficientLiquidity)?;
        if quote.paid_in < MIN_STAKE {
            return Err(errors::SubtensorModule::AmountTooLow);
        }
        if quote.paid_out == 0 || !self.pool_can_take(state, hotkey, netuid, quote.paid_out) {
            return Err(errors::SubtensorModule::InsufficientLiquidity);
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "who, where, how much, at what price")]
    pub(crate) fn validate_remove_stake(
        &self,
        state: &State,
        coldkey: &Account,
        hotkey: &Account,
        netuid: u16,
        alpha: u64,
        max: u64,
        allow_partial: bool,
    ) -> Result<(), DispatchError> {
        self.ensure_exists(state, netuid)?;
        if alpha == 0 {
            return Err(errors::SubtensorModule::AmountTooLow);
        }
        let position = self.stake(state, hotkey, coldkey, netuid);
        let Some(remaining) = position.checked_sub(alpha) else {
            return Err(errors::SubtensorModule::NotEnoughStakeToWithdraw);
        };
        let quote = self
            .pool(state, netuid)
            .quote(&Order::sell(alpha))
            .map_err(|_| errors::SubtensorModule::InsufficientLiquidity)?;
        if remaining > 0 && quote.paid_out < MIN_STAKE {
            return Err(errors::SubtensorModule::AmountTooLow);
        }
        if !allow_partial && alpha > max {
            return Err(errors::SubtensorModule::SlippageTooHigh);
        }
        self.ensure_hotkey(state, hotkey)?;
        self.ensure_unlocked(state, coldkey, netuid, alpha)
    }

    /// Most rao that a buy may put in before the price reaches `limit`.
    pub(crate) fn max_buy(
        &self,
        state: &State,
        netuid: u16,
        limit: u64,
    ) -> Result<u64, DispatchError> {
        let pool = self.pool(state, netuid);
        if netuid == 0 || !pool.is_dynamic() {
            return Ok(if limit >= PAR { u64::MAX } else { 0 });
        }
        pool.max_amount(Side::Buy, limit).map_err(|error| swap_error(&error))
    }

    /// Most alpha that a sale may put in before the price reaches `limit`.
    pub(crate) fn max_sale(
        &self,
        state: &State,
        netuid: u16,
        limit: u64,
    ) -> Result<u64, DispatchError> {
        let pool = self.pool(state, netuid);
        if netuid == 0 || !pool.is_dynamic() {
            return Ok(if limit <= PAR { u64::MAX } else { 0 });
        }
        pool.max_amount(Side::Sell, limit).map_err(|error| swap_error(&error))
    }

    fn ensure_buy_in_bounds(
        &self,
        state: &State,
        netuid: u16,
        tao: u64,
    ) -> Result<(), DispatchError> {
        let pool = self.pool(state, netuid);
        let bound = pool.reserves.tao.saturating_mul(MAX_INPUT_MULTIPLE);
        if netuid != 0 && pool.is_dynamic() && tao > bound {
            return Err(errors::SubtensorModule::InsufficientLiquidity);
        }
        Ok(())
    }

    fn ensure_sale_in_bounds(
        &self,
        state: &State,
        netuid: u16,
        alpha: u64,
    ) -> Result<(), DispatchError> {
        let pool = self.pool(state, netuid);
        let bound = pool.reserves.alpha.saturating_mul(MAX_INPUT_MULTIPLE);
        if netuid != 0 && pool.is_dynamic() && alpha > bound {
            return Err(errors::SubtensorModule::InsufficientLiquidity);
        }
        Ok(())
    }

    /// Alpha of a coldkey on a subnet that is not locked, over all its hotkeys, covers `alpha`. Locks are read but not made on this chain.
    pub(crate) fn ensure_unlocked(
        &self,
        state: &State,
        coldkey: &Account,
        netuid: u16,
        alpha: u64,
    ) -> Result<(), DispatchError> {
        let locked = self.locked(state, coldkey, netuid);
        if locked == 0 {
            return Ok(());
        }
        let total: u64 = self
            .items
            .staking_hotkeys
            .get(state, *coldkey)
            .iter()
            .map(|hotkey| self.stake(state, hotkey, coldkey, netuid))
            .fold(0, u64::saturating_add);
        if alpha > total.saturating_sub(locked) {
            return Err(errors::SubtensorModule::StakeUnavailable);
        }
        Ok(())
    }

    /// Alpha of a coldkey on a subnet that is locked or serves as a miner's collateral.
    pub(crate) fn locked(&self, state: &State, coldkey: &Account, netuid: u16) -> u64 {
        let mut locked = 0_u64;
        for hotkey in self.items.staking_hotkeys.get(state, *coldkey) {
            if let Some(lock) = self.items.lock.try_get(state, (*coldkey, netuid, hotkey)) {
                locked = locked.saturating_add(lock.locked_mass);
            }
            let collateral = self.items.miner_collateral.try_get(state, (netuid, hotkey, *coldkey));
            if let Some(collateral) = collateral {
                locked = locked.saturating_add(collateral.locked);
            }
        }
        locked
    }

    pub(crate) fn ensure_exists(&self, state: &State, netuid: u16) -> Result<(), DispatchError> {
        if self.items.networks_added.get(state, netuid) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::SubnetNotExists)
        }
    }

    pub(crate) fn ensure_subtoken(&self, state: &State, netuid: u16) -> Result<(), DispatchError> {
        if self.items.subtoken_enabled.get(state, netuid) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::SubtokenDisabled)
        }
    }

    pub(crate) fn ensure_hotkey(
        &self,
        state: &State,
        hotkey: &Account,
    ) -> Result<(), DispatchError> {
        if self.hotkey_exists(state, hotkey) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::HotKeyAccountNotExists)
        }
    }
}
