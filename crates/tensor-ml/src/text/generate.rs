//! The generation pipeline: a folder with a decoder, its tokenizer and its chat template.

use std::fmt;

use serde_json::Map;

use super::{
    answer::Answer,
    chat::ChatTemplate,
    decoder::{Decoder, Rows},
    detokenize::{Detokenizer, StopFilter},
    request::{GenerateRequest, Generated, Prompt, Token},
    sample::Sampling,
};
use crate::{
    control::RunControl,
    device::Placement,
    engine::Engine,
    error::Error,
    folder::{GraphChoice, ModelFolder, number},
    pipeline::setters,
    session::{Session, SessionOptions},
    tensor::Tensor,
    tokenizer::Tokenizer,
};

/// Where neither the request nor the folder states a limit.
const DEFAULT_MAX_NEW: usize = 256;
/// Where the folder states no context length.
const DEFAULT_CONTEXT: usize = 4096;

/// How a [`TextGeneration`] is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GenerateOptions {
    /// Where and how the model runs.
    pub session: SessionOptions,
    /// Which graph of the folder.
    pub graph: GraphChoice,
    /// Most tokens of prompt and answer together; what the folder states when not set. Bounds the memory of a request.
    pub max_context: Option<usize>,
}

setters!(GenerateOptions: session, graph);

impl GenerateOptions {
    /// Sets the most tokens of prompt and answer together.
    #[must_use]
    pub fn with_max_context(mut self, max_context: usize) -> Self {
        self.max_context = Some(max_context);
        self
    }
}

/// The pipeline: tokenizer, chat template, decoder. Synchronous; put it into a [`Worker`](crate::Worker) to wait for it,
/// or into a [`BatchWorker`](crate::BatchWorker) to share its steps among callers.
pub struct TextGeneration {
    pub(super) decoder: Decoder,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    defaults: Sampling,
    ends: Vec<u32>,
    max_context: usize,
}

impl TextGeneration {
    /// Opens a model folder.
    ///
    /// # Errors
    /// Whatever is wrong with the folder, the graph or the device; [`Error::Input`] and [`Error::Output`] when the graph
    /// is not a text decoder.
    pub fn open(
        folder: &ModelFolder,
        engine: &Engine,
        options: &GenerateOptions,
    ) -> Result<Self, Error> {
        let session = engine.load(&folder.graph(&options.graph)?, &options.session)?;
        Self::with_session(folder, session, options)
    }

    /// A pipeline on a session that is loaded already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn with_session(
        folder: &ModelFolder,
        session: Box<dyn Session>,
        options: &GenerateOptions,
    ) -> Result<Self, Error> {
        let config = folder.config();
        let generation = folder.json("generation_config.json")?;
        let names = ["max_position_embeddings", "n_positions", "n_ctx", "max_seq_len"];
        let stated = config.number(&names).filter(|context| *context > 0);
        let max_context = options.max_context.unwrap_or_else(|| stated.unwrap_or(DEFAULT_CONTEXT));
        // Not cut: a prompt that is too long is an error, not another prompt.
        let tokenizer = Tokenizer::open(folder)?.with_max_tokens(usize::MAX)?;
        let mut ends: Vec<u32> = [generation.get("eos_token_id"), config.value("eos_token_id")]
            .into_iter()
            .flatten()
            .flat_map(|value| match value {
                serde_json::Value::Array(list) => list.clone(),
                one => vec![one.clone()],
            })
            .filter_map(|id| u32::try_from(number(&id)?).ok())
            .collect();
        ends.sort_unstable();
        ends.dedup();
        Ok(Self {
            decoder: Decoder::new(session, config)?,
            template: ChatTemplate::open(folder)?,
            defaults: stated_sampling(&generation),
            tokenizer,
            ends,
            max_context: max_context.max(1),
        })
    }

    /// Where the model runs.
    pub fn placement(&self) -> &Placement {
        self.decoder.placement()
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The chat template, if the folder has one.
    pub fn template(&self) -> Option<&ChatTemplate> {
        self.template.as_ref()
    }

    /// How tokens are chosen where a request does not say: what the folder states.
    pub fn default_sampling(&self) -> Sampling {
        self.defaults
    }

    /// Tokens that end an answer.
    pub fn ending_tokens(&self) -> &[u32] {
        &self.ends
    }

    /// Most tokens of prompt and answer together.
    pub fn max_context(&self) -> usize {
        self.max_context
    }

    /// The tokens of a prompt.
    ///
    /// # Errors
    /// [`Error::Tokenizer`]; [`Error::Argument`] when the prompt is empty, leaves no room for an answer, or is a
    /// conversation and the folder has no chat template.
    pub fn encode(&self, prompt: &Prompt) -> Result<Vec<u32>, Error> {
        let ids = match prompt {
            Prompt::Tokens(ids) => ids.clone(),
            Prompt::Text(text) => {
                let encodings = self.tokenizer.encode(&[text])?;
                encodings.into_iter().next().unwrap_or_default().ids
            }
            Prompt::Chat(messages) => {
                let Some(template) = &self.template else {
                    return Err(Error::Argument {
                        what: "prompt",
                        reason: "a conversation, and the folder has no chat template".into(),
                    });
                };
                // The template writes the special tokens itself.
                self.tokenizer.encode_bare(&template.render(messages, true, &Map::new())?)?.ids
            }
        };
        if ids.is_empty() || ids.len() >= self.max_context {
            return Err(Error::Argument {
                what: "prompt",
                reason: format!(
                    "{} tokens; there must be at least one and fewer than the context's {}",
                    ids.len(),
                    self.max_context
                ),
            });
        }
        let vocabulary = self.tokenizer.vocabulary_size();
        if let Some(id) = ids.iter().find(|id| **id as usize >= vocabulary) {
            return Err(Error::Argument {
                what: "prompt",
                reason: format!("token {id} is not one of the {vocabulary} that there are"),
            });
        }
        Ok(ids)
    }

    /// Answers one request.
    ///
    /// # Errors
    /// [`Error::Argument`] for a request out of range, as [`encode`](Self::encode), [`Error::Cancelled`], and what the
    /// model reports.
    pub fn generate(&mut self, request: &GenerateRequest) -> Result<Generated, Error> {
        self.generate_with(request, &RunControl::default(), &mut |_, _| {})
    }

    /// Answers one request, telling of each token and the text that became certain with it, which may be none; without a
    /// token, of text that was held back to the end.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    pub fn generate_with(
        &mut self,
        request: &GenerateRequest,
        control: &RunControl,
        on_token: &mut dyn FnMut(Option<Token>, &str),
    ) -> Result<Generated, Error> {
        let requests = std::slice::from_ref(request);
        let mut on_event = |_: usize, token: Option<Token>, text: &str| on_token(token, text);
        let mut answers = self.run_rows(requests, control, &mut on_event)?.into_iter();
        answers.next().ok_or(Error::Stopped)
    }

    /// Answers several requests in common steps, which costs little more than one. Each answer is the one that the request
    /// would get alone, but for the last bits of the arithmetic.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), for the first request that is at fault; all of them or none.
    pub fn generate_batch(
        &mut self,
        requests: &[GenerateRequest],
        control: &RunControl,
    ) -> Result<Vec<Generated>, Error> {
        self.run_rows(requests, control, &mut |_, _, _| {})
    }

    /// Runs requests to their ends. `on_event` hears of each token of each row; without a token, of the text that was held
    /// back when the row ended.
    pub(super) fn run_rows(
        &mut self,
        requests: &[GenerateRequest],
        control: &RunControl,
        on_event: &mut dyn FnMut(usize, Option<Token>, &str),
    ) -> Result<Vec<Generated>, Error> {
        let mut answers: Vec<Answer> =
            requests.iter().map(|request| self.begin(request)).collect::<Result<_, _>>()?;
        let prompts: Vec<&[u32]> = answers.iter().map(|answer| answer.context.as_slice()).collect();
        let mut rows = Rows::new(&prompts, self.tokenizer.pad().id);
        self.decoder.forget();
        while answers.iter().any(|answer| answer.finish.is_none()) {
            control.check()?;
            let logits = self.decoder.step(&mut rows, false, control)?;
            let last = last_columns(&logits)?;
            let mut next = vec![None; answers.len()];
            for (row, (answer, logits)) in answers.iter_mut().zip(&last).enumerate() {
                if answer.finish.is_some() {
                    continue;
                }
                let mut tell = |token: Option<Token>, text: &str| on_event(row, token, text);
                next[row] = answer.advance(logits, &self.tokenizer, &self.ends, &mut tell)?;
            }
            rows.push(&next);
        }
        self.decoder.forget();
        answers.iter_mut().map(Answer::taken).collect()
    }

    /// Whether a request can be answered.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), before anything is run.
    pub fn check(&self, request: &GenerateRequest) -> Result<(), Error> {
        self.begin(request).map(drop)
    }

    pub(super) fn begin(&self, request: &GenerateRequest) -> Result<Answer, Error> {
        let sampling = request.sampling.unwrap_or(self.defaults);
        sampling.check()?;
        if request.max_tokens == Some(0) {
            let reason = "must be at least 1".into();
            return Err(Error::Argument { what: "max_tokens", reason });
        }
        let context = self.encode(&request.prompt)?;
        let room = self.max_context.saturating_sub(context.len());
        Ok(Answer {
            max_tokens: request.max_tokens.unwrap_or(DEFAULT_MAX_NEW).min(room),
            min_tokens: request.min_tokens,
            wants_log_probabilities: request.wants_log_probabilities,
            stop: StopFilter::new(&request.stop),
            detokenizer: Detokenizer::default(),
            text: String::new(),
            tokens: Vec::new(),
            finish: None,
            sampling,
            context,
        })
    }
}

impl fmt::Debug for TextGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextGeneration")
            .field("decoder", &self.decoder)
            .field("tokenizer", &self.tokenizer)
            .field("has_template", &self.template.is_some())
            .field("ends", &self.ends)
            .field("max_context", &self.max_context)
            .finish_non_exhaustive()
    }
}

/// The last column of logits of each row.
pub(super) fn last_columns(logits: &Tensor) -> Result<Vec<Vec<f32>>, Error> {
    let values = logits.to_f32s()?;
    let [_, columns, tokens] = *logits.shape() else { return Ok(Vec::new()) };
    let row = columns.saturating_mul(tokens).max(1);
    let start = columns.saturating_sub(1).saturating_mul(tokens);
    Ok(values.chunks(row).map(|row| row.get(start..).unwrap_or_default().to_vec()).collect())
}

/// What `generation_config.json` states; greedy unless it says that it samples.
fn stated_sampling(generation: &Map<String, serde_json::Value>) -> Sampling {
    let stated = |name: &str| generation.get(name).and_then(serde_json::Value::as_f64);
    let mut sampling = Sampling::greedy();
    sampling.repetition_penalty = stated("repetition_penalty").unwrap_or(1.0);
    if generation.get("do_sample").and_then(serde_json::Value::as_bool) == Some(true) {
        sampling.temperature = stated("temperature").unwrap_or(1.0);
        sampling.top_k = generation.get("top_k").and_then(number).unwrap_or(0);
        sampling.top_p = stated("top_p").unwrap_or(1.0);
        sampling.min_p = stated("min_p").unwrap_or(0.0);
    }
    sampling
}
