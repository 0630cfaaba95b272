//! The bond update: a validator's old bonds moved toward what its weights ask for. Source: yuma.md 8.

use super::ONE;
use super::division::{Divisor, SmallDivisor, mul};
use super::liquid_alpha::{self, Sigmoid};
use super::load::MaskedRow;
use super::trust::{Penalty, bond_target, clip, dropped};

/// What the update needs of a target, and what it adds up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Target {
    pub(super) consensus: u64,
    /// Sum of what all validators ask for (relative bonds).
    pub(super) asked: Divisor,
    /// Sum of the old bonds (relative bonds).
    pub(super) held: SmallDivisor,
    pub(super) growth: Growth,
}

/// New bonds of a target over all validators.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Growth {
    pub(super) sum: u64,
    pub(super) max: u64,
}

/// How new and old mix.
pub(super) trait Blend: Copy + Send + Sync {
    /// `a * new + (1 - a) * old`, 0 when that is negative.
    fn blend(self, new: u64, old: u64) -> u64;
    /// Adds a new bond; false when the sum overflows.
    fn grow(growth: &mut Growth, bond: u64) -> bool;
}

/// A speed in `0..=1`, as every subnet has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proportional {
    pub(super) speed: u64,
}

impl Blend for Proportional {
    #[inline]
    fn blend(self, new: u64, old: u64) -> u64 {
        mul(self.speed, new).wrapping_add(mul((ONE as u64).wrapping_sub(self.speed), old))
    }

    #[inline]
    fn grow(growth: &mut Growth, bond: u64) -> bool {
        growth.sum = growth.sum.wrapping_add(bond);
        growth.max = growth.max.max(bond);
        true
    }
}

/// A speed below zero, from a moving average above a million that only root can set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    pub(super) speed: i64,
}

impl Blend for Signed {
    fn blend(self, new: u64, old: u64) -> u64 {
        let product = |a: i64, b: u64| {
            let wide = (i128::from(a) * i128::from(b)) >> 32;
            i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
        };
        let rest = ONE.saturating_sub(self.speed);
        product(self.speed, new).saturating_add(product(rest, old)).max(0).unsigned_abs()
    }

    fn grow(growth: &mut Growth, bond: u64) -> bool {
        growth.max = growth.max.max(bond);
        growth.sum.checked_add(bond).filter(|sum| *sum <= i64::MAX as u64).is_some_and(|sum| {
            growth.sum = sum;
            true
        })
    }
}

/// One validator's row in the update.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) weights: MaskedRow<'a>,
    pub(super) bonds: MaskedRow<'a>,
    /// Divisor of its weights.
    pub(super) divisor: SmallDivisor,
    /// Its active stake.
    pub(super) stake: u64,
    pub(super) penalty: Penalty,
}

/// New bonds of consecutive rows. Room is made once and kept; each row is a range.
#[derive(Debug, Default)]
pub(super) struct NewBonds {
    uids: Vec<u16>,
    values: Vec<u64>,
    ends: Vec<usize>,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    weights: Sorted,
    bonds: Sorted,
    lookup: Vec<u32>,
    speeds: Vec<u64>,
    pending: Vec<u32>,
}

#[derive(Debug, Default)]
struct Sorted {
    pairs: Vec<(u16, u16)>,
    uids: Vec<u16>,
    values: Vec<u16>,
}

impl NewBonds {
    /// Forget all rows and make room for `rows` of them with `entries` entries in all.
    pub(super) fn reset(&mut self, rows: usize, entries: usize, n: usize) {
        self.ends.clear();
        self.ends.reserve(rows);
        if self.uids.len() < entries {
            self.uids.resize(entries, 0);
            self.values.resize(entries, 0);
        }
        if self.scratch.lookup.len() < n {
            self.scratch.lookup.resize(n, 0);
        }
    }

    /// Uids and bonds of the `at`-th row.
    #[inline]
    pub(super) fn row(&self, at: usize) -> (&[u16], &[u64]) {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        let end = self.ends[at];
        (&self.uids[start..end], &self.values[start..end])
    }

    /// Relative bonds: both sides normalised by target first. The new row is sorted.
    pub(super) fn push_relative<B: Blend>(
        &mut self,
        holder: Holder<'_>,
        blend: B,
        targets: &mut [Target],
    ) -> bool {
        let Holder { divisor, stake, penalty, .. } = holder;
        let nothing = MaskedRow { uids: &[], values: &[], sorted: true, sum: 0 };
        // Without stake nothing is asked for.
        let weights = if stake == 0 { nothing } else { holder.weights };
        if penalty == Penalty::Full {
            // The common case on its own, so that the penalty is decided once.
            return self.push_merged(
                weights,
                holder.bonds,
                targets,
                B::grow,
                |target, weight, bond| {
                    let asked = mul(stake, clip(divisor.divide(weight), target.consensus));
                    blend.blend(target.asked.divide(asked), target.held.divide(bond))
                },
            );
        }
        self.push_merged(weights, holder.bonds, targets, B::grow, |target, weight, bond| {
            let asked = mul(stake, bond_target(divisor.divide(weight), target.consensus, penalty));
            blend.blend(target.asked.divide(asked), target.held.divide(bond))
        })
    }

    /// Absolute bonds at one speed. The new row is sorted.
    pub(super) fn push_absolute<B: Blend>(
        &mut self,
        holder: Holder<'_>,
        blend: B,
        targets: &mut [Target],
    ) -> bool {
        let Holder { weights, bonds, divisor, penalty, .. } = holder;
        if penalty == Penalty::Full {
            return self.push_merged(weights, bonds, targets, B::grow, |target, weight, bond| {
                blend.blend(clip(divisor.divide(weight), target.consensus), proportion(bond))
            });
        }
        self.push_merged(weights, bonds, targets, B::grow, |target, weight, bond| {
            let asked = bond_target(divisor.divide(weight), target.consensus, penalty);
            blend.blend(asked, proportion(bond))
        })
    }

    /// Absolute bonds, each at its own speed, over the entries that are asked for, in the order of the weights.
    ///
    /// The pallet walks all targets with one cursor per row, so on an unsorted row an entry behind a larger uid is read as 0
    /// where the speed is decided, though not where the bond moves.
    pub(super) fn push_liquid(
        &mut self,
        holder: Holder<'_>,
        sigmoid: &Sigmoid,
        targets: &mut [Target],
    ) -> bool {
        const PRESENT: u32 = 1 << 16;
        const HIDDEN: u32 = 1 << 17;
        let Holder { bonds, divisor, penalty, .. } = holder;
        let scratch = &mut self.scratch;
        // A partial penalty rebuilds the row by ascending target.
        let weights = if matches!(penalty, Penalty::Part(_)) {
            scratch.weights.sorted(holder.weights)
        } else {
            holder.weights
        };

        let mut cursor = Cursor::default();
        for (&uid, &bond) in bonds.uids.iter().zip(bonds.values) {
            let hidden = if cursor.sees(uid) { 0 } else { HIDDEN };
            scratch.lookup[usize::from(uid)] = u32::from(bond) | PRESENT | hidden;
        }

        let start = self.ends.last().copied().unwrap_or(0);
        let uids = &mut self.uids[start..start + weights.uids.len()];
        let values = &mut self.values[start..start + weights.uids.len()];
        scratch.speeds.clear();
        let mut kept = 0;
        let mut cursor = Cursor::default();
        for (&uid, &value) in weights.uids.iter().zip(weights.values) {
            let c = targets[usize::from(uid)].consensus;
            let weight = divisor.divide(value);
            let absent = match penalty {
                Penalty::None => false,
                Penalty::Full => dropped(weight, c),
                Penalty::Part(_) => bond_target(weight, c, penalty) == 0,
            };
            if absent {
                continue;
            }
            let asked = bond_target(weight, c, penalty);
            let held = scratch.lookup[usize::from(uid)];
            let bond = if held & PRESENT == 0 { 0 } else { proportion(held as u16) };
            let seen_weight = if cursor.sees(uid) { asked } else { 0 };
            let seen_bond = if held & HIDDEN == 0 { bond } else { 0 };
            scratch.speeds.push(Sigmoid::distance(c, seen_weight, seen_bond));
            uids[kept] = uid;
            values[kept] = asked;
            kept += 1;
        }
        sigmoid.speeds(&mut scratch.speeds, &mut scratch.pending);

        let mut end = 0;
        for at in 0..kept {
            let uid = uids[at];
            let held = scratch.lookup[usize::from(uid)];
            let bond = if held & PRESENT == 0 { 0 } else { proportion(held as u16) };
            let new = liquid_alpha::step(scratch.speeds[at], values[at], bond);
            uids[end] = uid;
            values[end] = new;
            end += usize::from(new > 0);
            Proportional::grow(&mut targets[usize::from(uid)].growth, new);
        }
        self.ends.push(start + end);
        bonds.uids.iter().for_each(|&uid| scratch.lookup[usize::from(uid)] = 0);
        true
    }

    /// Liquid alpha of the dense variant: every pair moves by its true values, so an old bond that nothing asks for decays.
    pub(super) fn push_liquid_dense(
        &mut self,
        holder: Holder<'_>,
        sigmoid: &Sigmoid,
        targets: &mut [Target],
    ) -> bool {
        let Holder { weights, bonds, divisor, penalty, .. } = holder;
        self.push_merged(weights, bonds, targets, Proportional::grow, |target, weight, bond| {
            let c = target.consensus;
            let (asked, bond) = (bond_target(divisor.divide(weight), c, penalty), proportion(bond));
            liquid_alpha::step(sigmoid.speed(Sigmoid::distance(c, asked, bond)), asked, bond)
        })
    }

    /// A row over the union of two rows in ascending order; `new` gives the bond from weight and bond (0 where absent).
    #[inline]
    fn push_merged(
        &mut self,
        weights: MaskedRow<'_>,
        bonds: MaskedRow<'_>,
        targets: &mut [Target],
        grow: impl Fn(&mut Growth, u64) -> bool,
        new: impl Fn(&Target, u16, u16) -> u64,
    ) -> bool {
        let scratch = &mut self.scratch;
        let weights = scratch.weights.sorted(weights);
        let bonds = scratch.bonds.sorted(bonds);
        let start = self.ends.last().copied().unwrap_or(0);
        let room = start..start + weights.uids.len() + bonds.uids.len();
        let (uids, values) = (&mut self.uids[room.clone()], &mut self.values[room]);
        let mut fits = true;
        let mut compute = |uid: u16, weight: u16, bond: u16| {
            let target = &mut targets[usize::from(uid)];
            let value = new(target, weight, bond);
            fits &= grow(&mut target.growth, value);
            value
        };
        let mut kept;
        if weights.uids == bonds.uids {
            // Settled networks: nothing to merge.
            kept = weights.uids.len();
            uids[..kept].copy_from_slice(weights.uids);
            let mut zeros = false;
            let entries = weights.uids.iter().zip(weights.values).zip(bonds.values);
            for (value, ((&uid, &weight), &bond)) in values.iter_mut().zip(entries) {
                *value = compute(uid, weight, bond);
                zeros |= *value == 0;
            }
            if zeros {
                kept = compact(&mut uids[..kept], &mut values[..kept]);
            }
        } else {
            kept = 0;
            merge(weights, bonds, |uid, weight, bond| {
                let value = compute(uid, weight, bond);
                (uids[kept], values[kept]) = (uid, value);
                kept += usize::from(value > 0);
            });
        }
        self.ends.push(start + kept);
        fits
    }
}

/// Moves the entries that are not zero to the front and counts them.
fn compact(uids: &mut [u16], values: &mut [u64]) -> usize {
    let mut kept = 0;
    for at in 0..values.len() {
        let value = values[at];
        (uids[kept], values[kept]) = (uids[at], value);
        kept += usize::from(value > 0);
    }
    kept
}

impl Sorted {
    /// The row with ascending uids, copied only if it is not sorted already.
    fn sorted<'a>(&'a mut self, row: MaskedRow<'a>) -> MaskedRow<'a> {
        if row.sorted {
            return row;
        }
        self.pairs.clear();
        self.pairs.extend(row.uids.iter().copied().zip(row.values.iter().copied()));
        self.pairs.sort_unstable();
        self.uids.clear();
        self.values.clear();
        self.uids.extend(self.pairs.iter().map(|(uid, _)| *uid));
        self.values.extend(self.pairs.iter().map(|(_, value)| *value));
        MaskedRow { uids: &self.uids, values: &self.values, sorted: true, sum: row.sum }
    }
}

/// The pallet's forward cursor over a row: an entry is met when its uid is above all before it.
#[derive(Default)]
struct Cursor {
    next: u32,
}

impl Cursor {
    #[inline]
    fn sees(&mut self, uid: u16) -> bool {
        let seen = u32::from(uid) >= self.next;
        if seen {
            self.next = u32::from(uid) + 1;
        }
        seen
    }
}

/// A stored bond or weight as a proportion.
#[inline]
pub(super) fn proportion(value: u16) -> u64 {
    // 65535 is exactly one; 65535 * 65537 is one unit below it.
    u64::from(value) * 65_537 + u64::from(value == u16::MAX)
}

#[inline]
fn merge(weights: MaskedRow<'_>, bonds: MaskedRow<'_>, mut put: impl FnMut(u16, u16, u16)) {
    let (mut w, mut b) = (0, 0);
    while let (Some(&weight_uid), Some(&bond_uid)) = (weights.uids.get(w), bonds.uids.get(b)) {
        let (has_weight, has_bond) = (weight_uid <= bond_uid, bond_uid <= weight_uid);
        let weight = if has_weight { weights.values[w] } else { 0 };
        let bond = if has_bond { bonds.values[b] } else { 0 };
        put(weight_uid.min(bond_uid), weight, bond);
        w += usize::from(has_weight);
        b += usize::from(has_bond);
    }
    for (&uid, &weight) in weights.uids[w..].iter().zip(&weights.values[w..]) {
        put(uid, weight, 0);
    }
    for (&uid, &bond) in bonds.uids[b..].iter().zip(&bonds.values[b..]) {
        put(uid, 0, bond);
    }
}
