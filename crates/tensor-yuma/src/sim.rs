//! Simulating a subnet over many epochs: who earns what under which behaviour.
//!
//! A [`Scenario`] says who validates with how much stake and which behaviour ([`Behaviour`], or any [`Agent`] of your own),
//! how good the miners are and how that drifts, and by which rule an epoch is computed: the exact chain arithmetic or one of
//! the floating-point [`variants`] from the literature. Running it gives a [`History`] to print, store or plot.
//! [`fork`] starts from a real subnet instead and answers what a change of stake, weights, miners or parameters would do;
//! [`copiers`] finds validators whose weights follow another's.
//!
//! Everything follows from the seed: the same scenario gives the same history on any machine.
//!
//! ```
//! use tensor_yuma::sim::{Behaviour, Scenario, Seat};
//!
//! let mut scenario = Scenario::new("copy", 8, 40);
//! scenario.validators = vec![
//!     Seat::new(500_000_000_000, Behaviour::Honest { noise: 0.02 }),
//!     Seat::new(400_000_000_000, Behaviour::Honest { noise: 0.02 }),
//!     Seat::new(100_000_000_000, Behaviour::Copier { of: None }),
//! ];
//! let history = scenario.run()?;
//! let totals = history.totals();
//! assert!(totals[2].dividends > 0.0);
//! # Ok::<(), tensor_yuma::sim::SimError>(())
//! ```

mod agent;
pub mod copiers;
pub mod fork;
mod history;
mod noise;
mod scenario;
pub mod variants;

#[cfg(feature = "plot")]
pub mod plot;

pub use agent::{Agent, Behaviour, View};
pub use history::{EpochRecord, History, Total};
pub use noise::Noise;
pub use scenario::{Rules, Scenario, Seat, SimError, named};
