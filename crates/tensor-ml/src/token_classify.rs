//! Token classification: names, places, personal data — labels for each token, and the entities they make up.

use std::{fmt, ops::Range};

use async_trait::async_trait;

use crate::{
    classification::softmax,
    classify::ClassifyOptions,
    control::RunControl,
    device::Placement,
    encoder::TextEncoder,
    engine::Engine,
    error::Error,
    folder::{ModelFolder, unnamed},
    logits::{LOGITS, expect_logits, not_logits},
    model::Model,
    pipeline::{self, forward},
    tokenizer::{Encoding, Tokenizer},
    worker::{Task, Worker},
};

/// The shape of the logits.
const SHAPE: &str = "[texts, tokens, labels]";

/// Finds entities in texts. The local pipeline implements it by way of [`Worker`].
#[async_trait]
#[diagnostic::on_unimplemented(note = "spawn a `Worker` with a `TokenClassification`")]
pub trait TokenClassifier: Send + Sync {
    /// The entities of each text, in order of the texts and within them.
    ///
    /// # Errors
    /// Whatever keeps the texts from being read; all of them or none.
    async fn entities(&self, texts: Vec<String>) -> Result<Vec<Vec<Entity>>, Error>;
}

forward!(TokenClassifier.entities(Vec<String>) -> Vec<Vec<Entity>>);

/// One token of a text with its label.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenLabel {
    /// Where it is in the text, in bytes.
    pub range: Range<usize>,
    /// Its likeliest label.
    pub label: String,
    /// Probability of the label.
    pub score: f32,
}

/// A piece of text that the labels say is one thing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Entity {
    /// What it is: the label without `B-` or `I-`.
    pub label: String,
    /// The text of it.
    pub text: String,
    /// Where it is in the text, in bytes.
    pub range: Range<usize>,
    /// Mean probability of its tokens' labels.
    pub score: f32,
}

impl Entity {
    /// What labels of a text's tokens make up: a run of tokens whose labels say the same but for `B-` and `I-`; `B-` begins
    /// a new one, `O` is none. A label without prefix continues the one before, if it is the same.
    pub fn of_labels(text: &str, labels: &[TokenLabel]) -> Vec<Self> {
        let mut entities: Vec<(Self, u32)> = Vec::new();
        let mut last = "O";
        for token in labels {
            let (begins, tag) = match token.label.split_once('-') {
                Some((prefix @ ("B" | "I"), tag)) => (prefix == "B", tag),
                _ => (false, token.label.as_str()),
            };
            match entities.last_mut() {
                _ if tag == "O" => {}
                Some((entity, count)) if last == tag && !begins => {
                    entity.range.end = token.range.end;
                    entity.score += token.score;
                    *count = count.saturating_add(1);
                }
                _ => {
                    let range = token.range.clone();
                    let entity =
                        Self { label: tag.into(), text: String::new(), range, score: token.score };
                    entities.push((entity, 1));
                }
            }
            last = tag;
        }
        entities
            .into_iter()
            .map(|(mut entity, count)| {
                entity.score /= count as f32;
                entity.text = text.get(entity.range.clone()).unwrap_or_default().to_owned();
                entity
            })
            .collect()
    }
}

/// The pipeline: tokenizer, model, labels. Opened with the same options as text classification.
pub struct TokenClassification {
    encoder: TextEncoder,
    labels: Vec<String>,
    max_batch: usize,
}

impl TokenClassification {
    /// Opens a model folder.
    ///
    /// # Errors
    /// Whatever is wrong with the folder, the graph or the device; [`Error::Input`] and [`Error::Output`] when the graph
    /// is not one from texts to logits.
    pub fn open(
        folder: &ModelFolder,
        engine: &Engine,
        options: &ClassifyOptions,
    ) -> Result<Self, Error> {
        let model = engine.model(&folder.graph(&options.graph)?, &options.session)?;
        let tokenizer = Tokenizer::open_within(folder, options.max_tokens)?;
        let mut pipeline = Self::new(model, tokenizer, folder.config().labels())?;
        pipeline.max_batch = pipeline::max_batch(options.max_batch);
        Ok(pipeline)
    }

    /// A pipeline of parts: any model, in this process or elsewhere.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Output`] when the model is not one from texts to `logits`.
    pub fn new(
        model: impl Model + 'static,
        tokenizer: Tokenizer,
        labels: Vec<String>,
    ) -> Result<Self, Error> {
        expect_logits(model.outputs(), SHAPE)?;
        Ok(Self {
            encoder: TextEncoder::new(Box::new(model), tokenizer)?,
            labels,
            max_batch: pipeline::DEFAULT_MAX_BATCH,
        })
    }

    /// Names of the labels in the model's order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Where the model runs, if in this process.
    pub fn placement(&self) -> Option<&Placement> {
        self.encoder.model().placement()
    }

    /// The label of each token of each text; special tokens are left out. Texts beyond the limit of tokens are cut.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], [`Error::Output`] for logits of another shape than `[texts, tokens, labels]`, and what the
    /// model reports.
    pub fn label<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Vec<TokenLabel>>, Error> {
        self.label_with(texts, &RunControl::default())
    }

    /// As [`label`](Self::label), with a way to stop.
    ///
    /// # Errors
    /// As [`label`](Self::label), and [`Error::Cancelled`].
    pub fn label_with<S: AsRef<str>>(
        &self,
        texts: &[S],
        control: &RunControl,
    ) -> Result<Vec<Vec<TokenLabel>>, Error> {
        let encodings = self.encoder.tokenizer().encode(texts)?;
        let rows = self.encoder.run_grouped(
            &encodings,
            self.max_batch,
            control,
            |batch, outputs, _| {
                let logits = outputs.take(LOGITS)?;
                let labels = match *logits.shape() {
                    [rows, columns, labels]
                        if (rows, columns) == (batch.rows, batch.columns) && labels > 0 =>
                    {
                        labels
                    }
                    _ => return Err(not_logits(SHAPE, &format!("{:?}", logits.shape()))),
                };
                let values = logits.to_f32s()?;
                let texts = values.chunks(batch.columns.saturating_mul(labels));
                // Filling is on the right, so a text's tokens are its first rows.
                Ok(texts
                    .map(|text| text.chunks(labels).map(|row| self.best(row)).collect::<Vec<_>>())
                    .collect())
            },
        )?;
        Ok(encodings.iter().zip(rows).map(|(encoding, row)| tokens(encoding, row)).collect())
    }

    /// The entities of each text, as [`Entity::of_labels`] finds them.
    ///
    /// # Errors
    /// As [`label`](Self::label).
    pub fn entities<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Vec<Entity>>, Error> {
        self.entities_with(texts, &RunControl::default())
    }

    /// As [`entities`](Self::entities), with a way to stop.
    ///
    /// # Errors
    /// As [`entities`](Self::entities), and [`Error::Cancelled`].
    pub fn entities_with<S: AsRef<str>>(
        &self,
        texts: &[S],
        control: &RunControl,
    ) -> Result<Vec<Vec<Entity>>, Error> {
        let labels = self.label_with(texts, control)?;
        Ok(texts
            .iter()
            .zip(labels)
            .map(|(text, labels)| Entity::of_labels(text.as_ref(), &labels))
            .collect())
    }

    fn best(&self, logits: &[f32]) -> (String, f32) {
        let scores = softmax(logits);
        let best = (0..scores.len()).reduce(|best, other| {
            if logits[other] > logits[best] || logits[best].is_nan() { other } else { best }
        });
        let best = best.unwrap_or(0);
        let label = self.labels.get(best).cloned().unwrap_or_else(|| unnamed(best));
        (label, scores.get(best).copied().unwrap_or(f32::NAN))
    }
}

impl fmt::Debug for TokenClassification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClassification")
            .field("placement", &self.placement())
            .field("labels", &self.labels)
            .finish_non_exhaustive()
    }
}

impl Task for TokenClassification {
    type Request = Vec<String>;
    type Answer = Vec<Vec<Entity>>;

    fn run(
        &mut self,
        request: Vec<String>,
        control: &RunControl,
    ) -> Result<Vec<Vec<Entity>>, Error> {
        self.entities_with(&request, control)
    }
}

#[async_trait]
impl TokenClassifier for Worker<TokenClassification> {
    async fn entities(&self, texts: Vec<String>) -> Result<Vec<Vec<Entity>>, Error> {
        self.call(texts).await
    }
}

/// The tokens of a text with what was found for them.
fn tokens(encoding: &Encoding, found: Vec<(String, f32)>) -> Vec<TokenLabel> {
    let places = encoding.offsets.iter().zip(&encoding.is_special);
    places
        .zip(found)
        .filter(|((_, is_special), _)| !**is_special)
        .map(|(((start, end), _), (label, score))| TokenLabel { range: *start..*end, label, score })
        .collect()
}
