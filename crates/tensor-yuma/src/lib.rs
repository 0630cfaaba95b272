//! Yuma consensus, emission and pool maths of the Bittensor chain, bit for bit.
#![forbid(unsafe_code)]

pub mod emission;
pub mod fixed;
pub mod pool;
