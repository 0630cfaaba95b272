//! Putting stake in and taking it out (chain rules 5.1 to 5.3, 5.5, 5.8, 5.9).

mod conditions;
mod movement;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::pool::{ANY_BUY, ANY_SALE};
use super::{Account, Runtime};

/// Least TAO that a stake operation may move, in rao (`DefaultMinStake`).
pub(crate) const MIN_STAKE: u64 = 2_000_000;

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
