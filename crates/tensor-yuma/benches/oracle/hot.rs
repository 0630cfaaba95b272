//! The network the benches run on: a fixed share of the columns is hot and gets weight from 93 % of the validators.

#![allow(unreachable_pub, reason = "included by several test and bench programs")]

use tensor_yuma::RowsBuf;
use tensor_yuma::epoch::{Epoch, Parameters, Snapshot};

/// A subnet of `n` neurons, the first `validators` of which have stake, permit and weights.
pub fn network(n: usize, validators: usize, hot: f64, seed: u64) -> Snapshot {
    let mut random = Random(seed | 1);
    let mut s = Snapshot::new(n);
    s.current_block = 10_000;
    s.last_mechanism_step_block = 9_640;
    s.rao_emission = 360_000_000_000;
    s.last_update = vec![9_990; n];
    s.block_at_registration = vec![5; n];
    for uid in 0..validators {
        s.alpha_stake[uid] = 1_000_000_000 + random.below(1_000_000_000_000);
        s.tao_stake[uid] = random.below(100_000_000_000);
        s.validator_permit[uid] = true;
    }
    let step = (1.0 / hot) as usize;
    let mut rows = RowsBuf::new();
    for uid in 0..n {
        let mut row = Vec::new();
        if uid < validators {
            for target in (0..n).step_by(step) {
                if random.below(100) < 93 {
                    row.push((target as u16, 1 + random.below(65_535) as u16));
                }
            }
        }
        rows.push_row(row);
    }
    s.weights = rows;
    s
}

/// The three modes of bonds.
pub fn modes(n: usize) -> [(&'static str, Parameters); 3] {
    let mut yuma2 = Parameters::default();
    yuma2.max_allowed_validators = n as u16;
    let mut yuma3 = yuma2.clone();
    yuma3.yuma3 = true;
    let mut liquid = yuma3.clone();
    liquid.liquid_alpha = true;
    [("yuma2", yuma2), ("yuma3", yuma3), ("yuma3+liquid", liquid)]
}

/// The network after some epochs, so that bonds are what they are in operation.
pub fn settled(parameters: &Parameters, snapshot: &Snapshot) -> Snapshot {
    let mut s = snapshot.clone();
    let mut epoch = Epoch::new();
    for _ in 0..3 {
        if let Ok(outcome) = epoch.run(parameters, &s.as_input()) {
            s.bonds = outcome.bonds.clone();
            s.validator_permit = outcome.new_validator_permit.clone();
        }
    }
    s
}

/// A subnet of null consensus.
pub struct Scores {
    pub alpha_stake: Vec<u64>,
    pub permits: Vec<bool>,
    pub scores: RowsBuf<u32>,
}

/// `n` miners, the first `validators` of which score 1 % of the others at random.
pub fn scores(n: usize, validators: usize, seed: u64) -> Scores {
    let mut random = Random(seed | 1);
    let mut scores = RowsBuf::new();
    for uid in 0..n {
        let targets = (0..n).filter(|_| uid < validators && random.below(100) == 0);
        let row: Vec<(u16, u32)> = targets.map(|target| (target as u16, 1)).collect();
        scores.push_row(
            row.into_iter().map(|(uid, _)| (uid, 1 + random.below(u64::from(u32::MAX)) as u32)),
        );
    }
    Scores {
        alpha_stake: (0..n)
            .map(|uid| if uid < validators { 1_000 + random.below(1 << 40) } else { 0 })
            .collect(),
        permits: (0..n).map(|uid| uid < validators).collect(),
        scores,
    }
}

/// A small generator, so that every run sees the same network.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * u128::from(limit)) >> 64) as u64
    }
}
