//! Tests against vectors that other programs made, and against a naive port.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod explain;
#[path = "../../benches/oracle/naive.rs"]
mod naive;
#[path = "../../benches/oracle/null.rs"]
mod naive_null;
mod networks;
mod null;
mod oracle;
#[cfg(feature = "parallel")]
mod parallel;
mod power;
mod properties;
mod rules;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "serde")]
mod vectors;
