//! The sending end.
//!
//! - `Client` (feature `client`) carries signed requests over sockets.
//! - [`ask`] asks a typed question, [`fan_out`] asks many axons at once, over any transport.
//! - [`Retry`], [`Hedge`], [`Recorder`] and [`Faulty`] wrap a transport; [`Replayer`] replaces one.

#[cfg(feature = "client")]
mod address;
mod answer;
#[cfg(feature = "client")]
mod arriving;
mod ask;
mod fan_out;
mod faulty;
#[cfg(feature = "client")]
mod http;
#[cfg(feature = "client")]
mod limits;
#[cfg(feature = "client")]
mod pool;
mod record;
mod retry;

#[cfg(feature = "client")]
pub use address::is_public;
pub use ask::{ANSWER_BYTES, Answered, AskError, ask};
pub use fan_out::{Answer, FanOut, fan_out};
pub use faulty::{Faults, Faulty};
#[cfg(feature = "client")]
pub use http::{Client, ClientBuilder};
#[cfg(feature = "client")]
pub use limits::ClientLimits;
pub use record::{Recorded, Recorder, Replayer};
pub use retry::{Hedge, NotSent, Retry};

#[cfg(feature = "client")]
pub(crate) use answer::require_proof;
pub(crate) use answer::{authenticate, read_head};
