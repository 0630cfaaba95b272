//! What if: a real subnet continued with and without a change.

use super::scenario::SimError;
use crate::emission::issuance::BLOCKS_PER_DAY;
use crate::epoch::{Epoch, Outcome, Parameters, Snapshot};
use crate::fixed::I32F32;
use crate::rows::RowsBuf;

/// A change to a subnet.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)
)]
#[non_exhaustive]
pub enum Change {
    /// Set the alpha stake of a neuron.
    Stake {
        /// The neuron.
        uid: u16,
        /// Its new stake in rao.
        rao: u64,
    },
    /// Replace the weights of a validator, as submitted.
    Weights {
        /// The validator.
        uid: u16,
        /// Pairs of uid and weight.
        row: Vec<(u16, u16)>,
    },
    /// Register a miner, which gets the next uid, and let validators weight it beside their present weights.
    Miner {
        /// Pairs of validator and the weight it gives.
        weights: Vec<(u16, u16)>,
    },
    /// Replace the hyperparameters.
    Parameters {
        /// The new ones.
        parameters: Box<Parameters>,
    },
}

/// A subnet and where it goes from there.
#[derive(Clone, Debug)]
pub struct Fork {
    parameters: Parameters,
    snapshot: Snapshot,
}

/// One neuron with and without the change, after the same number of epochs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Effect {
    /// The neuron.
    pub uid: u16,
    /// Without the change; `None` for a neuron that the change adds.
    pub before: Option<Standing>,
    /// With it.
    pub after: Standing,
}

/// How a neuron stands after an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Standing {
    /// Incentive.
    pub incentive: I32F32,
    /// Dividends.
    pub dividends: I32F32,
    /// Trust as a validator.
    pub validator_trust: I32F32,
    /// Whether it holds a permit.
    pub permit: bool,
    /// Alpha units of the last epoch.
    pub emission: u64,
    /// Alpha units a day at that rate.
    pub emission_per_day: u64,
    /// Place in the order of pruning, 0 the first to go: lowest emission, then oldest registration, then lowest uid. Immunity
    /// and the owner's protection are not considered.
    pub pruning_rank: usize,
}

impl Standing {
    /// Days until `cost` alpha units are earned back at the present rate; `None` without any emission.
    #[must_use]
    pub fn days_to_break_even(&self, cost: u64) -> Option<f64> {
        (self.emission_per_day > 0).then(|| cost as f64 / self.emission_per_day as f64)
    }
}

impl Fork {
    /// Continue from this subnet.
    #[must_use]
    pub const fn new(parameters: Parameters, snapshot: Snapshot) -> Self {
        Self { parameters, snapshot }
    }

    /// The standings after `epochs` epochs (at least one) with and without `changes`. Everybody keeps setting the weights
    /// of the snapshot every epoch.
    ///
    /// # Errors
    /// [`SimError::Epoch`] if the epoch refuses one of the two subnets.
    pub fn compare(&self, changes: &[Change], epochs: usize) -> Result<Vec<Effect>, SimError> {
        let before = self.standings(epochs)?;
        let mut changed = self.clone();
        changes.iter().for_each(|change| changed.apply(change));
        let after = changed.standings(epochs)?;
        let effects = (0u16..=u16::MAX).zip(after).map(|(uid, after)| Effect {
            uid,
            before: before.get(usize::from(uid)).copied(),
            after,
        });
        Ok(effects.collect())
    }

    /// The standings after `epochs` epochs.
    ///
    /// # Errors
    /// As [`Self::compare`].
    pub fn standings(&self, epochs: usize) -> Result<Vec<Standing>, SimError> {
        let mut snapshot = self.snapshot.clone();
        let mut epoch = Epoch::new();
        for at in 0..epochs.max(1) {
            if at > 0 {
                advance(&mut snapshot, epoch.outcome(), self.parameters.tempo);
            }
            epoch
                .run(&self.parameters, &snapshot.as_input())
                .map_err(|source| SimError::Epoch { epoch: at, source })?;
        }
        Ok(standings(epoch.outcome(), &snapshot, self.parameters.tempo))
    }

    /// Make a change. Neurons it names that do not exist are left out.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Stake { uid, rao } => {
                if let Some(stake) = self.snapshot.alpha_stake.get_mut(usize::from(*uid)) {
                    *stake = *rao;
                }
            }
            Change::Weights { uid, row } => {
                let values: Vec<u16> = row.iter().map(|(_, value)| *value).collect();
                let upscaled = crate::weights::max_upscale(&values);
                let row: Vec<(u16, u16)> =
                    row.iter().map(|(target, _)| *target).zip(upscaled).collect();
                self.rewrite(|i, old| if i == usize::from(*uid) { row.clone() } else { old });
                self.touch(*uid);
            }
            Change::Miner { weights } => self.add_miner(weights),
            Change::Parameters { parameters } => self.parameters = (**parameters).clone(),
        }
    }

    fn add_miner(&mut self, weights: &[(u16, u16)]) {
        let s = &mut self.snapshot;
        let Ok(uid) = u16::try_from(s.n()) else { return };
        s.last_update.resize(s.alpha_stake.len(), 0);
        s.alpha_stake.push(0);
        s.tao_stake.push(0);
        s.last_update.push(s.current_block);
        // One block ago, so that weights of this block count.
        s.block_at_registration.push(s.current_block.saturating_sub(1));
        s.validator_permit.push(false);
        if !s.commit_blocks.is_empty() {
            s.commit_blocks.push(None);
        }
        s.weights.push_row([]);
        s.bonds.push_row([]);
        self.rewrite(|i, mut row| {
            if let Some((_, weight)) =
                weights.iter().find(|(validator, _)| usize::from(*validator) == i)
            {
                row.push((uid, *weight));
            }
            row
        });
        weights.iter().for_each(|(validator, _)| self.touch(*validator));
    }

    fn touch(&mut self, uid: u16) {
        let (n, block) = (self.snapshot.n(), self.snapshot.current_block);
        self.snapshot.last_update.resize(n, 0);
        if let Some(update) = self.snapshot.last_update.get_mut(usize::from(uid)) {
            *update = block;
        }
    }

    fn rewrite(&mut self, row: impl Fn(usize, Vec<(u16, u16)>) -> Vec<(u16, u16)>) {
        let rows = self.snapshot.weights.as_rows();
        self.snapshot.weights = RowsBuf::from_pairs(
            rows.iter().enumerate().map(|(i, old)| row(i, old.iter().collect())),
        );
    }
}

/// The next epoch: bonds and permits as stored, one tempo later, with weights renewed by those who set any.
fn advance(snapshot: &mut Snapshot, outcome: &Outcome, tempo: u16) {
    snapshot.bonds.clone_from(&outcome.bonds);
    snapshot.validator_permit.clone_from(&outcome.new_validator_permit);
    snapshot.last_mechanism_step_block = snapshot.current_block;
    let step = u64::from(tempo.max(1));
    snapshot.current_block = snapshot.current_block.saturating_add(step);
    for update in snapshot.last_update.iter_mut().filter(|update| **update > 0) {
        *update = update.saturating_add(step);
    }
}

fn standings(outcome: &Outcome, snapshot: &Snapshot, tempo: u16) -> Vec<Standing> {
    let mut order: Vec<usize> = (0..outcome.n()).collect();
    order.sort_by_key(|&uid| (outcome.emission[uid], snapshot.block_at_registration[uid], uid));
    let mut rank = vec![0; outcome.n()];
    order.iter().enumerate().for_each(|(place, &uid)| rank[uid] = place);
    let per_day = |emission: u64| {
        let day = u128::from(emission) * u128::from(BLOCKS_PER_DAY) / u128::from(tempo.max(1));
        u64::try_from(day).unwrap_or(u64::MAX)
    };
    (0..outcome.n())
        .map(|uid| Standing {
            incentive: outcome.incentive[uid],
            dividends: outcome.dividends[uid],
            validator_trust: outcome.validator_trust[uid],
            permit: outcome.new_validator_permit[uid],
            emission: outcome.emission[uid],
            emission_per_day: per_day(outcome.emission[uid]),
            pruning_rank: rank[uid],
        })
        .collect()
}
