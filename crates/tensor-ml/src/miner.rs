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
//! any engine, remote ones too. Requests are bounded: 1 MiB (16 MiB for pictures), [`MAX_TEXTS`] texts, a few pictures,
//! [`MAX_ANSWER`] tokens.

mod generate;
#[cfg(feature = "image")]
mod image;

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tensor_core::miner::{Caller, Miner, Reject, Synapse, miner_fn};

pub use self::generate::{Generate, GenerateMiner, Piece, Written, generate_miner};
#[cfg(feature = "image")]
pub use self::image::{
    ClassifyPictures, Drawn, MAX_PICTURES, Paint, classify_pictures_miner, paint_miner,
};
use crate::{
    BatchPolicy, BatchWorker, Embedder, Error, TextClassification, TextClassifier, TextEmbedding,
    TokenClassification, TokenClassifier, Worker, ZeroShot,
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

impl ZeroShot {
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

fn bounded(texts: Vec<String>) -> Result<Vec<String>, Reject> {
    match texts.len() {
        1..=MAX_TEXTS => Ok(texts),
        count => Err(Reject::BadRequest(format!("{count} texts; 1 to {MAX_TEXTS} are taken"))),
    }
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
