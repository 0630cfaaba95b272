//! The stage of bonds and dividends: what validators hold of miners, and what that pays them.

use super::super::bonds::{Blend, Growth, Holder, Proportional, Signed, Target};
use super::super::dividends::{self, BondDivisor, Claimed, WideDivisor};
use super::super::division::{Divisor, SmallDivisor};
use super::super::liquid_alpha::Sigmoid;
use super::super::trust::{self, Penalty};
use super::super::{EpochError, Intermediates, ONE, Outcome, Rule};
use super::super::{stake, workers};
use super::{Engine, Scene, proportions, zeroed};
use crate::fixed::I32F32;

impl Engine {
    pub(super) fn bonds_and_dividends(
        &mut self,
        scene: &Scene<'_>,
        outcome: &mut Outcome,
        intermediates: Option<&mut Intermediates>,
        minority: i64,
    ) -> Result<(), EpochError> {
        let speed = scene.parameters.bonds_alpha().to_bits();
        if (0..=ONE).contains(&speed) {
            self.update_bonds(scene, Proportional { speed: speed.unsigned_abs() })?;
        } else {
            self.update_bonds(scene, Signed { speed })?;
        }
        self.per_uid.clear();
        self.per_uid.extend(self.ranked.iter().map(|target| target.rank));
        stake::normalise(&mut self.per_uid);
        proportions(&self.per_uid, &mut outcome.incentive);

        if dividends::sums_are_small(&self.growth) {
            let mut claimed = core::mem::take(&mut self.claimed);
            self.pay::<Divisor>(scene, outcome, &mut claimed, intermediates, minority);
            self.claimed = claimed;
        } else {
            self.pay::<WideDivisor>(scene, outcome, &mut Vec::new(), intermediates, minority);
        }
        Ok(())
    }

    fn update_bonds<B: Blend>(&mut self, scene: &Scene<'_>, blend: B) -> Result<(), EpochError> {
        let Scene { rule, parameters, input, penalty, .. } = *scene;
        let n = input.n();
        let relative = !parameters.yuma3;
        let liquid =
            parameters.yuma3 && parameters.liquid_alpha && self.consensus.iter().any(|c| *c != 0);
        let sigmoid = Sigmoid::new(parameters);

        if relative {
            workers::for_each(&mut self.chunks, |chunk| {
                zeroed(&mut chunk.held, n);
                for i in chunk.range.clone() {
                    let row = chunk.bonds.row(input.bonds, i);
                    for (&uid, &bond) in row.uids.iter().zip(row.values) {
                        let held = &mut chunk.held[usize::from(uid)];
                        *held = held.wrapping_add(u64::from(bond));
                    }
                }
            });
        }
        let (chunks, ranked) = (&self.chunks, &self.ranked);
        self.targets.clear();
        self.targets.extend(ranked.iter().enumerate().map(|(uid, target)| {
            let (mut asked, mut held) = (Divisor::default(), SmallDivisor::default());
            if relative {
                let sum = if penalty == Penalty::Full { target.rank } else { target.asked };
                asked = Divisor::new(sum);
                held = SmallDivisor::new(chunks.iter().map(|chunk| chunk.held[uid]).sum());
            }
            Target { consensus: target.consensus, asked, held, growth: Growth::default() }
        }));

        let (initial, stake) = (&self.targets, &self.active_stake);
        workers::try_for_each(&mut self.chunks, |chunk| {
            let entries = chunk.range.clone().map(|i| {
                chunk.weights.row(input.weights, i).uids.len()
                    + chunk.bonds.row(input.bonds, i).uids.len()
            });
            let entries = entries.sum();
            chunk.new.reset(chunk.range.len(), entries, n);
            chunk.targets.clone_from(initial);
            for (i, &divisor) in chunk.range.clone().zip(&chunk.divisors) {
                let holder = Holder {
                    weights: chunk.weights.row(input.weights, i),
                    bonds: chunk.bonds.row(input.bonds, i),
                    divisor,
                    stake: stake[i],
                    penalty,
                };
                let (new, targets) = (&mut chunk.new, &mut chunk.targets);
                let fits = match (relative, liquid, rule) {
                    (true, _, _) => new.push_relative(holder, blend, targets),
                    (_, false, _) => new.push_absolute(holder, blend, targets),
                    (_, _, Rule::Sparse) => new.push_liquid(holder, &sigmoid, targets),
                    (_, _, Rule::Dense) => new.push_liquid_dense(holder, &sigmoid, targets),
                };
                if !fits {
                    return Err(EpochError::BondOverflow);
                }
            }
            Ok(())
        })?;

        self.growth.clear();
        self.growth.resize(n, Growth::default());
        for chunk in &self.chunks {
            for (total, target) in self.growth.iter_mut().zip(&chunk.targets) {
                let part = target.growth;
                let sum = total.sum.checked_add(part.sum).filter(|sum| *sum <= i64::MAX as u64);
                total.sum = sum.ok_or(EpochError::BondOverflow)?;
                total.max = total.max.max(part.max);
            }
        }
        Ok(())
    }

    fn pay<D: BondDivisor>(
        &mut self,
        scene: &Scene<'_>,
        outcome: &mut Outcome,
        claimed: &mut Vec<Claimed<D>>,
        intermediates: Option<&mut Intermediates>,
        minority: i64,
    ) {
        let relative = !scene.parameters.yuma3;
        claimed.clear();
        claimed.extend(
            self.growth
                .iter()
                .zip(&self.per_uid)
                .map(|(growth, incentive)| Claimed::new(*growth, *incentive)),
        );
        let (claimed, stake, permit) =
            (&*claimed, &self.active_stake, &outcome.new_validator_permit);
        workers::for_each(&mut self.chunks, |chunk| {
            chunk.dividends.clear();
            chunk.stored.clear();
            for (at, i) in chunk.range.clone().enumerate() {
                let row = chunk.new.row(at);
                let stored = &mut chunk.stored;
                let dividends = match (relative, permit[i]) {
                    (true, true) => dividends::store_relative_row(row, claimed, stored),
                    (true, false) => {
                        stored.end_row();
                        dividends::relative_row(row, claimed)
                    }
                    (false, permitted) => {
                        if permitted {
                            stored.push_row_of(row.0, row.1.iter().map(|&b| dividends::stored(b)));
                        } else {
                            stored.end_row();
                        }
                        dividends::absolute_row(row, claimed, stake[i])
                    }
                };
                chunk.dividends.push(dividends);
            }
        });
        if let Some(kept) = intermediates {
            self.keep(scene, claimed, kept, minority);
        }
    }

    /// The matrices of the epoch, recomputed from what the stages left.
    fn keep<D: BondDivisor>(
        &self,
        scene: &Scene<'_>,
        claimed: &[Claimed<D>],
        kept: &mut Intermediates,
        minority: i64,
    ) {
        kept.minority = I32F32::from_bits(minority);
        kept.penalty = scene.parameters.penalty_proportion();
        for rows in [&mut kept.weights, &mut kept.clipped, &mut kept.ema_bonds, &mut kept.claims] {
            rows.clear();
        }
        let raw = |value: u64| I32F32::from_bits(i64::try_from(value).unwrap_or(i64::MAX));
        for chunk in &self.chunks {
            for (at, (i, divisor)) in chunk.range.clone().zip(&chunk.divisors).enumerate() {
                let row = chunk.weights.row(scene.input.weights, i);
                for (&uid, &value) in row.uids.iter().zip(row.values) {
                    let (weight, c) = (divisor.divide(value), self.consensus[usize::from(uid)]);
                    kept.weights.push(uid, raw(weight));
                    if !trust::dropped(weight, c) {
                        kept.clipped.push(uid, raw(trust::clip(weight, c)));
                    }
                }
                kept.weights.end_row();
                kept.clipped.end_row();
                let (uids, bonds) = chunk.new.row(at);
                for (&uid, &bond) in uids.iter().zip(bonds) {
                    let target = &claimed[usize::from(uid)];
                    let claim = target.sum.share(bond);
                    kept.claims.push(uid, raw(claim));
                    kept.ema_bonds.push(
                        uid,
                        raw(if scene.parameters.yuma3 { bond } else { target.top.divide(claim) }),
                    );
                }
                kept.claims.end_row();
                kept.ema_bonds.end_row();
            }
        }
    }
}
