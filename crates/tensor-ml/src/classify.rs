//! Text classification: sentiment, topic, language, moderation — any graph from `input_ids` to `logits`.

use std::fmt;

use async_trait::async_trait;

use crate::{
    batch::BatchWorker,
    classification::{Classes, Classification},
    control::RunControl,
    device::Placement,
    encoder::TextEncoder,
    engine::Engine,
    error::Error,
    folder::{GraphChoice, ModelFolder},
    logits::expect_logits,
    model::Model,
    pipeline::{self, forward, serve, setters},
    session::SessionOptions,
    tokenizer::{Encoding, Tokenizer},
    worker::Worker,
};

/// Classifies texts. The local pipeline implements it by way of [`Worker`] and [`BatchWorker`]; remote engines
/// implement it as well.
#[async_trait]
#[diagnostic::on_unimplemented(
    note = "spawn a `Worker` or `BatchWorker` with a `TextClassification`"
)]
pub trait TextClassifier: Send + Sync {
    /// One classification for each text, in order.
    ///
    /// # Errors
    /// Whatever keeps the texts from being classified; all of them or none.
    async fn classify(&self, texts: Vec<String>) -> Result<Vec<Classification>, Error>;
}

forward!(TextClassifier.classify(Vec<String>) -> Vec<Classification>);

/// How a [`TextClassification`] is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ClassifyOptions {
    /// Where and how the model runs.
    pub session: SessionOptions,
    /// Which graph of the folder.
    pub graph: GraphChoice,
    /// Most tokens of a text; the folder's limit when not set. Longer texts are cut.
    pub max_tokens: Option<usize>,
    /// Most texts in one run; 32 when not set.
    pub max_batch: Option<usize>,
}

setters!(ClassifyOptions: session, graph, max_tokens, max_batch);

/// The pipeline: tokenizer, model, labels. Synchronous; put it into a [`Worker`] to wait for it.
pub struct TextClassification {
    encoder: TextEncoder,
    classes: Classes,
    max_batch: usize,
}

impl TextClassification {
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
        let config = folder.config();
        let mut pipeline = Self::new(model, tokenizer, config.labels(), config.is_multi_label())?;
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
        is_multi_label: bool,
    ) -> Result<Self, Error> {
        let classes = Classes { labels, is_multi_label, rows: "texts" };
        expect_logits(model.outputs(), &classes.shape())?;
        let encoder = TextEncoder::new(Box::new(model), tokenizer)?;
        Ok(Self { encoder, classes, max_batch: pipeline::DEFAULT_MAX_BATCH })
    }

    /// Sets the most texts in one run, at least one.
    #[must_use]
    pub fn with_max_batch(mut self, max_batch: usize) -> Self {
        self.max_batch = max_batch.max(1);
        self
    }

    /// Names of the classes in the model's order.
    pub fn labels(&self) -> &[String] {
        &self.classes.labels
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        self.encoder.tokenizer()
    }

    /// Where the model runs, if in this process.
    pub fn placement(&self) -> Option<&Placement> {
        self.encoder.model().placement()
    }

    /// Classifies texts, one result for each, in order.
    ///
    /// Texts of similar length share a run, so that little is computed for nothing; the results do not depend on it
    /// beyond the last bits of the arithmetic.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], [`Error::Output`] for logits of another shape than `[texts, classes]`, and what the model
    /// reports.
    pub fn classify<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Classification>, Error> {
        self.classify_with(texts, &RunControl::default())
    }

    /// As [`classify`](Self::classify), with a way to stop.
    ///
    /// # Errors
    /// As [`classify`](Self::classify), and [`Error::Cancelled`].
    pub fn classify_with<S: AsRef<str>>(
        &self,
        texts: &[S],
        control: &RunControl,
    ) -> Result<Vec<Classification>, Error> {
        self.run_encoded(&self.encoder.tokenizer().encode(texts)?, control)
    }

    /// Classifies pairs of texts, as rerankers and entailment models take them.
    ///
    /// # Errors
    /// As [`classify`](Self::classify).
    pub fn classify_pairs<S: AsRef<str>>(
        &self,
        pairs: &[(S, S)],
        control: &RunControl,
    ) -> Result<Vec<Classification>, Error> {
        let encode = |(a, b): &(S, S)| self.encoder.tokenizer().encode_pair(a.as_ref(), b.as_ref());
        self.run_encoded(&pairs.iter().map(encode).collect::<Result<Vec<_>, _>>()?, control)
    }

    fn run_encoded(
        &self,
        encodings: &[Encoding],
        control: &RunControl,
    ) -> Result<Vec<Classification>, Error> {
        self.encoder.run_grouped(encodings, self.max_batch, control, |batch, outputs, count| {
            self.classes.read(outputs, batch.rows, count)
        })
    }
}

impl fmt::Debug for TextClassification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextClassification")
            .field("placement", &self.placement())
            .field("labels", &self.classes.labels)
            .field("is_multi_label", &self.classes.is_multi_label)
            .field("tokenizer", self.tokenizer())
            .finish_non_exhaustive()
    }
}

// Length in bytes: known before tokenizing, and close enough to proportional to it for grouping.
serve!(
    TextClassification.classify_with as
    TextClassifier.classify(String) -> Classification, cost: String::len
);
