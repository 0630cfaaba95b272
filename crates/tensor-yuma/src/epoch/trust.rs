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

/// One row's share of ranks: `floor(stake * clipped)` for every target, added to `rank`; returns the trust, the sum of the
/// clipped weights. With a penalty other than full, the same product of the bond target goes to `target`.
#[inline]
pub(super) fn rank_row(
    entries: impl Iterator<Item = (u16, u64)>,
    consensus: &[u64],
    stake: u64,
    penalty: Penalty,
    rank: &mut [u64],
    target: &mut [u64],
) -> u64 {
    let mut trust = 0u64;
    match (stake, penalty) {
        (0, _) => {
            for (uid, weight) in entries {
                trust = trust.wrapping_add(clip(weight, consensus[usize::from(uid)]));
            }
        }
        (_, Penalty::Full) => {
            for (uid, weight) in entries {
                let clipped = clip(weight, consensus[usize::from(uid)]);
                trust = trust.wrapping_add(clipped);
                let rank = &mut rank[usize::from(uid)];
                *rank = rank.wrapping_add(mul(stake, clipped));
            }
        }
        _ => {
            for (uid, weight) in entries {
                let c = consensus[usize::from(uid)];
                let clipped = clip(weight, c);
                trust = trust.wrapping_add(clipped);
                rank[usize::from(uid)] += mul(stake, clipped);
                target[usize::from(uid)] += mul(stake, bond_target(weight, c, penalty));
            }
        }
    }
    trust
}
