//! What leaves an epoch: proportions, payments, 16-bit columns, stored bonds.

use super::super::{Input, Outcome, Rule};
use super::super::{emission, stake};
use super::{Engine, Scene, gather, proportions};
use crate::fixed::I32F32;

impl Engine {
    pub(super) fn finish(&mut self, scene: &Scene<'_>, outcome: &mut Outcome) {
        let Scene { input, .. } = *scene;
        proportions(&self.consensus, &mut outcome.consensus);
        proportions(&self.active_stake, &mut outcome.active_stake);
        gather(&self.chunks, |chunk| &chunk.trust, &mut self.per_uid);
        proportions(&self.per_uid, &mut outcome.validator_trust);
        gather(&self.chunks, |chunk| &chunk.dividends, &mut self.per_uid);
        stake::normalise(&mut self.per_uid);
        proportions(&self.per_uid, &mut outcome.dividends);

        emission::fill(outcome, input.rao_emission, &mut self.per_uid);

        outcome.stake_u64.clear();
        outcome.stake_u64.extend(outcome.total_stake.iter().map(|total| total.to_u64()));
        let quantise = |from: &[I32F32], to: &mut Vec<u16>| {
            to.clear();
            to.extend(from.iter().map(|value| value.to_u16_proportion()));
        };
        quantise(&outcome.stake, &mut outcome.stake_weight_u16);
        quantise(&outcome.consensus, &mut outcome.consensus_u16);
        quantise(&outcome.incentive, &mut outcome.incentive_u16);
        quantise(&outcome.dividends, &mut outcome.dividends_u16);
        quantise(&outcome.validator_trust, &mut outcome.validator_trust_u16);

        match scene.rule {
            Rule::Sparse => self.store(outcome),
            Rule::Dense => self.store_dense(input, outcome),
        }
    }

    fn store(&mut self, outcome: &mut Outcome) {
        if let [chunk] = self.chunks.as_mut_slice() {
            core::mem::swap(&mut chunk.stored, &mut outcome.bonds);
            return;
        }
        outcome.bonds.clear();
        for chunk in &self.chunks {
            outcome.bonds.extend(chunk.stored.as_rows());
        }
    }

    fn store_dense(&mut self, input: &Input<'_>, outcome: &mut Outcome) {
        let n = input.n();
        outcome.bonds.clear();
        let mut full = vec![0u16; n];
        for chunk in &self.chunks {
            for (i, row) in chunk.range.clone().zip(chunk.stored.as_rows().iter()) {
                if outcome.new_validator_permit[i] {
                    full.fill(0);
                    row.iter().for_each(|(uid, bond)| full[usize::from(uid)] = bond);
                    outcome.bonds.push_row((0..=u16::MAX).zip(full.iter().copied()));
                } else if self.permit[i] {
                    outcome.bonds.end_row();
                } else {
                    outcome.bonds.push_row(input.bonds.row(i).iter());
                }
            }
        }
    }
}
