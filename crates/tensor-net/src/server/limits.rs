//! What one service may use: [`Limits`].

use std::time::Duration;

use crate::admission::Rate;

/// Limits of an axon. Every one of them is a bound on what strangers can make us hold or do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of request line and headers; 16 KiB.
    pub head_bytes: usize,
    /// Bytes of one body; 4 MiB.
    pub body_bytes: usize,
    /// Bytes of all bodies in memory together; 64 MiB.
    pub all_body_bytes: usize,
    /// Requests that are anywhere between arrival and answer; 1,024.
    pub in_flight: usize,
    /// Requests that the miner works on at once; 64.
    pub running: usize,
    /// Proven requests that wait for the miner; 256.
    pub waiting: usize,
    /// Time for the whole body to arrive; 10 s.
    pub body_time: Duration,
    /// Time to wait in the queue and for the miner's answer to begin; 60 s.
    pub handle_time: Duration,
    /// Decoded keys of proven callers that are kept; 4,096.
    pub known_keys: usize,
    /// Requests of one address, counted before anything is verified; no limit. An IPv6 address counts
    /// with its /64.
    pub address_rate: Option<Rate>,
    /// Requests of one hotkey, counted once its signature verified; no limit.
    pub hotkey_rate: Option<Rate>,
    /// Addresses, and hotkeys, whose rates are remembered; 65,536.
    pub rated: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 16 << 10,
            body_bytes: 4 << 20,
            all_body_bytes: 64 << 20,
            in_flight: 1_024,
            running: 64,
            waiting: 256,
            body_time: Duration::from_secs(10),
            handle_time: Duration::from_secs(60),
            known_keys: 4_096,
            address_rate: None,
            hotkey_rate: None,
            rated: 1 << 16,
        }
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident => $field:ident: $kind:ty;)*) => {
        impl Limits {$(
            $(#[$doc])*
            #[must_use]
            pub const fn $name(mut self, $field: $kind) -> Self {
                self.$field = $field;
                self
            }
        )*}
    };
}

setters! {
    /// Sets the bytes of request line and headers.
    with_head_bytes => head_bytes: usize;
    /// Sets the bytes of one body.
    with_body_bytes => body_bytes: usize;
    /// Sets the bytes of all bodies in memory together.
    with_all_body_bytes => all_body_bytes: usize;
    /// Sets the requests between arrival and answer.
    with_in_flight => in_flight: usize;
    /// Sets the requests that the miner works on at once.
    with_running => running: usize;
    /// Sets the proven requests that wait.
    with_waiting => waiting: usize;
    /// Sets the time for the whole body to arrive.
    with_body_time => body_time: Duration;
    /// Sets the time to wait in the queue and for the answer to begin.
    with_handle_time => handle_time: Duration;
    /// Sets how many decoded keys are kept.
    with_known_keys => known_keys: usize;
    /// Sets how often one address may ask.
    with_address_rate => address_rate: Option<Rate>;
    /// Sets how often one hotkey may ask.
    with_hotkey_rate => hotkey_rate: Option<Rate>;
    /// Sets how many addresses and hotkeys are remembered.
    with_rated => rated: usize;
}
