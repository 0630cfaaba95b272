//! The local chain: a small Substrate node in a box, for development, tests and simulation.
//!
//! It holds real storage keys and SCALE values, verifies real signed extrinsics, and answers the
//! JSON-RPC that clients of the public chain speak. What it does not have is a network, consensus
//! between nodes, or a clock: blocks are made when the owner asks for them.

mod api;
pub mod block;
mod builder;
pub mod config;
#[cfg(feature = "durable")]
pub mod durable;
mod ecdsa;
pub mod extrinsic;
mod faults;
pub mod fee;
mod history;
mod inspect;
pub mod interface;
mod invariants;
mod node;
pub mod pool;
pub mod rpc;
pub mod runtime;
mod shield;
pub mod state;
mod storage;
mod upgrade;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tensor_core::NetUid;
use tensor_core::account::AccountId;

pub use builder::LocalChainBuilder;
pub use config::{LocalChainConfig, Preset, Sealing};
#[cfg(feature = "durable")]
pub use durable::{DataDir, DurableError};
pub use faults::Faults;
pub use interface::{Build, Interface, InterfaceError};
pub use invariants::Invariants;
pub use rpc::{LocalRpc, RpcError};
pub use runtime::ImportedSubnet;

use block::Hash;
use node::Node;

/// A whole chain in the process. Cheap to clone; all clones are the same chain.
///
/// No thread, no timer and no async runtime is behind it: blocks are made inside
/// [`advance`](Self::advance) and, under [`Sealing::Instant`], inside the submission of a transaction.
#[derive(Debug, Clone)]
pub struct LocalChain {
    node: Arc<Mutex<Node>>,
}

/// A whole chain at a moment: to go back to, or to start others from.
#[derive(Debug)]
pub struct Snapshot(Node);

/// Why a control of the local chain refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalChainError {
    /// The interface cannot be used.
    #[error("the interface cannot be used")]
    Interface(#[from] InterfaceError),
    /// No storage item has that name.
    #[error("the interface has no storage item {pallet}.{item}")]
    NoSuchItem {
        /// The pallet that was asked for.
        pallet: String,
        /// The item that was asked for.
        item: String,
    },
    /// The keys do not fit the item.
    #[error("{pallet}.{item} takes {expected} keys of its own types")]
    Keys {
        /// The pallet.
        pallet: String,
        /// The item.
        item: String,
        /// How many keys it takes.
        expected: usize,
    },
    /// The bytes are no value of the item's type.
    #[error("the bytes are no value of {pallet}.{item}")]
    Value {
        /// The pallet.
        pallet: String,
        /// The item.
        item: String,
    },
    /// The block does not exist, or its state is no longer kept.
    #[error("block {0} is not kept")]
    NoSuchBlock(u64),
    /// The block is final, or an older runtime's, and cannot be replaced.
    #[error("block {0} is final")]
    Final(u64),
    /// The chain makes no more blocks: its disk failed.
    #[error("the chain makes no more blocks")]
    Halted,
    /// No epoch came within the longest possible tempo: the subnet is absent or its tempo is 0.
    #[error("subnet {0} has no epochs")]
    NoEpoch(u16),
}

impl LocalChain {
    /// Starts to set up a chain.
    #[must_use]
    pub fn builder() -> LocalChainBuilder {
        LocalChainBuilder::default()
    }

    /// The chain's JSON-RPC, for a client in the same process.
    #[must_use]
    pub fn rpc(&self) -> LocalRpc {
        LocalRpc::new(self.clone())
    }

    /// Makes `count` blocks.
    pub fn advance(&self, count: u64) {
        for _ in 0..count {
            self.lock().produce();
        }
    }

    /// Makes blocks until an epoch of the subnet has run in one. Returns the number of blocks made.
    ///
    /// # Errors
    ///
    /// [`LocalChainError::NoEpoch`] when none came within the longest possible tempo; the chain may
    /// also be [halted](LocalChainError::Halted).
    pub fn advance_to_epoch(&self, netuid: u16) -> Result<u64, LocalChainError> {
        let epoch = |node: &mut Node| {
            let key =
                storage_key(node, "SubtensorModule", "SubnetEpochIndex", &[&netuid.to_le_bytes()])?;
            Ok::<_, LocalChainError>(node.state.get(&key).map(<[u8]>::to_vec))
        };
        let before = epoch(&mut self.lock())?;
        for made in 1..=LONGEST_EPOCH {
            let mut node = self.lock();
            if node.halted() {
                return Err(LocalChainError::Halted);
            }
            node.produce();
            if epoch(&mut node)? != before {
                return Ok(made);
            }
        }
        Err(LocalChainError::NoEpoch(netuid))
    }

    /// Height of the newest block.
    #[must_use]
    pub fn block_number(&self) -> u64 {
        u64::from(self.lock().history.head())
    }

    /// Height of the newest finalised block.
    #[must_use]
    pub fn finalized_number(&self) -> u64 {
        u64::from(self.lock().finalized)
    }

    /// Height of the oldest block whose state can be read.
    #[must_use]
    pub fn oldest_number(&self) -> u64 {
        u64::from(self.lock().history.oldest())
    }

    /// Hash of a block of any age; `None` where there is no such block yet.
    #[must_use]
    pub fn block_hash(&self, number: u64) -> Option<Hash> {
        u32::try_from(number).ok().and_then(|n| self.lock().history.hash(n))
    }

    /// Hash of the genesis block.
    #[must_use]
    pub fn genesis_hash(&self) -> Hash {
        self.lock().genesis_hash()
    }

    /// The encoded extrinsics of a block, the inherent first; `None` where the block is not kept.
    #[must_use]
    pub fn extrinsics(&self, number: u64) -> Option<Vec<Arc<[u8]>>> {
        let number = u32::try_from(number).ok()?;
        self.lock().history.block(number).map(|block| block.extrinsics.clone())
    }

    /// Time of the newest block, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        let node = self.lock();
        node.time_of(node.history.head())
    }

    /// Lets the next block be made at `now_ms`, unless it would be later anyway.
    pub fn set_time(&self, now_ms: u64) {
        self.lock().set_time(now_ms);
    }

    /// Finalises every block so far.
    pub fn finalize(&self) {
        self.lock().finalize_all();
    }

    /// Number of transactions that wait for a block.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().pool.len()
    }

    /// The interface that the chain speaks.
    #[must_use]
    pub fn interface(&self) -> Arc<Interface> {
        Arc::clone(&self.lock().interface)
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> LocalChainConfig {
        self.lock().config.clone()
    }

    /// From now on fees go to this account; to nobody: they are dropped.
    pub fn set_author(&self, author: Option<AccountId>) {
        self.lock().config.author = author;
    }

    /// Turns fees on or off.
    pub fn set_fees(&self, fees: bool) {
        self.lock().config.fees = fees;
    }

    /// Changes when blocks are made.
    pub fn set_sealing(&self, sealing: Sealing) {
        self.lock().config.sealing = sealing;
    }

    /// Gives an account new TAO out of nothing, in rao. Issuance rises by it.
    pub fn fund(&self, account: &AccountId, rao: u64) {
        self.lock().control(|cx, runtime| runtime.endow(cx, account.as_bytes(), rao));
    }

    /// Stores a drand pulse, as if the beacon's round had been published: what was encrypted to it
    /// opens when its time comes.
    pub fn store_pulse(&self, round: u64, randomness: &[u8], signature: &[u8]) {
        self.lock().control(|cx, runtime| runtime.store_pulse(cx, round, randomness, signature));
    }

    /// Free balance of an account in rao, in the newest block.
    #[must_use]
    pub fn balance(&self, account: &AccountId) -> u64 {
        let node = self.lock();
        node.runtime.free_balance(&node.state, account.as_bytes())
    }

    /// Where all TAO is and came from, recomputed from the newest block's storage (chain rules 15.4).
    #[must_use]
    pub fn tao_ledger(&self) -> runtime::TaoLedger {
        let node = self.lock();
        node.runtime.tao_ledger(&node.state)
    }

    /// Where all alpha of a subnet is, recomputed from the newest block's storage.
    #[must_use]
    pub fn alpha_ledger(&self, netuid: NetUid) -> runtime::AlphaLedger {
        let node = self.lock();
        node.runtime.alpha_ledger(&node.state, netuid.value())
    }

    /// The stored bytes of an entry in the newest block; `None` where nothing is stored.
    ///
    /// Each key is given in its SCALE form.
    ///
    /// # Errors
    ///
    /// The item does not exist, or takes other keys.
    pub fn storage(
        &self,
        pallet: &str,
        item: &str,
        keys: &[&[u8]],
    ) -> Result<Option<Vec<u8>>, LocalChainError> {
        let node = self.lock();
        let key = storage_key(&node, pallet, item, keys)?;
        Ok(node.state.get(&key).map(<[u8]>::to_vec))
    }

    /// The stored bytes of an entry after block `number`.
    ///
    /// # Errors
    ///
    /// As [`storage`](Self::storage); also when the block is not kept.
    pub fn storage_at(
        &self,
        number: u64,
        pallet: &str,
        item: &str,
        keys: &[&[u8]],
    ) -> Result<Option<Vec<u8>>, LocalChainError> {
        let node = self.lock();
        let key = storage_key(&node, pallet, item, keys)?;
        let number = kept(&node, number)?;
        Ok(node.history.value_at(&node.state, &key, number).map(|bytes| bytes.to_vec()))
    }

    /// Stores bytes under an entry, or removes it. No rule of the chain is asked; only the type is.
    ///
    /// # Errors
    ///
    /// The item does not exist, takes other keys, or the bytes are no value of its type.
    pub fn set_storage(
        &self,
        pallet: &str,
        item: &str,
        keys: &[&[u8]],
        value: Option<&[u8]>,
    ) -> Result<(), LocalChainError> {
        let mut node = self.lock();
        let key = storage_key(&node, pallet, item, keys)?;
        let ty = node.interface.storage(pallet, item).map(|s| s.value);
        let fits = match (value, ty) {
            (Some(bytes), Some(ty)) => node.interface.is_value(ty, bytes),
            _ => true,
        };
        if !fits {
            return Err(LocalChainError::Value { pallet: pallet.into(), item: item.into() });
        }
        node.control(|cx, _| match value {
            Some(bytes) => cx.state.put(&key, bytes),
            None => cx.state.remove(&key),
        });
        Ok(())
    }

    /// Both ledgers as they are after the newest block, recomputed from storage.
    #[must_use]
    pub fn invariants(&self) -> Invariants {
        let node = self.lock();
        Invariants::read(&node.runtime, &node.state, u64::from(node.history.head()))
    }

    /// Both ledgers as they were after block `number`.
    ///
    /// # Errors
    ///
    /// The block is not kept.
    pub fn invariants_at(&self, number: u64) -> Result<Invariants, LocalChainError> {
        let mut node = self.lock();
        let at = kept(&node, number)?;
        Ok(node.simulate_at(at, |cx, runtime| Invariants::read(runtime, cx.state, number)))
    }

    /// Submits an encoded extrinsic. Returns its hash.
    ///
    /// # Errors
    ///
    /// Why the pool refuses it.
    pub fn submit(&self, extrinsic: &[u8]) -> Result<Hash, pool::PoolError> {
        let mut node = self.lock();
        let hash = node.submit(extrinsic, None)?;
        if node.config.sealing == Sealing::Instant {
            node.produce();
        }
        Ok(hash)
    }

    /// The chain as it is now, without subscriptions and waiting transactions.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut node = self.lock();
        node.state.freeze();
        Snapshot(node.fork())
    }

    /// Goes back to a snapshot. Subscriptions live on and see the heads from there.
    pub fn restore(&self, snapshot: &Snapshot) {
        let mut node = self.lock();
        let feeds = std::mem::take(&mut node.feeds);
        #[cfg(feature = "durable")]
        let (store, failure) = (node.store.take(), node.failure.take());
        *node = snapshot.0.fork();
        node.feeds = feeds;
        #[cfg(feature = "durable")]
        {
            (node.store, node.failure) = (store, failure);
        }
        node.keep_whole();
    }

    /// A chain of its own that begins where this one is, without subscriptions and waiting transactions: to try
    /// a future. Both share the state and the blocks that they have in common, so it costs little.
    #[must_use]
    pub fn fork(&self) -> Self {
        let mut node = self.lock();
        node.state.freeze();
        Self { node: Arc::new(Mutex::new(node.fork())) }
    }

    pub(crate) fn node(&self) -> &Mutex<Node> {
        &self.node
    }

    fn lock(&self) -> MutexGuard<'_, Node> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest time between two epochs in blocks: the largest tempo, or the cut-off after which one
/// is due in any case.
const LONGEST_EPOCH: u64 = 65_536;

/// The height of a block whose state can be read.
fn kept(node: &Node, number: u64) -> Result<u32, LocalChainError> {
    let height = u32::try_from(number).ok();
    let kept = height.filter(|n| node.history.block(*n).is_some());
    kept.ok_or(LocalChainError::NoSuchBlock(number))
}

/// The key of an entry, after the checks that its keys have the item's types.
fn storage_key(
    node: &Node,
    pallet: &str,
    item: &str,
    keys: &[&[u8]],
) -> Result<Vec<u8>, LocalChainError> {
    let Some(storage) = node.interface.storage(pallet, item) else {
        return Err(LocalChainError::NoSuchItem { pallet: pallet.into(), item: item.into() });
    };
    let typed = storage.keys.iter().zip(keys).all(|(ty, key)| node.interface.is_value(*ty, key));
    if keys.len() != storage.hashers.len() || !typed {
        return Err(LocalChainError::Keys {
            pallet: pallet.into(),
            item: item.into(),
            expected: storage.hashers.len(),
        });
    }
    Ok(storage.key(keys))
}
