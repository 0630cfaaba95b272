//! Runtime upgrades under the feet of clients, and other things that happen to a connection.

use std::sync::Arc;

use super::{
    LocalChain,
    fee::Weights,
    interface::{Interface, InterfaceError},
    node::Node,
    rpc::metadata::MetadataCache,
    runtime::Runtime,
};

/// A runtime that was in force up to and including a block.
#[derive(Debug, Clone)]
pub(crate) struct PastRuntime {
    pub(crate) until: u32,
    pub(crate) interface: Arc<Interface>,
    pub(crate) metadata: Arc<MetadataCache>,
}

impl LocalChain {
    /// Puts another interface in force, as a runtime upgrade in the newest block would: version and
    /// metadata change from that block on, older blocks keep theirs, whoever watches the version is
    /// told, and waiting transactions, signed for the old version, become invalid.
    ///
    /// Give it another `spec_version` ([`Interface::with_spec_version`]): clients cache by it.
    ///
    /// # Errors
    ///
    /// The interface lacks what the rules need, or the chain is kept on disk; the chain stays as it is.
    pub fn upgrade(&self, interface: Interface) -> Result<(), InterfaceError> {
        self.lock().upgrade(Arc::new(interface))
    }

    /// Ends every subscription, as a connection that breaks does. Clients must subscribe again.
    pub fn close_subscriptions(&self) {
        self.lock().feeds.close_all();
    }
}

impl Node {
    pub(crate) fn upgrade(&mut self, interface: Arc<Interface>) -> Result<(), InterfaceError> {
        #[cfg(feature = "durable")]
        if self.store.is_some() {
            return Err(InterfaceError::Kept);
        }
        let runtime = Runtime::new(Arc::clone(&interface), self.config.ruleset)?;
        self.resolve_system(&interface)?;
        if let Some(until) = self.history.head().checked_sub(1) {
            self.past.push(PastRuntime {
                until,
                interface: Arc::clone(&self.interface),
                metadata: Arc::clone(&self.metadata),
            });
        }
        self.runtime = Arc::new(runtime);
        self.weights = Arc::new(Weights::new(&interface));
        self.metadata = Arc::new(MetadataCache::new(Arc::clone(&interface)));
        self.interface = interface;
        self.drop_waiting();
        self.note_upgrade();
        let version = super::rpc::version_json(self.interface.version());
        self.feeds.version(&version);
        Ok(())
    }

    /// Interface and metadata in force after block `number`.
    pub(crate) fn runtime_at(&self, number: u32) -> (&Arc<Interface>, &Arc<MetadataCache>) {
        let past = self.past.iter().find(|past| number <= past.until);
        past.map_or((&self.interface, &self.metadata), |past| (&past.interface, &past.metadata))
    }
}
