//! What is asked of a text generator, and what it answers.

use super::{chat::Message, sample::Sampling};

/// What a model is asked to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt {
    /// Text, to which the tokenizer adds the model's special tokens.
    Text(String),
    /// A conversation, written out by the folder's chat template.
    Chat(Vec<Message>),
    /// Tokens, used as they are.
    Tokens(Vec<u32>),
}

/// A request for text.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GenerateRequest {
    /// What to go on with.
    pub prompt: Prompt,
    /// How tokens are chosen; as the folder's `generation_config.json` says when not set.
    pub sampling: Option<Sampling>,
    /// Most tokens of the answer; 256 when not set. Never more than the context has room for.
    pub max_tokens: Option<usize>,
    /// Before the answer has this many tokens, the ending ones may not be taken.
    pub min_tokens: usize,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Whether the answer comes with the logarithm of each token's probability.
    pub wants_log_probabilities: bool,
}

impl GenerateRequest {
    /// A request with the folder's settings.
    pub fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            sampling: None,
            max_tokens: None,
            min_tokens: 0,
            stop: Vec::new(),
            wants_log_probabilities: false,
        }
    }

    /// A request to go on with a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Prompt::Text(text.into()))
    }

    /// A request to answer a conversation.
    pub fn chat(messages: Vec<Message>) -> Self {
        Self::new(Prompt::Chat(messages))
    }

    /// Sets how tokens are chosen.
    #[must_use]
    pub fn with_sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = Some(sampling);
        self
    }

    /// Sets the most tokens of the answer.
    #[must_use]
    pub fn with_max_tokens(mut self, max_tokens: usize) -> Self {
        self.max_tokens = Some(max_tokens);
        self
    }

    /// Sets the least tokens of the answer.
    #[must_use]
    pub fn with_min_tokens(mut self, min_tokens: usize) -> Self {
        self.min_tokens = min_tokens;
        self
    }

    /// Adds a text that ends the answer.
    #[must_use]
    pub fn with_stop(mut self, stop: impl Into<String>) -> Self {
        self.stop.push(stop.into());
        self
    }

    /// Asks for the logarithm of each token's probability.
    #[must_use]
    pub fn with_log_probabilities(mut self) -> Self {
        self.wants_log_probabilities = true;
        self
    }
}

/// One token of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// Natural logarithm of its probability by the logits as the model gave them, if asked for.
    pub log_probability: Option<f64>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model ended it.
    Ended,
    /// A stop string came.
    Stopped,
    /// It reached the most tokens.
    Length,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Generated {
    /// The text, without special tokens and without the stop string.
    pub text: String,
    /// The tokens, the ending one included.
    pub tokens: Vec<Token>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Why it ended.
    pub finish: FinishReason,
}

impl Generated {
    /// Ids of the tokens.
    pub fn ids(&self) -> Vec<u32> {
        self.tokens.iter().map(|token| token.id).collect()
    }
}
