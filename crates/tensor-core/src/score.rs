//! What validators remember of miners: [`ScoreBook`].
//!
//! Kept by hotkey, never by uid: when a slot changes hands, the newcomer starts from nothing and the
//! one who left takes its record along.

mod robust;

use std::collections::BTreeMap;

pub use robust::{median, trimmed_mean};
use serde::{Deserialize, Serialize};

use crate::account::Hotkey;
use crate::metagraph::Metagraph;
use crate::network::{BlockNumber, Uid};
use crate::weights::{Weights, WeightsError};

/// Scores of miners as moving averages, one per hotkey.
///
/// A snapshot is the book itself through serde; write it to a file that is replaced atomically, and a
/// killed validator goes on where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreBook {
    rate: f64,
    entries: BTreeMap<Hotkey, Entry>,
}

/// What the book holds on one miner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// The moving average, 0..=1.
    pub score: f64,
    /// How many rounds went into it.
    pub rounds: u64,
    /// The block of the last one.
    pub updated: BlockNumber,
    /// The registration that the record belongs to: a hotkey that registers anew starts anew.
    pub registered_at: BlockNumber,
}

impl ScoreBook {
    /// An empty book. Each round counts `rate` against what was known: 1 forgets at once, 0.1 is a
    /// memory of about ten rounds. The first round counts whole.
    ///
    /// # Errors
    /// [`ScoreError::Rate`] outside of 0 < rate <= 1.
    pub fn new(rate: f64) -> Result<Self, ScoreError> {
        if rate > 0.0 && rate <= 1.0 {
            Ok(Self { rate, entries: BTreeMap::new() })
        } else {
            Err(ScoreError::Rate)
        }
    }

    /// Brings the book in line with the metagraph: hotkeys that left are forgotten, and one that
    /// registered anew starts anew. Call it before scoring a round.
    pub fn sync(&mut self, graph: &Metagraph) {
        self.entries.retain(|hotkey, entry| {
            graph
                .by_hotkey(hotkey)
                .is_some_and(|neuron| neuron.registered_at == entry.registered_at)
        });
    }

    /// Adds a round's score of one miner, 0..=1. A miner that is not in the metagraph is ignored and
    /// `false` comes back: it was replaced while it worked.
    ///
    /// # Errors
    /// [`ScoreError::Score`] outside of 0..=1.
    pub fn record(
        &mut self,
        graph: &Metagraph,
        hotkey: &Hotkey,
        score: f64,
    ) -> Result<bool, ScoreError> {
        if !(0.0..=1.0).contains(&score) {
            return Err(ScoreError::Score);
        }
        let Some(neuron) = graph.by_hotkey(hotkey) else { return Ok(false) };
        let fresh =
            Entry { score, rounds: 0, updated: graph.block(), registered_at: neuron.registered_at };
        let entry = self.entries.entry(*hotkey).or_insert(fresh);
        if entry.registered_at != neuron.registered_at {
            *entry = fresh;
        }
        entry.score += self.rate * (score - entry.score);
        entry.rounds = entry.rounds.saturating_add(1);
        entry.updated = graph.block();
        Ok(true)
    }

    /// The record of one miner.
    pub fn entry(&self, hotkey: &Hotkey) -> Option<&Entry> {
        self.entries.get(hotkey)
    }

    /// All records, by hotkey.
    pub fn entries(&self) -> impl Iterator<Item = (&Hotkey, &Entry)> {
        self.entries.iter()
    }

    /// The scores by uid of the metagraph; those without a record are absent.
    pub fn scores(&self, graph: &Metagraph) -> Vec<(Uid, f64)> {
        let known = self.entries.iter();
        let mut scores: Vec<_> = known
            .filter_map(|(hotkey, entry)| Some((graph.uid_of(hotkey)?, entry.score)))
            .collect();
        scores.sort_unstable_by_key(|(uid, _)| *uid);
        scores
    }

    /// Weights in proportion to `shape(score)`; the identity pays by score, a power above 1 favours
    /// the best.
    ///
    /// # Errors
    /// [`WeightsError`] when `shape` returns something that is no score.
    pub fn weights(
        &self,
        graph: &Metagraph,
        shape: impl Fn(f64) -> f64,
    ) -> Result<Weights, WeightsError> {
        Weights::from_scores(self.scores(graph).into_iter().map(|(uid, score)| (uid, shape(score))))
    }
}

/// Why a score was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScoreError {
    /// The rate must be above 0 and at most 1.
    #[error("the rate of a score book is above 0 and at most 1")]
    Rate,
    /// A score is a number from 0 to 1.
    #[error("a score is a number from 0 to 1")]
    Score,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metagraph::Neuron;
    use crate::network::{NetUid, Tempo};
    use crate::{Coldkey, Metagraph};

    fn graph(block: u64, slots: &[(u8, u64)]) -> Metagraph {
        let neurons = slots.iter().enumerate().map(|(uid, (key, registered))| {
            let mut neuron = Neuron::new(
                Uid::new(uid as u16),
                Hotkey::from_bytes([*key; 32]),
                Coldkey::from_bytes([0; 32]),
            );
            neuron.registered_at = BlockNumber::new(*registered);
            neuron
        });
        Metagraph::new(NetUid::new(1), BlockNumber::new(block), Tempo::new(10), neurons).unwrap()
    }

    #[test]
    fn averages_move() {
        let graph = graph(1, &[(1, 0)]);
        let key = graph.hotkey()[0];
        let mut book = ScoreBook::new(0.5).unwrap();
        book.record(&graph, &key, 1.0).unwrap();
        book.record(&graph, &key, 0.0).unwrap();
        assert_eq!(book.entry(&key).unwrap().score, 0.5);
        assert_eq!(book.entry(&key).unwrap().rounds, 2);
        assert_eq!(book.record(&graph, &key, f64::NAN), Err(ScoreError::Score));
    }

    #[test]
    fn a_slot_that_changed_hands_starts_anew() {
        let before = graph(1, &[(1, 0), (2, 0)]);
        let mut book = ScoreBook::new(0.5).unwrap();
        for hotkey in before.hotkey() {
            book.record(&before, hotkey, 1.0).unwrap();
        }
        // Slot 1 went to hotkey 3; hotkey 1 was pruned and came back later.
        let after = graph(9, &[(1, 8), (3, 8)]);
        book.sync(&after);
        assert_eq!(book.entries().count(), 0);
        assert!(!book.record(&after, &before.hotkey()[1], 1.0).unwrap());
        assert!(book.weights(&after, |score| score).unwrap().is_empty());
    }

    #[test]
    fn a_snapshot_is_the_book() {
        let graph = graph(1, &[(1, 0), (2, 0)]);
        let mut book = ScoreBook::new(0.3).unwrap();
        book.record(&graph, &graph.hotkey()[1], 0.7).unwrap();
        let text = serde_json::to_string(&book).unwrap();
        assert_eq!(serde_json::from_str::<ScoreBook>(&text).unwrap(), book);
    }
}
