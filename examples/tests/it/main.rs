//! The programs' parts together, and the shape of the workspace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conformance;
mod edges;
#[cfg(all(feature = "localnet", unix))]
mod localnet;
#[cfg(unix)]
mod miner;
#[cfg(feature = "ml")]
mod ml;
#[cfg(unix)]
mod process;
mod query;
mod scenarios;
mod small_story;
mod whole_story;
