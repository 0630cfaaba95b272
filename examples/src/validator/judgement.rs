//! From scores to weights on chain: [`Judgement`].

use serde::Serialize;
use tensor_chain::Subtensor;
use tensor_chain::client::weights::keeper::{Keeper, KeeperError};
use tensor_chain::client::{SetWeights, WeightsOutcome};
use tensor_core::score::ScoreBook;
use tensor_core::{BlockNumber, Hotkey, Keypair, Metagraph, Uid};

/// What would be set, and why.
#[derive(Debug, Serialize)]
pub(super) struct Judgement {
    /// For each miner its score, of how many rounds, and its part of all weight.
    pub(super) weights: Vec<Weighed>,
    block: BlockNumber,
}

/// One miner's weight and what it rests on.
#[derive(Debug, Serialize)]
pub(super) struct Weighed {
    uid: Uid,
    hotkey: Hotkey,
    score: f64,
    rounds: u64,
    share: f64,
}

/// Why weights wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// The epoch is young, or weights were set in it.
    Epoch,
    /// The validator has no permit.
    Permit,
    /// No miner has a score above zero.
    Evidence,
}

impl Judgement {
    /// What the book makes of the miners, unless it must wait.
    pub(super) fn of(
        graph: &Metagraph,
        book: &ScoreBook,
        me: &Hotkey,
        weighed: Option<BlockNumber>,
        power: i32,
    ) -> Result<Self, Waits> {
        let since = graph.block().since(graph.last_epoch());
        if weighed == Some(graph.last_epoch()) || since * 2 < u64::from(graph.tempo().value()) {
            return Err(Waits::Epoch);
        }
        if !graph.by_hotkey(me).is_some_and(|neuron| neuron.validator_permit) {
            return Err(Waits::Permit);
        }
        let entries = book.entries().filter_map(|(hotkey, entry)| {
            Some((graph.uid_of(hotkey)?, *hotkey, entry, entry.score.powi(power)))
        });
        let entries: Vec<_> = entries.filter(|(.., worth)| worth.is_finite()).collect();
        let all: f64 = entries.iter().map(|(.., worth)| worth).sum();
        if all <= 0.0 {
            return Err(Waits::Evidence);
        }
        let weigh =
            |(uid, hotkey, entry, worth): (Uid, Hotkey, &tensor_core::score::Entry, f64)| Weighed {
                uid,
                hotkey,
                score: entry.score,
                rounds: entry.rounds,
                share: worth / all,
            };
        let mut weights: Vec<_> = entries.into_iter().map(weigh).collect();
        weights.sort_unstable_by_key(|weighed| weighed.uid);
        Ok(Self { weights, block: graph.block() })
    }

    /// Brings it on chain.
    pub(super) async fn set(
        &self,
        keeper: &mut Keeper,
        chain: &Subtensor,
        graph: &Metagraph,
        key: &Keypair,
    ) -> Result<WeightsOutcome, KeeperError> {
        let scores = self.weights.iter().map(|weighed| (weighed.uid, weighed.share));
        keeper.set(chain, &SetWeights::from_scores(graph.netuid(), scores), key).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tensor_core::metagraph::Neuron;
    use tensor_core::{Coldkey, NetUid, Tempo};

    fn hotkey(byte: u8) -> Hotkey {
        Hotkey::from_bytes([byte; 32])
    }

    fn graph(block: u64, permit: bool) -> Metagraph {
        let neurons = (0..3).map(|uid| {
            let coldkey = Coldkey::from_bytes([9; 32]);
            let mut neuron = Neuron::new(Uid::new(uid.into()), hotkey(uid), coldkey);
            neuron.validator_permit = permit && uid == 0;
            neuron
        });
        let (netuid, block) = (NetUid::new(1), BlockNumber::new(block));
        Metagraph::new(netuid, block, Tempo::new(10), neurons).unwrap()
    }

    #[test]
    fn weights_follow_scores_once_an_epoch_and_with_a_permit() {
        let mut book = ScoreBook::new(1.0).unwrap();
        let of = |graph: &Metagraph, book: &ScoreBook, weighed: Option<u64>, power| {
            let weighed = weighed.map(BlockNumber::new);
            Judgement::of(graph, book, &hotkey(0), weighed, power)
        };
        let (young, late) = (graph(4, true), graph(5, true));
        assert_eq!(of(&late, &book, None, 1).unwrap_err(), Waits::Evidence);
        for (miner, score) in [(1, 0.75), (2, 0.25)] {
            book.record(&late, &hotkey(miner), score).unwrap();
        }
        assert_eq!(of(&young, &book, None, 1).unwrap_err(), Waits::Epoch);
        assert_eq!(of(&late, &book, Some(0), 1).unwrap_err(), Waits::Epoch);
        assert_eq!(of(&graph(5, false), &book, None, 1).unwrap_err(), Waits::Permit);
        let shares = |power| -> Vec<f64> {
            let weights = of(&late, &book, None, power).unwrap().weights;
            weights.iter().map(|weighed| weighed.share).collect()
        };
        assert_eq!(shares(1), [0.75, 0.25]);
        assert_eq!(shares(2), [0.9, 0.1]);
    }
}
