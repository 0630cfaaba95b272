//! Tests of the crate as its users see it.

#[cfg(feature = "local")]
mod node;
