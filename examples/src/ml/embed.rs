//! `ml embed`: texts to vectors.

use serde::Serialize;
use tensor_ml::{EmbedOptions, Pooling, TextEmbedding};

use super::{
    Failure, Report,
    args::{Embed, Pool},
    source::Ran,
};

#[derive(Debug, Serialize)]
struct Embedded<'a> {
    text: &'a str,
    embedding: Vec<f32>,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    #[serde(flatten)]
    ran: Ran,
    pooling: String,
    normalized: bool,
    results: Vec<Embedded<'a>>,
}

pub(super) fn embed(args: &Embed, report: &mut Report<'_>) -> Result<(), Failure> {
    let folder = args.place.open()?;
    let choice = args.place.choice(&folder)?;
    let mut options = EmbedOptions::default()
        .with_session(args.place.session())
        .with_graph(choice.clone())
        .with_max_batch(args.limits.batch);
    options.max_tokens = args.limits.max_tokens;
    options.is_normalized = args.normalize;
    options.pooling = args.pooling.map(|pool| match pool {
        Pool::Mean => Pooling::Mean,
        Pool::Cls => Pooling::Cls,
        Pool::Last => Pooling::Last,
        Pool::Max => Pooling::Max,
    });
    let pipeline = TextEmbedding::open(&folder, &args.place.engine()?, &options)?;
    let texts = args.texts.read(report.input)?;
    let vectors = pipeline.embed(&texts)?;
    let ran = args.place.ran(&folder, &choice, pipeline.placement());
    report.note(&ran)?;
    if !report.json {
        for (text, vector) in texts.iter().zip(&vectors) {
            let numbers: Vec<String> = vector.iter().map(ToString::to_string).collect();
            report.line(&format!("{text}\t{}", numbers.join(" ")))?;
        }
        return Ok(());
    }
    let results = texts.iter().zip(vectors);
    report.json(&Output {
        ran,
        pooling: format!("{:?}", pipeline.pooling()).to_lowercase(),
        normalized: pipeline.is_normalized(),
        results: results.map(|(text, embedding)| Embedded { text, embedding }).collect(),
    })
}
