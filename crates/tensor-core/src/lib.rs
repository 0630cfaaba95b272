//! Vocabulary, keys, wallets and traits of Bittensor programs, without a runtime.
#![forbid(unsafe_code)]

pub mod account;
pub mod amount;
pub mod call;
pub mod chain;
pub mod clock;
pub mod drive;
pub mod key;
pub mod metagraph;
pub mod miner;
pub mod network;
pub mod receipt;
pub mod score;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod transport;
pub mod validator;
#[cfg(feature = "wallet")]
pub mod wallet;
pub mod weights;

pub use account::{AccountId, Coldkey, Hotkey};
pub use amount::{Alpha, Tao};
pub use call::Call;
pub use chain::{Chain, ChainError};
pub use clock::Clock;
pub use key::{Keypair, Signer, SignerSync};
pub use metagraph::Metagraph;
pub use miner::Miner;
pub use network::{BlockNumber, MechId, NetUid, Tempo, Uid};
pub use receipt::Receipt;
pub use score::ScoreBook;
pub use transport::Transport;
pub use validator::Validator;
pub use weights::Weights;

/// An error of foreign code, kept as a cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
