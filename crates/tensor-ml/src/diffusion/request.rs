//! What is asked of a painter, within which limits, and what comes back.

use super::solver::Solver;
use crate::{
    folder::GraphChoice, image::Picture, pipeline::setters, session::SessionOptions, tensor::Tensor,
};

/// How a [`TextToImage`](super::TextToImage) is opened, and the limits of its requests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DiffusionOptions {
    /// Where and how the models run.
    pub session: SessionOptions,
    /// Which graph of each part: preferred or of a variant.
    pub graph: GraphChoice,
    /// Most pixels of a side.
    pub max_side: usize,
    /// Most pixels of a picture.
    pub max_pixels: usize,
    /// Most steps.
    pub max_steps: usize,
    /// Most pictures of a request.
    pub max_pictures: usize,
}

impl Default for DiffusionOptions {
    /// 2,048 pixels a side, 1,024 × 1,024 in all or as many as the folder's own size has, 250 steps, 8 pictures.
    fn default() -> Self {
        Self {
            session: SessionOptions::default(),
            graph: GraphChoice::default(),
            max_side: 2_048,
            max_pixels: 1 << 20,
            max_steps: 250,
            max_pictures: 8,
        }
    }
}

setters!(DiffusionOptions: session, graph);

/// A request for pictures.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImageRequest {
    /// What is to be seen.
    pub prompt: String,
    /// What is not to be seen; nothing in particular when empty. Without effect where there is no guidance.
    pub negative: String,
    /// Pixels in a row, a multiple of the folder's scale (8 as a rule); the folder's own size when not given.
    pub width: Option<usize>,
    /// Rows of pixels; as `width`.
    pub height: Option<usize>,
    /// Steps; 30 when not given.
    pub steps: Option<usize>,
    /// How much more the prompt counts than its absence; 7.5 when not given, at most 1 for no guidance, which halves the
    /// work.
    pub guidance: Option<f64>,
    /// Chooses the noise. The second picture of a request has the seed that follows, and so on.
    pub seed: u64,
    /// Pictures; one when not given.
    pub pictures: Option<usize>,
    /// How steps are taken; as the folder states when not given.
    pub solver: Option<Solver>,
    /// What to start from instead of the seed's noise, `[pictures, channels, height / scale, width / scale]` of variance 1.
    pub latents: Option<Tensor>,
}

impl ImageRequest {
    /// A request for one picture of a prompt.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), ..Self::default() }
    }

    /// Sets what is not to be seen.
    #[must_use]
    pub fn with_negative(mut self, negative: impl Into<String>) -> Self {
        self.negative = negative.into();
        self
    }

    /// Sets the size in pixels.
    #[must_use]
    pub fn with_size(mut self, width: usize, height: usize) -> Self {
        (self.width, self.height) = (Some(width), Some(height));
        self
    }

    /// Sets the number of steps.
    #[must_use]
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.steps = Some(steps);
        self
    }

    /// Sets how much more the prompt counts than its absence.
    #[must_use]
    pub fn with_guidance(mut self, guidance: f64) -> Self {
        self.guidance = Some(guidance);
        self
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of pictures.
    #[must_use]
    pub fn with_pictures(mut self, pictures: usize) -> Self {
        self.pictures = Some(pictures);
        self
    }

    /// Sets how steps are taken.
    #[must_use]
    pub fn with_solver(mut self, solver: Solver) -> Self {
        self.solver = Some(solver);
        self
    }

    /// Sets what to start from.
    #[must_use]
    pub fn with_latents(mut self, latents: Tensor) -> Self {
        self.latents = Some(latents);
        self
    }
}

/// A picture that was painted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Painted {
    /// The picture.
    pub picture: Picture,
    /// The same before it was rounded to bytes: `[3, height, width]` from 0 to 1.
    pub pixels: Tensor,
    /// What it was decoded from: `[channels, height / scale, width / scale]`.
    pub latents: Tensor,
    /// The seed of its noise.
    pub seed: u64,
}
