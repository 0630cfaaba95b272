#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod admission;
pub mod client;
pub mod interop;
pub mod memory;
pub mod replay;
pub mod server;
pub mod timer;
pub mod wire;

#[cfg(feature = "client")]
pub use client::Client;
pub use memory::Network;
pub use server::AxonService;
#[cfg(feature = "server")]
pub use server::Server;
