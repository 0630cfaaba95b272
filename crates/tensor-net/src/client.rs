//! The sending end: `Client` (feature `client`) carries signed requests over sockets, [`fan_out`]
//! asks many axons at once over any transport.

#[cfg(feature = "client")]
mod address;
mod answer;
mod fan_out;
#[cfg(feature = "client")]
mod http;
#[cfg(feature = "client")]
mod pool;

pub(crate) use answer::{authenticate, read_head, require_proof};
pub use fan_out::{Answer, FanOut, fan_out};
#[cfg(feature = "client")]
pub use http::{Client, ClientBuilder, ClientLimits};
