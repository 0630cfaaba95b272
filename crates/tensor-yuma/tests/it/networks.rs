//! Random subnets, from tame to absurd, all of which the chain could store.

use proptest::prelude::*;
use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Parameters, Snapshot};

/// A subnet of up to `max` neurons.
pub(crate) fn subnet(max: usize) -> impl Strategy<Value = (Parameters, Snapshot)> {
    (0..=max).prop_flat_map(|n| (parameters(n), snapshot(n)))
}

pub(crate) fn parameters(n: usize) -> impl Strategy<Value = Parameters> {
    let owner = if n == 0 { Just(None).boxed() } else { prop::option::of(0..n as u16).boxed() };
    let kappa =
        prop_oneof![4 => Just(32_767u16), 2 => any::<u16>(), 1 => Just(0), 1 => Just(65_535)];
    let penalty = prop_oneof![3 => Just(65_535u16), 2 => Just(0), 2 => any::<u16>()];
    let average = prop_oneof![4 => Just(900_000u64), 2 => 0u64..=1_000_000, 1 => any::<u64>(), 1 => Just(1_000_001)];
    let threshold = prop_oneof![3 => Just(0u64), 1 => 0..2_000_000u64];
    (
        (owner, kappa, penalty, average, threshold, 0u16..20, any::<(bool, bool, bool)>()),
        (
            any::<u16>(),
            any::<u16>(),
            any::<i16>(),
            any::<bool>(),
            any::<u64>(),
            0u16..500,
            0u32..60_000,
        ),
    )
        .prop_map(|(a, b)| {
            let mut p = Parameters::default();
            let switches;
            (
                p.owner_uid,
                p.kappa,
                p.bonds_penalty,
                p.bonds_moving_average,
                p.stake_threshold,
                p.max_allowed_validators,
                switches,
            ) = a;
            (p.yuma3, p.liquid_alpha, p.commit_reveal) = switches;
            let (low, high, steepness, usual, tao_weight, tempo, factor) = b;
            if !usual {
                (p.alpha_low, p.alpha_high, p.alpha_sigmoid_steepness) = (low, high, steepness);
            }
            (p.tao_weight, p.tempo, p.activity_cutoff_factor_milli) = (tao_weight, tempo, factor);
            p
        })
}

pub(crate) fn snapshot(n: usize) -> impl Strategy<Value = Snapshot> {
    let stake =
        prop_oneof![1 => Just(0u64), 3 => 0..10u64, 4 => 0..2_000_000u64, 1 => 0..1u64 << 55];
    let block = prop_oneof![4 => 900u64..1_000, 1 => 0..1_100u64, 1 => Just(0), 1 => Just(950)];
    let commit = prop::option::of(900u64..1_000);
    (
        prop::collection::vec((stake.clone(), stake), n),
        prop::collection::vec((block.clone(), block.clone(), any::<bool>(), commit), n),
        rows(n),
        rows(n),
        (block.clone(), block, any::<u64>(), 0usize..3, any::<bool>()),
    )
        .prop_map(
            move |(stakes, blocks, weights, bonds, (current, last, rao, short, commits))| {
                let mut s = Snapshot::new(n);
                (s.current_block, s.last_mechanism_step_block, s.rao_emission) =
                    (current.max(950), last, rao);
                s.alpha_stake = stakes.iter().map(|s| s.0).collect();
                s.tao_stake = stakes.iter().map(|s| s.1).collect();
                s.last_update = blocks.iter().map(|b| b.0).take(n.saturating_sub(short)).collect();
                // Most neurons are older than most weights.
                s.block_at_registration = blocks.iter().map(|b| b.1.saturating_sub(60)).collect();
                s.validator_permit = blocks.iter().map(|b| b.2).collect();
                s.commit_blocks =
                    if commits { blocks.iter().map(|b| b.3).collect() } else { Vec::new() };
                (s.weights, s.bonds) = (weights, bonds);
                s
            },
        )
}

/// Rows in any order, with zeros and unknown uids, but no uid twice.
fn rows(n: usize) -> impl Strategy<Value = RowsBuf> {
    let value = prop_oneof![1 => Just(0u16), 1 => Just(65_535), 2 => 0..4u16, 4 => any::<u16>()];
    let uid = 0..(n as u16 + 2);
    let row = prop::collection::vec((uid, value), 0..=n.min(24)).prop_map(|pairs| {
        let mut seen = std::collections::HashSet::new();
        pairs.into_iter().filter(|(uid, _)| seen.insert(*uid)).collect::<Vec<_>>()
    });
    let row = (row, any::<bool>()).prop_map(|(mut row, sort)| {
        if sort {
            row.sort_unstable();
        }
        row
    });
    prop::collection::vec(row, n).prop_map(RowsBuf::from_pairs)
}
