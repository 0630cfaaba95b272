//! Transactions that wait for a block: ordered by arrival, and by nonce within one signer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{
    block::Hash, extrinsic::Extrinsic, rpc::subscription::Feed, runtime::InvalidTransaction,
};

/// Waiting transactions.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    by_order: BTreeMap<u64, Waiting>,
    by_sender: HashMap<[u8; 32], BTreeMap<u32, u64>>,
    by_hash: HashMap<Hash, u64>,
    next_order: u64,
    bytes: usize,
}

/// One waiting transaction.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) extrinsic: Arc<Extrinsic>,
    pub(crate) who: [u8; 32],
    pub(crate) nonce: u32,
    /// Last status that watchers were told.
    pub(crate) future: bool,
    pub(crate) watchers: Vec<Feed>,
}

/// Why a transaction is not taken into the pool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The bytes are no extrinsic.
    #[error(transparent)]
    Format(#[from] super::extrinsic::ExtrinsicError),
    /// The transaction cannot be valid now or later.
    #[error(transparent)]
    Invalid(#[from] InvalidTransaction),
    /// Bare extrinsics are the chain's own.
    #[error("unsigned extrinsics are not accepted")]
    Unsigned,
    /// What the signer implied cannot be known here (a metadata hash).
    #[error("the transaction's implied data cannot be looked up")]
    CannotLookup,
    /// The very same transaction waits already.
    #[error("transaction is already imported")]
    AlreadyImported(Hash),
    /// Another transaction of this signer with this nonce waits already.
    #[error("the transaction has too low priority to replace another one in the pool")]
    TooLowPriority,
    /// It was refused not long ago.
    #[error("transaction is temporarily banned")]
    Banned,
    /// The chain makes no more blocks: its disk failed.
    #[error("the chain makes no more blocks")]
    Halted,
    /// The pool is full.
    #[error("the transaction couldn't enter the pool because of the limit")]
    Full,
}

impl Pool {
    /// Most transactions that wait at once.
    pub(crate) const MAX_COUNT: usize = 8_192;
    /// Most bytes that wait at once.
    pub(crate) const MAX_BYTES: usize = 20 * 1_024 * 1_024;

    pub(crate) fn insert(&mut self, waiting: Waiting) -> Result<u64, PoolError> {
        let hash = waiting.extrinsic.hash;
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyImported(hash));
        }
        let nonces = self.by_sender.get(&waiting.who);
        if nonces.is_some_and(|n| n.contains_key(&waiting.nonce)) {
            return Err(PoolError::TooLowPriority);
        }
        let bytes = self.bytes.saturating_add(waiting.extrinsic.bytes.len());
        if self.by_order.len() >= Self::MAX_COUNT || bytes > Self::MAX_BYTES {
            return Err(PoolError::Full);
        }
        let order = self.next_order;
        self.next_order = self.next_order.saturating_add(1);
        self.bytes = bytes;
        self.by_hash.insert(hash, order);
        self.by_sender.entry(waiting.who).or_default().insert(waiting.nonce, order);
        self.by_order.insert(order, waiting);
        Ok(order)
    }

    pub(crate) fn contains(&self, hash: &Hash) -> bool {
        self.by_hash.contains_key(hash)
    }

    pub(crate) fn get_mut(&mut self, order: u64) -> Option<&mut Waiting> {
        self.by_order.get_mut(&order)
    }

    pub(crate) fn remove(&mut self, order: u64) -> Option<Waiting> {
        let waiting = self.by_order.remove(&order)?;
        self.by_hash.remove(&waiting.extrinsic.hash);
        self.bytes = self.bytes.saturating_sub(waiting.extrinsic.bytes.len());
        if let Some(nonces) = self.by_sender.get_mut(&waiting.who) {
            nonces.remove(&waiting.nonce);
            if nonces.is_empty() {
                self.by_sender.remove(&waiting.who);
            }
        }
        Some(waiting)
    }

    /// Orders of all waiting transactions, by arrival.
    pub(crate) fn orders(&self) -> Vec<u64> {
        self.by_order.keys().copied().collect()
    }

    /// Order of the transaction of this signer with this nonce.
    pub(crate) fn at_nonce(&self, who: &[u8; 32], nonce: u32) -> Option<u64> {
        self.by_sender.get(who)?.get(&nonce).copied()
    }

    /// The nonce after the transactions of `who` that follow `nonce` without a gap.
    pub(crate) fn next_nonce(&self, who: &[u8; 32], mut nonce: u32) -> u32 {
        let Some(nonces) = self.by_sender.get(who) else { return nonce };
        while nonces.contains_key(&nonce) {
            nonce = nonce.saturating_add(1);
        }
        nonce
    }

    /// All waiting extrinsics by arrival.
    pub(crate) fn extrinsics(&self) -> impl Iterator<Item = &Arc<Extrinsic>> {
        self.by_order.values().map(|w| &w.extrinsic)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_order.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_order.len()
    }
}
