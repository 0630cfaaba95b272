//! Weights that are committed first: by hash, or locked until a drand round (chain rules 8.4 to 8.6, 8.9).

mod hashed;
mod timelocked;

use super::ctx::Ctx;
use super::dispatch::Registrar;
use super::error::{DispatchError, errors};
use super::{Account, Runtime};
use crate::local::state::State;

/// Most commits of a hotkey that may wait at once.
const MAX_UNREVEALED: usize = 10;

pub(super) fn register(calls: &mut Registrar<'_>) {
    hashed::register(calls);
    timelocked::register(calls);
}

/// What both kinds ask.
impl Runtime {
    fn is_expired(&self, cx: &Ctx<'_>, netuid: u16, epoch: u64) -> bool {
        let period = self.items.reveal_period.get(cx.state, netuid);
        self.current_epoch(cx.state, netuid, cx.block) > epoch.saturating_add(period)
    }

    fn ensure_commit_reveal(&self, state: &State, netuid: u16) -> Result<(), DispatchError> {
        if self.items.commit_reveal_enabled.get(state, netuid) {
            Ok(())
        } else {
            Err(errors::SubtensorModule::CommitRevealDisabled)
        }
    }

    fn committer_uid(
        &self,
        cx: &Ctx<'_>,
        hotkey: &Account,
        netuid: u16,
        mecid: u8,
    ) -> Result<u16, DispatchError> {
        let Some(uid) = self.uid_of(cx.state, netuid, hotkey) else {
            return Err(errors::SubtensorModule::HotKeyNotRegisteredInSubNet);
        };
        if !self.weights_rate_passes(cx, netuid, mecid, uid) {
            return Err(errors::SubtensorModule::CommittingWeightsTooFast);
        }
        Ok(uid)
    }

    /// For each uid the block of its earliest commit that may still be revealed; the epoch hides newer neurons from older commits.
    pub(crate) fn live_commit_blocks(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
        index: u16,
        hotkeys: &[Account],
    ) -> Vec<Option<u64>> {
        let mut timelocked: std::collections::HashMap<Account, u64> =
            std::collections::HashMap::new();
        for (epoch, commits) in self.items.timelocked_commits.under(cx.state, index) {
            if self.is_expired(cx, netuid, epoch) {
                continue;
            }
            for commit in commits {
                let earliest = timelocked.entry(commit.0).or_insert(commit.1);
                *earliest = (*earliest).min(commit.1);
            }
        }
        let hashed = self.items.weight_commits.under(cx.state, index);
        let hashed: std::collections::HashMap<Account, u64> = hashed
            .into_iter()
            .filter_map(|(hotkey, commits)| {
                let live = commits.iter().find(|commit| !self.is_expired(cx, netuid, commit.1))?;
                Some((hotkey, live.2))
            })
            .collect();
        if timelocked.is_empty() && hashed.is_empty() {
            return Vec::new();
        }
        hotkeys
            .iter()
            .map(|hotkey| {
                [timelocked.get(hotkey), hashed.get(hotkey)].into_iter().flatten().min().copied()
            })
            .collect()
    }
}
