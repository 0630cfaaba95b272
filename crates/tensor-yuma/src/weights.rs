//! What the chain does to a weight row when it is submitted. Source: yuma.md 3.

use crate::fixed::I32F32;

/// Scale a row so that its largest value is 65535; a row of zeros stays.
///
/// Rounds half up in 32.32 fixed point. Above 32768 the factor is truncated first, which can cost a unit.
///
/// ```
/// use tensor_yuma::weights::max_upscale;
/// assert_eq!(max_upscale(&[1, 2, 3]), [21_845, 43_690, 65_535]);
/// assert_eq!(max_upscale(&[40_000, 20_000, 10_000]), [65_535, 32_767, 16_384]);
/// ```
#[must_use]
pub fn max_upscale(values: &[u16]) -> Vec<u16> {
    let fixed = |value: u16| I32F32::from_int(i64::from(value));
    let full = fixed(u16::MAX);
    let Some(max) = values.iter().copied().max().filter(|max| *max > 0) else {
        return values.to_vec();
    };
    let scaled = |value: u16| {
        if max > 32_768 {
            fixed(value).saturating_mul(full.safe_div(fixed(max)))
        } else {
            fixed(value).saturating_mul(full).safe_div(fixed(max))
        }
    };
    values
        .iter()
        .map(|&value| {
            let rounded = (scaled(value).to_bits() + (1 << 31)) >> 32;
            u16::try_from(rounded).unwrap_or(u16::MAX)
        })
        .collect()
}

/// Whether no value is more than `limit` (of 65535) of the row's sum. An empty row passes.
///
/// The chain's limit is 65535 today, which always passes.
#[must_use]
pub fn is_max_weight_limited(values: &[u16], limit: u16) -> bool {
    let sum = I32F32::from_int(values.iter().map(|&value| i64::from(value)).sum());
    let limit = I32F32::from_u16_proportion(limit);
    values.iter().all(|&value| {
        let value = I32F32::from_int(i64::from(value));
        (if sum == I32F32::ZERO { value } else { value.safe_div(sum) }) <= limit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Chain rules 16, scenario 31 and section 8.2.
    #[test]
    fn recorded_rows() {
        let cases: [(&[u16], &[u16]); 7] = [
            (&[1, 2, 3], &[21_845, 43_690, 65_535]),
            (&[40_000, 20_000, 10_000], &[65_535, 32_767, 16_384]),
            (&[100, 0, 50], &[65_535, 0, 32_768]),
            (&[10, 20, 30, 40], &[16_384, 32_768, 49_151, 65_535]),
            (&[0, 0], &[0, 0]),
            (&[], &[]),
            (&[32_768, 16_384], &[65_535, 32_768]),
        ];
        for (row, expected) in cases {
            assert_eq!(max_upscale(row), expected);
        }
    }
}
