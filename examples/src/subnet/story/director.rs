//! Following the epochs: what the board shows, who dies when, when it is over.

use futures::StreamExt;
use futures::stream::BoxStream;
use tensor_chain::Subtensor;
use tensor_core::NetUid;
use tensor_core::chain::{At, ChainError, Header};

use super::super::args::Kill;
use super::super::ledger::{self};
use super::super::ranking::Ranking;
use super::players::Task;
use super::{Play, StoryError};

impl Play<'_> {
    /// Follows the epochs, keeps the board, stops miners that shall die, and says when it is over.
    pub(super) async fn direct(
        &self,
        netuid: NetUid,
        headers: &mut BoxStream<'_, Result<Header, ChainError>>,
        ranking: &Ranking,
        servers: &mut [Task],
    ) -> Result<Vec<String>, StoryError> {
        let mut last = 0;
        let mut stopped = Vec::new();
        while let Some(header) = headers.next().await {
            let header = header?;
            let at = self.subtensor.at(At::Hash(header.hash));
            let epoch = ledger::epochs_since_start(&at, netuid).await?;
            if epoch == last {
                continue;
            }
            last = epoch;
            self.show(&at, netuid, epoch, ranking).await?;
            for kill in self.args.kill.iter().filter(|kill| kill.epoch == epoch) {
                stopped.extend(self.stop(kill, servers));
            }
            if epoch >= self.args.epochs {
                break;
            }
        }
        Ok(stopped)
    }

    async fn show(
        &self,
        at: &Subtensor,
        netuid: NetUid,
        epoch: u64,
        ranking: &Ranking,
    ) -> Result<(), StoryError> {
        let graph = at.metagraph(netuid).await?;
        let ranked = ranking.best_first();
        self.board.show(&graph, |hotkey| {
            ranked.iter().find(|one| one.endpoint.hotkey == *hotkey).map(|one| one.score)
        });
        let price = ledger::price(at, netuid).await?;
        let issuance: u64 = at.storage_as("Balances", "TotalIssuance", &[]).await?;
        let paid: u64 = graph.emission().iter().map(|alpha| alpha.rao()).sum();
        self.board.update(|board| {
            board.epoch.0 = epoch;
            board.price_rao = price;
            board.issuance_rao = issuance;
        });
        self.board.say(format!(
            "block {}: epoch {epoch} paid {:.3}",
            graph.block(),
            tensor_core::Alpha::from_rao(paid)
        ));
        Ok(())
    }

    pub(super) fn stop(&self, kill: &Kill, servers: &mut [Task]) -> Option<String> {
        let at = usize::from(kill.miner);
        let (person, _) = self.cast.miners.get(at)?;
        servers.get_mut(at)?.stop();
        self.board.stopped(&person.name);
        self.board.say(format!("{} dies", person.name));
        Some(person.hot().to_string())
    }
}
