//! Pipelines as miners: what a validator asks in JSON is answered by a model.
//!
//! ```no_run
//! use tensor_ml::{Engine, ModelFolder, TextEmbedding};
//! # fn example(engine: Engine) -> Result<(), tensor_ml::Error> {
//! let folder = ModelFolder::open("models/all-MiniLM-L6-v2")?;
//! let miner = TextEmbedding::open(&folder, &engine, &Default::default())?.into_miner()?;
//! # Ok(())
//! # }
//! ```
//!
//! `into_miner` puts the pipeline on a thread of its own, where the texts of all callers share runs. The functions take
//! any engine, remote ones too. Requests are bounded: 1 MiB, [`MAX_TEXTS`] texts, [`MAX_ANSWER`] tokens.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tensor_core::miner::{Caller, Miner, Reject, Synapse, miner_fn};

use crate::{
    BatchPolicy, BatchWorker, Embedder, Error, TextClassification, TextClassifier, TextEmbedding,
    TokenClassification, TokenClassifier, Worker,
    text::{
        FinishReason, GenerateRequest, Message, Prompt, Sampling, TextGeneration, TextGenerator,
    },
};

/// Most texts in one request.
pub const MAX_TEXTS: usize = 64;
/// Most tokens of one answer.
pub const MAX_ANSWER: usize = 1_024;

/// Asks for the vectors of texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Embed {
    /// The texts.
    pub texts: Vec<String>,
}

impl Synapse for Embed {
    const NAME: &'static str = "Embed";
    type Answer = Vec<Vec<f32>>;
}

/// Asks for the classes of texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Classify {
    /// The texts.
    pub texts: Vec<String>,
}

impl Synapse for Classify {
    const NAME: &'static str = "Classify";
    /// For each text its classes in the model's order: name and probability.
    type Answer = Vec<Vec<(String, f32)>>;
}

/// Asks for the entities in texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entities {
    /// The texts.
    pub texts: Vec<String>,
}

impl Synapse for Entities {
    const NAME: &'static str = "Entities";
    type Answer = Vec<Vec<Found>>;
}

/// An entity in a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What it is.
    pub label: String,
    /// The text of it.
    pub text: String,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends in the text, in bytes.
    pub end: usize,
    /// Mean probability of its tokens' labels.
    pub score: f32,
}

/// Asks for text after a prompt, or as the answer to a conversation; exactly one of the two.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Generate {
    /// What to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Most tokens of the answer, at most [`MAX_ANSWER`]; 256 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// 0 for the likeliest token, which it is when not given.
    #[serde(default)]
    pub temperature: f64,
    /// Share of the probability to choose from; all of it when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Most tokens to choose from; 0 for no limit.
    #[serde(default)]
    pub top_k: usize,
    /// Chooses the random numbers.
    #[serde(default)]
    pub seed: u64,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Synapse for Generate {
    const NAME: &'static str = "Generate";
    type Answer = Written;
}

/// The answer to [`Generate`]; with the ids a validator can check it (`TextGeneration::verify`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// The text.
    pub text: String,
    /// Ids of its tokens; empty when the engine does not tell them.
    pub ids: Vec<u32>,
    /// Whether the model ended it, rather than the most tokens.
    pub is_complete: bool,
}

/// A miner that answers [`Embed`] by any engine.
pub fn embed_miner(engine: impl Embedder + 'static) -> impl Miner + 'static {
    let engine = Arc::new(engine);
    miner_fn(move |_: Caller, ask: Embed| {
        let engine = Arc::clone(&engine);
        async move { engine.embed(bounded(ask.texts)?).await.map_err(reject) }
    })
}

/// A miner that answers [`Classify`] by any engine.
pub fn classify_miner(engine: impl TextClassifier + 'static) -> impl Miner + 'static {
    let engine = Arc::new(engine);
    miner_fn(move |_: Caller, ask: Classify| {
        let engine = Arc::clone(&engine);
        async move {
            let found = engine.classify(bounded(ask.texts)?).await.map_err(reject)?;
            let classes = found.into_iter().map(|found| {
                found.classes.into_iter().map(|class| (class.label, class.score)).collect()
            });
            Ok(classes.collect())
        }
    })
}

/// A miner that answers [`Entities`] by any engine.
pub fn entities_miner(engine: impl TokenClassifier + 'static) -> impl Miner + 'static {
    let engine = Arc::new(engine);
    miner_fn(move |_: Caller, ask: Entities| {
        let engine = Arc::clone(&engine);
        async move {
            let found = engine.entities(bounded(ask.texts)?).await.map_err(reject)?;
            let found = found.into_iter().map(|entities| {
                let found = entities.into_iter().map(|entity| Found {
                    label: entity.label,
                    text: entity.text,
                    start: entity.range.start,
                    end: entity.range.end,
                    score: entity.score,
                });
                found.collect()
            });
            Ok(found.collect())
        }
    })
}

/// A miner that answers [`Generate`] by any engine.
pub fn generate_miner(engine: impl TextGenerator + 'static) -> impl Miner + 'static {
    let engine = Arc::new(engine);
    miner_fn(move |_: Caller, ask: Generate| {
        let engine = Arc::clone(&engine);
        async move {
            let answer = engine.generate(request(ask)?).await.map_err(reject)?;
            Ok(Written {
                ids: answer.ids(),
                is_complete: answer.finish != FinishReason::Length,
                text: answer.text,
            })
        }
    })
}

impl TextEmbedding {
    /// This pipeline as a miner that answers [`Embed`], on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        Ok(embed_miner(BatchWorker::spawn(self, BatchPolicy::default())?))
    }
}

impl TextClassification {
    /// This pipeline as a miner that answers [`Classify`], on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        Ok(classify_miner(BatchWorker::spawn(self, BatchPolicy::default())?))
    }
}

impl TokenClassification {
    /// This pipeline as a miner that answers [`Entities`], on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        Ok(entities_miner(Worker::spawn(self, BatchPolicy::default().max_queue)?))
    }
}

impl TextGeneration {
    /// This pipeline as a miner that answers [`Generate`], on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        Ok(generate_miner(BatchWorker::spawn(self, BatchPolicy::default())?))
    }
}

fn bounded(texts: Vec<String>) -> Result<Vec<String>, Reject> {
    match texts.len() {
        1..=MAX_TEXTS => Ok(texts),
        count => Err(Reject::BadRequest(format!("{count} texts; 1 to {MAX_TEXTS} are taken"))),
    }
}

fn request(ask: Generate) -> Result<GenerateRequest, Reject> {
    let bad = |reason: &str| Reject::BadRequest(reason.into());
    let prompt = match (ask.prompt, ask.messages.is_empty()) {
        (Some(prompt), true) => Prompt::Text(prompt),
        (None, false) => Prompt::Chat(ask.messages),
        _ => return Err(bad("exactly one of prompt and messages is taken")),
    };
    if ask.max_tokens.is_some_and(|tokens| tokens > MAX_ANSWER) || ask.stop.len() > MAX_TEXTS {
        return Err(bad("too many tokens or stop texts asked for"));
    }
    let sampling = Sampling::greedy()
        .with_temperature(ask.temperature)
        .with_top_p(ask.top_p.unwrap_or(1.0))
        .with_top_k(ask.top_k)
        .with_seed(ask.seed);
    let mut request = GenerateRequest::new(prompt).with_sampling(sampling);
    request.max_tokens = ask.max_tokens;
    request.stop = ask.stop;
    Ok(request)
}

/// What a caller is told of a fault.
fn reject(error: Error) -> Reject {
    match error {
        Error::Busy { .. } => Reject::Busy { retry_after: Duration::from_secs(1) },
        Error::DeadlineExceeded => Reject::Timeout,
        // Arguments are the caller's own, so saying them back tells nothing new.
        Error::Argument { .. } => Reject::BadRequest(error.to_string()),
        other => Reject::Internal(other.into()),
    }
}
