//! Who gets in, how often, and in which order.
//!
//! - [`Policy`] decides by hotkey: registration, permit, stake, lists. [`Gated`] puts it before a miner.
//! - [`Rate`] limits how often; the server keeps one count for each address and each hotkey.
//! - [`Queue`] bounds the miner's work and serves the urgent first.

mod policy;
mod queue;
mod rate;

pub use policy::{Gated, Policy};
pub use queue::{Queue, QueueFull, Slot};
pub use rate::{Buckets, Rate};
