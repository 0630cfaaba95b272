//! Null consensus: the pallet's own test cases, and the naive port on random subnets.

use proptest::prelude::*;
use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{EpochError, Parameters};
use tensor_yuma::null::{MAX_UIDS, NullConsensus, NullOutcome, NullSnapshot};

use crate::naive_null;

#[derive(Clone, Debug)]
struct Subnet {
    parameters: Parameters,
    state: NullSnapshot,
}

impl Subnet {
    fn run(&self) -> NullOutcome {
        let mut consensus = NullConsensus::default();
        let outcome = consensus.run(&self.parameters, &self.state.as_input()).unwrap().clone();
        let o = outcome.clone();
        let got = (o.validator_permit, o.incentive, o.incentive_u16, o.emission, o.removed);
        assert_eq!(got, naive_null::epoch(&self.parameters, &self.state.as_input()));
        outcome
    }
}

/// Owner uid 0 without stake, everybody registered in block 1, rows set in block 2.
fn four(scores: [Vec<(u16, u32)>; 4]) -> Subnet {
    let mut parameters = Parameters::default();
    (parameters.owner_uid, parameters.max_allowed_validators) = (Some(0), 1);
    let mut state = NullSnapshot::new(4);
    (state.current_block, state.rao_emission) = (2, 1_000);
    state.alpha_stake[1] = 1_000_000_000;
    state.block_at_registration = vec![1; 4];
    state.validator_permit[1] = true;
    state.last_update = vec![2; 4];
    state.scores = RowsBuf::from_pairs(scores);
    Subnet { parameters, state }
}

#[test]
fn rows_are_averaged_whatever_their_stake_or_scale() {
    let s =
        four([vec![(2, 1), (3, 3)], vec![(2, 3_000_000_000), (3, 1_000_000_000)], vec![], vec![]]);
    assert_eq!(s.run().emission, [0, 0, 500, 500]);
}

#[test]
fn a_score_of_one_beside_the_largest_is_not_lost() {
    let mut s = four([vec![(1, u32::MAX), (2, 1)], vec![], vec![], vec![]]);
    s.state.rao_emission = 1 << 40;
    let outcome = s.run();
    // floor(2^64 / 2^32) of 2^64 - 1.
    assert_eq!(outcome.emission[2], 256);
    assert_eq!(outcome.incentive[2], 0);
}

#[test]
fn masks() {
    // A self score of the owner counts, another validator's does not.
    let s = four([vec![(0, 1)], vec![(1, 1), (3, 1)], vec![], vec![]]);
    assert_eq!(s.run().emission, [500, 0, 0, 500]);
    // A target registered in the block of the row or later is hidden; a row without valid scores counts nothing.
    let mut late = s.clone();
    late.state.block_at_registration[3] = 2;
    let outcome = late.run();
    assert_eq!(outcome.emission, [1_000, 0, 0, 0]);
    assert!(outcome.removed.is_empty());
    // A row from before a mode switch, a stale one, one of a validator without old permit, all go.
    let mut reset = s.clone();
    reset.state.reset_at = 2;
    assert_eq!(reset.run().removed, [0, 1]);
    let mut stale = s.clone();
    stale.state.current_block = 2 + stale.parameters.activity_cutoff() + 1;
    assert_eq!(stale.run().removed, [0, 1]);
    stale.state.current_block -= 1;
    assert!(stale.run().removed.is_empty());
    let mut unpermitted = s;
    unpermitted.state.validator_permit[1] = false;
    let outcome = unpermitted.run();
    assert_eq!((outcome.removed, outcome.emission), (vec![1], vec![1_000, 0, 0, 0]));
    assert!(outcome.validator_permit[1]);
}

#[test]
fn of_equal_stakes_the_lower_uid_gets_the_permit_here() {
    let mut s = four([vec![], vec![], vec![], vec![]]);
    s.state.alpha_stake = vec![0, 5, 5, 5];
    s.parameters.max_allowed_validators = 2;
    assert_eq!(s.run().validator_permit, [true, true, true, false]);
    assert_eq!(s.run().emission, [0; 4]);
}

#[test]
fn more_than_the_capacity_is_refused() {
    let n = MAX_UIDS + 1;
    let state = NullSnapshot::new(n);
    let error =
        NullConsensus::default().run(&Parameters::default(), &state.as_input()).unwrap_err();
    assert_eq!(error, EpochError::TooManyUids { n });
}

fn subnet() -> impl Strategy<Value = Subnet> {
    (1usize..20).prop_flat_map(|n| {
        let row = prop::collection::vec(
            (0..n as u16 + 2, prop_oneof![Just(0u32), Just(u32::MAX), 0..9u32, any::<u32>()]),
            0..n,
        );
        let block = 90u64..110;
        (
            prop::collection::vec((0..9u64, 0..9u64, block.clone(), any::<bool>(), block), n),
            prop::collection::vec(row, n),
            (
                prop::option::of(0..n as u16),
                0u16..70,
                0u64..6,
                any::<u64>(),
                85u64..95,
                any::<u64>(),
            ),
        )
            .prop_map(
                move |(columns, rows, (owner, k, threshold, tao_weight, reset_at, rao))| {
                    let mut parameters = Parameters::default();
                    (parameters.owner_uid, parameters.max_allowed_validators) = (owner, k);
                    (parameters.stake_threshold, parameters.tao_weight) = (threshold, tao_weight);
                    (parameters.tempo, parameters.activity_cutoff_factor_milli) = (10, 1_500);
                    let mut state = NullSnapshot::new(n);
                    (state.current_block, state.reset_at, state.rao_emission) =
                        (110, reset_at, rao);
                    state.alpha_stake = columns.iter().map(|c| c.0).collect();
                    state.tao_stake = columns.iter().map(|c| c.1).collect();
                    state.block_at_registration =
                        columns.iter().map(|c| c.2.saturating_sub(12)).collect();
                    state.validator_permit = columns.iter().map(|c| c.3).collect();
                    state.last_update = columns.iter().map(|c| c.4).collect();
                    state.scores = RowsBuf::from_pairs(rows);
                    Subnet { parameters, state }
                },
            )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_naive_port_agrees(s in subnet()) {
        let outcome = s.run();
        let paid: u128 = outcome.emission.iter().map(|e| u128::from(*e)).sum();
        prop_assert!(paid <= u128::from(s.state.rao_emission));
    }
}

#[cfg(feature = "serde")]
#[test]
fn a_snapshot_survives_json() {
    let state = four([vec![(2, 1), (3, u32::MAX)], vec![], vec![], vec![]]).state;
    let text = serde_json::to_string(&state).unwrap();
    assert!(text.contains("[[2,1,3,4294967295],[],[],[]]"));
    assert_eq!(serde_json::from_str::<NullSnapshot>(&text).unwrap(), state);
}
