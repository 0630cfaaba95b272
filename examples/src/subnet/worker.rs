//! The miners: each serves [`Sentiment`] in its way.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tensor_core::Miner;
use tensor_core::miner::{Caller, Reject, Synapse as _, miner_fn};
use tensor_core::transport::{Request, Response};
use tensor_ml::{
    Classification, ClassifyOptions, Engine, ModelFolder, SessionOptions, TextClassification,
    Worker,
};

use super::cast::Kind;
use super::sentiment::{Label, MAX_LINES, Scores, Sentiment};

/// Requests that may wait for one miner's model.
const QUEUE: usize = 32;
/// Every so many requests, the stale miner does not answer.
const STALLS: u64 = 15;

/// The miner of that kind, with the model in `folder`.
///
/// # Errors
/// What is wrong with the model folder.
pub fn miner(kind: Kind, folder: &Path, seed: u64) -> Result<Arc<dyn Miner>, tensor_ml::Error> {
    Ok(match kind {
        Kind::Large | Kind::Medium | Kind::Small => Arc::new(honest(folder)?),
        Kind::Random => Arc::new(random(seed)),
        Kind::Stale => Arc::new(Stale {
            inner: honest(folder)?,
            before: Mutex::new(None),
            requests: AtomicU64::new(0),
        }),
    })
}

/// Runs the model on a thread of its own.
fn honest(folder: &Path) -> Result<impl Miner + 'static, tensor_ml::Error> {
    let folder = ModelFolder::open(folder)?;
    let session = SessionOptions::default().with_threads(1);
    let options = ClassifyOptions::default().with_session(session);
    let pipeline = TextClassification::open(&folder, &Engine::rten(), &options)?;
    let worker = Worker::spawn(pipeline, QUEUE)?;
    Ok(miner_fn(move |_: Caller, ask: Sentiment| {
        let worker = worker.clone();
        async move {
            check(&ask)?;
            let answers = worker.call(ask.lines).await.map_err(reject)?;
            answers.iter().map(scores).collect()
        }
    }))
}

fn check(ask: &Sentiment) -> Result<(), Reject> {
    match ask.lines.len() {
        1..=MAX_LINES => Ok(()),
        count => Err(Reject::BadRequest(format!("1 to {MAX_LINES} lines, not {count}"))),
    }
}

fn scores(answer: &Classification) -> Result<Scores, Reject> {
    let score = |label: Label| {
        let missing = || Reject::Internal(format!("the model has no class {label}").into());
        answer.score(label.name()).ok_or_else(missing)
    };
    Ok(Scores::new([score(Label::Negative)?, score(Label::Neutral)?, score(Label::Positive)?]))
}

fn reject(error: tensor_ml::Error) -> Reject {
    match error {
        tensor_ml::Error::Busy { .. } => Reject::Busy { retry_after: Duration::from_millis(200) },
        other => Reject::Internal(other.into()),
    }
}

/// Guesses, and looks confident.
fn random(seed: u64) -> impl Miner + 'static {
    let rng = Mutex::new(ChaCha8Rng::seed_from_u64(seed));
    miner_fn(move |_: Caller, ask: Sentiment| {
        let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
        let guess = |_| {
            let mut scores = [0.05; 3];
            scores[rng.random_range(0..3)] = 0.9;
            Scores::new(scores)
        };
        let answer = ask.lines.iter().map(guess).collect();
        async move { Ok(answer) }
    })
}

/// Saves the work: answers with what it said to the request before.
struct Stale<M> {
    inner: M,
    before: Mutex<Option<bytes::Bytes>>,
    requests: AtomicU64,
}

#[async_trait]
impl<M: Miner> Miner for Stale<M> {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        if request.name() != Sentiment::NAME {
            return Err(Reject::UnknownSynapse(request.name().to_owned()));
        }
        let count = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_multiple_of(STALLS) {
            std::future::pending::<()>().await;
        }
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(body) = before {
            return Ok(Response::ok(body));
        }
        let response = self.inner.handle(caller, request).await?;
        let body = response.body.bytes(1 << 20).await;
        let body = body.map_err(|error| Reject::Internal(error.into()))?;
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(body.clone());
        Ok(Response::ok(body))
    }
}
