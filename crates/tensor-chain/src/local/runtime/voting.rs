//! Voting power: a slow average of what validators have staked, on subnets whose owner wants it (chain rules 12.9).

use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::errors;
use super::{Account, Runtime};

/// One, as the average's weight is counted.
const ONE: u64 = 1_000_000_000_000_000_000;

/// Blocks from the wish to end the count until it ends: 14 days of 12 seconds.
const GRACE: u64 = 100_800;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID enable_voting_power_tracking(netuid: u16) => enable_voting_power;
        PAID disable_voting_power_tracking(netuid: u16) => disable_voting_power;
        PAID sudo_set_voting_power_ema_alpha(netuid: u16, alpha: u64) => set_voting_power_alpha;
    );
}

impl Runtime {
    fn enable_voting_power(&self, cx: &mut Ctx<'_>, origin: Origin, netuid: u16) -> DispatchResult {
        self.ensure_exists(cx.state, netuid)?;
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        self.items.voting_power_tracked.set(cx.state, netuid, &true);
        self.items.voting_power_ends_at.remove(cx.state, netuid);
        cx.emit(self.events.voting_power_enabled, netuid);
        DONE
    }

    fn disable_voting_power(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
    ) -> DispatchResult {
        self.ensure_exists(cx.state, netuid)?;
        self.ensure_owner_or_root(cx.state, origin, netuid)?;
        if !self.items.voting_power_tracked.get(cx.state, netuid) {
            return Err(errors::SubtensorModule::VotingPowerTrackingNotEnabled);
        }
        let ends_at = cx.block.saturating_add(GRACE);
        self.items.voting_power_ends_at.set(cx.state, netuid, &ends_at);
        cx.emit(self.events.voting_power_disable_scheduled, (netuid, ends_at));
        DONE
    }

    fn set_voting_power_alpha(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        alpha: u64,
    ) -> DispatchResult {
        origin.root()?;
        self.ensure_exists(cx.state, netuid)?;
        if alpha > ONE {
            return Err(errors::SubtensorModule::InvalidVotingPowerEmaAlpha);
        }
        self.items.voting_power_alpha.set(cx.state, netuid, &alpha);
        cx.emit(self.events.voting_power_alpha_set, (netuid, alpha));
        DONE
    }

    /// Moves the averages on after an epoch.
    pub(crate) fn update_voting_power(&self, cx: &mut Ctx<'_>, netuid: u16, hotkeys: &[Account]) {
        let items = &self.items;
        if !items.voting_power_tracked.get(cx.state, netuid) {
            return;
        }
        let ends_at = items.voting_power_ends_at.get(cx.state, netuid);
        if ends_at != 0 && cx.block >= ends_at {
            self.clear_voting_power(cx, netuid);
            cx.emit(self.events.voting_power_disabled, netuid);
            return;
        }
        let alpha = items.voting_power_alpha.get(cx.state, netuid).min(ONE);
        let threshold = items.stake_threshold.get(cx.state);
        let permits = items.validator_permit.get(cx.state, netuid);
        let validators: Vec<Account> = hotkeys
            .iter()
            .zip(permits)
            .filter(|(_, permit)| *permit)
            .map(|(hotkey, _)| *hotkey)
            .collect();
        for (hotkey, _) in items.voting_power.under(cx.state, netuid) {
            if !validators.contains(&hotkey) {
                items.voting_power.remove(cx.state, (netuid, hotkey));
            }
        }
        let mut total = 0_u64;
        for hotkey in validators {
            let before = items.voting_power.get(cx.state, (netuid, hotkey));
            let stake = self.stake_weight(cx.state, &hotkey, netuid);
            let after = moved(before, stake, alpha);
            let fell = before >= threshold && after < threshold;
            if after == 0 || fell {
                items.voting_power.remove(cx.state, (netuid, hotkey));
            } else {
                items.voting_power.set(cx.state, (netuid, hotkey), &after);
                total = total.saturating_add(after);
            }
        }
        items.total_voting_power.set(cx.state, netuid, &total);
    }

    /// Ends the count and forgets what was counted.
    pub(crate) fn clear_voting_power(&self, cx: &mut Ctx<'_>, netuid: u16) {
        self.items.voting_power.clear_under(cx.state, netuid);
        self.items.total_voting_power.remove(cx.state, netuid);
        self.items.voting_power_tracked.remove(cx.state, netuid);
        self.items.voting_power_ends_at.remove(cx.state, netuid);
    }
}

/// The average moved towards `stake`: `(a * stake + (1e18 - a) * before) / 1e18`.
fn moved(before: u64, stake: u64, alpha: u64) -> u64 {
    let part = |value: u64, weight: u64| u128::from(value).saturating_mul(weight.into());
    let sum = part(stake, alpha).saturating_add(part(before, ONE.saturating_sub(alpha)));
    u64::try_from(sum / u128::from(ONE)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_moves_by_its_weight() {
        assert_eq!(moved(0, 1_000_000_000_000, 3_570_000_000_000_000), 3_570_000_000);
        assert_eq!(moved(1_000, 2_000, ONE / 2), 1_500);
        assert_eq!(moved(7, 9, ONE), 9);
        assert_eq!(moved(u64::MAX, u64::MAX, 1), u64::MAX);
    }
}
