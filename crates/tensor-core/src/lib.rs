//! Vocabulary, keys, wallets and traits of Bittensor programs, without a runtime.
#![forbid(unsafe_code)]

pub mod account;
pub mod amount;
pub mod key;
pub mod network;

pub use account::{AccountId, Coldkey, Hotkey};
pub use amount::{Alpha, Tao};
pub use network::{BlockNumber, MechId, NetUid, Tempo, Uid};

/// An error of foreign code, kept as a cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
