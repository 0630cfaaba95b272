//! When epochs are due, and the calls that move them (chain rules 2.3 to 2.6).

use super::Runtime;
use super::ctx::{Ctx, Origin};
use super::dispatch::{DONE, DispatchResult, Registrar, calls};
use super::error::{DispatchError, errors};
use super::limits::{Hyperparameter, Limit};
use crate::local::state::State;

/// Bounds on the tempo an owner may choose.
const OWNER_TEMPO: std::ops::RangeInclusive<u16> = 360..=50_400;

/// An epoch runs at the latest this many blocks after the last one that ran.
const MAX_BLOCKS_WITHOUT_STEP: u64 = 50_400;

/// Bounds of the activity cut-off, in thousandths of the tempo.
const CUTOFF_FACTOR: std::ops::RangeInclusive<u32> = 1_000..=50_000;

pub(super) fn register(calls: &mut Registrar<'_>) {
    calls!(calls, "SubtensorModule":
        PAID set_tempo(netuid: u16, tempo: u16) => set_tempo;
        PAID trigger_epoch(netuid: u16) => trigger_epoch;
        PAID set_activity_cutoff_factor(netuid: u16, factor_milli: u32) => set_activity_cutoff_factor;
    );
    calls!(calls, "AdminUtils":
        PAID sudo_set_tempo(netuid: u16, tempo: u16) => sudo_set_tempo;
        PAID sudo_set_activity_cutoff_factor(netuid: u16, factor_milli: u32) => set_activity_cutoff_factor;
    );
}

impl Runtime {
    /// Whether the subnet's epoch slot has come and was not yet used.
    pub(crate) fn is_due(&self, state: &State, netuid: u16, block: u64) -> bool {
        let items = &self.items;
        let tempo = items.tempo.get(state, netuid);
        if tempo == 0 {
            return false;
        }
        let pending = items.pending_epoch_at.get(state, netuid);
        if pending > 0 && block >= pending {
            return true;
        }
        if items.blocks_since_last_step.get(state, netuid) > MAX_BLOCKS_WITHOUT_STEP {
            return true;
        }
        let last = items.last_epoch_block.get(state, netuid);
        block.saturating_sub(last) >= u64::from(tempo)
    }

    /// Index of the epoch that something happening now belongs to: one further if the slot of this block is still to be used.
    pub(crate) fn current_epoch(&self, state: &State, netuid: u16, block: u64) -> u64 {
        let index = self.items.subnet_epoch_index.get(state, netuid);
        index.saturating_add(u64::from(self.is_due(state, netuid, block)))
    }

    /// Block of the next epoch by the schedule; nothing for a subnet without tempo.
    #[must_use]
    pub fn next_epoch_start(&self, state: &State, netuid: u16) -> Option<u64> {
        let tempo = self.items.tempo.get(state, netuid);
        if tempo == 0 {
            return None;
        }
        let regular =
            self.items.last_epoch_block.get(state, netuid).saturating_add(u64::from(tempo));
        let pending = self.items.pending_epoch_at.get(state, netuid);
        Some(if pending > 0 { regular.min(pending) } else { regular })
    }

    /// Blocks left until the regular next epoch; `u64::MAX` without tempo.
    pub(crate) fn blocks_until_regular_epoch(&self, state: &State, netuid: u16, block: u64) -> u64 {
        let tempo = self.items.tempo.get(state, netuid);
        if tempo == 0 {
            return u64::MAX;
        }
        let next = self.items.last_epoch_block.get(state, netuid).saturating_add(u64::from(tempo));
        next.saturating_sub(block)
    }

    /// Subnets whose epoch is due in this block but must wait, since too many are.
    pub(crate) fn deferred_epochs(&self, cx: &Ctx<'_>, netuids: &[u16]) -> Vec<u16> {
        let cap = usize::from(self.items.max_epochs_per_block.get(cx.state));
        let due = netuids.iter().filter(|netuid| self.is_due(cx.state, **netuid, cx.block));
        due.copied().skip(cap).collect()
    }

    /// Owner changes are refused shortly before an epoch.
    pub(crate) fn ensure_admin_window_open(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
    ) -> Result<(), DispatchError> {
        let state = &*cx.state;
        if self.items.tempo.get(state, netuid) == 0 {
            return Ok(());
        }
        let window = u64::from(self.items.admin_freeze_window.get(state));
        let pending = self.items.pending_epoch_at.get(state, netuid);
        let remaining = self.blocks_until_regular_epoch(state, netuid, cx.block);
        if pending > cx.block || remaining < window {
            return Err(errors::SubtensorModule::AdminActionProhibitedDuringWeightsWindow);
        }
        Ok(())
    }

    /// Blocks after which a silent neuron counts as inactive.
    pub(crate) fn activity_cutoff(&self, state: &State, netuid: u16) -> u64 {
        let factor = u64::from(self.items.activity_cutoff_factor_milli.get(state, netuid));
        (factor.saturating_mul(u64::from(self.items.tempo.get(state, netuid))) / 1_000).max(1)
    }

    fn restart_cycle(&self, cx: &mut Ctx<'_>, netuid: u16, tempo: u16) {
        self.items.tempo.set(cx.state, netuid, &tempo);
        cx.emit(self.events.tempo_set, (netuid, tempo));
        self.items.last_epoch_block.set(cx.state, netuid, &cx.block);
    }

    fn set_tempo(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        tempo: u16,
    ) -> DispatchResult {
        let who = self.ensure_owner(cx.state, origin, netuid)?;
        if !OWNER_TEMPO.contains(&tempo) {
            return Err(errors::SubtensorModule::TempoOutOfBounds);
        }
        self.ensure_admin_window_open(cx, netuid)?;
        self.ensure_limit(cx, Limit::Tempo, &who, netuid)?;
        self.restart_cycle(cx, netuid, tempo);
        self.record_limit(cx, Limit::Tempo, &who, netuid);
        DONE
    }

    fn sudo_set_tempo(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        tempo: u16,
    ) -> DispatchResult {
        origin.root()?;
        self.ensure_admin_window_open(cx, netuid)?;
        if !self.items.networks_added.get(cx.state, netuid) {
            return Err(errors::AdminUtils::SubnetDoesNotExist);
        }
        self.restart_cycle(cx, netuid, tempo);
        DONE
    }

    fn trigger_epoch(&self, cx: &mut Ctx<'_>, origin: Origin, netuid: u16) -> DispatchResult {
        let who = self.ensure_owner(cx.state, origin, netuid)?;
        if self.items.commit_reveal_enabled.get(cx.state, netuid) {
            return Err(errors::SubtensorModule::DynamicTempoBlockedByCommitReveal);
        }
        if self.items.pending_epoch_at.get(cx.state, netuid) != 0 {
            return Err(errors::SubtensorModule::EpochTriggerAlreadyPending);
        }
        let window = u64::from(self.items.admin_freeze_window.get(cx.state));
        if self.blocks_until_regular_epoch(cx.state, netuid, cx.block) < window {
            return Err(errors::SubtensorModule::AutoEpochAlreadyImminent);
        }
        let limit = Limit::Owner(Hyperparameter::TriggerEpoch);
        self.ensure_limit(cx, limit, &who, netuid)?;
        let fires_at = cx.block.saturating_add(window);
        self.items.pending_epoch_at.set(cx.state, netuid, &fires_at);
        self.record_limit(cx, limit, &who, netuid);
        cx.emit(self.events.epoch_triggered, (netuid, who, fires_at));
        DONE
    }

    fn set_activity_cutoff_factor(
        &self,
        cx: &mut Ctx<'_>,
        origin: Origin,
        netuid: u16,
        factor_milli: u32,
    ) -> DispatchResult {
        let owner = self.ensure_owner_or_root(cx.state, origin, netuid)?;
        if !CUTOFF_FACTOR.contains(&factor_milli) {
            return Err(errors::SubtensorModule::ActivityCutoffFactorMilliOutOfBounds);
        }
        let limit = Limit::Owner(Hyperparameter::ActivityCutoffFactorMilli);
        if let Some(owner) = &owner {
            self.ensure_admin_window_open(cx, netuid)?;
            self.ensure_limit(cx, limit, owner, netuid)?;
        }
        self.items.activity_cutoff_factor_milli.set(cx.state, netuid, &factor_milli);
        cx.emit(self.events.activity_cutoff_factor_set, (netuid, factor_milli));
        if let Some(owner) = &owner {
            self.record_limit(cx, limit, owner, netuid);
        }
        DONE
    }
}
