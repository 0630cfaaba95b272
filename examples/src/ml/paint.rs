//! `ml image --prompt`: pictures from words.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tensor_ml::{
    GraphChoice, Intake, ModelFolder, RunControl, Tensor,
    diffusion::{DiffusionOptions, ImageRequest, Painted, TextToImage},
};

use super::{
    Failure, Report,
    args::{Image, Paint},
    source::{self, Ran},
};
use crate::atomic;

#[derive(Debug, Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    ran: Ran,
    task: &'static str,
    prompt: &'a str,
    negative: &'a str,
    solver: String,
    steps: usize,
    guidance: f64,
    results: Vec<Picture>,
}

/// One picture: where it is, and what it is like.
#[derive(Debug, Serialize)]
struct Picture {
    file: PathBuf,
    seed: u64,
    width: usize,
    height: usize,
    /// SHA-256 of the bytes of its pixels, row by row, three each.
    rgb_sha256: String,
    /// Mean and standard deviation of red, green and blue from 0 to 1, before they were rounded to bytes.
    mean: [f64; 3],
    deviation: [f64; 3],
    /// Of what it was decoded from.
    latent_mean: f64,
    latent_deviation: f64,
}

pub(super) fn paint(
    args: &Image,
    prompt: &str,
    folder: &ModelFolder,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let place = &args.place;
    if place.graph.is_some() {
        return Err(Failure::Usage(
            "a folder that paints has several graphs: use --variant".into(),
        ));
    }
    let choice = place.variant.clone().map_or(GraphChoice::Preferred, GraphChoice::Variant);
    if place.guard {
        let parts = ["text_encoder", "text_encoder_2", "unet", "vae_decoder"];
        for part in parts.into_iter().filter(|part| folder.has_part(part)) {
            Intake::default().admit(&folder.part(part)?.graph(&choice)?)?;
        }
    }
    let options =
        DiffusionOptions::default().with_session(place.session()).with_graph(choice.clone());
    let pipeline = TextToImage::open(folder, &place.engine()?, &options)?;
    let request = request(&args.paint, prompt, &pipeline, report)?;
    let solver = pipeline.schedule().solver_or(request.solver)?;
    let painted = pipeline.paint_with(&request, &RunControl::default(), &mut |_, _| {})?;
    let many = painted.len() > 1;
    let results = painted
        .into_iter()
        .enumerate()
        .map(|(number, painted)| {
            let file =
                if many { numbered(&args.paint.output, number) } else { args.paint.output.clone() };
            keep(file, &painted)
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let ran = place.ran(&folder.part("unet")?, &choice, pipeline.placement());
    report.note(&ran)?;
    if report.json {
        return report.json(&Output {
            ran,
            task: "paint",
            prompt,
            negative: &args.paint.negative,
            solver: solver.to_string(),
            steps: args.paint.steps,
            guidance: args.paint.guidance,
            results,
        });
    }
    results.iter().try_for_each(|picture| {
        let Picture { seed, width, height, .. } = picture;
        report.line(&format!("{}\t{width} × {height}, seed {seed}", picture.file.display()))
    })
}

fn request(
    args: &Paint,
    prompt: &str,
    pipeline: &TextToImage,
    report: &mut Report<'_>,
) -> Result<ImageRequest, Failure> {
    let mut request = ImageRequest::new(prompt)
        .with_negative(&args.negative)
        .with_steps(args.steps)
        .with_guidance(args.guidance)
        .with_seed(args.seed)
        .with_pictures(args.count);
    (request.width, request.height, request.solver) = (args.width, args.height, args.solver);
    if let Some(path) = &args.latents {
        let numbers: Vec<f32> = serde_json::from_str(&source::all(path, report.input)?)
            .map_err(|error| Failure::Content { path: path.clone(), reason: error.to_string() })?;
        let shape = pipeline.latent_shape(&request)?;
        request = request.with_latents(Tensor::new(shape, numbers)?);
    }
    Ok(request)
}

/// Writes a picture and says what it is like.
fn keep(file: PathBuf, painted: &Painted) -> Result<Picture, Failure> {
    let png = painted.picture.to_png()?;
    atomic::write(&file, &png).map_err(|source| Failure::Write { path: file.clone(), source })?;
    let pixels = painted.pixels.to_f32s()?;
    let (mut mean, mut deviation) = ([0.0; 3], [0.0; 3]);
    let planes = pixels.chunks((pixels.len() / 3).max(1));
    for ((plane, mean), deviation) in planes.zip(&mut mean).zip(&mut deviation) {
        (*mean, *deviation) = spread(plane);
    }
    let (latent_mean, latent_deviation) = spread(&painted.latents.to_f32s()?);
    let digest = Sha256::digest(painted.picture.rgb());
    Ok(Picture {
        seed: painted.seed,
        width: painted.picture.width(),
        height: painted.picture.height(),
        rgb_sha256: hex::encode(digest),
        file,
        mean,
        deviation,
        latent_mean,
        latent_deviation,
    })
}

/// Mean and standard deviation.
fn spread(values: &[f32]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let square = values.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / count;
    (mean, square.sqrt())
}

/// `a.png` becomes `a-0.png`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        path.extension().map_or_else(String::new, |ext| format!(".{}", ext.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number}{extension}"))
}
