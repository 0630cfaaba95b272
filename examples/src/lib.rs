//! What the programs in this package are made of: one module for each, thin binaries beside them.

pub mod atomic;
pub mod cause;
pub mod conformance;
pub mod founding;
pub mod guide;
pub mod hotkey;
#[cfg(feature = "localnet")]
pub mod localnet;
pub mod miner;
#[cfg(feature = "ml")]
pub mod ml;
pub mod network;
pub mod prometheus;
pub mod query;
#[cfg(feature = "simulate")]
pub mod rehearsal;
#[cfg(all(feature = "wallet", unix))]
pub mod signer;
#[cfg(feature = "simulate")]
pub mod simulate;
pub mod stop;
pub mod subnet;
#[cfg(feature = "network")]
pub mod validator;
#[cfg(feature = "wallet")]
pub mod wallet;
