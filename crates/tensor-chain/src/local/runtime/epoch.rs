//! From the state into the Yuma epoch of `tensor-yuma`, and its result back into the state (chain rules 9.1 to 9.3, 8.8).

use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{
    Aggregate, Epoch, Outcome, Parameters, Snapshot, SplitRule, mechanism_weight, split_emission,
};

use super::ctx::Ctx;
use super::neurons::mechanism_index;
use super::payout::Earned;
use super::{Account, Ruleset, Runtime};
use crate::local::state::State;

impl Runtime {
    /// Runs the epoch of every mechanism on its part of `pot`, stores the results, and returns what each hotkey earned.
    pub(crate) fn run_epoch(&self, cx: &mut Ctx<'_>, netuid: u16, pot: u64) -> Vec<Earned> {
        let hotkeys = self.hotkeys(cx.state, netuid);
        let parameters = self.epoch_parameters(cx.state, netuid);
        let mut snapshot = self.epoch_snapshot(cx, netuid, &hotkeys);
        let count = self.mechanisms(cx.state, netuid);
        let split = self.items.mechanism_emission_split.try_get(cx.state, netuid);
        let rule = match self.ruleset {
            Ruleset::V425 => SplitRule::Padded,
            Ruleset::V461 => SplitRule::Exact,
        };
        let parts = split_emission(pot, usize::from(count), split.as_deref(), rule);
        let mut aggregate = Aggregate::new(hotkeys.len());
        // A poisoned workspace is replaced: it holds nothing that outlives a run.
        let mut epoch = self.epoch.lock().unwrap_or_else(|poisoned| {
            let mut epoch = poisoned.into_inner();
            *epoch = Epoch::new();
            epoch
        });
        for (mecid, part) in (0..count).zip(parts) {
            let index = mechanism_index(netuid, mecid);
            self.load_mechanism(cx, netuid, index, &hotkeys, part, &mut snapshot);
            // Only planted state (duplicate rows, stakes beyond the supply) fails; such a mechanism pays nothing.
            let Ok(outcome) = epoch.run(&parameters, &snapshot.as_input()) else { continue };
            self.store_mechanism(cx, index, outcome);
            let mechanism = usize::from(mecid);
            aggregate.add(mechanism, outcome, mechanism_weight(part, pot, mechanism));
        }
        drop(epoch);
        self.store_epoch(cx, netuid, &aggregate);
        self.update_voting_power(cx, netuid, &hotkeys);
        hotkeys
            .into_iter()
            .zip(aggregate.server_emission.iter().zip(&aggregate.validator_emission))
            .map(|(hotkey, (incentive, dividend))| Earned {
                hotkey,
                incentive: *incentive,
                dividend: *dividend,
            })
            .collect()
    }

    fn epoch_parameters(&self, state: &State, netuid: u16) -> Parameters {
        let items = &self.items;
        let (alpha_low, alpha_high) = items.alpha_values.get(state, netuid);
        let mut parameters = Parameters::default();
        parameters.tempo = items.tempo.get(state, netuid);
        parameters.activity_cutoff_factor_milli =
            items.activity_cutoff_factor_milli.get(state, netuid);
        parameters.stake_threshold = items.stake_threshold.get(state);
        parameters.owner_uid = self.owner_uid(state, netuid);
        parameters.max_allowed_validators = items.max_allowed_validators.get(state, netuid);
        parameters.kappa = items.kappa.get(state, netuid);
        parameters.bonds_penalty = items.bonds_penalty.get(state, netuid);
        parameters.bonds_moving_average = items.bonds_moving_average.get(state, netuid);
        parameters.yuma3 = items.yuma3_on.get(state, netuid);
        parameters.liquid_alpha = items.liquid_alpha_on.get(state, netuid);
        parameters.alpha_low = alpha_low;
        parameters.alpha_high = alpha_high;
        parameters.alpha_sigmoid_steepness = items.alpha_sigmoid_steepness.get(state, netuid);
        parameters.commit_reveal = items.commit_reveal_enabled.get(state, netuid);
        parameters.tao_weight = items.tao_weight.get(state);
        parameters
    }

    /// The columns that all mechanisms share.
    fn epoch_snapshot(&self, cx: &Ctx<'_>, netuid: u16, hotkeys: &[Account]) -> Snapshot {
        let state = &*cx.state;
        let items = &self.items;
        let n = hotkeys.len();
        let mut snapshot = Snapshot::new(n);
        snapshot.current_block = cx.block;
        snapshot.last_mechanism_step_block = items.last_mechanism_step_block.get(state, netuid);
        snapshot.alpha_stake =
            hotkeys.iter().map(|hotkey| self.inherited(state, hotkey, netuid, netuid)).collect();
        snapshot.tao_stake =
            hotkeys.iter().map(|hotkey| self.inherited(state, hotkey, netuid, 0)).collect();
        snapshot.block_at_registration = (0..n)
            .map(|uid| items.block_at_registration.get(state, (netuid, short(uid))))
            .collect();
        let mut permits = items.validator_permit.get(state, netuid);
        permits.resize(n, false);
        snapshot.validator_permit = permits;
        snapshot
    }

    fn load_mechanism(
        &self,
        cx: &Ctx<'_>,
        netuid: u16,
        index: u16,
        hotkeys: &[Account],
        emission: u64,
        snapshot: &mut Snapshot,
    ) {
        let state = &*cx.state;
        let items = &self.items;
        let n = hotkeys.len();
        snapshot.rao_emission = emission;
        let mut last_update = items.last_update.get(state, index);
        if last_update.len() < n {
            last_update.resize(n, 0);
        }
        snapshot.last_update = last_update;
        snapshot.commit_blocks = if items.commit_reveal_enabled.get(state, netuid) {
            self.live_commit_blocks(cx, netuid, index, hotkeys)
        } else {
            Vec::new()
        };
        snapshot.weights = RowsBuf::new();
        snapshot.bonds = RowsBuf::new();
        for uid in 0..n {
            let key = (index, short(uid));
            snapshot.weights.push_row(items.weights.row(state, key));
            snapshot.bonds.push_row(items.bonds.row(state, key));
        }
    }

    fn store_mechanism(&self, cx: &mut Ctx<'_>, index: u16, outcome: &Outcome) {
        let items = &self.items;
        items.incentive.set(cx.state, index, &outcome.incentive_u16);
        items.consensus_by_mechanism.set(cx.state, index, &outcome.consensus_u16);
        for (uid, row) in outcome.bonds.as_rows().iter().enumerate() {
            let row: Vec<(u16, u16)> = row.iter().collect();
            items.bonds.set(cx.state, (index, short(uid)), &row);
        }
        cx.emit(self.events.incentive_emitted, (index, &outcome.server_emission));
    }

    fn store_epoch(&self, cx: &mut Ctx<'_>, netuid: u16, aggregate: &Aggregate) {
        let items = &self.items;
        items.active.set(cx.state, netuid, &aggregate.active);
        items.emission.set(cx.state, netuid, &aggregate.emission);
        items.consensus.set(cx.state, netuid, &aggregate.consensus_u16);
        items.dividends.set(cx.state, netuid, &aggregate.dividends_u16);
        items.validator_trust.set(cx.state, netuid, &aggregate.validator_trust_u16);
        items.validator_permit.set(cx.state, netuid, &aggregate.new_validator_permit);
        items.stake_weight.set(cx.state, netuid, &aggregate.stake_weight_u16);
    }
}

/// Uids are 16-bit by construction: as many as `SubnetworkN` counts.
fn short(uid: usize) -> u16 {
    u16::try_from(uid).unwrap_or(u16::MAX)
}
