//! The client, against recorded bytes of a real node and against the local chain.

mod coverage;
#[cfg(feature = "local")]
mod faults;
mod golden;
mod runtimeless;
#[cfg(all(feature = "local", feature = "shield"))]
mod shielded;
#[cfg(feature = "local")]
mod story;
#[cfg(feature = "local")]
mod trust;
#[cfg(feature = "local")]
mod upgrades;
#[cfg(feature = "local")]
mod weighing;
