//! The miners' characters, made of your honest miner, and the ring's validator.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tensor_core::metagraph::Metagraph;
use tensor_core::miner::{Caller, Miner, Reject};
use tensor_core::transport::{Endpoint, Request, Response, TransportError};
use tensor_core::validator::{Asked, Query, Reply, Validator};
use tensor_core::{BlockNumber, Hotkey, Weights};
use tensor_net::{AxonService, Network};

use super::cast::{Cast, Strategy};

/// Longest request or answer that is passed on.
const BODY_BYTES: usize = 8 << 20;
/// How many questions with their answers are remembered.
const REMEMBERED: usize = 1024;
/// After how many requests an honest miner's day may change.
const DAY: u32 = 16;

/// Puts the miners on the network; each with its place in the cast.
pub(super) fn engage(
    cast: &Cast,
    network: &Network,
    honest: &Arc<dyn Miner>,
    seed: u64,
) -> Vec<(usize, Endpoint)> {
    let heard = Said::default();
    let ring = Said::default();
    let turns = Arc::new(AtomicU64::new(0));
    let members = cast.hotkeys(Strategy::Ring).len() as u64;
    let mut endpoints = Vec::new();
    for (at, neuron) in cast.neurons.iter().enumerate() {
        let seed = seed.wrapping_mul(1000).wrapping_add(at as u64);
        let source = Source::Worker { miner: honest.clone(), day: Mutex::new(Day::new(seed)) };
        let character = match neuron.strategy {
            Strategy::Honest => Character { source, said: heard.clone() },
            Strategy::Lazy => {
                Character { source: Source::Once(honest.clone()), said: Said::default() }
            }
            Strategy::Copying => Character { source: Source::Heard, said: heard.clone() },
            Strategy::Ring => Character {
                source: Source::Shared {
                    miner: honest.clone(),
                    turns: turns.clone(),
                    members,
                    day: Mutex::new(Day::new(seed)),
                },
                said: ring.clone(),
            },
            Strategy::Judging | Strategy::CopyingWeights | Strategy::Colluding => continue,
        };
        endpoints.push((at, network.bind(AxonService::new(neuron.hotkey(), character))));
    }
    endpoints
}

/// A miner of a certain character.
struct Character {
    source: Source,
    said: Said,
}

/// Where it has its answers from.
enum Source {
    /// It works, better on some days than on others.
    Worker { miner: Arc<dyn Miner>, day: Mutex<Day> },
    /// It worked once.
    Once(Arc<dyn Miner>),
    /// It says what it heard.
    Heard,
    /// One machine behind several hotkeys: it works on one request in as many as there are members, and
    /// all hand in what it found.
    Shared { miner: Arc<dyn Miner>, turns: Arc<AtomicU64>, members: u64, day: Mutex<Day> },
}

#[async_trait]
impl Miner for Character {
    async fn handle(&self, caller: &Caller, request: Request) -> Result<Response, Reject> {
        let Request { method, target, content_type, body, timeout, .. } = request;
        let body = body.bytes(BODY_BYTES).await;
        let body = body.map_err(|error| Reject::BadRequest(error.to_string()))?;
        let rebuilt = || {
            Request::new(method, target.clone(), body.clone())
                .with_content_type(content_type.clone())
                .with_timeout(timeout)
        };
        let question = [target.as_bytes(), b"\0", &body].concat();
        let answer = match &self.source {
            Source::Worker { miner, day } => {
                let good = day.lock().unwrap_or_else(PoisonError::into_inner).next();
                match self.said.anything().filter(|_| !good) {
                    Some(old) => return Ok(Response::ok(old)),
                    None => Self::work(miner, caller, rebuilt()).await?,
                }
            }
            Source::Once(miner) => match self.said.anything() {
                Some(old) => return Ok(Response::ok(old)),
                None => Self::work(miner, caller, rebuilt()).await?,
            },
            Source::Heard => {
                let heard = self.said.answer_to(&question).or_else(|| self.said.anything());
                return heard.map(Response::ok).ok_or_else(|| Reject::Busy {
                    retry_after: std::time::Duration::from_secs(1),
                });
            }
            Source::Shared { miner, turns, members, day } => {
                let turn = turns.fetch_add(1, Ordering::Relaxed).is_multiple_of((*members).max(1));
                let good = day.lock().unwrap_or_else(PoisonError::into_inner).next();
                let old = || self.said.anything().filter(|_| !(turn && good));
                let shared = self.said.answer_to(&question).or_else(old);
                match shared {
                    Some(shared) => return Ok(Response::ok(shared)),
                    None => Self::work(miner, caller, rebuilt()).await?,
                }
            }
        };
        self.said.remember(question, answer.clone());
        Ok(Response::ok(answer))
    }
}

impl Character {
    async fn work(
        miner: &Arc<dyn Miner>,
        caller: &Caller,
        request: Request,
    ) -> Result<Bytes, Reject> {
        let answer = miner.handle(caller, request).await?;
        let bytes = answer.body.bytes(BODY_BYTES).await;
        bytes.map_err(|error| Reject::Internal(error.into()))
    }
}

/// What was said to which question; clones hear the same.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    answers: HashMap<Vec<u8>, Bytes>,
    last: Option<Bytes>,
}

impl Said {
    fn answer_to(&self, question: &[u8]) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).answers.get(question).cloned()
    }

    fn anything(&self) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.clone()
    }

    fn remember(&self, question: Vec<u8>, answer: Bytes) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.answers.len() >= REMEMBERED {
            memory.answers.clear();
        }
        memory.answers.insert(question, answer.clone());
        memory.last = Some(answer);
    }
}

/// How an honest miner's skill wanders: on a bad day it hands in stale work now and then.
struct Day {
    rng: ChaCha8Rng,
    skill: f64,
    asked: u32,
}

impl Day {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let skill = rng.random_range(0.6..1.0);
        Self { rng, skill, asked: 0 }
    }

    /// Whether this request gets its best.
    fn next(&mut self) -> bool {
        self.asked = self.asked.wrapping_add(1);
        if self.asked.is_multiple_of(DAY) {
            self.skill = (self.skill + self.rng.random_range(-0.2..0.2)).clamp(0.5, 1.0);
        }
        self.rng.random_bool(self.skill)
    }
}

/// The ring's validator: it asks nobody and gives the ring everything, once an epoch.
pub(super) struct Loyal {
    ring: Vec<Hotkey>,
    done: Option<BlockNumber>,
}

impl Loyal {
    pub(super) const fn new(ring: Vec<Hotkey>) -> Self {
        Self { ring, done: None }
    }
}

impl Validator for Loyal {
    fn plan(&mut self, _: &Metagraph, _: BlockNumber) -> Vec<Query> {
        Vec::new()
    }

    fn observe(&mut self, _: &Asked, _: Result<Reply, TransportError>) {}

    fn weights(&mut self, graph: &Metagraph, now: BlockNumber) -> Option<Weights> {
        let late = now.since(graph.last_epoch()).saturating_mul(2);
        if late < u64::from(graph.tempo().value()) || self.done == Some(graph.last_epoch()) {
            return None;
        }
        self.done = Some(graph.last_epoch());
        let ring = self.ring.iter().filter_map(|hotkey| graph.uid_of(hotkey));
        Weights::from_scores(ring.map(|uid| (uid, 1.0))).ok()
    }
}
