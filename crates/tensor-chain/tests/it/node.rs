//! The local chain as a node: interface, extrinsics, blocks and JSON-RPC, over nothing but memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be fails the test")]

mod anything;
mod asking;
mod blocks;
#[cfg(feature = "durable")]
mod durable;
mod faults;
mod golden;
mod hostile;
mod metadata;
mod rpc;
mod rpc_table;
#[cfg(feature = "ws-server")]
mod served;
mod signing;
mod subxt_client;
mod traces;
mod transactions;
