//! Running the stages over chunks: one after the other, or with feature `parallel` on the current rayon pool.

use super::EpochError;

/// Entries below which a second thread costs more than it saves.
#[cfg(feature = "parallel")]
const CHUNK_ENTRIES: usize = 16_384;

/// Number of chunks for this many entries; `least` 0 means the default.
#[cfg(feature = "parallel")]
pub(super) fn count(entries: usize, least: usize) -> usize {
    let least = if least == 0 { CHUNK_ENTRIES } else { least };
    (entries / least).clamp(1, rayon::current_num_threads().max(1))
}

#[cfg(not(feature = "parallel"))]
pub(super) const fn count(_entries: usize, _least: usize) -> usize {
    1
}

/// Work on every chunk; the error of the first chunk that fails.
#[cfg(feature = "parallel")]
pub(super) fn try_for_each<C: Send>(
    chunks: &mut [C],
    work: impl Fn(&mut C) -> Result<(), EpochError> + Send + Sync,
) -> Result<(), EpochError> {
    use rayon::prelude::*;
    if let [chunk] = chunks {
        return work(chunk);
    }
    chunks.par_iter_mut().map(work).find_first(Result::is_err).unwrap_or(Ok(()))
}

#[cfg(not(feature = "parallel"))]
pub(super) fn try_for_each<C>(
    chunks: &mut [C],
    work: impl Fn(&mut C) -> Result<(), EpochError>,
) -> Result<(), EpochError> {
    chunks.iter_mut().try_for_each(work)
}

/// Work on every chunk.
#[cfg(feature = "parallel")]
pub(super) fn for_each<C: Send>(chunks: &mut [C], work: impl Fn(&mut C) + Send + Sync) {
    use rayon::prelude::*;
    match chunks {
        [chunk] => work(chunk),
        _ => chunks.par_iter_mut().for_each(work),
    }
}

#[cfg(not(feature = "parallel"))]
pub(super) fn for_each<C>(chunks: &mut [C], work: impl Fn(&mut C)) {
    chunks.iter_mut().for_each(work);
}

/// Work on every chunk together with its partner.
#[cfg(feature = "parallel")]
pub(super) fn for_each_pair<C: Sync, P: Send>(
    chunks: &[C],
    partners: &mut [P],
    work: impl Fn(&C, &mut P) + Send + Sync,
) {
    use rayon::prelude::*;
    match (chunks, partners) {
        ([chunk], [partner]) => work(chunk, partner),
        (chunks, partners) => {
            chunks.par_iter().zip(partners).for_each(|(chunk, partner)| work(chunk, partner));
        }
    }
}

#[cfg(not(feature = "parallel"))]
pub(super) fn for_each_pair<C, P>(chunks: &[C], partners: &mut [P], work: impl Fn(&C, &mut P)) {
    chunks.iter().zip(partners).for_each(|(chunk, partner)| work(chunk, partner));
}

/// Fill `out` by index, in ranges that each get scratch space of their own.
#[cfg(feature = "parallel")]
pub(super) fn fill<S: Default + Send>(
    out: &mut [u64],
    spaces: &mut Vec<S>,
    parts: usize,
    work: impl Fn(usize, &mut u64, &mut S) + Send + Sync,
) {
    use rayon::prelude::*;
    // Several times as many ranges as chunks, because columns differ in cost.
    let ranges = if parts > 1 { parts * 8 } else { 1 };
    let length = out.len().div_ceil(ranges).max(1);
    spaces.resize_with(ranges, S::default);
    let serial = |(range, (slots, space)): (usize, (&mut [u64], &mut S))| {
        for (at, slot) in slots.iter_mut().enumerate() {
            work(range * length + at, slot, space);
        }
    };
    if parts > 1 {
        out.par_chunks_mut(length).zip(spaces.par_iter_mut()).enumerate().for_each(serial);
    } else {
        out.chunks_mut(length).zip(spaces).enumerate().for_each(serial);
    }
}

#[cfg(not(feature = "parallel"))]
pub(super) fn fill<S: Default>(
    out: &mut [u64],
    spaces: &mut Vec<S>,
    _parts: usize,
    work: impl Fn(usize, &mut u64, &mut S),
) {
    spaces.resize_with(1, S::default);
    for space in spaces {
        out.iter_mut().enumerate().for_each(|(at, slot)| work(at, slot, space));
    }
}
