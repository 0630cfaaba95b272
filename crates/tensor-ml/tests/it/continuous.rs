//! Requests that join and leave a running batch get the answers that they get alone.

use std::sync::mpsc;

use futures::{StreamExt, executor::block_on, future::join_all};
use tensor_ml::{
    Engine, Error, Feed, Fetch, Fetched, GraphChoice, ModelFolder, Placement, RunControl, Session,
    SessionOptions, TensorSpec,
    text::{
        ContinuousPolicy, ContinuousWorker, GenerateOptions, GenerateRequest, Generated, Message,
        Sampling, TextEvent, TextGeneration, TextGenerator,
    },
};

use crate::engines;

fn model(engine: &Engine) -> TextGeneration {
    let folder = ModelFolder::open(engines::data("tiny-lm")).unwrap();
    TextGeneration::open(&folder, engine, &GenerateOptions::default()).unwrap()
}

/// Prompts and answers of very different lengths, greedy and drawn.
fn requests() -> Vec<GenerateRequest> {
    let asked = [
        ("three plus four", 40),
        ("what does the validator do?", 40),
        ("count from two", 3),
        ("one plus one", 1),
        ("what does the miner do? what does the validator do? count from one", 24),
        ("count from one", 40),
    ];
    let of = |round: u64| {
        asked.into_iter().map(move |(text, tokens)| {
            let mut request = GenerateRequest::chat(vec![Message::user(text)])
                .with_max_tokens(tokens)
                .with_log_probabilities();
            if round > 0 {
                let sampling = Sampling::greedy().with_temperature(0.9).with_seed(round);
                request = request.with_sampling(sampling);
            }
            request
        })
    };
    (0..3).flat_map(of).collect()
}

fn alike(together: &Generated, alone: &Generated) {
    assert_eq!(together.text, alone.text);
    assert_eq!(together.ids(), alone.ids());
    assert_eq!((together.finish, together.prompt_tokens), (alone.finish, alone.prompt_tokens));
    for (a, b) in together.tokens.iter().zip(&alone.tokens) {
        let (a, b) = (a.log_probability.unwrap(), b.log_probability.unwrap());
        assert!((a - b).abs() < 1e-3, "{a} for {b}");
    }
}

#[test]
fn answers_are_those_that_requests_get_alone() {
    for (backend, engine) in engines::all() {
        let mut single = model(&engine);
        let alone: Vec<Generated> =
            requests().iter().map(|request| single.generate(request).unwrap()).collect();
        for rows in [1, 3, 16] {
            let policy = ContinuousPolicy::default().with_max_rows(rows);
            let worker = ContinuousWorker::spawn(model(&engine), policy).unwrap();
            let together =
                block_on(join_all(requests().into_iter().map(|request| worker.generate(request))));
            for (together, alone) in together.iter().zip(&alone) {
                alike(together.as_ref().unwrap(), alone);
            }
            let metrics = worker.metrics();
            let tokens: usize = alone.iter().map(|answer| answer.tokens.len()).sum();
            assert_eq!((metrics.accepted, metrics.answered, metrics.failed), (18, 18, 0));
            // Steps are shared.
            let most = if rows == 1 { tokens } else { tokens * 2 / 3 } as u64;
            assert!(metrics.batches <= most, "{backend}, {rows}: {} of {tokens}", metrics.batches);
        }
    }
}

/// A session whose runs each need leave, until there is nobody left to give it.
struct Gated {
    inner: Box<dyn Session>,
    leave: mpsc::Receiver<()>,
}

impl Session for Gated {
    fn inputs(&self) -> &[TensorSpec] {
        self.inner.inputs()
    }

    fn outputs(&self) -> &[TensorSpec] {
        self.inner.outputs()
    }

    fn placement(&self) -> &Placement {
        self.inner.placement()
    }

    fn run(
        &mut self,
        inputs: Vec<(&str, Feed<'_>)>,
        wanted: &[Fetch<'_>],
        control: &RunControl,
    ) -> Result<Vec<Fetched>, Error> {
        let _ = self.leave.recv();
        self.inner.run(inputs, wanted, control)
    }
}

fn gated(engine: &Engine) -> (TextGeneration, mpsc::Sender<()>) {
    let folder = ModelFolder::open(engines::data("tiny-lm")).unwrap();
    let graph = folder.graph(&GraphChoice::Preferred).unwrap();
    let inner = engine.load(&graph, &SessionOptions::default()).unwrap();
    let (give, leave) = mpsc::channel();
    let session = Box::new(Gated { inner, leave });
    (TextGeneration::with_session(&folder, session, &GenerateOptions::default()).unwrap(), give)
}

#[test]
fn who_comes_later_joins_and_who_goes_makes_room() {
    for (_, engine) in engines::all() {
        let policy = ContinuousPolicy::default().with_max_rows(2).with_max_queue(2);
        let (model, give) = gated(&engine);
        let worker = ContinuousWorker::spawn(model, policy).unwrap();
        let long = || GenerateRequest::text("count from").with_max_tokens(200).with_min_tokens(200);
        let mut streams = [worker.stream(long()).unwrap(), worker.stream(long()).unwrap()];
        // One joins, a step, the other joins; or both at once and two steps.
        for _ in 0..3 {
            give.send(()).unwrap();
        }
        for stream in &mut streams {
            assert!(matches!(block_on(stream.next()), Some(Ok(TextEvent::Token { .. }))));
        }
        // Both rows are taken: two may wait, a third may not.
        let request = GenerateRequest::chat(vec![Message::user("three plus four")]);
        let ask = || worker.submit(request.clone());
        let waiting = [ask().unwrap(), ask().unwrap()];
        assert!(matches!(ask(), Err(Error::Busy { limit: 2, .. })));
        let [first, mut second] = streams;
        drop(first);
        drop(give);
        for answer in waiting {
            assert_eq!(block_on(answer).unwrap().text, "seven.");
        }
        // The other one is written to its end all the same.
        let mut last = None;
        while let Some(event) = block_on(second.next()) {
            last = Some(event.unwrap());
        }
        assert!(matches!(last, Some(TextEvent::Done(answer)) if answer.tokens.len() == 200));
        let error = block_on(worker.generate(GenerateRequest::text(""))).unwrap_err();
        assert!(matches!(error, Error::Argument { .. }), "{error}");
        let last = ask().unwrap();
        let drained = worker.drain();
        assert!(matches!(ask(), Err(Error::Stopped)));
        block_on(drained);
        assert_eq!(block_on(last).unwrap().text, "seven.");

        let (model, give) = gated(&engine);
        let worker = ContinuousWorker::spawn(model, policy).unwrap();
        let pending = worker.submit(long()).unwrap();
        worker.stop();
        drop(give);
        assert!(matches!(block_on(pending), Err(Error::Stopped)));
        assert!(matches!(worker.submit(request), Err(Error::Stopped)));
        for policy in [policy.with_max_rows(0), policy.with_max_queue(0)] {
            assert!(ContinuousWorker::spawn(self::model(&engine), policy).is_err());
        }
    }
}
