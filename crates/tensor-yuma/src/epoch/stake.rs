//! Stake weights and their normalisation. Source: yuma.md 4.

use super::EpochError;
use super::division::{Divisor, mul};
use super::parameters::Parameters;
use crate::fixed::{I32F32, I64F64, wide};

/// `alpha + tao * tao_weight` of every uid, with 64 fractional bits.
pub(super) fn total_stake(
    parameters: &Parameters,
    alpha: &[u64],
    tao: &[u64],
    out: &mut Vec<I64F64>,
) -> Result<(), EpochError> {
    let weight = (parameters.tao_weight_proportion().to_bits() as i128) << 32;
    out.clear();
    for (uid, (&alpha, &tao)) in alpha.iter().zip(tao).enumerate() {
        let overflow = EpochError::StakeOverflow { uid };
        let alpha = I64F64::from_int(alpha).ok_or_else(|| overflow.clone())?;
        // Below 2^128 unsigned; the sum must stay below 2^127.
        let tao = i128::try_from(u128::from(tao) * weight.unsigned_abs())
            .map_err(|_| overflow.clone())?;
        out.push(alpha.checked_add(I64F64::from_bits(tao)).ok_or(overflow)?);
    }
    Ok(())
}

/// Stake as proportions: totals below the threshold count as 0, except the owner's.
pub(super) fn normalised_stake(
    parameters: &Parameters,
    totals: &[I64F64],
    out: &mut Vec<I32F32>,
) -> Result<(), EpochError> {
    let counts = |uid: usize, total: I64F64| {
        total.to_u64() >= parameters.stake_threshold
            || parameters.owner_uid.is_some_and(|owner| usize::from(owner) == uid)
    };
    let mut sum = 0i128;
    for (uid, &total) in totals.iter().enumerate() {
        if counts(uid, total) {
            sum = sum.checked_add(total.to_bits()).ok_or(EpochError::StakeOverflow { uid })?;
        }
    }
    let sum = sum.unsigned_abs();
    out.clear();
    out.extend(totals.iter().enumerate().map(|(uid, &total)| {
        let bits = if counts(uid, total) { share(total.to_bits().unsigned_abs(), sum) } else { 0 };
        I32F32::from_bits(bits as i64)
    }));
    Ok(())
}

/// Active stake: zeroed without activity or permit, and normalised among the rest.
pub(super) fn active_stake(stake: &[I32F32], active: &[bool], permit: &[bool], out: &mut Vec<u64>) {
    out.clear();
    out.extend(stake.iter().zip(active).zip(permit).map(|((stake, active), permit)| {
        if *active && *permit { stake.to_bits() as u64 } else { 0 }
    }));
    normalise(out);
}

/// Each value by the sum of all; unchanged when the sum is 0. Values are proportions, so that the sum stays below 2^52.
pub(super) fn normalise(values: &mut [u64]) {
    let sum: u64 = values.iter().sum();
    if sum != 0 {
        let divisor = Divisor::new(sum);
        values
            .iter_mut()
            .filter(|value| **value != 0)
            .for_each(|value| *value = divisor.divide(*value));
    }
}

/// `floor(part * 2^32 / sum)` for `part <= sum < 2^127`.
fn share(part: u128, sum: u128) -> u64 {
    if part == 0 {
        return 0;
    }
    // The estimate is off by less than 2^-18, so it is the floor or one above it.
    let estimate = (part as f64 / sum as f64 * 4_294_967_296.0).round() as u64;
    let (high, low) = wide::mul_full(u128::from(estimate), sum);
    let exceeds = (high, low) > (part >> 96, part << 32);
    estimate - u64::from(exceeds)
}

/// `floor(proportion * rao)`.
pub(super) fn rao_of(proportion: u64, rao: u64) -> u64 {
    mul(proportion, rao)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_are_exact(part in any::<u128>(), rest in any::<u128>(), x in 2u32..127, y in 2u32..127) {
            let (part, rest) = (part >> x, rest >> y);
            let sum = part + rest;
            prop_assume!(sum > 0);
            let expected = wide::shift_div(part, 32, sum).unwrap() as u64;
            prop_assert_eq!(share(part, sum), expected);
        }
    }
}
