//! Image classification: pictures in, classes out — any graph from `pixel_values` to `logits`.

mod picture;
mod resize;
mod transform;

use std::fmt;

use async_trait::async_trait;

pub use self::{picture::Picture, resize::Filter, transform::ImageTransform};
use crate::{
    batch::BatchWorker,
    classification::{Classes, Classification},
    control::RunControl,
    device::Placement,
    engine::Engine,
    error::Error,
    folder::{GraphChoice, ModelFolder},
    logits::expect_logits,
    model::Model,
    pipeline::{self, forward, serve, setters},
    session::SessionOptions,
    spec::TensorSpec,
    tensor::{Tensor, Tensors},
    worker::Worker,
};

const PIXELS: &str = "pixel_values";

/// Classifies pictures. The local pipeline implements it by way of [`Worker`] and [`BatchWorker`].
#[async_trait]
#[diagnostic::on_unimplemented(
    note = "spawn a `Worker` or `BatchWorker` with an `ImageClassification`"
)]
pub trait ImageClassifier: Send + Sync {
    /// One classification for each picture, in order.
    ///
    /// # Errors
    /// Whatever keeps the pictures from being classified; all of them or none.
    async fn classify(&self, pictures: Vec<Picture>) -> Result<Vec<Classification>, Error>;
}

forward!(ImageClassifier.classify(Vec<Picture>) -> Vec<Classification>);

/// How an [`ImageClassification`] is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImageOptions {
    /// Where and how the model runs.
    pub session: SessionOptions,
    /// Which graph of the folder.
    pub graph: GraphChoice,
    /// Most pictures in one run; 32 when not set.
    pub max_batch: Option<usize>,
}

setters!(ImageOptions: session, graph, max_batch);

/// The pipeline: preparation, model, labels. Synchronous; put it into a [`Worker`] to wait for it.
pub struct ImageClassification {
    model: Box<dyn Model>,
    input: TensorSpec,
    transform: ImageTransform,
    classes: Classes,
    max_batch: usize,
}

impl ImageClassification {
    /// Opens a model folder; pictures are prepared as its `preprocessor_config.json` states.
    ///
    /// # Errors
    /// Whatever is wrong with the folder, the graph or the device; [`Error::Input`] and [`Error::Output`] when the graph
    /// is not one from pictures to logits.
    pub fn open(
        folder: &ModelFolder,
        engine: &Engine,
        options: &ImageOptions,
    ) -> Result<Self, Error> {
        let transform = ImageTransform::open(folder)?;
        let model = engine.model(&folder.graph(&options.graph)?, &options.session)?;
        let config = folder.config();
        let mut pipeline = Self::new(model, transform, config.labels(), config.is_multi_label())?;
        pipeline.max_batch = pipeline::max_batch(options.max_batch);
        Ok(pipeline)
    }

    /// A pipeline of parts: any model, in this process or elsewhere.
    ///
    /// # Errors
    /// [`Error::Input`] and [`Error::Output`] when the model is not one from `pixel_values` to `logits`.
    pub fn new(
        model: impl Model + 'static,
        transform: ImageTransform,
        labels: Vec<String>,
        is_multi_label: bool,
    ) -> Result<Self, Error> {
        let refuse = |name: &str, got: String| Error::Input {
            name: name.into(),
            expected: format!("`{PIXELS}` of [pictures, colours, height, width] and nothing else"),
            got,
        };
        let input = match model.inputs() {
            [input] if input.name == PIXELS && matches!(input.rank(), None | Some(4)) => {
                input.clone()
            }
            others => {
                let other =
                    others.iter().find(|input| input.name != PIXELS).or_else(|| others.first());
                let name = other.map_or(PIXELS, |input| &input.name);
                return Err(refuse(
                    name,
                    other.map_or_else(|| "nothing".into(), ToString::to_string),
                ));
            }
        };
        let transform = match input.fixed(1) {
            None | Some(3) => transform,
            Some(1) => transform.with_channels(1),
            Some(_) => return Err(refuse(PIXELS, input.to_string())),
        };
        let classes = Classes { labels, is_multi_label, rows: "pictures" };
        expect_logits(model.outputs(), &classes.shape())?;
        let model = Box::new(model);
        Ok(Self { model, input, transform, classes, max_batch: pipeline::DEFAULT_MAX_BATCH })
    }

    /// Names of the classes in the model's order.
    pub fn labels(&self) -> &[String] {
        &self.classes.labels
    }

    /// How pictures are prepared.
    pub fn transform(&self) -> &ImageTransform {
        &self.transform
    }

    /// Where the model runs, if in this process.
    pub fn placement(&self) -> Option<&Placement> {
        self.model.placement()
    }

    /// Classifies pictures, one result for each, in order.
    ///
    /// # Errors
    /// [`Error::Argument`] for a picture that cannot be prepared, [`Error::Output`] for logits of another shape than
    /// `[pictures, classes]`, and what the model reports.
    pub fn classify(&self, pictures: &[Picture]) -> Result<Vec<Classification>, Error> {
        self.classify_with(pictures, &RunControl::default())
    }

    /// As [`classify`](Self::classify), with a way to stop.
    ///
    /// # Errors
    /// As [`classify`](Self::classify), and [`Error::Cancelled`].
    pub fn classify_with(
        &self,
        pictures: &[Picture],
        control: &RunControl,
    ) -> Result<Vec<Classification>, Error> {
        let rows = self.input.fixed(0).unwrap_or(self.max_batch).max(1);
        let mut results = Vec::with_capacity(pictures.len());
        for group in pictures.chunks(rows) {
            let mut batch: Vec<f32> = Vec::new();
            let mut size: Option<(usize, usize)> = None;
            let mut count = 0;
            for picture in group {
                control.check()?;
                let (planes, height, width) = self.transform.apply(picture)?;
                // Pictures that are not brought to one size cannot share a run.
                if size.is_some_and(|size| size != (height, width)) {
                    results.extend(self.run(std::mem::take(&mut batch), count, size, control)?);
                    count = 0;
                }
                size = Some((height, width));
                batch.extend(planes);
                count += 1;
            }
            results.extend(self.run(batch, count, size, control)?);
        }
        Ok(results)
    }

    fn run(
        &self,
        mut batch: Vec<f32>,
        count: usize,
        size: Option<(usize, usize)>,
        control: &RunControl,
    ) -> Result<Vec<Classification>, Error> {
        let Some((height, width)) = size else { return Ok(Vec::new()) };
        let channels = self.input.fixed(1).unwrap_or(3);
        // A graph of fixed batch size gets black pictures after the real ones.
        let rows = self.input.fixed(0).unwrap_or(count);
        let each = channels.saturating_mul(height.saturating_mul(width));
        batch.resize(rows.saturating_mul(each), 0.0);
        let pixels = Tensor::new([rows, channels, height, width], batch)?.cast(self.input.dtype)?;
        let mut outputs = self.model.infer_with(Tensors::new().with(PIXELS, pixels), control)?;
        self.classes.read(&mut outputs, rows, count)
    }
}

impl fmt::Debug for ImageClassification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageClassification")
            .field("placement", &self.placement())
            .field("labels", &self.classes.labels)
            .field("transform", &self.transform)
            .finish_non_exhaustive()
    }
}

serve!(
    ImageClassification.classify_with as
    ImageClassifier.classify(Picture) -> Classification, cost: one
);

/// Pictures count alike: nearly all models have them prepared to one size.
fn one(_: &Picture) -> usize {
    1
}
