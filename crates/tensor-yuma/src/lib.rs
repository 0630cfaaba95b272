#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod emission;
pub mod epoch;
pub mod fixed;
pub mod null;
pub mod pool;
mod rows;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "serde")]
pub mod vectors;
pub mod weights;

pub use rows::{Row, Rows, RowsBuf, RowsError};
