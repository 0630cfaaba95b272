//! What makes a chain the one it is: what it was set up with, and its genesis block.

use std::path::Path;

use parity_scale_codec::{Decode, Encode};

use super::error::{DurableError, corrupt};
use crate::local::block::Hash;
use crate::local::node::Node;

/// Everything that a chain's genesis depends on, to say what differs where something does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Identity {
    preset: String,
    ruleset: String,
    seed: u64,
    block_ms: u64,
    shield: bool,
    spec_version: u32,
    interface: Hash,
    pub(super) genesis_ms: u64,
    genesis: Hash,
}

impl Identity {
    pub(super) fn of(node: &Node) -> Self {
        Self {
            preset: node.config.preset.name().to_owned(),
            ruleset: format!("{:?}", node.config.ruleset),
            seed: node.config.seed,
            block_ms: node.config.block_ms(),
            shield: node.config.shield,
            spec_version: node.interface.version().spec_version,
            interface: node.interface.hash(),
            genesis_ms: node.config.genesis_ms,
            genesis: node.genesis_hash(),
        }
    }

    pub(super) fn decode(path: &Path, mut bytes: &[u8]) -> Result<Self, DurableError> {
        let identity = <Self as Decode>::decode(&mut bytes);
        identity.map_err(|_| corrupt(path, "what the chain was set up with does not decode"))
    }

    /// Whether the chain at `path`, which this is of, is the one that was asked for.
    pub(super) fn check(&self, path: &Path, asked: &Self) -> Result<(), DurableError> {
        let hex = |hash: &Hash| format!("0x{}", hex::encode(hash));
        let milliseconds = |ms: u64| format!("{ms} ms");
        let fields = [
            ("preset", self.preset.clone(), asked.preset.clone()),
            ("set of rules", self.ruleset.clone(), asked.ruleset.clone()),
            ("seed", self.seed.to_string(), asked.seed.to_string()),
            ("block time", milliseconds(self.block_ms), milliseconds(asked.block_ms)),
            ("shield", self.shield.to_string(), asked.shield.to_string()),
            ("spec version", self.spec_version.to_string(), asked.spec_version.to_string()),
            ("interface", hex(&self.interface), hex(&asked.interface)),
            // All else alike, the funds are not.
            ("genesis block", hex(&self.genesis), hex(&asked.genesis)),
        ];
        for (what, found, asked) in fields {
            if found != asked {
                return Err(DurableError::OtherChain { path: path.to_owned(), what, found, asked });
            }
        }
        Ok(())
    }
}
