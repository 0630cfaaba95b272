//! What bonds earn, and how they are stored. Source: yuma.md 8.2 to 8.4.

use super::ONE;
use super::bonds::Growth;
use super::division::{DIVISOR_LIMIT, Divisor, mul};
use crate::rows::RowsBuf;

/// What the payout needs of a target.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Claimed<D> {
    /// Sum of its new bonds.
    pub(super) sum: D,
    /// Largest normalised bond (relative bonds are stored relative to it).
    pub(super) top: Divisor,
    pub(super) incentive: u64,
}

/// Division of a new bond by the sum over its target.
pub(super) trait BondDivisor: Copy + Send + Sync {
    fn of(sum: u64) -> Self;
    fn share(self, bond: u64) -> u64;
}

impl BondDivisor for Divisor {
    fn of(sum: u64) -> Self {
        Self::new(sum)
    }

    #[inline]
    fn share(self, bond: u64) -> u64 {
        self.divide(bond)
    }
}

/// A divisor for sums beyond what [`Divisor`] takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct WideDivisor(u64);

impl BondDivisor for WideDivisor {
    fn of(sum: u64) -> Self {
        Self(sum)
    }

    fn share(self, bond: u64) -> u64 {
        (u128::from(bond) << 32).checked_div(u128::from(self.0)).unwrap_or(0) as u64
    }
}

/// Whether [`Divisor`] takes all sums.
pub(super) fn sums_are_small(growth: &[Growth]) -> bool {
    growth.iter().all(|growth| growth.sum < DIVISOR_LIMIT)
}

impl<D: BondDivisor> Claimed<D> {
    /// Division is monotonic, so the largest normalised bond comes from the largest bond.
    pub(super) fn new(growth: Growth, incentive: u64) -> Self {
        let sum = D::of(growth.sum);
        Self { sum, top: Divisor::new(sum.share(growth.max)), incentive }
    }
}

/// Dividends of one row of relative bonds.
#[inline]
pub(super) fn relative_row<D: BondDivisor>(row: (&[u16], &[u64]), targets: &[Claimed<D>]) -> u64 {
    let mut dividends = 0u64;
    for (&uid, &bond) in row.0.iter().zip(row.1) {
        let target = &targets[usize::from(uid)];
        dividends = dividends.wrapping_add(mul(target.sum.share(bond), target.incentive));
    }
    dividends
}

/// [`relative_row`], storing the row relative to the largest bond of each target.
#[inline]
pub(super) fn store_relative_row<D: BondDivisor>(
    row: (&[u16], &[u64]),
    targets: &[Claimed<D>],
    out: &mut RowsBuf,
) -> u64 {
    let mut dividends = 0u64;
    let bonds = row.0.iter().zip(row.1).map(|(&uid, &bond)| {
        let target = &targets[usize::from(uid)];
        let claim = target.sum.share(bond);
        dividends = dividends.wrapping_add(mul(claim, target.incentive));
        stored(target.top.divide(claim))
    });
    out.push_row_of(row.0, bonds);
    dividends
}

/// Dividends of one row of absolute bonds.
#[inline]
pub(super) fn absolute_row<D: BondDivisor>(
    row: (&[u16], &[u64]),
    targets: &[Claimed<D>],
    stake: u64,
) -> u64 {
    if stake == 0 {
        return 0;
    }
    let mut dividends = 0u64;
    for (&uid, &bond) in row.0.iter().zip(row.1) {
        let target = &targets[usize::from(uid)];
        dividends = dividends.wrapping_add(mul(target.sum.share(bond), target.incentive));
    }
    mul(dividends, stake)
}

/// A proportion as the chain stores it: `floor(x * 65535)`, at most 65535.
#[inline]
pub(super) fn stored(proportion: u64) -> u16 {
    if proportion >= ONE as u64 { u16::MAX } else { ((proportion * 65_535) >> 32) as u16 }
}
