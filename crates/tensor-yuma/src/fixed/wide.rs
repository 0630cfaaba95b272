//! 256-bit intermediates of 128-bit products and quotients.

/// `a * b` as (high, low).
pub(crate) const fn mul_full(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0) = (a >> 64, a & LOW);
    let (b1, b0) = (b >> 64, b & LOW);
    let low = a0 * b0;
    // Cannot overflow: (2^64-1)^2 + 2^64-1 < 2^128.
    let mid = a1 * b0 + (low >> 64);
    let (mid, carry) = mid.overflowing_add(a0 * b1);
    let high = a1 * b1 + (mid >> 64) + ((carry as u128) << 64);
    (high, (mid << 64) | (low & LOW))
}

/// `floor(a * b / 2^shift)`, clamped; `shift` is 1..=127.
pub(crate) const fn mul_shift(a: u128, b: u128, shift: u32) -> u128 {
    let (high, low) = mul_full(a, b);
    if high >> shift != 0 { u128::MAX } else { (high << (128 - shift)) | (low >> shift) }
}

/// `floor(a * b / 2^shift)` on signed values, clamped; `shift` is 1..=127.
pub(crate) fn mul_shift_signed(a: i128, b: i128, shift: u32) -> i128 {
    let (high, low) = mul_full(a.unsigned_abs(), b.unsigned_abs());
    let out_of_range = high >> (shift - 1) != 0;
    if (a < 0) == (b < 0) {
        if out_of_range {
            return i128::MAX;
        }
        ((high << (128 - shift)) | (low >> shift)) as i128
    } else {
        if out_of_range {
            return i128::MIN;
        }
        let magnitude = (high << (128 - shift)) | (low >> shift);
        let inexact = low & ((1u128 << shift) - 1) != 0;
        // Fits: the magnitude is below 2^127 and at most one is added.
        (magnitude as i128).wrapping_neg().wrapping_sub(i128::from(inexact))
    }
}

/// `floor(a * 2^shift / b)`; `None` for `b == 0` or a quotient of more than 128 bits. `shift` is 1..=127.
pub(crate) const fn shift_div(a: u128, shift: u32, b: u128) -> Option<u128> {
    if b == 0 {
        return None;
    }
    div_256(a >> (128 - shift), a << shift, b)
}

/// `trunc(a * 2^shift / b)` on signed values.
pub(crate) fn shift_div_signed(a: i128, shift: u32, b: i128) -> Option<i128> {
    let magnitude = shift_div(a.unsigned_abs(), shift, b.unsigned_abs())?;
    if (a < 0) == (b < 0) {
        i128::try_from(magnitude).ok()
    } else if magnitude == 1 << 127 {
        Some(i128::MIN)
    } else {
        i128::try_from(magnitude).ok().map(|m| -m)
    }
}

/// `floor((high:low) / b)`; `None` when `b == 0` or the quotient needs more than 128 bits.
pub(crate) const fn div_256(high: u128, low: u128, b: u128) -> Option<u128> {
    if high >= b {
        return None;
    }
    if high == 0 {
        return Some(low / b);
    }
    let mut remainder = high;
    let mut quotient = 0u128;
    let mut bit = 128;
    while bit > 0 {
        bit -= 1;
        let carry = remainder >> 127 != 0;
        remainder = (remainder << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carry || remainder >= b {
            remainder = remainder.wrapping_sub(b);
            quotient |= 1;
        }
    }
    Some(quotient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn products_and_quotients_agree_with_big_integers() {
        let values = [
            0u128,
            1,
            2,
            3,
            65_535,
            1 << 32,
            (1 << 64) - 1,
            1 << 64,
            (1 << 96) + 12_345,
            u128::MAX / 3,
            u128::MAX - 1,
            u128::MAX,
        ];
        for &a in &values {
            for &b in &values {
                let (high, low) = mul_full(a, b);
                assert_eq!(
                    (BigUint::from(high) << 128u32) + BigUint::from(low),
                    BigUint::from(a) * BigUint::from(b)
                );
                for shift in [32u32, 64] {
                    let product = (BigUint::from(a) * BigUint::from(b)) >> shift;
                    let expected = u128::try_from(product).unwrap_or(u128::MAX);
                    assert_eq!(mul_shift(a, b, shift), expected);
                    let quotient = if b == 0 {
                        None
                    } else {
                        u128::try_from((BigUint::from(a) << shift) / BigUint::from(b)).ok()
                    };
                    assert_eq!(shift_div(a, shift, b), quotient);
                }
            }
        }
    }

    #[test]
    fn signed_product_floors_and_quotient_truncates() {
        assert_eq!(mul_shift_signed(-1, 1, 32), -1);
        assert_eq!(mul_shift_signed(-3 << 32, 1 << 31, 32), -3 << 31);
        assert_eq!(shift_div_signed(-1, 32, 3 << 32), Some(0));
        assert_eq!(mul_shift_signed(i128::MIN, i128::MAX, 32), i128::MIN);
        assert_eq!(mul_shift_signed(i128::MIN, i128::MIN, 32), i128::MAX);
    }
}
