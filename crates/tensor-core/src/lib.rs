//! Vocabulary, keys, wallets and traits of Bittensor programs, without a runtime.
//!
//! Everything else in this workspace meets here: a miner written against [`Miner`] is served by
//! tensor-net, a validator written against [`Validator`] is driven by [`drive::Driver`] over whatever
//! [`Chain`] and [`Transport`] it is given, the fakes of feature `testing` among them.
//!
//! ```
//! use tensor_core::key::{Keypair, Scheme, verify};
//! use tensor_core::{Tao, Weights, Uid};
//!
//! // Money is exact: integers inside, decimals outside.
//! let stake: Tao = "1.000000001".parse()?;
//! assert_eq!(stake.rao(), 1_000_000_001);
//!
//! // Keys come from URIs, mnemonics, seeds or wallets, and sign exact bytes.
//! let alice = Keypair::from_uri("//Alice", Scheme::Sr25519)?;
//! let signature = alice.sign(b"hello");
//! assert!(verify(&alice.account_id(), b"hello", &signature));
//!
//! // Scores become the weights that the chain stores.
//! let weights = Weights::from_scores([(Uid::new(0), 0.9), (Uid::new(1), 0.3)])?;
//! assert_eq!(weights.values(), [65_535, 21_845]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what is there |
//! | --- | --- |
//! | [`amount`], [`account`], [`network`], [`weights`], [`metagraph`] | the field's words as types |
//! | [`key`], `wallet` | key pairs, signatures, signers; btcli-compatible files (feature `wallet`, default) |
//! | [`miner`], [`validator`], [`chain`], [`transport`], [`clock`] | the traits |
//! | [`call`], [`receipt`] | a mutation of the chain in neutral words, and what became of it |
//! | [`score`] | what validators remember of miners, by hotkey |
//! | [`drive`] | loops that run by the chain's blocks, on any executor and in virtual time |
//! | `testing` | fakes of all traits (feature `testing`) |
//!
//! What it does not do: speak to a chain (tensor-chain), listen on a socket (tensor-net), run a model
//! (tensor-ml). It knows no runtime and does no I/O except for the wallet's files.
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
