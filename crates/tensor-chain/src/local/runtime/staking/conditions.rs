//! What must hold before stake moves: bounds of the pool, price limits, locks (chain rules 5.2, 5.3).

use tensor_yuma::pool::{Order, Side};

use super::super::accounts::Keep;
use super::super::error::{DispatchError, errors};
use super::super::pool::swap_error;
use super::super::{Account, Runtime};
use super::{MIN_STAKE, PAR};
use crate::local::state::State;

/// An input may be this many times the pool's reserve of it.
const MAX_INPUT_MULTIPLE: u64 = 1_000;

/// The checks before.
impl Runtime {
    #[allow(clippy::too_many_arguments, reason = "who, where, how much, at what price")]
    pub(super) fn validate_add_stake(
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

    pub(super) fn ensure_buy_in_bounds(
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

    pub(super) fn ensure_sale_in_bounds(
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
