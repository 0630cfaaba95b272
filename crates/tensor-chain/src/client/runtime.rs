//! The runtimes that a chain has had, by version: [`Runtime`] and the cache of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use parity_scale_codec::{Decode, Encode};

use super::rpc::{Hash, Rpc, Version};
use crate::codec::Metadata;
use crate::error::Error;

/// How many blocks' runtime versions are remembered.
const REMEMBERED_BLOCKS: usize = 1024;

/// The runtime of some blocks of a chain.
#[derive(Debug)]
#[non_exhaustive]
pub struct Runtime {
    /// What the runtime is called: `node-subtensor`.
    pub spec_name: String,
    /// Rises with every upgrade.
    pub spec_version: u32,
    /// Rises when the form of extrinsics changes.
    pub transaction_version: u32,
    /// Its interface.
    pub metadata: Metadata,
    digest: OnceLock<Option<[u8; 32]>>,
    refuses_digest: AtomicBool,
}

impl Runtime {
    fn new(version: Version, metadata: Metadata) -> Self {
        let Version { spec_name, spec_version, transaction_version } = version;
        let (digest, refuses_digest) = (OnceLock::new(), AtomicBool::new(false));
        Self { spec_name, spec_version, transaction_version, metadata, digest, refuses_digest }
    }

    /// The metadata's digest, where the chain takes one in what is signed.
    pub fn signed_digest(&self) -> Option<[u8; 32]> {
        if self.refuses_digest.load(Ordering::Relaxed) || !self.metadata.checks_metadata_hash() {
            return None;
        }
        *self.digest.get_or_init(|| self.metadata.digest(self.spec_version, &self.spec_name))
    }

    /// Whether the calls of this runtime are laid out as this crate knows them.
    pub fn is_pinned(&self) -> bool {
        self.metadata.is_pinned(self.spec_version) == Some(true)
    }

    /// The chain does not check digests: sign without.
    pub(crate) fn refuse_digest(&self) {
        self.refuses_digest.store(true, Ordering::Relaxed);
    }
}

/// Runtimes by genesis hash and version, to be shared by clients: metadata is fetched once.
///
/// A clone is the same cache.
#[derive(Clone, Debug, Default)]
pub struct RuntimeCache(Arc<Mutex<ByVersion>>);

/// By genesis hash and spec version.
type ByVersion = HashMap<(Hash, u32), Arc<Runtime>>;

impl RuntimeCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts metadata in that was kept elsewhere, on disk perhaps, so that it is not fetched.
    ///
    /// # Errors
    /// [`Error::Metadata`] when the bytes are none.
    pub fn insert(
        &self,
        genesis_hash: Hash,
        spec_name: impl Into<String>,
        spec_version: u32,
        transaction_version: u32,
        metadata: impl Into<Vec<u8>>,
    ) -> Result<(), Error> {
        let metadata = Metadata::decode(metadata)?;
        let version = Version { spec_name: spec_name.into(), spec_version, transaction_version };
        self.put(genesis_hash, Arc::new(Runtime::new(version, metadata)));
        Ok(())
    }

    /// The runtime of that chain and version, if it is known.
    pub fn find(&self, genesis_hash: &Hash, spec_version: u32) -> Option<Arc<Runtime>> {
        self.lock().get(&(*genesis_hash, spec_version)).cloned()
    }

    fn put(&self, genesis_hash: Hash, runtime: Arc<Runtime>) {
        self.lock().insert((genesis_hash, runtime.spec_version), runtime);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ByVersion> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtimes of one chain: which block has which, and which is the newest seen.
#[derive(Debug)]
pub(crate) struct Runtimes {
    genesis_hash: Hash,
    cache: RuntimeCache,
    seen: Mutex<Seen>,
    fetching: futures::lock::Mutex<()>,
}

#[derive(Debug, Default)]
struct Seen {
    newest: Option<Arc<Runtime>>,
    by_block: HashMap<Hash, u32>,
}

impl Runtimes {
    pub(crate) fn new(genesis_hash: Hash, cache: RuntimeCache) -> Self {
        let (seen, fetching) = (Mutex::default(), futures::lock::Mutex::new(()));
        Self { genesis_hash, cache, seen, fetching }
    }

    /// The runtime that the chain had when it was last looked at.
    pub(crate) fn newest(&self) -> Option<Arc<Runtime>> {
        self.seen().newest.clone()
    }

    /// The runtime of that block if no question is needed for it.
    pub(crate) fn known(&self, at: Hash) -> Option<Arc<Runtime>> {
        let version = *self.seen().by_block.get(&at)?;
        self.cache.find(&self.genesis_hash, version)
    }

    /// The runtime of that version, fetched from that block if need be.
    pub(crate) async fn get(
        &self,
        rpc: &Rpc,
        version: Version,
        at: Option<Hash>,
    ) -> Result<Arc<Runtime>, Error> {
        let runtime = match self.cache.find(&self.genesis_hash, version.spec_version) {
            Some(runtime) => runtime,
            None => self.fetch(rpc, version, at).await?,
        };
        let spec_version = runtime.spec_version;
        let mut seen = self.seen();
        if let Some(at) = at {
            if seen.by_block.len() >= REMEMBERED_BLOCKS {
                seen.by_block.clear();
            }
            seen.by_block.insert(at, spec_version);
        }
        if seen.newest.as_ref().is_none_or(|newest| newest.spec_version < runtime.spec_version) {
            seen.newest = Some(Arc::clone(&runtime));
        }
        Ok(runtime)
    }

    /// Fetches metadata; several that need the same one wait for the first.
    async fn fetch(
        &self,
        rpc: &Rpc,
        version: Version,
        at: Option<Hash>,
    ) -> Result<Arc<Runtime>, Error> {
        let _alone = self.fetching.lock().await;
        if let Some(runtime) = self.cache.find(&self.genesis_hash, version.spec_version) {
            return Ok(runtime);
        }
        let metadata = Metadata::decode(fetch_metadata(rpc, at).await?)?;
        let runtime = Arc::new(Runtime::new(version, metadata));
        self.cache.put(self.genesis_hash, Arc::clone(&runtime));
        Ok(runtime)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// V15 where the node has it, since it describes runtime APIs; V14 otherwise.
async fn fetch_metadata(rpc: &Rpc, at: Option<Hash>) -> Result<Vec<u8>, Error> {
    let answer = rpc.call("Metadata_metadata_at_version", &15u32.encode(), at).await;
    match answer {
        Ok(bytes) => {
            let metadata = Option::<Vec<u8>>::decode(&mut bytes.as_slice())
                .map_err(|source| Error::decode("Metadata_metadata_at_version", source))?;
            if let Some(metadata) = metadata {
                return Ok(metadata);
            }
        }
        Err(Error::Rpc { .. } | Error::Missing(_)) => {}
        Err(error) => return Err(error),
    }
    rpc.metadata(at).await
}
