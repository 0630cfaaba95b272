//! Tests from outside, on every backend of the build. Run them all with `cargo test --all-features`; for `ort` the
//! library's path is taken from `TENSOR_ML_ORT_LIB`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what went wrong by failing"
)]

mod backends;
mod classify;
mod continuous;
#[cfg(feature = "datasets")]
mod dataset;
#[cfg(feature = "image")]
mod diffusion;
mod encoders;
mod engines;
mod folders;
mod generate;
#[cfg(feature = "ort")]
mod gpu;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "image")]
mod image;
#[cfg(feature = "miner")]
mod miner;
#[cfg(all(feature = "image", feature = "remote"))]
mod mlserver;
#[cfg(feature = "ort")]
mod real;
#[cfg(feature = "remote")]
mod remote;
mod verify;
