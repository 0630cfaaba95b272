//! Embeddings: texts to vectors, with the pooling that the folder states.

use std::fmt;

use async_trait::async_trait;

use crate::{
    batch::BatchWorker,
    control::RunControl,
    device::Placement,
    encoder::TextEncoder,
    engine::Engine,
    error::Error,
    folder::{GraphChoice, ModelFolder},
    model::Model,
    pipeline::{self, forward, serve, setters},
    session::SessionOptions,
    spec,
    tensor::Tensor,
    tokenizer::{PaddedBatch, Tokenizer},
    worker::Worker,
};

/// Outputs that hold a vector for each token, first choice first.
const TOKEN_OUTPUTS: [&str; 2] = ["last_hidden_state", "token_embeddings"];
/// The output that holds a vector for each text, where an export has it.
const TEXT_OUTPUT: &str = "sentence_embedding";

/// Turns texts into vectors. The local pipeline implements it by way of [`Worker`] and [`BatchWorker`]; remote engines
/// implement it as well.
#[async_trait]
#[diagnostic::on_unimplemented(note = "spawn a `Worker` or `BatchWorker` with a `TextEmbedding`")]
pub trait Embedder: Send + Sync {
    /// One vector for each text, in order, all of one length.
    ///
    /// # Errors
    /// Whatever keeps the texts from being embedded; all of them or none.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error>;
}

forward!(Embedder.embed(Vec<String>) -> Vec<Vec<f32>>);

/// How the vectors of a text's tokens become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pooling {
    /// The mean over the tokens, special ones included, filling not.
    #[default]
    Mean,
    /// The first token's.
    Cls,
    /// The last token's.
    Last,
    /// The largest of each component.
    Max,
}

/// How a [`TextEmbedding`] is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EmbedOptions {
    /// Where and how the model runs.
    pub session: SessionOptions,
    /// Which graph of the folder.
    pub graph: GraphChoice,
    /// Most tokens of a text; the folder's limit when not set. Longer texts are cut.
    pub max_tokens: Option<usize>,
    /// Most texts in one run; 32 when not set.
    pub max_batch: Option<usize>,
    /// How token vectors become one; what the folder states when not set, and the mean where it states nothing.
    pub pooling: Option<Pooling>,
    /// Whether vectors are scaled to length 1; what the folder states when not set, and yes where it states nothing.
    pub is_normalized: Option<bool>,
}

setters!(EmbedOptions: session, graph, max_tokens, max_batch);

impl EmbedOptions {
    /// Sets how token vectors become one.
    #[must_use]
    pub fn with_pooling(mut self, pooling: Pooling) -> Self {
        self.pooling = Some(pooling);
        self
    }

    /// Sets whether vectors are scaled to length 1.
    #[must_use]
    pub fn with_normalized(mut self, is_normalized: bool) -> Self {
        self.is_normalized = Some(is_normalized);
        self
    }
}

/// The pipeline: tokenizer, model, pooling. Synchronous; put it into a [`Worker`] to wait for it.
pub struct TextEmbedding {
    encoder: TextEncoder,
    output: &'static str,
    pooling: Pooling,
    is_normalized: bool,
    max_batch: usize,
}

impl TextEmbedding {
    /// Opens a model folder. Pooling and scaling are those of `1_Pooling/config.json` and `modules.json`.
    ///
    /// # Errors
    /// Whatever is wrong with the folder, the graph or the device; [`Error::Input`] and [`Error::Output`] when the graph
    /// does not turn texts into vectors; [`Error::Config`] for a pooling that is not among [`Pooling`].
    pub fn open(
        folder: &ModelFolder,
        engine: &Engine,
        options: &EmbedOptions,
    ) -> Result<Self, Error> {
        let model = engine.model(&folder.graph(&options.graph)?, &options.session)?;
        let tokenizer = Tokenizer::open_within(folder, options.max_tokens)?;
        let pooling = match options.pooling {
            Some(pooling) => pooling,
            None => stated_pooling(folder)?,
        };
        let is_normalized = match options.is_normalized {
            Some(is_normalized) => is_normalized,
            None => is_stated_normalized(folder)?,
        };
        let mut pipeline = Self::new(model, tokenizer, pooling, is_normalized)?;
        pipeline.max_batch = pipeline::max_batch(options.max_batch);
        Ok(pipeline)
    }

    /// A pipeline of parts: any model, in this process or elsewhere.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Output`] when the model does not turn texts into vectors.
    pub fn new(
        model: impl Model + 'static,
        tokenizer: Tokenizer,
        pooling: Pooling,
        is_normalized: bool,
    ) -> Result<Self, Error> {
        let candidates = [TEXT_OUTPUT].into_iter().chain(TOKEN_OUTPUTS);
        let output = candidates
            .into_iter()
            .find(|name| spec::find(model.outputs(), name).is_some())
            .ok_or_else(|| Error::Output {
                name: TOKEN_OUTPUTS[0].into(),
                expected: format!("{TEXT_OUTPUT}, {} or {}", TOKEN_OUTPUTS[0], TOKEN_OUTPUTS[1]),
                got: "a model without them".into(),
            })?;
        let encoder = TextEncoder::new(Box::new(model), tokenizer)?;
        Ok(Self { encoder, output, pooling, is_normalized, max_batch: pipeline::DEFAULT_MAX_BATCH })
    }

    /// How token vectors become one.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// Whether vectors are scaled to length 1.
    pub fn is_normalized(&self) -> bool {
        self.is_normalized
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        self.encoder.tokenizer()
    }

    /// Where the model runs, if in this process.
    pub fn placement(&self) -> Option<&Placement> {
        self.encoder.model().placement()
    }

    /// One vector for each text, in order.
    ///
    /// # Errors
    /// [`Error::Tokenizer`], [`Error::Output`] for an output of another shape than expected, and what the model reports.
    pub fn embed<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Vec<f32>>, Error> {
        self.embed_with(texts, &RunControl::default())
    }

    /// As [`embed`](Self::embed), with a way to stop.
    ///
    /// # Errors
    /// As [`embed`](Self::embed), and [`Error::Cancelled`].
    pub fn embed_with<S: AsRef<str>>(
        &self,
        texts: &[S],
        control: &RunControl,
    ) -> Result<Vec<Vec<f32>>, Error> {
        let encodings = self.encoder.tokenizer().encode(texts)?;
        self.encoder.run_grouped(&encodings, self.max_batch, control, |batch, outputs, texts| {
            let values = outputs.take(self.output)?;
            let mut vectors = self.pool(&values, batch)?;
            vectors.truncate(texts);
            if self.is_normalized {
                vectors.iter_mut().for_each(|vector| normalize(vector));
            }
            Ok(vectors)
        })
    }

    fn pool(&self, values: &Tensor, batch: &PaddedBatch) -> Result<Vec<Vec<f32>>, Error> {
        let wrong = || Error::Output {
            name: self.output.into(),
            expected: format!("{} rows (of {} tokens)", batch.rows, batch.columns),
            got: format!("{:?}", values.shape()),
        };
        let data = values.to_f32s()?;
        match *values.shape() {
            [rows, width] if self.output == TEXT_OUTPUT && rows == batch.rows && width > 0 => {
                Ok(data.chunks(width).map(<[f32]>::to_vec).collect())
            }
            [rows, columns, width]
                if self.output != TEXT_OUTPUT
                    && (rows, columns) == (batch.rows, batch.columns)
                    && width > 0 =>
            {
                let masks = batch.mask.chunks(columns);
                let texts = data.chunks(columns.saturating_mul(width));
                Ok(texts
                    .zip(masks)
                    .map(|(text, mask)| pool_one(self.pooling, text, mask, width))
                    .collect())
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Debug for TextEmbedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextEmbedding")
            .field("placement", &self.placement())
            .field("output", &self.output)
            .field("pooling", &self.pooling)
            .field("is_normalized", &self.is_normalized)
            .field("tokenizer", self.tokenizer())
            .finish_non_exhaustive()
    }
}

// Length in bytes: known before tokenizing, and close enough to proportional to it for grouping.
serve!(TextEmbedding.embed_with as Embedder.embed(String) -> Vec<f32>, cost: String::len);

/// Cosine of the angle between two vectors, a·b / (|a| |b|), from −1 to 1, summed in `f64`. Zero where a vector has no
/// direction; components beyond the shorter one's are not counted.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
    };
    let norm = (dot(a, a) * dot(b, b)).sqrt();
    if norm > 0.0 { (dot(a, b) / norm) as f32 } else { 0.0 }
}

fn pool_one(pooling: Pooling, tokens: &[f32], mask: &[i64], width: usize) -> Vec<f32> {
    let rows =
        || tokens.chunks(width).zip(mask).filter(|(_, mask)| **mask != 0).map(|(row, _)| row);
    // No token at all: the vector without a direction.
    let zero = || vec![0.0; width];
    match pooling {
        Pooling::Cls => rows().next().map_or_else(zero, <[f32]>::to_vec),
        Pooling::Last => rows().next_back().map_or_else(zero, <[f32]>::to_vec),
        Pooling::Max => rows()
            .map(<[f32]>::to_vec)
            .reduce(|most, row| most.iter().zip(row).map(|(most, x)| most.max(x)).collect())
            .unwrap_or_else(zero),
        Pooling::Mean => {
            let mut sum = vec![0.0_f64; width];
            let mut count = 0_u32;
            for row in rows() {
                count = count.saturating_add(1);
                for (sum, x) in sum.iter_mut().zip(row) {
                    *sum += f64::from(*x);
                }
            }
            sum.into_iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect()
        }
    }
}

fn normalize(vector: &mut [f32]) {
    let norm = vector.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
    }
}

/// The pooling that sentence-transformers wrote into the folder.
fn stated_pooling(folder: &ModelFolder) -> Result<Pooling, Error> {
    let name = "1_Pooling/config.json";
    let config = folder.json(name)?;
    let is_on: Vec<&str> = config
        .iter()
        .filter(|(key, value)| key.starts_with("pooling_mode_") && value.as_bool() == Some(true))
        .map(|(key, _)| key.as_str())
        .collect();
    match is_on.as_slice() {
        [] | ["pooling_mode_mean_tokens"] => Ok(Pooling::Mean),
        ["pooling_mode_cls_token"] => Ok(Pooling::Cls),
        ["pooling_mode_lasttoken"] => Ok(Pooling::Last),
        ["pooling_mode_max_tokens"] => Ok(Pooling::Max),
        other => {
            let reason = format!("{} is not supported", other.join(" with "));
            Err(Error::config(folder.root().join(name), reason))
        }
    }
}

/// Whether the folder's modules end in scaling; yes where it has no list of modules.
fn is_stated_normalized(folder: &ModelFolder) -> Result<bool, Error> {
    let name = "modules.json";
    let Some(bytes) = folder.bytes(name)? else { return Ok(true) };
    let modules: Vec<serde_json::Value> = serde_json::from_slice(&bytes)
        .map_err(|error| Error::config(folder.root().join(name), error.to_string()))?;
    Ok(modules.iter().any(|module| {
        module
            .get("type")
            .and_then(|kind| kind.as_str())
            .is_some_and(|kind| kind.ends_with("Normalize"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_never_counts() {
        let tokens = [9.0, 9.0, 1.0, -2.0, 3.0, -4.0, 9.0, 9.0];
        let mask = [0, 1, 1, 0];
        let pool = |pooling| pool_one(pooling, &tokens, &mask, 2);
        assert_eq!(pool(Pooling::Mean), [2.0, -3.0]);
        assert_eq!(pool(Pooling::Cls), [1.0, -2.0]);
        assert_eq!(pool(Pooling::Last), [3.0, -4.0]);
        assert_eq!(pool(Pooling::Max), [3.0, -2.0]);
        for pooling in [Pooling::Mean, Pooling::Cls, Pooling::Last, Pooling::Max] {
            assert_eq!(pool_one(pooling, &tokens, &[0; 4], 2), [0.0, 0.0]);
        }
    }

    #[test]
    fn cosines() {
        assert_eq!(cosine(&[2.0, 0.0], &[5.0, 0.0]), 1.0);
        assert_eq!(cosine(&[1.0, 0.0], &[0.0, 3.0]), 0.0);
        assert_eq!(cosine(&[0.0, 0.0], &[0.0, 3.0]), 0.0);
        let mut zero = vec![0.0, 0.0];
        normalize(&mut zero);
        assert_eq!(zero, [0.0, 0.0]);
    }
}
