//! Replacing a coldkey: announced, waited for, carried out, disputed (chain rules 7.10, 1.10).

use parity_scale_codec::Encode;
use sp_crypto_hashing::blake2_256;

use super::accounts::Keep;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DecodedCall, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::state::State;
use crate::local::storage::record::RateLimitKey;

/// Price of a new key everywhere (`KeySwapCost`).
pub(super) const KEY_SWAP_COST: u64 = 100_000_000;

/// What a coldkey may still do while its swap is announced.
const DURING_ANNOUNCEMENT: [&str; 4] = [
    "announce_coldkey_swap",
    "swap_coldkey_announced",
    "dispute_coldkey_swap",
    "clear_coldkey_swap_announcement",
];

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID announce_coldkey_swap(new_coldkey_hash: [u8; 32]) => announce_coldkey_swap;
        PAID swap_coldkey_announced(new_coldkey: Account) => swap_coldkey_announced;
        PAID dispute_coldkey_swap() => dispute_coldkey_swap;
        PAID reset_coldkey_swap(coldkey: Account) => reset_coldkey_swap;
        PAID clear_coldkey_swap_announcement() => clear_coldkey_swap;
        PAID swap_coldkey(old_coldkey: Account, new_coldkey: Account, swap_cost: u64) => swap_coldkey_by_root;
    );
}

impl Runtime {
    /// While a swap is announced its coldkey may do nothing else; once disputed, nothing at all.
    pub(crate) fn ensure_no_coldkey_swap(
        &self,
        state: &State,
        who: &Account,
        call: &DecodedCall<'_>,
    ) -> Result<(), DispatchError> {
        if !self.items.coldkey_swap_announcements.contains(state, *who) {
            return Ok(());
        }
        if self.items.coldkey_swap_disputes.contains(state, *who) {
            return Err(errors::SubtensorModule::ColdkeySwapDisputed);
        }
        let allowed = match self.name_of(call) {
            Some(("SubtensorModule", name)) => DURING_ANNOUNCEMENT.contains(&name),
            Some(("MevShield", name)) => name == "submit_encrypted",
            _ => false,
        };
        if allowed { Ok(()) } else { Err(errors::SubtensorModule::ColdkeySwapAnnounced) }
    }

    fn announce_coldkey_swap(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        hash: [u8; 32],
    ) -> DispatchResult {
        let who = origin.signed()?;
        let items = &self.items;
        let now = u32::try_from(cx.block).unwrap_or(u32::MAX);
        if let Some((when, _)) = items.coldkey_swap_announcements.try_get(cx.state, who) {
            let delay = items.coldkey_swap_reannouncement_delay.get(cx.state);
            if now < when.saturating_add(delay) {
                return Err(errors::SubtensorModule::ColdkeySwapReannouncedTooEarly);
            }
        } else {
            self.recycle_tao(cx, &who, KEY_SWAP_COST)
                .map_err(|_| errors::SubtensorModule::NotEnoughBalanceToPaySwapColdKey)?;
        }
        let when = now.saturating_add(items.coldkey_swap_announcement_delay.get(cx.state));
        items.coldkey_swap_announcements.set(cx.state, who, &(when, hash));
        cx.emit(self.events.coldkey_swap_announced, (who, hash));
        DONE
    }

    fn swap_coldkey_announced(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        new: Account,
    ) -> DispatchResult {
        let who = origin.signed()?;
        let Some((when, hash)) = self.items.coldkey_swap_announcements.take(cx.state, who) else {
            return Err(errors::SubtensorModule::ColdkeySwapAnnouncementNotFound);
        };
        if blake2_256(&new.encode()) != hash {
            return Err(errors::SubtensorModule::AnnouncedColdkeyHashDoesNotMatch);
        }
        if cx.block < u64::from(when) {
            return Err(errors::SubtensorModule::ColdkeySwapTooEarly);
        }
        self.replace_coldkey(cx, &who, &new)?;
        DONE
    }

    fn dispute_coldkey_swap(&self, cx: &mut Ctx<'_>, origin: Origin) -> DispatchResult {
        let who = origin.signed()?;
        let items = &self.items;
        if !items.coldkey_swap_announcements.contains(cx.state, who) {
            return Err(errors::SubtensorModule::ColdkeySwapAnnouncementNotFound);
        }
        if items.coldkey_swap_disputes.contains(cx.state, who) {
            return Err(errors::SubtensorModule::ColdkeySwapAlreadyDisputed);
        }
        let now = u32::try_from(cx.block).unwrap_or(u32::MAX);
        items.coldkey_swap_disputes.set(cx.state, who, &now);
        cx.emit(self.events.coldkey_swap_disputed, who);
        DONE
    }

    fn reset_coldkey_swap(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        coldkey: Account,
    ) -> DispatchResult {
        origin.root()?;
        self.items.coldkey_swap_announcements.remove(cx.state, coldkey);
        self.items.coldkey_swap_disputes.remove(cx.state, coldkey);
        cx.emit(self.events.coldkey_swap_reset, coldkey);
        DONE
    }

    /// The owner takes its announcement back, as late as it could announce again.
    fn clear_coldkey_swap(&self, cx: &mut Ctx<'_>, origin: Origin) -> DispatchResult {
        let who = origin.signed()?;
        let Some((when, _)) = self.items.coldkey_swap_announcements.try_get(cx.state, who) else {
            return Err(errors::SubtensorModule::ColdkeySwapAnnouncementNotFound);
        };
        let delay = self.items.coldkey_swap_reannouncement_delay.get(cx.state);
        if cx.block < u64::from(when.saturating_add(delay)) {
            return Err(errors::SubtensorModule::ColdkeySwapClearTooEarly);
        }
        self.items.coldkey_swap_announcements.remove(cx.state, who);
        cx.emit(self.events.coldkey_swap_cleared, who);
        DONE
    }

    fn swap_coldkey_by_root(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        old: Account,
        new: Account,
        cost: u64,
    ) -> DispatchResult {
        origin.root()?;
        if cost > 0 {
            self.recycle_tao(cx, &old, cost)
                .map_err(|_| errors::SubtensorModule::NotEnoughBalanceToPaySwapColdKey)?;
        }
        self.replace_coldkey(cx, &old, &new)?;
        self.items.coldkey_swap_announcements.remove(cx.state, old);
        self.items.coldkey_swap_disputes.remove(cx.state, old);
        DONE
    }

    fn replace_coldkey(
        &self,
        cx: &mut Ctx<'_>,
        old: &Account,
        new: &Account,
    ) -> Result<(), DispatchError> {
        let items = &self.items;
        if !items.staking_hotkeys.get(cx.state, *new).is_empty() {
            return Err(errors::SubtensorModule::ColdKeyAlreadyAssociated);
        }
        if self.hotkey_exists(cx.state, new) {
            return Err(errors::SubtensorModule::NewColdKeyIsHotkey);
        }
        if !items.identities.contains(cx.state, *new)
            && let Some(identity) = items.identities.take(cx.state, *old)
        {
            items.identities.set(cx.state, *new, &identity);
        }
        let staking = items.staking_hotkeys.get(cx.state, *old);
        for netuid in self.netuids(cx.state) {
            if items.subnet_owner.try_get(cx.state, netuid) == Some(*old) {
                items.subnet_owner.set(cx.state, netuid, new);
            }
            if let Some(hotkey) = items.auto_stake_destination.take(cx.state, (*old, netuid)) {
                items.auto_stake_destination.set(cx.state, (*new, netuid), &hotkey);
                items.auto_stake_coldkeys.mutate(cx.state, (hotkey, netuid), |coldkeys| {
                    coldkeys.retain(|coldkey| coldkey != old && coldkey != new);
                    coldkeys.push(*new);
                });
            }
            for hotkey in &staking {
                let alpha = self.stake(cx.state, hotkey, old, netuid);
                self.decrease_stake(cx, hotkey, old, netuid, alpha);
                self.increase_stake(cx, hotkey, new, netuid, alpha);
                if self.stake(cx.state, hotkey, new, netuid) > 0 {
                    self.move_root_claims(cx, netuid, (hotkey, old), (hotkey, new));
                    if netuid == 0 {
                        self.index_root_staker(cx, new);
                    }
                }
            }
            if netuid == 0 {
                self.unindex_root_staker(cx, old);
            }
        }
        items.staking_hotkeys.remove(cx.state, *old);
        let owned = items.owned_hotkeys.take(cx.state, *old).unwrap_or_default();
        for hotkey in &owned {
            items.owner.set(cx.state, *hotkey, new);
        }
        items.staking_hotkeys.set(cx.state, *new, &staking);
        items.owned_hotkeys.set(cx.state, *new, &owned);
        let all = self.reducible(cx.state, old, Keep::MayDie);
        if all > 0 {
            self.transfer_tao(cx, old, new, all)?;
        }
        items.last_rate_limited_block.set(cx.state, RateLimitKey::LastTxBlock(*new), &cx.block);
        cx.emit(self.events.coldkey_swapped, (*old, *new));
        Ok(())
    }
}
