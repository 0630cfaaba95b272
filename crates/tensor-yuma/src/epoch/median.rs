//! Consensus: the stake-weighted median of every column of normalised weights. Source: yuma.md 6.
//!
//! A column is decided without sorting when the validators that score it with zero already hold the majority; the others
//! narrow the search to a bracket from a sample, and look only inside it.

use crate::fixed::I32F32;

use super::division::SmallDivisor;
use super::workers;

/// Bits of an index below the score in a packed entry: 2^16 validators.
const INDEX_BITS: u32 = 16;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;

/// Columns that are small enough are sorted outright.
const SMALL: usize = 40;
const SAMPLE: usize = 41;

/// The scores a chunk of rows gives, first counted, then collected by column.
#[derive(Debug, Default)]
pub(super) struct Votes {
    columns: Vec<Column>,
    entries: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Column {
    /// Stake of the validators with a positive score.
    stake: u64,
    /// How many they are.
    count: u32,
    /// Whether the scores must be looked at.
    open: bool,
    /// Where the next entry is written; the end once all are collected.
    next: usize,
}

/// What is known of every column before its scores are looked at.
#[derive(Debug, Default)]
pub(super) struct Columns {
    minority: i64,
    /// Stake that scores the column with zero, for columns whose median is not zero already.
    below: Vec<Option<u64>>,
    spaces: Vec<Space>,
}

/// Scratch space for medians.
#[derive(Debug, Default)]
struct Space {
    spare: Vec<u64>,
    joined: Vec<u64>,
}

impl Votes {
    pub(super) fn begin(&mut self, n: usize) {
        self.columns.clear();
        self.columns.resize(n, Column::default());
    }

    /// Count the positive scores of a validator with this voting stake. A positive weight never normalises to zero.
    #[inline]
    pub(super) fn count(&mut self, uids: &[u16], values: &[u16], stake: u64) {
        for (&uid, &value) in uids.iter().zip(values) {
            let column = &mut self.columns[usize::from(uid)];
            let scored = value > 0;
            column.count = column.count.wrapping_add(u32::from(scored));
            column.stake = column.stake.wrapping_add(if scored { stake } else { 0 });
        }
    }

    /// Collect the positive scores for columns that need them.
    #[inline]
    pub(super) fn collect(
        &mut self,
        uids: &[u16],
        values: &[u16],
        divisor: SmallDivisor,
        validator: usize,
    ) {
        for (&uid, &value) in uids.iter().zip(values) {
            let column = &mut self.columns[usize::from(uid)];
            if value > 0 && column.open {
                self.entries[column.next] = pack(divisor.divide(value), validator);
                column.next += 1;
            }
        }
    }

    fn column(&self, uid: usize) -> &[u64] {
        let Column { next, count, .. } = self.columns[uid];
        &self.entries[next - count as usize..next]
    }
}

impl Columns {
    /// Stake that the scores up to the median must exceed.
    pub(super) const fn minority(&self) -> i64 {
        self.minority
    }

    /// Decide the columns whose majority scores zero, and make room for the others.
    pub(super) fn decide(&mut self, n: usize, voting: &[u64], kappa: i64, votes: &mut [Votes]) {
        let total: u64 = voting.iter().sum();
        let voters = voting.iter().filter(|stake| **stake > 0).count();
        self.minority = total as i64 - kappa;
        self.below.clear();
        self.below.extend((0..n).map(|uid| {
            let columns = votes.iter().map(|votes| votes.columns[uid]);
            let (count, scored) = columns.fold((0, 0), |(count, stake), column| {
                (count + column.count as usize, stake + column.stake)
            });
            let zeros = total - scored;
            // Without a single zero score there is nothing to exceed, even for a negative minority.
            let decided = count == 0 || (count < voters && zeros as i64 > self.minority);
            (!decided).then_some(zeros)
        }));
        for votes in votes {
            let mut at = 0;
            for (below, column) in self.below.iter().zip(&mut votes.columns) {
                (column.open, column.next) = (below.is_some(), at);
                at += if column.open { column.count as usize } else { 0 };
            }
            if votes.entries.len() < at {
                votes.entries.resize(at, 0);
            }
        }
    }

    /// The median of every column.
    pub(super) fn medians(&mut self, votes: &[Votes], voting: &[u64], consensus: &mut [u64]) {
        let Self { minority, below, spaces } = self;
        workers::fill(consensus, spaces, votes.len(), |uid, c, space| {
            let Some(below) = below[uid] else { return };
            let entries = match votes {
                [votes] => votes.column(uid),
                _ => {
                    space.joined.clear();
                    votes
                        .iter()
                        .for_each(|votes| space.joined.extend_from_slice(votes.column(uid)));
                    &space.joined
                }
            };
            *c = select(entries, &mut space.spare, voting, below, *minority);
        });
    }
}

/// A score of a column together with who gave it.
#[inline]
pub(super) const fn pack(score: u64, validator: usize) -> u64 {
    score << INDEX_BITS | validator as u64
}

/// The smallest score at which the stake of all lower or equal scores exceeds `minority`; the largest score if none does.
///
/// `stake` is the stake by validator, `below` the stake of scores that are not in `entries` and lower than all of them.
/// `spare` is scratch space. 0 without entries.
pub(super) fn select(
    entries: &[u64],
    spare: &mut Vec<u64>,
    stake: &[u64],
    below: u64,
    minority: i64,
) -> u64 {
    if entries.is_empty() {
        return 0;
    }
    // In u64, a minority below zero is exceeded by the first entry.
    let exceeds = |sum: u64| sum as i64 > minority;
    let mut sum_below = below;
    // Candidates are the entries within `window`: all entries at first, later the first `len` of `spare`.
    let mut window = (0, u64::MAX);
    let mut untouched = true;
    let mut len = entries.len();
    if spare.len() < len {
        spare.resize(len, 0);
    }
    loop {
        let candidates = if untouched { entries } else { &spare[..len] };
        if len <= SMALL {
            let mut few = [0; SMALL];
            few[..len].copy_from_slice(candidates);
            return first_exceeding(&mut few[..len], stake, sum_below, minority)
                .unwrap_or(window.1 >> INDEX_BITS);
        }
        let wanted = minority.saturating_sub(sum_below as i64);
        let (low, high) = bracket(candidates, stake, wanted);
        let part = if untouched {
            narrow(entries.iter().copied(), spare, stake, low, high)
        } else {
            narrow_in_place(&mut spare[..len], stake, low, high)
        };
        if exceeds(sum_below + part.low) {
            window.1 = low - 1;
        } else if exceeds(sum_below + part.low + part.inside) || high == u64::MAX {
            sum_below += part.low;
            window = (window.0.max(low), window.1.min(high));
            (len, untouched) = (part.kept, false);
            continue;
        } else {
            sum_below += part.low + part.inside;
            if high == window.1 {
                return high >> INDEX_BITS;
            }
            window.0 = high + 1;
        }
        // The bracket missed, which is rare: take the other part from the untouched entries.
        let rest = entries.iter().copied().filter(|entry| (window.0..=window.1).contains(entry));
        (len, untouched) = (0, false);
        for entry in rest {
            spare[len] = entry;
            len += 1;
        }
        if len == 0 {
            return high >> INDEX_BITS;
        }
    }
}

#[inline]
fn weight(stake: &[u64], entry: u64) -> u64 {
    stake[(entry & INDEX_MASK) as usize]
}

/// Stake below and inside a bracket, and how many entries are inside.
#[derive(Clone, Copy, Default)]
struct Part {
    low: u64,
    inside: u64,
    kept: usize,
}

impl Part {
    /// Account for an entry; true if it is inside.
    #[inline]
    fn take(&mut self, entry: u64, weight: u64, low: u64, high: u64) -> bool {
        let is_low = entry < low;
        let inside = !is_low && entry <= high;
        self.low += if is_low { weight } else { 0 };
        self.inside += if inside { weight } else { 0 };
        inside
    }
}

/// Collects the entries inside the bracket at the front of `to`, which has room for all of them.
#[inline]
fn narrow(
    from: impl Iterator<Item = u64>,
    to: &mut [u64],
    stake: &[u64],
    low: u64,
    high: u64,
) -> Part {
    let mut part = Part::default();
    for entry in from {
        let inside = part.take(entry, weight(stake, entry), low, high);
        to[part.kept] = entry;
        part.kept += usize::from(inside);
    }
    part
}

fn narrow_in_place(entries: &mut [u64], stake: &[u64], low: u64, high: u64) -> Part {
    let mut part = Part::default();
    for at in 0..entries.len() {
        let entry = entries[at];
        let inside = part.take(entry, weight(stake, entry), low, high);
        entries[part.kept] = entry;
        part.kept += usize::from(inside);
    }
    part
}

/// The score at which the sum passes `minority`, or the largest score; `None` without candidates.
fn first_exceeding(
    candidates: &mut [u64],
    stake: &[u64],
    below: u64,
    minority: i64,
) -> Option<u64> {
    candidates.sort_unstable();
    let mut sum = below;
    for &entry in candidates.iter() {
        sum += weight(stake, entry);
        if sum as i64 > minority {
            return Some(entry >> INDEX_BITS);
        }
    }
    candidates.last().map(|entry| entry >> INDEX_BITS)
}

/// Two entries between which the answer probably lies, from an evenly spaced sample.
fn bracket(candidates: &[u64], stake: &[u64], wanted: i64) -> (u64, u64) {
    let mut sample = [0u64; SAMPLE];
    let step = candidates.len() / SAMPLE;
    for (slot, entry) in
        sample.iter_mut().zip(candidates.iter().skip(step / 2).step_by(step.max(1)))
    {
        *slot = *entry;
    }
    sample.sort_unstable();
    // The sample stands for all candidates: scale what is wanted by how much stake it holds of them. An estimate is enough.
    let scale = candidates.len() as f64 / SAMPLE as f64;
    let target = wanted as f64 / scale;
    let mut sum = 0.0;
    let mut at = 0;
    for (index, &entry) in sample.iter().enumerate() {
        at = index;
        sum += weight(stake, entry) as f64;
        if sum > target {
            break;
        }
    }
    let reach = 6;
    let low = if at > reach { sample[at - reach] } else { 0 };
    let high = if at + reach < SAMPLE { sample[at + reach] } else { u64::MAX };
    (low, high)
}

/// Weighted median of one column, as the unit vectors of the specification state it: stake as given, total its sum.
///
/// The score at which the stake of lower and equal scores exceeds `sum(stake) - kappa`, the largest
/// score if none does, 0 without stake. `score` and `stake` are parallel; negative values count as 0.
///
/// ```
/// use tensor_yuma::epoch::weighted_median;
/// use tensor_yuma::fixed::I32F32;
/// let third = I32F32::from_bits(1_431_655_765);
/// let scores = [1, 5, 9].map(I32F32::from_int);
/// assert_eq!(weighted_median(&[third; 3], &scores, I32F32::from_u16_proportion(32_767)), I32F32::from_int(5));
/// ```
#[must_use]
pub fn weighted_median(stake: &[I32F32], score: &[I32F32], kappa: I32F32) -> I32F32 {
    let mut order: Vec<(i64, u64)> = stake
        .iter()
        .zip(score)
        .map(|(stake, score)| (score.to_bits(), stake.to_bits().max(0).unsigned_abs()))
        .collect();
    order.sort_unstable();
    let total: u64 = order.iter().map(|(_, stake)| stake).sum();
    let minority = i128::from(total) - i128::from(kappa.to_bits());
    let mut sum = 0u64;
    for &(score, stake) in &order {
        sum += stake;
        if i128::from(sum) > minority {
            return I32F32::from_bits(score);
        }
    }
    order.last().map_or(I32F32::ZERO, |(score, _)| I32F32::from_bits(*score))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn selection_equals_sorting(
            seed in prop::collection::vec((0u64..1 << 33, 0u64..1 << 20, 0u64..4), 1..400),
            kappa in any::<u16>(),
            ties in 1u64..9,
        ) {
            let scores: Vec<u64> = seed.iter().map(|(s, _, t)| if *t < ties / 2 { s % 3 + 1 } else { *s + 1 }).collect();
            let stake: Vec<u64> = seed.iter().map(|(_, w, _)| *w + 1).collect();
            let total: u64 = stake.iter().sum();
            let kappa_part = (total as u128 * u128::from(kappa) / 65_535) as i64;
            let entries: Vec<u64> = scores.iter().enumerate().map(|(v, s)| pack(*s, v)).collect();
            let below = total / 7;
            let minority = (total + below) as i64 - kappa_part;
            let mut sorted = entries.clone();
            sorted.sort_unstable();
            let mut sum = below;
            let mut expected = sorted.last().unwrap() >> INDEX_BITS;
            for entry in sorted {
                sum += stake[(entry & INDEX_MASK) as usize];
                if sum as i64 > minority {
                    expected = entry >> INDEX_BITS;
                    break;
                }
            }
            let got = select(&entries, &mut Vec::new(), &stake, below, minority);
            prop_assert_eq!(got, expected);
        }
    }
}
