//! Wallets against what others wrote: recorded vectors, the file system, and the official packages.
#![cfg(feature = "wallet")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod files;
mod interop;
mod passwords;
mod vectors;
