//! The pipeline: prompt to meaning, noise to latents, latents to picture.

use std::fmt;

use async_trait::async_trait;

use super::{
    guide::Guide,
    network::expect_inputs,
    noise::normal,
    plan::Plan,
    request::{DiffusionOptions, ImageRequest, Painted},
    schedule::NoiseSchedule,
    solver::Denoising,
};
use crate::{
    batch::BatchWorker,
    control::RunControl,
    device::Placement,
    engine::Engine,
    error::Error,
    folder::{GraphChoice, ModelFolder},
    image::Picture,
    model::Model,
    pipeline::{forward, serve},
    spec::TensorSpec,
    tensor::{Tensor, Tensors},
    worker::Worker,
};

/// What latents are divided by where the folder does not say: that of the first Stable Diffusion.
const DEFAULT_SCALING: f64 = 0.18215;
/// Most channels of latents; those in use have 4 or 16.
const MAX_CHANNELS: usize = 64;

/// Paints pictures. The local pipeline implements it by way of [`Worker`] and [`BatchWorker`].
#[async_trait]
#[diagnostic::on_unimplemented(note = "spawn a `Worker` or `BatchWorker` with a `TextToImage`")]
pub trait ImageGenerator: Send + Sync {
    /// The pictures of each request, in order.
    ///
    /// # Errors
    /// Whatever keeps a request from being answered; all of them or none.
    async fn paint(&self, requests: Vec<ImageRequest>) -> Result<Vec<Vec<Painted>>, Error>;
}

forward!(ImageGenerator.paint(Vec<ImageRequest>) -> Vec<Vec<Painted>>);

/// The pipeline. Synchronous; put it into a [`Worker`] to wait for it.
///
/// A safety checker that the folder may have is not run, and pictures are not marked.
pub struct TextToImage {
    guide: Guide,
    pub(super) network: Box<dyn Model>,
    pub(super) inputs: Vec<TensorSpec>,
    decoder: Box<dyn Model>,
    schedule: NoiseSchedule,
    pub(super) options: DiffusionOptions,
    pub(super) channels: usize,
    /// Pixels for each latent, along a side.
    pub(super) scale: usize,
    scaling: f64,
    shift: f64,
    /// Width and height in pixels where a request does not say.
    pub(super) size: (usize, usize),
}

impl TextToImage {
    /// Opens a folder with a `model_index.json`.
    ///
    /// # Errors
    /// Whatever is wrong with the folder, a graph or the device; [`Error::Config`] for a folder of another kind, and
    /// [`Error::Input`] for a network that takes what this pipeline has not.
    pub fn open(
        folder: &ModelFolder,
        engine: &Engine,
        options: &DiffusionOptions,
    ) -> Result<Self, Error> {
        let index = folder.json("model_index.json")?;
        let refuse = |reason: &str| Error::config(folder.root().join("model_index.json"), reason);
        if index.is_empty() {
            return Err(refuse("not found; a text-to-image folder has one"));
        }
        if !folder.has_part("unet") {
            return Err(refuse(
                "a folder without `unet`: only networks of that kind are supported",
            ));
        }
        if matches!(options.graph, GraphChoice::File(_)) {
            let reason = "the folder has several graphs: name a variant, not a file".into();
            return Err(Error::Argument { what: "graph", reason });
        }
        let schedule = NoiseSchedule::open(&folder.part("scheduler")?)?;
        let zeros = index.get("force_zeros_for_empty_prompt").and_then(serde_json::Value::as_bool);
        let guide = Guide::open(folder, engine, options, zeros == Some(true))?;
        let part = folder.part("unet")?;
        let network = engine.model(&part.graph(&options.graph)?, &options.session)?;
        let inputs = network.inputs().to_vec();
        let sample = expect_inputs(&inputs)?;
        let vae = folder.part("vae_decoder")?;
        let decoder = engine.model(&vae.graph(&options.graph)?, &options.session)?;
        if decoder.inputs().len() != 1 {
            let first = decoder.inputs().first().map(|input| input.name.clone());
            return Err(Error::Input {
                name: first.unwrap_or_else(|| "latent_sample".into()),
                expected: "a decoder of one input".into(),
                got: format!("{} inputs", decoder.inputs().len()),
            });
        }
        let blocks = vae.config().value("block_out_channels").and_then(|list| list.as_array());
        let scale = blocks.map_or(8, |blocks| 1 << blocks.len().clamp(1, 8).saturating_sub(1));
        let latent = part.config().value("sample_size").and_then(|size| match size {
            serde_json::Value::Array(sides) => {
                let side = |place: usize| sides.get(place)?.as_u64();
                Some((side(1)?, side(0)?))
            }
            one => Some((one.as_u64()?, one.as_u64()?)),
        });
        let latent = latent.map_or((64, 64), |(width, height)| (width as usize, height as usize));
        let pixels = |fixed: Option<usize>, stated: usize| {
            fixed.unwrap_or(stated).clamp(1, 4_096).saturating_mul(scale)
        };
        let stated = |name: &str| vae.config().value(name).and_then(serde_json::Value::as_f64);
        let channels = sample.fixed(1).or_else(|| part.config().number(&["in_channels"]));
        let channels = channels.unwrap_or(4);
        if !(1..=MAX_CHANNELS).contains(&channels) {
            let reason = format!("{channels} channels, where 1 to {MAX_CHANNELS} are possible");
            return Err(Error::config(part.root(), reason));
        }
        let mut options = options.clone();
        let size = (pixels(sample.fixed(3), latent.0), pixels(sample.fixed(2), latent.1));
        options.max_pixels = options.max_pixels.max(size.0.saturating_mul(size.1));
        Ok(Self {
            channels,
            scaling: stated("scaling_factor").filter(|s| *s > 0.0).unwrap_or(DEFAULT_SCALING),
            shift: stated("shift_factor").unwrap_or(0.0),
            network: Box::new(network),
            decoder: Box::new(decoder),
            guide,
            inputs,
            schedule,
            options,
            scale,
            size,
        })
    }

    /// Where the text encoder, the network and the decoder run.
    pub fn placements(&self) -> impl Iterator<Item = &Placement> {
        let parts = [self.guide.placement(), self.network.placement(), self.decoder.placement()];
        parts.into_iter().flatten()
    }

    /// Where the network runs.
    pub fn placement(&self) -> Option<&Placement> {
        self.network.placement()
    }

    /// The schedule that the folder states.
    pub fn schedule(&self) -> &NoiseSchedule {
        &self.schedule
    }

    /// Width and height in pixels where a request does not say.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    /// The shape of the noise that a request starts from.
    ///
    /// # Errors
    /// [`Error::Argument`] for a request beyond the limits.
    pub fn latent_shape(&self, request: &ImageRequest) -> Result<[usize; 4], Error> {
        let plan = self.plan(request)?;
        Ok([plan.pictures, self.channels, plan.height / self.scale, plan.width / self.scale])
    }

    /// Paints the pictures of a request.
    ///
    /// # Errors
    /// [`Error::Argument`] for a request beyond the limits, [`Error::Config`] for a solver that is not here, and what the
    /// models report.
    pub fn paint(&self, request: &ImageRequest) -> Result<Vec<Painted>, Error> {
        self.paint_with(request, &RunControl::default(), &mut |_, _| {})
    }

    /// As [`paint`](Self::paint), with a way to stop, telling after each step how many of all are done.
    ///
    /// # Errors
    /// As [`paint`](Self::paint), and [`Error::Cancelled`].
    pub fn paint_with(
        &self,
        request: &ImageRequest,
        control: &RunControl,
        on_step: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<Painted>, Error> {
        let plan = self.plan(request)?;
        let solver = self.schedule.solver_or(request.solver)?;
        let start = Denoising::new(&self.schedule, solver, plan.steps)?;
        let prompt = self.guide.read(&request.prompt, control)?;
        let negative = match plan.guidance > 1.0 {
            true => Some(self.guide.read_negative(&request.negative, &prompt, control)?),
            false => None,
        };
        let each = self.channels * (plan.height / self.scale) * (plan.width / self.scale);
        let given = request.latents.as_ref().map(Tensor::to_f32s).transpose()?;
        let total = start.times().len().saturating_mul(plan.pictures);
        let mut done = 0;
        let mut painted = Vec::with_capacity(plan.pictures);
        // One at a time, so that the memory of a request does not grow with its pictures.
        for place in 0..plan.pictures {
            let seed = request.seed.wrapping_add(place as u64);
            let mut sample = match &given {
                Some(given) => given.chunks(each).nth(place).unwrap_or_default().to_vec(),
                None => normal(seed, 0, each),
            };
            let mut way = start.clone();
            let scale = way.initial_scale();
            sample.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
            let mut step = 0;
            while let Some(time) = way.time() {
                control.check()?;
                let rows = (negative.as_ref(), &prompt);
                let estimate = self.estimate(&sample, way.scale(), time, rows, &plan, control)?;
                step += 1;
                let noise = if way.wants_noise() { normal(seed, step, each) } else { Vec::new() };
                way.step(&estimate, &mut sample, &noise);
                done += 1;
                on_step(done, total);
            }
            painted.push(self.develop(sample, seed, &plan, control)?);
        }
        Ok(painted)
    }

    fn paint_all(
        &self,
        requests: &[ImageRequest],
        control: &RunControl,
    ) -> Result<Vec<Vec<Painted>>, Error> {
        requests.iter().map(|request| self.paint_with(request, control, &mut |_, _| {})).collect()
    }

    /// The picture that latents are decoded to.
    fn develop(
        &self,
        sample: Vec<f32>,
        seed: u64,
        plan: &Plan,
        control: &RunControl,
    ) -> Result<Painted, Error> {
        let shape = [self.channels, plan.height / self.scale, plan.width / self.scale];
        let raw = sample.iter().map(|x| (f64::from(*x) / self.scaling + self.shift) as f32);
        let latents = Tensor::new([&[1][..], &shape[..]].concat(), raw.collect())?;
        let mut inputs = Tensors::new();
        if let Some(input) = self.decoder.inputs().first() {
            inputs.set(&input.name, latents.cast(input.dtype)?);
        }
        let outputs = self.decoder.infer_with(inputs, control)?;
        let name = output_name(&*self.decoder, "sample");
        let output = outputs.get(name).ok_or(Error::Stopped)?;
        if output.shape() != [1, 3, plan.height, plan.width] {
            return Err(Error::Output {
                name: name.into(),
                expected: format!("[1, 3, {}, {}]", plan.height, plan.width),
                got: format!("{:?}", output.shape()),
            });
        }
        // NaN, which a network of half precision may give, is black.
        let unit = |x: &f32| if x.is_nan() { 0.0 } else { (x / 2.0 + 0.5).clamp(0.0, 1.0) };
        let pixels: Vec<f32> = output.to_f32s()?.iter().map(unit).collect();
        let area = plan.width.saturating_mul(plan.height);
        let rgb = (0..area.saturating_mul(3))
            .map(|place| pixels.get(place % 3 * area + place / 3).copied().unwrap_or(0.0))
            .map(|x| (x * 255.0).round_ties_even() as u8)
            .collect();
        Ok(Painted {
            picture: Picture::new(plan.width, plan.height, rgb)?,
            pixels: Tensor::new([3, plan.height, plan.width], pixels)?,
            latents: Tensor::new(shape, sample)?,
            seed,
        })
    }
}

impl fmt::Debug for TextToImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextToImage")
            .field("placement", &self.placement())
            .field("size", &self.size)
            .field("solver", &self.schedule.solver)
            .finish_non_exhaustive()
    }
}

serve!(
    TextToImage.paint_all as
    ImageGenerator.paint(ImageRequest) -> Vec<Painted>, cost: pictures
);

fn pictures(request: &ImageRequest) -> usize {
    request.pictures.unwrap_or(1)
}

/// The output of this name, or the first.
pub(super) fn output_name<'a>(model: &'a dyn Model, name: &'a str) -> &'a str {
    let outputs = model.outputs();
    let named = outputs.iter().find(|output| output.name == name);
    named.or_else(|| outputs.first()).map_or(name, |output| &output.name)
}
