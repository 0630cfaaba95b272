//! Days of a subnet in seconds, with *your* validator as the judge: who would earn what, before it is
//! real money.
//!
//! [`Rehearsal::play`] founds a subnet on a chain in the process and lets miners of known character
//! serve your validator over signed requests, in virtual time: honest ones, a lazy one that answers
//! anything with the first thing it ever said, one that copies what an honest one just said, and a ring
//! that shares one miner's work and has a validator of its own. Beside your validator's instances sits
//! one that asks nobody and copies weights. The chain runs the same epochs and pays the same alpha as the
//! real one would; [`Report`] says what each strategy earned.
//!
//! [`Rehearsal::reveal_periods`] plays once for each reveal period and says from which one on copying
//! weights pays less than judging.

mod cast;
mod clock;
mod copier;
mod miners;
mod report;

use std::sync::Arc;

use futures::future::{BoxFuture, join_all, select};
use futures::{FutureExt, StreamExt};
use tensor_chain::local::{LocalChain, Preset};
use tensor_chain::timelock::Beacon;
use tensor_chain::{Config, Subtensor};
use tensor_core::chain::{At, Chain, ChainError};
use tensor_core::drive::{Driver, Options, Pace, Presence};
use tensor_core::miner::Miner;
use tensor_core::transport::Transport;
use tensor_core::{Hotkey, NetUid, Validator};
use tensor_net::Network;
use tensor_yuma::sim::EpochRecord;

use crate::founding::Founding;
use cast::Cast;
use clock::Stage;

pub use cast::Strategy;
pub use report::{CopyingPays, Pay, Report};

/// Blocks of a day: one in twelve seconds.
const BLOCKS_OF_A_DAY: u64 = 7_200;

/// What is rehearsed; [`Rehearsal::default`] is thirty days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rehearsal {
    /// Days of 7,200 blocks.
    pub days: u64,
    /// Blocks of an epoch.
    pub tempo: u16,
    /// Validators act on blocks whose height is a multiple of this.
    pub every: u64,
    /// For how many epochs weights stay sealed; 0 for weights in the open.
    pub reveal_period: u64,
    /// Decides on which days honest miners are at their best.
    pub seed: u64,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self { days: 30, tempo: 360, every: 120, reveal_period: 1, seed: 0 }
    }
}

/// Why a rehearsal came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RehearsalError {
    /// A number out of range.
    #[error("{0}")]
    Invalid(String),
    /// A key of the cast could not be made.
    #[error("a key of the cast cannot be made")]
    Key(#[from] tensor_core::key::UriError),
    /// The chain refused.
    #[error("the chain refused")]
    Chain(#[from] ChainError),
    /// The chain cannot be built or read.
    #[error("the chain cannot be used")]
    Client(#[from] tensor_chain::Error),
    /// The chain's interface.
    #[error("the chain cannot be built")]
    Interface(#[from] tensor_chain::local::InterfaceError),
    /// The run ended before its time: a participant stopped.
    #[error("the rehearsal stopped after {0} epochs")]
    Stopped(usize),
}

impl Rehearsal {
    /// Plays once. `validator` is called for each of your instances with its hotkey; `honest` is the
    /// miner as you mean it.
    ///
    /// # Errors
    /// [`RehearsalError`]; a validator that never sets weights is no error but earns nothing.
    pub async fn play<V: Validator + 'static>(
        self,
        mut validator: impl FnMut(Hotkey) -> V,
        honest: Arc<dyn Miner>,
    ) -> Result<Report, RehearsalError> {
        self.check()?;
        let cast = Cast::new()?;
        let chain = LocalChain::builder()
            .preset(Preset::Dev)
            .block_time_ms(12_000)
            .fund(cast.owner.account_id(), 5_000_000_000_000)
            .fund(cast.coldkey.account_id(), 50_000_000_000_000)
            .build()?;
        let beacon = Beacon::new(&[7; 32]);
        let mut config = Config::default();
        config.drand =
            tensor_chain::client::weights::commit::Drand::dangerous_with_key(beacon.public_key());
        let subtensor = Subtensor::from_rpc_with(chain.rpc(), config).await?;
        let stage = Stage::new(subtensor.clone(), chain, beacon);
        let pace = Pace::new();
        let seat = pace.join(stage.clone());

        let clock = stage.run(&pace, self.every);
        let play = async {
            let netuid = self.found(&cast, &seat).await?;
            let mut records = Vec::new();
            let network = Network::new();
            let miners = miners::engage(&cast, &network, &honest, self.seed);
            for (neuron, endpoint) in miners {
                let chain = Arc::new(seat.clone());
                let signer = Arc::new(cast.neurons[neuron].key.clone());
                Presence::new(chain, signer, netuid, endpoint.address, 1).publish().await?;
            }
            let mut loops: Vec<BoxFuture<'_, ()>> = Vec::new();
            for neuron in &cast.neurons {
                let Some(judge) = neuron.judge(&cast, &mut validator) else { continue };
                let chain = Arc::new(pace.join(stage.clone()));
                let transport: Arc<dyn Transport> = Arc::new(network.client(neuron.key.clone()));
                let mut driver = Driver::new(
                    chain.clone(),
                    transport,
                    Arc::new(neuron.key.clone()),
                    netuid,
                    judge,
                )
                .with_weights(chain)
                .with_options(Options::default().with_every(self.every));
                // What fails shows in the pay.
                loops.push(async move { driver.run(drop).await }.boxed());
            }
            let copier = cast.neurons.iter().find(|one| one.strategy == Strategy::CopyingWeights);
            if let Some(copier) = copier {
                let chain = pace.join(stage.clone());
                loops.push(
                    copier::run(chain, subtensor.clone(), copier.key.clone(), netuid).boxed(),
                );
            }
            let watch = self.watch(&seat, &subtensor, netuid, &cast, &mut records);
            match select(Box::pin(watch), Box::pin(join_all(loops))).await {
                futures::future::Either::Left((done, _)) => done?,
                futures::future::Either::Right(_) => {}
            }
            if records.len() < self.epochs() {
                return Err(RehearsalError::Stopped(records.len()));
            }
            Ok(Report::new(&self, &cast, records))
        };
        match select(Box::pin(play), Box::pin(clock)).await {
            futures::future::Either::Left((report, _)) => report,
            futures::future::Either::Right(_) => Err(RehearsalError::Stopped(0)),
        }
    }

    /// Plays once for each reveal period, 0 for weights in the open.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub async fn reveal_periods<V: Validator + 'static>(
        self,
        periods: impl IntoIterator<Item = u64>,
        mut validator: impl FnMut(Hotkey) -> V,
        honest: Arc<dyn Miner>,
    ) -> Result<CopyingPays, RehearsalError> {
        let mut copying = CopyingPays::default();
        for reveal_period in periods {
            let rehearsal = Self { reveal_period, ..self };
            copying.add(reveal_period, &rehearsal.play(&mut validator, honest.clone()).await?);
        }
        Ok(copying)
    }

    /// Epochs in all.
    #[must_use]
    pub fn epochs(&self) -> usize {
        let epochs = self.days.saturating_mul(BLOCKS_OF_A_DAY) / u64::from(self.tempo.max(1));
        usize::try_from(epochs).unwrap_or(usize::MAX).max(1)
    }

    fn check(&self) -> Result<(), RehearsalError> {
        let invalid = |what: &str| Err(RehearsalError::Invalid(what.to_owned()));
        match self {
            Self { days: 0, .. } => invalid("a rehearsal takes at least one day"),
            Self { tempo: 0..10, .. } => invalid("the tempo is at least 10 blocks"),
            Self { every: 0, .. } => {
                invalid("validators act every block or less often, not every 0")
            }
            Self { reveal_period: 101.., .. } => invalid("the reveal period is at most 100 epochs"),
            _ => Ok(()),
        }
    }

    async fn found(&self, cast: &Cast, chain: &dyn Chain) -> Result<NetUid, ChainError> {
        let neurons: Vec<_> = cast.neurons.iter().map(|one| (one.hotkey(), one.stake())).collect();
        let sealed = self.reveal_period > 0;
        let mut rules = vec![
            ("sudo_set_tempo", vec![("tempo", self.tempo.into())]),
            ("sudo_set_commit_reveal_weights_enabled", vec![("enabled", sealed.into())]),
        ];
        if sealed {
            let interval = vec![("interval", self.reveal_period.into())];
            rules.push(("sudo_set_commit_reveal_weights_interval", interval));
        }
        let founding = Founding {
            owner: &cast.owner,
            owner_hotkey: cast.owner_hotkey,
            coldkey: &cast.coldkey,
            neurons: &neurons,
            rules,
        };
        founding.found(chain).await
    }

    /// Writes down each epoch until all are over.
    async fn watch(
        &self,
        chain: &dyn Chain,
        subtensor: &Subtensor,
        netuid: NetUid,
        cast: &Cast,
        records: &mut Vec<EpochRecord>,
    ) -> Result<(), RehearsalError> {
        let mut headers = chain.headers();
        let mut last = subtensor.metagraph(netuid).await?.last_epoch();
        while let Some(header) = headers.next().await {
            let graph = chain.metagraph(netuid, At::Hash(header?.hash)).await?;
            if graph.last_epoch() == last {
                continue;
            }
            last = graph.last_epoch();
            let rows = subtensor.at(At::Number(graph.block()));
            let weights = rows.weights(netuid, tensor_core::MechId::new(0)).await?;
            records.push(report::record(records.len(), &graph, &weights, cast));
            if records.len() >= self.epochs() {
                break;
            }
        }
        Ok(())
    }
}
