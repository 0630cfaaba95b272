//! Chains that outlive their process: blocks and state in a folder, one transaction per block.
//!
//! A block is on disk before anybody hears of it. Whenever the process ends, also by `kill -9` or a power
//! cut, the folder holds the chain up to and including the newest block that was announced; what is
//! lost is at most the block that was being made, and what waited in the pool. Feature `durable`.
//!
//! [`DataDir`] is the folder. A chain gets into it by [`LocalChainBuilder::open`], which begins a
//! chain or goes on with the one that is there, or by [`LocalChain::keep_in`], which writes down a
//! chain that has lived in memory so far.

mod error;
mod identity;
mod record;
mod store;
#[cfg(test)]
mod tests;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use redb::{Database, ReadableDatabase};

pub use error::DurableError;
pub(crate) use store::{Head, Store};

use super::node::Node;
use super::{LocalChain, LocalChainBuilder};
use identity::Identity;

/// Version of what is in the file; another one is refused.
const SCHEMA: u32 = 1;
/// The file in the folder.
const FILE: &str = "chain.redb";

/// A folder for one chain, held open by this process alone.
///
/// What is in it is a database of the crate `redb`, in the file `chain.redb`.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    database: Database,
    identity: Option<Identity>,
}

impl DataDir {
    /// Opens a folder, making it if it is not there.
    ///
    /// # Errors
    ///
    /// [`DurableError::Locked`] while a process has it open, [`DurableError::Schema`] if another
    /// version of this crate wrote it, [`DurableError::Corrupt`] if it holds something else, and what
    /// the file system refuses.
    pub fn open(path: &Path) -> Result<Self, DurableError> {
        let refused = |source| DurableError::Io { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(refused)?;
        let database = Database::create(path.join(FILE));
        Self::of(path, database.map_err(|error| error::at(path, error))?)
    }

    fn of(path: &Path, database: Database) -> Result<Self, DurableError> {
        let read = database.begin_read().map_err(|error| error::at(path, error))?;
        let identity = store::identity(&read).map_err(|error| error::at(path, error))?;
        drop(read);
        let identity = match identity {
            None => None,
            Some((SCHEMA, bytes)) => Some(Identity::decode(path, &bytes)?),
            Some((found, _)) => {
                let path = path.to_owned();
                return Err(DurableError::Schema { path, found, known: SCHEMA });
            }
        };
        Ok(Self { path: path.to_owned(), database, identity })
    }

    /// Whether there is no chain in it yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.identity.is_none()
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl LocalChainBuilder {
    /// The chain in a folder, at its newest block; in a new folder, a new chain. From now on every block
    /// goes there before it is announced.
    ///
    /// A chain that is there keeps its genesis, its time included, whatever
    /// [`genesis_ms`](Self::genesis_ms) says. History depth, finality lag, sealing, author and fees
    /// are those of this builder.
    ///
    /// # Errors
    ///
    /// [`DurableError::OtherChain`] if the chain there is another one than this builder would begin,
    /// [`DurableError::Corrupt`] if what is there contradicts itself (the hash chains of blocks and of
    /// states are computed anew), and what the disk refuses.
    pub fn open(mut self, dir: DataDir) -> Result<LocalChain, DurableError> {
        let Some(identity) = &dir.identity else {
            let chain = self.build()?;
            chain.keep_in(dir)?;
            return Ok(chain);
        };
        self = self.genesis_ms(identity.genesis_ms);
        let mut node = self.into_node()?;
        identity.check(&dir.path, &Identity::of(&node))?;
        let mut store = Store::new(dir.path, dir.database, node.config.history);
        store.load(&mut node)?;
        node.store = Some(store);
        Ok(LocalChain { node: Arc::new(Mutex::new(node)) })
    }
}

impl LocalChain {
    /// Writes the chain as it is into a new folder, whole or not at all, and every later block after it.
    ///
    /// A chain kept so far in another folder is no longer kept there.
    ///
    /// # Errors
    ///
    /// [`DurableError::NotEmpty`] if there is a chain already,
    /// [`DurableError::Upgraded`] if the chain's interface has changed since its genesis, and what the
    /// disk refuses.
    pub fn keep_in(&self, dir: DataDir) -> Result<(), DurableError> {
        if !dir.is_new() {
            return Err(DurableError::NotEmpty { path: dir.path });
        }
        let mut node = self.lock();
        if !(node.past.is_empty() && node.planned.is_empty()) {
            return Err(DurableError::Upgraded);
        }
        let store = Store::new(dir.path, dir.database, node.config.history);
        store.write_whole(&node)?;
        node.store = Some(store);
        Ok(())
    }

    /// Why the chain makes no more blocks: its folder could not be written. Nothing of what it had
    /// announced is lost; open the folder again when the cause is gone.
    #[must_use]
    pub fn failure(&self) -> Option<Arc<DurableError>> {
        self.lock().failure.clone()
    }
}

impl Node {
    /// Stops the node for good: its disk does not take what it makes.
    pub(crate) fn halt(&mut self, error: DurableError) {
        self.failure = Some(Arc::new(error));
        self.drop_waiting();
        self.feeds.close_all();
    }
}
