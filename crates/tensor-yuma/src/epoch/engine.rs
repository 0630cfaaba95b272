//! The stages of an epoch in order, over chunks of rows.
//!
//! A chunk owns everything a range of validators' rows needs, and its part of every column sum. All sums are exact integers,
//! so how rows are divided into chunks cannot change a bit of the result.

mod claims;

mod results;

use core::ops::Range;

use super::bonds::{Growth, NewBonds, Target};
use super::dividends::Claimed;
use super::division::{Divisor, SmallDivisor};
use super::load::{Keep, Loaded, Mask};
use super::trust::{self, Penalty, Ranked};
use super::{EpochError, Input, Intermediates, Outcome, Parameters, Rule};
use super::{median, permits, stake, workers};
use crate::fixed::I32F32;
use crate::rows::RowsBuf;

/// Workspace of an epoch.
#[derive(Debug, Default)]
pub(super) struct Engine {
    permit: Vec<bool>,
    active_stake: Vec<u64>,
    voting_stake: Vec<u64>,
    order: Vec<u32>,
    chunks: Vec<Chunk>,
    votes: Vec<median::Votes>,
    consensus: Vec<u64>,
    ranked: Vec<Ranked>,
    growth: Vec<Growth>,
    targets: Vec<Target>,
    claimed: Vec<Claimed<Divisor>>,
    columns: median::Columns,
    per_uid: Vec<u64>,
    /// Least entries worth a chunk of their own; 0 for the default.
    pub(super) chunk_entries: usize,
}

/// A range of rows with its workspace.
#[derive(Debug, Default)]
struct Chunk {
    range: Range<usize>,
    weights: Loaded,
    bonds: Loaded,
    divisors: Vec<SmallDivisor>,
    ranked: Vec<Ranked>,
    held: Vec<u64>,
    trust: Vec<u64>,
    new: NewBonds,
    targets: Vec<Target>,
    dividends: Vec<u64>,
    stored: RowsBuf,
}

/// What every stage reads.
#[derive(Clone, Copy)]
struct Scene<'a> {
    rule: Rule,
    parameters: &'a Parameters,
    input: &'a Input<'a>,
    penalty: Penalty,
    owner: Option<u16>,
}

impl Engine {
    pub(super) fn run(
        &mut self,
        rule: Rule,
        parameters: &Parameters,
        input: &Input<'_>,
        outcome: &mut Outcome,
        intermediates: Option<&mut Intermediates>,
    ) -> Result<(), EpochError> {
        let without_owner;
        let parameters = match rule {
            Rule::Sparse => parameters,
            Rule::Dense => {
                without_owner =
                    Parameters { owner_uid: None, commit_reveal: false, ..parameters.clone() };
                &without_owner
            }
        };
        let scene = Scene {
            rule,
            parameters,
            input,
            penalty: Penalty::new(parameters.penalty_proportion().to_bits()),
            owner: parameters.owner_uid,
        };
        self.stakes_and_permits(&scene, outcome)?;
        self.split(input);
        self.load(&scene)?;
        self.consensus(&scene);
        self.incentive(&scene);
        let minority = self.columns.minority();
        self.bonds_and_dividends(&scene, outcome, intermediates, minority)?;
        self.finish(&scene, outcome);
        Ok(())
    }

    fn stakes_and_permits(
        &mut self,
        scene: &Scene<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), EpochError> {
        let Scene { parameters, input, owner, .. } = *scene;
        stake::total_stake(
            parameters,
            input.alpha_stake,
            input.tao_stake,
            &mut outcome.total_stake,
        )?;
        stake::normalised_stake(parameters, &outcome.total_stake, &mut outcome.stake)?;
        let cutoff = parameters.activity_cutoff();
        permits::activity(
            input.last_update,
            input.n(),
            cutoff,
            input.current_block,
            &mut outcome.active,
        );

        self.permit.clear();
        self.permit.extend_from_slice(input.validator_permit);
        let k = usize::from(parameters.max_allowed_validators);
        permits::top_k_nonzero(
            &outcome.stake,
            k,
            &mut self.order,
            &mut outcome.new_validator_permit,
        );
        if let Some(owner) = owner.map(usize::from) {
            for permits in [&mut self.permit, &mut outcome.new_validator_permit] {
                if let Some(permit) = permits.get_mut(owner) {
                    *permit = true;
                }
            }
        }
        stake::active_stake(&outcome.stake, &outcome.active, &self.permit, &mut self.active_stake);
        self.voting_stake.clone_from(&self.active_stake);
        stake::normalise(&mut self.voting_stake);
        Ok(())
    }

    /// Divide the rows into chunks of about equally many entries.
    fn split(&mut self, input: &Input<'_>) {
        let n = input.n();
        let cost = |i: usize| input.weights.row(i).uids.len() + input.bonds.row(i).uids.len() + 8;
        let total: usize = (0..n).map(cost).sum();
        let count = workers::count(total, self.chunk_entries);
        self.chunks.resize_with(count, Chunk::default);
        self.votes.resize_with(count, Default::default);
        let (mut row, mut spent) = (0, 0);
        for (at, chunk) in self.chunks.iter_mut().enumerate() {
            let start = row;
            while row < n && (at + 1 == count || spent < total * (at + 1) / count) {
                spent += cost(row);
                row += 1;
            }
            chunk.range = start..row;
        }
    }

    fn load(&mut self, scene: &Scene<'_>) -> Result<(), EpochError> {
        let Scene { parameters, input, owner, .. } = *scene;
        let registered = input.block_at_registration;
        let latest = registered.iter().copied().max().unwrap_or(0);
        let mask = Mask { registered, latest };
        let last_tempo = match input.last_mechanism_step_block {
            0 => input.current_block.saturating_sub(u64::from(parameters.tempo)),
            block => block.saturating_add(1),
        };
        let permit = &self.permit;
        let keep_weights = |i: usize| {
            if !permit.get(i).copied().unwrap_or(false) {
                return None;
            }
            let update = input.last_update.get(i).copied().unwrap_or(0);
            let commit =
                input.commit_blocks.get(i).copied().flatten().filter(|_| parameters.commit_reveal);
            let registered_before =
                commit.map_or(update, |block| update.min(block.saturating_add(1)));
            let uid = i as u16;
            Some(Keep { registered_before, not_self: (owner != Some(uid)).then_some(uid) })
        };
        let keep_bonds = |_| Some(Keep { registered_before: last_tempo, not_self: None });
        workers::try_for_each(&mut self.chunks, |chunk| {
            let range = chunk.range.clone();
            chunk.weights.load(input.weights, range.clone(), mask, keep_weights)?;
            chunk.bonds.load(input.bonds, range.clone(), mask, keep_bonds)?;
            chunk.divisors.clear();
            let weights = &chunk.weights;
            chunk
                .divisors
                .extend(range.map(|i| SmallDivisor::new(weights.row(input.weights, i).sum)));
            Ok(())
        })
    }

    fn consensus(&mut self, scene: &Scene<'_>) {
        let n = scene.input.n();
        let voting = &self.voting_stake;
        let rows = scene.input.weights;
        workers::for_each_pair(&self.chunks, &mut self.votes, |chunk, votes| {
            votes.begin(n);
            for i in chunk.range.clone().filter(|&i| voting[i] > 0) {
                let row = chunk.weights.row(rows, i);
                votes.count(row.uids, row.values, voting[i]);
            }
        });
        let kappa = scene.parameters.kappa_proportion().to_bits();
        self.columns.decide(n, voting, kappa, &mut self.votes);
        workers::for_each_pair(&self.chunks, &mut self.votes, |chunk, votes| {
            for (i, &divisor) in chunk.range.clone().zip(&chunk.divisors) {
                if voting[i] > 0 {
                    let row = chunk.weights.row(rows, i);
                    votes.collect(row.uids, row.values, divisor, i);
                }
            }
        });
        self.consensus.clear();
        self.consensus.resize(n, 0);
        self.columns.medians(&self.votes, voting, &mut self.consensus);
    }

    fn incentive(&mut self, scene: &Scene<'_>) {
        let (stake, rows) = (&self.active_stake, scene.input.weights);
        let penalty = scene.penalty;
        self.ranked.clear();
        self.ranked.extend(
            self.consensus.iter().map(|&consensus| Ranked { consensus, ..Ranked::default() }),
        );
        let initial = &self.ranked;
        workers::for_each(&mut self.chunks, |chunk| {
            chunk.ranked.clone_from(initial);
            chunk.trust.clear();
            for (i, &divisor) in chunk.range.clone().zip(&chunk.divisors) {
                let row = chunk.weights.row(rows, i);
                let entries = row.uids.iter().zip(row.values);
                let entries = entries.map(|(&uid, &value)| (uid, divisor.divide(value)));
                chunk.trust.push(trust::rank_row(entries, stake[i], penalty, &mut chunk.ranked));
            }
        });
        for chunk in &self.chunks {
            for (total, part) in self.ranked.iter_mut().zip(&chunk.ranked) {
                total.rank += part.rank;
                total.asked += part.asked;
            }
        }
    }
}

fn zeroed(values: &mut Vec<u64>, n: usize) {
    values.clear();
    values.resize(n, 0);
}

fn gather(chunks: &[Chunk], part: impl Fn(&Chunk) -> &Vec<u64>, out: &mut Vec<u64>) {
    out.clear();
    chunks.iter().for_each(|chunk| out.extend_from_slice(part(chunk)));
}

fn proportions(values: &[u64], out: &mut Vec<I32F32>) {
    out.clear();
    out.extend(
        values.iter().map(|&value| I32F32::from_bits(i64::try_from(value).unwrap_or(i64::MAX))),
    );
}
