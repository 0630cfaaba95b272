//! Logarithm and exponential of the fixed-point library, used by the emission curve and the emission gate.
//!
//! Their truncation and rounding errors are part of the chain's results. Source: encointer/substrate-fixed,
//! `src/transcendental.rs`; the constants `log2(e)` and `e` carry only 23 fractional bits there.

use super::I32F32;

const ONE: i64 = 1 << 32;
const TWO: i64 = 2 << 32;
const LOG2_E: i64 = 12_102_203 << 9;
const E: i64 = 22_802_600 << 9;

/// Integer part of `log2(x)` for `x >= 1` with 32 fractional bits. Each halving rounds half up, so a value one unit
/// below a power of two counts as that power when its low bits carry.
pub(crate) fn floor_log2(mut x: u128) -> u32 {
    let mut count = 0;
    while x >= TWO as u128 {
        count += 1;
        x = (x >> 1) + (x & 1);
    }
    count
}

/// Natural logarithm; `None` for `x <= 0` and for the two smallest positive values, whose reciprocal does not fit.
pub(crate) fn ln_i32f32(x: I32F32) -> Option<I32F32> {
    if x <= I32F32::ZERO {
        return None;
    }
    let log2 = if x < I32F32::ONE {
        let inverse = I32F32::ONE.checked_div(x)?;
        I32F32::from_bits(-log2_above_one(inverse.to_bits()))
    } else {
        I32F32::from_bits(log2_above_one(x.to_bits()))
    };
    log2.checked_div(I32F32::from_bits(LOG2_E))
}

/// Exponential by 32 terms of its series, each truncated; `None` when an intermediate value does not fit.
pub(crate) fn exp_i32f32(x: I32F32) -> Option<I32F32> {
    if x == I32F32::ZERO {
        return Some(I32F32::ONE);
    }
    if x == I32F32::ONE {
        return Some(I32F32::from_bits(E));
    }
    let magnitude = x.to_bits().checked_abs()?;
    let mut sum = magnitude.checked_add(ONE)?;
    let mut term = magnitude;
    for i in 2..32i64 {
        let product = i64::try_from((i128::from(term) * i128::from(magnitude)) >> 32).ok()?;
        term = product / i;
        sum = sum.checked_add(term)?;
    }
    let sum = I32F32::from_bits(sum);
    if x < I32F32::ZERO { I32F32::ONE.checked_div(sum) } else { Some(sum) }
}

fn log2_above_one(mut x: i64) -> i64 {
    let mut result = 0i64;
    while x >= TWO {
        result += 1;
        x = (x >> 1) + (x & 1);
    }
    if x == ONE {
        return result << 32;
    }
    for _ in 0..32 {
        x = ((i128::from(x) * i128::from(x)) >> 32) as i64;
        result <<= 1;
        if x >= TWO {
            result |= 1;
            x = (x >> 1) + (x & 1);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_and_exponential_are_close_to_the_real_functions() {
        for value in [0.001f64, 0.25, 0.5, 0.9, 1.0, 1.5, 2.0, 3.0, 10.0, 1_000.0] {
            let fixed = I32F32::from_bits((value * ONE as f64) as i64);
            let ln = ln_i32f32(fixed).unwrap().to_f64_lossy();
            assert!((ln - value.ln()).abs() < 1e-5, "{value}: {ln}");
        }
        for value in [-5.0f64, -1.0, -0.25, 0.0, 0.5, 1.0, 3.0, 5.0] {
            let fixed = I32F32::from_bits((value * ONE as f64) as i64);
            let exp = exp_i32f32(fixed).unwrap().to_f64_lossy();
            assert!((exp / value.exp() - 1.0).abs() < 1e-5, "{value}: {exp}");
        }
        assert_eq!(ln_i32f32(I32F32::ZERO), None);
        assert_eq!(ln_i32f32(I32F32::from_bits(2)), None);
        assert_eq!(exp_i32f32(I32F32::from_int(25)), None);
    }

    #[test]
    fn halving_rounds_up_at_the_last_bit() {
        assert_eq!(floor_log2(1 << 32), 0);
        assert_eq!(floor_log2(2 << 32), 1);
        assert_eq!(floor_log2((4u128 << 32) - 2), 1);
        // 4 - 2^-32 is odd in its last bit: the first halving carries to 2.
        assert_eq!(floor_log2((4u128 << 32) - 1), 2);
    }
}
