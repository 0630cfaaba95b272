//! Vector files of schema `yuma-vectors/1`: reading, checking and computing them.
//!
//! A [`VectorFile`] is plain data for any serde format; JSON readers must keep 64-bit integers exact. Unknown fields are
//! errors. Expected values may be absent: [`VectorFile::check`] compares what is there, [`VectorFile::computed`] is the
//! same file with every expected value replaced by what this crate computes.

mod check;
mod schema;
mod units;

pub use check::{Mismatch, Report};
pub use schema::{
    Case, EpochVector, Flag, Inputs, MechanismCase, MechanismInputs, MechanismVector, Outputs,
    VectorFile,
};
pub use units::Units;
