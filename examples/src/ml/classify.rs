//! `ml classify`: classes of texts, of their tokens, or of images; which of them, the folder says.

use std::path::PathBuf;

use serde::Serialize;
use tensor_ml::{
    Classification, ClassifyOptions, EmbedOptions, Entity, GraphChoice, ModelFolder, RunControl,
    TextClassification, TextEmbedding, TokenClassification, TokenLabel, ZeroShot, ZeroShotOptions,
    onnx::Outline,
};

use super::{
    Failure, Report,
    args::{Classify, Task},
    image,
    source::Ran,
};

#[derive(Debug, Serialize)]
struct Output<R> {
    #[serde(flatten)]
    ran: Ran,
    task: &'static str,
    results: Vec<R>,
}

/// One classified input.
#[derive(Debug, Serialize)]
pub(super) struct Classified {
    /// The text, or the path of the image.
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pair: Option<String>,
    label: String,
    score: f32,
    /// Every class in the model's order.
    classes: Vec<Scored>,
}

#[derive(Debug, Serialize)]
struct Scored {
    label: String,
    score: f32,
    logit: f32,
}

#[derive(Debug, Serialize)]
struct Labelled {
    input: String,
    entities: Vec<Found>,
    tokens: Vec<Found>,
}

/// A token or an entity; `start` and `end` count characters, as Python does.
#[derive(Debug, Serialize)]
struct Found {
    text: String,
    label: String,
    score: f32,
    start: usize,
    end: usize,
}

impl Classified {
    pub(super) fn new(input: String, pair: Option<String>, found: Classification) -> Self {
        let best = found.best().map(|best| (best.label.clone(), best.score));
        let (label, score) = best.unwrap_or_default();
        let classes = found.classes.into_iter().map(|class| Scored {
            label: class.label,
            score: class.score,
            logit: class.logit,
        });
        Self { input, pair, label, score, classes: classes.collect() }
    }
}

pub(super) fn classify(args: &Classify, report: &mut Report<'_>) -> Result<(), Failure> {
    let folder = args.place.open()?;
    let choice = args.place.choice(&folder)?;
    if !args.labels.is_empty() {
        return by_labels(args, &folder, choice, report);
    }
    let task = match args.task {
        Some(task) => task,
        None => task_of(&folder, &folder.graph(&choice)?.read()?.outline)?,
    };
    if task != Task::Text && !args.pair.is_empty() {
        return Err(Failure::Usage("--pair is for models that classify texts".into()));
    }
    let inputs = args.texts.read(report.input)?;
    if task == Task::Image {
        let files: Vec<PathBuf> = inputs.iter().map(PathBuf::from).collect();
        return image::pictures(&args.place, &folder, &choice, args.limits.batch, &files, report);
    }
    let mut options = ClassifyOptions::default()
        .with_session(args.place.session())
        .with_graph(choice.clone())
        .with_max_batch(args.limits.batch);
    options.max_tokens = args.limits.max_tokens;
    let engine = args.place.engine()?;
    if task == Task::Token {
        let pipeline = TokenClassification::open(&folder, &engine, &options)?;
        let ran = args.place.ran(&folder, &choice, pipeline.placement());
        return tokens(&pipeline, ran, inputs, report);
    }
    let pipeline = TextClassification::open(&folder, &engine, &options)?;
    let found = if args.pair.is_empty() {
        pipeline.classify(&inputs)?
    } else if args.pair.len() == inputs.len() {
        let pairs: Vec<(&str, &str)> =
            inputs.iter().zip(&args.pair).map(|(a, b)| (a.as_str(), b.as_str())).collect();
        pipeline.classify_pairs(&pairs, &RunControl::default())?
    } else {
        return Err(Failure::Usage(format!(
            "{} texts and {} second texts do not make pairs",
            inputs.len(),
            args.pair.len()
        )));
    };
    let ran = args.place.ran(&folder, &choice, pipeline.placement());
    let mut pairs = args.pair.iter().cloned();
    let results = inputs
        .into_iter()
        .zip(found)
        .map(|(input, found)| Classified::new(input, pairs.next(), found))
        .collect();
    give(ran, "text", results, report)
}

/// Classes that are only words, by an embedding model.
fn by_labels(
    args: &Classify,
    folder: &ModelFolder,
    choice: GraphChoice,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let mut options = EmbedOptions::default()
        .with_session(args.place.session())
        .with_graph(choice.clone())
        .with_max_batch(args.limits.batch);
    options.max_tokens = args.limits.max_tokens;
    let embedding = TextEmbedding::open(folder, &args.place.engine()?, &options)?;
    let options = ZeroShotOptions::default().with_template(&args.template);
    let pipeline = ZeroShot::new(embedding, &args.labels, options)?;
    let inputs = args.texts.read(report.input)?;
    let found = pipeline.classify(&inputs)?;
    let ran = args.place.ran(folder, &choice, pipeline.placement());
    let results = inputs.into_iter().zip(found);
    give(
        ran,
        "zero-shot",
        results.map(|(input, found)| Classified::new(input, None, found)).collect(),
        report,
    )
}

fn tokens(
    pipeline: &TokenClassification,
    ran: Ran,
    inputs: Vec<String>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let labels = pipeline.label(&inputs)?;
    let results: Vec<_> =
        inputs.into_iter().zip(labels).map(|(input, labels)| labelled(input, labels)).collect();
    report.note(&ran)?;
    if report.json {
        return report.json(&Output { ran, task: "token", results });
    }
    for result in results {
        report.line(&result.input)?;
        for found in result.entities {
            report.line(&format!("  {}\t{}\t{:.4}", found.label, found.text, found.score))?;
        }
    }
    Ok(())
}

/// The results in the form asked for.
pub(super) fn give(
    ran: Ran,
    task: &'static str,
    results: Vec<Classified>,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    report.note(&ran)?;
    if report.json {
        return report.json(&Output { ran, task, results });
    }
    results.iter().try_for_each(|result| {
        report.line(&format!("{}\t{:.4}\t{}", result.label, result.score, result.input))
    })
}

/// What a folder classifies: by the graph's inputs, then by the architecture that the configuration names, then by the
/// shape of the logits.
fn task_of(folder: &ModelFolder, outline: &Outline) -> Result<Task, Failure> {
    if outline.inputs.iter().any(|input| input.name == "pixel_values") {
        return Ok(Task::Image);
    }
    let architectures = folder.config().value("architectures").and_then(|list| list.as_array());
    let named = |part: &str| {
        architectures
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .any(|name| name.contains(part))
    };
    let logits = outline.outputs.iter().find(|output| output.name == "logits");
    let Some(logits) = logits else {
        let names: Vec<_> = outline.outputs.iter().map(|output| output.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "this model does not classify: it gives {} and no logits (is it one for `ml embed`?)",
            names.join(", ")
        )));
    };
    if named("ForTokenClassification") {
        return Ok(Task::Token);
    }
    if named("ForSequenceClassification") {
        return Ok(Task::Text);
    }
    match logits.rank() {
        Some(2) => Ok(Task::Text),
        Some(3) if named("ForCausalLM") || named("LMHead") => {
            Err(Failure::Usage("this model writes text: use `ml generate`, or say --task".into()))
        }
        Some(3) => Ok(Task::Token),
        _ => Err(Failure::Usage(
            "neither config.json nor the graph says what this model classifies: say --task".into(),
        )),
    }
}

fn labelled(input: String, tokens: Vec<TokenLabel>) -> Labelled {
    let entities = Entity::of_labels(&input, &tokens);
    let characters = |place: usize| input.get(..place).unwrap_or(&input).chars().count();
    let found = |range: std::ops::Range<usize>, label: String, score: f32| Found {
        text: input.get(range.clone()).unwrap_or_default().to_owned(),
        label,
        score,
        start: characters(range.start),
        end: characters(range.end),
    };
    let tokens =
        tokens.into_iter().map(|token| found(token.range, token.label, token.score)).collect();
    let entities = entities
        .into_iter()
        .map(|entity| found(entity.range, entity.label, entity.score))
        .collect();
    Labelled { entities, tokens, input }
}
