//! Who gets in, and in which order: [`Queue`] bounds the miner's work and serves the urgent first.

mod queue;

pub use queue::{Queue, QueueFull, Slot};
