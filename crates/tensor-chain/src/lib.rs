//! The client for the Bittensor chain, and a complete local chain in the process.

#[cfg(feature = "local")]
pub mod local;
#[cfg(feature = "ws-server")]
pub mod serve;
