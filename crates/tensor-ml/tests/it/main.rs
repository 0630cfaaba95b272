//! Tests from outside, on every backend of the build. Run them all with `cargo test --all-features`; for `ort` the
//! library's path is taken from `TENSOR_ML_ORT_LIB`.

mod backends;
mod classify;
mod engines;
mod folders;
#[cfg(feature = "ort")]
mod library;
