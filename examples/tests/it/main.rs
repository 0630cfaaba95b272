//! The programs' parts together, and the shape of the workspace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(all(feature = "localnet", unix))]
mod clients;
mod conformance;
#[cfg(all(feature = "localnet", unix))]
mod durable;
mod edges;
#[cfg(unix)]
mod interop;
#[cfg(all(feature = "localnet", unix))]
mod localnet;
#[cfg(unix)]
mod miner;
#[cfg(all(feature = "localnet", feature = "network", unix))]
mod miner_chain;
#[cfg(feature = "ml")]
mod ml;
#[cfg(unix)]
mod process;
#[cfg(all(feature = "localnet", feature = "network", unix))]
mod proxy;
mod query;
mod scenarios;
mod small_story;
#[cfg(all(feature = "localnet", feature = "network", unix))]
mod validator;
mod whole_story;
