//! Loops without a runtime: a validator's rounds and a miner's presence, with the chain's blocks as
//! the clock.
//!
//! Each loop is a driver with `step`, one block's work, and `run`, steps for as long as the chain's
//! header stream lives. They spawn nothing and sleep never, so they run under any executor and, on a
//! local chain, in virtual time.

mod pace;
mod presence;
mod validation;

pub use pace::{Pace, Paced};
pub use presence::{Presence, PresenceStep};
pub use validation::{Driver, Options, PlainWeights, Step, WeightSetter};

#[cfg(test)]
mod tests;
