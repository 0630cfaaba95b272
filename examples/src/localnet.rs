//! A local chain on a websocket, for official clients and for ours: the library behind the program
//! `localnet`.
//!
//! The chain itself has no clock; [`node`] makes its blocks by the real one. What the chain begins with,
//! beyond its genesis, stands in a [`scenario`].

pub mod args;
pub mod node;
pub mod scenario;
mod watch;
