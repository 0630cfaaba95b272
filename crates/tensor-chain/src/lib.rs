#![cfg_attr(feature = "local", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "local"),
    doc = "The client for the Bittensor chain, and a complete local chain in the process (feature `local`)."
)]
#![forbid(unsafe_code)]

pub mod client;
pub mod codec;
pub mod error;
pub mod intent;
#[cfg(feature = "local")]
pub mod local;
pub mod plan;
pub mod policy;
pub mod pow;
#[cfg(feature = "ws-server")]
pub mod serve;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "timelock")]
pub mod timelock;

pub use client::{Config, Subtensor};
pub use error::{Error, ErrorCode};
pub use intent::Intent;
pub use policy::Policy;
