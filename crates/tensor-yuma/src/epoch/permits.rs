//! Activity and validator permits. Source: yuma.md 5.

use crate::fixed::I32F32;

/// Active: weights were set within the cutoff.
pub(super) fn activity(
    last_update: &[u64],
    n: usize,
    cutoff: u64,
    current_block: u64,
    out: &mut Vec<bool>,
) {
    out.clear();
    let padded = last_update.iter().copied().chain(core::iter::repeat(0)).take(n);
    out.extend(padded.map(|update| update.saturating_add(cutoff) >= current_block));
}

/// The `k` largest values that are not zero; of equal values at the border the higher uid stays.
///
/// `order` is scratch space.
pub(super) fn top_k_nonzero(
    values: &[I32F32],
    k: usize,
    order: &mut Vec<u32>,
    out: &mut Vec<bool>,
) {
    let n = values.len();
    out.clear();
    out.extend(values.iter().map(|value| *value != I32F32::ZERO));
    let dropped = n.saturating_sub(k);
    if dropped == 0 {
        return;
    }
    // Ascending by value, then uid: the first n - k lose.
    order.clear();
    order.extend(0..n as u32);
    if dropped < n {
        order.select_nth_unstable_by_key(dropped, |&uid| (values[uid as usize], uid));
    }
    for &uid in order.iter().take(dropped) {
        if let Some(permit) = out.get_mut(uid as usize) {
            *permit = false;
        }
    }
}

/// The permits a unit vector of the specification speaks of: the top `k` among non-zero stakes, on raw values.
///
/// ```
/// use tensor_yuma::epoch::is_topk_nonzero;
/// use tensor_yuma::fixed::I32F32;
/// let values = [3, 1, 0, 3].map(I32F32::from_int);
/// assert_eq!(is_topk_nonzero(&values, 1), [false, false, false, true]);
/// ```
#[must_use]
pub fn is_topk_nonzero(values: &[I32F32], k: usize) -> Vec<bool> {
    let mut out = Vec::new();
    top_k_nonzero(values, k, &mut Vec::new(), &mut out);
    out
}
