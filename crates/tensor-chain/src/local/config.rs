//! How a local chain is set up.

use tensor_core::account::AccountId;

use super::{interface::Build, runtime::Ruleset};

/// What the genesis block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Preset {
    /// For tests and simulation: root staking on, no network rate limit, a small lock cost, no
    /// freeze window (chain rules 15.2).
    #[default]
    Dev,
    /// As the reference local network starts (chain rules 15.1).
    Localnet,
}

impl Preset {
    /// A name that enters the genesis hash.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Localnet => "localnet",
        }
    }
}

/// When blocks are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Sealing {
    /// Only when the owner says so (`advance`).
    #[default]
    Manual,
    /// One for every transaction that is submitted, and when the owner says so.
    Instant,
}

/// Everything that a local chain is set up with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocalChainConfig {
    /// What the genesis block holds.
    pub preset: Preset,
    /// Which build of the runtime is imitated: it sets the block time and a dozen constants.
    pub build: Build,
    /// Which rules apply where two are known.
    pub ruleset: Ruleset,
    /// How many blocks back state can be read; 4,096 unless said.
    pub history: usize,
    /// When blocks are made.
    pub sealing: Sealing,
    /// How many blocks finality lags behind the head; 0 unless said.
    pub finality_lag: u32,
    /// Time of the genesis block in milliseconds since the Unix epoch.
    pub genesis_ms: u64,
    /// Milliseconds per block, where they differ from the build's.
    pub block_time_ms: Option<u64>,
    /// Who gets the fees; nobody: they are dropped.
    pub author: Option<AccountId>,
    /// Whether transactions pay fees.
    pub fees: bool,
    /// Whether the chain has a MEV shield: publishes a key, opens what is encrypted to it, and applies
    /// it right after its carrier. Needs feature `shield`, without which it does nothing.
    pub shield: bool,
    /// Whether each block has a shield key of its own, published two blocks before, as where authors take
    /// turns. Otherwise one key serves for ever, as on a development node.
    pub shield_rotation: bool,
    /// Whether neurons may register for work as well: adds the call `pow_register`, which runtimes after 461 have.
    pub pow_register: bool,
    /// Sets apart chains that are otherwise alike: it enters the genesis hash.
    pub seed: u64,
    /// Another `spec_version` than the interface has.
    pub spec_version: Option<u32>,
    /// What `system_chain` answers.
    pub name: String,
}

impl LocalChainConfig {
    /// Default genesis time: 1 January 2026, 00:00 UTC.
    pub const GENESIS_MS: u64 = 1_767_225_600_000;
    /// Default depth of the history in blocks.
    pub const HISTORY: usize = 4_096;

    /// Milliseconds per block.
    #[must_use]
    pub fn block_ms(&self) -> u64 {
        self.block_time_ms.unwrap_or_else(|| self.build.block_ms()).max(1)
    }
}

impl Default for LocalChainConfig {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            build: Build::default(),
            ruleset: Ruleset::default(),
            history: Self::HISTORY,
            sealing: Sealing::default(),
            finality_lag: 0,
            genesis_ms: Self::GENESIS_MS,
            block_time_ms: None,
            author: Some(AUTHOR),
            fees: true,
            shield: false,
            pow_register: false,
            shield_rotation: false,
            seed: 0,
            spec_version: None,
            name: "Bittensor local".to_owned(),
        }
    }
}

/// The block author unless said otherwise: the sr25519 account of `//One`, the authority of the
/// reference local network.
const AUTHOR: AccountId = AccountId::from_bytes([
    0xac, 0x85, 0x9f, 0x8a, 0x21, 0x6e, 0xeb, 0x1b, 0x32, 0x0b, 0x4c, 0x76, 0xd1, 0x18, 0xda, 0x3d,
    0x74, 0x07, 0xfa, 0x52, 0x34, 0x84, 0xd0, 0xa9, 0x80, 0x12, 0x6d, 0x3b, 0x4d, 0x0d, 0x22, 0x0a,
]);

#[cfg(test)]
mod tests {
    use tensor_core::key::{Keypair, Scheme};

    use super::*;

    #[test]
    fn the_author_is_one() {
        let one = Keypair::from_uri("//One", Scheme::Sr25519).unwrap();
        assert_eq!(one.account_id(), AUTHOR);
    }
}
