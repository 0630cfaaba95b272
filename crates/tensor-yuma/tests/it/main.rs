//! Tests against vectors that other programs made, and against a naive port.

mod power;
#[cfg(feature = "serde")]
mod vectors;
