//! Sampling that anybody can compute again: from the same logits, parameters, seed and step comes the same token.

use std::cmp::Ordering;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// How the next token is chosen from the logits.
///
/// The rule, step by step; it is part of the interface and will not change under these names. All arithmetic is in
/// `f64`, `exp` is that of the `libm` crate (a port of musl's, the same on every machine), and sums run in the order of
/// the sorted tokens.
///
/// 1. A logit that is NaN counts as −∞.
/// 2. *Repetition penalty* r: the logit x of every token that occurs in the prompt or the answer so far becomes x / r if
///    it is above 0, and x · r otherwise.
/// 3. Before the answer has `min_tokens` tokens, the logits of the ending tokens become −∞.
/// 4. With *temperature* 0 the token of the largest logit is taken, of equal ones the one with the smallest id. Done.
/// 5. Every logit is divided by the temperature. Tokens are sorted by logit, largest first, equal ones by id, smallest
///    first.
/// 6. *Top k*: the first k tokens stay (all, when k is 0).
/// 7. Weights are wᵢ = exp(xᵢ − x₁). *Top p*: the shortest beginning of the list stays whose weights add up to at least
///    p times the sum of all of step 6.
/// 8. *Min p*: of these the tokens with wᵢ ≥ min p stay. The first always does.
/// 9. With u = [`uniform`]`(seed, step)` and W the sum of the weights left, the first token is taken whose weight added
///    to those before it exceeds u · W; the last, should rounding leave none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sampling {
    /// 0 takes the likeliest token; 1 samples as the model says; above it more evenly.
    pub temperature: f64,
    /// Most tokens to choose from; 0 for no limit.
    pub top_k: usize,
    /// Share of the probability to choose from, above 0 to 1.
    pub top_p: f64,
    /// Least probability relative to the likeliest token's, from 0 to 1.
    pub min_p: f64,
    /// Divides the logits of tokens that occurred; 1 for no penalty.
    pub repetition_penalty: f64,
    /// Chooses the random numbers.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::greedy()
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
        }
    }

    /// Sets what chooses the random numbers.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the temperature.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }

    /// Sets the most tokens to choose from.
    #[must_use]
    pub fn with_top_k(mut self, top_k: usize) -> Self {
        self.top_k = top_k;
        self
    }

    /// Sets the share of the probability to choose from.
    #[must_use]
    pub fn with_top_p(mut self, top_p: f64) -> Self {
        self.top_p = top_p;
        self
    }

    /// Sets the least relative probability.
    #[must_use]
    pub fn with_min_p(mut self, min_p: f64) -> Self {
        self.min_p = min_p;
        self
    }

    /// Sets the penalty for tokens that occurred.
    #[must_use]
    pub fn with_repetition_penalty(mut self, penalty: f64) -> Self {
        self.repetition_penalty = penalty;
        self
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`Error::Argument`] naming the first that is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        let checks = [
            (
                "temperature",
                self.temperature,
                (0.0..=100.0).contains(&self.temperature),
                "from 0 to 100",
            ),
            ("top_p", self.top_p, self.top_p > 0.0 && self.top_p <= 1.0, "above 0 to 1"),
            ("min_p", self.min_p, (0.0..=1.0).contains(&self.min_p), "from 0 to 1"),
            (
                "repetition_penalty",
                self.repetition_penalty,
                self.repetition_penalty > 0.0 && self.repetition_penalty <= 100.0,
                "above 0 to 100",
            ),
        ];
        match checks.into_iter().find(|(_, _, is_good, _)| !is_good) {
            None => Ok(()),
            Some((what, value, _, range)) => {
                Err(Error::Argument { what, reason: format!("must be {range}, not {value}") })
            }
        }
    }
}

/// The token that the rule of [`Sampling`] takes at `step` (0 for the first of the answer).
///
/// `context` is the prompt and the answer so far; `barred` are tokens that may not be taken (step 3). Ids beyond the
/// logits are ignored. Nothing when there are no logits, or all are −∞ or NaN.
pub fn draw(
    logits: &[f32],
    context: &[u32],
    barred: &[u32],
    sampling: &Sampling,
    step: u64,
) -> Option<u32> {
    let scores = scores(logits, context, barred, sampling);
    if sampling.temperature == 0.0 {
        let mut best = (None, f64::NEG_INFINITY);
        for (id, score) in (0_u32..).zip(scores) {
            if score > best.1 {
                best = (Some(id), score);
            }
        }
        return best.0;
    }
    Odds::new(scores, sampling)?.at(uniform(sampling.seed, step))
}

/// By how much the score of `id` (step 3) lies below the largest. Nothing for an id beyond the logits.
pub(super) fn gap(
    logits: &[f32],
    context: &[u32],
    barred: &[u32],
    sampling: &Sampling,
    id: u32,
) -> Option<f64> {
    let scores = scores(logits, context, barred, sampling);
    let own = *scores.get(id as usize)?;
    let best = scores.into_iter().fold(f64::NEG_INFINITY, f64::max);
    // Of two infinities there is no difference.
    if own == best { Some(0.0) } else { Some(best - own) }
}

/// Between which random numbers `id` is drawn, with a temperature above 0. Nothing when it never is.
pub(super) fn share(
    logits: &[f32],
    context: &[u32],
    barred: &[u32],
    sampling: &Sampling,
    id: u32,
) -> Option<(f64, f64)> {
    let odds = Odds::new(scores(logits, context, barred, sampling), sampling)?;
    let place = odds.ids.iter().position(|other| *other == id)?;
    let sum: f64 = odds.weights.iter().sum();
    let start: f64 = odds.weights.iter().take(place).sum();
    let weight = odds.weights.get(place)?;
    Some((start / sum, (start + weight) / sum))
}

/// Steps 1 to 3.
fn scores(logits: &[f32], context: &[u32], barred: &[u32], sampling: &Sampling) -> Vec<f64> {
    let mut scores: Vec<f64> =
        logits.iter().map(|x| if x.is_nan() { f64::NEG_INFINITY } else { f64::from(*x) }).collect();
    if sampling.repetition_penalty != 1.0 {
        let mut seen = vec![false; scores.len()];
        for id in context {
            let place = *id as usize;
            let (Some(score), Some(seen)) = (scores.get_mut(place), seen.get_mut(place)) else {
                continue;
            };
            if !std::mem::replace(seen, true) {
                let penalty = sampling.repetition_penalty;
                *score = if *score > 0.0 { *score / penalty } else { *score * penalty };
            }
        }
    }
    for id in barred {
        if let Some(score) = scores.get_mut(*id as usize) {
            *score = f64::NEG_INFINITY;
        }
    }
    scores
}

/// The tokens that may be drawn, likeliest first, with their weights: steps 5 to 8.
struct Odds {
    ids: Vec<u32>,
    weights: Vec<f64>,
}

impl Odds {
    /// Nothing when no token has a number above −∞.
    fn new(scores: Vec<f64>, sampling: &Sampling) -> Option<Self> {
        let mut tokens: Vec<(u32, f64)> =
            tokens(scores).map(|(id, score)| (id, score / sampling.temperature)).collect();
        if sampling.top_k > 0 && sampling.top_k < tokens.len() {
            tokens.select_nth_unstable_by(sampling.top_k, order);
            tokens.truncate(sampling.top_k);
        }
        tokens.sort_unstable_by(order);
        let first = tokens.first()?.1;
        if first == f64::NEG_INFINITY {
            return None;
        }
        // A logit of +∞ would make NaN of its own weight.
        let weight = |x: f64| if x == first { 1.0 } else { libm::exp(x - first) };
        let mut weights: Vec<f64> = tokens.iter().map(|token| weight(token.1)).collect();
        if sampling.top_p < 1.0 {
            let enough = weights.iter().sum::<f64>() * sampling.top_p;
            let mut total = 0.0;
            let reached = weights.iter().position(|weight| {
                total += weight;
                total >= enough
            });
            weights.truncate(reached.map_or(weights.len(), |place| place + 1));
        }
        let kept = weights.iter().take_while(|weight| **weight >= sampling.min_p).count();
        weights.truncate(kept.max(1));
        let ids = tokens.into_iter().map(|token| token.0).take(weights.len()).collect();
        Some(Self { ids, weights })
    }

    /// Step 9.
    fn at(&self, number: f64) -> Option<u32> {
        let target = number * self.weights.iter().sum::<f64>();
        let mut total = 0.0;
        let place = self.weights.iter().position(|weight| {
            total += weight;
            total > target
        });
        // Rounding may leave none; the last then stands nearest.
        place.map_or_else(|| self.ids.last(), |place| self.ids.get(place)).copied()
    }
}

/// Ids with their scores. Adding zero turns −0 into 0, which `total_cmp` would order below it.
fn tokens(scores: Vec<f64>) -> impl Iterator<Item = (u32, f64)> {
    (0_u32..).zip(scores.into_iter().map(|score| score + 0.0))
}

/// Largest first, equal ones by id.
fn order(a: &(u32, f64), b: &(u32, f64)) -> Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// The random number of a step, from 0 to below 1: the first eight bytes of SHA-256 over the text `tensor-ml/sample/1`,
/// the seed and the step (8 bytes each, little endian), read as a little-endian number; its upper 53 bits divided by 2⁵³.
///
/// A counter instead of a state: the number of any step is known without those before it, so that a validator can check
/// one token out of the middle of an answer.
pub fn uniform(seed: u64, step: u64) -> f64 {
    let mut hash = Sha256::new();
    hash.update(b"tensor-ml/sample/1");
    hash.update(seed.to_le_bytes());
    hash.update(step.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let bits = u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}

/// Natural logarithms of the probabilities, log softmax of the logits as the model gave them: xᵢ − m − ln Σ exp(xⱼ − m)
/// with m the largest. NaN counts as −∞.
pub fn log_probabilities(logits: &[f32]) -> Vec<f64> {
    let clean = |x: &f32| if x.is_nan() { f64::NEG_INFINITY } else { f64::from(*x) };
    let max = logits.iter().map(clean).fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return vec![f64::NEG_INFINITY; logits.len()];
    }
    let shifted = |x: &f32| if clean(x) == max { 0.0 } else { clean(x) - max };
    let sum: f64 = logits.iter().map(|x| libm::exp(shifted(x))).sum();
    let log = libm::log(sum);
    logits.iter().map(|x| shifted(x) - log).collect()
}

/// How many tokens have a larger logit than `id`, or the same and a smaller id: 0 for the likeliest. Nothing for an id
/// beyond the logits.
pub fn rank_of(logits: &[f32], id: u32) -> Option<usize> {
    let clean = |x: f32| if x.is_nan() { f32::NEG_INFINITY } else { x };
    let own = clean(*logits.get(id as usize)?);
    let ahead = logits.iter().zip(0_u32..).filter(|(x, other)| {
        let x = clean(**x);
        x > own || (x == own && *other < id)
    });
    Some(ahead.count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule again, written down without any cleverness.
    fn naive(logits: &[f32], context: &[u32], sampling: &Sampling, step: u64) -> Option<u32> {
        let mut x: Vec<f64> = logits.iter().map(|x| f64::from(*x)).collect();
        for (id, x) in x.iter_mut().enumerate() {
            if context.contains(&(id as u32)) {
                let r = sampling.repetition_penalty;
                *x = if *x > 0.0 { *x / r } else { *x * r };
            }
        }
        if sampling.temperature > 0.0 {
            x.iter_mut().for_each(|x| *x /= sampling.temperature);
        }
        let mut ids: Vec<usize> = (0..x.len()).collect();
        // Stable: equal logits stay in the order of their ids.
        ids.sort_by(|a, b| x[*b].partial_cmp(&x[*a]).unwrap());
        if sampling.temperature == 0.0 {
            return ids.first().map(|id| *id as u32);
        }
        if sampling.top_k > 0 {
            ids.truncate(sampling.top_k);
        }
        let w = |id: &usize| libm::exp(x[*id] - x[ids[0]]);
        let all: f64 = ids.iter().map(w).sum();
        let mut kept = Vec::new();
        let mut sum = 0.0;
        for id in &ids {
            if sampling.top_p < 1.0 && sum >= all * sampling.top_p {
                break;
            }
            sum += w(id);
            kept.push(*id);
        }
        kept.retain(|id| w(id) >= sampling.min_p);
        let target = uniform(sampling.seed, step) * kept.iter().map(w).sum::<f64>();
        let mut sum = 0.0;
        for id in &kept {
            sum += w(id);
            if sum > target {
                return Some(*id as u32);
            }
        }
        kept.last().map(|id| *id as u32)
    }

    proptest! {
        #[test]
        fn the_rule_is_kept(
            logits in prop::collection::vec(-8_i16..8, 1..60),
            context in prop::collection::vec(0_u32..70, 0..20),
            temperature in prop_oneof![Just(0.0), 0.05_f64..3.0],
            top_k in 0_usize..70,
            top_p in 0.01_f64..=1.0,
            min_p in 0.0_f64..=1.0,
            penalty in prop_oneof![Just(1.0), 0.5_f64..2.0],
            seed: u64,
            step in 0_u64..9,
        ) {
            // Quarters, so that equal logits occur.
            let logits: Vec<f32> = logits.into_iter().map(|x| f32::from(x) / 4.0).collect();
            let sampling = Sampling {
                temperature, top_k, top_p, min_p, repetition_penalty: penalty, seed,
            };
            prop_assert!(sampling.check().is_ok());
            let expected = naive(&logits, &context, &sampling, step);
            prop_assert_eq!(draw(&logits, &context, &[], &sampling, step), expected);
        }

        #[test]
        fn any_logits_and_parameters_are_survived(
            logits in prop::collection::vec(any::<f32>(), 0..20),
            context in prop::collection::vec(any::<u32>(), 0..5),
            barred in prop::collection::vec(0_u32..20, 0..5),
            numbers: [f64; 4],
            top_k: usize,
            seed: u64,
        ) {
            let [temperature, top_p, min_p, repetition_penalty] = numbers;
            let sampling = Sampling { temperature, top_k, top_p, min_p, repetition_penalty, seed };
            let token = draw(&logits, &context, &barred, &sampling, seed);
            prop_assert!(token.is_none_or(|token| (token as usize) < logits.len()));
            let _ = (log_probabilities(&logits), rank_of(&logits, 3), sampling.check());
        }
    }

    #[test]
    fn numbers_are_spread_evenly_and_differ_by_seed_and_step() {
        let numbers: Vec<f64> = (0..4000).map(|step| uniform(7, step)).collect();
        let mean = numbers.iter().sum::<f64>() / 4000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(numbers.iter().all(|u| (0.0..1.0).contains(u)));
        assert_ne!(uniform(7, 0), uniform(8, 0));
        // Computed with Python's hashlib.
        assert_eq!(uniform(0, 0), UNIFORM_0_0);
        assert_eq!(uniform(u64::MAX, 12_345), UNIFORM_MAX_12345);
    }

    #[test]
    fn sampled_shares_are_those_of_the_model() {
        let logits = [0.0_f32, 1.0, 2.0];
        let sampling = Sampling::greedy().with_temperature(1.0).with_seed(99);
        let mut counts = [0_u32; 3];
        for step in 0..20_000 {
            counts[draw(&logits, &[], &[], &sampling, step).unwrap() as usize] += 1;
        }
        for (count, log) in counts.into_iter().zip(log_probabilities(&logits)) {
            assert!((f64::from(count) / 20_000.0 - log.exp()).abs() < 0.01, "{counts:?}");
        }
    }

    #[test]
    fn barred_tokens_are_not_taken() {
        let logits = [5.0_f32, 1.0, 0.0];
        assert_eq!(draw(&logits, &[], &[0], &Sampling::greedy(), 0), Some(1));
        assert_eq!(draw(&logits, &[], &[0, 1, 2], &Sampling::greedy(), 0), None);
        assert_eq!(draw(&[f32::NAN], &[], &[], &Sampling::greedy(), 0), None);
        assert_eq!(rank_of(&logits, 2), Some(2));
        assert_eq!(rank_of(&logits, 3), None);
    }

    const UNIFORM_0_0: f64 = 0.6829277574384284;
    const UNIFORM_MAX_12345: f64 = 0.3307222788359532;
}
