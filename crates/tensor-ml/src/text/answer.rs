//! One answer while it is written: choosing tokens, reading them, knowing the end.

use super::{
    detokenize::{Detokenizer, StopFilter},
    request::{FinishReason, Generated, Token},
    sample::{self, Sampling},
};
use crate::{error::Error, logits::LOGITS, tokenizer::Tokenizer};

/// An answer in the making.
pub(super) struct Answer {
    /// The prompt and the answer so far.
    pub(super) context: Vec<u32>,
    pub(super) max_tokens: usize,
    pub(super) min_tokens: usize,
    pub(super) wants_log_probabilities: bool,
    pub(super) sampling: Sampling,
    pub(super) stop: StopFilter,
    pub(super) detokenizer: Detokenizer,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) finish: Option<FinishReason>,
}

impl Answer {
    /// Chooses the next token and reads it, telling of it and of text that was held back to the end. Gives the token, or
    /// nothing when it was the last.
    pub(super) fn advance(
        &mut self,
        logits: &[f32],
        tokenizer: &Tokenizer,
        ends: &[u32],
        tell: &mut dyn FnMut(Option<Token>, &str),
    ) -> Result<Option<u32>, Error> {
        let token = self.take(logits, ends)?;
        let text = self.read(token.id, tokenizer, ends)?;
        tell(Some(token), &text);
        if self.finish.is_none() {
            return Ok(Some(token.id));
        }
        let held = self.close(tokenizer)?;
        if !held.is_empty() {
            tell(None, &held);
        }
        Ok(None)
    }

    /// Chooses the next token.
    fn take(&mut self, logits: &[f32], ends: &[u32]) -> Result<Token, Error> {
        let barred = if self.tokens.len() < self.min_tokens { ends } else { &[] };
        let step = self.tokens.len() as u64;
        let id =
            sample::draw(logits, &self.context, barred, &self.sampling, step).ok_or_else(|| {
                Error::Output {
                    name: LOGITS.into(),
                    expected: "a number for at least one token".into(),
                    got: "none".into(),
                }
            })?;
        let log_probability = self
            .wants_log_probabilities
            .then(|| sample::log_probabilities(logits).get(id as usize).copied())
            .flatten();
        let token = Token { id, log_probability };
        self.context.push(id);
        self.tokens.push(token);
        Ok(token)
    }

    /// Adds a token's text, and ends the answer where it is at its end.
    fn read(&mut self, id: u32, tokenizer: &Tokenizer, ends: &[u32]) -> Result<String, Error> {
        if ends.contains(&id) {
            self.finish = Some(FinishReason::Ended);
            return Ok(String::new());
        }
        let piece = self.detokenizer.push(tokenizer, id)?;
        let text = self.stop.push(&piece);
        self.text.push_str(&text);
        if self.stop.is_stopped() {
            self.finish = Some(FinishReason::Stopped);
        } else if self.tokens.len() >= self.max_tokens {
            self.finish = Some(FinishReason::Length);
        }
        Ok(text)
    }

    /// The text that was held back until the end.
    fn close(&mut self, tokenizer: &Tokenizer) -> Result<String, Error> {
        if self.finish == Some(FinishReason::Stopped) {
            return Ok(String::new());
        }
        let piece = self.detokenizer.finish(tokenizer)?;
        let mut text = self.stop.push(&piece);
        if self.stop.is_stopped() {
            self.finish = Some(FinishReason::Stopped);
        } else {
            text.push_str(&self.stop.finish());
        }
        self.text.push_str(&text);
        Ok(text)
    }

    /// The answer, once it is complete; it is empty afterwards.
    pub(super) fn taken(&mut self) -> Result<Generated, Error> {
        Ok(Generated {
            prompt_tokens: self.context.len().saturating_sub(self.tokens.len()),
            text: std::mem::take(&mut self.text),
            tokens: std::mem::take(&mut self.tokens),
            finish: self.finish.ok_or(Error::Stopped)?,
        })
    }
}
