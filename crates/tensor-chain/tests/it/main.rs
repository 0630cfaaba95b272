//! Tests of the crate as its users see it.

mod client;
#[cfg(feature = "local")]
mod node;
