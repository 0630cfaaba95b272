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

    /// Scales scores so that the best is 65,535, as the official clients do before they submit: the
    /// same integers for the same floats, halves going to the even neighbour.
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
            let value = (score / best * f64::from(u16::MAX)).round_ties_even() as u16;
            (value > 0).then_some((uid, value))
        }))
    }

    /// As [`from_scores`](Self::from_scores), with no weight above `limit` of the sum: what is above it
    /// is cut off and the rest rises. A limit that cannot be met (too few scores) gives equal weights.
    /// As the official clients do it.
    ///
    /// # Errors
    /// As [`from_scores`](Self::from_scores).
    pub fn from_scores_clipped(
        scores: impl IntoIterator<Item = (Uid, f64)>,
        limit: U16Fraction,
    ) -> Result<Self, WeightsError> {
        let scores: Vec<_> = scores.into_iter().collect();
        if limit == U16Fraction::ONE || scores.iter().any(|(_, s)| !(s.is_finite() && *s >= 0.0)) {
            return Self::from_scores(scores);
        }
        let values: Vec<f64> = scores.iter().map(|(_, score)| *score).collect();
        let clipped = clip(&values, limit.to_f64_lossy());
        Self::from_scores(scores.iter().map(|(uid, _)| *uid).zip(clipped))
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

/// Cuts scores so that none is more than `limit` of their sum, which becomes one. The cut is the one at
/// which the largest lands on the limit; the small constant is the official clients'.
#[allow(clippy::cast_precision_loss)]
fn clip(scores: &[f64], limit: f64) -> Vec<f64> {
    const EPSILON: f64 = 1e-7;
    let count = scores.len() as f64;
    let total: f64 = scores.iter().sum();
    if total <= 0.0 {
        return scores.to_vec();
    }
    if count * limit <= 1.0 {
        return vec![1.0 / count; scores.len()];
    }
    let mut sorted: Vec<f64> = scores.iter().map(|score| score / total).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    if sorted.last().is_some_and(|largest| *largest <= limit) {
        return scores.iter().map(|score| score / total).collect();
    }
    let mut sum = 0.0;
    let mut below = 0usize;
    let mut sums = Vec::with_capacity(sorted.len());
    for (place, share) in sorted.iter().enumerate() {
        sum += share;
        sums.push(sum);
        let above = count - place as f64 - 1.0;
        below += usize::from(share / (above * share + sum + EPSILON) < limit);
    }
    let kept = below.checked_sub(1).and_then(|last| sums.get(last)).copied().unwrap_or(0.0);
    let cut = (limit * kept - EPSILON) / (1.0 - limit * (count - below as f64)) * total;
    let clipped: Vec<f64> = scores.iter().map(|score| score.min(cut)).collect();
    let total: f64 = clipped.iter().sum();
    clipped.into_iter().map(|score| score / total).collect()
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

    /// The integers of the official SDK's own functions.
    #[test]
    fn the_same_integers_as_the_official_sdk() {
        let vectors = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../testdata/chain/weights-vectors.json"
        ));
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
        assert!(vectors.len() > 250);
        for vector in vectors {
            let list = |name: &str| vector[name].as_array().unwrap().clone();
            let scores: Vec<_> = list("weights")
                .iter()
                .enumerate()
                .map(|(uid, score)| (Uid::new(uid as u16), score.as_f64().unwrap()))
                .collect();
            let limit = U16Fraction::from_bits(vector["limit"].as_u64().unwrap() as u16);
            let weights = Weights::from_scores_clipped(scores, limit).unwrap();
            let expected: Vec<_> =
                list("values").iter().map(|value| value.as_u64().unwrap() as u16).collect();
            assert_eq!(weights.values(), expected, "{vector}");
            let uids: Vec<_> =
                list("uids").iter().map(|uid| uid.as_u64().unwrap() as u16).collect();
            assert_eq!(weights.uids(), uids);
        }
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
