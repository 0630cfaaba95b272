//! Averages that one liar cannot move far.

/// The middle of the values, the mean of the two middle ones for an even count; `None` of none or when
/// one is not a number.
pub fn median(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values)?;
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted.get(middle).copied()
    } else {
        Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, *sorted.get(middle)?))
    }
}

/// The mean without the lowest and highest `share` of the values each (0..0.5, rounded down to whole
/// values); `None` of none, of a share outside, or when one is not a number.
pub fn trimmed_mean(values: &[f64], share: f64) -> Option<f64> {
    if !(0.0..0.5).contains(&share) {
        return None;
    }
    let sorted = sorted(values)?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let cut = (sorted.len() as f64 * share) as usize;
    let kept = sorted.get(cut..sorted.len().checked_sub(cut)?)?;
    #[allow(clippy::cast_precision_loss)]
    (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / kept.len() as f64)
}

fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_liar_moves_little() {
        assert_eq!(median(&[1.0, 2.0, 1e9]), Some(2.0));
        assert_eq!(median(&[1.0, 3.0]), Some(2.0));
        assert_eq!(median(&[]), None);
        assert_eq!(trimmed_mean(&[0.0, 1.0, 2.0, 1e9], 0.25), Some(1.5));
        assert_eq!(trimmed_mean(&[5.0], 0.4), Some(5.0));
        assert_eq!(trimmed_mean(&[f64::NAN], 0.0), None);
        assert_eq!(trimmed_mean(&[1.0], 0.5), None);
    }
}
