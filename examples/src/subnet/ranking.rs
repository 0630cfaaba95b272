//! What a validator's front door needs of its judge: whom to ask, best first.

use std::sync::{Arc, PoisonError, RwLock};

use tensor_core::ScoreBook;
use tensor_core::metagraph::Metagraph;
use tensor_core::transport::Endpoint;

/// The miners by score, shared between a judge and the front door. Clones are the same ranking.
#[derive(Clone, Debug, Default)]
pub struct Ranking(Arc<RwLock<Vec<Ranked>>>);

/// A miner and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Where it serves.
    pub endpoint: Endpoint,
    /// Its moving score, 0..=1.
    pub score: f64,
}

impl Ranking {
    /// Ranks the miners that serve by what the book holds on them.
    pub fn update(&self, graph: &Metagraph, book: &ScoreBook) {
        let ranked = |(_, endpoint): (_, Endpoint)| {
            Some(Ranked { endpoint, score: book.entry(&endpoint.hotkey)?.score })
        };
        let mut miners: Vec<_> = graph.endpoints().filter_map(ranked).collect();
        // Equal scores keep the order of uids, so that a run can be repeated.
        miners.sort_by(|a, b| b.score.total_cmp(&a.score));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = miners;
    }

    /// The miners, best first.
    pub fn best_first(&self) -> Vec<Ranked> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
