//! Checking claimed tokens without generating them: the whole answer goes through the model at once.

use super::{
    decoder::Rows,
    generate::TextGeneration,
    request::Prompt,
    sample::{self, Sampling},
};
use crate::{control::RunControl, error::Error, logits::LOGITS};

/// Columns of logits held at a time; a large vocabulary times a long answer would fill the memory.
const CHUNK: usize = 64;

/// What is said about how tokens were chosen, and how exactly it has to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// The parameters and the seed.
    pub sampling: Sampling,
    /// Before the answer had this many tokens, the ending ones were not allowed.
    pub min_tokens: usize,
    /// With temperature 0: by how much a token's logit, penalty applied, may lie below the largest. With another
    /// temperature: by how much the random number may be off, to either side, for the token still to be drawn. Other
    /// runtimes round differently; two of them lay 6e-6 apart. Where two tokens are equally likely or one is just at the
    /// edge of top k or top p, rounding may still decide: judge by the share of plausible tokens, not by a single one.
    pub tolerance: f64,
}

impl Claim {
    /// Tokens chosen by `sampling`, to within 1e-3.
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, min_tokens: 0, tolerance: 1e-3 }
    }

    /// Sets how exactly the claim has to hold.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Sets the least tokens of the answer.
    #[must_use]
    pub fn with_min_tokens(mut self, min_tokens: usize) -> Self {
        self.min_tokens = min_tokens;
        self
    }
}

/// One claimed token as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenCheck {
    /// The token.
    pub id: u32,
    /// Natural logarithm of its probability by the logits as the model gave them.
    pub log_probability: f64,
    /// How many tokens were likelier.
    pub rank: usize,
    /// The token that the claim's rule takes here.
    pub replayed: Option<u32>,
    /// Whether the token is that one, or within the tolerance of it.
    pub is_plausible: bool,
}

/// What a model says about claimed tokens.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// One check for each token.
    pub tokens: Vec<TokenCheck>,
}

impl Verification {
    /// The first token that the claim does not explain.
    pub fn first_implausible(&self) -> Option<usize> {
        self.tokens.iter().position(|token| !token.is_plausible)
    }

    /// Share of the tokens that the claim explains; 1 for no tokens.
    pub fn score(&self) -> f64 {
        let good = self.tokens.iter().filter(|token| token.is_plausible).count();
        if self.tokens.is_empty() { 1.0 } else { good as f64 / self.tokens.len() as f64 }
    }

    /// Mean of the logarithms of the probabilities: how likely the model finds the answer, whatever is claimed. 0 for no
    /// tokens.
    pub fn mean_log_probability(&self) -> f64 {
        let sum: f64 = self.tokens.iter().map(|token| token.log_probability).sum();
        if self.tokens.is_empty() { 0.0 } else { sum / self.tokens.len() as f64 }
    }
}

impl TextGeneration {
    /// Checks claimed tokens against the prompt that they are said to answer.
    ///
    /// Each token is judged after the claimed ones before it (teacher forcing), so one that is wrong spoils no other. It
    /// costs one pass over prompt and answer, a fraction of generating the answer.
    ///
    /// # Errors
    /// [`Error::Argument`] when prompt and answer exceed the context or a token is none; [`Error::Cancelled`], and what
    /// the model reports.
    pub fn verify(
        &mut self,
        prompt: &Prompt,
        claimed: &[u32],
        claim: &Claim,
        control: &RunControl,
    ) -> Result<Verification, Error> {
        claim.sampling.check()?;
        let mut context = self.encode(prompt)?;
        let vocabulary = self.tokenizer().vocabulary_size();
        let room = self.max_context().saturating_sub(context.len());
        let stranger = claimed.iter().find(|id| **id as usize >= vocabulary);
        if claimed.len() > room || stranger.is_some() {
            return Err(Error::Argument {
                what: "claimed tokens",
                reason: match stranger {
                    Some(id) => format!("{id} is not one of the {vocabulary} that there are"),
                    None => format!("{} where the context has room for {room}", claimed.len()),
                },
            });
        }
        let mut checks = Vec::with_capacity(claimed.len());
        let mut rows = Rows::new(&[&context], self.tokenizer().pad().id);
        self.decoder.forget();
        // The logits after the prompt are those of the first token, and so on; nothing comes after the last.
        for chunk in claimed.chunks(CHUNK) {
            control.check()?;
            let fed = checks.len();
            let before = fed.checked_sub(1).and_then(|last| claimed.get(last));
            let new = before.into_iter().chain(chunk.iter().take(chunk.len().saturating_sub(1)));
            for id in new {
                rows.push(&[Some(*id)]);
            }
            let logits = self.decoder.step(&mut rows, true, control)?;
            let values = logits.to_f32s()?;
            let tokens = logits.shape().last().copied().unwrap_or(1).max(1);
            let columns: Vec<&[f32]> = values.chunks(tokens).collect();
            let start = columns.len().checked_sub(chunk.len()).ok_or_else(|| Error::Output {
                name: LOGITS.into(),
                expected: "logits for every column".into(),
                got: format!("{:?}", logits.shape()),
            })?;
            for (logits, id) in columns.into_iter().skip(start).zip(chunk) {
                let step = checks.len();
                let barred = if step < claim.min_tokens { self.ending_tokens() } else { &[] };
                checks.push(check(logits, &context, barred, claim, step as u64, *id));
                context.push(*id);
            }
        }
        self.decoder.forget();
        Ok(Verification { tokens: checks })
    }
}

fn check(
    logits: &[f32],
    context: &[u32],
    barred: &[u32],
    claim: &Claim,
    step: u64,
    id: u32,
) -> TokenCheck {
    let sampling = &claim.sampling;
    let replayed = sample::draw(logits, context, barred, sampling, step);
    let is_plausible = replayed == Some(id)
        || if sampling.temperature == 0.0 {
            sample::gap(logits, context, barred, sampling, id)
                .is_some_and(|gap| gap <= claim.tolerance)
        } else {
            let number = sample::uniform(sampling.seed, step);
            sample::share(logits, context, barred, sampling, id).is_some_and(|(from, to)| {
                number + claim.tolerance >= from && number - claim.tolerance <= to
            })
        };
    TokenCheck {
        id,
        log_probability: sample::log_probabilities(logits)
            .get(id as usize)
            .copied()
            .unwrap_or(f64::NEG_INFINITY),
        rank: sample::rank_of(logits, id).unwrap_or(logits.len()),
        replayed,
        is_plausible,
    }
}
