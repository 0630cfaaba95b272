//! Weights: from scores to the `u16` values the chain stores.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::network::Uid;

/// A share in `u16`: 65,535 is one. How the chain stores consensus, incentive, dividends and take.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
#[doc(alias = "PerU16")]
pub struct U16Fraction(u16);

impl U16Fraction {
    /// The whole.
    pub const ONE: Self = Self(u16::MAX);

    /// The share of these bits.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits that the chain stores.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The share as a float in 0..=1, for display.
    pub fn to_f64_lossy(self) -> f64 {
        f64::from(self.0) / f64::from(u16::MAX)
    }
}

impl fmt::Display for U16Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.to_f64_lossy(), f)
    }
}

/// A validator's weights: each uid once, in the order they will be stored.
///
/// The order matters on chain in one place (liquid alpha reads rows in order), so ascending uids are
/// what [`Weights::from_scores`] makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights(Vec<(Uid, u16)>);

impl Weights {
    /// Weights as given.
    ///
    /// # Errors
    /// [`WeightsError::Duplicate`] when a uid comes twice: the chain refuses the whole call.
    pub fn new(pairs: impl IntoIterator<Item = (Uid, u16)>) -> Result<Self, WeightsError> {
        let pairs: Vec<_> = pairs.into_iter().collect();
        let mut seen: Vec<Uid> = pairs.iter().map(|(uid, _)| *uid).collect();
        seen.sort_unstable();
        match seen.array_windows().find(|[a, b]| a == b) {
            Some([uid, _]) => Err(WeightsError::Duplicate(*uid)),
            None => Ok(Self(pairs)),
        }
    }

    /// Scales scores so that the best is 65,535, as clients do before they submit.
    ///
    /// Scores are any non-negative numbers; only their ratios matter. Zeros and what rounds to zero are
    /// left out. Uids come out ascending.
    ///
    /// # Errors
    /// [`WeightsError::NotANumber`] for a negative or non-finite score, [`WeightsError::Duplicate`].
    pub fn from_scores(scores: impl IntoIterator<Item = (Uid, f64)>) -> Result<Self, WeightsError> {
        let mut scores: Vec<_> = scores.into_iter().collect();
        if let Some((uid, _)) =
            scores.iter().find(|(_, score)| !(score.is_finite() && *score >= 0.0))
        {
            return Err(WeightsError::NotANumber(*uid));
        }
        scores.sort_unstable_by_key(|(uid, _)| *uid);
        let best = scores.iter().fold(0.0, |best: f64, (_, score)| best.max(*score));
        if best == 0.0 {
            return Ok(Self::default());
        }
        Self::new(scores.into_iter().filter_map(|(uid, score)| {
            // In 0..=65535 by construction.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let value = (score / best * f64::from(u16::MAX)).round() as u16;
            (value > 0).then_some((uid, value))
        }))
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Uid, u16)> + '_ {
        self.0.iter().copied()
    }

    /// The uids in order.
    pub fn uids(&self) -> Vec<u16> {
        self.0.iter().map(|(uid, _)| uid.value()).collect()
    }

    /// The values in order.
    pub fn values(&self) -> Vec<u16> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    /// How many uids have a weight.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody has a weight.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why numbers are no weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A uid comes twice.
    #[error("uid {0} comes twice")]
    Duplicate(Uid),
    /// A score is negative, infinite or not a number.
    #[error("the score of uid {0} is not a non-negative number")]
    NotANumber(Uid),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scales_to_the_best() {
        let weights =
            Weights::from_scores([(Uid::new(2), 1.0), (Uid::new(0), 0.5), (Uid::new(1), 0.0)]);
        let pairs: Vec<_> = weights.unwrap().iter().collect();
        assert_eq!(pairs, [(Uid::new(0), 32_768), (Uid::new(2), 65_535)]);
    }

    #[test]
    fn nothing_scored_is_nothing_set() {
        assert!(Weights::from_scores([(Uid::new(0), 0.0)]).unwrap().is_empty());
        assert!(Weights::from_scores([]).unwrap().is_empty());
    }

    #[test]
    fn refuses_what_the_chain_would() {
        let one = Uid::new(1);
        assert_eq!(Weights::new([(one, 1), (one, 2)]), Err(WeightsError::Duplicate(one)));
        assert_eq!(Weights::from_scores([(one, f64::NAN)]), Err(WeightsError::NotANumber(one)));
        assert_eq!(Weights::from_scores([(one, -0.1)]), Err(WeightsError::NotANumber(one)));
    }

    proptest! {
        #[test]
        fn the_best_is_one(scores in proptest::collection::vec(0.0..1e12f64, 1..50)) {
            let best = scores.iter().fold(0.0, |a: f64, b| a.max(*b));
            let pairs = scores.iter().enumerate().map(|(i, s)| (Uid::new(i as u16), *s));
            let weights = Weights::from_scores(pairs).unwrap();
            if best > 0.0 {
                prop_assert_eq!(weights.values().into_iter().max(), Some(u16::MAX));
            }
        }
    }
}
