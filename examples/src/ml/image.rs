//! `ml image`: what models make of pictures, and pictures that they make.

use std::path::PathBuf;

use tensor_ml::{GraphChoice, ImageClassification, ImageOptions, ModelFolder, Picture};

use super::{
    Failure, Report,
    args::{Image, Place},
    classify::{Classified, give},
    paint,
};

pub(super) fn image(args: &Image, report: &mut Report<'_>) -> Result<(), Failure> {
    let folder = args.place.open()?;
    if let Some(prompt) = &args.prompt {
        return paint::paint(args, prompt, &folder, report);
    }
    let choice = args.place.choice(&folder)?;
    pictures(&args.place, &folder, &choice, args.batch, &args.files, report)
}

/// Classifies the pictures in files.
pub(super) fn pictures(
    place: &Place,
    folder: &ModelFolder,
    choice: &GraphChoice,
    batch: usize,
    files: &[PathBuf],
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let options = ImageOptions::default()
        .with_session(place.session())
        .with_graph(choice.clone())
        .with_max_batch(batch);
    let pipeline = ImageClassification::open(folder, &place.engine()?, &options)?;
    let mut results = Vec::with_capacity(files.len());
    // A batch at a time, so that memory does not grow with the number of files.
    for group in files.chunks(batch.max(1)) {
        let pictures: Vec<_> = group.iter().map(Picture::open).collect::<Result<_, _>>()?;
        for (file, found) in group.iter().zip(pipeline.classify(&pictures)?) {
            results.push(Classified::new(file.display().to_string(), None, found));
        }
    }
    give(place.ran(folder, choice, pipeline.placement()), "image", results, report)
}
