//! Wallets against what others wrote: recorded vectors, the file system, and the official packages.
#![cfg(feature = "wallet")]

mod files;
mod interop;
mod passwords;
mod vectors;
