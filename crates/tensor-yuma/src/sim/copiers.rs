//! Finding validators whose weights follow another's.
//!
//! Who measures the same miners agrees with others in the same epoch. Who copies agrees best with what others showed some
//! epochs **before**: the direction in time gives it away.

use super::history::History;

/// A validator that probably copies another.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Suspicion {
    /// Who follows.
    pub copier: usize,
    /// Whom; `None` for the consensus.
    pub source: Option<usize>,
    /// How many epochs later.
    pub lag: usize,
    /// Mean distance (half the sum of differences of normalised rows, 0..=1) between the copier's row and the source's row of
    /// `lag` epochs before.
    pub distance: f64,
    /// The least mean distance between the copier's row and any other validator's row of the same epoch.
    pub distance_now: f64,
}

/// Validators whose rows are closer to an earlier row of another validator, or an earlier consensus, than `ratio` times their
/// closest row of the same epoch, averaged over the history. `ratio` of 0.5 is a careful start; lags up to `lags` are tried.
#[must_use]
pub fn suspects(history: &History, lags: usize, ratio: f64) -> Vec<Suspicion> {
    let count = history.validators.len();
    let mut found = Vec::new();
    for copier in 0..count {
        let others = || (0..count).filter(move |&other| other != copier);
        let now = others()
            .filter_map(|other| mean_distance(history, copier, Some(other), 0))
            .fold(f64::INFINITY, f64::min);
        let sources = others().map(Some).chain([None]);
        let best = sources
            .flat_map(|source| (1..=lags).map(move |lag| (source, lag)))
            .filter_map(|(source, lag)| {
                Some((mean_distance(history, copier, source, lag)?, source, lag))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((distance, source, lag)) = best
            && distance < ratio * now
        {
            found.push(Suspicion { copier, source, lag, distance, distance_now: now });
        }
    }
    found
}

/// `None` when there is no epoch in which both have a row.
fn mean_distance(
    history: &History,
    copier: usize,
    source: Option<usize>,
    lag: usize,
) -> Option<f64> {
    let mut sum = 0.0;
    let mut epochs = 0u32;
    for (later, earlier) in history.epochs.iter().skip(lag).zip(&history.epochs) {
        let a = later.weights.get(copier)?;
        let b = match source {
            Some(source) => earlier.weights.get(source)?,
            None => &earlier.consensus,
        };
        if let Some(distance) = distance(a, b) {
            sum += distance;
            epochs += 1;
        }
    }
    (epochs > 0).then(|| sum / f64::from(epochs))
}

fn distance(a: &[f64], b: &[f64]) -> Option<f64> {
    let (total_a, total_b): (f64, f64) = (a.iter().sum(), b.iter().sum());
    if total_a <= 0.0 || total_b <= 0.0 || a.len() != b.len() {
        return None;
    }
    Some(a.iter().zip(b).map(|(x, y)| (x / total_a - y / total_b).abs()).sum::<f64>() / 2.0)
}
