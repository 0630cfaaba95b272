//! Moving stake between hotkeys, coldkeys and subnets (chain rules 5.4).

use tensor_yuma::fixed::U64F64;
use tensor_yuma::pool::Order;

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::pool::{ANY_BUY, ANY_SALE};
use super::staking::{MIN_STAKE, PAR, WHOLE_POSITION};
use super::{Account, Ruleset, Runtime};
use crate::local::state::State;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID move_stake(origin_hotkey: Account, destination_hotkey: Account, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64) => move_stake;
        PAID transfer_stake(destination_coldkey: Account, hotkey: Account, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64) => transfer_stake;
        PAID swap_stake(hotkey: Account, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64) => swap_stake;
        PAID swap_stake_limit(hotkey: Account, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64, limit_price: u64, allow_partial: bool) => swap_stake_limit;
        PAID move_stake_limit(origin_hotkey: Account, destination_hotkey: Account, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64, limit_price: u64, allow_partial: bool) => move_stake_limit;
        PAID transfer_stake_and_hotkey(destination_coldkey: Account, origin_hotkey: Account, destination_hotkey: Account, origin_netuid: u16, destination_netuid: u16, alpha_amount: u64) => transfer_stake_and_hotkey;
    );
}

/// A position: whose, with whom, where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    coldkey: Account,
    hotkey: Account,
    netuid: u16,
}

/// Bounds on a move.
#[derive(Clone, Copy, Debug, Default)]
struct Terms {
    /// Price ratio of origin to destination, scaled by 1e9, and whether less than asked may move.
    limit: Option<(u64, bool)>,
    /// Both subnets must allow transfers between coldkeys.
    transfer: bool,
}

impl Runtime {
    fn move_stake(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        origin_hotkey: Account,
        destination_hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let from = Position { coldkey, hotkey: origin_hotkey, netuid: origin_netuid };
        let to = Position { coldkey, hotkey: destination_hotkey, netuid: destination_netuid };
        let tao = self.transition(cx, from, to, alpha, Terms::default())?;
        self.emit_moved(cx, from, to, tao)
    }

    fn move_stake_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        origin_hotkey: Account,
        destination_hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
        limit: u64,
        allow_partial: bool,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let from = Position { coldkey, hotkey: origin_hotkey, netuid: origin_netuid };
        let to = Position { coldkey, hotkey: destination_hotkey, netuid: destination_netuid };
        let terms = Terms { limit: Some((limit, allow_partial)), transfer: false };
        let tao = self.transition(cx, from, to, alpha, terms)?;
        self.emit_moved(cx, from, to, tao)
    }

    fn emit_moved(
        &self,
        cx: &mut Ctx<'_>,
        from: Position,
        to: Position,
        tao: u64,
    ) -> DispatchResult {
        cx.emit(
            self.events.stake_moved,
            (from.coldkey, from.hotkey, from.netuid, to.hotkey, to.netuid, tao),
        );
        DONE
    }

    fn transfer_stake(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        destination_coldkey: Account,
        hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let from = Position { coldkey, hotkey, netuid: origin_netuid };
        let to = Position { coldkey: destination_coldkey, hotkey, netuid: destination_netuid };
        let terms = Terms { limit: None, transfer: true };
        let tao = self.transition(cx, from, to, alpha, terms)?;
        cx.emit(
            self.events.stake_transferred,
            (coldkey, destination_coldkey, hotkey, origin_netuid, destination_netuid, tao),
        );
        DONE
    }

    fn transfer_stake_and_hotkey(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        destination_coldkey: Account,
        origin_hotkey: Account,
        destination_hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let from = Position { coldkey, hotkey: origin_hotkey, netuid: origin_netuid };
        let to = Position {
            coldkey: destination_coldkey,
            hotkey: destination_hotkey,
            netuid: destination_netuid,
        };
        let terms = Terms { limit: None, transfer: true };
        let tao = self.transition(cx, from, to, alpha, terms)?;
        cx.emit(
            self.events.stake_and_hotkey_transferred,
            (
                coldkey,
                destination_coldkey,
                origin_hotkey,
                destination_hotkey,
                origin_netuid,
                destination_netuid,
                tao,
            ),
        );
        DONE
    }

    fn swap_stake(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.do_swap_stake(cx, coldkey, hotkey, origin_netuid, destination_netuid, alpha, None)
    }

    fn swap_stake_limit(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
        limit: u64,
        allow_partial: bool,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        let limit = Some((limit, allow_partial));
        self.do_swap_stake(cx, coldkey, hotkey, origin_netuid, destination_netuid, alpha, limit)
    }

    #[allow(clippy::too_many_arguments, reason = "the call's own arguments")]
    fn do_swap_stake(
        &self,
        cx: &mut Ctx<'_>,
        coldkey: Account,
        hotkey: Account,
        origin_netuid: u16,
        destination_netuid: u16,
        alpha: u64,
        limit: Option<(u64, bool)>,
    ) -> DispatchResult {
        let from = Position { coldkey, hotkey, netuid: origin_netuid };
        let to = Position { coldkey, hotkey, netuid: destination_netuid };
        let tao = self.transition(cx, from, to, alpha, Terms { limit, transfer: false })?;
        cx.emit(
            self.events.stake_swapped,
            (coldkey, hotkey, origin_netuid, destination_netuid, tao),
        );
        DONE
    }

    /// Moves stake; returns the rao that passed, or its value where nothing was traded.
    fn transition(
        &self,
        cx: &mut Ctx<'_>,
        from: Position,
        to: Position,
        alpha: u64,
        terms: Terms,
    ) -> Result<u64, DispatchError> {
        let position = self.stake(cx.state, &from.hotkey, &from.coldkey, from.netuid);
        let whole = self.ruleset == Ruleset::V461 && alpha == WHOLE_POSITION;
        let alpha = if whole { position } else { alpha.min(position) };
        let crosses = from.netuid != to.netuid;
        let max = match terms.limit {
            Some((limit, _)) if crosses => {
                self.max_move(cx.state, from.netuid, to.netuid, limit)?
            }
            _ => alpha,
        };
        self.validate_transition(cx.state, from, to, alpha, max, terms)?;
        let amount = alpha.min(max);
        if !crosses {
            return self.shift(cx, from, to, amount);
        }
        // One fee for the whole move: on the sale, unless the origin is root.
        let from_root = from.netuid == 0;
        let tao = self.unstake_from(
            cx,
            &from.hotkey,
            &from.coldkey,
            from.netuid,
            amount,
            ANY_SALE,
            from_root,
        )?;
        if from.coldkey != to.coldkey {
            self.transfer_tao(cx, &from.coldkey, &to.coldkey, tao)?;
        }
        if tao >= MIN_STAKE {
            if !self.owns(cx.state, &to.coldkey, &to.hotkey) {
                self.become_delegate(cx, &to.hotkey);
            }
            self.stake_into(cx, &to.hotkey, &to.coldkey, to.netuid, tao, ANY_BUY, !from_root)?;
        }
        Ok(tao)
    }

    /// Moves stake within a subnet: no trade, no fee.
    fn shift(
        &self,
        cx: &mut Ctx<'_>,
        from: Position,
        to: Position,
        alpha: u64,
    ) -> Result<u64, DispatchError> {
        let netuid = from.netuid;
        // Locks follow their owner on the chain; with none to make here, what is locked cannot change hands.
        if from.coldkey != to.coldkey {
            self.ensure_unlocked(cx.state, &from.coldkey, netuid, alpha)?;
        }
        self.decrease_stake(cx, &from.hotkey, &from.coldkey, netuid, alpha);
        if netuid == 0 {
            self.note_root_unstake(cx, &from.hotkey, &from.coldkey, alpha);
        }
        self.increase_stake(cx, &to.hotkey, &to.coldkey, netuid, alpha);
        if netuid == 0 {
            self.note_root_stake(cx, &to.hotkey, &to.coldkey, alpha);
        }
        let tao = self.alpha_value(cx.state, netuid, alpha);
        if tao < MIN_STAKE {
            return Err(errors::SubtensorModule::AmountTooLow);
        }
        self.items.last_stake_block.set(cx.state, (to.coldkey, to.hotkey), &cx.block);
        cx.emit(self.events.stake_removed, (from.coldkey, from.hotkey, tao, alpha, netuid, 0_u64));
        cx.emit(self.events.stake_added, (to.coldkey, to.hotkey, tao, alpha, netuid, 0_u64));
        Ok(tao)
    }

    fn validate_transition(
        &self,
        state: &State,
        from: Position,
        to: Position,
        alpha: u64,
        max: u64,
        terms: Terms,
    ) -> Result<(), DispatchError> {
        if from == to {
            return Err(errors::SubtensorModule::SameNetuid);
        }
        let crosses = from.netuid != to.netuid;
        self.ensure_exists(state, from.netuid)?;
        self.ensure_exists(state, to.netuid)?;
        self.ensure_subtoken(state, from.netuid)?;
        self.ensure_subtoken(state, to.netuid)?;
        self.ensure_hotkey(state, &from.hotkey)?;
        self.ensure_hotkey(state, &to.hotkey)?;
        if alpha > self.stake(state, &from.hotkey, &from.coldkey, from.netuid) {
            return Err(errors::SubtensorModule::NotEnoughStakeToWithdraw);
        }
        if crosses {
            let quote = self
                .pool(state, from.netuid)
                .quote(&Order::sell(alpha))
                .map_err(|_| errors::SubtensorModule::InsufficientLiquidity)?;
            if quote.paid_out <= MIN_STAKE {
                return Err(errors::SubtensorModule::AmountTooLow);
            }
            if terms.limit.is_some_and(|(_, partial)| !partial) && alpha > max {
                return Err(errors::SubtensorModule::SlippageTooHigh);
            }
        }
        if terms.transfer {
            let allowed = self.items.transfer_toggle.get(state, from.netuid)
                && self.items.transfer_toggle.get(state, to.netuid);
            if !allowed {
                return Err(errors::SubtensorModule::TransferDisallowed);
            }
        }
        if crosses {
            self.ensure_unlocked(state, &from.coldkey, from.netuid, alpha)?;
        }
        Ok(())
    }

    /// Most alpha that may move before the price ratio of origin to destination reaches `limit` (scaled by 1e9).
    fn max_move(
        &self,
        state: &State,
        from: u16,
        to: u16,
        limit: u64,
    ) -> Result<u64, DispatchError> {
        let (pool1, pool2) = (self.pool(state, from), self.pool(state, to));
        let fixed = U64F64::from_int;
        match (from != 0 && pool1.is_dynamic(), to != 0 && pool2.is_dynamic()) {
            (false, false) => return Ok(if limit > PAR { 0 } else { u64::MAX }),
            (false, true) => {
                if limit == 0 {
                    return Ok(u64::MAX);
                }
                let price = fixed(PAR).safe_div(fixed(limit)).saturating_mul(fixed(PAR)).to_u64();
                return self.max_buy(state, to, price);
            }
            (true, false) => return self.max_sale(state, from, limit),
            (true, true) => {}
        }
        let (r1, r2) = (pool1.reserves, pool2.reserves);
        if [r1.tao, r2.tao, r1.alpha, r2.alpha].contains(&0) {
            return Ok(0);
        }
        let ratio = fixed(limit).safe_div(fixed(PAR));
        if ratio > pool1.price().safe_div(pool2.price()) {
            return Ok(0);
        }
        if limit == 0 {
            return Ok(u64::MAX);
        }
        let sum = fixed(r2.tao).saturating_add(fixed(r1.tao));
        let (part1, part2) = (fixed(r1.tao).safe_div(sum), fixed(r2.tao).safe_div(sum));
        let upper = fixed(r2.alpha).saturating_mul(part1).safe_div(ratio);
        Ok(upper.saturating_sub(fixed(r1.alpha).saturating_mul(part2)).to_u64())
    }
}
