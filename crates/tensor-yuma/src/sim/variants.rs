//! Floating-point Yuma variants from public simulators. They are **not** the chain: no masks, no permits, no 16-bit bonds, and
//! consensus is normalised and quantised, which the chain does not do. For exact numbers use [`crate::epoch`].
//!
//! Formulas after bactensor/yuma-simulation 2b976fd5, as read and described in yuma.md 13; that package computes in float32,
//! this module in f64, so digits differ. Where its first epoch has no past, the past is zero (capacities, Yuma 3) or the
//! present (moving averages, previous weights). Matrices are `[validators x miners]`.

/// Which variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Variant {
    /// Relative bonds without memory.
    Yuma1,
    /// Relative bonds with a moving average.
    Yuma2,
    /// As Yuma 2, clipping the previous epoch's weights.
    Yuma2B,
    /// Bonds are bought from a capacity that stake gives, and decay.
    Yuma2C,
    /// Absolute bonds in `0..=1`.
    Yuma3,
}

/// Parameters of the variants.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
#[non_exhaustive]
pub struct Settings {
    /// Majority of stake that consensus needs.
    pub kappa: f64,
    /// How much of the clipped part is taken out of the bond target. The package leaves it unset; 1 here, as on chain.
    pub bond_penalty: f64,
    /// Memory of the moving average; the speed is one minus it.
    pub bond_moving_avg: f64,
    /// Speed of each bond by its distance from consensus, from the second epoch on (not for 2C).
    pub liquid_alpha: bool,
    /// Slowest speed.
    pub alpha_low: f64,
    /// Fastest speed.
    pub alpha_high: f64,
    /// Steepness of the sigmoid.
    pub alpha_steepness: f64,
    /// Part of a bond that decays in an epoch (2C).
    pub decay_rate: f64,
    /// Part of the capacity that may be bought in an epoch (2C).
    pub capacity_alpha: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            kappa: 0.5,
            bond_penalty: 1.0,
            bond_moving_avg: 0.1,
            liquid_alpha: false,
            alpha_low: 0.1,
            alpha_high: 0.3,
            alpha_steepness: 10.0,
            decay_rate: 0.1,
            capacity_alpha: 0.1,
        }
    }
}

/// Rows of numbers.
pub type Matrix = Vec<Vec<f64>>;

/// What a variant remembers from epoch to epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    bonds: Option<Matrix>,
    weights: Option<Matrix>,
}

/// Result of an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct FloatOutcome {
    /// By miner, normalised to a sum of 1 and quantised.
    pub consensus: Vec<f64>,
    /// By miner.
    pub incentive: Vec<f64>,
    /// By validator: part of its weights that survives clipping.
    pub validator_trust: Vec<f64>,
    /// By validator.
    pub dividends: Vec<f64>,
    /// `[validators x miners]`.
    pub bonds: Matrix,
}

const EPSILON: f64 = 1e-6;

/// Run one epoch of `variant`. Rows of `weights` may be in any scale; missing values count as 0. `stake` is in any unit.
pub fn epoch(
    variant: Variant,
    settings: &Settings,
    weights: &Matrix,
    stake: &[f64],
    memory: &mut Memory,
) -> FloatOutcome {
    let miners = weights.iter().map(Vec::len).max().unwrap_or(0);
    let w: Matrix = weights
        .iter()
        .map(|row| {
            let sum: f64 = row.iter().sum();
            (0..miners).map(|j| row.get(j).copied().unwrap_or(0.0) / (sum + EPSILON)).collect()
        })
        .collect();
    let total: f64 = stake.iter().sum();
    let stake: Vec<f64> = (0..w.len())
        .map(|i| if total > 0.0 { stake.get(i).copied().unwrap_or(0.0) / total } else { 0.0 })
        .collect();

    let consensus = consensus(&w, &stake, settings.kappa, miners);
    let clipped_of =
        if variant == Variant::Yuma2B { memory.weights.as_ref().unwrap_or(&w) } else { &w };
    let clipped: Matrix = map(clipped_of, |_, j, x| x.min(consensus[j]));
    let rank: Vec<f64> = (0..miners).map(|j| dot(&stake, &clipped, j)).collect();
    let incentive = shares(&rank, 0.0);
    let validator_trust =
        clipped.iter().zip(&w).map(|(k, w)| ratio(k.iter().sum(), w.iter().sum())).collect();

    let old = memory.bonds.as_ref();
    let speed = |i: usize, j: usize, fixed: f64| match old {
        Some(old) if settings.liquid_alpha => {
            liquid(settings, consensus[j], w[i][j], at(old, i, j))
        }
        _ => fixed,
    };
    let target = || {
        map(clipped_of, |i, j, x| {
            stake[i] * ((1.0 - settings.bond_penalty) * x + settings.bond_penalty * clipped[i][j])
        })
    };
    let average = |new: &Matrix, fixed: f64| match old {
        None => new.clone(),
        Some(old) => map(new, |i, j, x| {
            let a = speed(i, j, fixed);
            a * x + (1.0 - a) * at(old, i, j)
        }),
    };
    let (bonds, claims) = match variant {
        Variant::Yuma1 => {
            let bonds = by_column(&average(&by_column(&target(), EPSILON), 1.0), EPSILON);
            (bonds.clone(), bonds)
        }
        Variant::Yuma2 | Variant::Yuma2B => {
            let bonds = average(&by_column(&target(), 0.0), 1.0 - settings.bond_moving_avg);
            (bonds.clone(), bonds)
        }
        Variant::Yuma2C => {
            let bonds = map(&w, |i, j, x| {
                let capacity = stake[i] * u64::MAX as f64;
                let held = old.map_or(0.0, |old| at(old, i, j));
                let room = (capacity - held).max(0.0).min(settings.capacity_alpha * capacity);
                capacity.min((1.0 - settings.decay_rate) * held + room * x)
            });
            let claims = by_column(&bonds, EPSILON);
            (bonds, claims)
        }
        Variant::Yuma3 => {
            let bonds = map(&w, |i, j, x| {
                let a = speed(i, j, 1.0 - settings.bond_moving_avg);
                let decayed = (1.0 - a) * old.map_or(0.0, |old| at(old, i, j));
                (decayed + (a * x).min((1.0 - decayed).max(0.0))).min(1.0)
            });
            let claims = by_column(&bonds, EPSILON);
            (bonds, claims)
        }
    };
    let earned: Vec<f64> = claims
        .iter()
        .zip(&stake)
        .map(|(row, stake)| {
            let sum: f64 =
                row.iter().zip(&incentive).map(|(claim, incentive)| claim * incentive).sum();
            if variant == Variant::Yuma3 { sum * stake } else { sum }
        })
        .collect();
    let dividends = shares(&earned, EPSILON);
    (memory.bonds, memory.weights) = (Some(bonds.clone()), Some(w));
    FloatOutcome { consensus, incentive, validator_trust, dividends, bonds }
}

/// The stake-weighted consensus: by falling weight, the first at which the stake reaches kappa; the largest if none does.
fn consensus(w: &Matrix, stake: &[f64], kappa: f64, miners: usize) -> Vec<f64> {
    let raw: Vec<f64> = (0..miners)
        .map(|j| {
            let mut column: Vec<(f64, f64)> =
                w.iter().zip(stake).map(|(row, s)| (row[j], *s)).collect();
            column.sort_by(|a, b| b.0.total_cmp(&a.0));
            let largest = column.first().map_or(0.0, |(weight, _)| *weight);
            let mut sum = 0.0;
            column
                .iter()
                .find(|(_, s)| {
                    sum += s;
                    sum >= kappa
                })
                .map_or(largest, |(weight, _)| *weight)
        })
        .collect();
    shares(&raw, 0.0).iter().map(|c| (c * 65_535.0).trunc() / 65_535.0).collect()
}

fn liquid(settings: &Settings, consensus: f64, weight: f64, bond: f64) -> f64 {
    let distance = if weight >= bond { weight - consensus } else { bond - weight };
    let x = -settings.alpha_steepness * (distance.clamp(0.0, 1.0) - 0.5);
    let mixed = settings.alpha_low + (settings.alpha_high - settings.alpha_low) / (1.0 + x.exp());
    mixed.min(settings.alpha_high).max(settings.alpha_low)
}

fn map(matrix: &Matrix, f: impl Fn(usize, usize, f64) -> f64) -> Matrix {
    matrix
        .iter()
        .enumerate()
        .map(|(i, row)| row.iter().enumerate().map(|(j, x)| f(i, j, *x)).collect())
        .collect()
}

/// 0 beyond the matrix, so that validators and miners may join.
fn at(matrix: &Matrix, i: usize, j: usize) -> f64 {
    matrix.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0)
}

fn dot(stake: &[f64], matrix: &Matrix, j: usize) -> f64 {
    stake.iter().zip(matrix).map(|(s, row)| s * row.get(j).copied().unwrap_or(0.0)).sum()
}

fn by_column(matrix: &Matrix, epsilon: f64) -> Matrix {
    let miners = matrix.first().map_or(0, Vec::len);
    let sums: Vec<f64> = (0..miners).map(|j| matrix.iter().map(|row| row[j]).sum()).collect();
    map(matrix, |_, j, x| ratio(x, sums[j] + epsilon))
}

fn shares(values: &[f64], epsilon: f64) -> Vec<f64> {
    let sum: f64 = values.iter().sum::<f64>() + epsilon;
    values.iter().map(|v| ratio(*v, sum)).collect()
}

/// 0 where the quotient does not exist.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Variant; 5] =
        [Variant::Yuma1, Variant::Yuma2, Variant::Yuma2B, Variant::Yuma2C, Variant::Yuma3];

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 2e-4, "{a} {b}");
    }

    #[test]
    fn agreement_pays_by_stake() {
        let w = vec![vec![1.0, 3.0]; 3];
        for variant in ALL {
            let mut memory = Memory::default();
            let mut last = FloatOutcome::default();
            for _ in 0..5 {
                last = epoch(variant, &Settings::default(), &w, &[5.0, 3.0, 2.0], &mut memory);
            }
            close(last.incentive[1], 0.75);
            close(last.dividends[0], 0.5);
            close(last.dividends[2], 0.2);
            close(last.validator_trust[0], 1.0);
        }
    }

    #[test]
    fn the_minority_is_clipped() {
        // 40 % of the stake overrate miner 1; consensus is what 60 % say.
        let w = vec![vec![0.8, 0.2], vec![0.2, 0.8]];
        let out =
            epoch(Variant::Yuma2, &Settings::default(), &w, &[6.0, 4.0], &mut Memory::default());
        close(out.consensus[0], 0.8);
        close(out.consensus[1], 0.2);
        close(out.validator_trust[1], 0.4);
        // Ranks: 0.6*0.8 + 0.4*0.2 and 0.6*0.2 + 0.4*0.2.
        close(out.incentive[0], 0.56 / 0.76);
    }

    #[test]
    fn memory_tells_the_variants_apart() {
        // Validator 1 finds miner 1 first and validator 0 follows: with memory the early one keeps more.
        let early = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        let late = vec![vec![0.0, 1.0], vec![0.0, 1.0]];
        let run = |variant| {
            let mut memory = Memory::default();
            let settings = Settings { bond_moving_avg: 0.9, ..Settings::default() };
            epoch(variant, &settings, &early, &[1.0, 1.0], &mut memory);
            epoch(variant, &settings, &late, &[1.0, 1.0], &mut memory).dividends
        };
        close(run(Variant::Yuma1)[0], 0.5);
        for variant in [Variant::Yuma2C, Variant::Yuma3] {
            let dividends = run(variant);
            assert!(dividends[1] > dividends[0] + 0.05, "{variant:?} {dividends:?}");
        }
        // 2B still clips the old weights, in which miner 1 had one vote.
        assert_ne!(run(Variant::Yuma2B), run(Variant::Yuma2));
    }

    #[test]
    fn liquid_speed_lies_between_its_limits() {
        let s = Settings::default();
        for (c, w, b) in [(0.0, 0.0, 0.0), (0.5, 1.0, 0.0), (0.1, 0.0, 1.0), (0.3, 0.3, 0.9)] {
            let a = liquid(&s, c, w, b);
            assert!((s.alpha_low..=s.alpha_high).contains(&a));
        }
        let out = epoch(Variant::Yuma3, &s, &Vec::new(), &[], &mut Memory::default());
        assert_eq!(out, FloatOutcome::default());
    }
}
