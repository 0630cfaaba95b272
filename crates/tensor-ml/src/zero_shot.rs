//! Zero-shot classification by embedding: classes that are only words, by how near their vectors are to a text's.

use std::fmt;

use async_trait::async_trait;

use crate::{
    batch::BatchWorker,
    classification::Classification,
    classify::TextClassifier,
    control::RunControl,
    device::Placement,
    embed::{TextEmbedding, cosine},
    error::Error,
    pipeline::serve,
    worker::Worker,
};

/// Most classes.
const MAX_LABELS: usize = 4_096;
/// Where a label goes in a template.
const SLOT: &str = "{}";

/// How a [`ZeroShot`] turns labels into texts, and nearness into probability.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ZeroShotOptions {
    /// The text of a label, with `{}` where the label goes.
    pub template: String,
    /// What a cosine is multiplied by to be a logit: the larger, the surer. 20, that with which sentence embeddings are
    /// usually trained.
    pub scale: f32,
    /// Whether several classes may apply at once; their probabilities then do not add up to 1.
    pub is_multi_label: bool,
}

impl Default for ZeroShotOptions {
    fn default() -> Self {
        Self { template: SLOT.into(), scale: 20.0, is_multi_label: false }
    }
}

impl ZeroShotOptions {
    /// Sets the text of a label, with `{}` where the label goes.
    #[must_use]
    pub fn with_template(mut self, template: impl Into<String>) -> Self {
        self.template = template.into();
        self
    }

    /// Sets what a cosine is multiplied by.
    #[must_use]
    pub fn with_scale(mut self, scale: f32) -> Self {
        self.scale = scale;
        self
    }

    /// Sets whether several classes may apply at once.
    #[must_use]
    pub fn with_multi_label(mut self, is_multi_label: bool) -> Self {
        self.is_multi_label = is_multi_label;
        self
    }
}

/// The pipeline: an embedding model and the vectors of the labels. Synchronous; put it into a [`Worker`] to wait for it.
pub struct ZeroShot {
    embedding: TextEmbedding,
    labels: Vec<String>,
    vectors: Vec<Vec<f32>>,
    options: ZeroShotOptions,
}

impl ZeroShot {
    /// Classes of these labels, whose vectors are computed once, here.
    ///
    /// # Errors
    /// [`Error::Argument`] for fewer than one or more than 4,096 labels, one that is empty or there twice, or a template
    /// without `{}`; what the model reports.
    pub fn new<S: AsRef<str>>(
        embedding: TextEmbedding,
        labels: &[S],
        options: ZeroShotOptions,
    ) -> Result<Self, Error> {
        let refuse = |what, reason: String| Err(Error::Argument { what, reason });
        let labels: Vec<String> =
            labels.iter().map(|label| label.as_ref().trim().to_owned()).collect();
        if !(1..=MAX_LABELS).contains(&labels.len()) {
            let count = labels.len();
            return refuse("labels", format!("{count}, where 1 to {MAX_LABELS} are possible"));
        }
        let mut sorted: Vec<&str> = labels.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        if sorted.first() == Some(&"") {
            return refuse("labels", "one is empty".into());
        }
        if let Some([twice, _]) = sorted.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
            return refuse("labels", format!("`{twice}` is there twice"));
        }
        if !options.template.contains(SLOT) {
            return refuse(
                "template",
                format!("`{}` has no {SLOT} for the label", options.template),
            );
        }
        if !options.scale.is_finite() || options.scale <= 0.0 {
            return refuse("scale", format!("{} is not above 0", options.scale));
        }
        let texts: Vec<String> =
            labels.iter().map(|label| options.template.replace(SLOT, label)).collect();
        let vectors = embedding.embed(&texts)?;
        Ok(Self { embedding, labels, vectors, options })
    }

    /// Names of the classes in the order given.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Where the model runs, if in this process.
    pub fn placement(&self) -> Option<&Placement> {
        self.embedding.placement()
    }

    /// Classifies texts, one result for each, in order.
    ///
    /// # Errors
    /// As [`TextEmbedding::embed`].
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
        let found = self.embedding.embed_with(texts, control)?.into_iter().map(|vector| {
            let logits: Vec<f32> = self
                .vectors
                .iter()
                .map(|label| self.options.scale * cosine(&vector, label))
                .collect();
            Classification::from_logits(&logits, &self.labels, self.options.is_multi_label)
        });
        Ok(found.collect())
    }
}

impl fmt::Debug for ZeroShot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZeroShot")
            .field("labels", &self.labels)
            .field("options", &self.options)
            .field("embedding", &self.embedding)
            .finish_non_exhaustive()
    }
}

serve!(
    ZeroShot.classify_with as
    TextClassifier.classify(String) -> Classification, cost: String::len
);
