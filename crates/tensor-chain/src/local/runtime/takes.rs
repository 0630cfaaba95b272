//! What a delegate keeps of its stakers' dividends (chain rules 7.6).

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::record::RateLimitKey;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        FREE increase_take(hotkey: Account, take: u16) => increase_take if check_take;
        FREE decrease_take(hotkey: Account, take: u16) => decrease_take if check_take;
    );
}

impl Runtime {
    fn increase_take(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        take: u16,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_take_owner(cx.state, &coldkey, &hotkey)?;
        let items = &self.items;
        if items.delegates.try_get(cx.state, hotkey).is_some_and(|current| take <= current) {
            return Err(errors::SubtensorModule::DelegateTakeTooLow);
        }
        if take > items.max_delegate_take.get(cx.state) {
            return Err(errors::SubtensorModule::DelegateTakeTooHigh);
        }
        let last = items
            .last_rate_limited_block
            .get(cx.state, RateLimitKey::LastTxBlockDelegateTake(hotkey));
        let limit = items.tx_delegate_take_rate_limit.get(cx.state);
        if limit != 0 && last != 0 && cx.block.saturating_sub(last) <= limit {
            return Err(errors::SubtensorModule::DelegateTxRateLimitExceeded);
        }
        self.put_take(cx, &hotkey, take);
        cx.emit(self.events.take_increased, (coldkey, hotkey, take));
        DONE
    }

    fn decrease_take(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hotkey: Account,
        take: u16,
    ) -> DispatchResult {
        let coldkey = origin.signed()?;
        self.ensure_take_owner(cx.state, &coldkey, &hotkey)?;
        let items = &self.items;
        if items.delegates.try_get(cx.state, hotkey).is_some_and(|current| take >= current) {
            return Err(errors::SubtensorModule::DelegateTakeTooLow);
        }
        if take < items.min_delegate_take.get(cx.state) {
            return Err(errors::SubtensorModule::DelegateTakeTooLow);
        }
        self.put_take(cx, &hotkey, take);
        cx.emit(self.events.take_decreased, (coldkey, hotkey, take));
        DONE
    }

    fn put_take(&self, cx: &mut Ctx<'_>, hotkey: &Account, take: u16) {
        let key = RateLimitKey::LastTxBlockDelegateTake(*hotkey);
        self.items.last_rate_limited_block.set(cx.state, key, &cx.block);
        self.items.delegates.set(cx.state, *hotkey, &take);
    }

    fn check_take(
        &self,
        cx: &mut Ctx<'_>,
        who: &Account,
        hotkey: &Account,
        take: &u16,
    ) -> Result<(), DispatchError> {
        if *take < self.items.min_delegate_take.get(cx.state) {
            return Err(errors::SubtensorModule::DelegateTakeTooLow);
        }
        if *take > self.items.max_delegate_take.get(cx.state) {
            return Err(errors::SubtensorModule::DelegateTakeTooHigh);
        }
        self.ensure_take_owner(cx.state, who, hotkey)
    }

    fn ensure_take_owner(
        &self,
        state: &State,
        coldkey: &Account,
        hotkey: &Account,
    ) -> Result<(), DispatchError> {
        self.ensure_hotkey(state, hotkey)?;
        if self.owns(state, coldkey, hotkey) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::NonAssociatedColdKey)
        }
    }
}
