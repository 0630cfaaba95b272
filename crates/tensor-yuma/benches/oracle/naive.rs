//! The epoch written straight from its description, in fixed point and without any idea that saves time: the oracle that the
//! tests compare with and the yardstick that the benches divide by.
//!
//! It keeps the pallet's shape: rows as lists of pairs, a search by pivot for every median over materialised columns, an
//! accumulator as long as a row for every union, liquid speeds for every pair. Its rounding is written out anew here, so that
//! it shares no arithmetic with the crate.

#![allow(unreachable_pub, reason = "included by several test and bench programs")]

use tensor_yuma::epoch::{Input, Outcome, Parameters};
use tensor_yuma::fixed::I32F32;
use tensor_yuma::{Rows, RowsBuf};

/// Raw fixed-point numbers with 32 fractional bits.
pub type F = i64;
type Matrix = Vec<Vec<(u16, F)>>;

const ONE: F = 1 << 32;

/// Result of [`epoch`], raw.
#[derive(Debug, Default, PartialEq)]
pub struct NaiveOutcome {
    pub stake: Vec<F>,
    pub active_stake: Vec<F>,
    pub consensus: Vec<F>,
    pub validator_trust: Vec<F>,
    pub incentive: Vec<F>,
    pub dividends: Vec<F>,
    pub active: Vec<bool>,
    pub new_validator_permit: Vec<bool>,
    pub server_emission: Vec<u64>,
    pub validator_emission: Vec<u64>,
    pub emission: Vec<u64>,
    pub bonds: RowsBuf,
}

impl From<&Outcome> for NaiveOutcome {
    fn from(o: &Outcome) -> Self {
        let raw = |values: &[I32F32]| values.iter().map(|v| v.to_bits()).collect();
        Self {
            stake: raw(&o.stake),
            active_stake: raw(&o.active_stake),
            consensus: raw(&o.consensus),
            validator_trust: raw(&o.validator_trust),
            incentive: raw(&o.incentive),
            dividends: raw(&o.dividends),
            active: o.active.clone(),
            new_validator_permit: o.new_validator_permit.clone(),
            server_emission: o.server_emission.clone(),
            validator_emission: o.validator_emission.clone(),
            emission: o.emission.clone(),
            bonds: o.bonds.clone(),
        }
    }
}

fn clamp(x: i128) -> F {
    if x > i64::MAX as i128 {
        i64::MAX
    } else if x < i64::MIN as i128 {
        i64::MIN
    } else {
        x as i64
    }
}

pub fn mul(a: F, b: F) -> F {
    clamp((a as i128 * b as i128) >> 32)
}

pub fn div(a: F, b: F) -> F {
    if b == 0 {
        return 0;
    }
    i64::try_from(((a as i128) << 32) / b as i128).unwrap_or(0)
}

fn from_u16(v: u16) -> F {
    (v as i64) << 32
}

fn p16(v: u16) -> F {
    div(from_u16(v), from_u16(65_535))
}

fn to16(x: F) -> u16 {
    (mul(x, from_u16(65_535)) >> 32).clamp(0, 65_535) as u16
}

fn sum(values: &[F]) -> F {
    values.iter().sum()
}

fn normalize(values: &[F]) -> Vec<F> {
    let total = sum(values);
    if total == 0 { values.to_vec() } else { values.iter().map(|&v| div(v, total)).collect() }
}

fn exp(x: F) -> F {
    let x = x.clamp(-20 * ONE, 20 * ONE);
    if x == 0 {
        return ONE;
    }
    if x == ONE {
        return 22_802_600 << 9;
    }
    let y = x.abs();
    let mut result = y + ONE;
    let mut term = y;
    for i in 2..32i64 {
        term = mul(term, y);
        term = div(term, i << 32);
        result = result.saturating_add(term);
    }
    if x < 0 { div(ONE, result) } else { result }
}

fn load(rows: Rows<'_>, n: usize) -> Matrix {
    rows.iter()
        .map(|row| {
            row.iter()
                .filter(|(uid, _)| (*uid as usize) < n)
                .map(|(uid, v)| (uid, from_u16(v)))
                .collect()
        })
        .collect()
}

fn row_normalize(matrix: &mut Matrix) {
    for row in matrix.iter_mut() {
        let total: F = row.iter().map(|(_, v)| v).sum();
        if total > 0 {
            row.iter_mut().for_each(|(_, v)| *v = div(*v, total));
        }
    }
}

fn column_normalize(matrix: &mut Matrix, n: usize) {
    let mut sums = vec![0; n];
    for (j, v) in matrix.iter().flatten() {
        sums[*j as usize] += v;
    }
    for (j, v) in matrix.iter_mut().flatten() {
        if sums[*j as usize] != 0 {
            *v = div(*v, sums[*j as usize]);
        }
    }
}

/// Search by pivot: scores of the validators in `order`, whose stakes lie between the sums `low` and `high`.
fn median_search(stake: &[F], score: &[F], order: &[usize], minority: F, low: F, high: F) -> F {
    let n = order.len();
    if n == 0 {
        return 0;
    }
    if n == 1 {
        return score[order[0]];
    }
    let pivot = score[order[n / 2]];
    let (mut low_stake, mut high_stake) = (0, 0);
    let (mut lower, mut upper) = (Vec::new(), Vec::new());
    for &i in order {
        if score[i] < pivot {
            low_stake += stake[i];
            lower.push(i);
        } else if score[i] > pivot {
            high_stake += stake[i];
            upper.push(i);
        }
    }
    if low + low_stake > minority && !lower.is_empty() {
        return median_search(stake, score, &lower, minority, low, low + low_stake);
    }
    if high - high_stake <= minority && !upper.is_empty() {
        return median_search(stake, score, &upper, minority, high - high_stake, high);
    }
    pivot
}

fn weighted_medians(stake: &[F], scores: &Matrix, n: usize, kappa: F) -> Vec<F> {
    let voters: Vec<usize> = (0..n).filter(|&i| stake[i] > 0).collect();
    let voting = normalize(&voters.iter().map(|&i| stake[i]).collect::<Vec<F>>());
    let total = sum(&voting);
    let minority = total - kappa;
    // One materialised column per target.
    let mut columns = vec![vec![0; voters.len()]; n];
    for (v, &i) in voters.iter().enumerate() {
        for &(j, score) in &scores[i] {
            columns[j as usize][v] = score;
        }
    }
    let order: Vec<usize> = (0..voters.len()).collect();
    columns
        .iter()
        .map(|column| median_search(&voting, column, &order, minority, 0, total))
        .collect()
}

fn clip(matrix: &Matrix, limits: &[F]) -> Matrix {
    matrix
        .iter()
        .map(|row| {
            let mut clipped = Vec::new();
            for &(j, v) in row {
                let limit = limits[j as usize];
                if limit < v {
                    if limit > 0 {
                        clipped.push((j, limit));
                    }
                } else {
                    clipped.push((j, v));
                }
            }
            clipped
        })
        .collect()
}

fn interpolate(a: &Matrix, b: &Matrix, n: usize, ratio: F) -> Matrix {
    if ratio == 0 {
        return a.clone();
    }
    if ratio == ONE {
        return b.clone();
    }
    a.iter()
        .zip(b)
        .map(|(a, b)| {
            let mut acc = vec![0; n];
            let mut other = vec![0; n];
            a.iter().for_each(|&(j, v)| acc[j as usize] = v);
            b.iter().for_each(|&(j, v)| other[j as usize] = v);
            let mut row = Vec::new();
            for j in 0..n {
                let v = acc[j].saturating_add(mul(ratio, other[j].saturating_sub(acc[j])));
                if v > 0 {
                    row.push((j as u16, v));
                }
            }
            row
        })
        .collect()
}

fn ema(new: &Matrix, old: &Matrix, n: usize, alpha: F) -> Matrix {
    let rest = ONE.saturating_sub(alpha);
    new.iter()
        .zip(old)
        .map(|(new, old)| {
            let mut acc = vec![0; n];
            for &(j, v) in new {
                acc[j as usize] = mul(alpha, v);
            }
            for &(j, v) in old {
                acc[j as usize] = acc[j as usize].saturating_add(mul(rest, v));
            }
            acc.into_iter()
                .enumerate()
                .filter(|(_, v)| *v > 0)
                .map(|(j, v)| (j as u16, v))
                .collect()
        })
        .collect()
}

fn alpha_of(p: &Parameters, consensus: F, weight: F, bond: F) -> F {
    let (low, high) = (p16(p.alpha_low), p16(p.alpha_high));
    let difference =
        if weight >= bond { weight.saturating_sub(consensus) } else { bond.saturating_sub(weight) };
    let difference = difference.clamp(0, ONE);
    let slope = div((p.alpha_sigmoid_steepness as i64) << 32, -100 << 32);
    let e = exp(mul(slope, difference.saturating_sub(ONE / 2)));
    let sigmoid = div(ONE, ONE.saturating_add(e));
    low.saturating_add(mul(sigmoid, high.saturating_sub(low))).min(high).max(low)
}

/// Speeds for every pair, each row read with one forward cursor.
fn liquid_alphas(p: &Parameters, weights: &Matrix, bonds: &Matrix, consensus: &[F]) -> Vec<Vec<F>> {
    weights
        .iter()
        .zip(bonds)
        .map(|(weights, bonds)| {
            let (mut w, mut b) = (0, 0);
            let at = |row: &[(u16, F)], cursor: &mut usize, j: usize| {
                while *cursor < row.len() && (row[*cursor].0 as usize) < j {
                    *cursor += 1;
                }
                row.get(*cursor).filter(|(uid, _)| *uid as usize == j).map_or(0, |(_, v)| *v)
            };
            (0..consensus.len())
                .map(|j| {
                    let weight = at(weights, &mut w, j);
                    let bond = at(bonds, &mut b, j);
                    alpha_of(p, consensus[j], weight, bond)
                })
                .collect()
        })
        .collect()
}

fn ema_liquid(new: &Matrix, old: &Matrix, n: usize, alphas: &[Vec<F>]) -> Matrix {
    new.iter()
        .zip(old)
        .zip(alphas)
        .map(|((new, old), alphas)| {
            let mut held = vec![0; n];
            old.iter().for_each(|&(j, v)| held[j as usize] = v);
            let mut row = Vec::new();
            for &(j, v) in new {
                let alpha = alphas[j as usize];
                let decayed = mul(ONE.saturating_sub(alpha), held[j as usize]);
                let v = decayed.saturating_add(mul(alpha, v).max(0)).min(ONE);
                if v > 0 {
                    row.push((j, v));
                }
            }
            row
        })
        .collect()
}

fn product(matrix: &Matrix, vector: &[F]) -> Vec<F> {
    matrix
        .iter()
        .map(|row| {
            row.iter().fold(0i64, |acc, &(j, v)| acc.saturating_add(mul(v, vector[j as usize])))
        })
        .collect()
}

fn transposed_product(matrix: &Matrix, vector: &[F], n: usize) -> Vec<F> {
    let mut result = vec![0i64; n];
    for (row, &v) in matrix.iter().zip(vector) {
        for &(j, w) in row {
            result[j as usize] = result[j as usize].saturating_add(mul(v, w));
        }
    }
    result
}

fn topk_nonzero(values: &[F], k: usize) -> Vec<bool> {
    let n = values.len();
    let mut result: Vec<bool> = values.iter().map(|v| *v != 0).collect();
    if n >= k {
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&i| values[i]);
        order.iter().take(n - k).for_each(|&i| result[i] = false);
    }
    result
}

/// Run one epoch by the chain's rule. Inputs must be ones the chain can have.
pub fn epoch(p: &Parameters, input: &Input<'_>) -> NaiveOutcome {
    let n = input.alpha_stake.len();
    let registered = input.block_at_registration;
    let last_update: Vec<u64> =
        (0..n).map(|i| input.last_update.get(i).copied().unwrap_or(0)).collect();
    let owner = p.owner_uid.map(usize::from);

    // Stake.
    let tao_weight = (((p.tao_weight as u128) << 32) / u64::MAX as u128) as i128;
    let total: Vec<i128> = (0..n)
        .map(|i| {
            ((input.alpha_stake[i] as i128) << 64) + input.tao_stake[i] as i128 * (tao_weight << 32)
        })
        .collect();
    let filtered: Vec<i128> = (0..n)
        .map(|i| {
            if ((total[i] >> 64) as u64) < p.stake_threshold && owner != Some(i) {
                0
            } else {
                total[i]
            }
        })
        .collect();
    let all: i128 = filtered.iter().sum();
    let stake: Vec<F> = filtered.iter().map(|&f| long_division(f, all)).collect();

    // Masks.
    let factor = p.activity_cutoff_factor_milli as u64;
    let cutoff = (factor * p.tempo as u64 / 1_000).max(1);
    let active: Vec<bool> =
        last_update.iter().map(|u| u.saturating_add(cutoff) >= input.current_block).collect();
    let mut permit = input.validator_permit.to_vec();
    let mut new_permit = topk_nonzero(&stake, p.max_allowed_validators as usize);
    if let Some(owner) = owner {
        permit[owner] = true;
        new_permit[owner] = true;
    }
    let masked: Vec<F> =
        (0..n).map(|i| if active[i] && permit[i] { stake[i] } else { 0 }).collect();
    let active_stake = normalize(&masked);

    // Weights.
    let mut weights = load(input.weights, n);
    for (i, row) in weights.iter_mut().enumerate() {
        let commit = input.commit_blocks.get(i).copied().flatten().unwrap_or(u64::MAX);
        if !permit[i] {
            row.clear();
        }
        row.retain(|&(j, _)| j as usize != i || owner == Some(i));
        row.retain(|&(j, _)| last_update[i] > registered[j as usize]);
        if p.commit_reveal {
            row.retain(|&(j, _)| commit >= registered[j as usize]);
        }
    }
    row_normalize(&mut weights);

    // Consensus, trust, incentive.
    let consensus = weighted_medians(&active_stake, &weights, n, p16(p.kappa));
    let clipped = clip(&weights, &consensus);
    let validator_trust: Vec<F> =
        clipped.iter().map(|row| row.iter().map(|(_, v)| v).sum()).collect();
    let incentive = normalize(&transposed_product(&clipped, &active_stake, n));

    // Bonds.
    let for_bonds = interpolate(&weights, &clipped, n, p16(p.bonds_penalty));
    let last_tempo = if input.last_mechanism_step_block == 0 {
        input.current_block.saturating_sub(p.tempo as u64)
    } else {
        input.last_mechanism_step_block.saturating_add(1)
    };
    let mut bonds = load(input.bonds, n);
    bonds.iter_mut().for_each(|row| row.retain(|&(j, _)| last_tempo > registered[j as usize]));
    let moving = long_division_64(p.bonds_moving_average, 1_000_000);
    let alpha = ONE.saturating_sub(moving);

    let mut updated;
    let dividends;
    if p.yuma3 {
        bonds.iter_mut().flatten().for_each(|(_, v)| *v = div(*v, from_u16(65_535)));
        updated = if p.liquid_alpha && consensus.iter().any(|c| *c != 0) {
            let alphas = liquid_alphas(p, &for_bonds, &bonds, &consensus);
            ema_liquid(&for_bonds, &bonds, n, &alphas)
        } else {
            ema(&for_bonds, &bonds, n, alpha)
        };
        let mut claims = updated.clone();
        column_normalize(&mut claims, n);
        let earned: Vec<F> = product(&claims, &incentive)
            .iter()
            .zip(&active_stake)
            .map(|(d, s)| mul(*d, *s))
            .collect();
        dividends = normalize(&earned);
    } else {
        column_normalize(&mut bonds, n);
        let mut delta: Matrix = for_bonds
            .iter()
            .zip(&active_stake)
            .map(|(row, &s)| row.iter().map(|&(j, v)| (j, mul(v, s))).collect())
            .collect();
        column_normalize(&mut delta, n);
        updated = ema(&delta, &bonds, n, alpha);
        column_normalize(&mut updated, n);
        dividends = normalize(&product(&updated, &incentive));
        let mut top = vec![0; n];
        for &(j, v) in updated.iter().flatten() {
            top[j as usize] = v.max(top[j as usize]);
        }
        for (j, v) in updated.iter_mut().flatten() {
            if top[*j as usize] != 0 {
                *v = div(*v, top[*j as usize]);
            }
        }
    }

    // Emission.
    let combined: Vec<F> =
        incentive.iter().zip(&dividends).map(|(i, d)| i.saturating_add(*d)).collect();
    let both = sum(&combined);
    let (servers, validators, shares) = if both != 0 {
        let of = |v: &[F]| v.iter().map(|&v| div(v, both)).collect::<Vec<F>>();
        (of(&incentive), of(&dividends), normalize(&combined))
    } else {
        let by = if sum(&active_stake) == 0 { stake.clone() } else { active_stake.clone() };
        (incentive.clone(), by.clone(), by)
    };
    let pay = |v: &[F]| -> Vec<u64> {
        v.iter().map(|&v| ((v as u128 * input.rao_emission as u128) >> 32) as u64).collect()
    };

    let mut stored = RowsBuf::new();
    for (i, row) in updated.iter().enumerate() {
        stored.push_row(row.iter().filter(|_| new_permit[i]).map(|&(j, v)| (j, to16(v))));
    }
    NaiveOutcome {
        server_emission: pay(&servers),
        validator_emission: pay(&validators),
        emission: pay(&shares),
        stake,
        active_stake,
        consensus,
        validator_trust,
        incentive,
        dividends,
        active,
        new_validator_permit: new_permit,
        bonds: stored,
    }
}

/// `floor(a * 2^32 / b)` bit by bit, since the product needs more than 128 bits.
fn long_division(a: i128, b: i128) -> F {
    if b == 0 {
        return 0;
    }
    let mut quotient = (a / b) as i64;
    let mut remainder = (a % b) as u128;
    for _ in 0..32 {
        remainder <<= 1;
        quotient <<= 1;
        if remainder >= b as u128 {
            remainder -= b as u128;
            quotient |= 1;
        }
    }
    quotient
}

/// `floor(floor(a * 2^64 / b) / 2^32)`, limited to the type.
fn long_division_64(a: u64, b: u64) -> F {
    clamp((((a.min(i64::MAX as u64) as u128) << 64) / ((b as u128) << 32)) as i128)
}
