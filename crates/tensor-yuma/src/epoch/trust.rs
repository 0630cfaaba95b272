//! Clipping at consensus, validator trust and incentive. Source: yuma.md 6, 7 and 8.1.

use super::division::mul;

/// What the bond update sees of a weight, by the bonds penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Penalty {
    /// Penalty 0: the weight itself.
    None,
    /// Penalty 1: the clipped weight.
    Full,
    /// In between: the weight moved toward the clipped one by this proportion (raw).
    Part(i64),
}

impl Penalty {
    pub(super) const fn new(proportion: i64) -> Self {
        match proportion {
            0 => Self::None,
            super::ONE => Self::Full,
            part => Self::Part(part),
        }
    }
}

/// A weight clipped at consensus `c`; a positive weight for a target without consensus is dropped, a zero stays.
#[inline]
pub(super) const fn clip(weight: u64, c: u64) -> u64 {
    if weight < c { weight } else { c }
}

/// Whether clipping drops the entry.
#[inline]
pub(super) const fn dropped(weight: u64, c: u64) -> bool {
    weight > 0 && c == 0
}

/// Target of a bond from a weight: `w + penalty * (clipped - w)`, whose product is negative and floors.
#[inline]
pub(super) fn bond_target(weight: u64, c: u64, penalty: Penalty) -> u64 {
    match penalty {
        Penalty::None => weight,
        Penalty::Full => clip(weight, c),
        Penalty::Part(part) => {
            let cut = clip(weight, c) as i64 - weight as i64;
            let product = ((i128::from(part) * i128::from(cut)) >> 32) as i64;
            (weight as i64 + product).max(0).unsigned_abs()
        }
    }
}

/// What clipping needs of a target, and what it adds up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ranked {
    pub(super) consensus: u64,
    /// Sum of `floor(stake * clipped)`.
    pub(super) rank: u64,
    /// Sum of `floor(stake * bond target)`; not kept with a full penalty, where it is the rank.
    pub(super) asked: u64,
}

/// Adds one row to the ranks and returns its trust, the sum of its clipped weights.
#[inline]
pub(super) fn rank_row(
    entries: impl Iterator<Item = (u16, u64)>,
    stake: u64,
    penalty: Penalty,
    targets: &mut [Ranked],
) -> u64 {
    let mut trust = 0u64;
    if penalty == Penalty::Full {
        for (uid, weight) in entries {
            let target = &mut targets[usize::from(uid)];
            let clipped = clip(weight, target.consensus);
            trust = trust.wrapping_add(clipped);
            target.rank = target.rank.wrapping_add(mul(stake, clipped));
        }
    } else {
        for (uid, weight) in entries {
            let target = &mut targets[usize::from(uid)];
            let clipped = clip(weight, target.consensus);
            trust = trust.wrapping_add(clipped);
            target.rank = target.rank.wrapping_add(mul(stake, clipped));
            let asked = bond_target(weight, target.consensus, penalty);
            target.asked = target.asked.wrapping_add(mul(stake, asked));
        }
    }
    trust
}
