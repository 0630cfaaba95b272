//! Setting up a local chain before its genesis block.

use std::sync::{Arc, Mutex};

use tensor_core::account::AccountId;

use super::node::Node;
use super::runtime::{ImportedSubnet, Ruleset};
use super::{Build, Interface, InterfaceError, LocalChain, LocalChainConfig, Preset, Sealing};

/// Collects what a [`LocalChain`] is set up with.
#[derive(Debug, Clone, Default)]
pub struct LocalChainBuilder {
    config: LocalChainConfig,
    interface: Option<Arc<Interface>>,
    funds: Vec<(AccountId, u64)>,
    subnets: Vec<ImportedSubnet>,
}

impl LocalChainBuilder {
    /// Everything at once.
    #[must_use]
    pub fn config(mut self, config: LocalChainConfig) -> Self {
        self.config = config;
        self
    }

    /// What the genesis block holds.
    #[must_use]
    pub fn preset(mut self, preset: Preset) -> Self {
        self.config.preset = preset;
        self
    }

    /// Which build of the runtime is imitated.
    #[must_use]
    pub fn runtime_build(mut self, build: Build) -> Self {
        self.config.build = build;
        self
    }

    /// Which rules apply where two are known.
    #[must_use]
    pub fn ruleset(mut self, ruleset: Ruleset) -> Self {
        self.config.ruleset = ruleset;
        self
    }

    /// How many blocks back state can be read (default 4,096).
    #[must_use]
    pub fn history(mut self, blocks: usize) -> Self {
        self.config.history = blocks;
        self
    }

    /// When blocks are made (default: on [`LocalChain::advance`]).
    #[must_use]
    pub fn sealing(mut self, sealing: Sealing) -> Self {
        self.config.sealing = sealing;
        self
    }

    /// How many blocks finality lags behind the head (default 0).
    #[must_use]
    pub fn finality_lag(mut self, blocks: u32) -> Self {
        self.config.finality_lag = blocks;
        self
    }

    /// Time of the genesis block, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn genesis_ms(mut self, ms: u64) -> Self {
        self.config.genesis_ms = ms;
        self
    }

    /// Milliseconds per block, where they are to differ from the build's.
    #[must_use]
    pub fn block_time_ms(mut self, ms: u64) -> Self {
        self.config.block_time_ms = Some(ms);
        self
    }

    /// Who gets the fees.
    #[must_use]
    pub fn author(mut self, author: Option<AccountId>) -> Self {
        self.config.author = author;
        self
    }

    /// Whether transactions pay fees.
    #[must_use]
    pub fn fees(mut self, fees: bool) -> Self {
        self.config.fees = fees;
        self
    }

    /// Whether neurons may register for work as well: adds the call `pow_register`, which runtimes after 461 have.
    #[must_use]
    pub fn pow_register(mut self, pow_register: bool) -> Self {
        self.config.pow_register = pow_register;
        self
    }

    /// Whether the chain has a MEV shield: SDK 11 registers neurons through it alone.
    #[cfg(feature = "shield")]
    #[must_use]
    pub fn shield(mut self, shield: bool) -> Self {
        self.config.shield = shield;
        self
    }

    /// Whether each block has a shield key of its own, published two blocks before. A client must then be quick:
    /// what it encrypted to the next key is of use for two blocks.
    #[cfg(feature = "shield")]
    #[must_use]
    pub fn shield_rotation(mut self, rotation: bool) -> Self {
        self.config.shield_rotation = rotation;
        self
    }

    /// Sets apart chains that are otherwise alike.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Gives an account TAO in the genesis block, in rao.
    #[must_use]
    pub fn fund(mut self, account: AccountId, rao: u64) -> Self {
        self.funds.push((account, rao));
        self
    }

    /// Begins with a subnet as it was on another network: a metagraph, saved to a file or just read. It takes the
    /// place of the preset's subnet of that number.
    #[must_use]
    pub fn import(mut self, subnet: impl Into<ImportedSubnet>) -> Self {
        self.subnets.push(subnet.into());
        self
    }

    /// Another interface than that of runtime 461.
    #[must_use]
    pub fn interface(mut self, interface: Arc<Interface>) -> Self {
        self.interface = Some(interface);
        self
    }

    /// Builds the chain, up to and including its genesis block.
    ///
    /// # Errors
    ///
    /// The interface lacks what the rules need, or an imported subnet is root.
    pub fn build(self) -> Result<LocalChain, InterfaceError> {
        Ok(LocalChain { node: Arc::new(Mutex::new(self.into_node()?)) })
    }

    pub(super) fn into_node(self) -> Result<Node, InterfaceError> {
        let Self { config, interface, funds, subnets } = self;
        let interface = match interface {
            Some(interface) => interface,
            None => Arc::new(Interface::v461_for(config.build)?),
        };
        let interface = match config.block_time_ms {
            Some(ms) => Arc::new(Interface::clone(&interface).with_block_ms(ms)?),
            None => interface,
        };
        let interface = if config.pow_register {
            Arc::new(Interface::clone(&interface).with_pow_register()?)
        } else {
            interface
        };
        let interface = match config.spec_version {
            Some(version) => Arc::new(Interface::clone(&interface).with_spec_version(version)?),
            None => interface,
        };
        let funds =
            funds.iter().map(|(account, rao)| (account.to_bytes(), *rao)).collect::<Vec<_>>();
        Node::new(config, interface, &funds, &subnets)
    }
}
