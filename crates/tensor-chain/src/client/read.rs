//! Reads with names and types: what programs ask a chain, by theme.
//!
//! All are methods of [`Subtensor`](super::Subtensor), all read as of its block, and all go by name
//! through the block's metadata: a field that the runtime gained is skipped, one that it lost is an
//! error that names it.

mod account;
mod basket;
mod chain;
mod commitment;
mod crowdloan;
mod delegation;
mod fixed;
mod hyperparameters;
mod lock;
mod metagraph;
mod neuron;
mod price;
mod proxy;
mod schedule;
mod stake;
mod subnet;
mod weights;

pub use account::{Account, ColdkeySwap, Identity};
pub use basket::{
    BasketHolding, BasketPosition, BasketSummary, BasketTradingStatus, BasketValue, BetaPricing,
    ValidatorBasket,
};
pub use chain::{BlockInfo, Pulse};
pub use commitment::{Commitment, CommitmentField, NeuronCommitments, RevealedCommitment};
pub use crowdloan::{Crowdloan, Lease};
pub use delegation::{DelegateInfo, PendingChildren, TakeBounds};
pub use fixed::Fixed;
pub use hyperparameters::{Hyperparameters, Setting};
pub use lock::{
    CollateralPolicy, Conviction, Lock, LockRates, LockState, MinerCollateral, SubnetConvictions,
};
pub use neuron::{FullNeuron, LiteNeuron, PrometheusInfo, RawAxon};
pub use price::AlphaPrice;
pub use proxy::{PendingMultisig, ProxyDefinition};
pub use schedule::{EpochSchedule, StartSchedule};
pub use stake::{Quote, StakeAvailability, StakeInfo};
pub use subnet::{SubnetIdentity, SubnetInfo, SubnetSummary, TaoFlow};
pub(crate) use weights::storage_index;
pub use weights::{TimelockedCommit, WeightRow};
