//! A validator's policy: hide feedback with known labels among unknown, and pay for right answers.

use std::collections::HashMap;
use std::sync::Arc;

use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tensor_core::metagraph::Metagraph;
use tensor_core::transport::{Request, TransportError};
use tensor_core::validator::{Asked, Query, Reply, Validator};
use tensor_core::{BlockNumber, Hotkey, ScoreBook, Weights};

use super::input::Feedback;
use super::ranking::Ranking;
use super::sentiment::{Label, Scores, Sentiment};
use tensor_core::miner::Synapse as _;

/// Lines with known labels in each request.
const KNOWN: usize = 24;
/// Lines with unknown labels in each request, among which the known ones hide.
const UNKNOWN: usize = 8;
/// How long a miner may take.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);
/// How much one round counts against what is known of a miner.
const RATE: f64 = 0.25;
/// Weights are scores to this power: it pays to be better.
const SHARPNESS: i32 = 2;

/// What the judge needs to ask: feedback with labels, and feedback to hide it among.
#[derive(Clone, Debug)]
pub struct Material {
    /// Feedback whose labels are known to validators only.
    pub known: Arc<[Feedback]>,
    /// Feedback of customers.
    pub unknown: Arc<[Feedback]>,
}

/// The policy of one validator.
#[derive(Debug)]
pub struct Judge {
    me: Hotkey,
    material: Material,
    book: ScoreBook,
    ranking: Ranking,
    rng: ChaCha8Rng,
    graph: Option<Metagraph>,
    /// For each query under way, the known label of each line it holds.
    expected: HashMap<u64, Vec<Option<Label>>>,
    next_id: u64,
    weighed_epoch: Option<BlockNumber>,
}

impl Judge {
    /// A judge with an empty score book that publishes its ranking.
    ///
    /// # Errors
    /// Never: the rate is in range.
    pub fn new(
        me: Hotkey,
        material: Material,
        ranking: Ranking,
        seed: u64,
    ) -> Result<Self, tensor_core::score::ScoreError> {
        Ok(Self {
            me,
            material,
            book: ScoreBook::new(RATE)?,
            ranking,
            rng: ChaCha8Rng::seed_from_u64(seed),
            graph: None,
            expected: HashMap::new(),
            next_id: 0,
            weighed_epoch: None,
        })
    }

    /// What it knows of each miner.
    pub const fn book(&self) -> &ScoreBook {
        &self.book
    }

    /// The lines of one round, the same for all miners so that they compare.
    fn draw(&mut self) -> Vec<(String, Option<Label>)> {
        let known = self.material.known.choose_multiple(&mut self.rng, KNOWN);
        let known = known.map(|one| (one.text.clone(), one.label));
        let unknown = self.material.unknown.choose_multiple(&mut self.rng, UNKNOWN);
        let unknown = unknown.map(|one| (one.text.clone(), None));
        known.chain(unknown).collect()
    }

    fn score(&self, query: &Asked, reply: &Reply) -> f64 {
        let Some(expected) = self.expected.get(&query.id) else { return 0.0 };
        if !reply.is_success() {
            return 0.0;
        }
        match serde_json::from_slice::<Vec<Scores>>(&reply.body) {
            Ok(answers) => grade(expected, &answers),
            Err(_) => 0.0,
        }
    }
}

/// How right the answers are on the lines whose label is known: 0 for guessing among three labels or
/// worse, 1 for all right. Unsound scores and missing lines make the whole answer worthless.
fn grade(expected: &[Option<Label>], answers: &[Scores]) -> f64 {
    if answers.len() != expected.len() || !answers.iter().all(Scores::is_sound) {
        return 0.0;
    }
    let judged =
        || expected.iter().zip(answers).filter_map(|(label, said)| Some(((*label)?, said)));
    let count = judged().count();
    if count == 0 {
        return 0.0;
    }
    let right = judged().filter(|(label, said)| said.label() == *label).count();
    let chance = 1.0 / 3.0;
    let accuracy = right as f64 / count as f64;
    ((accuracy - chance) / (1.0 - chance)).clamp(0.0, 1.0)
}

impl Validator for Judge {
    fn plan(&mut self, graph: &Metagraph, _: BlockNumber) -> Vec<Query> {
        self.book.sync(graph);
        self.expected.clear();
        self.graph = Some(graph.clone());
        let lines = self.draw();
        let miners: Vec<_> = graph.endpoints().filter(|(_, to)| to.hotkey != self.me).collect();
        let mut queries = Vec::with_capacity(miners.len());
        for (uid, to) in miners {
            // Each miner gets its own order, so that answers cannot be copied by place.
            let mut lines = lines.clone();
            lines.shuffle(&mut self.rng);
            let (lines, labels) = lines.into_iter().unzip();
            let Ok(body) = serde_json::to_vec(&Sentiment { lines }) else { continue };
            self.next_id += 1;
            self.expected.insert(self.next_id, labels);
            let request = Request::synapse(Sentiment::NAME, body).with_timeout(TIMEOUT);
            queries.push(Query::new(self.next_id, uid, to, request));
        }
        queries
    }

    fn observe(&mut self, query: &Asked, outcome: Result<Reply, TransportError>) {
        let score = outcome.map_or(0.0, |reply| self.score(query, &reply));
        let Some(graph) = &self.graph else { return };
        // Out of range cannot happen: a grade is in 0..=1.
        let _ = self.book.record(graph, &query.hotkey, score);
        self.ranking.update(graph, &self.book);
    }

    fn weights(&mut self, graph: &Metagraph, now: BlockNumber) -> Option<Weights> {
        let permit = graph.by_hotkey(&self.me).is_some_and(|neuron| neuron.validator_permit);
        let since = now.since(graph.last_epoch());
        let due = since * 2 >= u64::from(graph.tempo().value());
        if !permit || !due || self.weighed_epoch == Some(graph.last_epoch()) {
            return None;
        }
        let weights = self.book.weights(graph, |score| score.powi(SHARPNESS)).ok()?;
        if weights.is_empty() {
            return None;
        }
        self.weighed_epoch = Some(graph.last_epoch());
        Some(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITIVE: Scores = Scores::new([0.1, 0.1, 0.8]);
    const NEGATIVE: Scores = Scores::new([0.8, 0.1, 0.1]);

    #[test]
    fn guessing_earns_nothing() {
        let expected = [Some(Label::Positive), Some(Label::Negative), Some(Label::Neutral), None];
        assert_eq!(grade(&expected, &[POSITIVE; 4]), 0.0);
        let two = [POSITIVE, NEGATIVE, POSITIVE, POSITIVE];
        assert!((grade(&expected, &two) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn worthless_answers_earn_nothing() {
        let expected = [Some(Label::Positive), Some(Label::Positive)];
        assert_eq!(grade(&expected, &[POSITIVE; 2]), 1.0);
        assert_eq!(grade(&expected, &[POSITIVE]), 0.0);
        assert_eq!(grade(&expected, &[POSITIVE, Scores::new([1.0, 1.0, 1.0])]), 0.0);
        assert_eq!(grade(&[None, None], &[POSITIVE; 2]), 0.0);
    }
}
