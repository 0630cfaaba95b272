//! The chain as the cast sees it, and who moves it on: one header a tick, however many blocks it spans.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::stream::BoxStream;
use tensor_chain::Subtensor;
use tensor_chain::client::{SetWeights, WeightsOutcome};
use tensor_chain::local::LocalChain;
use tensor_chain::timelock::Beacon;
use tensor_core::chain::{At, Chain, ChainError, Header};
use tensor_core::drive::{Pace, WeightSetter};
use tensor_core::key::Signer;
use tensor_core::{BlockNumber, Call, Metagraph, NetUid, Receipt, Weights};

/// The chain, its client, and the headers that the cast acts on. Clones are the same stage.
#[derive(Clone)]
pub(super) struct Stage {
    subtensor: Subtensor,
    chain: LocalChain,
    beacon: Arc<Beacon>,
    audience: Arc<Mutex<Vec<mpsc::UnboundedSender<Header>>>>,
}

impl Stage {
    pub(super) fn new(subtensor: Subtensor, chain: LocalChain, beacon: Beacon) -> Self {
        Self { subtensor, chain, beacon: Arc::new(beacon), audience: Arc::default() }
    }

    /// Moves the chain on whenever everybody waits for it: to the next block when something waits for
    /// inclusion, else to the next block that validators act on.
    pub(super) async fn run(&self, pace: &Pace, every: u64) {
        loop {
            pace.all_rest().await;
            pace.next_block(|| {
                let to_go = every - self.chain.block_number() % every;
                self.chain.advance(if self.chain.waiting() > 0 { 1 } else { to_go });
                self.announce();
            });
        }
    }

    fn announce(&self) {
        let number = self.chain.block_number();
        let hash = |number| self.chain.block_hash(number).unwrap_or_default();
        let parent = hash(number.saturating_sub(1));
        let header = Header::new(BlockNumber::new(number), hash(number), parent);
        self.audience().retain(|seat| seat.unbounded_send(header).is_ok());
    }

    fn audience(&self) -> MutexGuard<'_, Vec<mpsc::UnboundedSender<Header>>> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Chain for Stage {
    async fn metagraph(&self, netuid: NetUid, at: At) -> Result<Metagraph, ChainError> {
        Chain::metagraph(&self.subtensor, netuid, at).await
    }

    async fn submit(&self, call: Call, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        Chain::submit(&self.subtensor, call, signer).await
    }

    fn headers(&self) -> BoxStream<'static, Result<Header, ChainError>> {
        let (seat, headers) = mpsc::unbounded();
        self.audience().push(seat);
        headers.map(Ok).boxed()
    }
}

#[async_trait]
impl WeightSetter for Stage {
    /// Whatever way the subnet takes them. Of drand's rounds only those come out that open something.
    async fn set_weights(
        &self,
        netuid: NetUid,
        weights: &Weights,
        signer: &dyn Signer,
    ) -> Result<Receipt, ChainError> {
        let set = SetWeights::new(netuid, weights.clone());
        let outcome = self.subtensor.set_weights(&set, signer).await?;
        if let WeightsOutcome::Committed { reveal_round, .. } = &outcome {
            let signature = self.beacon.signature(*reveal_round);
            self.chain.store_pulse(*reveal_round, &[0; 32], &signature);
        }
        outcome.into_receipt()
    }
}
