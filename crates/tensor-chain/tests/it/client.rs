//! The client, against recorded bytes of a real node and against the local chain.

mod coverage;
mod golden;
#[cfg(feature = "local")]
mod story;
