//! A subnet whose commodity is prime factors: hard to find, easy to check. Replace it with yours.
//!
//! A subnet is three things: what is asked (a [`Synapse`]), who answers (a miner), and what an answer
//! is worth (a [`Validator`]). All else, signatures, blocks, weights, restarts, is the toolkit's.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tensor_core::miner::{Caller, Miner, Reject, Synapse, miner_fn};
use tensor_core::transport::{Request, TransportError};
use tensor_core::validator::{Asked, Query, Reply, Validator};
use tensor_core::{BlockNumber, Hotkey, Metagraph, ScoreBook, Weights};

/// What is asked: two factors of `product`, both greater than one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Factor {
    /// The number to take apart.
    pub product: u64,
}

impl Synapse for Factor {
    const NAME: &'static str = "Factor";
    type Answer = [u64; 2];
}

/// Who answers: trial division. A miner earns by doing this faster than others.
pub fn miner() -> impl Miner {
    miner_fn(|_: Caller, ask: Factor| async move {
        let found =
            (2u64..).take_while(|p| p * p <= ask.product).find(|p| ask.product.is_multiple_of(*p));
        found
            .map(|p| [p, ask.product / p])
            .ok_or_else(|| Reject::BadRequest(format!("{} is prime", ask.product)))
    })
}

/// What an answer is worth: all if the factors are right, else nothing.
#[derive(Debug)]
pub struct Checker {
    me: Hotkey,
    book: ScoreBook,
    graph: Option<Metagraph>,
    asked: HashMap<u64, u64>,
    next_id: u64,
    weighed: Option<BlockNumber>,
}

impl Checker {
    /// The validator with this hotkey. It remembers about ten rounds.
    ///
    /// # Panics
    /// Never: the rate is in range.
    #[allow(clippy::expect_used, reason = "0.1 is a rate")]
    pub fn new(me: Hotkey) -> Self {
        let book = ScoreBook::new(0.1).expect("0.1 is a rate");
        Self { me, book, graph: None, asked: HashMap::new(), next_id: 0, weighed: None }
    }
}

impl Validator for Checker {
    fn plan(&mut self, graph: &Metagraph, now: BlockNumber) -> Vec<Query> {
        self.book.sync(graph);
        self.graph = Some(graph.clone());
        self.asked.clear();
        let mut queries = Vec::new();
        for (uid, to) in graph.endpoints().filter(|(_, to)| to.hotkey != self.me) {
            self.next_id += 1;
            // Each miner gets a number of its own, so that there is nothing to copy.
            let product = product(now.value().wrapping_mul(0x9e37_79b9).wrapping_add(self.next_id));
            let Ok(body) = serde_json::to_vec(&Factor { product }) else { continue };
            self.asked.insert(self.next_id, product);
            queries.push(Query::new(self.next_id, uid, to, Request::synapse(Factor::NAME, body)));
        }
        queries
    }

    fn observe(&mut self, query: &Asked, outcome: Result<Reply, TransportError>) {
        let Some(graph) = &self.graph else { return };
        let product = self.asked.get(&query.id).copied();
        let answer = outcome.ok().filter(Reply::is_success);
        let factors = answer.and_then(|reply| serde_json::from_slice::<[u64; 2]>(&reply.body).ok());
        let right = factors.is_some_and(|[p, q]| p > 1 && q > 1 && p.checked_mul(q) == product);
        // Out of range cannot happen: it is one or zero.
        let _ = self.book.record(graph, &query.hotkey, f64::from(u8::from(right)));
    }

    fn weights(&mut self, graph: &Metagraph, now: BlockNumber) -> Option<Weights> {
        // Once an epoch, in its second half.
        let late = now.since(graph.last_epoch()) * 2 >= u64::from(graph.tempo().value());
        if !late || self.weighed == Some(graph.last_epoch()) {
            return None;
        }
        self.weighed = Some(graph.last_epoch());
        let weights = self.book.weights(graph, |score| score * score).ok()?;
        (!weights.is_empty()).then_some(weights)
    }
}

/// A product of two numbers that `seed` decides.
fn product(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (1_000 + (mixed >> 20) % 9_000) * (1_000 + (mixed >> 40) % 9_000)
}
