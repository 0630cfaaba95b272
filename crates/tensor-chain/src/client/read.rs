//! Reads with names and types: what programs ask a chain, by theme.
//!
//! All are methods of [`Subtensor`](super::Subtensor), all read as of its block, and all go by name
//! through the block's metadata: a field that the runtime gained is skipped, one that it lost is an
//! error that names it.

mod account;
mod fixed;
mod hyperparameters;
mod metagraph;
mod neuron;
mod stake;
mod subnet;
mod weights;

pub use account::Account;
pub use fixed::Fixed;
pub use hyperparameters::{Hyperparameters, Setting};
pub use neuron::{FullNeuron, LiteNeuron, PrometheusInfo, RawAxon};
pub use stake::{Quote, StakeAvailability, StakeInfo};
pub use subnet::{AlphaPrice, EpochSchedule, SubnetIdentity, SubnetInfo, SubnetSummary};
pub use weights::WeightRow;
pub(crate) use weights::storage_index;
