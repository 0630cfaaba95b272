//! The exponential of the liquid-alpha sigmoid: a truncated series whose truncation error is part of the result.

use super::I32F32;

/// `exp(x)` as the epoch computes it: `x` limited to `-20..=20`, 31 terms of the power series, each truncated to 32
/// fractional bits; a negative argument is the reciprocal of the series of its magnitude.
///
/// `exp_safe(1)` is a constant with 23 fractional bits (11_674_931_200), `exp_safe(-1)` is not.
#[must_use]
pub fn exp_safe(x: I32F32) -> I32F32 {
    let limit = I32F32::from_bits(20 << 32);
    let x = x.clamp_to(I32F32::from_bits(-20 << 32), limit);
    if x == I32F32::ZERO {
        return I32F32::ONE;
    }
    if x == I32F32::ONE {
        return I32F32::from_bits(22_802_600 << 9);
    }
    let series = I32F32::from_bits(exp_terms(x.to_bits().unsigned_abs()) as i64);
    if x < I32F32::ZERO { I32F32::ONE.safe_div(series) } else { series }
}

/// The series for `y` in `0..=20` (raw, 32 fractional bits).
pub(crate) fn exp_terms(y: u64) -> u64 {
    let mut sum = y + (1 << 32);
    let mut term = y;
    for i in 2..=31u128 {
        // floor(floor(t*y / 2^32) / i) = floor(t*y / (i*2^32)); a zero term stays zero, so stopping there is exact.
        term = (((u128::from(term) * u128::from(y)) >> 32) / i) as u64;
        if term == 0 {
            break;
        }
        sum += term;
    }
    sum
}
