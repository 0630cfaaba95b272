//! Pictures as a miner's work: classified, or painted from words. On the wire they are files in base64.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use tensor_core::miner::{Caller, Miner, Reject, Synapse, miner_fn};

use super::reject;
use crate::{
    BatchPolicy, BatchWorker, Error, ImageClassification, ImageClassifier, Picture, Worker,
    diffusion::{ImageGenerator, ImageRequest, Painted, TextToImage},
};

/// Most pictures in one request.
pub const MAX_PICTURES: usize = 16;
/// Bytes of a request with pictures.
const MAX_BODY: usize = 16 << 20;
/// Requests that wait for the painter.
const MAX_QUEUE: usize = 16;

/// Asks for the classes of pictures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassifyPictures {
    /// Image files (PNG, JPEG, WebP, GIF, BMP) in base64.
    pub pictures: Vec<String>,
}

impl Synapse for ClassifyPictures {
    const NAME: &'static str = "ClassifyPictures";
    /// For each picture its classes in the model's order: name and probability.
    type Answer = Vec<Vec<(String, f32)>>;
}

/// Asks for a picture.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Paint {
    /// What is to be seen.
    pub prompt: String,
    /// What is not to be seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub negative: String,
    /// Pixels in a row; the model's own size when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<usize>,
    /// Rows of pixels; the model's own size when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<usize>,
    /// Steps; 30 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// How much more the prompt counts than its absence; 7.5 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<f64>,
    /// Chooses the noise.
    #[serde(default)]
    pub seed: u64,
}

impl Synapse for Paint {
    const NAME: &'static str = "Paint";
    type Answer = Drawn;
}

/// The answer to [`Paint`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// A PNG file in base64.
    pub png: String,
    /// The seed of its noise.
    pub seed: u64,
}

/// A miner that answers [`ClassifyPictures`] by any engine.
pub fn classify_pictures_miner(engine: impl ImageClassifier + 'static) -> impl Miner + 'static {
    let engine = Arc::new(engine);
    let miner = miner_fn(move |_: Caller, ask: ClassifyPictures| {
        let engine = Arc::clone(&engine);
        async move {
            let found = engine.classify(pictures(&ask.pictures)?).await.map_err(reject)?;
            let classes = found.into_iter().map(|found| {
                found.classes.into_iter().map(|class| (class.label, class.score)).collect()
            });
            Ok(classes.collect())
        }
    });
    miner.with_body_limit(MAX_BODY)
}

/// A miner that answers [`Paint`] by any engine.
pub fn paint_miner(engine: impl ImageGenerator + 'static) -> impl Miner + 'static {
    let engine = Arc::new(engine);
    miner_fn(move |_: Caller, ask: Paint| {
        let engine = Arc::clone(&engine);
        async move {
            let mut request =
                ImageRequest::new(ask.prompt).with_negative(ask.negative).with_seed(ask.seed);
            (request.width, request.height) = (ask.width, ask.height);
            (request.steps, request.guidance) = (ask.steps, ask.guidance);
            let painted = engine.paint(vec![request]).await.map_err(reject)?;
            painted.into_iter().flatten().next().map_or_else(|| Err(reject(Error::Stopped)), drawn)
        }
    })
}

impl ImageClassification {
    /// This pipeline as a miner that answers [`ClassifyPictures`], on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        Ok(classify_pictures_miner(BatchWorker::spawn(self, BatchPolicy::default())?))
    }
}

impl TextToImage {
    /// This pipeline as a miner that answers [`Paint`], on a thread of its own.
    ///
    /// # Errors
    /// [`Error::Io`] when the system gives no thread.
    pub fn into_miner(self) -> Result<impl Miner + 'static, Error> {
        Ok(paint_miner(Worker::spawn(self, MAX_QUEUE)?))
    }
}

fn pictures(files: &[String]) -> Result<Vec<Picture>, Reject> {
    let bad = |reason: String| Reject::BadRequest(reason);
    if !(1..=MAX_PICTURES).contains(&files.len()) {
        let count = files.len();
        return Err(bad(format!("{count} pictures; 1 to {MAX_PICTURES} are taken")));
    }
    files
        .iter()
        .map(|file| {
            let bytes = STANDARD.decode(file).map_err(|error| bad(error.to_string()))?;
            Picture::decode(&bytes).map_err(reject)
        })
        .collect()
}

fn drawn(painted: Painted) -> Result<Drawn, Reject> {
    let png = painted.picture.to_png().map_err(reject)?;
    Ok(Drawn { png: STANDARD.encode(png), seed: painted.seed })
}
