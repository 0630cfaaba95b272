//! What must hold for every subnet.

use proptest::prelude::*;
use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Epoch, EpochError, Outcome, Parameters, Rule, Snapshot, weighted_median};
use tensor_yuma::fixed::I32F32;

use crate::naive::{self, NaiveOutcome};
use crate::networks;

fn run(parameters: &Parameters, snapshot: &Snapshot) -> Option<Outcome> {
    let mut epoch = Epoch::new();
    epoch.run(parameters, &snapshot.as_input()).ok()?;
    Some(epoch.into_outcome())
}

/// The subnet with uid `i` renamed to `to[i]`, rows sorted.
fn renamed(s: &Snapshot, to: &[u16]) -> Snapshot {
    let n = s.n();
    let mut from = vec![0usize; n];
    to.iter().enumerate().for_each(|(old, &new)| from[usize::from(new)] = old);
    let pad = |v: &[u64]| (0..n).map(|i| v.get(i).copied().unwrap_or(0)).collect::<Vec<u64>>();
    let column = |v: &[u64]| from.iter().map(|&old| v[old]).collect::<Vec<u64>>();
    let rows = |rows: &RowsBuf| {
        let mut out = RowsBuf::new();
        for &old in &from {
            let mut row: Vec<(u16, u16)> = rows
                .as_rows()
                .row(old)
                .iter()
                .map(|(uid, v)| (to.get(usize::from(uid)).copied().unwrap_or(uid), v))
                .collect();
            row.sort_unstable();
            out.push_row(row);
        }
        out
    };
    let mut r = s.clone();
    r.alpha_stake = column(&s.alpha_stake);
    r.tao_stake = column(&s.tao_stake);
    r.last_update = column(&pad(&s.last_update));
    r.block_at_registration = column(&s.block_at_registration);
    r.validator_permit = from.iter().map(|&old| s.validator_permit[old]).collect();
    if !s.commit_blocks.is_empty() {
        r.commit_blocks = from.iter().map(|&old| s.commit_blocks[old]).collect();
    }
    (r.weights, r.bonds) = (rows(&s.weights), rows(&s.bonds));
    r
}

fn subnet_and_names(max: usize) -> impl Strategy<Value = (Parameters, Snapshot, Vec<u16>)> {
    networks::subnet(max).prop_flat_map(|(p, s)| {
        let names: Vec<u16> = (0..s.n() as u16).collect();
        (Just(p), Just(s), Just(names).prop_shuffle())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn names_do_not_matter((mut p, s, to) in subnet_and_names(16)) {
        // Of equal stakes at the border of the permits the higher uid wins, so everybody gets one here. Rows are sorted on both
        // sides, because liquid alpha sees their order.
        p.max_allowed_validators = 100;
        let identity: Vec<u16> = (0..s.n() as u16).collect();
        let mut q = p.clone();
        q.owner_uid = p.owner_uid.map(|uid| to[usize::from(uid)]);
        let (a, b) = (run(&p, &renamed(&s, &identity)), run(&q, &renamed(&s, &to)));
        let (Some(a), Some(b)) = (a, b) else { return Ok(()) };
        for (old, &new) in to.iter().enumerate() {
            let new = usize::from(new);
            prop_assert_eq!(a.stake[old], b.stake[new]);
            prop_assert_eq!(a.consensus[old], b.consensus[new]);
            prop_assert_eq!(a.validator_trust[old], b.validator_trust[new]);
            prop_assert_eq!(a.incentive[old], b.incentive[new]);
            prop_assert_eq!(a.dividends[old], b.dividends[new]);
            prop_assert_eq!(a.emission[old], b.emission[new]);
            prop_assert_eq!(a.new_validator_permit[old], b.new_validator_permit[new]);
            for (uid, bond) in a.bonds.as_rows().row(old).iter() {
                prop_assert_eq!(b.bonds.as_rows().row(new).get(to[usize::from(uid)]), Some(bond));
            }
        }
    }

    #[test]
    fn sums_and_ranges((p, s) in networks::subnet(24)) {
        let Some(o) = run(&p, &s) else { return Ok(()) };
        let sum = |v: &[I32F32]| v.iter().map(|x| i128::from(x.to_bits())).sum::<i128>();
        let one = i128::from(I32F32::ONE.to_bits());
        for column in [&o.stake, &o.active_stake, &o.incentive, &o.dividends] {
            // Truncation loses less than one unit per neuron.
            let total = sum(column);
            prop_assert!(total == 0 || (one - s.n() as i128..=one).contains(&total));
        }
        for column in [&o.stake, &o.active_stake, &o.consensus, &o.incentive, &o.dividends, &o.validator_trust] {
            prop_assert!(column.iter().all(|x| (I32F32::ZERO..=I32F32::ONE).contains(x)));
        }
        let paid = |v: &[u64]| v.iter().map(|x| u128::from(*x)).sum::<u128>();
        prop_assert!(paid(&o.emission) <= u128::from(s.rao_emission));
        prop_assert!(paid(&o.server_emission) + paid(&o.validator_emission) <= u128::from(s.rao_emission));
        let permits = o.new_validator_permit.iter().filter(|permit| **permit).count();
        prop_assert!(permits <= usize::from(p.max_allowed_validators) + usize::from(p.owner_uid.is_some()));
        prop_assert_eq!(o.bonds.len(), s.n());
        for (i, row) in o.bonds.as_rows().iter().enumerate() {
            prop_assert!(o.new_validator_permit[i] || row.uids.is_empty());
        }
    }

    #[test]
    fn the_same_input_gives_the_same_outcome_under_either_rule((p, s) in networks::subnet(16)) {
        for rule in [Rule::Sparse, Rule::Dense] {
            let mut epoch = Epoch::with_rule(rule);
            let first = epoch.run(&p, &s.as_input()).cloned();
            prop_assert_eq!(epoch.run(&p, &s.as_input()).cloned(), first.clone());
            let kept = Epoch::with_rule(rule).keep_intermediates(true).run(&p, &s.as_input()).cloned();
            prop_assert_eq!(kept, first);
        }
    }

    #[test]
    fn the_rules_agree_on_subnets_where_they_must((mut p, mut s) in networks::subnet(16)) {
        (p.owner_uid, p.commit_reveal, p.liquid_alpha) = (None, false, false);
        s.commit_blocks.clear();
        let Some(sparse) = run(&p, &s) else { return Ok(()) };
        let mut epoch = Epoch::with_rule(Rule::Dense);
        let dense = epoch.run(&p, &s.as_input()).unwrap();
        prop_assert_eq!(&sparse.incentive, &dense.incentive);
        prop_assert_eq!(&sparse.dividends, &dense.dividends);
        prop_assert_eq!(&sparse.emission, &dense.emission);
    }

    #[test]
    fn absurd_input_gives_an_outcome_or_an_error(
        (p, mut s) in networks::subnet(8),
        stake in prop::collection::vec(any::<u64>(), 8),
        blocks in prop::collection::vec(any::<u64>(), 8),
        edges in any::<(u64, u64, u64)>(),
        rows in prop::collection::vec(prop::collection::vec((any::<u16>(), any::<u16>()), 0..6), 0..9),
    ) {
        let n = s.n();
        s.alpha_stake = stake[..n].to_vec();
        s.tao_stake = stake[..n].iter().rev().copied().collect();
        s.block_at_registration = blocks[..n].to_vec();
        (s.current_block, s.last_mechanism_step_block, s.rao_emission) = edges;
        s.weights = RowsBuf::from_pairs(&rows);
        match Epoch::new().run(&p, &s.as_input()) {
            Ok(outcome) => {
                prop_assert_eq!(outcome.n(), n);
                prop_assert_eq!(NaiveOutcome::from(outcome), naive::epoch(&p, &s.as_input()));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_median_never_falls_when_a_score_rises(
        votes in prop::collection::vec((1u32..1_000_000, 0u32..1_000), 1..12),
        who in any::<prop::sample::Index>(),
        more in 0u32..1_000,
        kappa in any::<u16>(),
    ) {
        let stake: Vec<I32F32> = votes.iter().map(|v| I32F32::from_bits(i64::from(v.0))).collect();
        let mut score: Vec<I32F32> = votes.iter().map(|v| I32F32::from_bits(i64::from(v.1))).collect();
        let total = stake.iter().map(|s| s.to_bits()).sum::<i64>();
        let kappa = I32F32::from_bits(total * i64::from(kappa) / 65_535);
        let before = weighted_median(&stake, &score, kappa);
        prop_assert!(score.contains(&before));
        let who = who.index(score.len());
        score[who] = I32F32::from_bits(score[who].to_bits() + i64::from(more));
        prop_assert!(weighted_median(&stake, &score, kappa) >= before);
        // A larger majority to convince lowers consensus.
        let stricter = I32F32::from_bits((kappa.to_bits() + 1_000).min(total));
        prop_assert!(weighted_median(&stake, &score, stricter) <= weighted_median(&stake, &score, kappa));
    }
}

#[test]
fn too_many_neurons_are_an_error_not_a_panic() {
    let error =
        Epoch::new().run(&Parameters::default(), &Snapshot::new(1 << 17).as_input()).unwrap_err();
    assert!(matches!(error, EpochError::TooManyUids { .. }));
}
