//! The client, against recorded bytes of a real node and against the local chain.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be fails the test")]

mod coverage;
#[cfg(feature = "testing")]
mod endpoints;
#[cfg(feature = "testing")]
mod faults;
mod golden;
#[cfg(feature = "local")]
mod importing;
#[cfg(feature = "timelock")]
mod interop;
#[cfg(feature = "local")]
mod reading;
#[cfg(feature = "local")]
mod rough;
mod runtimeless;
#[cfg(all(feature = "testing", feature = "shield"))]
mod shielded;
#[cfg(feature = "local")]
mod story;
#[cfg(feature = "local")]
mod trust;
#[cfg(feature = "local")]
mod upgrades;
#[cfg(feature = "local")]
mod weighing;
#[cfg(feature = "local")]
mod working;
