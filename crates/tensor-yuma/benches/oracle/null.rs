//! Null consensus written straight from its description, with the 256-bit numbers of the runtime: oracle and yardstick.

#![allow(unreachable_pub, reason = "included by several test and bench programs")]

use primitive_types::U256;
use tensor_yuma::epoch::Parameters;
use tensor_yuma::null::NullInput;

/// Permits, incentive of `u32::MAX`, incentive of 65535, emission, removed rows.
pub type NullResult = (Vec<bool>, Vec<u32>, Vec<u16>, Vec<u64>, Vec<u16>);

pub fn epoch(p: &Parameters, input: &NullInput<'_>) -> NullResult {
    let n = input.alpha_stake.len();
    let owner = p.owner_uid;
    let cutoff = p.activity_cutoff();
    let weight = ((p.tao_weight as u128) << 32) / u64::MAX as u128;
    let stake: Vec<i128> = (0..n)
        .map(|i| {
            ((input.alpha_stake[i] as i128) << 64)
                + ((input.tao_stake[i] as u128 * (weight << 32)) as i128)
        })
        .collect();
    let mut candidates: Vec<(usize, i128)> = stake
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, s)| *s >= (p.stake_threshold as i128) << 64 && *s > 0)
        .collect();
    candidates.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut permits = vec![false; n];
    for (uid, _) in candidates.into_iter().take(p.max_allowed_validators.min(64) as usize) {
        permits[uid] = true;
    }
    if let Some(owner) = owner {
        permits[owner as usize] = true;
    }

    let registered = input.block_at_registration;
    let mut scores = vec![0u128; n];
    let mut removed = Vec::new();
    for (uid, row) in (0u16..).zip(input.scores.iter()).filter(|(_, row)| !row.uids.is_empty()) {
        let i = uid as usize;
        let last = input.last_update[i];
        if !(input.validator_permit[i] || owner == Some(uid))
            || !permits[i]
            || last <= input.reset_at
            || last.saturating_add(cutoff) < input.current_block
            || last <= registered[i]
        {
            removed.push(uid);
            continue;
        }
        let row: Vec<(u16, u32)> = row.iter().collect();
        let valid = |dest: u16| {
            (dest as usize) < n
                && last > registered.get(dest as usize).copied().unwrap_or(u64::MAX)
                && (dest != uid || owner == Some(uid))
        };
        let sum: u128 = row.iter().filter(|(d, _)| valid(*d)).map(|(_, v)| *v as u128).sum();
        if sum == 0 {
            continue;
        }
        for (dest, value) in row.into_iter().filter(|(d, _)| valid(*d)) {
            scores[dest as usize] += ((value as u128) << 64) / sum;
        }
    }
    let total: u128 = scores.iter().sum();
    let scale = |score: u128, units: u64| -> u64 {
        if total == 0 {
            return 0;
        }
        (U256::from(score) * U256::from(units) / U256::from(total)).low_u64()
    };
    (
        permits,
        scores.iter().map(|&s| scale(s, u32::MAX as u64) as u32).collect(),
        scores.iter().map(|&s| scale(s, 65_535) as u16).collect(),
        scores.iter().map(|&s| scale(s, input.rao_emission)).collect(),
        removed,
    )
}
