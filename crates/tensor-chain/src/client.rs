//! The client: [`Subtensor`].
//!
//! One code path for every chain. The real chain is reached over a websocket (feature `ws`), the local
//! one in memory (feature `local`), and anything else that implements subxt's two-method `RpcClientT`.
//! No runtime is assumed: with no default features, `futures::executor::block_on` is enough.

mod capability;
mod catalog;
pub mod endpoints;
mod follow;
mod headers;
mod map;
mod memory;
mod nonce;
mod raw;
mod read;
mod rpc;
mod runtime;
#[cfg(feature = "shield")]
mod shield;
mod sign;
mod submit;
pub mod weights;

use std::fmt;
use std::sync::Arc;

use subxt::backend::LegacyBackend;
use subxt::rpcs::RpcClientT;
use subxt::{OnlineClient, SubstrateConfig};
use tensor_core::BlockNumber;
use tensor_core::chain::{At, Header};
use tensor_core::receipt::Stage;

pub use catalog::{READS, Read};
pub use map::StorageStream;
pub use read::*;
pub use runtime::{Runtime, RuntimeCache};
pub use weights::{HashedCommit, SetWeights, WeightsOutcome, WeightsRefused};

use crate::error::Error;
use crate::policy::Policy;
use rpc::{Hash, Rpc};
use runtime::Runtimes;

/// A Bittensor chain.
///
/// Cheap to clone; clones share the connection, the metadata and the nonces. Reads are as of the newest
/// block, or of the one chosen with [`at`](Self::at). Dropping a future gives it up, except that an
/// extrinsic already sent may still land.
#[derive(Clone)]
pub struct Subtensor {
    inner: Arc<Inner>,
    at: At,
    config: Config,
    policy: Option<Arc<Policy>>,
}

struct Inner {
    rpc: Rpc,
    genesis_hash: Hash,
    runtimes: Runtimes,
    nonces: nonce::Nonces,
}

/// How a client behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where metadata is kept; share it between clients of the same chain.
    pub cache: RuntimeCache,
    /// How sure an inclusion must be before [`Subtensor::submit`] returns; a block unless said.
    pub wait_for: Stage,
    /// For how many blocks an extrinsic is valid: a power of two, 64 unless said.
    pub era_period: u64,
    /// How often a call is signed anew after the pool refused it for a reason that passes; 16 unless
    /// said. Only what provably is in no block is ever signed again.
    pub attempts: u32,
    /// How many bytes of answers about blocks by their hash, which never change, are remembered; 8 MiB
    /// unless said. At 0 nothing is: for chains whose controls change the past.
    pub most_remembered: usize,
    /// The beacon that opens timelocked weights; quicknet unless said. Only a chain of one's own has
    /// another.
    #[cfg(feature = "timelock")]
    pub drand: weights::commit::Drand,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cache: RuntimeCache::new(),
            wait_for: Stage::InBlock,
            era_period: 64,
            attempts: 16,
            most_remembered: 8 << 20,
            #[cfg(feature = "timelock")]
            drand: weights::commit::Drand::QUICKNET,
        }
    }
}

/// The most bytes of an answer: metadata and full metagraphs are megabytes.
#[cfg(feature = "ws")]
const MOST_RESPONSE: u32 = 64 << 20;

impl Subtensor {
    /// A chain behind any JSON-RPC client.
    ///
    /// # Errors
    /// [`Error`] when it does not answer, or its metadata cannot be read.
    pub async fn from_rpc(client: impl RpcClientT) -> Result<Self, Error> {
        Self::from_rpc_with(client, Config::default()).await
    }

    /// A chain behind any JSON-RPC client, configured.
    ///
    /// # Errors
    /// As [`Self::from_rpc`].
    pub async fn from_rpc_with(client: impl RpcClientT, config: Config) -> Result<Self, Error> {
        let rpc = Rpc::new(client, config.most_remembered);
        let (genesis_hash, version) =
            futures::try_join!(rpc.genesis_hash(), rpc.runtime_version(None))?;
        let runtimes = Runtimes::new(genesis_hash, config.cache.clone());
        runtimes.get(&rpc, version, None).await?;
        let inner = Inner { rpc, genesis_hash, runtimes, nonces: nonce::Nonces::default() };
        Ok(Self { inner: Arc::new(inner), at: At::Head, config, policy: None })
    }

    /// A node at a websocket address such as `wss://entrypoint-finney.opentensor.ai:443`, reconnecting
    /// by itself after a lost connection and after a silence (see
    /// [`Patience`](endpoints::Patience)). Needs a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Disconnected`] when nothing answers there now, or as [`Self::from_rpc`].
    #[cfg(feature = "ws")]
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_with(url, Config::default()).await
    }

    /// As [`Self::connect`], configured.
    ///
    /// # Errors
    /// As [`Self::connect`].
    #[cfg(feature = "ws")]
    pub async fn connect_with(url: &str, config: Config) -> Result<Self, Error> {
        let endpoints = endpoints::Endpoints::websockets([url]);
        endpoints.open().await?;
        Self::from_rpc_with(endpoints, config).await
    }

    /// A chain behind several websocket addresses: the first that answers, and the next when it fails.
    /// Needs a tokio runtime. For archives, a pinned chain and health see
    /// [`Endpoints`](endpoints::Endpoints).
    ///
    /// # Errors
    /// As [`Self::connect`], when none answers.
    #[cfg(feature = "ws")]
    pub async fn connect_any<U: Into<String>>(
        urls: impl IntoIterator<Item = U>,
    ) -> Result<Self, Error> {
        let endpoints = endpoints::Endpoints::websockets(urls);
        endpoints.open().await?;
        Self::from_rpc(endpoints).await
    }

    /// A local chain in this process. Nothing is remembered of its blocks, since its controls change
    /// them.
    ///
    /// # Errors
    /// As [`Self::from_rpc`]; none is expected.
    #[cfg(feature = "local")]
    pub async fn local(chain: &crate::local::LocalChain) -> Result<Self, Error> {
        let config = Config { most_remembered: 0, ..Config::default() };
        Self::from_rpc_with(chain.rpc(), config).await
    }

    /// The same chain, read as of another block.
    #[must_use]
    pub fn at(&self, at: At) -> Self {
        Self { at, ..self.clone() }
    }

    /// The same chain, read as of the block that is the newest now (or was chosen with
    /// [`at`](Self::at)): several reads that belong together agree.
    ///
    /// # Errors
    /// [`Error`] when the block cannot be asked for.
    pub async fn pinned(&self) -> Result<Self, Error> {
        Ok(self.at(At::Hash(self.block_hash().await?)))
    }

    /// The same chain, behind a policy: what it forbids is not signed.
    #[must_use]
    pub fn with_policy(&self, policy: Policy) -> Self {
        Self { policy: Some(Arc::new(policy)), ..self.clone() }
    }

    /// The same chain, where submissions return as soon as inclusion is that sure.
    #[must_use]
    pub fn waiting_for(&self, stage: Stage) -> Self {
        let mut chain = self.clone();
        chain.config.wait_for = stage;
        chain
    }

    /// The hash of block 0: which chain this is.
    pub fn genesis_hash(&self) -> [u8; 32] {
        self.inner.genesis_hash
    }

    /// The runtime at the block that is read.
    ///
    /// # Errors
    /// [`Error`] when the node does not say, or its metadata cannot be read.
    pub async fn runtime(&self) -> Result<Arc<Runtime>, Error> {
        let at = self.resolve().await?;
        self.runtime_at(at).await
    }

    /// The hash of the block that is read.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] when there is no such block.
    pub async fn block_hash(&self) -> Result<[u8; 32], Error> {
        match self.resolve().await? {
            Some(hash) => Ok(hash),
            None => self.inner.rpc.block_hash(None).await,
        }
    }

    /// Height, hash and parent of the block that is read.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] when there is no such block.
    pub async fn header(&self) -> Result<Header, Error> {
        let at = self.resolve().await?;
        self.inner.rpc.header(at).await
    }

    /// The height of the block that is read.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] when there is no such block.
    pub async fn block_number(&self) -> Result<BlockNumber, Error> {
        Ok(self.header().await?.number)
    }

    /// subxt's client over the same connection, for what this one lacks. Outside this crate's semantic
    /// versioning.
    ///
    /// # Errors
    /// [`Error`] when the node does not answer.
    pub async fn as_subxt(&self) -> Result<OnlineClient<SubstrateConfig>, Error> {
        let backend = LegacyBackend::builder().build(self.inner.rpc.client().clone());
        let client = OnlineClient::from_backend(Arc::new(backend)).await;
        client.map_err(|error| Error::Disconnected(error.into()))
    }

    /// The policy that what is signed must pass.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_deref()
    }

    /// For how many blocks what this client signs is valid.
    pub(crate) const fn era_period(&self) -> u64 {
        self.config.era_period
    }

    /// The block to read; `None` for the newest.
    async fn resolve(&self) -> Result<Option<Hash>, Error> {
        let rpc = &self.inner.rpc;
        match self.at {
            At::Head => Ok(None),
            At::Finalized => rpc.finalized_head().await.map(Some),
            At::Number(number) => rpc.block_hash(Some(number)).await.map(Some),
            At::Hash(hash) => Ok(Some(hash)),
            _ => Err(Error::UnknownBlock),
        }
    }

    async fn runtime_at(&self, at: Option<Hash>) -> Result<Arc<Runtime>, Error> {
        if let Some(runtime) = at.and_then(|at| self.inner.runtimes.known(at)) {
            return Ok(runtime);
        }
        let version = self.inner.rpc.runtime_version(at).await?;
        self.inner.runtimes.get(&self.inner.rpc, version, at).await
    }
}

impl fmt::Debug for Subtensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subtensor")
            .field("genesis_hash", &rpc::to_hex(&self.inner.genesis_hash))
            .field("at", &self.at)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
