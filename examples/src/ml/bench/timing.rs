//! What is timed on this side: runs, decoding steps, batches.

use std::time::Instant;

use futures::executor::block_on;
use tensor_ml::{
    BatchPolicy, BatchTask, BatchWorker, Error, Feed, Fetch, Kept, Model, RunControl, Session,
    SessionModel, Tensor, Tensors,
    text::{GenerateJob, GenerateRequest, Prompt, TextGeneration},
};

use crate::ml::Failure;

/// Times of runs on `rows` texts of `columns` tokens, in nanoseconds.
pub(super) fn encode(
    model: &dyn Model,
    (rows, columns): (usize, usize),
    runs: usize,
) -> Result<Vec<u64>, Failure> {
    let ids: Vec<Vec<i64>> = (0..rows).map(|row| tokens(row, columns)).collect();
    let inputs = inputs(model, &ids)?;
    (0..runs)
        .map(|_| {
            let inputs = inputs.clone();
            let start = Instant::now();
            model.infer(inputs)?;
            Ok(nanoseconds(start))
        })
        .collect()
}

/// Times of single steps after `past` tokens, in nanoseconds; what the model remembers stays in the backend's memory, or
/// comes to the host and goes back.
pub(super) fn decode(
    session: &mut dyn Session,
    past: usize,
    runs: usize,
    keeps: bool,
) -> Result<Vec<u64>, Failure> {
    let specs = session.inputs().to_vec();
    let pasts: Vec<_> = specs.iter().filter(|spec| spec.name.starts_with("past")).collect();
    let presents: Vec<String> =
        pasts.iter().map(|spec| spec.name.replace("past_key_values", "present")).collect();
    let mut wanted = vec![Fetch::Host("logits")];
    wanted.extend(
        presents.iter().map(|name| {
            if keeps { Fetch::Keep(name.as_str()) } else { Fetch::Host(name.as_str()) }
        }),
    );
    let mut host: Vec<Tensor> = pasts
        .iter()
        .map(|spec| {
            let shape = [1, spec.fixed(1).unwrap_or(1), 0, spec.fixed(3).unwrap_or(1)];
            Tensor::new(shape, Vec::<f32>::new())
        })
        .collect::<Result<_, _>>()?;
    let mut kept: Vec<Kept> = Vec::new();
    let (mut times, mut seen) = (Vec::with_capacity(runs), 0);
    for step in 0..=runs {
        let columns = if step == 0 { past } else { 1 };
        let ids: Vec<i64> = (0..columns).map(|place| 5 + ((seen + place) % 300) as i64).collect();
        let start = Instant::now();
        let mut given = Vec::new();
        for spec in specs.iter().filter(|spec| !spec.name.starts_with("past")) {
            let values = match spec.name.as_str() {
                "attention_mask" => vec![1; seen + columns],
                "position_ids" => (seen..seen + columns).map(|place| place as i64).collect(),
                _ => ids.clone(),
            };
            let tensor = Tensor::from_ints(spec.dtype, [1, values.len()], values)?;
            given.push((spec.name.as_str(), tensor));
        }
        let mut feeds: Vec<(&str, Feed<'_>)> =
            given.iter().map(|(name, tensor)| (*name, Feed::Host(tensor))).collect();
        let names = pasts.iter().map(|spec| spec.name.as_str());
        if kept.is_empty() {
            feeds.extend(names.zip(host.iter().map(Feed::Host)));
        } else {
            feeds.extend(names.zip(kept.drain(..).map(Feed::Kept)));
        }
        let mut values = session.run(feeds, &wanted, &RunControl::default())?.into_iter();
        values.next();
        if keeps {
            kept = values.map(tensor_ml::Fetched::into_kept).collect::<Result<_, _>>()?;
        } else {
            host = values.map(tensor_ml::Fetched::into_host).collect::<Result<_, _>>()?;
        }
        if step > 0 {
            times.push(nanoseconds(start));
        }
        seen += columns;
    }
    Ok(times)
}

/// Time for each text, in nanoseconds: one by one, then through a batcher.
pub(super) fn batches_of_texts(
    model: SessionModel,
    batch: usize,
    rounds: usize,
) -> Result<(Vec<u64>, Vec<u64>), Failure> {
    let texts: Vec<Vec<i64>> = (0..batch).map(|row| tokens(row, 16)).collect();
    let mut single = Vec::new();
    let model = std::sync::Arc::new(model);
    let policy = BatchPolicy::default().with_max_batch(batch);
    let worker = BatchWorker::spawn(Texts(std::sync::Arc::clone(&model)), policy)?;
    let mut together = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        for text in &texts {
            model.infer(inputs(&model, std::slice::from_ref(text))?)?;
        }
        single.push(nanoseconds(start) / batch as u64);
        let start = Instant::now();
        block_on(worker.call_all(texts.clone()))?;
        together.push(nanoseconds(start) / batch as u64);
    }
    Ok((single, together))
}

/// Time for each token, in nanoseconds: answers one by one, then through a batcher. Each answer has `length` tokens.
pub(super) fn batches_of_answers(
    mut single: TextGeneration,
    shared: TextGeneration,
    (batch, length): (usize, usize),
    rounds: usize,
) -> Result<(Vec<u64>, Vec<u64>), Failure> {
    let requests: Vec<GenerateRequest> = (0..batch)
        .map(|row| {
            let ids = tokens(row, 16).into_iter().map(|id| id as u32).collect();
            GenerateRequest::new(Prompt::Tokens(ids))
                .with_max_tokens(length)
                .with_min_tokens(length)
        })
        .collect();
    let tokens = (batch * length) as u64;
    let worker = BatchWorker::spawn(shared, BatchPolicy::default().with_max_batch(batch))?;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        for request in &requests {
            single.generate(request)?;
        }
        alone.push(nanoseconds(start) / tokens);
        let start = Instant::now();
        let jobs = requests.iter().cloned().map(GenerateJob::new).collect();
        block_on(worker.call_all(jobs))?;
        together.push(nanoseconds(start) / tokens);
    }
    Ok((alone, together))
}

/// The median; of an even number the upper one.
pub(super) fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default() as f64
}

/// Rows of tokens through a model.
struct Texts(std::sync::Arc<SessionModel>);

impl BatchTask for Texts {
    type Request = Vec<i64>;
    type Answer = ();

    fn cost(request: &Vec<i64>) -> usize {
        request.len()
    }

    fn run(&mut self, requests: Vec<Vec<i64>>, control: &RunControl) -> Vec<Result<(), Error>> {
        let run = || self.0.infer_with(inputs(&self.0, &requests)?, control).map(drop);
        match run() {
            Ok(()) => requests.iter().map(|_| Ok(())).collect(),
            Err(error) => vec![Err(error)],
        }
    }
}

fn inputs(model: &dyn Model, rows: &[Vec<i64>]) -> Result<Tensors, Error> {
    let shape = [rows.len(), rows.first().map_or(0, Vec::len)];
    let ids: Vec<i64> = rows.concat();
    model
        .inputs()
        .iter()
        .map(|spec| {
            let values = match spec.name.as_str() {
                "attention_mask" => vec![1; ids.len()],
                "token_type_ids" => vec![0; ids.len()],
                _ => ids.clone(),
            };
            Ok((spec.name.clone(), Tensor::from_ints(spec.dtype, shape, values)?))
        })
        .collect()
}

/// The same tokens as on the other side.
fn tokens(row: usize, columns: usize) -> Vec<i64> {
    (0..columns).map(|column| 5 + ((row * 7 + column * 3) % 300) as i64).collect()
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
