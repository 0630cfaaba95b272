//! The local chain: a small Substrate node in a box, for development, tests and simulation.

pub mod interface;
pub mod runtime;
pub mod state;
mod storage;
