//! Rules of the epoch that the recorded vectors do not pin, each with the numbers that follow from it.

use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Epoch, EpochError, Outcome, Parameters, Rule, Snapshot};
use tensor_yuma::fixed::I32F32;

use crate::naive::{self, NaiveOutcome};

/// Uid 0 validates with all stake, the others mine; everybody registered in block 1 and updated in block 100.
fn one_validator(n: usize, weights: &[(u16, u16)]) -> Snapshot {
    let mut s = Snapshot::new(n);
    s.current_block = 101;
    // Bonds to whoever registered later are masked.
    s.last_mechanism_step_block = 50;
    s.rao_emission = 1_000_000;
    s.alpha_stake[0] = 1_000;
    s.last_update = vec![100; n];
    s.block_at_registration = vec![1; n];
    s.validator_permit[0] = true;
    s.weights = RowsBuf::empty(0);
    s.weights.push_row(weights.iter().copied());
    (1..n).for_each(|_| s.weights.push_row([]));
    s
}

fn run(parameters: &Parameters, snapshot: &Snapshot) -> Outcome {
    let mut epoch = Epoch::new();
    epoch.run(parameters, &snapshot.as_input()).unwrap();
    assert_eq!(NaiveOutcome::from(epoch.outcome()), naive::epoch(parameters, &snapshot.as_input()));
    epoch.into_outcome()
}

const ONE: I32F32 = I32F32::ONE;

#[test]
fn a_target_registered_in_the_block_of_the_last_update_is_masked() {
    let mut s = one_validator(3, &[(1, 65_535), (2, 65_535)]);
    s.block_at_registration[2] = 100;
    assert_eq!(run(&Parameters::default(), &s).incentive, [I32F32::ZERO, ONE, I32F32::ZERO]);
    s.block_at_registration[2] = 99;
    let half = I32F32::from_bits(1 << 31);
    assert_eq!(run(&Parameters::default(), &s).incentive, [I32F32::ZERO, half, half]);
}

#[test]
fn a_commit_in_the_block_of_registration_still_counts() {
    let mut s = one_validator(3, &[(1, 65_535), (2, 65_535)]);
    let mut p = Parameters::default();
    p.commit_reveal = true;
    s.commit_blocks = vec![Some(50), None, None];
    s.block_at_registration[2] = 50;
    assert!(run(&p, &s).incentive[2] > I32F32::ZERO);
    s.block_at_registration[2] = 51;
    assert_eq!(run(&p, &s).incentive[2], I32F32::ZERO);
    p.commit_reveal = false;
    assert!(run(&p, &s).incentive[2] > I32F32::ZERO);
}

#[test]
fn stake_at_the_threshold_counts_and_one_rao_less_does_not() {
    let mut s = one_validator(2, &[(1, 65_535)]);
    let mut p = Parameters::default();
    p.stake_threshold = 1_000;
    assert_eq!(run(&p, &s).stake, [ONE, I32F32::ZERO]);
    s.alpha_stake[0] = 999;
    assert_eq!(run(&p, &s).stake, [I32F32::ZERO; 2]);
    // The fraction below a rao does not help; the owner is exempt.
    s.tao_stake[0] = 1;
    p.tao_weight = u64::MAX / 2;
    assert_eq!(run(&p, &s).stake, [I32F32::ZERO; 2]);
    p.owner_uid = Some(0);
    assert_eq!(run(&p, &s).stake, [ONE, I32F32::ZERO]);
}

#[test]
fn without_weights_emission_follows_active_stake_then_stake() {
    let mut s = one_validator(3, &[]);
    s.alpha_stake = vec![600, 200, 200];
    let outcome = run(&Parameters::default(), &s);
    assert_eq!(outcome.validator_emission, [1_000_000, 0, 0]);
    assert_eq!(outcome.server_emission, [0; 3]);
    // Nobody active: by stake, masked by nothing.
    s.current_block = 1_000_000;
    let outcome = run(&Parameters::default(), &s);
    assert_eq!(outcome.active_stake, [I32F32::ZERO; 3]);
    assert_eq!(outcome.validator_emission, [599_999, 199_999, 199_999]);
    assert_eq!(outcome.emission, outcome.validator_emission);
}

#[test]
fn unknown_uids_are_as_good_as_absent() {
    let with = one_validator(3, &[(1, 500), (7, 9_000), (2, 1_500), (65_535, 1)]);
    let without = one_validator(3, &[(1, 500), (2, 1_500)]);
    assert_eq!(run(&Parameters::default(), &with), run(&Parameters::default(), &without));
    let mut bonds = without.clone();
    bonds.bonds = RowsBuf::from_pairs([vec![(2, 9), (3, 65_535), (1, 7)], vec![(900, 1)], vec![]]);
    let mut clean = without.clone();
    clean.bonds = RowsBuf::from_pairs([vec![(2, 9), (1, 7)], vec![], vec![]]);
    for (yuma3, liquid) in [(false, false), (true, false), (true, true)] {
        let mut p = Parameters::default();
        (p.yuma3, p.liquid_alpha) = (yuma3, liquid);
        assert_eq!(run(&p, &bonds), run(&p, &clean));
    }
}

#[test]
fn two_hundred_and_fifty_six_neurons_and_more() {
    for n in [256u16, 257, 1_000] {
        let weights: Vec<(u16, u16)> = (1..n).map(|uid| (uid, 65_535)).collect();
        let outcome = run(&Parameters::default(), &one_validator(usize::from(n), &weights));
        let share = (1i64 << 32) / i64::from(n - 1);
        assert_eq!(outcome.consensus[usize::from(n) - 1].to_bits(), share);
        assert_eq!(outcome.server_emission.iter().filter(|e| **e > 0).count(), usize::from(n) - 1);
    }
}

#[test]
fn of_equal_stakes_the_higher_uid_keeps_the_permit() {
    let mut s = Snapshot::new(4);
    s.alpha_stake = vec![5, 5, 5, 0];
    let mut p = Parameters::default();
    p.max_allowed_validators = 2;
    assert_eq!(run(&p, &s).new_validator_permit, [false, true, true, false]);
    p.owner_uid = Some(3);
    assert_eq!(run(&p, &s).new_validator_permit, [false, true, true, true]);
    p.max_allowed_validators = 0;
    assert_eq!(run(&p, &s).new_validator_permit, [false, false, false, true]);
}

#[test]
fn an_empty_subnet_has_an_empty_outcome() {
    let outcome = run(&Parameters::default(), &Snapshot::new(0));
    assert_eq!(outcome, Outcome::default());
}

#[test]
fn what_the_chain_cannot_have_is_refused() {
    let p = Parameters::default();
    let refused =
        |p: &Parameters, s: &Snapshot| Epoch::new().run(p, &s.as_input()).map(|_| ()).unwrap_err();
    let good = one_validator(3, &[(1, 1)]);

    let mut s = good.clone();
    s.alpha_stake[1] = 1 << 63;
    assert_eq!(refused(&p, &s), EpochError::StakeOverflow { uid: 1 });
    s.alpha_stake = vec![1 << 62, 1 << 62, 0];
    assert_eq!(refused(&p, &s), EpochError::StakeOverflow { uid: 1 });
    s.alpha_stake = vec![0, 0, (1 << 63) - 1];
    s.tao_stake = vec![0, 0, u64::MAX];
    assert!(matches!(refused(&p, &s), EpochError::StakeOverflow { uid: 2 }));

    for row in [vec![(1, 1), (1, 2)], vec![(2, 1), (1, 2), (2, 3)], vec![(9, 1), (9, 1)]] {
        let uid = row.last().unwrap().0;
        let mut s = good.clone();
        s.bonds = RowsBuf::from_pairs([vec![], row, vec![]]);
        assert_eq!(refused(&p, &s), EpochError::DuplicateUid { row: 1, uid });
    }

    let mut owner = Parameters::default();
    owner.owner_uid = Some(3);
    assert_eq!(refused(&owner, &good), EpochError::OwnerUid { uid: 3, n: 3 });

    let mut s = good.clone();
    s.validator_permit.pop();
    assert_eq!(
        refused(&p, &s),
        EpochError::ColumnLength { column: "validator_permit", expected: 3, got: 2 }
    );
    let mut s = good.clone();
    s.commit_blocks = vec![None];
    assert!(matches!(refused(&p, &s), EpochError::ColumnLength { column: "commit_blocks", .. }));
    let mut s = good;
    s.weights = RowsBuf::new();
    assert!(matches!(refused(&p, &s), EpochError::ColumnLength { column: "weights", .. }));
    assert!(matches!(refused(&p, &Snapshot::new(65_537)), EpochError::TooManyUids { n: 65_537 }));
}

#[test]
fn an_error_leaves_the_workspace_usable() {
    let mut epoch = Epoch::new();
    let good = one_validator(3, &[(1, 1)]);
    let mut bad = good.clone();
    bad.weights = RowsBuf::from_pairs([vec![(1, 1), (1, 1)], vec![], vec![]]);
    let first = epoch.run(&Parameters::default(), &good.as_input()).unwrap().clone();
    assert!(epoch.run(&Parameters::default(), &bad.as_input()).is_err());
    assert_eq!(*epoch.run(&Parameters::default(), &good.as_input()).unwrap(), first);
}

#[test]
fn liquid_alpha_reads_an_unsorted_row_with_one_cursor() {
    // The same row sorted and reversed: hidden weights count as zero where the speed is decided.
    let mut p = Parameters::default();
    (p.yuma3, p.liquid_alpha, p.bonds_penalty) = (true, true, 0);
    let mut s = one_validator(4, &[(1, 10_000), (2, 20_000), (3, 65_535)]);
    s.bonds =
        RowsBuf::from_pairs([vec![(1, 60_000), (2, 60_000), (3, 60_000)], vec![], vec![], vec![]]);
    let sorted = run(&p, &s);
    s.weights =
        RowsBuf::from_pairs([vec![(3, 65_535), (2, 20_000), (1, 10_000)], vec![], vec![], vec![]]);
    let reversed = run(&p, &s);
    let bond = |o: &Outcome, uid| o.bonds.as_rows().row(0).get(uid).unwrap();
    assert_eq!(bond(&sorted, 3), bond(&reversed, 3));
    assert_ne!(bond(&sorted, 1), bond(&reversed, 1));
    assert_eq!(reversed.bonds.as_rows().row(0).uids, [3, 2, 1]);
}

#[test]
fn the_dense_rule_differs_where_it_says() {
    let mut s = one_validator(3, &[(0, 30_000), (1, 65_535)]);
    s.alpha_stake = vec![1_000, 0, 5];
    s.bonds = RowsBuf::from_pairs([vec![(2, 60_000)], vec![(0, 7)], vec![(1, 9)]]);
    let mut p = Parameters::default();
    (p.owner_uid, p.yuma3, p.liquid_alpha, p.max_allowed_validators) = (Some(0), true, true, 1);
    s.validator_permit = vec![true, false, true];
    let sparse = run(&p, &s);
    let mut epoch = Epoch::with_rule(Rule::Dense);
    let dense = epoch.run(&p, &s.as_input()).unwrap();
    // The owner may weight itself only in the sparse rule.
    assert!(sparse.incentive[0] > I32F32::ZERO);
    assert_eq!(dense.incentive[0], I32F32::ZERO);
    // The old bond to uid 2 vanishes or decays; all pairs are stored.
    assert_eq!(sparse.bonds.as_rows().row(0).get(2), None);
    let row = dense.bonds.as_rows().row(0);
    assert_eq!(row.uids, [0, 1, 2]);
    assert!((1..60_000).contains(&row.get(2).unwrap()));
    // Uid 1 never had a permit and keeps its row, uid 2 lost its permit.
    assert_eq!(dense.bonds.as_rows().row(1).get(0), Some(7));
    assert!(dense.bonds.as_rows().row(2).uids.is_empty());
}

#[test]
fn bonds_to_a_target_registered_since_the_last_epoch_are_masked() {
    let mut s = one_validator(3, &[(1, 65_535)]);
    s.bonds = RowsBuf::from_pairs([vec![(1, 65_535), (2, 65_535)], vec![], vec![]]);
    s.last_mechanism_step_block = 0;
    s.current_block = 400;
    s.last_update = vec![390; 3];
    let mut p = Parameters::default();
    p.yuma3 = true;
    let held = |s: &Snapshot| run(&p, s).bonds.as_rows().row(0).get(2);
    // Never stepped: the last tempo began in block 40.
    s.block_at_registration[2] = 39;
    assert!(held(&s).is_some());
    s.block_at_registration[2] = 40;
    assert_eq!(held(&s), None);
    s.last_mechanism_step_block = 40;
    assert!(held(&s).is_some());
    s.block_at_registration[2] = 41;
    assert_eq!(held(&s), None);
}
